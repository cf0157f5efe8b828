/* SPDX-License-Identifier: MIT */
/*
 * decode_iq_ref.c - formats whose codes index a table: of 16 values, or grids of 4 or 8 values at once with signs apart.
 * The grids themselves are in grids.c.
 */
#include "decode.h"
#include "load.h"

const int8_t qfk_iq4_values[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};
const int8_t qfk_e2m1_values[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

void qfk_decode_iq4_nl(const uint8_t *b, float *y)
{
  const float d = qfk_le_half(b);
  for (int i = 0; i < 32; i++)
    y[i] = d * (float)qfk_iq4_values[b[2 + i % 16] >> (i / 16 * 4) & 15];
}

void qfk_decode_iq4_xs(const uint8_t *b, float *y)
{
  const float d = qfk_le_half(b);
  const int high = qfk_le16(b + 2);
  for (int p = 0; p < 8; p++) {
    const int scale = (b[4 + p / 2] >> (p % 2 * 4) & 15) | (high >> 2 * p & 3) << 4;
    const float dl = d * (float)(scale - 32);
    for (int i = 0; i < 32; i++)
      y[p * 32 + i] = dl * (float)qfk_iq4_values[b[8 + p * 16 + i % 16] >> (i / 16 * 4) & 15];
  }
}

/* The scale is a power of two, halved because the table is doubled. */
void qfk_decode_mxfp4(const uint8_t *b, float *y)
{
  const float d = qfk_float_bits(b[0] < 2 ? 0x200000u << b[0] : (uint32_t)(b[0] - 1) << 23);
  for (int i = 0; i < 32; i++)
    y[i] = d * (float)qfk_e2m1_values[b[1 + i % 16] >> (i / 16 * 4) & 15];
}

/* An unsigned 8-bit float with 4 bits of exponent, halved. */
static float half_e4m3(uint8_t x)
{
  const int exponent = x >> 3 & 15, fraction = x & 7;
  if (x == 0 || x == 0x7f)
    return 0;
  if (!exponent)
    return (float)fraction * 0x1p-10f;
  return qfk_float_bits((uint32_t)(exponent + 119) << 23 | (uint32_t)fraction << 20);
}

void qfk_decode_nvfp4(const uint8_t *b, float *y)
{
  for (int i = 0; i < 64; i++) {
    const int p = i / 16, k = i % 16;
    y[i] = half_e4m3(b[p]) * (float)qfk_e2m1_values[b[4 + p * 8 + k % 8] >> (k / 8 * 4) & 15];
  }
}

/* Seven sign bits; the eighth makes their number even. */
static inline uint8_t even_signs(uint32_t seven)
{
  return (uint8_t)(seven | (uint32_t)(__builtin_popcount(seven) & 1) << 7);
}

/* Eight values of an IQ2 grid, whose codes stand for 8, 25 and 43. */
static inline void grid2(float scale, uint16_t entry, uint8_t signs, float *y)
{
  static const uint8_t value[] = {8, 25, 43, 0};
  for (int i = 0; i < 8; i++) {
    const float v = scale * (float)value[entry >> 2 * i & 3];
    y[i] = signs >> i & 1 ? -v : v;
  }
}

void qfk_decode_iq2_xxs(const uint8_t *b, float *y)
{
  const float d = qfk_le_half(b);
  for (int k = 0; k < 32; k++) {
    const uint8_t *p = b + 2 + k / 4 * 8;
    const uint32_t rest = qfk_le32(p + 4);
    const float db = d * (0.5f + (float)(rest >> 28)) * 0.25f;
    grid2(db, qfk_grid_iq2_xxs[p[k % 4]], even_signs(rest >> 7 * (k % 4) & 127), y + 8 * k);
  }
}

void qfk_decode_iq2_xs(const uint8_t *b, float *y)
{
  const float d = qfk_le_half(b);
  for (int k = 0; k < 32; k++) {
    const uint16_t q = qfk_le16(b + 2 + 2 * k);
    const float db = d * (0.5f + (float)(b[66 + k / 4] >> (k / 2 % 2 * 4) & 15)) * 0.25f;
    grid2(db, qfk_grid_iq2_xs[q & 511], even_signs(q >> 9), y + 8 * k);
  }
}

void qfk_decode_iq2_s(const uint8_t *b, float *y)
{
  const float d = qfk_le_half(b);
  for (int k = 0; k < 32; k++) {
    const int q = b[2 + k] | (b[66 + k / 4] >> (k % 4 * 2) & 3) << 8;
    const float db = d * (0.5f + (float)(b[74 + k / 4] >> (k / 2 % 2 * 4) & 15)) * 0.25f;
    grid2(db, qfk_grid_iq2_s[q], b[34 + k], y + 8 * k);
  }
}

/* Four values of an IQ3 grid. */
static inline void grid3(float scale, uint16_t entry, const uint8_t *value, uint8_t signs, float *y)
{
  for (int i = 0; i < 4; i++) {
    const float v = scale * (float)value[entry >> 3 * i & 7];
    y[i] = signs >> i & 1 ? -v : v;
  }
}

void qfk_decode_iq3_xxs(const uint8_t *b, float *y)
{
  static const uint8_t value[] = {4, 12, 20, 28, 36, 44, 52, 62};
  const float d = qfk_le_half(b);
  for (int k = 0; k < 64; k++) {
    const uint32_t rest = qfk_le32(b + 66 + k / 8 * 4);
    const float db = d * (0.5f + (float)(rest >> 28)) * 0.5f;
    const uint8_t signs = even_signs(rest >> 7 * (k / 2 % 4) & 127);
    grid3(db, qfk_grid_iq3_xxs[b[2 + k]], value, (uint8_t)(signs >> k % 2 * 4), y + 4 * k);
  }
}

void qfk_decode_iq3_s(const uint8_t *b, float *y)
{
  static const uint8_t value[] = {1, 3, 5, 7, 9, 11, 13, 15};
  const float d = qfk_le_half(b);
  for (int k = 0; k < 64; k++) {
    const int q = b[2 + k] | (b[66 + k / 8] >> k % 8 & 1) << 8;
    const float db = d * (float)(1 + 2 * (b[106 + k / 16] >> (k / 8 % 2 * 4) & 15));
    grid3(db, qfk_grid_iq3_s[q], value, (uint8_t)(b[74 + k / 2] >> k % 2 * 4), y + 4 * k);
  }
}

/* Eight values -1, 0 or 1, moved by an eighth up or down. */
static inline void grid1(float scale, uint16_t entry, int down, float *y)
{
  for (int i = 0; i < 8; i++)
    y[i] = scale * ((float)((entry >> 2 * i & 3) - 1) + (down ? -0.125f : 0.125f));
}

void qfk_decode_iq1_s(const uint8_t *b, float *y)
{
  const float d = qfk_le_half(b);
  for (int k = 0; k < 32; k++) {
    const int high = qfk_le16(b + 34 + k / 4 * 2);
    const int q = b[2 + k] | (high >> k % 4 * 3 & 7) << 8;
    grid1(d * (float)(2 * (high >> 12 & 7) + 1), qfk_grid_iq1[q], high >> 15, y + 8 * k);
  }
}

/* The scale's four bits are the top ones of four words. */
void qfk_decode_iq1_m(const uint8_t *b, float *y)
{
  uint16_t scales[4], half = 0;
  for (int i = 0; i < 4; i++) {
    scales[i] = qfk_le16(b + 48 + 2 * i);
    half |= (uint16_t)(scales[i] >> 12 << 4 * i);
  }
  const float d = qfk_half_bits(half);
  for (int k = 0; k < 32; k++) {
    const int high = b[32 + k / 2] >> k % 2 * 4, q = b[k] | (high & 7) << 8;
    const float dl = d * (float)(2 * (scales[k / 8] >> (k / 2 % 4 * 3) & 7) + 1);
    grid1(dl, qfk_grid_iq1[q], high & 8, y + 8 * k);
  }
}
