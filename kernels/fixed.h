/* SPDX-License-Identifier: MIT */
/*
 * fixed.h - multiplication by a real number in integers.
 *
 * qfk_fixed_...: as LiteRT's kernels do it: a 32-bit multiplier and a shift, with two roundings (8-bit data), or a 16-bit multiplier
 * and one rounding of a 64-bit product (16-bit data). The `tflite` scheme.
 * qfk_once_...: a 32-bit multiplier and one rounding of the whole product, halves up. The `fixed` scheme.
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

/*
 * The `fixed` scheme, in which HVX computes: y = floor((x * 2^shift * multiplier + 2^30) / 2^31).
 *
 * shift is 0 for real numbers below 1, which is what convolutions have, else as small as brings the multiplier below 2^31;
 * x * 2^shift saturates to 32 bits. The multiplier is not normalised otherwise, so nothing is to be rounded but the product, and
 * two instructions do it: with the multiplier's halves h and l (unsigned), vmpye is floor(x * l / 2^16), and vmpyo:<<1:rnd:sat:shift
 * adds x * h to that and rounds at 15 bits, and floors of floors are the floor. The multiplier's own error is at most |x| / 2^32
 * steps of y.
 */
static inline QfkFixed qfk_once_from_real(double real)
{
  int exponent = 0;
  const double fraction = frexp(real, &exponent);
  const int32_t shift = exponent > 0 ? exponent : 0;
  if (shift > 30)
    return (QfkFixed){real > 0 ? INT32_MAX : -INT32_MAX, 30};
  const double q = rint(ldexp(fraction, exponent - shift + 31));
  return (QfkFixed){q > INT32_MAX ? INT32_MAX : q < -INT32_MAX ? -INT32_MAX : (int32_t)q, shift};
}

static inline int32_t qfk_once_mul(QfkFixed f, int32_t x)
{
  const int64_t shifted = qfk_fixed_saturate(x * ((int64_t)1 << f.shift));
  return (int32_t)((shifted * f.multiplier + ((int64_t)1 << 30)) >> 31);
}

#define QFK_ONCE_WIDE_BITS 40 /* of a sum of 16-bit data, and its sign */

/* The same for sums of 16-bit data: y = floor((x * multiplier + 2^(shift - 1)) / 2^shift), the multiplier of 22 bits and its sign,
 * x saturated to 40 and its sign, so that the product fits 64. */
static inline QfkFixed qfk_once_wide_from_real(double real)
{
  int exponent = 0;
  const double fraction = frexp(real, &exponent);
  int32_t q = (int32_t)rint(ldexp(fraction, 22)), shift = 22 - exponent;
  if (shift > 62)
    return (QfkFixed){0, 62};
  return shift < 1 ? (QfkFixed){q > 0 ? 1 << 22 : -(1 << 22), 1} : (QfkFixed){q, shift};
}

static inline int32_t qfk_once_mul_wide(QfkFixed f, int64_t x)
{
  const int64_t most = (int64_t)1 << QFK_ONCE_WIDE_BITS;
  x = x > most ? most : x < -most ? -most : x;
  return qfk_fixed_saturate((x * f.multiplier + ((int64_t)1 << (f.shift - 1))) >> f.shift);
}

/* Either. */
static inline QfkFixed qfk_once(double real, bool wide)
{
  return wide ? qfk_once_wide_from_real(real) : qfk_once_from_real(real);
}

#endif
