/* SPDX-License-Identifier: MIT */
/*
 * hybrid_ref.c - float data by 8-bit weights: each image (or row) is quantized when it comes, and sums are integers. See
 * litert.h; the order of the float operations is the peer's, for their roundings are part of its numbers.
 */
#include "litert.h"

#include <math.h>

/* How one image was quantized: real = (q - offset) * scale. */
typedef struct {
  float scale;
  int32_t offset;
} Coding;

static void range_of(const float *x, size_t n, float *min, float *max)
{
  *min = *max = n ? x[0] : 0;
  for (size_t i = 1; i < n; i++) {
    *min = x[i] < *min ? x[i] : *min;
    *max = x[i] > *max ? x[i] : *max;
  }
}

/* What is no number becomes the least. */
static int8_t clamp8(float v, float lo)
{
  return (int8_t)(v > lo ? (v < 127 ? v : 127) : lo);
}

static Coding quantize_symmetric(const float *x, size_t n, int8_t *q)
{
  float min, max;
  range_of(x, n, &min, &max);
  const float range = fmaxf(fabsf(min), fabsf(max));
  const float inverse = range == 0 ? 0 : 127.0f / range;
  for (size_t i = 0; i < n; i++)
    q[i] = clamp8(roundf(x[i] * inverse), -127);
  return (Coding){range == 0 ? 1 : range / 127.0f, 0};
}

static Coding quantize_asymmetric(const float *x, size_t n, int8_t *q)
{
  float least, most;
  range_of(x, n, &least, &most);
  const double min = fmin(0, (double)least), max = fmax(0, (double)most);
  if (min == max) {
    for (size_t i = 0; i < n; i++)
      q[i] = 0;
    return (Coding){1, 0};
  }
  const double scale = (max - min) / 255, from_min = -128 - min / scale, from_max = 127 - max / scale;
  const double zero = 128 + fabs(min / scale) < 127 + fabs(max / scale) ? from_min : from_max;
  const Coding c = {(float)scale, zero <= -128 ? -128 : zero >= 127 ? 127 : (int32_t)round(zero)};
  const float inverse = 1.0f / c.scale;
  for (size_t i = 0; i < n; i++)
    q[i] = clamp8(roundf((float)c.offset + x[i] * inverse), -128);
  return c;
}

/* Sum of one output; a pixel outside of the image counts as zero. */
static int32_t sum_of(const QfkLitertHybrid *p, const int8_t *q, const int8_t *w, int32_t offset, int32_t oy,
                      int32_t ox, int32_t m)
{
  const QfkLitertWindow *s = &p->shape;
  const int32_t depth = p->depthwise ? 1 : s->c / s->group;
  const int32_t first = p->depthwise ? m / (s->m / s->c) : m / (s->m / s->group) * depth;
  int32_t sum = 0;
  for (int32_t ky = 0; ky < s->kh; ky++)
    for (int32_t kx = 0; kx < s->kw; kx++) {
      const int64_t y = (int64_t)oy * s->stride[0] + (int64_t)ky * s->dilation[0] - s->pad[0];
      const int64_t x = (int64_t)ox * s->stride[1] + (int64_t)kx * s->dilation[1] - s->pad[1];
      if (y < 0 || x < 0 || y >= s->h || x >= s->w)
        continue;
      for (int32_t c = 0; c < depth; c++)
        sum += (q[(y * s->w + x) * s->c + first + c] - offset) *
               w[(((int64_t)ky * s->kw + kx) * depth + c) * s->m + m];
    }
  return sum;
}

static float real_of(const QfkLitertHybrid *p, int32_t sum, float scale, const float *bias, int32_t m)
{
  const float w_scale = p->w_scale[p->per_channel ? m : 0];
  if (p->bias_first)
    return (bias ? bias[m] : 0) + (float)sum * (scale * w_scale);
  return (float)sum * w_scale * scale + (bias ? bias[m] : 0);
}

void qfk_litert_hybrid_ref(const QfkLitertHybrid *p, const float *x, const int8_t *w, const float *bias,
                           int8_t *q, float *y)
{
  const QfkLitertWindow *s = &p->shape;
  const size_t image = (size_t)s->h * (size_t)s->w * (size_t)s->c;
  for (int32_t n = 0; n < s->n; n++, x += image) {
    const Coding c = p->asymmetric ? quantize_asymmetric(x, image, q) : quantize_symmetric(x, image, q);
    for (int32_t oy = 0; oy < s->oh; oy++)
      for (int32_t ox = 0; ox < s->ow; ox++)
        for (int32_t m = 0; m < s->m; m++)
          *y++ = qfk_act_scalar(&p->act, real_of(p, sum_of(p, q, w, c.offset, oy, ox, m), c.scale, bias, m),
                                (size_t)m);
  }
}
