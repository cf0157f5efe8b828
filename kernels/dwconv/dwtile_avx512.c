/* SPDX-License-Identifier: MIT */
/*
 * dwtile_avx512.c - depthwise convolution of floats, sixteen channels at a time, the last ones by mask.
 *
 * 3x3: the nine weights stay in registers while a row slides by, so that an output costs three loads (six with stride 2) and nine
 * multiplications. 5x5: the weights of a filter row stay for up to six pixels. Sixteen channels are a whole cache line, so pixels
 * whose distance is a power of two do no harm: no line is wanted again before it would be evicted.
 */
#include "dwtile.h"

#include <immintrin.h>

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 16")
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define SLIDE_BYTES                                                                                          \
  (192u << 10) /* of input whose channels are all done before the next pixels: they stay in the L2 cache */

INLINE __m512 load(const float *p, const bool full, __mmask16 mask)
{
  return full ? _mm512_loadu_ps(p) : _mm512_maskz_loadu_ps(mask, p);
}

INLINE __mmask16 tail_mask(uint32_t n)
{
  return (__mmask16)(0xffffu >> (16 - MIN(n, 16)));
}

/* Residual, bounds, store. @at is the place of the first channel in y. */
INLINE void finish(const QfkDwTile *t, size_t at, __m512 acc, const bool full, __mmask16 mask)
{
  float *y = (float *)t->y + at;
  if (t->res)
    acc = _mm512_add_ps(acc, load(t->res + at, full, mask));
  acc = _mm512_min_ps(_mm512_set1_ps(t->hi), _mm512_max_ps(_mm512_set1_ps(t->lo), acc));
  if (full)
    _mm512_storeu_ps(y, acc);
  else
    _mm512_mask_storeu_ps(y, mask, acc);
}

/* Where a slide along a row is, and what stays in registers meanwhile. */
typedef struct {
  __m512 k[3][3], bias;
  const float *x;
  ptrdiff_t row, col;
  size_t at; /* of the output */
  __mmask16 mask;
} Slide;

/* A value that is used more than once: without this gcc loads it anew for each use, and loads are what is scarce. */
INLINE __m512 load_once(const float *p, const bool full, __mmask16 mask)
{
  __m512 v = load(p, full, mask);
#ifndef QFK_EMULATED
  __asm__ volatile("" : "+v"(v));
#endif
  return v;
}

/* The next column (two with stride 2) of input completes @first, adds to @second and, with stride 1, begins @third. */
INLINE void slide_step(const QfkDwTile *t, Slide *s, const unsigned rows, const unsigned stride,
                       const bool full, __m512 *first, __m512 *second, __m512 *third)
{
  __m512 *const begins = stride == 1 ? third : second;
  *begins = s->bias;
  UNROLL for (unsigned r = 0; r < rows; r++)
  {
    const __m512 v = load_once(s->x + (ptrdiff_t)r * s->row, full, s->mask);
    if (stride == 1) {
      *first = _mm512_fmadd_ps(v, s->k[r][2], *first);
      *second = _mm512_fmadd_ps(v, s->k[r][1], *second);
      *third = _mm512_fmadd_ps(v, s->k[r][0], *third);
    } else {
      const __m512 u = load_once(s->x + (ptrdiff_t)r * s->row + s->col, full, s->mask);
      *first = _mm512_fmadd_ps(v, s->k[r][1], *first);
      *first = _mm512_fmadd_ps(u, s->k[r][2], *first);
      *second = _mm512_fmadd_ps(u, s->k[r][0], *second);
    }
  }
  finish(t, s->at, *first, full, s->mask);
  s->x += stride == 1 ? s->col : 2 * s->col;
  s->at += (size_t)t->out;
}

/* 3x3 along a row, @rows of the filter are there. */
INLINE void slide(const QfkDwTile *t, const unsigned rows, const unsigned stride, const bool full, uint32_t i,
                  uint32_t n, uint32_t c)
{
  const float *w = (const float *)t->w + c;
  Slide s = {.x = (const float *)t->x + (ptrdiff_t)i * t->pixel + c,
             .row = t->row,
             .col = t->col,
             .at = (size_t)i * (size_t)t->out + c,
             .mask = tail_mask(t->c - c)};
  s.bias = load((const float *)t->bias + c, full, s.mask);
  UNROLL for (unsigned r = 0; r < rows; r++) UNROLL for (unsigned j = 0; j < 3; j++) s.k[r][j] =
      load(w + (ptrdiff_t)r * t->w_row + (ptrdiff_t)j * t->w_col, full, s.mask);
  __m512 a = s.bias, b = s.bias, d; /* sums of this output, the next and the one after it */
  UNROLL for (unsigned r = 0; r < rows; r++)
  {
    const float *x = s.x + (ptrdiff_t)r * s.row;
    a = _mm512_fmadd_ps(load(x, full, s.mask), s.k[r][0], a);
    if (stride == 1) {
      const __m512 v = load(x + s.col, full, s.mask);
      a = _mm512_fmadd_ps(v, s.k[r][1], a);
      b = _mm512_fmadd_ps(v, s.k[r][0], b);
    }
  }
  s.x += stride == 1 ? 2 * s.col : s.col;
  for (; n >= 3; n -= 3) {
    slide_step(t, &s, rows, stride, full, &a, &b, &d);
    slide_step(t, &s, rows, stride, full, &b, &d, &a);
    slide_step(t, &s, rows, stride, full, &d, &a, &b);
  }
  if (n)
    slide_step(t, &s, rows, stride, full, &a, &b, &d);
  if (n == 2)
    slide_step(t, &s, rows, stride, full, &b, &d, &a);
}

INLINE void slide_rows(const QfkDwTile *t, const unsigned stride, const bool full, uint32_t i, uint32_t n,
                       uint32_t c)
{
  if (t->rows == 3)
    slide(t, 3, stride, full, i, n, c);
  else if (t->rows == 2)
    slide(t, 2, stride, full, i, n, c);
  else
    slide(t, 1, stride, full, i, n, c);
}

INLINE void row_3x3(const QfkDwTile *t, const unsigned stride)
{
  const size_t pixels = SLIDE_BYTES / (3 * sizeof(float)) / stride / t->c;
  const uint32_t most = pixels < 7 ? 7 : (uint32_t)MIN(pixels, UINT32_MAX);
  for (uint32_t i = 0; i < t->n; i += MIN(most, t->n - i)) {
    const uint32_t n = MIN(most, t->n - i);
    uint32_t c = 0;
    for (; c + 16 <= t->c; c += 16)
      slide_rows(t, stride, true, i, n, c);
    if (c < t->c)
      slide_rows(t, stride, false, i, n, c);
  }
}

void qfk_dw_f32_3x3s1_avx512(const QfkDwTile *t)
{
  row_3x3(t, 1);
}

void qfk_dw_f32_3x3s2_avx512(const QfkDwTile *t)
{
  row_3x3(t, 2);
}

/* @px pixels from pixel @i, the channels of @mask from @c on, 5 columns of taps. */
INLINE void block_5x5(const QfkDwTile *t, const unsigned px, const unsigned stride, const bool full,
                      uint32_t i, uint32_t c)
{
  const __mmask16 mask = tail_mask(t->c - c);
  __m512 acc[6];
  const float *x = (const float *)t->x + (ptrdiff_t)i * t->pixel + c, *w = (const float *)t->w + c;
  UNROLL for (unsigned p = 0; p < px; p++) acc[p] = load((const float *)t->bias + c, full, mask);
  for (uint32_t ky = 0; ky < t->rows; ky++, x += t->row, w += t->w_row) {
    const float *xj = x;
    __m512 k[5];
    UNROLL for (unsigned j = 0; j < 5; j++) k[j] = load(w + (ptrdiff_t)j * t->w_col, full, mask);
    UNROLL for (unsigned j = 0; j < (px - 1) * stride + 5; j++, xj += t->col)
    {
      const __m512 v = load_once(xj, full, mask);
      UNROLL for (unsigned p = 0; p < px; p++) if (j >= p * stride && j - p * stride < 5) acc[p] =
          _mm512_fmadd_ps(v, k[j - p * stride], acc[p]);
    }
  }
  UNROLL for (unsigned p = 0; p < px; p++)
      finish(t, (size_t)(i + p) * (size_t)t->out + c, acc[p], full, mask);
}

INLINE void pixels_5x5(const QfkDwTile *t, const unsigned px, const unsigned stride, uint32_t i)
{
  uint32_t c = 0;
  for (; c + 16 <= t->c; c += 16)
    block_5x5(t, px, stride, true, i, c);
  if (c < t->c)
    block_5x5(t, px, stride, false, i, c);
}

INLINE void row_5x5(const QfkDwTile *t, const unsigned stride)
{
  uint32_t i = 0;
  for (; i + 6 <= t->n; i += 6)
    pixels_5x5(t, 6, stride, i);
  for (; i + 2 <= t->n; i += 2)
    pixels_5x5(t, 2, stride, i);
  for (; i < t->n; i++)
    pixels_5x5(t, 1, stride, i);
}

void qfk_dw_f32_5x5s1_avx512(const QfkDwTile *t)
{
  row_5x5(t, 1);
}

void qfk_dw_f32_5x5s2_avx512(const QfkDwTile *t)
{
  row_5x5(t, 2);
}

/* One pixel, any taps, @nv vectors of channels: four of them, so that no sum waits for another. */
INLINE void pixel(const QfkDwTile *t, const unsigned nv, const bool full, uint32_t i, uint32_t c)
{
  const __mmask16 mask = tail_mask(t->c - c);
  const float *x = (const float *)t->x + (ptrdiff_t)i * t->pixel + c, *w = (const float *)t->w + c;
  __m512 acc[4];
  UNROLL for (unsigned v = 0; v < nv; v++) acc[v] = load((const float *)t->bias + c + 16 * v, full, mask);
  for (uint32_t ky = 0; ky < t->rows; ky++, x += t->row, w += t->w_row)
    for (uint32_t kx = 0; kx < t->cols; kx++) {
      const float *xp = x + (ptrdiff_t)kx * t->col, *wp = w + (ptrdiff_t)kx * t->w_col;
      UNROLL for (unsigned v = 0; v < nv; v++) acc[v] =
          _mm512_fmadd_ps(load(xp + 16 * v, full, mask), load(wp + 16 * v, full, mask), acc[v]);
    }
  UNROLL for (unsigned v = 0; v < nv; v++)
      finish(t, (size_t)i * (size_t)t->out + c + 16 * v, acc[v], full, mask);
}

void qfk_dw_f32_any_avx512(const QfkDwTile *t)
{
  for (uint32_t i = 0; i < t->n; i++) {
    uint32_t c = 0;
    for (; c + 64 <= t->c; c += 64)
      pixel(t, 4, true, i, c);
    for (; c + 16 <= t->c; c += 16)
      pixel(t, 1, true, i, c);
    if (c < t->c)
      pixel(t, 1, false, i, c);
  }
}
