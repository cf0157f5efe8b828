/* SPDX-License-Identifier: MIT */
/*
 * winoi_avx2.c - the transforms of winoi_vec.h: sixteen lanes.
 */
#include <immintrin.h>
#include <stdint.h>

/* gcc makes single bytes of a conversion. */
static inline __attribute__((always_inline)) uint64_t narrow(__m256i y)
{
  y = _mm256_and_si256(y, _mm256_set1_epi32(0xff));
  y = _mm256_packus_epi32(y, y);
  y = _mm256_packus_epi16(y, y);
  return (uint64_t)_mm_cvtsi128_si64(
      _mm_unpacklo_epi32(_mm256_castsi256_si128(y), _mm256_extracti128_si256(y, 1)));
}

#define LANES 16
#define SUFFIX avx2
#define NARROW(ints) (Outs) narrow((__m256i)(ints))
#include "winoi_vec.h"
