/* SPDX-License-Identifier: MIT */
/*
 * bf16.h - bfloat16, the upper half of a float, as the BF16 tiles use it: what a conversion and a step of a sum are.
 *
 * Both are the x86 instructions' (Intel SDM: VCVTNEPS2BF16, VDPBF16PS), so that plain C gives the same bits: to nearest even,
 * denormal numbers count as 0, and of a pair the second product is added first. A product of two bfloat16 is exact in a float.
 * A product of K values differs from the exact one by at most (2^-7 + 2^-16 + K 2^-23) times the sum of its terms' magnitudes.
 */
#ifndef QFK_BF16_H
#define QFK_BF16_H

#include <stdint.h>
#include <string.h>

static inline float qfk_bf16_flush(float x)
{
  uint32_t bits;
  memcpy(&bits, &x, sizeof(bits));
  if (!(bits & 0x7f800000u))
    bits &= 0x80000000u;
  memcpy(&x, &bits, sizeof(x));
  return x;
}

static inline uint16_t qfk_bf16_from(float x)
{
  uint32_t bits;
  x = qfk_bf16_flush(x);
  memcpy(&bits, &x, sizeof(bits));
  if ((bits & 0x7fffffffu) > 0x7f800000u)
    return (uint16_t)(bits >> 16 | 0x40); /* a quiet NaN */
  return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

static inline float qfk_bf16_to(uint16_t h)
{
  const uint32_t bits = (uint32_t)h << 16;
  float x;
  memcpy(&x, &bits, sizeof(x));
  return x;
}

#ifdef __ARM_FEATURE_BF16_VECTOR_ARITHMETIC
#include <arm_neon.h>

static inline float32x4_t qfk_bf16_flush_neon(float32x4_t x)
{
  const uint32x4_t bits = vreinterpretq_u32_f32(x), is_normal = vtstq_u32(bits, vdupq_n_u32(0x7f800000));
  return vreinterpretq_f32_u32(vandq_u32(bits, vorrq_u32(is_normal, vdupq_n_u32(0x80000000))));
}
#endif

/* sum + a[1] b[1] + a[0] b[0], rounded after each. */
static inline float qfk_bf16_step(float sum, const uint16_t a[2], const uint16_t b[2])
{
  sum = qfk_bf16_flush(qfk_bf16_flush(sum) + qfk_bf16_to(a[1]) * qfk_bf16_to(b[1]));
  return qfk_bf16_flush(sum + qfk_bf16_to(a[0]) * qfk_bf16_to(b[0]));
}

#endif
