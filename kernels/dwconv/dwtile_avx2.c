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

/* @px pixels from pixel @i, @nv vectors of channels from @c, @taps columns of taps at constant stride. */
INLINE void block_f32(const QfkDwTile *t, const unsigned px, const unsigned nv, const unsigned taps,
                      const unsigned stride, uint32_t i, uint32_t c)
{
  __m256 acc[4][2];
  const float *x = (const float *)t->x + (ptrdiff_t)i * t->pixel + c, *w = (const float *)t->w + c;
  const ptrdiff_t col = t->col;
  UNROLL for (unsigned p = 0; p < px; p++) UNROLL for (unsigned v = 0; v < nv; v++) acc[p][v] =
      _mm256_loadu_ps((const float *)t->bias + c + 8 * v);
  for (uint32_t ky = 0; ky < t->rows; ky++, x += t->row, w += t->w_row)
    UNROLL for (unsigned j = 0; j < (px - 1) * stride + taps; j++) UNROLL for (unsigned v = 0; v < nv; v++)
    {
      const __m256 in = _mm256_loadu_ps(x + (ptrdiff_t)j * col + 8 * v);
      UNROLL for (unsigned p = 0; p < px; p++) if (j >= p * stride && j - p * stride < taps) acc[p][v] =
          _mm256_fmadd_ps(in, _mm256_loadu_ps(w + (ptrdiff_t)(j - p * stride) * t->w_col + 8 * v), acc[p][v]);
    }
  UNROLL for (unsigned p = 0; p < px; p++) UNROLL for (unsigned v = 0; v < nv; v++)
      finish_f32(t, (size_t)(i + p) * (size_t)t->out + c + 8 * v, acc[p][v], _mm256_setzero_si256(), true);
}

/* One pixel, any taps, 32 channels: enough sums that none waits for another. */
INLINE void wide_f32(const QfkDwTile *t, uint32_t i, uint32_t c)
{
  const float *x = (const float *)t->x + (ptrdiff_t)i * t->pixel + c, *w = (const float *)t->w + c;
  __m256 acc[4];
  UNROLL for (unsigned v = 0; v < 4; v++) acc[v] = _mm256_loadu_ps((const float *)t->bias + c + 8 * v);
  for (uint32_t ky = 0; ky < t->rows; ky++, x += t->row, w += t->w_row)
    for (uint32_t kx = 0; kx < t->cols; kx++) {
      const float *xp = x + (ptrdiff_t)kx * t->col, *wp = w + (ptrdiff_t)kx * t->w_col;
      UNROLL for (unsigned v = 0; v < 4; v++) acc[v] =
          _mm256_fmadd_ps(_mm256_loadu_ps(xp + 8 * v), _mm256_loadu_ps(wp + 8 * v), acc[v]);
    }
  UNROLL for (unsigned v = 0; v < 4; v++)
      finish_f32(t, (size_t)i * (size_t)t->out + c + 8 * v, acc[v], _mm256_setzero_si256(), true);
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
  finish_f32(t, (size_t)i * (size_t)t->out + c, acc, mask, full);
}

void qfk_dw_f32_any_avx2(const QfkDwTile *t)
{
  for (uint32_t i = 0; i < t->n; i++) {
    uint32_t c = 0;
    for (; c + 32 <= t->c; c += 32)
      wide_f32(t, i, c);
    for (; c < t->c; c += 8)
      pixel_f32(t, i, c, t->c - c < 8 ? t->c - c : 8);
  }
}

INLINE void pixels_f32(const QfkDwTile *t, const unsigned px, const unsigned taps, const unsigned stride,
                       uint32_t i)
{
  uint32_t c = 0;
  for (; c + 16 <= t->c; c += 16)
    block_f32(t, px, 2, taps, stride, i, c);
  for (; c < t->c; c += 8)
    block_f32(t, px, 1, taps, stride, i, c + 8 <= t->c ? c : t->c - 8);
}

INLINE void row_f32(const QfkDwTile *t, const unsigned taps, const unsigned stride)
{
  if (t->c < 8) {
    qfk_dw_f32_any_avx2(t);
    return;
  }
  uint32_t i = 0;
  for (; i + 4 <= t->n; i += 4)
    pixels_f32(t, 4, taps, stride, i);
  for (; i + 2 <= t->n; i += 2)
    pixels_f32(t, 2, taps, stride, i);
  for (; i < t->n; i++)
    pixels_f32(t, 1, taps, stride, i);
}

#define UNROLL_V _Pragma("GCC unroll 2") for (unsigned v = 0; v < nv; v++)

INLINE void finish_slide(const QfkDwTile *t, float *y, __m256 sum, __m256 lo, __m256 hi)
{
  if (t->res)
    sum = _mm256_add_ps(sum, _mm256_loadu_ps(t->res + (y - (float *)t->y)));
  _mm256_storeu_ps(y, _mm256_min_ps(hi, _mm256_max_ps(lo, sum)));
}

/* 3x3 along a row: the weights stay in registers, and a column of input is added to all outputs it belongs to; @rows of the filter
 * are there. With two vectors half of the weights are on the stack, but both halves of a line are taken at once: where pixels are a
 * power of two apart the cache would lose the line before the other half's turn. */
INLINE void slide_f32(const QfkDwTile *t, const unsigned rows, const unsigned stride, const unsigned nv,
                      uint32_t i, uint32_t n, uint32_t c)
{
  const bool cut_first = t->cut_first && !i, cut_last = t->cut_last && i + n == t->n;
  const float *w = (const float *)t->w + c;
  const ptrdiff_t col = t->col, row = t->row;
  const float *x = (const float *)t->x + (ptrdiff_t)i * t->pixel + c - (t->cut_first && i ? col : 0);
  const __m256 lo = _mm256_set1_ps(t->lo), hi = _mm256_set1_ps(t->hi);
  const ptrdiff_t step = t->out;
  float *y = (float *)t->y + (ptrdiff_t)i * step + c;
  __m256 k[3][3][2], bias[2], first[2], second[2]; /* sums of this output and, with stride 1, of the next */
  UNROLL_V first[v] = second[v] = bias[v] = _mm256_loadu_ps((const float *)t->bias + c + 8 * v);
  UNROLL for (unsigned r = 0; r < rows; r++) UNROLL for (unsigned j = 0; j < 3; j++) UNROLL_V k[r][j][v] =
      _mm256_loadu_ps(w + (ptrdiff_t)r * t->w_row + (ptrdiff_t)j * t->w_col + 8 * v);
  if (!cut_first) {
    UNROLL for (unsigned r = 0; r < rows; r++) UNROLL_V first[v] =
        _mm256_fmadd_ps(_mm256_loadu_ps(x + (ptrdiff_t)r * row + 8 * v), k[r][0][v], first[v]);
    x += col;
  }
  if (stride == 1) {
    UNROLL for (unsigned r = 0; r < rows; r++) UNROLL_V
    {
      __m256 in = _mm256_loadu_ps(x + (ptrdiff_t)r * row + 8 * v);
      first[v] = _mm256_fmadd_ps(in, k[r][1][v], first[v]);
      second[v] = _mm256_fmadd_ps(in, k[r][0][v], second[v]);
    }
    x += col;
  }
  for (uint32_t left = n - cut_last; left; left--, y += step) {
    __m256 third[2];
    UNROLL_V third[v] = bias[v];
    UNROLL for (unsigned r = 0; r < rows; r++) UNROLL_V
    {
      __m256 in = _mm256_loadu_ps(x + (ptrdiff_t)r * row + 8 * v);
      if (stride == 1) {
        first[v] = _mm256_fmadd_ps(in, k[r][2][v], first[v]);
        second[v] = _mm256_fmadd_ps(in, k[r][1][v], second[v]);
        third[v] = _mm256_fmadd_ps(in, k[r][0][v], third[v]);
      } else {
        __m256 u = _mm256_loadu_ps(x + (ptrdiff_t)r * row + col + 8 * v);
        first[v] = _mm256_fmadd_ps(in, k[r][1][v], first[v]);
        first[v] = _mm256_fmadd_ps(u, k[r][2][v], first[v]);
        second[v] = _mm256_fmadd_ps(u, k[r][0][v], second[v]);
      }
    }
    UNROLL_V finish_slide(t, y + 8 * v, first[v], lo, hi);
    x += stride == 1 ? col : 2 * col;
    UNROLL_V
    {
      first[v] = second[v];
      second[v] = third[v];
    }
  }
  if (!cut_last)
    return;
  if (stride == 2)
    UNROLL for (unsigned r = 0; r < rows; r++) UNROLL_V first[v] =
        _mm256_fmadd_ps(_mm256_loadu_ps(x + (ptrdiff_t)r * row + 8 * v), k[r][1][v], first[v]);
  UNROLL_V finish_slide(t, y + 8 * v, first[v], lo, hi);
}

INLINE void slide_rows(const QfkDwTile *t, const unsigned stride, const unsigned nv, uint32_t i, uint32_t n,
                       uint32_t c)
{
  if (t->rows == 3)
    slide_f32(t, 3, stride, nv, i, n, c);
  else if (t->rows == 2)
    slide_f32(t, 2, stride, nv, i, n, c);
  else
    slide_f32(t, 1, stride, nv, i, n, c);
}

/* Pixels whose input stays in the first-level cache while the other channels of its lines are done. Pixels a multiple of a power of
 * two of bytes apart share few of its sets. */
INLINE uint32_t slide_length(size_t pitch)
{
  const size_t alike = pitch & -pitch; /* the power of two in it */
  const size_t lines = alike >= 4096 ? 8 : 4096 / (alike < 64 ? 64 : alike) * 8;
  return lines / 3 < 9 ? 7 : lines / 3 > 30 ? 28 : (uint32_t)lines / 3 - 2;
}

INLINE void row_3x3(const QfkDwTile *t, const unsigned stride)
{
  if (t->c < 8) {
    qfk_dw_f32_any_avx2(t);
    return;
  }
  const size_t pitch = (size_t)t->col * sizeof(float);
  const uint32_t slide = slide_length(pitch), pairs = pitch & (pitch - 1) ? 0 : t->c / 16 * 16;
  for (uint32_t i = 0; i < t->n; i += slide) {
    const uint32_t n = t->n - i < slide ? t->n - i : slide;
    for (uint32_t c = 0; c < pairs; c += 16)
      slide_rows(t, stride, 2, i, n, c);
    for (uint32_t c = pairs; c < t->c; c += 8)
      slide_rows(t, stride, 1, i, n, c + 8 <= t->c ? c : t->c - 8);
  }
}

void qfk_dw_f32_3x3s1_avx2(const QfkDwTile *t)
{
  row_3x3(t, 1);
}

void qfk_dw_f32_3x3s2_avx2(const QfkDwTile *t)
{
  row_3x3(t, 2);
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

/* One column of input, its rows interleaved. */
typedef struct {
  __m256i ab[2], d0[2];
} Column;

INLINE Column load_column(const int16_t *x, ptrdiff_t row)
{
  const __m256i a = load(x), b = load(x + row), d = load(x + 2 * row), zero = _mm256_setzero_si256();
  return (Column){{_mm256_unpacklo_epi16(a, b), _mm256_unpackhi_epi16(a, b)},
                  {_mm256_unpacklo_epi16(d, zero), _mm256_unpackhi_epi16(d, zero)}};
}

/* Adds tap column @kx of @w. */
INLINE void add_column(__m256i acc[2], const Column *x, const int16_t *w, const unsigned kx)
{
  UNROLL for (unsigned v = 0; v < 2; v++)
  {
    acc[v] = mac(acc[v], x->ab[v], w + kx * 64 + 16 * v);
    acc[v] = mac(acc[v], x->d0[v], w + kx * 64 + 32 + 16 * v);
  }
}

/* 3x3 along a row, as slide_f32(). */
INLINE void slide_s16(const QfkDwTile *t, const unsigned stride, uint32_t c)
{
  const int16_t *w = (const int16_t *)t->w + (size_t)c * 3 * 2 * 2, *x = (const int16_t *)t->x + c;
  const ptrdiff_t row = t->row, col = t->col;
  const __m256i bias[2] = {load((const int16_t *)((const int32_t *)t->bias + c)),
                           load((const int16_t *)((const int32_t *)t->bias + c + 8))};
  __m256i first[2] = {bias[0], bias[1]}, second[2] = {bias[0], bias[1]};
  Column u = load_column(x, row);
  add_column(first, &u, w, 0);
  x += col;
  if (stride == 1) {
    u = load_column(x, row);
    add_column(first, &u, w, 1);
    add_column(second, &u, w, 0);
    x += col;
  }
  for (uint32_t i = 0; i < t->n; i++) {
    __m256i third[2] = {bias[0], bias[1]};
    u = load_column(x, row);
    x += col;
    if (stride == 1) {
      add_column(first, &u, w, 2);
      add_column(second, &u, w, 1);
      add_column(third, &u, w, 0);
    } else {
      add_column(first, &u, w, 1);
      u = load_column(x, row);
      x += col;
      add_column(first, &u, w, 2);
      add_column(second, &u, w, 0);
    }
    finish_s16(t, i, c, first);
    UNROLL for (unsigned v = 0; v < 2; v++)
    {
      first[v] = second[v];
      second[v] = third[v];
    }
  }
}

void qfk_dw_s16_any_avx2(const QfkDwTile *t)
{
  for (uint32_t i = 0; i < t->n; i++)
    for (uint32_t c = 0; c < t->c; c += 16)
      pixel_s16(t, i, c);
}

void qfk_dw_s16_3x3s1_avx2(const QfkDwTile *t)
{
  for (uint32_t c = 0; c < t->c; c += 16)
    slide_s16(t, 1, c);
}

void qfk_dw_s16_3x3s2_avx2(const QfkDwTile *t)
{
  for (uint32_t c = 0; c < t->c; c += 16)
    slide_s16(t, 2, c);
}
