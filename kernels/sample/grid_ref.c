/* SPDX-License-Identifier: MIT */
/*
 * grid_ref.c - samples at the positions of a grid, in plain C. See sample.h.
 */
#include "sample.h"

#include <math.h>

/* The samples of one dimension for one position; an index below 0 reads zero. */
typedef struct {
  int32_t n;
  int64_t index[4];
  float weight[4];
} Taps;

/* @v mirrored at @lo and @hi until it lies between them. */
static float reflect(float v, float lo, float hi)
{
  const float range = hi - lo;
  if (!(range > 0))
    return lo;
  float over = fmodf(fabsf(v - lo), 2 * range);
  return over > range ? hi - (over - range) : lo + over;
}

static int64_t index_inside(const QfkGridSample *p, float v, int64_t n)
{
  if (v >= 0 && v <= (float)(n - 1))
    return (int64_t)v;
  if (p->outside == QFK_OUTSIDE_ZERO)
    return -1;
  float lo = p->align_corners ? 0 : -0.5f, hi = (float)n - 1 - lo;
  v = p->outside == QFK_OUTSIDE_REFLECT ? reflect(v, lo, hi) : v;
  return v < 0 ? 0 : v > (float)(n - 1) ? n - 1 : (int64_t)v;
}

/* The position in pixels; one far outside, and NaN, is as good as any other that is outside. */
static float position(const QfkGridSample *p, float g, int64_t n)
{
  const float lo = p->align_corners ? 0 : -0.5f, hi = (float)n - 1 - lo;
  float v = p->align_corners ? (g + 1) / 2 * (float)(n - 1) : ((g + 1) * (float)n - 1) / 2;
  if (!(fabsf(v) < 1e9f))
    v = v > 0 ? 1e9f : -1e9f;
  if (p->mode == QFK_SAMPLE_NEAREST)
    v = rintf(v);
  if (v >= lo && v <= hi)
    return v;
  if (p->outside == QFK_OUTSIDE_BORDER)
    return v < 0 ? 0 : (float)(n - 1);
  return p->outside == QFK_OUTSIDE_REFLECT ? reflect(v, lo, hi) : v;
}

static void cubic(float t, float *w)
{
  const float a = -0.75f, u = 1 - t;
  w[0] = ((a * (t + 1) - 5 * a) * (t + 1) + 8 * a) * (t + 1) - 4 * a;
  w[1] = ((a + 2) * t - (a + 3)) * t * t + 1;
  w[2] = ((a + 2) * u - (a + 3)) * u * u + 1;
  w[3] = ((a * (u + 1) - 5 * a) * (u + 1) + 8 * a) * (u + 1) - 4 * a;
}

static void find_taps(const QfkGridSample *p, float g, int64_t n, Taps *taps)
{
  float v = position(p, g, n), base = floorf(v), t = v - base;
  *taps = (Taps){.n = 1, .weight = {1}};
  if (p->mode == QFK_SAMPLE_NEAREST) {
    base = rintf(v);
  } else if (p->mode == QFK_SAMPLE_LINEAR) {
    taps->n = 2;
    taps->weight[0] = 1 - t;
    taps->weight[1] = t;
  } else {
    taps->n = 4;
    base -= 1;
    cubic(t, taps->weight);
  }
  for (int k = 0; k < taps->n; k++)
    taps->index[k] = index_inside(p, base + (float)k, n);
}

/* Adds the taps of dimensions dim.. below @x, the pixel row of the outer ones. */
static void add_taps(const QfkGridSample *p, const Taps *taps, int32_t dim, const float *x, float weight,
                     float *y)
{
  if (dim == p->spatial) {
    for (int64_t c = 0; c < p->channels; c++)
      y[c] += weight * x[c];
    return;
  }
  int64_t stride = p->channels;
  for (int32_t d = dim + 1; d < p->spatial; d++)
    stride *= p->in[d];
  for (int k = 0; k < taps[dim].n; k++)
    if (taps[dim].index[k] >= 0 && taps[dim].weight[k] != 0)
      add_taps(p, taps, dim + 1, x + taps[dim].index[k] * stride, weight * taps[dim].weight[k], y);
}

void qfk_grid_sample_f32_ref(const QfkGridSample *p, const float *x, const float *grid, float *y)
{
  int64_t image = p->channels;
  Taps taps[3];
  for (int32_t d = 0; d < p->spatial; d++)
    image *= p->in[d];
  for (int64_t b = 0; b < p->batch; b++)
    for (int64_t i = 0; i < p->points; i++) {
      for (int32_t d = 0; d < p->spatial; d++)
        find_taps(p, grid[p->spatial - 1 - d], p->in[d], &taps[d]);
      for (int64_t c = 0; c < p->channels; c++)
        y[c] = 0;
      add_taps(p, taps, 0, x + b * image, 1, y);
      grid += p->spatial;
      y += p->channels;
    }
}
