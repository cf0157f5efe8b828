/* SPDX-License-Identifier: MIT */
/*
 * softmax_fast.h - the SIMD kernels of softmax.h and their list. Softmax (not its logarithm) of rows [begin, end) with inner 1.
 */
#ifndef QFK_SOFTMAX_FAST_H
#define QFK_SOFTMAX_FAST_H

#include "softmax.h"
#include "../list.h"

typedef enum {
  QFK_SOFTMAX_F32,
} QfkSoftmaxRowsKind;

typedef void (*QfkSoftmaxRowsFunc)(const QfkSoftmax *p, const float *x, float *y, size_t begin, size_t end);

#define QFK_KERNEL(function, isa, kind)                                                                      \
  void function(const QfkSoftmax *p, const float *x, float *y, size_t begin, size_t end);
#include "softmax.inc"
#undef QFK_KERNEL

/* Ends with a NULL name. */
extern const QfkKernel qfk_softmax_kernels[];

#endif
