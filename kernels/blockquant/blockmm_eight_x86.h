/* SPDX-License-Identifier: MIT */
/*
 * blockmm_eight_x86.h - eight floats at once, one for each part of a super-block; for both x86 files.
 */
typedef __m256 L;

static inline L nothing(void)
{
  return _mm256_setzero_ps();
}

static inline L add8(L l, const float *a, const float *b)
{
  return _mm256_fmadd_ps(_mm256_loadu_ps(a), _mm256_loadu_ps(b), l);
}

static inline float total8(L l)
{
  __m128 t = _mm_add_ps(_mm256_castps256_ps128(l), _mm256_extractf128_ps(l, 1));
  t = _mm_add_ps(t, _mm_movehl_ps(t, t));
  return _mm_cvtss_f32(_mm_add_ss(t, _mm_movehdup_ps(t)));
}

static inline void multiply8(float *y, const float *a, const float *b)
{
  _mm256_storeu_ps(y, _mm256_mul_ps(_mm256_loadu_ps(a), _mm256_loadu_ps(b)));
}

static inline void floats8(float *y, float d, const uint8_t *b)
{
  const __m256i wide = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)b));
  _mm256_storeu_ps(y, _mm256_mul_ps(_mm256_cvtepi32_ps(wide), _mm256_set1_ps(d)));
}
