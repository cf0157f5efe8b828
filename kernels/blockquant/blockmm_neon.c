/* SPDX-License-Identifier: MIT */
/*
 * blockmm_neon.c - products with weights in blocks: codes widened to int16, multiplied and added with smlal.
 */
#define QFK_ISA neon
#include "blockmm_codes_neon.h"

/* Products of 16 codes. */
static inline int32x4_t dot16(int8x16_t w, const int16_t *x)
{
  const int16x8_t low = vmovl_s8(vget_low_s8(w)), high = vmovl_s8(vget_high_s8(w));
  const int16x8_t x0 = vld1q_s16(x), x1 = vld1q_s16(x + 8);
  int32x4_t sum = vmull_s16(vget_low_s16(low), vget_low_s16(x0));
  sum = vmlal_high_s16(sum, low, x0);
  sum = vmlal_s16(sum, vget_low_s16(high), vget_low_s16(x1));
  return vmlal_high_s16(sum, high, x1);
}

static inline F dot(F f, W w, const int16_t *x, const float *s)
{
  return scaled(f, w, dot16(w.a, x), dot16(w.b, x + 16), s);
}

#include "blockmm_vec.h"
