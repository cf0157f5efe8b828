/* SPDX-License-Identifier: MIT */
/*
 * unary_vec.h - the functions of unary.h as loops the compiler vectorises; included once an instruction set with QFK_ISA defined.
 */
#include "unary_fast.h"
#include "../vmath.h"

#define CAT2(a, b) a##_##b
#define CAT(a, b) CAT2(a, b)
#define NAME(f) CAT(f, QFK_ISA)

static inline float clamp_f32(float f, float lo, float hi)
{
  f = f < lo ? lo : f;
  return f > hi ? hi : f;
}

static inline float gelu_tanh(float v)
{
  return 0.5f * v * (1.0f + qfk_tanh(0.7978845608f * (v + 0.044715f * v * v * v)));
}

#define EACH(name, E)                                                                                        \
  static void name(const QfkUnary *p, const float *restrict x, float *restrict y, size_t n)                  \
  {                                                                                                          \
    for (size_t i = 0; i < n; i++) {                                                                         \
      const float v = x[i];                                                                                  \
      y[i] = (E);                                                                                            \
    }                                                                                                        \
  }

EACH(f_abs, fabsf(v))
EACH(f_neg, -v)
EACH(f_exp, qfk_exp(v))
EACH(f_sqrt, sqrtf(v))
EACH(f_rsqrt, 1.0f / sqrtf(v))
EACH(f_reciprocal, 1.0f / v)
EACH(f_floor, floorf(v))
EACH(f_ceil, ceilf(v))
EACH(f_round, rintf(v))
EACH(f_erf, qfk_erf(v))
EACH(f_clamp, clamp_f32(v, p->lo, p->hi))
EACH(f_leaky, v < 0 ? v * p->alpha : v)
EACH(f_elu, v < 0 ? p->alpha * (qfk_exp(v) - 1.0f) : v)
EACH(f_sigmoid, qfk_sigmoid(v))
EACH(f_hard_sigmoid, clamp_f32(v * p->alpha + p->beta, 0, 1))
EACH(f_hard_swish, v *clamp_f32(v + 3.0f, 0, 6) * (1.0f / 6))
EACH(f_silu, v *qfk_sigmoid(v))
EACH(f_tanh, qfk_tanh(v))
EACH(f_gelu, 0.5f * v * (1.0f + qfk_erf(v * 0.70710678f)))
EACH(f_gelu_tanh, gelu_tanh(v))

/* What qfk_unary_is_vec() lets in. */
static void (*const functions[QFK_N_UNARY])(const QfkUnary *p, const float *x, float *y, size_t n) = {
    [QFK_UNARY_ABS] = f_abs,
    [QFK_UNARY_NEG] = f_neg,
    [QFK_UNARY_EXP] = f_exp,
    [QFK_UNARY_SQRT] = f_sqrt,
    [QFK_UNARY_RSQRT] = f_rsqrt,
    [QFK_UNARY_RECIPROCAL] = f_reciprocal,
    [QFK_UNARY_FLOOR] = f_floor,
    [QFK_UNARY_CEIL] = f_ceil,
    [QFK_UNARY_ROUND] = f_round,
    [QFK_UNARY_ERF] = f_erf,
    [QFK_UNARY_CLAMP] = f_clamp,
    [QFK_UNARY_LEAKY] = f_leaky,
    [QFK_UNARY_ELU] = f_elu,
    [QFK_UNARY_SIGMOID] = f_sigmoid,
    [QFK_UNARY_HARD_SIGMOID] = f_hard_sigmoid,
    [QFK_UNARY_HARD_SWISH] = f_hard_swish,
    [QFK_UNARY_SILU] = f_silu,
    [QFK_UNARY_TANH] = f_tanh,
    [QFK_UNARY_GELU] = f_gelu,
    [QFK_UNARY_GELU_TANH] = f_gelu_tanh,
};

void NAME(qfk_unary_f32)(const QfkUnary *p, const float *x, float *y, size_t n)
{
  functions[p->op](p, x, y, n);
}
