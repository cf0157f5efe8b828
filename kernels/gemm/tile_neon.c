/* SPDX-License-Identifier: MIT */
/*
 * tile_neon.c - tiles of floats by fmla and of int16 by smlal, a lane of A times a row of B.
 */
#include "tile_neon.h"

/* Lane @lane of each row's four values times its row of B. */
#define STEP_F32(lane)                                                                                       \
  {                                                                                                          \
    float32x4_t w[NV];                                                                                       \
    UNROLL for (unsigned v = 0; v < nv; v++) w[v] = vld1q_f32(b + 4 * (lane * nv + v));                      \
    UNROLL for (unsigned r = 0; r < m; r++) UNROLL for (unsigned v = 0; v < nv; v++)                         \
        acc[lane % sets][r][v] = vfmaq_laneq_f32(acc[lane % sets][r][v], w[v], x[r], lane);                  \
  }

INLINE void tile_f32(const QfkTile *t, const unsigned m, const unsigned nv)
{
  const unsigned sets = SETS_OF(m);
  float32x4_t acc[SETS][MR][NV];
  const float *b = t->b;
  UNROLL for (unsigned s = 0; s < sets; s++) UNROLL for (unsigned v = 0; v < nv; v++)
      UNROLL for (unsigned r = 0; r < m; r++) acc[s][r][v] =
          s ? vdupq_n_f32(0) : vld1q_f32((const float *)t->bias + 4 * v);
  for (uint32_t s = 0; s < t->n_seg; s++) {
    const float *a[MR];
    size_t k = 0;
    UNROLL for (unsigned r = 0; r < m; r++) a[r] = t->a[r * t->n_seg + s];
    for (; k + 4 <= t->steps; k += 4, b += 16 * nv) {
      float32x4_t x[MR];
      UNROLL for (unsigned r = 0; r < m; r++) x[r] = vld1q_f32(a[r] + k);
      STEP_F32(0)
      STEP_F32(1)
      STEP_F32(2)
      STEP_F32(3)
    }
    for (; k < t->steps; k++, b += 4 * nv) {
      float32x4_t x[MR];
      UNROLL for (unsigned r = 0; r < m; r++) x[r] = vld1q_dup_f32(a[r] + k);
      STEP_F32(0)
    }
  }
  UNROLL for (unsigned s = 1; s < sets; s++) UNROLL for (unsigned r = 0; r < m; r++)
      UNROLL for (unsigned v = 0; v < nv; v++) acc[0][r][v] = vaddq_f32(acc[0][r][v], acc[s][r][v]);
  store_f32(t, m, nv, acc[0]);
}

#define STEP_S16(lane)                                                                                       \
  {                                                                                                          \
    const int16_t *row = b + 4 * nv * lane;                                                                  \
    const int16x8_t w = nv == 2 ? vld1q_s16(row) : vcombine_s16(vld1_s16(row), vdup_n_s16(0));               \
    UNROLL for (unsigned r = 0; r < m; r++)                                                                  \
    {                                                                                                        \
      int32x4_t *sum = acc[lane % sets][r];                                                                  \
      sum[0] = vmlal_laneq_s16(sum[0], vget_low_s16(w), x[r], lane);                                         \
      if (nv == 2)                                                                                           \
        sum[1] = vmlal_high_laneq_s16(sum[1], w, x[r], lane);                                                \
    }                                                                                                        \
  }

INLINE void tile_s16(const QfkTile *t, const unsigned m, const unsigned nv)
{
  const unsigned sets = SETS_OF(m);
  int32x4_t acc[SETS][MR][NV];
  const int16_t *b = t->b;
  UNROLL for (unsigned s = 0; s < sets; s++) UNROLL for (unsigned v = 0; v < nv; v++)
      UNROLL for (unsigned r = 0; r < m; r++) acc[s][r][v] =
          s ? vdupq_n_s32(0) : vld1q_s32((const int32_t *)t->bias + 4 * v);
  for (uint32_t s = 0; s < t->n_seg; s++) {
    const int16_t *a[MR];
    size_t k = 0;
    UNROLL for (unsigned r = 0; r < m; r++) a[r] = t->a[r * t->n_seg + s];
    for (; k + 8 <= t->steps; k += 8, b += 32 * nv) {
      int16x8_t x[MR];
      UNROLL for (unsigned r = 0; r < m; r++) x[r] = vld1q_s16(a[r] + k);
      STEP_S16(0)
      STEP_S16(1)
      STEP_S16(2)
      STEP_S16(3)
      STEP_S16(4)
      STEP_S16(5)
      STEP_S16(6)
      STEP_S16(7)
    }
    for (; k < t->steps; k++, b += 4 * nv) {
      int16x8_t x[MR];
      UNROLL for (unsigned r = 0; r < m; r++) x[r] = vld1q_dup_s16(a[r] + k);
      STEP_S16(0)
    }
  }
  UNROLL for (unsigned s = 1; s < sets; s++) UNROLL for (unsigned r = 0; r < m; r++)
      UNROLL for (unsigned v = 0; v < nv; v++) acc[0][r][v] = vaddq_s32(acc[0][r][v], acc[s][r][v]);
  if (t->scale) {
    store_ints(t, m, nv, acc[0]);
    return;
  }
  UNROLL for (unsigned r = 0; r < m; r++) UNROLL for (unsigned v = 0; v < nv; v++)
      vst1q_s32((int32_t *)t->c[r] + 4 * v, acc[0][r][v]);
}

TILE(qfk_tile_f32_8x8_neon, tile_f32)
TILE(qfk_tile_s16_8x8_neon, tile_s16)

void qfk_widen_neon(int16_t *dst, const uint8_t *src, size_t n, int32_t zero, bool is_signed)
{
  /* u - zero for int8 too: u is the value with its highest bit turned over, less 128. */
  const uint8x16_t flip = vdupq_n_u8(is_signed ? 0x80 : 0);
  const int16x8_t off = vdupq_n_s16((int16_t)(is_signed ? zero + 128 : zero));
  size_t i = 0;
  for (; i + 16 <= n; i += 16) {
    const uint8x16_t u = veorq_u8(vld1q_u8(src + i), flip);
    vst1q_s16(dst + i, vsubq_s16(vreinterpretq_s16_u16(vmovl_u8(vget_low_u8(u))), off));
    vst1q_s16(dst + i + 8, vsubq_s16(vreinterpretq_s16_u16(vmovl_high_u8(u)), off));
  }
  qfk_widen_ref(dst + i, src + i, n - i, zero, is_signed);
}
