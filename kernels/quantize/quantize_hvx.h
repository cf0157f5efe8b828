/* SPDX-License-Identifier: MIT */
/*
 * quantize_hvx.h - between floats and 8-bit data, and between encodings, for HVX, which has no float at v66: bit-exact with
 * qfk_quantize_f32_ref(), qfk_dequantize_f32_ref() and, in the `fixed` scheme, qfk_requantize_ref().
 *
 * An encoding of a whole tensor. Runs do elements [0, n) of what they are given, so parts may be done at the same time. 8 bits to 8 is
 * unary/lookup_hvx.h.
 */
#ifndef QFK_QUANTIZE_HVX_H
#define QFK_QUANTIZE_HVX_H

#include "../hvx/out.h"
#include "quantize.h"

/* A float's bits as a number with its order: those below the sign are turned over where it is set. */
static inline int32_t qfk_float_key(int32_t bits)
{
  return bits ^ ((bits >> 31) & INT32_MAX);
}

typedef struct {
  uint8_t flip;
  int32_t low, high; /* keys that hold all there is to tell apart */
  int32_t top;       /* the largest exponent among them, as it is in the bits */
  int32_t m, base;   /* from fixed point with that exponent to steps above the least value, times 2^16 */
  /* [4][256], 128-byte aligned: entry i is the least key that is i + 1 steps above the least value, byte by byte. */
  const uint8_t *bytes;
} QfkQuantizeHvx;

/* @bytes [1024] is filled and kept. FALSE: not 8 bits, or a scale beyond 1e-25 to 1e25. */
bool qfk_quantize_hvx_init(QfkQuantizeHvx *p, float scale, int32_t zero, QfkInt type, uint8_t *bytes);
/* Reads up to 124 bytes beyond @x. */
void qfk_quantize_f32_hvx(const QfkQuantizeHvx *p, const float *x, uint8_t *y, size_t n);

/* What each byte becomes, byte by byte: [4][256] for floats, [2][256] for 16 bits; 128-byte aligned, filled. FALSE: not from 8 bits (to 16). */
bool qfk_dequantize_hvx_init(float scale, int32_t zero, QfkInt type, uint8_t *bytes);
bool qfk_widen_hvx_init(const QfkRequantize *q, uint8_t *bytes);
/* Read up to 127 bytes beyond @x. */
void qfk_dequantize_u8_hvx(const uint8_t *bytes, const uint8_t *x, float *y, size_t n);
void qfk_widen_u8_hvx(const uint8_t *bytes, const uint8_t *x, uint16_t *y, size_t n);

/* From 16 bits to 8 or 16. */
typedef struct {
  QfkInt x_type, y_type;
  int32_t x_zero, y_zero;
  QfkFixed m;
} QfkRequantizeHvx;

/* FALSE: not from 16 bits, or another scheme. */
bool qfk_requantize_hvx_init(QfkRequantizeHvx *p, const QfkRequantize *q);
/* Reads up to 126 bytes beyond @x. */
void qfk_requantize_u16_hvx(const QfkRequantizeHvx *p, const uint16_t *x, void *y, size_t n);

#endif
