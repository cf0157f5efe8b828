/* SPDX-License-Identifier: MIT */
/*
 * vmath.h - elementary functions of float32 without branches or calls, for loops that the compiler vectorises.
 *
 * exp: x = n ln 2 + r, |r| <= ln 2 / 2, e^r by its Taylor polynomial of degree 6 (relative error below 2e-7); results below 2^-126 become
 * 2^-126. erf: Abramowitz and Stegun 7.1.26 (1.5e-7 absolute). NaN gives an unspecified number.
 */
#ifndef QFK_VMATH_H
#define QFK_VMATH_H

#include <math.h>
#include <stdint.h>
#include <string.h>

static inline float qfk_exp(float x)
{
  x = x < -87.3f ? -87.3f : x;
  x = x > 88.3f ? 88.3f : x;
  const float n = rintf(x * 1.44269504f);
  const float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  float p = 1.0f / 720;
  p = p * r + 1.0f / 120;
  p = p * r + 1.0f / 24;
  p = p * r + 1.0f / 6;
  p = p * r + 0.5f;
  p = p * r + 1.0f;
  p = p * r + 1.0f;
  int32_t bits;
  memcpy(&bits, &p, sizeof(bits));
  bits += (int32_t)n * (1 << 23);
  memcpy(&p, &bits, sizeof(p));
  return p;
}

static inline float qfk_sigmoid(float x)
{
  return 1.0f / (1.0f + qfk_exp(-x));
}

static inline float qfk_tanh(float x)
{
  const float t = 1.0f - 2.0f / (qfk_exp(2 * x) + 1.0f);
  const float small = x - x * x * x * (1.0f / 3); /* where the difference above would lose digits */
  return x * x < 1e-4f ? small : t;
}

static inline float qfk_erf(float x)
{
  const float a = fabsf(x), t = 1.0f / (1.0f + 0.3275911f * a);
  float p = 1.061405429f;
  p = p * t - 1.453152027f;
  p = p * t + 1.421413741f;
  p = p * t - 0.284496736f;
  p = p * t + 0.254829592f;
  const float e = 1.0f - p * t * qfk_exp(-a * a);
  return x < 0 ? -e : e;
}

#endif
