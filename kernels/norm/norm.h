/* SPDX-License-Identifier: MIT */
/*
 * norm.h - normalisations of float32. Sums in double in the references; fast kernels keep within the operator's tolerance.
 */
#ifndef QFK_NORM_H
#define QFK_NORM_H

#include "../common.h"

/* y[i][c] = x[i][c] * weight[c] + bias[c]; bias may be NULL. */
void qfk_batchnorm_f32_ref(size_t rows, size_t channels, const float *x, const float *weight,
                           const float *bias, float *y);

/* Over the pixels of each image and channel: y = (x - mean) / sqrt(variance + epsilon) * weight[c] + bias[c]. NHWC; weight and bias
 * may be NULL. */
void qfk_instance_norm_f32_ref(size_t images, size_t pixels, size_t channels, float epsilon, const float *x,
                               const float *weight, const float *bias, float *y);

/* Over the @n elements of each row, as above, weight and bias by element. */
void qfk_layer_norm_f32_ref(size_t rows, size_t n, float epsilon, const float *x, const float *weight,
                            const float *bias, float *y);

/* y = x / sqrt(max(sum of x^2 over n, epsilon)): elements of a vector are @stride apart. outer x n x stride elements. */
void qfk_l2_norm_f32_ref(size_t outer, size_t n, size_t stride, float epsilon, const float *x, float *y);

#endif
