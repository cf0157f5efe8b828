/* SPDX-License-Identifier: MIT */
/*
 * softmax_vec.h - softmax of dense rows as loops the compiler vectorises; included once an instruction set with QFK_ISA defined.
 */
#include "softmax_fast.h"
#include "../vmath.h"

#define CAT2(a, b) a##_##b
#define CAT(a, b) CAT2(a, b)
#define NAME(f) CAT(f, QFK_ISA)

#define LANES 16 /* partial results, so that the order of a sum does not depend on the instruction set */

static float row_max(const float *x, size_t n)
{
  float part[LANES], max;
  size_t i = 0;
  for (int l = 0; l < LANES; l++)
    part[l] = -INFINITY;
  for (; i + LANES <= n; i += LANES)
    for (int l = 0; l < LANES; l++)
      part[l] = part[l] > x[i + (size_t)l] ? part[l] : x[i + (size_t)l];
  max = part[0];
  for (int l = 1; l < LANES; l++)
    max = max > part[l] ? max : part[l];
  for (; i < n; i++)
    max = max > x[i] ? max : x[i];
  return max;
}

static float row_sum(const float *x, size_t n)
{
  float part[LANES] = {0}, sum = 0;
  size_t i = 0;
  for (; i + LANES <= n; i += LANES)
    for (int l = 0; l < LANES; l++)
      part[l] += x[i + (size_t)l];
  for (; i < n; i++)
    sum += x[i];
  for (int l = 0; l < LANES; l++)
    sum += part[l];
  return sum;
}

void NAME(qfk_softmax_f32)(const QfkSoftmaxRows *p, const void *from_rows, void *to_rows, size_t begin,
                           size_t end)
{
  const float *x = from_rows;
  float *y = to_rows;
  const size_t n = (size_t)p->softmax.n;
  const float beta = p->softmax.beta;
  for (size_t r = begin; r < end; r++) {
    const float *from = x + r * n;
    float *to = y + r * n;
    const float max = row_max(from, n);
    for (size_t i = 0; i < n; i++)
      to[i] = qfk_exp(beta * (from[i] - max));
    const float scale = 1.0f / row_sum(to, n);
    for (size_t i = 0; i < n; i++)
      to[i] *= scale;
  }
}

#define CHUNK 256

/* Exponents of a row, from the table; their sum. */
#define INT_SOFTMAX(T, t, min)                                                                               \
  void NAME(qfk_softmax_##t)(const QfkSoftmaxRows *p, const void *from, void *to, size_t begin, size_t end)  \
  {                                                                                                          \
    const size_t n = (size_t)p->softmax.n;                                                                   \
    const float lo = (float)(min - p->integer.y_zero), hi = (float)(min + 255 - p->integer.y_zero);          \
    for (size_t r = begin; r < end; r++) {                                                                   \
      const T *x = (const T *)from + r * n;                                                                  \
      T *y = (T *)to + r * n, max = x[0];                                                                    \
      int64_t sum = 0;                                                                                       \
      for (size_t i = 1; i < n; i++)                                                                         \
        max = max > x[i] ? max : x[i];                                                                       \
      for (size_t i = 0; i < n; i++)                                                                         \
        sum += p->integer.e[max - x[i]];                                                                     \
      const float m = (float)(1.0 / ((double)sum * (double)p->integer.y_scale));                             \
      for (size_t i = 0; i < n; i += CHUNK) {                                                                \
        const size_t part = n - i < CHUNK ? n - i : CHUNK;                                                   \
        int32_t e[CHUNK];                                                                                    \
        for (size_t k = 0; k < part; k++)                                                                    \
          e[k] = p->integer.e[max - x[i + k]];                                                               \
        for (size_t k = 0; k < part; k++) {                                                                  \
          float f = (float)e[k] * m;                                                                         \
          f = f < lo ? lo : f > hi ? hi : f;                                                                 \
          y[i + k] = (T)((int32_t)rintf(f) + p->integer.y_zero);                                             \
        }                                                                                                    \
      }                                                                                                      \
    }                                                                                                        \
  }

INT_SOFTMAX(uint8_t, u8, 0)
INT_SOFTMAX(int8_t, s8, -128)
