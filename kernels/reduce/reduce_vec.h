/* SPDX-License-Identifier: MIT */
/*
 * reduce_vec.h - reductions of the middle of [outer, n, inner] as loops the compiler vectorises along inner; included once an instruction
 * set with QFK_ISA defined. Integer sums are exact.
 */
#include "reduce_fast.h"

#define CAT2(a, b) a##_##b
#define CAT(a, b) CAT2(a, b)
#define NAME(f) CAT(f, QFK_ISA)

#define BLOCK 64
#define LANES 16

static float dense_sum(const float *x, size_t n)
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

/* y = scale * sum; scale is 1 / n for a mean. */
void NAME(qfk_reduce_sum_f32)(const QfkMiddle *p, const void *from, void *to, size_t begin, size_t end)
{
  const float *x = from;
  float *y = to;
  for (size_t o = begin; o < end; o++) {
    const float *image = x + o * p->n * p->inner;
    if (p->inner == 1) {
      y[o] = dense_sum(image, p->n) * p->scale;
      continue;
    }
    for (size_t c = 0; c < p->inner; c += BLOCK) {
      const size_t m = p->inner - c < BLOCK ? p->inner - c : BLOCK;
      float acc[BLOCK] = {0};
      for (size_t k = 0; k < p->n; k++)
        for (size_t i = 0; i < m; i++)
          acc[i] += image[k * p->inner + c + i];
      for (size_t i = 0; i < m; i++)
        y[o * p->inner + c + i] = acc[i] * p->scale;
    }
  }
}

/* y = requant(sum of x - x_zero); n is at most 2^22, so that int32 holds the sum. */
#define INT_SUM(T, t)                                                                                        \
  static int32_t dense_sum_##t(const T *x, size_t n)                                                         \
  {                                                                                                          \
    int32_t sum = 0;                                                                                         \
    for (size_t i = 0; i < n; i++)                                                                           \
      sum += x[i];                                                                                           \
    return sum;                                                                                              \
  }                                                                                                          \
  void NAME(qfk_reduce_sum_##t)(const QfkMiddle *p, const void *from, void *to, size_t begin, size_t end)    \
  {                                                                                                          \
    const float lo = (float)(p->requant.lo - p->requant.zero_point);                                         \
    const float hi = (float)(p->requant.hi - p->requant.zero_point);                                         \
    const int32_t zero = p->x_zero * (int32_t)p->n;                                                          \
    for (size_t o = begin; o < end; o++)                                                                     \
      for (size_t c = 0; c < p->inner; c += BLOCK) {                                                         \
        const size_t m = p->inner - c < BLOCK ? p->inner - c : BLOCK;                                        \
        const T *x = (const T *)from + o * p->n * p->inner + c;                                              \
        int32_t acc[BLOCK] = {0};                                                                            \
        if (p->inner == 1)                                                                                   \
          acc[0] = dense_sum_##t(x, p->n);                                                                   \
        for (size_t k = 0; k < p->n && p->inner > 1; k++)                                                    \
          for (size_t i = 0; i < m; i++)                                                                     \
            acc[i] += x[k * p->inner + i];                                                                   \
        for (size_t i = 0; i < m; i++) {                                                                     \
          float f = (float)(acc[i] - zero) * p->requant.m[0];                                                \
          f = f < lo ? lo : f > hi ? hi : f;                                                                 \
          ((T *)to)[o * p->inner + c + i] = (T)((int32_t)rintf(f) + p->requant.zero_point);                  \
        }                                                                                                    \
      }                                                                                                      \
  }

INT_SUM(uint8_t, u8)
INT_SUM(int8_t, s8)
