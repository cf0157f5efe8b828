/* SPDX-License-Identifier: MIT */
/*
 * winoi_neon.c - the transforms of winoi_vec.h: eight lanes.
 */
#include <arm_neon.h>
#include <stddef.h>

/* The low bytes of four channels of the first @w of four pixels, @pitch bytes apart. */
static inline __attribute__((always_inline)) void store_row(uint8_t *to, size_t pitch, uint32_t w,
                                                            const int32x4_t y[4])
{
  const int16x8_t ab = vuzp1q_s16(vreinterpretq_s16_s32(y[0]), vreinterpretq_s16_s32(y[1]));
  const int16x8_t cd = vuzp1q_s16(vreinterpretq_s16_s32(y[2]), vreinterpretq_s16_s32(y[3]));
  const uint8x16_t all = vuzp1q_u8(vreinterpretq_u8_s16(ab), vreinterpretq_u8_s16(cd));
  const uint32x4_t pixels = vreinterpretq_u32_u8(all);
  vst1q_lane_u32((uint32_t *)(void *)to, pixels, 0);
  if (w > 1)
    vst1q_lane_u32((uint32_t *)(void *)(to + pitch), pixels, 1);
  if (w > 2)
    vst1q_lane_u32((uint32_t *)(void *)(to + 2 * pitch), pixels, 2);
  if (w > 3)
    vst1q_lane_u32((uint32_t *)(void *)(to + 3 * pitch), pixels, 3);
}

#define LANES 8
#define SUFFIX neon
#define NEAREST(reals) (Ints) vcvtnq_s32_f32((float32x4_t)(reals))
#define CLAMP(y, lo, hi) (Reals) vminq_f32(vmaxq_f32((float32x4_t)(y), (float32x4_t)(lo)), (float32x4_t)(hi))
#define STORE_ROW(to, pitch, w, y)                                                                           \
  store_row(to, pitch, w,                                                                                    \
            (const int32x4_t[4]){(int32x4_t)(y)[0], (int32x4_t)(y)[1], (int32x4_t)(y)[2],                    \
                                 (int32x4_t)(y)[3]})
#include "winoi_vec.h"
