/* SPDX-License-Identifier: MIT */
/*
 * tile_avx512.c - 6 x 64 tiles in 24 registers: float by FMA, int16 by vpmaddwd, bytes by vpdpbusd.
 *
 * Integers are narrowed without shuffles because packing has put column 16 l + 4 v + d of a full panel in element 4 l + d of
 * vector v. The check program builds this file over an emulation too, where QFK_EMULATED is set.
 */
#include "tile_avx512.h"

#include <string.h>

INLINE void tile_f32(const QfkTile *t, const unsigned m, const unsigned nv)
{
  __m512 acc[MR][NV];
  const float *b = t->b;
  Ahead next = ahead_of(t, t->steps * t->n_seg);
  UNROLL_V for (unsigned v = 0; v < nv; v++)
  {
    __m512 bias = _mm512_loadu_ps((const float *)t->bias + 16 * v);
    UNROLL_M for (unsigned r = 0; r < m; r++) acc[r][v] = bias;
  }
  const size_t steps = t->steps;
  for (uint32_t s = 0; s < t->n_seg; s++) {
    const float *a[MR];
    UNROLL_M for (unsigned r = 0; r < m; r++) a[r] = t->a[r * t->n_seg + s];
    _Pragma("GCC unroll 2") for (size_t k = 0; k < steps; k++)
    {
      __m512 w[NV];
      UNROLL_V for (unsigned v = 0; v < nv; v++) w[v] = _mm512_loadu_ps(b + 16 * v);
      b += 16 * nv;
      look_ahead(&next);
      UNROLL_M for (unsigned r = 0; r < m; r++)
      {
        __m512 x = _mm512_set1_ps(a[r][k]);
        UNROLL_V for (unsigned v = 0; v < nv; v++) acc[r][v] = _mm512_fmadd_ps(x, w[v], acc[r][v]);
      }
    }
  }
  store_f32(t, m, nv, acc);
}

INLINE __m512i requant(__m512i acc, const float *scale, __m512 lo, __m512 hi)
{
  __m512 y = _mm512_mul_ps(_mm512_cvtepi32_ps(acc), _mm512_loadu_ps(scale));
  return _mm512_cvtps_epi32(_mm512_min_ps(_mm512_max_ps(y, lo), hi));
}

INLINE void store_ints(const QfkTile *t, const unsigned m, const unsigned nv, __m512i acc[MR][NV])
{
  const __m512 lo = _mm512_set1_ps(t->lo), hi = _mm512_set1_ps(t->hi);
  const __m512i zero = _mm512_set1_epi16((int16_t)t->zero_point);
  const __m512i even = _mm512_setr_epi64(0, 2, 4, 6, 0, 2, 4, 6);
  const __m512i fourth = _mm512_setr_epi32(0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12);
  const __mmask64 mask = ~(uint64_t)0 >> (64 - t->n);
  UNROLL_M for (unsigned r = 0; r < m; r++)
  {
    __m512i q[NV];
    UNROLL_V for (unsigned v = 0; v < nv; v++) q[v] = requant(acc[r][v], t->scale + 16 * v, lo, hi);
    const __m512i low = _mm512_add_epi16(_mm512_packs_epi32(q[0], q[nv > 1]), zero);
    const __m512i high = nv == 4 ? _mm512_add_epi16(_mm512_packs_epi32(q[2], q[3]), zero) : low;
    __m512i y = t->y_signed ? _mm512_packs_epi16(low, high) : _mm512_packus_epi16(low, high);
    if (nv == 2)
      y = _mm512_permutexvar_epi64(even, y);
    if (nv == 1)
      y = _mm512_permutexvar_epi32(fourth, y);
    _mm512_mask_storeu_epi8(t->c[r], mask, y);
  }
}

/* The sums in column order, which is that of quarters of the slots; a panel of three vectors is stored as four. */
INLINE void store_sums(const QfkTile *t, const unsigned m, const unsigned nv, __m512i acc[MR][NV])
{
  UNROLL_M for (unsigned r = 0; r < m; r++) UNROLL_V for (unsigned v = 0; v < nv; v++)
  {
    const __m128i quarters[4] = {_mm512_castsi512_si128(acc[r][v]), _mm512_extracti32x4_epi32(acc[r][v], 1),
                                 _mm512_extracti32x4_epi32(acc[r][v], 2),
                                 _mm512_extracti32x4_epi32(acc[r][v], 3)};
    UNROLL_V for (unsigned i = 0; i < 4; i++) if (4 * (i * nv + v) < t->n)
        _mm_storeu_si128((__m128i *)t->c[r] + i * nv + v, quarters[i]);
  }
}

/* What a step multiplies: two int16 of A against two rows of B, by AVX-512 alone or by VNNI; or four bytes against four. */
typedef enum { PLAIN_S16, VNNI_S16, VNNI_BYTES } Step;

INLINE __m512i multiply(__m512i acc, __m512i x, __m512i w, const Step step)
{
  return step == VNNI_BYTES ? _mm512_dpbusd_epi32(acc, x, w)
         : step == VNNI_S16 ? _mm512_dpwssd_epi32(acc, x, w)
                            : _mm512_add_epi32(acc, _mm512_madd_epi16(x, w));
}

INLINE void tile_int(const QfkTile *t, const unsigned m, const unsigned nv, const Step step)
{
  __m512i acc[MR][NV];
  const uint8_t *b = t->b;
  Ahead next = ahead_of(t, t->steps * t->n_seg);
  UNROLL_V for (unsigned v = 0; v < nv; v++)
  {
    __m512i bias = _mm512_loadu_si512((const int32_t *)t->bias + 16 * v);
    UNROLL_M for (unsigned r = 0; r < m; r++) acc[r][v] = bias;
  }
  const size_t steps = t->steps;
  const __m512i flip = _mm512_set1_epi8((char)t->flip);
  for (uint32_t s = 0; s < t->n_seg; s++) {
    const uint8_t *a[MR];
    UNROLL_M for (unsigned r = 0; r < m; r++) a[r] = t->a[r * t->n_seg + s];
    _Pragma("GCC unroll 2") for (size_t k = 0; k < steps; k++)
    {
      __m512i w[NV];
      UNROLL_V for (unsigned v = 0; v < nv; v++) w[v] = _mm512_loadu_si512(b + 64 * v);
      b += 64 * nv;
      look_ahead(&next);
      UNROLL_M for (unsigned r = 0; r < m; r++)
      {
        int32_t group;
        memcpy(&group, a[r] + 4 * k, sizeof(group));
        __m512i x = _mm512_set1_epi32(group);
        if (step == VNNI_BYTES)
          x = _mm512_xor_si512(x, flip);
        UNROLL_V for (unsigned v = 0; v < nv; v++) acc[r][v] = multiply(acc[r][v], x, w[v], step);
      }
    }
  }
#ifndef QFK_EMULATED
  /* Without this gcc keeps accumulators in memory through the loop to have registers for the epilogue. */
  UNROLL_M for (unsigned r = 0; r < m; r++)
      UNROLL_V for (unsigned v = 0; v < nv; v++) __asm__ volatile("" : "+v"(acc[r][v])::"memory");
#endif
  if (step == VNNI_BYTES || t->scale)
    store_ints(t, m, nv, acc);
  else
    store_sums(t, m, nv, acc);
}

#define tile_dot(t, m, nv) tile_int(t, m, nv, VNNI_BYTES)
#define tile_s16(t, m, nv) tile_int(t, m, nv, PLAIN_S16)
#define tile_s16v(t, m, nv) tile_int(t, m, nv, VNNI_S16)

FLOAT_TABLE(tile_f32)
INTEGER_TABLE(tile_s16)
INTEGER_TABLE(tile_s16v)
INTEGER_TABLE(tile_dot)

void qfk_tile_f32_6x64_avx512(const QfkTile *t, uint32_t m)
{
  tile_f32_table[(t->n - 1) / 16][m - 1](t);
}

void qfk_tile_s16_6x64_avx512(const QfkTile *t, uint32_t m)
{
  tile_s16_table[(t->n - 1) / 16][m - 1](t);
}

void qfk_tile_dot_6x64_avx512vnni(const QfkTile *t, uint32_t m)
{
  tile_dot_table[(t->n - 1) / 16][m - 1](t);
}

void qfk_tile_s16_6x64_avx512vnni(const QfkTile *t, uint32_t m)
{
  tile_s16v_table[(t->n - 1) / 16][m - 1](t);
}
