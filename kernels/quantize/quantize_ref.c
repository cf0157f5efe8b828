/* SPDX-License-Identifier: MIT */
/*
 * quantize_ref.c - between real numbers and their encodings, in plain C. See quantize.h.
 */
#include "quantize.h"

static const int32_t ranges[][2] = {{0, 255}, {-128, 127}, {0, 65535}, {-32768, 32767}};

static int32_t encode(float x, float scale, int32_t zero, int32_t lo, int32_t hi)
{
  float v = x / scale, l = (float)(lo - zero), h = (float)(hi - zero);
  v = v > l ? v : l; /* a NaN ends up here */
  v = v < h ? v : h;
  return (int32_t)lrintf(v) + zero;
}

void qfk_quantize_f32_ref(const QfkScales *s, QfkInt type, const float *x, void *y)
{
  size_t at = 0;
  for (int64_t o = 0; o < s->outer; o++)
    for (int64_t c = 0; c < s->n; c++)
      for (int64_t i = 0; i < s->inner; i++, at++)
        qfk_store_int(y, type, at, encode(x[at], s->scale[c], s->zero[c], ranges[type][0], ranges[type][1]));
}

void qfk_dequantize_f32_ref(const QfkScales *s, QfkInt type, const void *x, float *y)
{
  size_t at = 0;
  for (int64_t o = 0; o < s->outer; o++)
    for (int64_t c = 0; c < s->n; c++)
      for (int64_t i = 0; i < s->inner; i++, at++)
        y[at] = (float)(qfk_load_int(x, type, at) - s->zero[c]) * s->scale[c];
}

void qfk_dequantize_s32_f32_ref(const QfkScales *s, const int32_t *x, float *y)
{
  size_t at = 0;
  for (int64_t o = 0; o < s->outer; o++)
    for (int64_t c = 0; c < s->n; c++)
      for (int64_t i = 0; i < s->inner; i++, at++)
        y[at] = (float)((double)x[at] - s->zero[c]) * s->scale[c];
}

void qfk_quantize_s32_f32_ref(const QfkScales *s, const float *x, int32_t *y)
{
  size_t at = 0;
  for (int64_t o = 0; o < s->outer; o++)
    for (int64_t c = 0; c < s->n; c++)
      for (int64_t i = 0; i < s->inner; i++, at++) {
        double v = rint((double)x[at] / (double)s->scale[c]) + s->zero[c];
        y[at] = !(v > INT32_MIN) ? INT32_MIN : v >= INT32_MAX ? INT32_MAX : (int32_t)v;
      }
}

void qfk_requantize_ref(const QfkRequantize *p, const void *x, void *y, size_t n)
{
  const QfkRequant r = {.m = &p->m,
                        .zero_point = p->y_zero,
                        .lo = ranges[p->y_type][0],
                        .hi = ranges[p->y_type][1],
                        .fixed = p->fixed,
                        .once = true};
  for (size_t i = 0; i < n; i++)
    qfk_store_int(y, p->y_type, i, qfk_requant(&r, qfk_load_int(x, p->x_type, i) - p->x_zero, 0));
}
