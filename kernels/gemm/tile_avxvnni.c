/* SPDX-License-Identifier: MIT */
/*
 * tile_avxvnni.c - 6 x 16 tiles of integers for machines that have VNNI but no AVX-512: bytes by vpdpbusd, int16 by vpdpwssd.
 */
#include "tile_avx2.h"

INLINE void multiply(__m256i *acc, __m256i x, __m256i w, const Kind kind)
{
  *acc = kind <= S16_S8 ? _mm256_dpwssd_avx_epi32(*acc, x, w) : _mm256_dpbusd_avx_epi32(*acc, x, w);
}

#include "tile_int_avx2.h"

KIND(S16)
KIND(BYTES_U)
KIND(BYTES_S)

void qfk_rows_s16_6x16_avxvnni(const QfkTile *t, uint32_t m)
{
  tiles_of(t, tiles_S16[t->n > 8], m);
}

void qfk_tile_s16_6x16_avxvnni(const QfkTile *t, uint32_t m)
{
  qfk_rows_s16_6x16_avxvnni(t, m);
}

void qfk_rows_dot_6x16_avxvnni(const QfkTile *t, uint32_t m)
{
  tiles_of(t, (t->flip ? tiles_BYTES_S : tiles_BYTES_U)[t->n > 8], m);
}

void qfk_tile_dot_6x16_avxvnni(const QfkTile *t, uint32_t m)
{
  qfk_rows_dot_6x16_avxvnni(t, m);
}
