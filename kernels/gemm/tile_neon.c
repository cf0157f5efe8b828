/* SPDX-License-Identifier: MIT */
/*
 * tile_neon.c - 6 x 16 tiles in 24 registers: float by fmla, int16 by smlal. With QFK_DOTPROD (tile_dotprod.c) the same for bytes by
 * sdot.
 */
#include "tile.h"

#include <arm_neon.h>
#include <string.h>

#define MR 6
#define NV 4
#define INLINE static inline __attribute__((always_inline))
#define UNROLL_M _Pragma("GCC unroll 6")
#define UNROLL_V _Pragma("GCC unroll 4")

INLINE int32x4_t requant(int32x4_t acc, const float *scale, float lo, float hi)
{
  float32x4_t y = vmulq_f32(vcvtq_f32_s32(acc), vld1q_f32(scale));
  return vcvtnq_s32_f32(vminq_f32(vmaxq_f32(y, vdupq_n_f32(lo)), vdupq_n_f32(hi)));
}

INLINE void store_ints(const QfkTile *t, const unsigned m, const unsigned nv, int32x4_t acc[MR][NV])
{
  const int16x8_t zero = vdupq_n_s16((int16_t)t->zero_point);
  UNROLL_M for (unsigned r = 0; r < m; r++)
  {
    int16x4_t q[NV];
    uint8_t bytes[16];
    UNROLL_V for (unsigned v = 0; v < NV; v++) q[v] =
        vqmovn_s32(requant(acc[r][v < nv ? v : 0], t->scale + (v < nv ? 4 * v : 0), t->lo, t->hi));
    const int16x8_t low = vaddq_s16(vcombine_s16(q[0], q[1]), zero),
                    high = vaddq_s16(vcombine_s16(q[2], q[3]), zero);
    const uint8x16_t y = t->y_signed ? vreinterpretq_u8_s8(vcombine_s8(vqmovn_s16(low), vqmovn_s16(high)))
                                     : vcombine_u8(vqmovun_s16(low), vqmovun_s16(high));
    if (t->n == 16) {
      vst1q_u8(t->c[r], y);
    } else {
      vst1q_u8(bytes, y);
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
  VARIANT(body, 2, nv) VARIANT(body, 3, nv) VARIANT(body, 4, nv) VARIANT(body, 5, nv) VARIANT(body, 6, nv)
#define ROW(body, nv)                                                                                        \
  {                                                                                                          \
    body##_1_##nv, body##_2_##nv, body##_3_##nv, body##_4_##nv, body##_5_##nv, body##_6_##nv                 \
  }

#ifndef QFK_DOTPROD

INLINE void store_f32(const QfkTile *t, const unsigned m, const unsigned nv, float32x4_t acc[MR][NV])
{
  const float32x4_t lo = vdupq_n_f32(t->lo), hi = vdupq_n_f32(t->hi);
  UNROLL_M for (unsigned r = 0; r < m; r++)
  {
    float *c = t->c[r];
    const float *res = t->res ? (const float *)(t->res + ((const uint8_t *)c - t->c_base)) : NULL;
    UNROLL_V for (unsigned v = 0; v < nv; v++)
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

INLINE void tile_f32(const QfkTile *t, const unsigned m, const unsigned nv)
{
  float32x4_t acc[MR][NV];
  const float *b = t->b;
  UNROLL_V for (unsigned v = 0; v < nv; v++) UNROLL_M for (unsigned r = 0; r < m; r++) acc[r][v] =
      vld1q_f32((const float *)t->bias + 4 * v);
  for (uint32_t s = 0; s < t->n_seg; s++) {
    const float *a[MR];
    UNROLL_M for (unsigned r = 0; r < m; r++) a[r] = t->a[r * t->n_seg + s];
    for (size_t k = 0; k < t->steps; k++, b += 4 * nv) {
      float32x4_t w[NV];
      UNROLL_V for (unsigned v = 0; v < nv; v++) w[v] = vld1q_f32(b + 4 * v);
      UNROLL_M for (unsigned r = 0; r < m; r++)
      {
        const float32x4_t x = vld1q_dup_f32(a[r] + k);
        UNROLL_V for (unsigned v = 0; v < nv; v++) acc[r][v] = vfmaq_f32(acc[r][v], x, w[v]);
      }
    }
  }
  store_f32(t, m, nv, acc);
}

INLINE void tile_s16(const QfkTile *t, const unsigned m, const unsigned nv)
{
  int32x4_t acc[MR][NV];
  const int16_t *b = t->b;
  UNROLL_V for (unsigned v = 0; v < nv; v++) UNROLL_M for (unsigned r = 0; r < m; r++) acc[r][v] =
      vld1q_s32((const int32_t *)t->bias + 4 * v);
  for (uint32_t s = 0; s < t->n_seg; s++) {
    const int16_t *a[MR];
    UNROLL_M for (unsigned r = 0; r < m; r++) a[r] = t->a[r * t->n_seg + s];
    for (size_t k = 0; k < t->steps; k++, b += 4 * nv) {
      int16x4_t w[NV];
      UNROLL_V for (unsigned v = 0; v < nv; v++) w[v] = vld1_s16(b + 4 * v);
      UNROLL_M for (unsigned r = 0; r < m; r++)
      {
        const int16x4_t x = vld1_dup_s16(a[r] + k);
        UNROLL_V for (unsigned v = 0; v < nv; v++) acc[r][v] = vmlal_s16(acc[r][v], w[v], x);
      }
    }
  }
  if (t->scale) {
    store_ints(t, m, nv, acc);
    return;
  }
  UNROLL_M for (unsigned r = 0; r < m; r++) UNROLL_V for (unsigned v = 0; v < nv; v++)
      vst1q_s32((int32_t *)t->c[r] + 4 * v, acc[r][v]);
}

COLUMN(tile_f32, 1)
COLUMN(tile_f32, 2)
COLUMN(tile_f32, 3)
COLUMN(tile_f32, 4)
COLUMN(tile_s16, 1)
COLUMN(tile_s16, 2)
COLUMN(tile_s16, 4)

void qfk_tile_f32_6x16_neon(const QfkTile *t, uint32_t m)
{
  static void (*const table[NV][MR])(const QfkTile *) = {ROW(tile_f32, 1), ROW(tile_f32, 2), ROW(tile_f32, 3),
                                                         ROW(tile_f32, 4)};
  table[(t->n - 1) / 4][m - 1](t);
}

void qfk_tile_s16_6x16_neon(const QfkTile *t, uint32_t m)
{
  static void (*const table[NV][MR])(const QfkTile *) = {ROW(tile_s16, 1), ROW(tile_s16, 2), ROW(tile_s16, 4),
                                                         ROW(tile_s16, 4)};
  table[(t->n - 1) / 4][m - 1](t);
}

#else

INLINE void tile_dot(const QfkTile *t, const unsigned m, const unsigned nv)
{
  int32x4_t acc[MR][NV];
  const int8_t *b = t->b;
  const int8x16_t flip = vdupq_n_s8((int8_t)t->flip);
  UNROLL_V for (unsigned v = 0; v < nv; v++) UNROLL_M for (unsigned r = 0; r < m; r++) acc[r][v] =
      vld1q_s32((const int32_t *)t->bias + 4 * v);
  for (uint32_t s = 0; s < t->n_seg; s++) {
    const uint8_t *a[MR];
    UNROLL_M for (unsigned r = 0; r < m; r++) a[r] = t->a[r * t->n_seg + s];
    for (size_t k = 0; k < t->steps; k++, b += 16 * nv) {
      int8x16_t w[NV];
      UNROLL_V for (unsigned v = 0; v < nv; v++) w[v] = vld1q_s8(b + 16 * v);
      UNROLL_M for (unsigned r = 0; r < m; r++)
      {
        int32_t group;
        memcpy(&group, a[r] + 4 * k, sizeof(group));
        const int8x16_t x = veorq_s8(vreinterpretq_s8_s32(vdupq_n_s32(group)), flip);
        UNROLL_V for (unsigned v = 0; v < nv; v++) acc[r][v] = vdotq_s32(acc[r][v], w[v], x);
      }
    }
  }
  store_ints(t, m, nv, acc);
}

COLUMN(tile_dot, 1)
COLUMN(tile_dot, 2)
COLUMN(tile_dot, 4)

void qfk_tile_dot_6x16_dotprod(const QfkTile *t, uint32_t m)
{
  static void (*const table[NV][MR])(const QfkTile *) = {ROW(tile_dot, 1), ROW(tile_dot, 2), ROW(tile_dot, 4),
                                                         ROW(tile_dot, 4)};
  table[(t->n - 1) / 4][m - 1](t);
}

#endif
