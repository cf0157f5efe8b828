/* SPDX-License-Identifier: MIT */
/*
 * unary_ref.c - elementwise functions of one operand, in plain C. See unary.h.
 */
#include "unary.h"
#include "../nearest.h"

static double sigmoid(double x)
{
  return 1.0 / (1.0 + exp(-x));
}

static double clamp(double x, double lo, double hi)
{
  return x < lo ? lo : x > hi ? hi : x;
}

static double softplus(double x)
{
  return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x));
}

/* One function for each operation: name, value at x. */
#define UNARY_OPS(X)                                                                                         \
  X(ABS, fabs(x))                                                                                            \
  X(NEG, -x)                                                                                                 \
  X(EXP, exp(x))                                                                                             \
  X(LOG, log(x))                                                                                             \
  X(SQRT, sqrt(x))                                                                                           \
  X(RSQRT, 1.0 / sqrt(x))                                                                                    \
  X(RECIPROCAL, 1.0 / x)                                                                                     \
  X(FLOOR, floor(x))                                                                                         \
  X(CEIL, ceil(x))                                                                                           \
  X(ROUND, rint(x))                                                                                          \
  X(SIGN, x > 0 ? 1 : x < 0 ? -1 : x)                                                                        \
  X(SIN, sin(x))                                                                                             \
  X(COS, cos(x))                                                                                             \
  X(ERF, erf(x))                                                                                             \
  X(CLAMP, clamp(x, p->lo, p->hi))                                                                           \
  X(LEAKY, x < 0 ? x * p->alpha : x)                                                                         \
  X(ELU, x < 0 ? p->alpha * expm1(x) : x)                                                                    \
  X(SIGMOID, sigmoid(x))                                                                                     \
  X(HARD_SIGMOID, clamp(p->alpha *x + p->beta, 0, 1))                                                        \
  X(HARD_SWISH, x *clamp(x + 3, 0, 6) / 6)                                                                   \
  X(SILU, x *sigmoid(x))                                                                                     \
  X(TANH, tanh(x))                                                                                           \
  X(GELU, 0.5 * x * (1 + erf(x * 0.70710678118654752440)))                                                   \
  X(GELU_TANH, 0.5 * x * (1 + tanh(0.79788456080286535588 * (x + 0.044715 * x * x * x))))                    \
  X(SOFTPLUS, softplus(x))                                                                                   \
  X(TAN, tan(x))                                                                                             \
  X(ASIN, asin(x))                                                                                           \
  X(ACOS, acos(x))                                                                                           \
  X(ATAN, atan(x))                                                                                           \
  X(SINH, sinh(x))                                                                                           \
  X(COSH, cosh(x))                                                                                           \
  X(ASINH, asinh(x))                                                                                         \
  X(ACOSH, acosh(x))                                                                                         \
  X(ATANH, atanh(x))

#define X(name, value)                                                                                       \
  static double op_##name(const QfkUnary *p, double x)                                                       \
  {                                                                                                          \
    (void)p;                                                                                                 \
    return value;                                                                                            \
  }
UNARY_OPS(X)
#undef X

static double (*const ops[QFK_N_UNARY])(const QfkUnary *, double) = {
#define X(name, value) [QFK_UNARY_##name] = op_##name,
    UNARY_OPS(X)
#undef X
};

double qfk_unary_eval(const QfkUnary *p, double x)
{
  return ops[p->op] ? ops[p->op](p, x) : x;
}

void qfk_unary_f32_ref(const QfkUnary *p, const float *x, float *y, size_t n)
{
  for (size_t i = 0; i < n; i++)
    y[i] = (float)qfk_unary_eval(p, x[i]);
}

void qfk_unary_f64_ref(const QfkUnary *p, const double *x, double *y, size_t n)
{
  for (size_t i = 0; i < n; i++)
    y[i] = qfk_unary_eval(p, x[i]);
}

static int64_t clamp_int(const QfkUnary *p, int64_t x)
{
  if ((double)x < (double)p->lo)
    return qfk_nearest_i64(ceil(p->lo));
  return (double)x > (double)p->hi ? qfk_nearest_i64(floor(p->hi)) : x;
}

static int64_t eval_int(const QfkUnary *p, int64_t x)
{
  const int64_t negated = (int64_t)(0 - (uint64_t)x); /* the least value stays itself */
  return p->op == QFK_UNARY_ABS     ? (x < 0 ? negated : x)
         : p->op == QFK_UNARY_NEG   ? negated
         : p->op == QFK_UNARY_SIGN  ? (x > 0) - (x < 0)
         : p->op == QFK_UNARY_NOT   ? ~x
         : p->op == QFK_UNARY_CLAMP ? clamp_int(p, x)
                                    : x;
}

void qfk_unary_i64_ref(const QfkUnary *p, const int64_t *x, int64_t *y, size_t n)
{
  for (size_t i = 0; i < n; i++)
    y[i] = eval_int(p, x[i]);
}

static uint64_t eval_unsigned(const QfkUnary *p, uint64_t x)
{
  if (p->op == QFK_UNARY_CLAMP)
    return (double)x < (double)p->lo   ? qfk_nearest_u64(ceil(p->lo))
           : (double)x > (double)p->hi ? qfk_nearest_u64(floor(p->hi))
                                       : x;
  return p->op == QFK_UNARY_NEG ? 0 - x : p->op == QFK_UNARY_SIGN ? x > 0 : p->op == QFK_UNARY_NOT ? ~x : x;
}

void qfk_unary_u64_ref(const QfkUnary *p, const uint64_t *x, uint64_t *y, size_t n)
{
  for (size_t i = 0; i < n; i++)
    y[i] = eval_unsigned(p, x[i]);
}

int32_t qfk_unary_quantized(const QfkUnary *p, int32_t q, float x_scale, int32_t x_zero, float y_scale,
                            int32_t y_zero, int32_t lo, int32_t hi)
{
  double y = rint(qfk_unary_eval(p, (double)(q - x_zero) * (double)x_scale) / (double)y_scale) + y_zero;
  return !(y > lo) ? lo : y > hi ? hi : (int32_t)y;
}

void qfk_unary_table(const QfkUnary *p, QfkInt x_type, float x_scale, int32_t x_zero, QfkInt y_type,
                     float y_scale, int32_t y_zero, uint8_t *table)
{
  const int32_t lo = y_type == QFK_S8 ? -128 : 0;
  for (int32_t i = 0; i < 256; i++) {
    int32_t q = x_type == QFK_S8 ? (int8_t)i : i;
    table[i] = (uint8_t)qfk_unary_quantized(p, q, x_scale, x_zero, y_scale, y_zero, lo, lo + 255);
  }
}

void qfk_lookup_u8_ref(const uint8_t *table, const uint8_t *x, uint8_t *y, size_t n)
{
  for (size_t i = 0; i < n; i++)
    y[i] = table[x[i]];
}
