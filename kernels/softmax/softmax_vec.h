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

void NAME(qfk_softmax_f32)(const QfkSoftmax *p, const float *restrict x, float *restrict y, size_t begin,
                           size_t end)
{
  const size_t n = (size_t)p->n;
  const float beta = p->beta;
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
