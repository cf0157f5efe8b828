/* SPDX-License-Identifier: MIT */
/*
 * tile_avxvnni.c - 6 x 16 tiles of integers for machines that have VNNI but no AVX-512: bytes by vpdpbusd, int16 by vpdpwssd.
 */
#include "tile_avx2.h"

/* @count steps of K: four bytes of A against four rows of B (@dot), or two int16 against two. */
INLINE void steps(const void **b, const void *a[MR], const unsigned count, const unsigned m,
                  const unsigned nv, const bool flip, const bool dot, __m256i acc[MR][2])
{
  _Pragma("GCC unroll 4") for (unsigned k = 0; k < count; k++)
  {
    __m256i w[2];
    UNROLL_V for (unsigned v = 0; v < nv; v++) w[v] = _mm256_loadu_si256((const __m256i *)*b + k * nv + v);
    UNROLL_M for (unsigned r = 0; r < m; r++)
    {
      int32_t group;
      memcpy(&group, (const uint8_t *)a[r] + 4 * k, sizeof(group));
      __m256i x = _mm256_set1_epi32(group);
      if (flip)
        x = _mm256_xor_si256(x, _mm256_set1_epi8((char)0x80));
      UNROLL_V for (unsigned v = 0; v < nv; v++) acc[r][v] =
          dot ? _mm256_dpbusd_avx_epi32(acc[r][v], x, w[v]) : _mm256_dpwssd_avx_epi32(acc[r][v], x, w[v]);
    }
  }
}

#define steps_dot(b, a, count, m, nv, flip, acc) steps(b, a, count, m, nv, flip, true, acc)
#define steps_s16(b, a, count, m, nv, flip, acc) steps(b, a, count, m, nv, flip, false, acc)

INLINE void tile_s16(const QfkTile *t, const unsigned m, const unsigned nv)
{
  SUM_UP(steps_s16, false)
  hold_sums(m, nv, acc);
  if (t->scale)
    store_ints(t, m, nv, acc);
  else
    store_sums(t, m, nv, acc);
}

INLINE void tile_dot(const QfkTile *t, const unsigned m, const unsigned nv, const bool flip)
{
  SUM_UP(steps_dot, flip)
  hold_sums(m, nv, acc);
  store_ints(t, m, nv, acc);
}

#define tile_dot_u(t, m, nv) tile_dot(t, m, nv, false)
#define tile_dot_s(t, m, nv) tile_dot(t, m, nv, true)

VARIANTS(tile_s16)
VARIANTS(tile_dot_u)
VARIANTS(tile_dot_s)

void qfk_tile_dot_6x16_avxvnni(const QfkTile *t, uint32_t m)
{
  (t->flip ? tile_dot_s_table : tile_dot_u_table)[t->n > 8][m - 1](t);
}

void qfk_tile_s16_6x16_avxvnni(const QfkTile *t, uint32_t m)
{
  tile_s16_table[t->n > 8][m - 1](t);
}
