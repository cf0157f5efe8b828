/* SPDX-License-Identifier: MIT */
/*
 * decode_ref.c - plain numbers, blocks of 32 with a scale, and super-blocks of 256. A code's bits are gathered first; the last
 * expression of each loop is the formula.
 */
#include "decode.h"
#include "load.h"

void qfk_decode_f32(const uint8_t *b, float *y)
{
  *y = qfk_le_float(b);
}

void qfk_decode_f16(const uint8_t *b, float *y)
{
  *y = qfk_le_half(b);
}

void qfk_decode_bf16(const uint8_t *b, float *y)
{
  *y = qfk_float_bits((uint32_t)qfk_le16(b) << 16);
}

void qfk_decode_f64(const uint8_t *b, float *y)
{
  const uint64_t bits = qfk_le64(b);
  double d;
  memcpy(&d, &bits, 8);
  *y = (float)d;
}

void qfk_decode_i8(const uint8_t *b, float *y)
{
  *y = (int8_t)*b;
}

void qfk_decode_i16(const uint8_t *b, float *y)
{
  *y = (int16_t)qfk_le16(b);
}

void qfk_decode_i32(const uint8_t *b, float *y)
{
  *y = (float)(int32_t)qfk_le32(b);
}

void qfk_decode_i64(const uint8_t *b, float *y)
{
  *y = (float)(int64_t)qfk_le64(b);
}

/* Code @i of 2 * @half: the lower halves of the bytes come first. */
static inline int nibble(const uint8_t *q, int i, int half)
{
  return q[i % half] >> (i < half ? 0 : 4) & 15;
}

void qfk_decode_q4_0(const uint8_t *b, float *y)
{
  const float d = qfk_le_half(b);
  for (int i = 0; i < 32; i++)
    y[i] = d * (float)(nibble(b + 2, i, 16) - 8);
}

void qfk_decode_q4_1(const uint8_t *b, float *y)
{
  const float d = qfk_le_half(b), m = qfk_le_half(b + 2);
  for (int i = 0; i < 32; i++)
    y[i] = d * (float)nibble(b + 4, i, 16) + m;
}

void qfk_decode_q5_0(const uint8_t *b, float *y)
{
  const float d = qfk_le_half(b);
  const uint32_t high = qfk_le32(b + 2);
  for (int i = 0; i < 32; i++) {
    const int q = nibble(b + 6, i, 16) | (int)(high >> i & 1) << 4;
    y[i] = d * (float)(q - 16);
  }
}

void qfk_decode_q5_1(const uint8_t *b, float *y)
{
  const float d = qfk_le_half(b), m = qfk_le_half(b + 2);
  const uint32_t high = qfk_le32(b + 4);
  for (int i = 0; i < 32; i++) {
    const int q = nibble(b + 8, i, 16) | (int)(high >> i & 1) << 4;
    y[i] = d * (float)q + m;
  }
}

/* @n signed bytes times a scale. */
static inline void signed_bytes(float d, const uint8_t *q, int n, float *y)
{
  for (int i = 0; i < n; i++)
    y[i] = d * (float)(int8_t)q[i];
}

void qfk_decode_q8_0(const uint8_t *b, float *y)
{
  signed_bytes(qfk_le_half(b), b + 2, 32, y);
}

void qfk_decode_q8_1(const uint8_t *b, float *y)
{
  signed_bytes(qfk_le_half(b), b + 4, 32, y);
}

void qfk_decode_q8_k(const uint8_t *b, float *y)
{
  signed_bytes(qfk_le_float(b), b + 4, 256, y);
}

/* The 2 bits of value @i of 256: each half of the values shares 32 bytes. */
static inline int two_bits(const uint8_t *q, int i)
{
  return q[i / 128 * 32 + i % 32] >> (i % 128 / 32 * 2) & 3;
}

void qfk_decode_q2_k(const uint8_t *b, float *y)
{
  const float d = qfk_le_half(b + 80), min = qfk_le_half(b + 82);
  for (int i = 0; i < 256; i++) {
    const float dl = d * (float)(b[i / 16] & 15), ml = min * (float)(b[i / 16] >> 4);
    y[i] = dl * (float)two_bits(b + 16, i) - ml;
  }
}

void qfk_decode_q3_k(const uint8_t *b, float *y)
{
  const uint8_t *low = b + 96, *high = b + 104;
  const float d = qfk_le_half(b + 108);
  for (int i = 0; i < 256; i++) {
    const int s = i / 16;
    const int scale = (low[s % 8] >> (s < 8 ? 0 : 4) & 15) | (high[s % 4] >> (s / 4 * 2) & 3) << 4;
    const int q = two_bits(b + 32, i) - (b[i % 32] >> i / 32 & 1 ? 0 : 4);
    y[i] = d * (float)(scale - 32) * (float)q;
  }
}

/* Q4_K, and Q5_K with a fifth bit: eight parts, each with a scale and a minimum. */
static inline void k4(const uint8_t *b, const uint8_t *high, const uint8_t *low, float *y)
{
  const float d = qfk_le_half(b), min = qfk_le_half(b + 2);
  for (int i = 0; i < 256; i++) {
    uint8_t scale, m;
    qfk_k4_scale(b + 4, i / 32, &scale, &m);
    int q = low[i / 64 * 32 + i % 32] >> (i % 64 / 32 * 4) & 15;
    if (high)
      q |= (high[i % 32] >> i / 32 & 1) << 4;
    y[i] = d * (float)scale * (float)q - min * (float)m;
  }
}

void qfk_decode_q4_k(const uint8_t *b, float *y)
{
  k4(b, NULL, b + 16, y);
}

void qfk_decode_q5_k(const uint8_t *b, float *y)
{
  k4(b, b + 16, b + 48, y);
}

void qfk_decode_q6_k(const uint8_t *b, float *y)
{
  const uint8_t *high = b + 128, *scales = b + 192;
  const float d = qfk_le_half(b + 208);
  for (int i = 0; i < 256; i++) {
    const int low = b[i / 128 * 64 + i % 64] >> (i % 128 / 64 * 4) & 15;
    y[i] = d * (float)(int8_t)scales[i / 16] * (float)((low | two_bits(high, i) << 4) - 32);
  }
}

/* Powers of three: a byte holds five digits of base 3 as a fraction of 256, the first in front. */
static inline int digit(uint8_t byte, int n)
{
  static const uint8_t power[] = {1, 3, 9, 27, 81};
  return ((uint8_t)(byte * power[n]) * 3 >> 8) - 1;
}

void qfk_decode_tq1_0(const uint8_t *b, float *y)
{
  const float d = qfk_le_half(b + 52);
  for (int i = 0; i < 160; i++)
    y[i] = d * (float)digit(b[i % 32], i / 32);
  for (int i = 0; i < 80; i++)
    y[160 + i] = d * (float)digit(b[32 + i % 16], i / 16);
  for (int i = 0; i < 16; i++)
    y[240 + i] = d * (float)digit(b[48 + i % 4], i / 4);
}

void qfk_decode_tq2_0(const uint8_t *b, float *y)
{
  const float d = qfk_le_half(b + 64);
  for (int i = 0; i < 256; i++)
    y[i] = d * (float)(two_bits(b, i) - 1);
}

/* ONNX's MatMulNBits. */
static inline void nbits(const uint8_t *b, int bits, int n, float *y)
{
  const float scale = qfk_le_float(b), zero = qfk_le_float(b + 4);
  for (int i = 0; i < n; i++) {
    const int q = bits == 8 ? b[8 + i] : b[8 + i / 2] >> (i % 2 * 4) & 15;
    y[i] = ((float)q - zero) * scale;
  }
}

#define NBITS(bits, n)                                                                                       \
  void qfk_decode_nb##bits##_##n(const uint8_t *b, float *y)                                                 \
  {                                                                                                          \
    nbits(b, bits, n, y);                                                                                    \
  }
NBITS(4, 16)
NBITS(4, 32)
NBITS(4, 64)
NBITS(4, 128)
NBITS(8, 16)
NBITS(8, 32)
NBITS(8, 64)
NBITS(8, 128)
