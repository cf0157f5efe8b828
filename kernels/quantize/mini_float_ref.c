/* SPDX-License-Identifier: MIT */
/*
 * mini_float_ref.c - rounding to floats of few bits, in plain C. See quantize.h.
 */
#include "quantize.h"

#include <math.h>

/* The magnitude @v, positive and finite, rounded. */
static float round_magnitude(const QfkMiniFloat *p, float v)
{
  int exponent;
  frexpf(v, &exponent); /* v = m 2^exponent, m in [0.5, 1) */
  const int step = (exponent - 1 > p->least ? exponent - 1 : p->least) - p->mantissa;
  const float steps = ldexpf(v, -step);
  return ldexpf(p->up ? ceilf(steps) : rintf(steps), step);
}

static float beyond(const QfkMiniFloat *p)
{
  return p->beyond == QFK_BEYOND_MAX ? p->max : p->beyond == QFK_BEYOND_INFINITY ? INFINITY : NAN;
}

static float mini(const QfkMiniFloat *p, float x)
{
  if (x != x)
    return p->no_nan ? 0 : x;
  if (p->up && !(x > 0))
    return x < 0 ? NAN : ldexpf(1, p->least);
  if (x == 0)
    return x;
  float v = isinf(x) ? x : round_magnitude(p, fabsf(x));
  v = fabsf(v) > p->max ? beyond(p) : fabsf(v);
  return copysignf(v, x);
}

void qfk_mini_float_f32_ref(const QfkMiniFloat *p, const float *x, float *y, size_t n)
{
  for (size_t i = 0; i < n; i++)
    y[i] = mini(p, x[i]);
}
