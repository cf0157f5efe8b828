/* SPDX-License-Identifier: MIT */
/*
 * axis_ref.c - operators along one axis: index of the extreme, running sum, the k largest. See reduce.h.
 */
#include "reduce.h"

/* NaN is below everything, so that it never wins. */
#define AXIS(T, name, Acc)                                                                                   \
  static bool better_##name(const QfkAxis *p, T a, T b)                                                      \
  {                                                                                                          \
    return p->min ? a < b || (b != b && a == a) : a > b || (b != b && a == a);                               \
  }                                                                                                          \
                                                                                                             \
  static int64_t arg_##name(const QfkAxis *p, const T *x)                                                    \
  {                                                                                                          \
    int64_t best = 0;                                                                                        \
    for (int64_t i = 1; i < p->n; i++) {                                                                     \
      T v = x[i * p->inner], b = x[best * p->inner];                                                         \
      if (better_##name(p, v, b) || (p->last && v == b))                                                     \
        best = i;                                                                                            \
    }                                                                                                        \
    return best;                                                                                             \
  }                                                                                                          \
                                                                                                             \
  void qfk_arg_##name##_ref(const QfkAxis *p, const T *x, int64_t *y)                                        \
  {                                                                                                          \
    for (int64_t o = 0; o < p->outer; o++)                                                                   \
      for (int64_t i = 0; i < p->inner; i++)                                                                 \
        y[o * p->inner + i] = arg_##name(p, x + o * p->n * p->inner + i);                                    \
  }                                                                                                          \
                                                                                                             \
  void qfk_cumsum_##name##_ref(const QfkAxis *p, const T *x, T *y)                                           \
  {                                                                                                          \
    for (int64_t o = 0; o < p->outer; o++)                                                                   \
      for (int64_t i = 0; i < p->inner; i++) {                                                               \
        Acc sum = p->product ? 1 : 0;                                                                        \
        for (int64_t j = 0; j < p->n; j++) {                                                                 \
          int64_t at = (o * p->n + (p->reverse ? p->n - 1 - j : j)) * p->inner + i;                          \
          Acc before = sum;                                                                                  \
          sum = p->product ? sum * (Acc)x[at] : sum + (Acc)x[at];                                            \
          y[at] = (T)(p->exclusive ? before : sum);                                                          \
        }                                                                                                    \
      }                                                                                                      \
  }                                                                                                          \
                                                                                                             \
  static void topk_##name(const QfkAxis *p, const T *x, T *values, int64_t *indices)                         \
  {                                                                                                          \
    for (int64_t i = 0, kept = 0; i < p->n; i++) { /* insertion into the sorted best so far */               \
      const T v = x[i * p->inner];                                                                           \
      int64_t at = kept;                                                                                     \
      while (at > 0 && better_##name(p, v, values[(at - 1) * p->inner]))                                     \
        at--;                                                                                                \
      if (at >= p->k)                                                                                        \
        continue;                                                                                            \
      kept = kept < p->k ? kept + 1 : kept;                                                                  \
      for (int64_t j = kept - 1; j > at; j--) {                                                              \
        values[j * p->inner] = values[(j - 1) * p->inner];                                                   \
        indices[j * p->inner] = indices[(j - 1) * p->inner];                                                 \
      }                                                                                                      \
      values[at * p->inner] = v;                                                                             \
      indices[at * p->inner] = i;                                                                            \
    }                                                                                                        \
  }                                                                                                          \
                                                                                                             \
  void qfk_topk_##name##_ref(const QfkAxis *p, const T *x, T *values, int64_t *indices)                      \
  {                                                                                                          \
    for (int64_t o = 0; o < p->outer; o++)                                                                   \
      for (int64_t i = 0; i < p->inner; i++)                                                                 \
        topk_##name(p, x + o * p->n * p->inner + i, values + o * p->k * p->inner + i,                        \
                    indices + o * p->k * p->inner + i);                                                      \
  }

AXIS(float, f32, double)
AXIS(double, f64, double)
AXIS(int64_t, i64, uint64_t)
AXIS(uint64_t, u64, uint64_t)
