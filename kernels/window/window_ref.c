/* SPDX-License-Identifier: MIT */
/*
 * window_ref.c - see window.h.
 */
#include "window.h"

#include <float.h>
#include <string.h>

/* Steps an index through a box; false when it has gone through. */
static bool next(int64_t *at, const int64_t *dims, int32_t rank)
{
  for (int32_t d = rank - 1; d >= 0; d--) {
    if (++at[d] < dims[d])
      return true;
    at[d] = 0;
  }
  return false;
}

static int64_t place_of(const QfkWindow *p, const int64_t *out, const int64_t *in_window)
{
  int64_t at = 0;
  for (int32_t d = 0; d < p->rank; d++)
    at = at * p->in[d] + out[d] * p->stride[d] + in_window[d] * p->dilation[d];
  return at;
}

static bool empty(const int64_t *dims, int32_t rank)
{
  for (int32_t d = 0; d < rank; d++)
    if (dims[d] < 1)
      return true;
  return false;
}

/* Integers wrap around, as the sums of other operators do. */
#define WINDOW(name, type, wide)                                                                             \
  static type combine_##name(QfkWindowOp op, type a, type b)                                                 \
  {                                                                                                          \
    const type products[] = {(type)((wide)a + (wide)b), (type)((wide)a * (wide)b), a < b ? a : b,            \
                             a > b ? a : b};                                                                 \
    return products[op];                                                                                     \
  }                                                                                                          \
  void qfk_window_##name##_ref(const QfkWindow *p, const type *x, const type *init, type *y)                 \
  {                                                                                                          \
    int64_t out[QFK_WINDOW_RANK] = {0};                                                                      \
    if (empty(p->out, p->rank))                                                                              \
      return;                                                                                                \
    do {                                                                                                     \
      int64_t at[QFK_WINDOW_RANK] = {0};                                                                     \
      type v = *init;                                                                                        \
      do                                                                                                     \
        v = combine_##name(p->op, v, x[place_of(p, out, at)]);                                               \
      while (next(at, p->size, p->rank));                                                                    \
      *y++ = v;                                                                                              \
    } while (next(out, p->out, p->rank));                                                                    \
  }
WINDOW(f32, float, float)
WINDOW(f64, double, double)
WINDOW(i64, int64_t, uint64_t)

void qfk_arg_pool_ref(const QfkArgPool *p, const float *x, float *y, float *place)
{
  int64_t at[4] = {0};
  const int64_t dims[4] = {p->n, p->oh, p->ow, p->c};
  if (empty(dims, 4))
    return;
  do {
    const int64_t top = at[1] * p->stride[0] - p->pad[0], left = at[2] * p->stride[1] - p->pad[1];
    float largest = -FLT_MAX;
    int64_t best = 0;
    for (int64_t i = 0; i < (int64_t)p->kh * p->kw; i++) {
      const int64_t row = top + i / p->kw, column = left + i % p->kw;
      if (row < 0 || column < 0 || row >= p->h || column >= p->w)
        continue;
      const float v = x[((at[0] * p->h + row) * p->w + column) * p->c + at[3]];
      if (v > largest) {
        largest = v;
        best = i;
      }
    }
    *y++ = largest;
    *place++ = (float)best + 0.1f;
  } while (next(at, dims, 4));
}

void qfk_unpool_ref(const QfkArgPool *p, const float *x, const float *place, float *y)
{
  int64_t at[4] = {0};
  const int64_t dims[4] = {p->n, p->h, p->w, p->c};
  memset(y, 0, (size_t)p->n * (size_t)p->oh * (size_t)p->ow * (size_t)p->c * sizeof(*y));
  if (empty(dims, 4))
    return;
  do {
    const float from = *place++, v = *x++;
    const int64_t i = from > -1e9f && from < 1e9f ? (int64_t)from : -1;
    const int64_t row = at[1] * p->stride[0] - p->pad[0] + i / p->kw,
                  column = at[2] * p->stride[1] - p->pad[1] + i % p->kw;
    if (i >= 0 && row >= 0 && column >= 0 && row < p->oh && column < p->ow)
      y[((at[0] * p->oh + row) * p->ow + column) * p->c + at[3]] = v;
  } while (next(at, dims, 4));
}
