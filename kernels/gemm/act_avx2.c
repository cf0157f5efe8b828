/* SPDX-License-Identifier: MIT */
/*
 * act_avx2.c - activations on a row of floats that was just stored.
 *
 * exp(x) = 2^n * p(r), r = x - n ln 2 in two parts, p a polynomial of degree 6 on |r| <= ln 2 / 2 (Taylor's, whose error there is
 * 1e-7). tanh(x) = 1 - 2 / (exp(2x) + 1); erf by Abramowitz and Stegun 7.1.26 (1.5e-7 absolute).
 */
#include "tile.h"

#include <immintrin.h>

#define SET(x) _mm256_set1_ps(x)

static inline __m256 exp8(__m256 x)
{
  x = _mm256_min_ps(SET(88.3f), _mm256_max_ps(SET(-87.3f), x));
  __m256 n =
      _mm256_round_ps(_mm256_mul_ps(x, SET(1.44269504f)), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  __m256 r = _mm256_fnmadd_ps(n, SET(0.693359375f), x);
  r = _mm256_fnmadd_ps(n, SET(-2.12194440e-4f), r);
  __m256 p = SET(1.0f / 720);
  p = _mm256_fmadd_ps(p, r, SET(1.0f / 120));
  p = _mm256_fmadd_ps(p, r, SET(1.0f / 24));
  p = _mm256_fmadd_ps(p, r, SET(1.0f / 6));
  p = _mm256_fmadd_ps(p, r, SET(0.5f));
  p = _mm256_fmadd_ps(p, r, SET(1.0f));
  p = _mm256_fmadd_ps(p, r, SET(1.0f));
  __m256i e = _mm256_slli_epi32(_mm256_cvtps_epi32(n), 23);
  return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(p), e));
}

static inline __m256 negate(__m256 x)
{
  return _mm256_xor_ps(x, SET(-0.0f));
}

static __m256 act_clamp(const QfkEpilogue *e, __m256 x, const float *slope)
{
  return _mm256_min_ps(SET(e->hi), _mm256_max_ps(SET(e->lo), x));
}

static __m256 act_hard_swish(const QfkEpilogue *e, __m256 x, const float *slope)
{
  __m256 g = _mm256_min_ps(SET(6), _mm256_max_ps(_mm256_setzero_ps(), _mm256_add_ps(x, SET(3))));
  return _mm256_mul_ps(_mm256_mul_ps(x, g), SET(1.0f / 6));
}

static __m256 act_sigmoid(const QfkEpilogue *e, __m256 x, const float *slope)
{
  return _mm256_div_ps(SET(1), _mm256_add_ps(SET(1), exp8(negate(x))));
}

static __m256 act_silu(const QfkEpilogue *e, __m256 x, const float *slope)
{
  return _mm256_div_ps(x, _mm256_add_ps(SET(1), exp8(negate(x))));
}

static __m256 act_tanh(const QfkEpilogue *e, __m256 x, const float *slope)
{
  __m256 d = _mm256_add_ps(SET(1), exp8(_mm256_add_ps(x, x)));
  __m256 y = _mm256_sub_ps(SET(1), _mm256_div_ps(SET(2), d));
  /* Near 0 the difference loses digits: x - x^3/3 + 2 x^5/15. */
  __m256 s = _mm256_mul_ps(x, x);
  __m256 small = _mm256_fmadd_ps(_mm256_fmadd_ps(s, SET(2.0f / 15), SET(-1.0f / 3)), _mm256_mul_ps(s, x), x);
  __m256 is_small = _mm256_cmp_ps(s, SET(0.01f), _CMP_LT_OQ);
  return _mm256_blendv_ps(y, small, is_small);
}

static __m256 act_prelu(const QfkEpilogue *e, __m256 x, const float *slope)
{
  return _mm256_blendv_ps(x, _mm256_mul_ps(x, _mm256_loadu_ps(slope)), x);
}

static __m256 act_leaky(const QfkEpilogue *e, __m256 x, const float *slope)
{
  return _mm256_blendv_ps(x, _mm256_mul_ps(x, SET(e->alpha)), x);
}

static __m256 act_gelu(const QfkEpilogue *e, __m256 x, const float *slope)
{
  __m256 z = _mm256_andnot_ps(SET(-0.0f), _mm256_mul_ps(x, SET(0.70710678f)));
  __m256 u = _mm256_div_ps(SET(1), _mm256_fmadd_ps(z, SET(0.3275911f), SET(1)));
  __m256 p = SET(1.061405429f);
  p = _mm256_fmadd_ps(p, u, SET(-1.453152027f));
  p = _mm256_fmadd_ps(p, u, SET(1.421413741f));
  p = _mm256_fmadd_ps(p, u, SET(-0.284496736f));
  p = _mm256_fmadd_ps(p, u, SET(0.254829592f));
  __m256 tail = _mm256_mul_ps(_mm256_mul_ps(p, u), exp8(negate(_mm256_mul_ps(z, z)))); /* 1 - erf(z) */
  /* 1 + erf(x / sqrt 2): 2 - tail for x > 0, tail below. */
  __m256 one_plus = _mm256_blendv_ps(_mm256_sub_ps(SET(2), tail), tail, x);
  return _mm256_mul_ps(_mm256_mul_ps(SET(0.5f), x), one_plus);
}

typedef __m256 (*Vector)(const QfkEpilogue *e, __m256 x, const float *slope);

/* The values after the last whole vector go through a buffer. */
static inline __attribute__((always_inline)) void along(const QfkEpilogue *e, float *y, size_t n,
                                                        size_t channel, Vector fn)
{
  const float *slope =
      e->act == QFK_ACT_PRELU ? e->slope + channel : NULL; /* others may pass channel 0 for all */
  size_t i = 0;
  for (; i + 8 <= n; i += 8)
    _mm256_storeu_ps(y + i, fn(e, _mm256_loadu_ps(y + i), slope ? slope + i : NULL));
  if (i == n)
    return;
  float x[8] = {0}, s[8] = {0};
  for (size_t j = i; j < n; j++) {
    x[j - i] = y[j];
    s[j - i] = slope ? slope[j] : 0;
  }
  _mm256_storeu_ps(x, fn(e, _mm256_loadu_ps(x), s));
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

void qfk_act_f32_avx2(const QfkEpilogue *e, float *y, size_t n, size_t channel)
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
