/* SPDX-License-Identifier: MIT */
/*
 * epilogue.h - what the weighted families (conv, dwconv, gemm) do with a sum before they store it.
 *
 * float32: y = act(sum + bias + residual). Integers: y = requant(sum + bias), see QfkRequant; there an activation exists only
 * as its bounds lo and hi. The one definition of both in C is here, so that every reference and every tail agrees.
 */
#ifndef QFK_EPILOGUE_H
#define QFK_EPILOGUE_H

#include "common.h"
#include "fixed.h"
#include <math.h>

/* The values of QfActivation in ops/op.h; the CPU backend asserts that they agree. */
typedef enum {
  QFK_ACT_NONE = 0,
  QFK_ACT_CLAMP,
  QFK_ACT_HARD_SWISH,
  QFK_ACT_SIGMOID,
  QFK_ACT_SILU,
  QFK_ACT_TANH,
  QFK_ACT_PRELU,
  QFK_ACT_LEAKY,
  QFK_ACT_GELU,
  QFK_N_ACTS
} QfkAct;

/* Activation of a float kernel. All zero: none. */
typedef struct {
  int32_t act;        /* QfkAct */
  float lo, hi;       /* of CLAMP */
  float alpha;        /* of LEAKY */
  const float *slope; /* of PRELU, one per output channel */
} QfkEpilogue;

/* Storage of integer activations and weights. */
typedef enum { QFK_U8 = 0, QFK_S8, QFK_U16, QFK_S16 } QfkInt;

/* The integer side of a weighted kernel. With 8-bit input the sum is exact in int32 (the backend checks that it cannot
 * overflow), with 16-bit input it is int64. */
typedef struct {
  QfkInt x_type, w_type, y_type;
  int32_t x_zero;        /* zero point of the input; padding counts as this value */
  const int32_t *w_zero; /* zero points of the weights, one per output channel; NULL: all 0 */
  const int32_t *bias;   /* one per output channel; NULL: none */
  QfkRequant requant;    /* of the output */
} QfkIntArgs;

static inline float qfk_act_scalar(const QfkEpilogue *e, float x, size_t channel)
{
  switch (e->act) {
  case QFK_ACT_CLAMP: return x < e->lo ? e->lo : x > e->hi ? e->hi : x;
  case QFK_ACT_HARD_SWISH: return x * fminf(fmaxf(x + 3.0f, 0.0f), 6.0f) * (1.0f / 6.0f);
  case QFK_ACT_SIGMOID: return 1.0f / (1.0f + expf(-x));
  case QFK_ACT_SILU: return x / (1.0f + expf(-x));
  case QFK_ACT_TANH: return tanhf(x);
  case QFK_ACT_PRELU: return x < 0 ? x * e->slope[channel] : x;
  case QFK_ACT_LEAKY: return x < 0 ? x * e->alpha : x;
  case QFK_ACT_GELU: return 0.5f * x * (1.0f + erff(x * 0.70710678118654752f));
  default: return x;
  }
}

/* The `float` requantisation. Clamping before the rounding is the same as after it, for the bounds are integers, and keeps
 * the conversion in range. */
static inline int32_t qfk_requant(const QfkRequant *r, int64_t acc, size_t channel)
{
  if (r->fixed) {
    const QfkFixed m = r->fixed[r->per_channel ? channel : 0];
    const int32_t scaled = r->once && r->wide ? qfk_once_mul_wide(m, acc)
                           : r->once          ? qfk_once_mul(m, qfk_fixed_saturate(acc))
                           : r->single        ? qfk_fixed_mul_single(m, acc)
                           : r->wide          ? qfk_fixed_mul_wide(m, acc)
                                              : qfk_fixed_mul(m, (int32_t)acc);
    const int64_t v = (int64_t)scaled + r->zero_point;
    return (int32_t)(v < r->lo ? r->lo : v > r->hi ? r->hi : v);
  }
  float f = (float)acc * r->m[r->per_channel ? channel : 0];
  f = fmaxf(f, (float)(r->lo - r->zero_point));
  f = fminf(f, (float)(r->hi - r->zero_point));
  return (int32_t)lrintf(f) + r->zero_point;
}

/* The one multiplier of a weighted operator, from the scales of input, weights and output. All backends must agree on it. */
static inline float qfk_requant_scale(float x_scale, float w_scale, float y_scale)
{
  return (float)((double)x_scale * (double)w_scale / (double)y_scale);
}

/* The integer bound of a real one (an activation's lo or hi), within [min, max] of the output's type. */
static inline int32_t qfk_requant_bound(float real, float y_scale, int32_t y_zero, int32_t min, int32_t max)
{
  double q = rint((double)real / (double)y_scale) + y_zero;
  return q <= min ? min : q >= max ? max : (int32_t)q;
}

static inline int32_t qfk_load_int(const void *p, QfkInt type, size_t i)
{
  switch (type) {
  case QFK_U8: return ((const uint8_t *)p)[i];
  case QFK_S8: return ((const int8_t *)p)[i];
  case QFK_U16: return ((const uint16_t *)p)[i];
  default: return ((const int16_t *)p)[i];
  }
}

static inline void qfk_store_int(void *p, QfkInt type, size_t i, int32_t v)
{
  if (type <= QFK_S8)
    ((uint8_t *)p)[i] = (uint8_t)v;
  else
    ((uint16_t *)p)[i] = (uint16_t)v;
}

/* Bytes an element. */
static inline size_t qfk_int_size(QfkInt type)
{
  return type <= QFK_S8 ? 1 : 2;
}

#endif
