/* SPDX-License-Identifier: MIT */
/*
 * tile_avx512bf16.c - 6 x 64 tiles of bfloat16 by vdpbf16ps, sums and results in float; see bf16.h for the arithmetic.
 */
#include "bf16.h"
#include "tile_avx512.h"

INLINE void tile_bf16(const QfkTile *t, const unsigned m, const unsigned nv)
{
  __m512 acc[MR][NV];
  const uint16_t *b = t->b;
  Ahead next = ahead_of(t, t->steps * t->n_seg);
  UNROLL_V for (unsigned v = 0; v < nv; v++)
  {
    __m512 bias = _mm512_loadu_ps((const float *)t->bias + 16 * v);
    UNROLL_M for (unsigned r = 0; r < m; r++) acc[r][v] = bias;
  }
  const size_t steps = t->steps;
  for (uint32_t s = 0; s < t->n_seg; s++) {
    const uint16_t *a[MR];
    UNROLL_M for (unsigned r = 0; r < m; r++) a[r] = t->a[r * t->n_seg + s];
    _Pragma("GCC unroll 2") for (size_t k = 0; k < steps; k++)
    {
      __m512i w[NV];
      UNROLL_V for (unsigned v = 0; v < nv; v++) w[v] = _mm512_loadu_si512(b + 32 * v);
      b += 32 * nv;
      look_ahead(&next);
      UNROLL_M for (unsigned r = 0; r < m; r++)
      {
        int32_t pair;
        memcpy(&pair, a[r] + 2 * k, sizeof(pair));
        const __m512i x = _mm512_set1_epi32(pair);
        UNROLL_V for (unsigned v = 0; v < nv; v++) acc[r][v] =
            _mm512_dpbf16_ps(acc[r][v], (__m512bh)x, (__m512bh)w[v]);
      }
    }
  }
  hold_f32(m, nv, acc);
  store_f32(t, m, nv, acc);
}

FLOAT_TABLE(tile_bf16)

void qfk_tile_bf16_6x64_avx512bf16(const QfkTile *t, uint32_t m)
{
  tile_bf16_table[(t->n - 1) / 16][m - 1](t);
}

void qfk_narrow_bf16_avx512bf16(int16_t *dst, const uint8_t *src, size_t n, int32_t zero, bool is_signed)
{
  size_t i = 0;
  for (; i + 16 <= n; i += 16) {
    const __m512 x = _mm512_loadu_ps((const float *)(const void *)src + i);
    _mm256_storeu_si256((__m256i *)(dst + i), (__m256i)_mm512_cvtneps_pbh(x));
  }
  qfk_narrow_bf16_ref(dst + i, src + 4 * i, n - i, zero, is_signed);
}
