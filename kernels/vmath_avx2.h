/* SPDX-License-Identifier: MIT */
/*
 * vmath_avx2.h - the functions of vmath.h for eight floats, with FMA.
 *
 * exp(x) = 2^n * p(r), r = x - n ln 2 in two parts, p a polynomial of degree 6 on |r| <= ln 2 / 2 (Taylor's, whose error there is 1e-7).
 */
#ifndef QFK_VMATH_AVX2_H
#define QFK_VMATH_AVX2_H

#include <immintrin.h>

static inline __m256 qfk_exp8(__m256 x)
{
#define SET(x) _mm256_set1_ps(x)
  x = _mm256_min_ps(SET(88.3f), _mm256_max_ps(SET(-87.3f), x));
  const __m256 n =
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
  const __m256i e = _mm256_slli_epi32(_mm256_cvtps_epi32(n), 23);
  return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(p), e));
#undef SET
}

#endif
