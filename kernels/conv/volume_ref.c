/* SPDX-License-Identifier: MIT */
/*
 * volume_ref.c - convolutions and pools over three dimensions. See volume.h.
 */
#include "volume.h"

#include <math.h>

/* A walk over all taps of one window. */
typedef struct {
  int32_t tap[3], at[3]; /* of the filter, and in the input */
  int32_t next;
} Walk;

static int32_t taps(const QfkVolume *v)
{
  return v->k[0] * v->k[1] * v->k[2];
}

static void place_tap(const QfkVolume *v, Walk *walk, const int32_t *o)
{
  int32_t rest = walk->next++;
  for (int i = 2; i >= 0; i--) {
    walk->tap[i] = rest % v->k[i];
    rest /= v->k[i];
    walk->at[i] = o[i] * v->stride[i] - v->before[i] + walk->tap[i] * v->dilation[i];
  }
}

/* The next tap of output pixel @o that lies within the image. */
static bool next_tap(const QfkVolume *v, Walk *walk, const int32_t *o)
{
  while (walk->next < taps(v)) {
    place_tap(v, walk, o);
    bool inside = true;
    for (int i = 0; i < 3; i++)
      inside = inside && walk->at[i] >= 0 && walk->at[i] < v->in[i];
    if (inside)
      return true;
  }
  return false;
}

static size_t pixels(const int32_t *size)
{
  return (size_t)size[0] * (size_t)size[1] * (size_t)size[2];
}

static size_t place(const int32_t *size, const int32_t *at)
{
  return ((size_t)at[0] * (size_t)size[1] + (size_t)at[1]) * (size_t)size[2] + (size_t)at[2];
}

static void pixel_of(const int32_t *size, size_t i, int32_t *at)
{
  at[2] = (int32_t)(i % (size_t)size[2]);
  i /= (size_t)size[2];
  at[1] = (int32_t)(i % (size_t)size[1]);
  at[0] = (int32_t)(i / (size_t)size[1]);
}

enum { BLOCK = 32 }; /* output channels that are summed together */

/* Output channels [m, m + count) of one pixel, which are of one group. */
#define CONV(name, type, sum_type)                                                                           \
  static void name##_block(const QfkVolume *v, const type *x, const type *w, const int32_t *o, size_t m,     \
                           size_t count, sum_type *sum)                                                      \
  {                                                                                                          \
    const size_t c = (size_t)v->c, oc = (size_t)v->oc, each = c / (size_t)v->group;                          \
    const size_t first = m / (oc / (size_t)v->group) * each;                                                 \
    Walk walk = {.next = 0};                                                                                 \
    while (next_tap(v, &walk, o)) {                                                                          \
      const type *px = x + place(v->in, walk.at) * c + first;                                                \
      const type *pw = w + place(v->k, walk.tap) * each * oc + m;                                            \
      for (size_t i = 0; i < each; i++)                                                                      \
        for (size_t j = 0; j < count; j++)                                                                   \
          sum[j] += (sum_type)px[i] * (sum_type)pw[i * oc + j];                                              \
    }                                                                                                        \
  }                                                                                                          \
  void name##_ref(const QfkVolume *v, const type *x, const type *w, const type *bias, type *y)               \
  {                                                                                                          \
    const size_t oc = (size_t)v->oc, share = oc / (size_t)v->group, n_out = pixels(v->out);                  \
    for (size_t p = 0; p < (size_t)v->n * n_out; p++) {                                                      \
      const type *image = x + p / n_out * pixels(v->in) * (size_t)v->c;                                      \
      int32_t o[3];                                                                                          \
      pixel_of(v->out, p % n_out, o);                                                                        \
      for (size_t m = 0, count; m < oc; m += count) {                                                        \
        sum_type sum[BLOCK] = {0};                                                                           \
        count = share - m % share < BLOCK ? share - m % share : BLOCK;                                       \
        for (size_t j = 0; bias && j < count; j++)                                                           \
          sum[j] = (sum_type)bias[m + j];                                                                    \
        name##_block(v, image, w, o, m, count, sum);                                                         \
        for (size_t j = 0; j < count; j++)                                                                   \
          y[p * oc + m + j] = (type)sum[j];                                                                  \
      }                                                                                                      \
    }                                                                                                        \
  }
CONV(qfk_conv3d_f32, float, double)
CONV(qfk_conv3d_i32, int32_t, uint32_t)

/* Where tap @k of output pixel @o came from, along one dimension; -1: from nowhere. */
static int32_t source(const QfkVolume *v, int i, int32_t o, int32_t k)
{
  int32_t at = o + v->before[i] - k * v->dilation[i];
  return at < 0 || at % v->stride[i] || at / v->stride[i] >= v->in[i] ? -1 : at / v->stride[i];
}

static double deconv_value(const QfkVolume *v, const float *x, const float *w, const int32_t *o, size_t m)
{
  const size_t c = (size_t)v->c, oc = (size_t)v->oc, each = c / (size_t)v->group;
  const size_t first = m / (oc / (size_t)v->group) * each;
  double sum = 0;
  for (int32_t t = 0; t < taps(v); t++) {
    int32_t k[3], at[3];
    pixel_of(v->k, (size_t)t, k);
    for (int i = 0; i < 3; i++)
      at[i] = source(v, i, o[i], k[i]);
    if (at[0] < 0 || at[1] < 0 || at[2] < 0)
      continue;
    const float *px = x + place(v->in, at) * c + first, *pw = w + place(v->k, k) * each * oc + m;
    for (size_t i = 0; i < each; i++)
      sum += (double)px[i] * (double)pw[i * oc];
  }
  return sum;
}

void qfk_deconv3d_f32_ref(const QfkVolume *v, const float *x, const float *w, const float *bias, float *y)
{
  const size_t oc = (size_t)v->oc, n_out = pixels(v->out);
  for (size_t p = 0; p < (size_t)v->n * n_out; p++) {
    int32_t o[3];
    pixel_of(v->out, p % n_out, o);
    for (size_t m = 0; m < oc; m++)
      y[p * oc + m] = (float)(deconv_value(v, x + p / n_out * pixels(v->in) * (size_t)v->c, w, o, m) +
                              (bias ? (double)bias[m] : 0));
  }
}

/* Taps that lie within image and padding. */
static int32_t count_padded(const QfkVolume *v, const int32_t *o)
{
  int32_t count = 1;
  for (int i = 0; i < 3; i++) {
    int32_t along = 0;
    for (int32_t k = 0; k < v->k[i]; k++)
      along += o[i] * v->stride[i] - v->before[i] + k * v->dilation[i] < v->in[i] + v->after[i];
    count *= along;
  }
  return count;
}

void qfk_pool_avg3d_f32_ref(const QfkVolume *v, const float *x, float *y)
{
  const size_t c = (size_t)v->c, n_out = pixels(v->out);
  for (size_t p = 0; p < (size_t)v->n * n_out; p++) {
    const float *image = x + p / n_out * pixels(v->in) * c;
    int32_t o[3];
    pixel_of(v->out, p % n_out, o);
    for (size_t m = 0; m < c; m++) {
      Walk walk = {.next = 0};
      int32_t count = 0;
      double sum = 0;
      for (; next_tap(v, &walk, o); count++)
        sum += (double)image[place(v->in, walk.at) * c + m];
      count = v->count_pad ? count_padded(v, o) : count;
      y[p * c + m] = (float)(sum / (count ? count : 1));
    }
  }
}

#define POOL_MAX(name, type, lowest)                                                                         \
  void name(const QfkVolume *v, const type *x, type *y, int64_t *at)                                         \
  {                                                                                                          \
    const size_t c = (size_t)v->c, n_out = pixels(v->out);                                                   \
    for (size_t i = 0; i < (size_t)v->n * n_out * c; i++) {                                                  \
      const type *image = x + i / c / n_out * pixels(v->in) * c + i % c;                                     \
      Walk walk = {.next = 0};                                                                               \
      int32_t o[3];                                                                                          \
      type best = lowest;                                                                                    \
      int64_t where = -1;                                                                                    \
      pixel_of(v->out, i / c % n_out, o);                                                                    \
      while (next_tap(v, &walk, o)) {                                                                        \
        const size_t pixel = place(v->in, walk.at);                                                          \
        if (where < 0 || image[pixel * c] > best) {                                                          \
          best = image[pixel * c];                                                                           \
          where = (int64_t)pixel;                                                                            \
        }                                                                                                    \
      }                                                                                                      \
      y[i] = best;                                                                                           \
      if (at)                                                                                                \
        at[i] = where < 0 ? 0 : where;                                                                       \
    }                                                                                                        \
  }
POOL_MAX(qfk_pool_max3d_f32_ref, float, -INFINITY)
POOL_MAX(qfk_pool_max3d_i64_ref, int64_t, INT64_MIN)
