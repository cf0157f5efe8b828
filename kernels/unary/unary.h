/* SPDX-License-Identifier: MIT */
/*
 * unary.h - elementwise functions of one operand.
 *
 * The reference evaluates in double and rounds once; fast kernels are checked within a tolerance. 8-bit integers go through a table
 * of 256 bytes, made once by qfk_unary_table(): y = clamp(rint(f((q - zx) * sx) / sy) + zy) in double.
 */
#ifndef QFK_UNARY_H
#define QFK_UNARY_H

#include "../epilogue.h"

typedef enum {
  QFK_UNARY_ABS = 0,
  QFK_UNARY_NEG,
  QFK_UNARY_EXP,
  QFK_UNARY_LOG,
  QFK_UNARY_SQRT,
  QFK_UNARY_RSQRT,
  QFK_UNARY_RECIPROCAL,
  QFK_UNARY_FLOOR,
  QFK_UNARY_CEIL,
  QFK_UNARY_ROUND, /* halves to even */
  QFK_UNARY_SIGN,
  QFK_UNARY_SIN,
  QFK_UNARY_COS,
  QFK_UNARY_NOT, /* integers: bits; bool: 1 - x */
  QFK_UNARY_ERF,
  QFK_UNARY_CLAMP, /* lo, hi */
  QFK_UNARY_LEAKY, /* alpha */
  QFK_UNARY_ELU,   /* alpha */
  QFK_UNARY_SIGMOID,
  QFK_UNARY_HARD_SIGMOID, /* alpha, beta */
  QFK_UNARY_HARD_SWISH,
  QFK_UNARY_SILU,
  QFK_UNARY_TANH,
  QFK_UNARY_GELU,
  QFK_UNARY_GELU_TANH,
  QFK_UNARY_SOFTPLUS,
  QFK_UNARY_TAN,
  QFK_UNARY_ASIN,
  QFK_UNARY_ACOS,
  QFK_UNARY_ATAN,
  QFK_UNARY_SINH,
  QFK_UNARY_COSH,
  QFK_UNARY_ASINH,
  QFK_UNARY_ACOSH,
  QFK_UNARY_ATANH,
  QFK_N_UNARY
} QfkUnaryOp;

typedef struct {
  QfkUnaryOp op;
  float alpha, beta, lo, hi;
} QfkUnary;

/* The function itself. */
double qfk_unary_eval(const QfkUnary *p, double x);

void qfk_unary_f32_ref(const QfkUnary *p, const float *x, float *y, size_t n);
void qfk_unary_f64_ref(const QfkUnary *p, const double *x, double *y, size_t n);
/* ABS, NEG, SIGN, CLAMP and NOT (of all bits); the others leave x as it is. */
void qfk_unary_i64_ref(const QfkUnary *p, const int64_t *x, int64_t *y, size_t n);
void qfk_unary_u64_ref(const QfkUnary *p, const uint64_t *x, uint64_t *y, size_t n);

/* One encoded value, by the definition above. @lo and @hi: range of the output's type. */
int32_t qfk_unary_quantized(const QfkUnary *p, int32_t q, float x_scale, int32_t x_zero, float y_scale,
                            int32_t y_zero, int32_t lo, int32_t hi);

/* table[byte of x] = byte of y, for 8-bit types. */
void qfk_unary_table(const QfkUnary *p, QfkInt x_type, float x_scale, int32_t x_zero, QfkInt y_type,
                     float y_scale, int32_t y_zero, uint8_t *table);

/* y[i] = table[x[i]]. */
void qfk_lookup_u8_ref(const uint8_t *table, const uint8_t *x, uint8_t *y, size_t n);

#endif
