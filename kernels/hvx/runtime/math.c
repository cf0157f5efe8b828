/* SPDX-License-Identifier: MIT */
/*
 * math.c - the float functions that kernels and references for Hexagon call. Exact; doubles have none.
 *
 * Built without contraction, so that the sum that rounds is not undone.
 */
#include <math.h>

#define WHOLE 8388608.0f /* from here on floats have no fraction */

float fabsf(float x)
{
  return __builtin_fabsf(x);
}

float rintf(float x)
{
  const float by = __builtin_copysignf(WHOLE, x);
  return fabsf(x) < WHOLE ? (x + by) - by : x;
}

float floorf(float x)
{
  const float r = rintf(x);
  return r > x ? r - 1 : r;
}

float ceilf(float x)
{
  const float r = rintf(x);
  return r < x ? r + 1 : r;
}

float fminf(float a, float b)
{
  return a != a || b < a ? b : a;
}

float fmaxf(float a, float b)
{
  return a != a || b > a ? b : a;
}

/* Within the range of int32. */
long lrintf(float x)
{
  return (long)rintf(x);
}
