/* SPDX-License-Identifier: MIT */
/*
 * dwtile_neon.c - depthwise convolution: float with 4 channels a vector, int16 with 8. 3x3 filters stay in registers while the columns
 * of input pass by; of 5x5 ones a row does, for 8 pixels.
 */
#include "dwtile.h"

#include <arm_neon.h>
#include <string.h>

/* gcc's scheduling before registers are given out makes more values live than there are registers. */
#ifndef __clang__
#pragma GCC optimize("no-schedule-insns")
#endif

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 20")

INLINE float32x4_t load_some(const float *p, uint32_t n)
{
  float x[4] = {0};
  if (n == 4)
    return vld1q_f32(p);
  memcpy(x, p, n * sizeof(float));
  return vld1q_f32(x);
}

/* Channels [c, c + n), n <= 4, of pixel @i from their sum. */
INLINE void finish_f32(const QfkDwTile *t, size_t i, uint32_t c, uint32_t n, float32x4_t acc)
{
  const size_t at = i * (size_t)t->out + c;
  float x[4];
  if (t->res)
    acc = vaddq_f32(acc, load_some(t->res + at, n));
  acc = vminq_f32(vdupq_n_f32(t->hi), vmaxq_f32(vdupq_n_f32(t->lo), acc));
  if (n == 4) {
    vst1q_f32((float *)t->y + at, acc);
    return;
  }
  vst1q_f32(x, acc);
  memcpy((float *)t->y + at, x, n * sizeof(float));
}

INLINE void pixel_f32(const QfkDwTile *t, uint32_t i, uint32_t c, uint32_t n)
{
  const float *x = (const float *)t->x + (ptrdiff_t)i * t->pixel + c, *w = (const float *)t->w + c;
  float32x4_t acc = load_some((const float *)t->bias + c, n);
  for (uint32_t ky = 0; ky < t->rows; ky++, x += t->row, w += t->w_row)
    for (uint32_t kx = 0; kx < t->cols; kx++)
      acc = vfmaq_f32(acc, load_some(x + (ptrdiff_t)kx * t->col, n),
                      load_some(w + (ptrdiff_t)kx * t->w_col, n));
  finish_f32(t, i, c, n, acc);
}

void qfk_dw_f32_any_neon(const QfkDwTile *t)
{
  for (uint32_t i = 0; i < t->n; i++)
    for (uint32_t c = 0; c < t->c; c += 4)
      pixel_f32(t, i, c, t->c - c < 4 ? t->c - c : 4);
}

/* Where pixels go. */
typedef struct {
  float *y;
  const float *res; /* or NULL */
  ptrdiff_t out;
  float32x4_t lo, hi;
} Out;

INLINE Out out_of(const QfkDwTile *t, uint32_t c)
{
  return (Out){(float *)t->y + c, t->res ? t->res + c : NULL, t->out, vdupq_n_f32(t->lo), vdupq_n_f32(t->hi)};
}

INLINE void put(const Out *o, unsigned v, float32x4_t acc)
{
  if (o->res)
    acc = vaddq_f32(acc, vld1q_f32(o->res + 4 * v));
  vst1q_f32(o->y + 4 * v, vminq_f32(o->hi, vmaxq_f32(o->lo, acc)));
}

INLINE void advance(Out *o)
{
  o->y += o->out;
  if (o->res)
    o->res += o->out;
}

/* Sums of one pixel; a filter of 3x3, some of its rows; both of up to two vectors of channels. */
typedef struct {
  float32x4_t v[2];
} Pair;
typedef struct {
  float32x4_t bias[2], k[3][3][2];
} Filter;

/* A column of input is added to all pixels it belongs to, the next one too when the stride is 2; the first is done then. */
INLINE void step_f32(const QfkDwTile *t, const Filter *f, const unsigned rows, const unsigned stride,
                     const unsigned nv, const float *x, Pair *first, Pair *second, Pair *third)
{
  UNROLL for (unsigned v = 0; v < nv; v++) third->v[v] = f->bias[v];
  UNROLL for (unsigned r = 0; r < rows; r++) UNROLL for (unsigned v = 0; v < nv; v++)
  {
    const float *from = x + (ptrdiff_t)r * t->row + 4 * v;
    const float32x4_t u = vld1q_f32(from);
    if (stride == 1) {
      first->v[v] = vfmaq_f32(first->v[v], u, f->k[r][2][v]);
      second->v[v] = vfmaq_f32(second->v[v], u, f->k[r][1][v]);
      third->v[v] = vfmaq_f32(third->v[v], u, f->k[r][0][v]);
    } else {
      const float32x4_t next = vld1q_f32(from + t->col);
      first->v[v] = vfmaq_f32(vfmaq_f32(first->v[v], u, f->k[r][1][v]), next, f->k[r][2][v]);
      second->v[v] = vfmaq_f32(second->v[v], next, f->k[r][0][v]);
    }
  }
}

/* The next pixel is done, and the three sums take turns. */
#define STEP_F32(a, b, c)                                                                                    \
  step_f32(t, &f, rows, stride, nv, x, &p[a], &p[b], &p[c]);                                                 \
  UNROLL for (unsigned v = 0; v < nv; v++) put(&o, v, p[a].v[v]);                                            \
  if (!--left)                                                                                               \
    return;                                                                                                  \
  x += step;                                                                                                 \
  advance(&o);

/* @rows of the filter are there. Two vectors of channels go together, so that an addition need not wait for the one before it. */
INLINE void slide_f32(const QfkDwTile *tile, const unsigned rows, const unsigned stride, const unsigned nv,
                      uint32_t c)
{
  const QfkDwTile copy = *tile, *t = &copy; /* which no store can change */
  const float *x = (const float *)t->x + c, *w = (const float *)t->w + c;
  const ptrdiff_t step = (ptrdiff_t)stride * t->col;
  Out o = out_of(t, c);
  Filter f;
  Pair p[3];
  UNROLL for (unsigned v = 0; v < nv; v++)
  {
    p[0].v[v] = p[1].v[v] = f.bias[v] = vld1q_f32((const float *)t->bias + c + 4 * v);
    UNROLL for (unsigned r = 0; r < rows; r++) UNROLL for (unsigned j = 0; j < 3; j++) f.k[r][j][v] =
        vld1q_f32(w + (ptrdiff_t)r * t->w_row + (ptrdiff_t)j * t->w_col + 4 * v);
    UNROLL for (unsigned r = 0; r < rows; r++)
    {
      const float *from = x + (ptrdiff_t)r * t->row + 4 * v;
      p[0].v[v] = vfmaq_f32(p[0].v[v], vld1q_f32(from), f.k[r][0][v]);
      if (stride == 1) {
        const float32x4_t u = vld1q_f32(from + t->col);
        p[0].v[v] = vfmaq_f32(p[0].v[v], u, f.k[r][1][v]);
        p[1].v[v] = vfmaq_f32(p[1].v[v], u, f.k[r][0][v]);
      }
    }
  }
  x += stride == 1 ? 2 * t->col : t->col;
  for (uint32_t left = t->n;;) {
    STEP_F32(0, 1, 2)
    STEP_F32(1, 2, 0)
    STEP_F32(2, 0, 1)
  }
}

INLINE void row_3x3(const QfkDwTile *t, const unsigned rows, const unsigned stride)
{
  uint32_t c = 0;
  for (; c + 8 <= t->c; c += 8)
    slide_f32(t, rows, stride, 2, c);
  for (; c < t->c; c += 4)
    slide_f32(t, rows, stride, 1, c + 4 <= t->c ? c : t->c - 4);
}

INLINE void rows_3x3(const QfkDwTile *t, const unsigned stride)
{
  if (t->c < 4)
    qfk_dw_f32_any_neon(t);
  else if (t->rows == 3)
    row_3x3(t, 3, stride);
  else if (t->rows == 2)
    row_3x3(t, 2, stride);
  else
    row_3x3(t, 1, stride);
}

void qfk_dw_f32_3x3s1_neon(const QfkDwTile *t)
{
  rows_3x3(t, 1);
}

void qfk_dw_f32_3x3s2_neon(const QfkDwTile *t)
{
  rows_3x3(t, 2);
}

/* @n pixels from @i on at once, 4 channels: a row of the filter in registers, every column of input loaded once for it. */
INLINE void block_5x5(const QfkDwTile *t, uint32_t i, uint32_t c, const unsigned n, const unsigned stride)
{
  const float *x = (const float *)t->x + (ptrdiff_t)i * t->pixel + c, *w = (const float *)t->w + c;
  const ptrdiff_t col = t->col;
  float32x4_t acc[8];
  UNROLL for (unsigned p = 0; p < n; p++) acc[p] = vld1q_f32((const float *)t->bias + c);
  for (uint32_t r = 0; r < t->rows; r++, x += t->row, w += t->w_row) {
    float32x4_t k[5];
    UNROLL for (unsigned j = 0; j < 5; j++) k[j] = vld1q_f32(w + (ptrdiff_t)j * t->w_col);
    UNROLL for (unsigned j = 0; j < (n - 1) * stride + 5; j++)
    {
      const float32x4_t u = vld1q_f32(x + (ptrdiff_t)j * col);
      UNROLL for (unsigned p = 0; p < n; p++) if (j >= p * stride && j < p * stride + 5) acc[p] =
          vfmaq_f32(acc[p], u, k[j - p * stride]);
    }
  }
  Out o = out_of(t, c);
  o.y += (ptrdiff_t)i * t->out;
  o.res = o.res ? o.res + (ptrdiff_t)i * t->out : NULL;
  UNROLL for (unsigned p = 0; p < n; p++, advance(&o)) put(&o, 0, acc[p]);
}

INLINE void rows_5x5(const QfkDwTile *t, const unsigned stride)
{
  if (t->c < 4) {
    qfk_dw_f32_any_neon(t);
    return;
  }
  for (uint32_t c4 = 0; c4 < t->c; c4 += 4) {
    const uint32_t c = c4 + 4 <= t->c ? c4 : t->c - 4;
    uint32_t i = 0;
    for (; i + 8 <= t->n; i += 8)
      block_5x5(t, i, c, 8, stride);
    for (; i + 3 <= t->n; i += 3)
      block_5x5(t, i, c, 3, stride);
    for (; i < t->n; i++)
      block_5x5(t, i, c, 1, stride);
  }
}

void qfk_dw_f32_5x5s1_neon(const QfkDwTile *t)
{
  rows_5x5(t, 1);
}

void qfk_dw_f32_5x5s2_neon(const QfkDwTile *t)
{
  rows_5x5(t, 2);
}

INLINE int16x4_t narrow(const QfkDwTile *t, int32x4_t acc, uint32_t c)
{
  float32x4_t y = vmulq_f32(vcvtq_f32_s32(acc), vld1q_f32(t->scale + c));
  y = vminq_f32(vmaxq_f32(y, vdupq_n_f32(t->lo)), vdupq_n_f32(t->hi));
  return vqmovn_s32(vcvtnq_s32_f32(y));
}

typedef struct {
  int32x4_t low, high;
} Sums;

INLINE Sums add_product(Sums s, int16x8_t x, int16x8_t w)
{
  return (Sums){vmlal_s16(s.low, vget_low_s16(x), vget_low_s16(w)), vmlal_high_s16(s.high, x, w)};
}

/* 8 channels of pixel @i from their sums. */
INLINE void finish_s16(const QfkDwTile *t, uint32_t i, uint32_t c, Sums sums)
{
  const int16x8_t q = vaddq_s16(vcombine_s16(narrow(t, sums.low, c), narrow(t, sums.high, c + 4)),
                                vdupq_n_s16((int16_t)t->zero_point));
  const uint8x8_t y = t->y_signed ? vreinterpret_u8_s8(vqmovn_s16(q)) : vqmovun_s16(q);
  uint8_t *dst = (uint8_t *)t->y + (size_t)i * t->c + c, bytes[8];
  if (t->c - c >= 8) {
    vst1_u8(dst, y);
  } else {
    vst1_u8(bytes, y);
    memcpy(dst, bytes, t->c - c);
  }
}

INLINE Sums bias_s16(const QfkDwTile *t, uint32_t c)
{
  return (Sums){vld1q_s32((const int32_t *)t->bias + c), vld1q_s32((const int32_t *)t->bias + c + 4)};
}

/* 8 channels of one pixel; weights of a pair of rows lie interleaved. */
INLINE void pixel_s16(const QfkDwTile *t, uint32_t i, uint32_t c)
{
  const uint32_t pairs = (t->rows + 1) / 2;
  const int16_t *w = (const int16_t *)t->w + (size_t)c * t->cols * pairs * 2;
  const int16_t *x = (const int16_t *)t->x + (ptrdiff_t)i * t->pixel + c;
  Sums sums = bias_s16(t, c);
  for (uint32_t kx = 0; kx < t->cols; kx++, x += t->col)
    for (uint32_t ky = 0; ky < t->rows; ky += 2, w += 16) {
      const int16x8x2_t k = vld2q_s16(w);
      sums = add_product(sums, vld1q_s16(x + (ptrdiff_t)ky * t->row), k.val[0]);
      if (ky + 1 < t->rows)
        sums = add_product(sums, vld1q_s16(x + (ptrdiff_t)(ky + 1) * t->row), k.val[1]);
    }
  finish_s16(t, i, c, sums);
}

void qfk_dw_s16_any_neon(const QfkDwTile *t)
{
  for (uint32_t c = 0; c < t->c; c += 8)
    for (uint32_t i = 0; i < t->n; i++)
      pixel_s16(t, i, c);
}

/* As step_f32(). */
INLINE void step_s16(const QfkDwTile *t, const int16x8_t k[3][3], Sums bias, const unsigned stride,
                     const int16_t *x, Sums *first, Sums *second, Sums *third)
{
  *third = bias;
  UNROLL for (unsigned r = 0; r < 3; r++)
  {
    const int16x8_t u = vld1q_s16(x + (ptrdiff_t)r * t->row);
    if (stride == 1) {
      *first = add_product(*first, u, k[r][2]);
      *second = add_product(*second, u, k[r][1]);
      *third = add_product(*third, u, k[r][0]);
    } else {
      const int16x8_t next = vld1q_s16(x + (ptrdiff_t)r * t->row + t->col);
      *first = add_product(add_product(*first, u, k[r][1]), next, k[r][2]);
      *second = add_product(*second, next, k[r][0]);
    }
  }
}

#define STEP_S16(a, b, d)                                                                                    \
  step_s16(t, k, bias, stride, x, &p[a], &p[b], &p[d]);                                                      \
  finish_s16(t, at, c, p[a]);                                                                                \
  if (++at == t->n)                                                                                          \
    return;                                                                                                  \
  x += (ptrdiff_t)stride * t->col;

/* As slide_f32(), for 8 channels with all rows. */
INLINE void slide_s16(const QfkDwTile *tile, const unsigned stride, uint32_t c)
{
  const QfkDwTile copy = *tile, *t = &copy;
  const int16_t *x = (const int16_t *)t->x + c, *w = (const int16_t *)t->w + (size_t)c * 12;
  const Sums bias = bias_s16(t, c);
  Sums p[3] = {bias, bias, bias};
  int16x8_t k[3][3];
  UNROLL for (unsigned j = 0; j < 3; j++)
  {
    const int16x8x2_t upper = vld2q_s16(w + 32 * j), lower = vld2q_s16(w + 32 * j + 16);
    k[0][j] = upper.val[0];
    k[1][j] = upper.val[1];
    k[2][j] = lower.val[0];
  }
  UNROLL for (unsigned r = 0; r < 3; r++)
  {
    p[0] = add_product(p[0], vld1q_s16(x + (ptrdiff_t)r * t->row), k[r][0]);
    if (stride == 1) {
      const int16x8_t u = vld1q_s16(x + (ptrdiff_t)r * t->row + t->col);
      p[0] = add_product(p[0], u, k[r][1]);
      p[1] = add_product(p[1], u, k[r][0]);
    }
  }
  x += stride == 1 ? 2 * t->col : t->col;
  for (uint32_t at = 0;;) {
    STEP_S16(0, 1, 2)
    STEP_S16(1, 2, 0)
    STEP_S16(2, 0, 1)
  }
}

void qfk_dw_s16_3x3s1_neon(const QfkDwTile *t)
{
  for (uint32_t c = 0; c < t->c; c += 8)
    slide_s16(t, 1, c);
}

void qfk_dw_s16_3x3s2_neon(const QfkDwTile *t)
{
  for (uint32_t c = 0; c < t->c; c += 8)
    slide_s16(t, 2, c);
}
