/* SPDX-License-Identifier: MIT */
/*
 * resize_int_ref.c - resampling of 8-bit data in integers, element by element. See resize.h.
 */
#include "resize.h"

/* Samples of one dimension: offsets in elements, and the weight. */
typedef struct {
  int64_t at[2];
  int32_t weight;
} Pair;

static Pair pair_of(const QfkResize *r, int32_t d, int64_t i, int64_t stride)
{
  QfkTaps taps = {.n = 1};
  if (d >= 0)
    qfk_resize_taps(r, d, i, &taps);
  return (Pair){{taps.index[0] * stride, taps.index[taps.n > 1] * stride}, qfk_resize_int_weight(&taps)};
}

static int32_t sample(const QfkResizeInt *q, const Pair *outer, const Pair *inner, const void *x, int64_t at)
{
  int32_t t[2];
  for (int k = 0; k < 2; k++) {
    const int32_t p0 = qfk_load_int(x, q->x_type, (size_t)(at + inner->at[k] + outer->at[0]));
    const int32_t p1 = qfk_load_int(x, q->x_type, (size_t)(at + inner->at[k] + outer->at[1]));
    t[k] = 128 * p0 + (((p1 - p0) * outer->weight + (1 << 7)) >> 8);
  }
  return t[0] + (int32_t)(((int64_t)(t[1] - t[0]) * inner->weight + (1 << 14)) >> 15);
}

void qfk_resize_int_ref(const QfkResize *r, const QfkResizeInt *q, const void *x, void *y)
{
  const bool nearest = r->interpolation == QFK_RESIZE_NEAREST;
  int64_t stride[QFK_RESIZE_MAX_RANK + 1], at[QFK_RESIZE_MAX_RANK] = {0}, total = 1, base = 0;
  int32_t dims[2];
  if (!qfk_resize_int_dims(r, dims))
    return;
  stride[r->rank] = 1;
  for (int d = r->rank - 1; d >= 0; d--) {
    stride[d] = stride[d + 1] * r->in[d];
    total *= r->out[d];
  }
  Pair pair[2];
  for (int k = 0; k < 2; k++)
    pair[k] = pair_of(r, dims[k], 0, dims[k] < 0 ? 0 : stride[dims[k] + 1]);
  const QfkRequant requant = {
      .fixed = &q->m, .once = true, .zero_point = q->y_zero, .lo = q->lo, .hi = q->hi};
  for (int64_t n = 0; n < total; n++) {
    const int32_t v = nearest ? qfk_load_int(x, q->x_type, (size_t)(base + pair[0].at[0] + pair[1].at[0]))
                              : sample(q, &pair[0], &pair[1], x, base);
    const int32_t zero = nearest ? q->x_zero : 128 * q->x_zero;
    qfk_store_int(y, q->y_type, (size_t)n, qfk_requant(&requant, v - zero, 0));
    for (int d = r->rank - 1; d >= 0; d--) { /* the dimensions that change have samples, the others a place */
      at[d] = at[d] + 1 < r->out[d] ? at[d] + 1 : 0;
      if (d == dims[0] || d == dims[1])
        pair[d == dims[1]] = pair_of(r, d, at[d], stride[d + 1]);
      else
        base += at[d] ? stride[d + 1] : -(r->out[d] - 1) * stride[d + 1];
      if (at[d])
        break;
    }
  }
}
