/* SPDX-License-Identifier: MIT */
/*
 * blockmm_dotprod.c - products with weights in blocks: sdot on the high and the low bytes of x, which gives the same integers as
 * multiplying with x itself.
 */
#define QFK_ISA dotprod
#define PLANES
#include "blockmm_codes_neon.h"

static inline int32x4_t dot16(int8x16_t w, const int8_t *x)
{
  const int32x4_t none = vdupq_n_s32(0);
  return vaddq_s32(vshlq_n_s32(vdotq_s32(none, w, vld1q_s8(x)), 8), vdotq_s32(none, w, vld1q_s8(x + 32)));
}

static inline F dot(F f, W w, const int16_t *x, const float *s)
{
  const int8_t *bytes = (const int8_t *)x;
  return scaled(f, w, dot16(w.a, bytes), dot16(w.b, bytes + 16), s);
}

#include "blockmm_vec.h"
