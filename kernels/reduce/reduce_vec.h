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

/* Rows of x that part @at of outer * parts has. */
static size_t part_begin(const QfkMiddle *p, size_t at)
{
  return at / p->parts * p->n + p->n * (at % p->parts) / p->parts;
}

static size_t part_end(const QfkMiddle *p, size_t at)
{
  return at / p->parts * p->n + p->n * (at % p->parts + 1) / p->parts;
}

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
  const float scale = p->parts > 1 ? 1 : p->scale;
  float *y = to;
  for (size_t o = begin; o < end; o++) {
    const size_t rows = part_end(p, o) - part_begin(p, o);
    const float *image = (const float *)from + part_begin(p, o) * p->inner;
    if (p->inner == 1) {
      y[o] = dense_sum(image, rows) * scale;
      continue;
    }
    for (size_t c = 0; c < p->inner; c += BLOCK) {
      const size_t m = p->inner - c < BLOCK ? p->inner - c : BLOCK;
      float acc[BLOCK] = {0};
      for (size_t k = 0; k < rows; k++)
        for (size_t i = 0; i < m; i++)
          acc[i] += image[k * p->inner + c + i];
      for (size_t i = 0; i < m; i++)
        y[o * p->inner + c + i] = acc[i] * scale;
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
    for (size_t o = begin; o < end; o++) {                                                                   \
      const size_t rows = part_end(p, o) - part_begin(p, o);                                                 \
      for (size_t c = 0; c < p->inner; c += BLOCK) {                                                         \
        const size_t m = p->inner - c < BLOCK ? p->inner - c : BLOCK, at = o * p->inner + c;                 \
        const T *x = (const T *)from + part_begin(p, o) * p->inner + c;                                      \
        int32_t acc[BLOCK] = {0};                                                                            \
        if (p->inner == 1)                                                                                   \
          acc[0] = dense_sum_##t(x, rows);                                                                   \
        for (size_t k = 0; k < rows && p->inner > 1; k++)                                                    \
          for (size_t i = 0; i < m; i++)                                                                     \
            acc[i] += x[k * p->inner + i];                                                                   \
        for (size_t i = 0; i < m; i++) {                                                                     \
          if (p->parts > 1)                                                                                  \
            ((int32_t *)to)[at + i] = acc[i];                                                                \
          else                                                                                               \
            ((T *)to)[at + i] = (T)qfk_middle_requant(p, acc[i]);                                            \
        }                                                                                                    \
      }                                                                                                      \
    }                                                                                                        \
  }

INT_SUM(uint8_t, u8)
INT_SUM(int8_t, s8)
