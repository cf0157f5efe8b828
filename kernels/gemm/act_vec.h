/* SPDX-License-Identifier: MIT */
/*
 * act_vec.h - activations on a row of floats that was just stored, for vectors V of LANES floats; included by one file an instruction
 * set, which defines these, SUFFIX and the few operations below that C's operators on vectors do not give.
 *
 * exp(x) = 2^n * p(r), r = x - n ln 2 in two parts, p a polynomial of degree 6 on |r| <= ln 2 / 2 (Taylor's, whose error there is
 * 1e-7). tanh(x) = 1 - 2 / (exp(2x) + 1). erf(x / sqrt 2) = x p(x^2) / q(x^2) on |x| <= 5.4, of degree 5 each, fitted for the
 * least largest error there (1.1e-8, in float32 3e-7).
 */
#include "tile.h"

#define CAT2(a, b) a##b
#define CAT(a, b) CAT2(a, b)

/*
 * SET(x): x in every lane. LOAD(p), STORE(p, v): anywhere. FMA(a, b, c): a * b + c, rounded once. LARGER(a, b), SMALLER(a, b): @b where
 * one is NaN. ROUND(x): to even. SCALE(p, n): p * 2^n. IF_NEGATIVE(x, a, b): a where x has a sign, else b. IF_LESS(x, y, a, b).
 * NEGATE(x).
 */

static inline V exp_v(V x)
{
  x = SMALLER(SET(88.3f), LARGER(SET(-87.3f), x));
  const V n = ROUND(x * SET(1.44269504f));
  V r = FMA(n, SET(-0.693359375f), x);
  r = FMA(n, SET(2.12194440e-4f), r);
  V p = SET(1.0f / 720);
  p = FMA(p, r, SET(1.0f / 120));
  p = FMA(p, r, SET(1.0f / 24));
  p = FMA(p, r, SET(1.0f / 6));
  p = FMA(p, r, SET(0.5f));
  p = FMA(p, r, SET(1.0f));
  p = FMA(p, r, SET(1.0f));
  return SCALE(p, n);
}

static V act_clamp(const QfkEpilogue *e, V x, const float *slope)
{
  return SMALLER(SET(e->hi), LARGER(SET(e->lo), x));
}

static V act_hard_swish(const QfkEpilogue *e, V x, const float *slope)
{
  return x * SMALLER(SET(6), LARGER(SET(0), x + SET(3))) * SET(1.0f / 6);
}

static V act_sigmoid(const QfkEpilogue *e, V x, const float *slope)
{
  return SET(1) / (SET(1) + exp_v(NEGATE(x)));
}

static V act_silu(const QfkEpilogue *e, V x, const float *slope)
{
  return x / (SET(1) + exp_v(NEGATE(x)));
}

static V act_tanh(const QfkEpilogue *e, V x, const float *slope)
{
  const V y = SET(1) - SET(2) / (SET(1) + exp_v(x + x));
  /* Near 0 the difference loses digits: x - x^3/3 + 2 x^5/15. */
  const V s = x * x, small = FMA(FMA(s, SET(2.0f / 15), SET(-1.0f / 3)), s * x, x);
  return IF_LESS(s, SET(0.01f), small, y);
}

static V act_prelu(const QfkEpilogue *e, V x, const float *slope)
{
  return IF_NEGATIVE(x, x * LOAD(slope), x);
}

static V act_leaky(const QfkEpilogue *e, V x, const float *slope)
{
  return IF_NEGATIVE(x, x * SET(e->alpha), x);
}

static V act_gelu(const QfkEpilogue *e, V x, const float *slope)
{
  const V z = SMALLER(SET(5.4f), LARGER(SET(-5.4f), x)), u = z * z;
  V p = SET(4.67733301e-8f), q = SET(1.21658923e-6f);
  p = FMA(p, u, SET(1.27200456e-5f));
  q = FMA(q, u, SET(7.2400413e-5f));
  p = FMA(p, u, SET(3.28644906e-4f));
  q = FMA(q, u, SET(1.85898575e-3f));
  p = FMA(p, u, SET(9.30171181e-3f));
  q = FMA(q, u, SET(0.0283787306f));
  p = FMA(p, u, SET(0.0667446107f));
  q = FMA(q, u, SET(0.25031805f));
  p = FMA(p, u, SET(0.797884464f));
  q = FMA(q, u, SET(1));
  const V half = SET(0.5f) * x, y = FMA(half, p * z / q, half);
  return IF_LESS(x, SET(-5.4f), SET(0) * x,
                 y); /* the last digits of erf times a large number are not small */
}

typedef V (*Vector)(const QfkEpilogue *e, V x, const float *slope);

/* The values after the last whole vector go through a buffer. */
static inline __attribute__((always_inline)) void along(const QfkEpilogue *e, float *y, size_t n,
                                                        size_t channel, Vector fn)
{
  const float *slope =
      e->act == QFK_ACT_PRELU ? e->slope + channel : NULL; /* others may pass channel 0 for all */
  size_t i = 0;
  for (; i + LANES <= n; i += LANES)
    STORE(y + i, fn(e, LOAD(y + i), slope ? slope + i : NULL));
  if (i == n)
    return;
  float x[LANES] = {0}, s[LANES] = {0};
  for (size_t j = i; j < n; j++) {
    x[j - i] = y[j];
    s[j - i] = slope ? slope[j] : 0;
  }
  STORE(x, fn(e, LOAD(x), s));
  for (size_t j = i; j < n; j++)
    y[j] = x[j - i];
}

#define ROW(name)                                                                                            \
  static void row_##name(const QfkEpilogue *e, float *y, size_t n, size_t channel)                           \
  {                                                                                                          \
    along(e, y, n, channel, act_##name);                                                                     \
  }
ROW(clamp)
ROW(hard_swish)
ROW(sigmoid)
ROW(silu)
ROW(tanh)
ROW(prelu)
ROW(leaky)
ROW(gelu)

void CAT(qfk_act_f32_, SUFFIX)(const QfkEpilogue *e, float *y, size_t n, size_t channel)
{
  static const QfkActFunc rows[QFK_N_ACTS] = {
      [QFK_ACT_CLAMP] = row_clamp,     [QFK_ACT_HARD_SWISH] = row_hard_swish,
      [QFK_ACT_SIGMOID] = row_sigmoid, [QFK_ACT_SILU] = row_silu,
      [QFK_ACT_TANH] = row_tanh,       [QFK_ACT_PRELU] = row_prelu,
      [QFK_ACT_LEAKY] = row_leaky,     [QFK_ACT_GELU] = row_gelu,
  };
  if (rows[e->act])
    rows[e->act](e, y, n, channel);
}
