/* SPDX-License-Identifier: MIT */
/*
 * norm_ref.c - normalisations, with sums in double.
 */
#include "norm.h"

#include <math.h>

void qfk_batchnorm_f32_ref(size_t rows, size_t channels, const float *x, const float *weight,
                           const float *bias, float *y)
{
  for (size_t i = 0; i < rows * channels; i++)
    y[i] = x[i] * weight[i % channels] + (bias ? bias[i % channels] : 0.0f);
}

/* Mean and 1 / sqrt(variance + epsilon) of n elements that are @stride apart. */
static void moments(size_t n, size_t stride, float epsilon, const float *x, double *mean, double *scale)
{
  double sum = 0, squares = 0;
  for (size_t i = 0; i < n; i++)
    sum += (double)x[i * stride];
  *mean = sum / (double)n;
  for (size_t i = 0; i < n; i++)
    squares += ((double)x[i * stride] - *mean) * ((double)x[i * stride] - *mean);
  *scale = 1 / sqrt(squares / (double)n + (double)epsilon);
}

void qfk_instance_norm_f32_ref(size_t images, size_t pixels, size_t channels, float epsilon, const float *x,
                               const float *weight, const float *bias, float *y)
{
  for (size_t k = 0; k < images * channels; k++) {
    size_t c = k % channels, base = k / channels * pixels * channels + c;
    double mean, scale, w = weight ? (double)weight[c] : 1, b = bias ? (double)bias[c] : 0;
    moments(pixels, channels, epsilon, x + base, &mean, &scale);
    for (size_t i = 0; i < pixels; i++)
      y[base + i * channels] = (float)(((double)x[base + i * channels] - mean) * scale * w + b);
  }
}

void qfk_layer_norm_f32_ref(size_t rows, size_t n, float epsilon, const float *x, const float *weight,
                            const float *bias, float *y)
{
  for (size_t r = 0; r < rows; r++, x += n, y += n) {
    double mean, scale;
    moments(n, 1, epsilon, x, &mean, &scale);
    for (size_t i = 0; i < n; i++)
      y[i] = (float)(((double)x[i] - mean) * scale * (weight ? (double)weight[i] : 1) +
                     (bias ? (double)bias[i] : 0));
  }
}

void qfk_l2_norm_f32_ref(size_t outer, size_t n, size_t stride, float epsilon, const float *x, float *y)
{
  for (size_t o = 0; o < outer * stride; o++) {
    size_t base = o / stride * n * stride + o % stride;
    double squares = 0;
    for (size_t i = 0; i < n; i++)
      squares += (double)x[base + i * stride] * (double)x[base + i * stride];
    double scale = 1 / sqrt(fmax(squares, (double)epsilon));
    for (size_t i = 0; i < n; i++)
      y[base + i * stride] = (float)((double)x[base + i * stride] * scale);
  }
}
