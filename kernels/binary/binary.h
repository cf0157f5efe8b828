/* SPDX-License-Identifier: MIT */
/*
 * binary.h - elementwise operations of two operands that broadcast: y = act(op(a, b)).
 *
 * Operands of the loop nest: y, a, b. After collapsing, the row strides of a and b are 0 or 1 each and y is dense.
 *
 * Integer arithmetic on encoded values, q with zero point z and scale s (real = (q - z) * s), in float32 without FMA; clampf
 * means max(lo) then min(hi) on floats, rint rounds half to even, lo and hi hold the type's range and a fused clamp:
 *   ADD, SUB   y = rint(clampf((qa * ma + qb * mb) + c)),  ma = sa / sy, mb = sb / sy (negated for SUB),
 *              c = zy - za * ma - zb * mb (evaluated in double from the double ratios, each rounded to float once)
 *   MUL        y = rint(clampf(p * ma) ) + zy, p = (qa - za) * (qb - zb) exact, converted to float, ma = sa * sb / sy,
 *              clampf to [lo - zy, hi - zy]
 *   MAX, MIN   y = rint(clampf(op(qa * ma + ca, qb * mb + cb))), ca = zy - za * ma
 *   In the `fixed` scheme (QfkBinaryFixed) these are, in integers, with one rounding:
 *   ADD, SUB   y = clamp((qa * a + qb * b + ca) >> shift)
 *   MUL        y = clamp(qfk_once_mul(m, p) + zy)
 *   MAX, MIN   y = clamp(op(qa * a + ca, qb * b + cb) >> shift)
 *   others, and any with an activation that is no clamp:
 *              y = rint(clampf(act(op((qa - za) * sa, (qb - zb) * sb)) * (1 / sy))) + zy
 */
#ifndef QFK_BINARY_H
#define QFK_BINARY_H

#include "../nd.h"
#include "../epilogue.h"

typedef enum {
  QFK_BINARY_ADD = 0,
  QFK_BINARY_SUB,
  QFK_BINARY_MUL,
  QFK_BINARY_DIV, /* integers: toward zero; by zero gives 0 */
  QFK_BINARY_MAX,
  QFK_BINARY_MIN,
  QFK_BINARY_POW,
  QFK_BINARY_FLOORDIV,
  QFK_BINARY_MOD,  /* sign of b */
  QFK_BINARY_FMOD, /* sign of a */
  QFK_BINARY_SQUARED_DIFFERENCE,
  QFK_BINARY_PRELU, /* a < 0 ? a * b : a */
  QFK_BINARY_AND,   /* integers only, as are the next four */
  QFK_BINARY_OR,
  QFK_BINARY_XOR,
  QFK_BINARY_SHIFT_LEFT,  /* by 64 and more: 0 */
  QFK_BINARY_SHIFT_RIGHT, /* the sign comes in, zeros when there is none */
  QFK_BINARY_EQUAL,       /* from here on y is 0 or 1 */
  QFK_BINARY_NOT_EQUAL,
  QFK_BINARY_LESS,
  QFK_BINARY_LESS_EQUAL,
  QFK_BINARY_GREATER,
  QFK_BINARY_GREATER_EQUAL,
  QFK_N_BINARY
} QfkBinaryOp;

/* The `fixed` scheme: multipliers times 2^shift, of 15 bits (16-bit data: of 31); constants hold half a step. */
typedef struct {
  int32_t a, b, shift;
  int64_t ca, cb;
  QfkFixed m; /* MUL */
  bool wide;  /* m is for qfk_once_mul_wide() */
} QfkBinaryFixed;

/* Constants of the integer form; filled by qfk_binary_int_init(). */
typedef struct {
  QfkInt a_type, b_type, y_type;
  float a_scale, b_scale, y_inverse; /* for the general form */
  int32_t a_zero, b_zero, y_zero;
  float ma, mb, ca, cb; /* for ADD and SUB the constant is in ca */
  int32_t lo, hi;
  const QfkBinaryFixed *fixed; /* the `fixed` scheme; NULL: not. References and HVX only */
} QfkBinaryInt;

typedef struct {
  QfkBinaryOp op;
  QfkNd nd;
  QfkEpilogue act;
  QfkBinaryInt q; /* integer kernels only */
} QfkBinary;

/* TRUE when the operation on @act has one of the three cheap integer forms, which SIMD kernels implement. */
static inline bool qfk_binary_is_linear(QfkBinaryOp op, int32_t act)
{
  return op <= QFK_BINARY_MIN && op != QFK_BINARY_DIV && act <= QFK_ACT_CLAMP;
}

/* An encoding of a whole tensor. */
typedef struct {
  QfkInt type;
  float scale;
  int32_t zero;
} QfkEncoding;

/* Fills p->q from the encodings and from op and act, which are set. */
void qfk_binary_int_init(QfkBinary *p, QfkEncoding a, QfkEncoding b, QfkEncoding y);

/* Fills @f and links it: for what qfk_binary_is_linear(), after qfk_binary_int_init() with the same encodings. */
void qfk_binary_fixed_init(QfkBinary *p, QfkBinaryFixed *f, QfkEncoding a, QfkEncoding b, QfkEncoding y);

/* In the type of the name; for floats AND, OR and XOR are not defined. Comparisons give 0 and 1 of that type. */
void qfk_binary_f32_ref(const QfkBinary *p, const float *a, const float *b, float *y);
void qfk_binary_f64_ref(const QfkBinary *p, const double *a, const double *b, double *y);
void qfk_binary_i64_ref(const QfkBinary *p, const int64_t *a, const int64_t *b, int64_t *y);
void qfk_binary_u64_ref(const QfkBinary *p, const uint64_t *a, const uint64_t *b, uint64_t *y);

/* The integer form, any types. Not for comparisons. */
void qfk_binary_int_ref(const QfkBinary *p, const void *a, const void *b, void *y);

#endif
