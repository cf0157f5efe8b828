/* SPDX-License-Identifier: MIT */
/*
 * dwdot_avxvnni.c - 3x3 depthwise convolution of bytes for machines that have VNNI but no AVX-512: 32 channels at a time.
 */
#include "dwtile.h"

#include <immintrin.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 4")
#define DOT(acc, x, w) _mm256_dpbusd_avx_epi32(acc, x, w)
#include "dwdot_256.h"

INLINE void channels(const QfkDwTile *t, const unsigned stride)
{
  uint32_t c = 0;
  for (; c + 32 <= t->c; c += 32)
    row_256(t, stride, true, c);
  if (c < t->c)
    row_256(t, stride, false, c);
}

void qfk_dw_dot_3x3s1_avxvnni(const QfkDwTile *t)
{
  channels(t, 1);
}

void qfk_dw_dot_3x3s2_avxvnni(const QfkDwTile *t)
{
  channels(t, 2);
}
