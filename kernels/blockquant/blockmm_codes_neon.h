/* SPDX-License-Identifier: MIT */
/*
 * blockmm_codes_neon.h - the codes of 32 weights as bytes, for both NEON files; Q6_K's two scales come along.
 */
#include <arm_neon.h>
#include <stdint.h>
#include <string.h>

#define HALF(p) half(p)

typedef struct {
  int8x16_t a, b;
  int32_t scale[2]; /* of a and b */
} W;

static inline float half(const uint8_t *p)
{
  const uint16_t bits = (uint16_t)(p[0] | p[1] << 8);
  __fp16 h;
  memcpy(&h, &bits, 2);
  return (float)h;
}

static inline int8x16_t low_bits(uint8x16_t q)
{
  return vreinterpretq_s8_u8(vandq_u8(q, vdupq_n_u8(15)));
}

static inline W unpack_q4_0(const uint8_t *b)
{
  const uint8x16_t q = vld1q_u8(b + 2);
  const int8x16_t eight = vdupq_n_s8(8);
  return (W){vsubq_s8(low_bits(q), eight), vsubq_s8(vreinterpretq_s8_u8(vshrq_n_u8(q, 4)), eight), {1, 1}};
}

static inline W unpack_q8_0(const uint8_t *b)
{
  return (W){vld1q_s8((const int8_t *)b + 2), vld1q_s8((const int8_t *)b + 18), {1, 1}};
}

static inline W unpack_q4_k(const uint8_t *b, int g)
{
  const uint8_t *q = b + 16 + g / 2 * 32;
  const int8x16_t shift = vdupq_n_s8((int8_t)(g & 1 ? -4 : 0));
  return (W){low_bits(vshlq_u8(vld1q_u8(q), shift)), low_bits(vshlq_u8(vld1q_u8(q + 16), shift)), {1, 1}};
}

/* 16 codes of Q6_K: 4 low bits, 2 high ones. */
static inline int8x16_t six_bits(const uint8_t *low, const uint8_t *high, int part)
{
  const uint8x16_t l = vshlq_u8(vld1q_u8(low), vdupq_n_s8((int8_t)(part & 2 ? -4 : 0)));
  const uint8x16_t h = vandq_u8(vshlq_u8(vld1q_u8(high), vdupq_n_s8((int8_t)(-2 * part))), vdupq_n_u8(3));
  return vsubq_s8(vorrq_s8(low_bits(l), vreinterpretq_s8_u8(vshlq_n_u8(h, 4))), vdupq_n_s8(32));
}

static inline W unpack_q6_k(const uint8_t *b, int g)
{
  const uint8_t *low = b + g / 4 * 64 + (g & 1) * 32, *high = b + 128 + g / 4 * 32;
  const int8_t *scale = (const int8_t *)b + 192 + 2 * g;
  return (W){six_bits(low, high, g & 3), six_bits(low + 16, high + 16, g & 3), {scale[0], scale[1]}};
}

/* Bits of values next to each other share a byte. */
static inline W unpack_nb4(const uint8_t *codes)
{
  const uint8x16_t q = vld1q_u8(codes), low = vandq_u8(q, vdupq_n_u8(15)), high = vshrq_n_u8(q, 4);
  return (W){vreinterpretq_s8_u8(vzip1q_u8(low, high)), vreinterpretq_s8_u8(vzip2q_u8(low, high)), {1, 1}};
}

static inline W unpack_nb8(const uint8_t *codes)
{
  const uint8x16_t flip = vdupq_n_u8(128);
  return (W){vreinterpretq_s8_u8(veorq_u8(vld1q_u8(codes), flip)),
             vreinterpretq_s8_u8(veorq_u8(vld1q_u8(codes + 16), flip)),
             {1, 1}};
}

typedef float32x4_t F;

static inline F zero(void)
{
  return vdupq_n_f32(0);
}

static inline float total(F f)
{
  return vaddvq_f32(f);
}

/* f + s * (a * scale[0] + b * scale[1]), the sums of the two halves. */
static inline F scaled(F f, W w, int32x4_t a, int32x4_t b, const float *s)
{
  return vfmaq_n_f32(f, vcvtq_f32_s32(vmlaq_n_s32(vmulq_n_s32(a, w.scale[0]), b, w.scale[1])), *s);
}

typedef struct {
  float32x4_t a, b;
} L;

static inline L nothing(void)
{
  return (L){vdupq_n_f32(0), vdupq_n_f32(0)};
}

static inline L add8(L l, const float *a, const float *b)
{
  return (L){vfmaq_f32(l.a, vld1q_f32(a), vld1q_f32(b)), vfmaq_f32(l.b, vld1q_f32(a + 4), vld1q_f32(b + 4))};
}

static inline float total8(L l)
{
  return vaddvq_f32(vaddq_f32(l.a, l.b));
}

static inline void multiply8(float *y, const float *a, const float *b)
{
  vst1q_f32(y, vmulq_f32(vld1q_f32(a), vld1q_f32(b)));
  vst1q_f32(y + 4, vmulq_f32(vld1q_f32(a + 4), vld1q_f32(b + 4)));
}

static inline void floats8(float *y, float d, const uint8_t *b)
{
  const uint16x8_t wide = vmovl_u8(vld1_u8(b));
  vst1q_f32(y, vmulq_n_f32(vcvtq_f32_u32(vmovl_u16(vget_low_u16(wide))), d));
  vst1q_f32(y + 4, vmulq_n_f32(vcvtq_f32_u32(vmovl_u16(vget_high_u16(wide))), d));
}
