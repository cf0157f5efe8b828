/* SPDX-License-Identifier: MIT */
/*
 * softmax_fast.h - the SIMD kernels of softmax.h and their list. Softmax (not its logarithm) of rows [begin, end) with
 * inner 1, of float32 or of 8-bit integers.
 */
#ifndef QFK_SOFTMAX_FAST_H
#define QFK_SOFTMAX_FAST_H

#include "softmax.h"
#include "../list.h"

typedef struct {
  QfkSoftmax softmax;
  QfkSoftmaxInt integer; /* u8 and s8: x and y of that type */
} QfkSoftmaxRows;

typedef enum {
  QFK_SOFTMAX_F32,
  QFK_SOFTMAX_U8,
  QFK_SOFTMAX_S8,
} QfkSoftmaxKind;

typedef void (*QfkSoftmaxRowsFunc)(const QfkSoftmaxRows *p, const void *x, void *y, size_t begin, size_t end);

#define QFK_KERNEL(function, isa, kind)                                                                      \
  void function(const QfkSoftmaxRows *p, const void *x, void *y, size_t begin, size_t end);
#include "softmax.inc"
#undef QFK_KERNEL

/* Ends with a NULL name. */
extern const QfkKernel qfk_softmax_kernels[];

#endif
