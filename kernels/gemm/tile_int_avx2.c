/* SPDX-License-Identifier: MIT */
/*
 * tile_int_avx2.c - tiles of integers without dot product instructions: int16 by vpmaddwd (exact, unlike vpmaddubsw), pairs of bytes
 * by both (rest.h says when that is exact).
 */
#include "tile_avx2.h"

/* As assembly, or gcc adds up the products of several steps first, for which it has no registers. */
INLINE void add_to(__m256i *acc, __m256i x)
{
  __asm__("vpaddd %1, %0, %0" : "+x"(*acc) : "x"(x));
}

/* Neighbours added up. The ones stay in memory: there are registers for sums, weights, one value and one product only. */
INLINE __m256i widen_pairs(__m256i x)
{
  static const struct {
    _Alignas(32) int16_t v[16];
  } ones = {{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}};
  __asm__("vpmaddwd %1, %0, %0" : "+x"(x) : "m"(ones));
  return x;
}

/* Pairs of int16, or of bytes. */
INLINE void multiply(__m256i *acc, __m256i x, __m256i w, const Kind kind)
{
  add_to(acc, kind <= S16_S8 ? _mm256_madd_epi16(x, w) : widen_pairs(_mm256_maddubs_epi16(x, w)));
}

#include "tile_int_avx2.h"

KIND(S16)
KIND(S16_S8)
KIND(BYTES_U)
KIND(BYTES_S)

void qfk_rows_s16_6x16_avx2(const QfkTile *t, uint32_t m)
{
  tiles_of(t, tiles_S16[t->n > 8], m);
}

void qfk_tile_s16_6x16_avx2(const QfkTile *t, uint32_t m)
{
  qfk_rows_s16_6x16_avx2(t, m);
}

void qfk_rows_s16s8_6x16_avx2(const QfkTile *t, uint32_t m)
{
  tiles_of(t, tiles_S16_S8[t->n > 8], m);
}

void qfk_tile_s16s8_6x16_avx2(const QfkTile *t, uint32_t m)
{
  qfk_rows_s16s8_6x16_avx2(t, m);
}

void qfk_rows_pairs_6x16_avx2(const QfkTile *t, uint32_t m)
{
  tiles_of(t, (t->flip ? tiles_BYTES_S : tiles_BYTES_U)[t->n > 8], m);
}

void qfk_tile_pairs_6x16_avx2(const QfkTile *t, uint32_t m)
{
  qfk_rows_pairs_6x16_avx2(t, m);
}

void qfk_widen_avx2(int16_t *dst, const uint8_t *src, size_t n, int32_t zero, bool is_signed)
{
  const __m256i z = _mm256_set1_epi16((int16_t)zero);
  size_t i = 0;
  for (; i + 16 <= n; i += 16) {
    __m128i x = _mm_loadu_si128((const __m128i *)(src + i));
    __m256i y = is_signed ? _mm256_cvtepi8_epi16(x) : _mm256_cvtepu8_epi16(x);
    _mm256_storeu_si256((__m256i *)(dst + i), _mm256_sub_epi16(y, z));
  }
  qfk_widen_ref(dst + i, src + i, n - i, zero, is_signed);
}
