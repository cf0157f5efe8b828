/* SPDX-License-Identifier: MIT */
/*
 * unary_vec.h - the functions of unary.h as loops the compiler vectorises; included once an instruction set with QFK_ISA defined.
 */
#include "unary_fast.h"
#include "../vmath.h"

#define CAT2(a, b) a##_##b
#define CAT(a, b) CAT2(a, b)
#define NAME(f) CAT(f, QFK_ISA)

#define EACH(E)                                                                                              \
  for (size_t i = 0; i < n; i++) {                                                                           \
    const float v = x[i];                                                                                    \
    y[i] = (E);                                                                                              \
  }                                                                                                          \
  break

static inline float clamp_f32(float f, float lo, float hi)
{
  f = f < lo ? lo : f;
  return f > hi ? hi : f;
}

static inline float gelu_tanh(float v)
{
  return 0.5f * v * (1.0f + qfk_tanh(0.7978845608f * (v + 0.044715f * v * v * v)));
}

/* Only for operations that qfk_unary_is_vec() lets in. */
void NAME(qfk_unary_f32)(const QfkUnary *p, const float *restrict x, float *restrict y, size_t n)
{
  const float alpha = p->alpha, beta = p->beta, lo = p->lo, hi = p->hi;
  switch (p->op) {
  case QFK_UNARY_ABS: EACH(fabsf(v));
  case QFK_UNARY_NEG: EACH(-v);
  case QFK_UNARY_EXP: EACH(qfk_exp(v));
  case QFK_UNARY_SQRT: EACH(sqrtf(v));
  case QFK_UNARY_RSQRT: EACH(1.0f / sqrtf(v));
  case QFK_UNARY_RECIPROCAL: EACH(1.0f / v);
  case QFK_UNARY_FLOOR: EACH(floorf(v));
  case QFK_UNARY_CEIL: EACH(ceilf(v));
  case QFK_UNARY_ROUND: EACH(rintf(v));
  case QFK_UNARY_ERF: EACH(qfk_erf(v));
  case QFK_UNARY_CLAMP: EACH(clamp_f32(v, lo, hi));
  case QFK_UNARY_LEAKY: EACH(v < 0 ? v * alpha : v);
  case QFK_UNARY_ELU: EACH(v < 0 ? alpha * (qfk_exp(v) - 1.0f) : v);
  case QFK_UNARY_SIGMOID: EACH(qfk_sigmoid(v));
  case QFK_UNARY_HARD_SIGMOID: EACH(clamp_f32(v * alpha + beta, 0, 1));
  case QFK_UNARY_HARD_SWISH: EACH(v * clamp_f32(v + 3.0f, 0, 6) * (1.0f / 6));
  case QFK_UNARY_SILU: EACH(v * qfk_sigmoid(v));
  case QFK_UNARY_TANH: EACH(qfk_tanh(v));
  case QFK_UNARY_GELU: EACH(0.5f * v * (1.0f + qfk_erf(v * 0.70710678f)));
  default: EACH(gelu_tanh(v));
  }
}
