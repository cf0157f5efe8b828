/* SPDX-License-Identifier: MIT */
/*
 * resize_taps.c - which samples an index of a resampled dimension comes from, and how much of each: what all kernels of the family agree
 * on. For any machine: plans for Hexagon ask here too.
 */
#include "resize.h"

#include <math.h>

static float coordinate(const QfkResize *r, int32_t dim, int64_t i)
{
  float s = r->scale[dim];
  int64_t in = r->in[dim], out = r->out[dim];
  switch (r->coordinate_mode) {
  case QFK_COORD_ALIGN_CORNERS: return out > 1 ? (float)i * (float)(in - 1) / (float)(out - 1) : 0.0f;
  case QFK_COORD_ASYMMETRIC: return (float)i / s;
  case QFK_COORD_PYTORCH_HALF_PIXEL: return out > 1 ? ((float)i + 0.5f) / s - 0.5f : 0.0f;
  default: return ((float)i + 0.5f) / s - 0.5f;
  }
}

static float round_nearest(int32_t mode, float x)
{
  switch (mode) {
  case QFK_NEAREST_FLOOR: return floorf(x);
  case QFK_NEAREST_CEIL: return ceilf(x);
  case QFK_NEAREST_PREFER_CEIL: return floorf(x + 0.5f);
  default: return ceilf(x - 0.5f);
  }
}

static int64_t clamp_index(int64_t i, int64_t n)
{
  return i < 0 ? 0 : i >= n ? n - 1 : i;
}

/* Keys, "Cubic convolution interpolation for digital image processing", 1981; t in [0, 1). */
static void cubic_weights(float a, float t, float *w)
{
  float u = 1 - t;
  w[0] = ((a * (t + 1) - 5 * a) * (t + 1) + 8 * a) * (t + 1) - 4 * a;
  w[1] = ((a + 2) * t - (a + 3)) * t * t + 1;
  w[2] = ((a + 2) * u - (a + 3)) * u * u + 1;
  w[3] = ((a * (u + 1) - 5 * a) * (u + 1) + 8 * a) * (u + 1) - 4 * a;
}

static void exclude(const QfkResize *r, int32_t dim, int64_t first, QfkTaps *taps)
{
  float sum = 0;
  for (int k = 0; k < taps->n; k++) {
    if (first + k < 0 || first + k >= r->in[dim])
      taps->weight[k] = 0;
    sum += taps->weight[k];
  }
  for (int k = 0; k < taps->n && sum != 0; k++)
    taps->weight[k] /= sum;
}

void qfk_resize_taps(const QfkResize *r, int32_t dim, int64_t i, QfkTaps *taps)
{
  *taps = (QfkTaps){.n = 1, .index = {i}, .weight = {1}};
  if (!r->out[dim] || (r->in[dim] == r->out[dim] && r->scale[dim] == 1.0f))
    return;
  /* All places well outside read the same border: nearer ones keep the index in range, whatever the scale. */
  float x = fminf(fmaxf(coordinate(r, dim, i), -8), (float)r->in[dim] + 8), base = floorf(x), t = x - base;
  int64_t first = (int64_t)base;
  if (r->interpolation == QFK_RESIZE_NEAREST) {
    first = (int64_t)round_nearest(r->nearest_mode, x);
  } else if (r->interpolation == QFK_RESIZE_LINEAR) {
    taps->n = 2;
    taps->weight[0] = 1 - t;
    taps->weight[1] = t;
  } else {
    taps->n = 4;
    first--;
    cubic_weights(r->cubic_a, t, taps->weight);
    if (r->exclude_outside)
      exclude(r, dim, first, taps);
  }
  for (int k = 0; k < taps->n; k++)
    taps->index[k] = clamp_index(first + k, r->in[dim]);
}

static bool changes(const QfkResize *r, int32_t d)
{
  return r->in[d] != r->out[d] || r->scale[d] != 1.0f;
}

bool qfk_resize_int_dims(const QfkResize *r, int32_t dims[2])
{
  int32_t n = 0, found[2] = {-1, -1};
  for (int32_t d = 0; d < r->rank; d++)
    if (changes(r, d)) {
      if (n == 2)
        return false;
      found[n++] = d;
    }
  dims[0] = n == 2 ? found[0] : -1;
  dims[1] = n == 2 ? found[1] : found[0];
  return r->interpolation != QFK_RESIZE_CUBIC;
}

double qfk_resize_int_factor(const QfkResize *r, float x_scale, float y_scale)
{
  return (double)x_scale / (double)y_scale / (r->interpolation == QFK_RESIZE_NEAREST ? 1 : 128);
}

int32_t qfk_resize_int_weight(const QfkTaps *taps)
{
  const int32_t w = taps->n > 1 ? (int32_t)rintf(taps->weight[1] * 32768.0f) : 0;
  return w < 0 ? 0 : w > 32767 ? 32767 : w;
}
