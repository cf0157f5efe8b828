/* SPDX-License-Identifier: MIT */
/*
 * dwtile_avx2.c - depthwise convolution, channels in vectors, a few neighbouring pixels at once so that each input is loaded once a
 * row of taps.
 *
 * float: 8 channels; the last block overlaps the one before. int16: 16 channels; two tap rows are interleaved for vpmaddwd, which
 * leaves the channels of a block in the order 0-3 8-11 4-7 12-15; packing knows.
 */
#include "dwtile.h"

#include <immintrin.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 16")

INLINE void finish_f32(const QfkDwTile *t, size_t at, __m256 acc, __m256i mask, bool full)
{
  float *y = (float *)t->y + at;
  if (t->res)
    acc = _mm256_add_ps(acc, full ? _mm256_loadu_ps(t->res + at) : _mm256_maskload_ps(t->res + at, mask));
  acc = _mm256_min_ps(_mm256_set1_ps(t->hi), _mm256_max_ps(_mm256_set1_ps(t->lo), acc));
  if (full)
    _mm256_storeu_ps(y, acc);
  else
    _mm256_maskstore_ps(y, mask, acc);
}

/* @px pixels from pixel @i, 8 channels from @c, @taps columns of taps at constant stride. */
INLINE void block_f32(const QfkDwTile *t, const unsigned px, const unsigned taps, const unsigned stride,
                      uint32_t i, uint32_t c)
{
  __m256 acc[4];
  const float *x = (const float *)t->x + (ptrdiff_t)i * t->pixel + c, *w = (const float *)t->w + c;
  const ptrdiff_t col = t->col;
  UNROLL for (unsigned p = 0; p < px; p++) acc[p] = _mm256_loadu_ps((const float *)t->bias + c);
  for (uint32_t ky = 0; ky < t->rows; ky++, x += t->row, w += t->w_row)
    UNROLL for (unsigned j = 0; j < (px - 1) * stride + taps; j++)
    {
      const __m256 v = _mm256_loadu_ps(x + (ptrdiff_t)j * col);
      UNROLL for (unsigned p = 0; p < px; p++) if (j >= p * stride && j - p * stride < taps) acc[p] =
          _mm256_fmadd_ps(v, _mm256_loadu_ps(w + (ptrdiff_t)(j - p * stride) * t->w_col), acc[p]);
    }
  UNROLL for (unsigned p = 0; p < px; p++)
      finish_f32(t, (size_t)(i + p) * t->c + c, acc[p], _mm256_setzero_si256(), true);
}

/* One pixel, any taps, @n <= 8 channels. */
INLINE void pixel_f32(const QfkDwTile *t, uint32_t i, uint32_t c, uint32_t n)
{
  const __m256i mask =
      _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  const bool full = n == 8;
  const float *x = (const float *)t->x + (ptrdiff_t)i * t->pixel + c, *w = (const float *)t->w + c;
  __m256 acc = _mm256_maskload_ps((const float *)t->bias + c, mask);
  for (uint32_t ky = 0; ky < t->rows; ky++, x += t->row, w += t->w_row)
    for (uint32_t kx = 0; kx < t->cols; kx++) {
      const float *xp = x + (ptrdiff_t)kx * t->col, *wp = w + (ptrdiff_t)kx * t->w_col;
      if (full)
        acc = _mm256_fmadd_ps(_mm256_loadu_ps(xp), _mm256_loadu_ps(wp), acc);
      else
        acc = _mm256_fmadd_ps(_mm256_maskload_ps(xp, mask), _mm256_maskload_ps(wp, mask), acc);
    }
  finish_f32(t, (size_t)i * t->c + c, acc, mask, full);
}

void qfk_dw_f32_any_avx2(const QfkDwTile *t)
{
  for (uint32_t i = 0; i < t->n; i++)
    for (uint32_t c = 0; c < t->c; c += 8)
      pixel_f32(t, i, c, t->c - c < 8 ? t->c - c : 8);
}

INLINE void row_f32(const QfkDwTile *t, const unsigned taps, const unsigned stride)
{
  if (t->c < 8) {
    qfk_dw_f32_any_avx2(t);
    return;
  }
  uint32_t i = 0;
  for (; i + 4 <= t->n; i += 4)
    for (uint32_t c = 0; c < t->c; c += 8)
      block_f32(t, 4, taps, stride, i, c + 8 <= t->c ? c : t->c - 8);
  for (; i + 2 <= t->n; i += 2)
    for (uint32_t c = 0; c < t->c; c += 8)
      block_f32(t, 2, taps, stride, i, c + 8 <= t->c ? c : t->c - 8);
  for (; i < t->n; i++)
    for (uint32_t c = 0; c < t->c; c += 8)
      block_f32(t, 1, taps, stride, i, c + 8 <= t->c ? c : t->c - 8);
}

void qfk_dw_f32_3x3s1_avx2(const QfkDwTile *t)
{
  row_f32(t, 3, 1);
}

void qfk_dw_f32_3x3s2_avx2(const QfkDwTile *t)
{
  row_f32(t, 3, 2);
}

void qfk_dw_f32_5x5s1_avx2(const QfkDwTile *t)
{
  row_f32(t, 5, 1);
}

void qfk_dw_f32_5x5s2_avx2(const QfkDwTile *t)
{
  row_f32(t, 5, 2);
}

INLINE __m256i load(const int16_t *p)
{
  return _mm256_loadu_si256((const __m256i *)p);
}

INLINE void finish_s16(const QfkDwTile *t, uint32_t i, uint32_t c, const __m256i acc[2])
{
  const __m256 lo = _mm256_set1_ps(t->lo), hi = _mm256_set1_ps(t->hi);
  __m256i q[2];
  UNROLL for (unsigned v = 0; v < 2; v++)
  {
    __m256 y = _mm256_mul_ps(_mm256_cvtepi32_ps(acc[v]), _mm256_loadu_ps(t->scale + c + 8 * v));
    q[v] = _mm256_cvtps_epi32(_mm256_min_ps(_mm256_max_ps(y, lo), hi));
  }
  __m256i y = _mm256_add_epi16(_mm256_packs_epi32(q[0], q[1]), _mm256_set1_epi16((int16_t)t->zero_point));
  y = t->y_signed ? _mm256_packs_epi16(y, y) : _mm256_packus_epi16(y, y);
  const __m128i bytes = _mm_unpacklo_epi64(_mm256_castsi256_si128(y), _mm256_extracti128_si256(y, 1));
  uint8_t *dst = (uint8_t *)t->y + (size_t)i * t->c + c;
  if (t->c - c >= 16) {
    _mm_storeu_si128((__m128i *)dst, bytes);
  } else {
    uint8_t tmp[16];
    _mm_storeu_si128((__m128i *)tmp, bytes);
    memcpy(dst, tmp, t->c - c);
  }
}

INLINE __m256i mac(__m256i acc, __m256i x, const int16_t *w)
{
  return _mm256_add_epi32(acc, _mm256_madd_epi16(x, load(w)));
}

/* One pixel, any taps. */
INLINE void pixel_s16(const QfkDwTile *t, uint32_t i, uint32_t c)
{
  const uint32_t pairs = (t->rows + 1) / 2;
  const int16_t *w = (const int16_t *)t->w + (size_t)c * t->cols * pairs * 2;
  const int16_t *x = (const int16_t *)t->x + (ptrdiff_t)i * t->pixel + c;
  __m256i acc[2] = {load((const int16_t *)((const int32_t *)t->bias + c)),
                    load((const int16_t *)((const int32_t *)t->bias + c + 8))};
  for (uint32_t kx = 0; kx < t->cols; kx++, x += t->col)
    for (uint32_t p = 0; p < pairs; p++, w += 32) {
      const int16_t *upper = x + (ptrdiff_t)(2 * p) * t->row;
      const __m256i a = load(upper),
                    b = load(2 * p + 1 < t->rows ? upper + t->row : upper); /* weight 0 for the odd row */
      acc[0] = mac(acc[0], _mm256_unpacklo_epi16(a, b), w);
      acc[1] = mac(acc[1], _mm256_unpackhi_epi16(a, b), w + 16);
    }
  finish_s16(t, i, c, acc);
}

/* @px pixels of a 3x3 filter: each input column is interleaved once for all of them. */
INLINE void block_s16(const QfkDwTile *t, const unsigned px, const unsigned stride, uint32_t i, uint32_t c)
{
  const int16_t *w = (const int16_t *)t->w + (size_t)c * 3 * 2 * 2;
  const int16_t *x = (const int16_t *)t->x + (ptrdiff_t)i * t->pixel + c;
  const ptrdiff_t row = t->row, col = t->col;
  __m256i acc[4][2];
  UNROLL for (unsigned p = 0; p < px; p++) UNROLL for (unsigned v = 0; v < 2; v++) acc[p][v] =
      load((const int16_t *)((const int32_t *)t->bias + c + 8 * v));
  UNROLL for (unsigned j = 0; j < (px - 1) * stride + 3; j++, x += col)
  {
    const __m256i a = load(x), b = load(x + row), d = load(x + 2 * row), zero = _mm256_setzero_si256();
    const __m256i ab[2] = {_mm256_unpacklo_epi16(a, b), _mm256_unpackhi_epi16(a, b)};
    const __m256i d0[2] = {_mm256_unpacklo_epi16(d, zero), _mm256_unpackhi_epi16(d, zero)};
    UNROLL for (unsigned p = 0; p < px; p++) if (j >= p * stride && j - p * stride < 3)
        UNROLL for (unsigned v = 0; v < 2; v++)
    {
      acc[p][v] = mac(acc[p][v], ab[v], w + (j - p * stride) * 64 + 16 * v);
      acc[p][v] = mac(acc[p][v], d0[v], w + (j - p * stride) * 64 + 32 + 16 * v);
    }
  }
  UNROLL for (unsigned p = 0; p < px; p++) finish_s16(t, i + p, c, acc[p]);
}

void qfk_dw_s16_any_avx2(const QfkDwTile *t)
{
  for (uint32_t i = 0; i < t->n; i++)
    for (uint32_t c = 0; c < t->c; c += 16)
      pixel_s16(t, i, c);
}

INLINE void row_s16(const QfkDwTile *t, const unsigned stride)
{
  uint32_t i = 0;
  for (; i + 4 <= t->n; i += 4)
    for (uint32_t c = 0; c < t->c; c += 16)
      block_s16(t, 4, stride, i, c);
  for (; i + 2 <= t->n; i += 2)
    for (uint32_t c = 0; c < t->c; c += 16)
      block_s16(t, 2, stride, i, c);
  for (; i < t->n; i++)
    for (uint32_t c = 0; c < t->c; c += 16)
      block_s16(t, 1, stride, i, c);
}

void qfk_dw_s16_3x3s1_avx2(const QfkDwTile *t)
{
  row_s16(t, 1);
}

void qfk_dw_s16_3x3s2_avx2(const QfkDwTile *t)
{
  row_s16(t, 2);
}
