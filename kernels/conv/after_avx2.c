/* SPDX-License-Identifier: MIT */
/*
 * after_avx2.c - tables of 256 bytes as sixteen of 16, and sums.
 *
 * vpshufb looks up the low four bits of an index below 128 and gives 0 from there on. With x - 16 i, saturated, as the index into table
 * i that is the case for all i <= x / 16; so the tables hold differences (exclusive or) and all results together are the entry of
 * the last of them. The upper half of the indices goes the same way with its top bit turned.
 */
#include "after.h"

#include <immintrin.h>

#define INLINE static inline __attribute__((always_inline))

INLINE __m256i lookup_half(const __m256i tables[8], __m256i index)
{
  const __m256i step = _mm256_set1_epi8(16);
  __m256i y = _mm256_shuffle_epi8(tables[0], index);
  _Pragma("GCC unroll 8") for (int i = 1; i < 8; i++)
  {
    index = _mm256_subs_epi8(index, step);
    y = _mm256_xor_si256(y, _mm256_shuffle_epi8(tables[i], index));
  }
  return y;
}

void qfk_after_table_avx2(const QfkAfter *p, const uint8_t *x, uint8_t *y, size_t n)
{
  const __m256i top = _mm256_set1_epi8((char)0x80);
  __m256i tables[16];
  size_t i = 0;
  if (n >= 64) {
    __m128i before = _mm_setzero_si128();
    for (int k = 0; k < 16; k++) {
      const __m128i t = _mm_loadu_si128((const __m128i *)p->table + k);
      tables[k] = _mm256_broadcastsi128_si256(k % 8 ? _mm_xor_si128(t, before) : t);
      before = t;
    }
    for (; i + 32 <= n; i += 32) {
      const __m256i v = _mm256_loadu_si256((const __m256i *)(x + i));
      const __m256i r =
          _mm256_or_si256(lookup_half(tables, v), lookup_half(tables + 8, _mm256_xor_si256(v, top)));
      _mm256_storeu_si256((__m256i *)(y + i), r);
    }
  }
  qfk_after_table_ref(p, x + i, y + i, n - i);
}

INLINE __m256 real(const uint8_t *x, bool is_signed)
{
  const __m128i v = _mm_loadl_epi64((const __m128i *)x);
  return _mm256_cvtepi32_ps(is_signed ? _mm256_cvtepi8_epi32(v) : _mm256_cvtepu8_epi32(v));
}

INLINE __m256i sum_8(const QfkAfter *p, const uint8_t *x, const uint8_t *y, bool is_signed)
{
  __m256 f = _mm256_add_ps(_mm256_mul_ps(real(y, is_signed), _mm256_set1_ps(p->y_scale)),
                           _mm256_mul_ps(real(x, is_signed), _mm256_set1_ps(p->x_scale)));
  f = _mm256_add_ps(f, _mm256_set1_ps(p->constant));
  f = _mm256_min_ps(_mm256_max_ps(f, _mm256_set1_ps(p->lo)), _mm256_set1_ps(p->hi));
  return _mm256_cvtps_epi32(f);
}

INLINE size_t sum_32(const QfkAfter *p, const uint8_t *x, uint8_t *y, size_t n, bool is_signed)
{
  const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
  size_t i = 0;
  for (; i + 32 <= n; i += 32) {
    const __m256i a =
        _mm256_packs_epi32(sum_8(p, x + i, y + i, is_signed), sum_8(p, x + i + 8, y + i + 8, is_signed));
    const __m256i b = _mm256_packs_epi32(sum_8(p, x + i + 16, y + i + 16, is_signed),
                                         sum_8(p, x + i + 24, y + i + 24, is_signed));
    const __m256i bytes = is_signed ? _mm256_packs_epi16(a, b) : _mm256_packus_epi16(a, b);
    _mm256_storeu_si256((__m256i *)(y + i), _mm256_permutevar8x32_epi32(bytes, order));
  }
  return i;
}

void qfk_after_sum_u8_avx2(const QfkAfter *p, const uint8_t *x, uint8_t *y, size_t n)
{
  const size_t i = sum_32(p, x, y, n, false);
  qfk_after_sum_u8_ref(p, x + i, y + i, n - i);
}

void qfk_after_sum_s8_avx2(const QfkAfter *p, const uint8_t *x, uint8_t *y, size_t n)
{
  const size_t i = sum_32(p, x, y, n, true);
  qfk_after_sum_s8_ref(p, x + i, y + i, n - i);
}
