/* SPDX-License-Identifier: MIT */
/*
 * norm_vec.h - LayerNorm and InstanceNorm as loops the compiler vectorises; included once an instruction set with QFK_ISA defined. Sums are
 * float32 in a fixed number of partial sums.
 */
#include "norm_fast.h"

#include <math.h>

#define CAT2(a, b) a##_##b
#define CAT(a, b) CAT2(a, b)
#define NAME(f) CAT(f, QFK_ISA)

#define LANES 16
#define BLOCK QFK_NORM_CHANNELS

static float dense_sum(const float *x, size_t n, float shift, bool squares)
{
  float part[LANES] = {0}, sum = 0;
  size_t i = 0;
  for (; i + LANES <= n; i += LANES)
    for (int l = 0; l < LANES; l++) {
      const float d = x[i + (size_t)l] - shift;
      part[l] += squares ? d * d : d;
    }
  for (; i < n; i++) {
    const float d = x[i] - shift;
    sum += squares ? d * d : d;
  }
  for (int w = LANES / 2; w; w /= 2) /* pair by pair: few additions wait for one another */
    for (int l = 0; l < w; l++)
      part[l] += part[l + w];
  return sum + part[0];
}

/* Rows [begin, end) of n elements. */
void NAME(qfk_layer_norm_f32)(const QfkNorm *p, const float *x, const float *weight, const float *bias,
                              float *y, size_t begin, size_t end)
{
  const size_t n = p->n;
  for (size_t r = begin; r < end; r++) {
    const float *from = x + r * n, mean = dense_sum(from, n, 0, false) / (float)n;
    const float scale = 1.0f / sqrtf(dense_sum(from, n, mean, true) / (float)n + p->epsilon);
    float *to = y + r * n;
    for (size_t i = 0; i < n; i++)
      to[i] = (from[i] - mean) * scale * (weight ? weight[i] : 1.0f) + (bias ? bias[i] : 0.0f);
  }
}

/* One image's channels [c, c + m): the mean, then 1 / sqrt(variance + epsilon). Rows of pixels are added up apart, so that long sums lose
 * little. */
static void channel_moments(const QfkNorm *p, const float *x, size_t m, float *mean, float *scale)
{
  const size_t run = 256;
  for (size_t i = 0; i < m; i++)
    mean[i] = scale[i] = 0;
  for (int pass = 0; pass < 2; pass++) {
    float *total = pass ? scale : mean;
    for (size_t k0 = 0; k0 < p->n; k0 += run) {
      const size_t k1 = k0 + run < p->n ? k0 + run : p->n;
      float acc[BLOCK] = {0};
      for (size_t k = k0; k < k1; k++)
        for (size_t i = 0; i < m; i++) {
          const float d = pass ? x[k * p->channels + i] - mean[i] : x[k * p->channels + i];
          acc[i] += pass ? d * d : d;
        }
      for (size_t i = 0; i < m; i++)
        total[i] += acc[i] / (float)p->n;
    }
  }
  for (size_t i = 0; i < m; i++)
    scale[i] = 1.0f / sqrtf(scale[i] + p->epsilon);
}

/* Blocks [begin, end) of 64 channels, image after image. */
void NAME(qfk_instance_norm_f32)(const QfkNorm *p, const float *x, const float *weight, const float *bias,
                                 float *y, size_t begin, size_t end)
{
  const size_t blocks = (p->channels + BLOCK - 1) / BLOCK;
  for (size_t b = begin; b < end; b++) {
    const size_t c = b % blocks * BLOCK, m = p->channels - c < BLOCK ? p->channels - c : BLOCK;
    const size_t base = b / blocks * p->n * p->channels + c;
    float mean[BLOCK], scale[BLOCK], shift[BLOCK];
    channel_moments(p, x + base, m, mean, scale);
    for (size_t i = 0; i < m; i++) {
      scale[i] *= weight ? weight[c + i] : 1.0f;
      shift[i] = bias ? bias[c + i] : 0.0f;
    }
    for (size_t k = 0; k < p->n; k++)
      for (size_t i = 0; i < m; i++)
        y[base + k * p->channels + i] = (x[base + k * p->channels + i] - mean[i]) * scale[i] + shift[i];
  }
}
