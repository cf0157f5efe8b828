/* SPDX-License-Identifier: MIT */
/*
 * tile_neonbf16.c - tiles of bfloat16 by bfdot, two of A in a lane. It rounds a pair's products and sum to odd, which no other does: the
 * bound that bf16.h states holds, its bits do not.
 */
#include "bf16.h"
#include "tile_neon.h"

#define STEP_BF16(lane)                                                                                      \
  {                                                                                                          \
    bfloat16x8_t w[NV];                                                                                      \
    UNROLL for (unsigned v = 0; v < nv; v++) w[v] = vld1q_bf16(b + 8 * (lane * nv + v));                     \
    UNROLL for (unsigned r = 0; r < m; r++) UNROLL for (unsigned v = 0; v < nv; v++)                         \
        acc[lane % sets][r][v] = vbfdotq_laneq_f32(acc[lane % sets][r][v], w[v], x[r], lane);                \
  }

INLINE void tile_bf16(const QfkTile *t, const unsigned m, const unsigned nv)
{
  const unsigned sets = SETS_OF(m);
  float32x4_t acc[SETS][MR][NV];
  const bfloat16_t *b = t->b;
  UNROLL for (unsigned s = 0; s < sets; s++) UNROLL for (unsigned v = 0; v < nv; v++)
      UNROLL for (unsigned r = 0; r < m; r++) acc[s][r][v] =
          s ? vdupq_n_f32(0) : vld1q_f32((const float *)t->bias + 4 * v);
  for (uint32_t s = 0; s < t->n_seg; s++) {
    const bfloat16_t *a[MR];
    size_t k = 0;
    UNROLL for (unsigned r = 0; r < m; r++) a[r] = t->a[r * t->n_seg + s];
    for (; k + 4 <= t->steps; k += 4, b += 32 * nv) {
      bfloat16x8_t x[MR];
      UNROLL for (unsigned r = 0; r < m; r++) x[r] = vld1q_bf16(a[r] + 2 * k);
      STEP_BF16(0)
      STEP_BF16(1)
      STEP_BF16(2)
      STEP_BF16(3)
    }
    for (; k < t->steps; k++, b += 8 * nv) {
      bfloat16x8_t x[MR];
      UNROLL for (unsigned r = 0; r < m; r++)
      {
        uint32_t pair;
        memcpy(&pair, a[r] + 2 * k, sizeof(pair));
        x[r] = vreinterpretq_bf16_u32(vdupq_n_u32(pair));
      }
      STEP_BF16(0)
    }
  }
  UNROLL for (unsigned s = 1; s < sets; s++) UNROLL for (unsigned r = 0; r < m; r++)
      UNROLL for (unsigned v = 0; v < nv; v++) acc[0][r][v] = vaddq_f32(acc[0][r][v], acc[s][r][v]);
  store_f32(t, m, nv, acc[0]);
}

TILE(qfk_tile_bf16_8x8_neonbf16, tile_bf16)

void qfk_narrow_bf16_neonbf16(int16_t *dst, const uint8_t *src, size_t n, int32_t zero, bool is_signed)
{
  size_t i = 0;
  for (; i + 8 <= n; i += 8) {
    const float32x4_t low = qfk_bf16_flush_neon(vld1q_f32((const float *)(const void *)src + i));
    const float32x4_t high = qfk_bf16_flush_neon(vld1q_f32((const float *)(const void *)src + i + 4));
    vst1q_bf16((bfloat16_t *)(dst + i), vcvtq_high_bf16_f32(vcvtq_low_bf16_f32(low), high));
  }
  qfk_narrow_bf16_ref(dst + i, src + 4 * i, n - i, zero, is_signed);
}
