/* SPDX-License-Identifier: MIT */
/*
 * tile_i8mm.c - tiles of bytes by smmla, which multiplies 8 bytes of two rows with those of two columns. While summed, a register holds
 * two rows of two columns.
 */
#include "tile_neon.h"

#define PAIRS (MR / 2)
#define WIDTH 4 /* pairs of columns in a full panel */

/* Eight bytes of two rows times those of all columns; the next group of B lies after it. */
INLINE void group(int32x4_t acc[PAIRS][WIDTH], const unsigned pairs, const unsigned width,
                  const int8x16_t x[PAIRS], const int8_t *b)
{
  UNROLL for (unsigned j = 0; j < width; j++)
  {
    const int8x16_t w = vld1q_s8(b + 16 * j);
    UNROLL for (unsigned p = 0; p < pairs; p++) acc[p][j] = vmmlaq_s32(acc[p][j], x[p], w);
  }
}

/* The first (second) halves of both. */
INLINE int8x16_t first(int8x16_t x, int8x16_t y)
{
  return vreinterpretq_s8_s64(vzip1q_s64(vreinterpretq_s64_s8(x), vreinterpretq_s64_s8(y)));
}

INLINE int8x16_t second(int8x16_t x, int8x16_t y)
{
  return vreinterpretq_s8_s64(vzip2q_s64(vreinterpretq_s64_s8(x), vreinterpretq_s64_s8(y)));
}

INLINE int32x4_t halves(int32x4_t x, int32x4_t y, bool high)
{
  const int8x16_t u = vreinterpretq_s8_s32(x), v = vreinterpretq_s8_s32(y);
  return vreinterpretq_s32_s8(high ? second(u, v) : first(u, v));
}

INLINE void tile_mm(const QfkTile *t, const unsigned m, const unsigned nv)
{
  const unsigned pairs = (m + 1) / 2, width = 2 * nv;
  int32x4_t acc[PAIRS][WIDTH], rows[MR][NV];
  const int8_t *b = t->b;
  const int8x16_t flip = vdupq_n_s8((int8_t)t->flip);
  UNROLL for (unsigned j = 0; j < width; j++)
  {
    const int32x2_t bias = vld1_s32((const int32_t *)t->bias + 2 * j);
    UNROLL for (unsigned p = 0; p < pairs; p++) acc[p][j] = vcombine_s32(bias, bias);
  }
  for (uint32_t s = 0; s < t->n_seg; s++) {
    const int8_t *a[MR];
    size_t k = 0;
    /* Where there is no second row, the first one stands in. */
    UNROLL for (unsigned r = 0; r < 2 * pairs; r++) a[r] = t->a[(r < m ? r : r - 1) * t->n_seg + s];
    for (; k + 2 <= t->steps; k += 2, b += 32 * width) {
      int8x16_t x[PAIRS], y[PAIRS];
      UNROLL for (unsigned p = 0; p < pairs; p++)
      {
        const int8x16_t u = veorq_s8(vld1q_s8(a[2 * p] + 8 * k), flip);
        const int8x16_t v = veorq_s8(vld1q_s8(a[2 * p + 1] + 8 * k), flip);
        x[p] = first(u, v);
        y[p] = second(u, v);
      }
      group(acc, pairs, width, x, b);
      group(acc, pairs, width, y, b + 16 * width);
    }
    for (; k < t->steps; k++, b += 16 * width) {
      int8x16_t x[PAIRS];
      UNROLL for (unsigned p = 0; p < pairs; p++) x[p] =
          veorq_s8(vcombine_s8(vld1_s8(a[2 * p] + 8 * k), vld1_s8(a[2 * p + 1] + 8 * k)), flip);
      group(acc, pairs, width, x, b);
    }
  }
  UNROLL for (unsigned r = 0; r < m; r++) UNROLL for (unsigned v = 0; v < nv; v++) rows[r][v] =
      halves(acc[r / 2][2 * v], acc[r / 2][2 * v + 1], r % 2);
  store_ints(t, m, nv, rows);
}

TILE(qfk_tile_mm_8x8_i8mm, tile_mm)
