/* SPDX-License-Identifier: MIT */
/*
 * tile_neon.c - 8 x 8 tiles in 16 registers: float by fmla, int16 by smlal; A is loaded 16 bytes a row and multiplied lane by lane,
 * so that 64 multiplications need 16 loads. With QFK_DOTPROD (tile_dotprod.c) the same for bytes by sdot.
 *
 * A multiplication waits for the one before it in the same register: low tiles have several sets of sums, which are added at the end.
 */
#include "tile.h"

#include <arm_neon.h>
#include <string.h>

/* gcc's scheduling before registers are given out makes more values live than there are registers. */
#ifndef __clang__
#pragma GCC optimize("no-schedule-insns")
#endif

#define MR 8
#define NV 2
#define SETS 4
#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 8")
#define SETS_OF(m) ((m) == 1 ? 4u : (m) <= 3 ? 2u : 1u)

INLINE int32x4_t requant(int32x4_t acc, const float *scale, float lo, float hi)
{
  float32x4_t y = vmulq_f32(vcvtq_f32_s32(acc), vld1q_f32(scale));
  return vcvtnq_s32_f32(vminq_f32(vmaxq_f32(y, vdupq_n_f32(lo)), vdupq_n_f32(hi)));
}

INLINE void store_ints(const QfkTile *t, const unsigned m, const unsigned nv, int32x4_t acc[MR][NV])
{
  const int16x8_t zero = vdupq_n_s16((int16_t)t->zero_point);
  UNROLL for (unsigned r = 0; r < m; r++)
  {
    int16x4_t q[NV];
    uint8_t bytes[8];
    UNROLL for (unsigned v = 0; v < NV; v++) q[v] =
        vqmovn_s32(requant(acc[r][v < nv ? v : 0], t->scale + (v < nv ? 4 * v : 0), t->lo, t->hi));
    const int16x8_t sum = vaddq_s16(vcombine_s16(q[0], q[1]), zero);
    const uint8x8_t y = t->y_signed ? vreinterpret_u8_s8(vqmovn_s16(sum)) : vqmovun_s16(sum);
    if (t->n == 8) {
      vst1_u8(t->c[r], y);
    } else {
      vst1_u8(bytes, y);
      memcpy(t->c[r], bytes, t->n);
    }
  }
}

#define VARIANT(body, m, nv)                                                                                 \
  static void body##_##m##_##nv(const QfkTile *t)                                                            \
  {                                                                                                          \
    body(t, m, nv);                                                                                          \
  }
#define COLUMN(body, nv)                                                                                     \
  VARIANT(body, 1, nv)                                                                                       \
  VARIANT(body, 2, nv)                                                                                       \
  VARIANT(body, 3, nv)                                                                                       \
  VARIANT(body, 4, nv) VARIANT(body, 5, nv) VARIANT(body, 6, nv) VARIANT(body, 7, nv) VARIANT(body, 8, nv)
#define ROW(body, nv)                                                                                        \
  {                                                                                                          \
    body##_1_##nv, body##_2_##nv, body##_3_##nv, body##_4_##nv, body##_5_##nv, body##_6_##nv, body##_7_##nv, \
        body##_8_##nv                                                                                        \
  }
#define TILE(name, body)                                                                                     \
  COLUMN(body, 1)                                                                                            \
  COLUMN(body, 2)                                                                                            \
  void name(const QfkTile *t, uint32_t m)                                                                    \
  {                                                                                                          \
    static void (*const table[NV][MR])(const QfkTile *) = {ROW(body, 1), ROW(body, 2)};                      \
    table[(t->n - 1) / 4][m - 1](t);                                                                         \
  }

#ifndef QFK_DOTPROD

INLINE void store_f32(const QfkTile *t, const unsigned m, const unsigned nv, float32x4_t acc[MR][NV])
{
  const float32x4_t lo = vdupq_n_f32(t->lo), hi = vdupq_n_f32(t->hi);
  UNROLL for (unsigned r = 0; r < m; r++)
  {
    float *c = t->c[r];
    const float *res = t->res ? (const float *)(t->res + ((const uint8_t *)c - t->c_base)) : NULL;
    UNROLL for (unsigned v = 0; v < nv; v++)
    {
      const uint32_t n = t->n - 4 * v < 4 ? t->n - 4 * v : 4;
      float32x4_t y = acc[r][v];
      float x[4] = {0};
      if (res && n == 4)
        y = vaddq_f32(y, vld1q_f32(res + 4 * v));
      if (res && n < 4) {
        memcpy(x, res + 4 * v, n * sizeof(float));
        y = vaddq_f32(y, vld1q_f32(x));
      }
      y = vminq_f32(hi, vmaxq_f32(lo, y));
      if (n == 4) {
        vst1q_f32(c + 4 * v, y);
      } else {
        vst1q_f32(x, y);
        memcpy(c + 4 * v, x, n * sizeof(float));
      }
    }
  }
}

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

#else

#define STEP_DOT(lane)                                                                                       \
  {                                                                                                          \
    int8x16_t w[NV];                                                                                         \
    UNROLL for (unsigned v = 0; v < nv; v++) w[v] = vld1q_s8(b + 16 * (lane * nv + v));                      \
    UNROLL for (unsigned r = 0; r < m; r++) UNROLL for (unsigned v = 0; v < nv; v++)                         \
        acc[lane % sets][r][v] = vdotq_laneq_s32(acc[lane % sets][r][v], w[v], x[r], lane);                  \
  }

INLINE void tile_dot(const QfkTile *t, const unsigned m, const unsigned nv)
{
  const unsigned sets = SETS_OF(m);
  int32x4_t acc[SETS][MR][NV];
  const int8_t *b = t->b;
  const int8x16_t flip = vdupq_n_s8((int8_t)t->flip);
  UNROLL for (unsigned s = 0; s < sets; s++) UNROLL for (unsigned v = 0; v < nv; v++)
      UNROLL for (unsigned r = 0; r < m; r++) acc[s][r][v] =
          s ? vdupq_n_s32(0) : vld1q_s32((const int32_t *)t->bias + 4 * v);
  for (uint32_t s = 0; s < t->n_seg; s++) {
    const int8_t *a[MR];
    size_t k = 0;
    UNROLL for (unsigned r = 0; r < m; r++) a[r] = t->a[r * t->n_seg + s];
    for (; k + 4 <= t->steps; k += 4, b += 64 * nv) {
      int8x16_t x[MR];
      UNROLL for (unsigned r = 0; r < m; r++) x[r] = veorq_s8(vld1q_s8(a[r] + 4 * k), flip);
      STEP_DOT(0)
      STEP_DOT(1)
      STEP_DOT(2)
      STEP_DOT(3)
    }
    for (; k < t->steps; k++, b += 16 * nv) {
      int8x16_t x[MR];
      UNROLL for (unsigned r = 0; r < m; r++)
      {
        int32_t group;
        memcpy(&group, a[r] + 4 * k, sizeof(group));
        x[r] = veorq_s8(vreinterpretq_s8_s32(vdupq_n_s32(group)), flip);
      }
      STEP_DOT(0)
    }
  }
  UNROLL for (unsigned s = 1; s < sets; s++) UNROLL for (unsigned r = 0; r < m; r++)
      UNROLL for (unsigned v = 0; v < nv; v++) acc[0][r][v] = vaddq_s32(acc[0][r][v], acc[s][r][v]);
  store_ints(t, m, nv, acc[0]);
}

TILE(qfk_tile_dot_8x8_dotprod, tile_dot)

#endif
