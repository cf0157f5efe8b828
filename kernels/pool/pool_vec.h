/* SPDX-License-Identifier: MIT */
/*
 * pool_vec.h - windows over NHWC images with the channels as the inner, vectorised loop; included once an instruction set with QFK_ISA
 * defined. Float sums are float32, pixel after pixel; integers are exact.
 */
#include "pool_fast.h"

#include <string.h>

#define CAT2(a, b) a##_##b
#define CAT(a, b) CAT2(a, b)
#define NAME(f) CAT(f, QFK_ISA)

#define BLOCK 64 /* channels whose accumulators stay in registers or L1 */

/* The input pixels of one window. */
typedef struct {
  QfkPoolWindow v, u;
  int32_t divisor;
} Window;

static Window window_at(const QfkPoolShape *s, int32_t oy, int32_t ox)
{
  Window w = {qfk_pool_window(oy, s->h, s->kh, s->stride[0], s->dilation[0], s->pad[0], s->pad[1]),
              qfk_pool_window(ox, s->w, s->kw, s->stride[1], s->dilation[1], s->pad[2], s->pad[3]), 0};
  const int32_t rows = w.v.last > w.v.first ? w.v.last - w.v.first : 0;
  const int32_t columns = w.u.last > w.u.first ? w.u.last - w.u.first : 0;
  w.divisor = s->count_pad ? w.v.count_padded * w.u.count_padded : rows * columns;
  return w;
}

static inline float clamp_f32(float f, float lo, float hi)
{
  f = f < lo ? lo : f;
  return f > hi ? hi : f;
}

static inline int32_t clamp_i32(int32_t i, int32_t lo, int32_t hi)
{
  i = i < lo ? lo : i;
  return i > hi ? hi : i;
}

/* Walks output rows [begin, end) of n * oh; TAKE adds a pixel's channels into acc, GIVE makes y of acc. */
#define POOL(T, A, START, TAKE, GIVE)                                                                        \
  for (size_t row = begin; row < end; row++)                                                                 \
    for (int32_t ox = 0; ox < s->ow; ox++) {                                                                 \
      const Window w = window_at(s, (int32_t)(row % (size_t)s->oh), ox);                                     \
      const T *image = (const T *)x + row / (size_t)s->oh * (size_t)s->h * (size_t)s->w * (size_t)s->c;      \
      T *to = (T *)y + (row * (size_t)s->ow + (size_t)ox) * (size_t)s->c;                                    \
      for (int32_t c = 0; c < s->c; c += BLOCK) {                                                            \
        const int32_t n = s->c - c < BLOCK ? s->c - c : BLOCK;                                               \
        A acc[BLOCK];                                                                                        \
        for (int32_t i = 0; i < n; i++)                                                                      \
          acc[i] = START;                                                                                    \
        for (int32_t ky = w.v.first; ky < w.v.last; ky++)                                                    \
          for (int32_t kx = w.u.first; kx < w.u.last; kx++) {                                                \
            const size_t at = (size_t)(w.v.start + ky * s->dilation[0]) * (size_t)s->w +                     \
                              (size_t)(w.u.start + kx * s->dilation[1]);                                     \
            const T *from = image + at * (size_t)s->c + c;                                                   \
            for (int32_t i = 0; i < n; i++)                                                                  \
              TAKE;                                                                                          \
          }                                                                                                  \
        for (int32_t i = 0; i < n; i++)                                                                      \
          to[c + i] = GIVE;                                                                                  \
      }                                                                                                      \
    }

static float bound(const QfkEpilogue *act, float clamp, float none)
{
  return act->act == QFK_ACT_CLAMP ? clamp : none;
}

void NAME(qfk_pool_avg_f32)(const QfkPoolShape *s, const void *args, const void *x, void *y, size_t begin,
                            size_t end)
{
  const QfkEpilogue *act = args;
  const float lo = bound(act, act->lo, -INFINITY), hi = bound(act, act->hi, INFINITY);
  POOL(float, float, 0, acc[i] += from[i], clamp_f32(w.divisor ? acc[i] / (float)w.divisor : 0, lo, hi))
}

void NAME(qfk_pool_max_f32)(const QfkPoolShape *s, const void *args, const void *x, void *y, size_t begin,
                            size_t end)
{
  const QfkEpilogue *act = args;
  const float lo = bound(act, act->lo, -INFINITY), hi = bound(act, act->hi, INFINITY);
  POOL(float, float, -INFINITY, acc[i] = acc[i] > from[i] ? acc[i] : from[i], clamp_f32(acc[i], lo, hi))
}

#define INT_POOL(T, t)                                                                                       \
  void NAME(qfk_pool_avg_##t)(const QfkPoolShape *s, const void *args, const void *x, void *y, size_t begin, \
                              size_t end)                                                                    \
  {                                                                                                          \
    const QfkPoolInt *q = args;                                                                              \
    const float lo = (float)(q->lo - q->y_zero), hi = (float)(q->hi - q->y_zero);                            \
    const int32_t zx = q->x_zero, zy = q->y_zero;                                                            \
    POOL(T, int32_t, 0, acc[i] += from[i] - zx,                                                              \
         (T)((int32_t)rintf(clamp_f32((float)acc[i] * q->m[w.divisor], lo, hi)) + zy))                       \
  }                                                                                                          \
  void NAME(qfk_pool_max_##t)(const QfkPoolShape *s, const void *args, const void *x, void *y, size_t begin, \
                              size_t end)                                                                    \
  {                                                                                                          \
    const QfkPoolInt *q = args;                                                                              \
    const T lo = (T)q->lo, hi = (T)q->hi;                                                                    \
    POOL(T, T, lo, acc[i] = acc[i] > from[i] ? acc[i] : from[i], (T)(acc[i] < hi ? acc[i] : hi))             \
  }

INT_POOL(uint8_t, u8)
INT_POOL(int8_t, s8)
