/* SPDX-License-Identifier: MIT */
/*
 * reduce.h - many values to one along axes; index of the extreme; running sums; the k largest.
 *
 * A reduction is a loop nest of two operands: the output y (stride 0 along reduced dimensions) and x. Float sums are taken in double.
 * Encoded integers: SUM and MEAN add up q - x_zero exactly in int64, MAX and MIN choose an integer; then
 * y = requant(sum) with m = x_scale / y_scale / (MEAN ? count : 1) in double, rounded to float once.
 */
#ifndef QFK_REDUCE_H
#define QFK_REDUCE_H

#include "../nd.h"
#include "../epilogue.h"

typedef enum {
  QFK_REDUCE_SUM = 0,
  QFK_REDUCE_MEAN,
  QFK_REDUCE_MAX,
  QFK_REDUCE_MIN,
  QFK_REDUCE_PROD,
  QFK_REDUCE_SUM_SQUARE,
  QFK_REDUCE_L2,
  QFK_N_REDUCE
} QfkReduceOp;

typedef struct {
  QfkReduceOp op;
  /* Kept dimensions first, then reduced ones: y is walked densely over the first n_kept. Operands y, x. */
  QfkNd kept;    /* walks y (dense) and x */
  QfkNd reduced; /* walks x below one output: operand 0 is unused, operand 1 is x */
  int64_t count; /* elements that make one output */
} QfkReduce;

typedef struct {
  QfkInt x_type, y_type;
  int32_t x_zero;
  QfkRequant requant;
} QfkReduceInt;

void qfk_reduce_f32_ref(const QfkReduce *p, const float *x, float *y);
void qfk_reduce_f64_ref(const QfkReduce *p, const double *x, double *y);
void qfk_reduce_i64_ref(const QfkReduce *p, const int64_t *x, int64_t *y);
void qfk_reduce_u64_ref(const QfkReduce *p, const uint64_t *x, uint64_t *y);
/* SUM, MEAN, MAX and MIN. */
void qfk_reduce_int_ref(const QfkReduce *p, const QfkReduceInt *q, const void *x, void *y);

/* Along the middle of [outer, n, inner]. */
typedef struct {
  int64_t outer, n, inner;
  bool min;                /* arg: smallest instead of largest; top k: smallest first */
  bool last;               /* arg: of equal values take the last */
  bool exclusive, reverse; /* cumsum */
  bool product;            /* cumsum: multiply instead */
  int64_t k;               /* top k */
} QfkAxis;

/* y [outer, inner]. NaN never wins. */
void qfk_arg_f32_ref(const QfkAxis *p, const float *x, int64_t *y);
void qfk_arg_f64_ref(const QfkAxis *p, const double *x, int64_t *y);
void qfk_arg_i64_ref(const QfkAxis *p, const int64_t *x, int64_t *y);
void qfk_arg_u64_ref(const QfkAxis *p, const uint64_t *x, int64_t *y);

void qfk_cumsum_f32_ref(const QfkAxis *p, const float *x, float *y);
void qfk_cumsum_f64_ref(const QfkAxis *p, const double *x, double *y);
void qfk_cumsum_i64_ref(const QfkAxis *p, const int64_t *x, int64_t *y);
void qfk_cumsum_u64_ref(const QfkAxis *p, const uint64_t *x, uint64_t *y);

/* values, indices [outer, k, inner], best first; of equal values the lower index comes first. */
void qfk_topk_f32_ref(const QfkAxis *p, const float *x, float *values, int64_t *indices);
void qfk_topk_f64_ref(const QfkAxis *p, const double *x, double *values, int64_t *indices);
void qfk_topk_i64_ref(const QfkAxis *p, const int64_t *x, int64_t *values, int64_t *indices);
void qfk_topk_u64_ref(const QfkAxis *p, const uint64_t *x, uint64_t *values, int64_t *indices);

#endif
