/* SPDX-License-Identifier: MIT */
/*
 * tile_neon.h - what the tile kernels for aarch64 share: 8 x 8 sums in 16 registers; A is loaded 16 bytes a row, so that 64
 * multiplications need 16 loads. Included by tile_neon.c, tile_dotprod.c, tile_i8mm.c and tile_neonbf16.c, each built for
 * its instruction set.
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
