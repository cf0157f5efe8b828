/* SPDX-License-Identifier: MIT */
/*
 * resize_ref.c - resampling, element by element.
 */
#include "resize.h"

#include <math.h>

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
