/* SPDX-License-Identifier: MIT */
/*
 * quantize.h - between real numbers and their encodings.
 *
 *   quantize    y = clamp(rint(x / scale) + zero); a true division, halves to even; NaN gives the lowest value
 *   dequantize  y = (float)(x - zero) * scale
 *   requantize  y = clamp(rint((float)(x - x_zero) * m) + y_zero), m = (float)((double)x_scale / y_scale)
 * Entries run along the middle of [outer, n, inner]; n is 1 when one entry holds for the whole tensor. Types of 8 and 16 bits;
 * int32 has functions of its own (a bias).
 */
#ifndef QFK_QUANTIZE_H
#define QFK_QUANTIZE_H

#include "../epilogue.h"

typedef struct {
  int64_t outer, n, inner;
  const float *scale;  /* [n] */
  const int32_t *zero; /* [n] */
} QfkScales;

void qfk_quantize_f32_ref(const QfkScales *s, QfkInt type, const float *x, void *y);
void qfk_dequantize_f32_ref(const QfkScales *s, QfkInt type, const void *x, float *y);
/* The same from int32. */
void qfk_dequantize_s32_f32_ref(const QfkScales *s, const int32_t *x, float *y);
void qfk_quantize_s32_f32_ref(const QfkScales *s, const float *x, int32_t *y);

typedef struct {
  QfkInt x_type, y_type;
  int32_t x_zero, y_zero;
  float m;
  const QfkFixed
      *fixed; /* the `fixed` scheme: in place of m, by qfk_once_from_real(); references and HVX only */
} QfkRequantize;

/* Floats of fewer bits, kept as float32: the significand rounded to @mantissa bits after the point, half to even (@up: away from zero);
 * exponents are at least @least, so smaller numbers lose bits; beyond @max comes @max, infinity or NaN. */
enum { QFK_BEYOND_MAX = 0, QFK_BEYOND_INFINITY, QFK_BEYOND_NAN };
typedef struct {
  int32_t mantissa, least, beyond;
  float max;
  bool up;     /* and there is no zero: it becomes the smallest number; below zero: NaN */
  bool no_nan; /* NaN becomes 0 */
} QfkMiniFloat;
void qfk_mini_float_f32_ref(const QfkMiniFloat *p, const float *x, float *y, size_t n);

void qfk_requantize_ref(const QfkRequantize *p, const void *x, void *y, size_t n);

#endif
