/* SPDX-License-Identifier: MIT */
/*
 * d4_hvx.c - planes of four channels from pixels and back; see d4_hvx.h. Both are transpositions of words, in blocks of 32 pixels by 128
 * channels; blocks at the border read what is not theirs and do not store it.
 */
#include "d4_hvx.h"
#include "../hvx/memory.h"

#include <stddef.h>

#define SIDE 32

/* Each round interleaves row i with row i + 16, which turns the number of a word (row, column) one bit to the left; after five rounds
 * row and column have changed places. */
static void transpose(HVX_Vector *v)
{
  HVX_Vector other[SIDE] __attribute__((aligned(128)));
  HVX_Vector *from = v, *to = other;
  for (int round = 0; round < 5; round++) {
    for (int i = 0; i < SIDE / 2; i++) {
      const HVX_VectorPair both = Q6_W_vshuff_VVR(from[i + SIDE / 2], from[i], -4);
      to[2 * i] = Q6_V_lo_W(both);
      to[2 * i + 1] = Q6_V_hi_W(both);
    }
    HVX_Vector *swap = from;
    from = to;
    to = swap;
  }
  memcpy(v, other, sizeof(other));
}

static inline void store_some(uint8_t *to, HVX_Vector v, int32_t n)
{
  if (n >= 128)
    qfk_hvx_store(to, v);
  else
    qfk_hvx_store_n(to, v, n);
}

void qfk_d4_from_nhwc_part_hvx(const uint8_t *x, int32_t channels, int32_t pixels, uint8_t *y, int32_t pitch)
{
  HVX_Vector v[SIDE] __attribute__((aligned(128)));
  const int32_t planes = (channels + 3) / 4;
  for (int32_t plane = 0; plane < planes; plane += SIDE)
    for (int32_t pixel = 0; pixel < pixels; pixel += SIDE) {
      const int32_t n = pixels - pixel < SIDE ? pixels - pixel : SIDE;
      for (int32_t i = 0; i < SIDE; i++)
        v[i] = qfk_hvx_load(x + (ptrdiff_t)(pixel + (i < n ? i : n - 1)) * channels + plane * 4);
      transpose(v);
      for (int32_t i = 0; i < SIDE && plane + i < planes; i++)
        store_some(y + ((ptrdiff_t)(plane + i) * pitch + pixel) * 4, v[i], 4 * n);
    }
}

void qfk_d4_from_nhwc_hvx(const uint8_t *x, int32_t channels, int32_t pixels, uint8_t *y)
{
  qfk_d4_from_nhwc_part_hvx(x, channels, pixels, y, pixels);
}

void qfk_d4_to_nhwc_part_hvx(const uint8_t *x, int32_t pitch, int32_t channels, int32_t pixels, uint8_t *y)
{
  HVX_Vector v[SIDE] __attribute__((aligned(128)));
  const int32_t planes = (channels + 3) / 4;
  for (int32_t plane = 0; plane < planes; plane += SIDE)
    for (int32_t pixel = 0; pixel < pixels; pixel += SIDE) {
      const int32_t n = planes - plane < SIDE ? planes - plane : SIDE;
      for (int32_t i = 0; i < SIDE; i++)
        v[i] = qfk_hvx_load(x + ((ptrdiff_t)(plane + (i < n ? i : n - 1)) * pitch + pixel) * 4);
      transpose(v);
      for (int32_t i = 0; i < SIDE && pixel + i < pixels; i++)
        store_some(y + (ptrdiff_t)(pixel + i) * channels + plane * 4, v[i], channels - plane * 4);
    }
}

void qfk_d4_to_nhwc_hvx(const uint8_t *x, int32_t channels, int32_t pixels, uint8_t *y)
{
  qfk_d4_to_nhwc_part_hvx(x, pixels, channels, pixels, y);
}

void qfk_turn_over_hvx(const uint8_t *x, uint8_t bits, uint8_t *y, size_t n)
{
  const HVX_Vector v = Q6_Vb_vsplat_R(bits);
  size_t i = 0;
  for (; i + 128 <= n; i += 128)
    qfk_hvx_store(y + i, Q6_V_vxor_VV(qfk_hvx_load_open(x + i), v));
  for (; i < n; i++)
    y[i] = x[i] ^ bits;
}
