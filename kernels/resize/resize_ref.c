/* SPDX-License-Identifier: MIT */
/*
 * resize_ref.c - resampling, element by element.
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

/* Sum over the taps of dimensions dim.. at input offset @x. */
static float sample(const QfkResize *r, const QfkTaps *taps, int32_t dim, const float *x,
                    const int64_t *stride)
{
  if (dim == r->rank)
    return *x;
  float sum = 0;
  for (int k = 0; k < taps[dim].n; k++)
    sum += taps[dim].weight[k] * sample(r, taps, dim + 1, x + taps[dim].index[k] * stride[dim], stride);
  return sum;
}

void qfk_resize_f32_ref(const QfkResize *r, const float *x, float *y)
{
  int64_t stride[QFK_RESIZE_MAX_RANK], at[QFK_RESIZE_MAX_RANK] = {0}, total = 1;
  QfkTaps taps[QFK_RESIZE_MAX_RANK];
  for (int d = r->rank - 1; d >= 0; d--)
    stride[d] = d == r->rank - 1 ? 1 : stride[d + 1] * r->in[d + 1];
  for (int d = 0; d < r->rank; d++) {
    total *= r->out[d];
    qfk_resize_taps(r, d, 0, &taps[d]);
  }
  for (int64_t n = 0; n < total; n++) {
    y[n] = sample(r, taps, 0, x, stride);
    for (int d = r->rank - 1; d >= 0; d--) { /* next index; only changed dimensions get new taps */
      at[d] = at[d] + 1 < r->out[d] ? at[d] + 1 : 0;
      qfk_resize_taps(r, d, at[d], &taps[d]);
      if (at[d])
        break;
    }
  }
}
