/* SPDX-License-Identifier: MIT */
/*
 * fixed.h - the multiplication by a real number that LiteRT's integer kernels use: a 32-bit multiplier and a shift, with two
 * roundings (8-bit data), or a 16-bit multiplier and one rounding of a 64-bit product (16-bit data).
 */
#ifndef QFK_FIXED_H
#define QFK_FIXED_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

/* multiplier * 2^(shift - 31), multiplier in [2^30, 2^31) or 0. */
typedef struct QfkFixed {
  int32_t multiplier, shift;
} QfkFixed;

static inline QfkFixed qfk_fixed_from_real(double real)
{
  int exponent = 0;
  double fraction = frexp(real, &exponent);
  int64_t q = (int64_t)round(fraction * 2147483648.0);
  if (q == (int64_t)1 << 31) {
    q /= 2;
    exponent++;
  }
  if (exponent < -31)
    return (QfkFixed){0, 0};
  return exponent > 30 ? (QfkFixed){INT32_MAX, 30} : (QfkFixed){(int32_t)q, exponent};
}

static inline int32_t qfk_fixed_saturate(int64_t v)
{
  return (int32_t)(v > INT32_MAX ? INT32_MAX : v < INT32_MIN ? INT32_MIN : v);
}

/* Half of the product's upper part, rounded half away from zero, then divided by a power of two, rounded the same way. */
static inline int32_t qfk_fixed_mul(QfkFixed f, int32_t x)
{
  const int32_t left = f.shift > 0 ? f.shift : 0, right = f.shift > 0 ? 0 : -f.shift;
  const int64_t product = (int64_t)qfk_fixed_saturate(x * ((int64_t)1 << left)) * f.multiplier;
  const int64_t nudge = product >= 0 ? (int64_t)1 << 30 : 1 - ((int64_t)1 << 30);
  const int32_t high = (int32_t)((product + nudge) / ((int64_t)1 << 31));
  const int64_t mask = ((int64_t)1 << right) - 1;
  const int32_t remainder = (int32_t)(high & mask), threshold = (int32_t)(mask >> 1) + (high < 0);
  return (int32_t)((int64_t)high >> right) + (remainder > threshold);
}

/* The whole product, rounded once, halves up: what fully connected layers and matrix products use. */
static inline int32_t qfk_fixed_mul_single(QfkFixed f, int64_t x)
{
  const int32_t shift = 31 - f.shift;
  if (x > INT32_MAX || x < INT32_MIN || shift > 62)
    return qfk_fixed_saturate(llrint((double)x * ldexp(f.multiplier, -shift)));
  return qfk_fixed_saturate((x * f.multiplier + ((int64_t)1 << (shift - 1))) >> shift);
}

/* The two roundings of 8-bit data become one for the sums of 16-bit data. */
static inline int32_t qfk_fixed_mul_wide(QfkFixed f, int64_t x)
{
  const int64_t reduced = f.multiplier < 0x7fff0000 ? (f.multiplier + (1 << 15)) >> 16 : 0x7fff;
  const int32_t shift = 15 - f.shift;
  if (shift < 1 || shift > 62 || x > INT64_MAX / 0x10000 || x < INT64_MIN / 0x10000)
    return (int32_t)lrint((double)x * ldexp(f.multiplier, f.shift - 31));
  return qfk_fixed_saturate((x * reduced + ((int64_t)1 << (shift - 1))) >> shift);
}

#endif
