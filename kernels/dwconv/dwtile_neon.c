/* SPDX-License-Identifier: MIT */
/*
 * dwtile_neon.c - depthwise convolution: float with 4 channels a vector, 3x3 with its weights in registers; int16 with 8 channels.
 */
#include "dwtile.h"

#include <arm_neon.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 4")

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

/* A column of input is added to all outputs it belongs to; @rows of the filter are there. */
INLINE void slide_f32(const QfkDwTile *t, const unsigned rows, const unsigned stride, uint32_t c)
{
  const float *x = (const float *)t->x + c, *w = (const float *)t->w + c;
  const ptrdiff_t col = t->col, row = t->row;
  const float32x4_t bias = vld1q_f32((const float *)t->bias + c);
  float32x4_t k[3][3], first = bias, second = bias;
  UNROLL for (unsigned r = 0; r < rows; r++) UNROLL for (unsigned j = 0; j < 3; j++) k[r][j] =
      vld1q_f32(w + (ptrdiff_t)r * t->w_row + (ptrdiff_t)j * t->w_col);
  UNROLL for (unsigned r = 0; r < rows; r++)
  {
    first = vfmaq_f32(first, vld1q_f32(x + (ptrdiff_t)r * row), k[r][0]);
    if (stride == 1) {
      const float32x4_t v = vld1q_f32(x + (ptrdiff_t)r * row + col);
      first = vfmaq_f32(first, v, k[r][1]);
      second = vfmaq_f32(second, v, k[r][0]);
    }
  }
  x += stride == 1 ? 2 * col : col;
  for (uint32_t i = 0; i < t->n; i++) {
    float32x4_t third = bias;
    UNROLL for (unsigned r = 0; r < rows; r++)
    {
      const float32x4_t v = vld1q_f32(x + (ptrdiff_t)r * row);
      if (stride == 1) {
        first = vfmaq_f32(first, v, k[r][2]);
        second = vfmaq_f32(second, v, k[r][1]);
        third = vfmaq_f32(third, v, k[r][0]);
      } else {
        const float32x4_t u = vld1q_f32(x + (ptrdiff_t)r * row + col);
        first = vfmaq_f32(vfmaq_f32(first, v, k[r][1]), u, k[r][2]);
        second = vfmaq_f32(second, u, k[r][0]);
      }
    }
    finish_f32(t, i, c, 4, first);
    x += stride == 1 ? col : 2 * col;
    first = second;
    second = third;
  }
}

INLINE void row_3x3(const QfkDwTile *t, const unsigned stride)
{
  if (t->c < 4) {
    qfk_dw_f32_any_neon(t);
    return;
  }
  for (uint32_t c4 = 0; c4 < t->c; c4 += 4) {
    const uint32_t c = c4 + 4 <= t->c ? c4 : t->c - 4;
    if (t->rows == 3)
      slide_f32(t, 3, stride, c);
    else if (t->rows == 2)
      slide_f32(t, 2, stride, c);
    else
      slide_f32(t, 1, stride, c);
  }
}

void qfk_dw_f32_3x3s1_neon(const QfkDwTile *t)
{
  row_3x3(t, 1);
}

void qfk_dw_f32_3x3s2_neon(const QfkDwTile *t)
{
  row_3x3(t, 2);
}

INLINE int16x4_t narrow(const QfkDwTile *t, int32x4_t acc, uint32_t c)
{
  float32x4_t y = vmulq_f32(vcvtq_f32_s32(acc), vld1q_f32(t->scale + c));
  y = vminq_f32(vmaxq_f32(y, vdupq_n_f32(t->lo)), vdupq_n_f32(t->hi));
  return vqmovn_s32(vcvtnq_s32_f32(y));
}

/* 8 channels of one pixel; weights of a pair of rows lie interleaved. */
INLINE void pixel_s16(const QfkDwTile *t, uint32_t i, uint32_t c)
{
  const uint32_t pairs = (t->rows + 1) / 2;
  const int16_t *w = (const int16_t *)t->w + (size_t)c * t->cols * pairs * 2;
  const int16_t *x = (const int16_t *)t->x + (ptrdiff_t)i * t->pixel + c;
  int32x4_t low = vld1q_s32((const int32_t *)t->bias + c), high = vld1q_s32((const int32_t *)t->bias + c + 4);
  for (uint32_t kx = 0; kx < t->cols; kx++, x += t->col)
    for (uint32_t ky = 0; ky < t->rows; ky += 2, w += 16) {
      const int16x8x2_t k = vld2q_s16(w);
      const int16x8_t a = vld1q_s16(x + (ptrdiff_t)ky * t->row);
      low = vmlal_s16(low, vget_low_s16(a), vget_low_s16(k.val[0]));
      high = vmlal_high_s16(high, a, k.val[0]);
      if (ky + 1 < t->rows) {
        const int16x8_t b = vld1q_s16(x + (ptrdiff_t)(ky + 1) * t->row);
        low = vmlal_s16(low, vget_low_s16(b), vget_low_s16(k.val[1]));
        high = vmlal_high_s16(high, b, k.val[1]);
      }
    }
  const int16x8_t q =
      vaddq_s16(vcombine_s16(narrow(t, low, c), narrow(t, high, c + 4)), vdupq_n_s16((int16_t)t->zero_point));
  const uint8x8_t y = t->y_signed ? vreinterpret_u8_s8(vqmovn_s16(q)) : vqmovun_s16(q);
  uint8_t *dst = (uint8_t *)t->y + (size_t)i * t->c + c, bytes[8];
  if (t->c - c >= 8) {
    vst1_u8(dst, y);
  } else {
    vst1_u8(bytes, y);
    memcpy(dst, bytes, t->c - c);
  }
}

void qfk_dw_s16_any_neon(const QfkDwTile *t)
{
  for (uint32_t c = 0; c < t->c; c += 8)
    for (uint32_t i = 0; i < t->n; i++)
      pixel_s16(t, i, c);
}
