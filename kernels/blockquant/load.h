/* SPDX-License-Identifier: MIT */
/*
 * load.h - little-endian numbers out of blocks, at any alignment, and 16-bit floats.
 */
#ifndef QFK_BLOCKQUANT_LOAD_H
#define QFK_BLOCKQUANT_LOAD_H

#include <stdint.h>
#include <string.h>

static inline uint16_t qfk_le16(const uint8_t *p)
{
  return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t qfk_le32(const uint8_t *p)
{
  return qfk_le16(p) | (uint32_t)qfk_le16(p + 2) << 16;
}

static inline uint64_t qfk_le64(const uint8_t *p)
{
  return qfk_le32(p) | (uint64_t)qfk_le32(p + 4) << 32;
}

static inline float qfk_float_bits(uint32_t bits)
{
  float f;
  memcpy(&f, &bits, 4);
  return f;
}

/* binary16; exact. */
static inline float qfk_half_bits(uint16_t h)
{
  const uint32_t sign = (uint32_t)(h & 0x8000) << 16, exponent = h >> 10 & 31, fraction = h & 0x3ff;
  if (exponent == 31)
    return qfk_float_bits(sign | 0x7f800000 | fraction << 13);
  if (exponent)
    return qfk_float_bits(sign | (exponent + 112) << 23 | fraction << 13);
  const float tiny = (float)fraction * 0x1p-24f;
  return sign ? -tiny : tiny;
}

static inline float qfk_le_half(const uint8_t *p)
{
  return qfk_half_bits(qfk_le16(p));
}

static inline float qfk_le_float(const uint8_t *p)
{
  return qfk_float_bits(qfk_le32(p));
}

/* The 6-bit scale and minimum of part @i of Q4_K's and Q5_K's eight, packed in 12 bytes. */
static inline void qfk_k4_scale(const uint8_t *packed, int i, uint8_t *scale, uint8_t *min)
{
  const uint8_t *p = packed + i % 4;
  *scale = i < 4 ? p[0] & 63 : (p[8] & 15) | (p[0] >> 2 & 48);
  *min = i < 4 ? p[4] & 63 : p[8] >> 4 | (p[4] >> 2 & 48);
}

#endif
