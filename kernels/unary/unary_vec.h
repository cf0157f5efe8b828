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

static void (*const functions[QFK_N_UNARY])(const QfkUnary *p, const float *x, float *y, size_t n) = {
#define QFK_UNARY_VEC(op, name) [op] = f_##name,
#include "unary_ops.inc"
#undef QFK_UNARY_VEC
};

void NAME(qfk_unary_f32)(const QfkUnary *p, const float *x, float *y, size_t n)
{
  functions[p->op](p, x, y, n);
}
