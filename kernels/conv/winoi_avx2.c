/* SPDX-License-Identifier: MIT */
/*
 * winoi_avx2.c - the transforms of winoi_vec.h: sixteen lanes.
 */
#include <immintrin.h>
#include <stdint.h>

/* The low bytes of eight channels of the first @w of four pixels, @pitch bytes apart. */
static inline __attribute__((always_inline)) void store_row(uint8_t *to, size_t pitch, uint32_t w,
                                                            const __m256i y[4])
{
  const __m256i byte = _mm256_set1_epi16(0xff);
  const __m256i ab = _mm256_and_si256(_mm256_packs_epi32(y[0], y[1]), byte);
  const __m256i cd = _mm256_and_si256(_mm256_packs_epi32(y[2], y[3]), byte);
  const __m256i all = _mm256_packus_epi16(ab, cd);
  const __m128i low = _mm256_castsi256_si128(all), high = _mm256_extracti128_si256(all, 1);
  const __m128i p01 = _mm_unpacklo_epi32(low, high), p23 = _mm_unpackhi_epi32(low, high);
  _mm_storel_epi64((__m128i *)to, p01);
  if (w > 1)
    _mm_storeh_pd((double *)(void *)(to + pitch), _mm_castsi128_pd(p01));
  if (w > 2)
    _mm_storel_epi64((__m128i *)(to + 2 * pitch), p23);
  if (w > 3)
    _mm_storeh_pd((double *)(void *)(to + 3 * pitch), _mm_castsi128_pd(p23));
}

#define LANES 16
#define SUFFIX avx2
#define NEAREST(reals) (Ints) _mm256_cvtps_epi32((__m256)(reals))
#define CLAMP(y, lo, hi) (Reals) _mm256_min_ps(_mm256_max_ps((__m256)(y), (__m256)(lo)), (__m256)(hi))
#define STORE_ROW(to, pitch, w, y)                                                                           \
  store_row(to, pitch, w,                                                                                    \
            (const __m256i[4]){(__m256i)(y)[0], (__m256i)(y)[1], (__m256i)(y)[2], (__m256i)(y)[3]})
#include "winoi_vec.h"
