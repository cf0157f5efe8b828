/* SPDX-License-Identifier: MIT */
/*
 * norm_fast.h - the SIMD kernels of norm.h and their list. weight and bias may be NULL.
 */
#ifndef QFK_NORM_FAST_H
#define QFK_NORM_FAST_H

#include "norm.h"
#include "../list.h"

#define QFK_NORM_CHANNELS 64 /* of one block of instance_norm */

typedef struct {
  size_t n;        /* layer_norm: elements of a row; instance_norm: pixels of an image */
  size_t channels; /* instance_norm only */
  float epsilon;
} QfkNorm;

typedef enum {
  QFK_LAYER_NORM_F32,    /* begin and end count rows */
  QFK_INSTANCE_NORM_F32, /* they count blocks of channels, image after image */
} QfkNormKind;

typedef void (*QfkNormFunc)(const QfkNorm *p, const float *x, const float *weight, const float *bias,
                            float *y, size_t begin, size_t end);

#define QFK_KERNEL(function, isa, kind)                                                                      \
  void function(const QfkNorm *p, const float *x, const float *weight, const float *bias, float *y,          \
                size_t begin, size_t end);
#include "norm.inc"
#undef QFK_KERNEL

/* Ends with a NULL name. */
extern const QfkKernel qfk_norm_kernels[];

#endif
