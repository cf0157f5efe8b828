/* SPDX-License-Identifier: MIT */
/*
 * act_neon.c - the activations of act_vec.h: four lanes. FMAX and FMIN give a NaN for a NaN, which here is always the second.
 */
#include <arm_neon.h>

typedef float32x4_t V;
#define LANES 4
#define SUFFIX neon
#define SET(x) vdupq_n_f32(x)
#define LOAD(p) vld1q_f32(p)
#define STORE(p, v) vst1q_f32(p, v)
#define FMA(a, b, c) vfmaq_f32(c, a, b)
#define LARGER(a, b) vmaxq_f32(a, b)
#define SMALLER(a, b) vminq_f32(a, b)
#define ROUND(x) vrndnq_f32(x)
#define SCALE(p, n)                                                                                          \
  vreinterpretq_f32_s32(vaddq_s32(vreinterpretq_s32_f32(p), vshlq_n_s32(vcvtnq_s32_f32(n), 23)))
#define IF_NEGATIVE(x, a, b) vbslq_f32(vcltzq_s32(vreinterpretq_s32_f32(x)), a, b)
#define IF_LESS(x, y, a, b) vbslq_f32(vcltq_f32(x, y), a, b)
#define ABS(x) vabsq_f32(x)
#define NEGATE(x) vnegq_f32(x)

#include "act_vec.h"
