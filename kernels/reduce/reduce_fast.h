/* SPDX-License-Identifier: MIT */
/*
 * reduce_fast.h - the SIMD kernels of reduce.h and their list. Sums and means of the middle of [outer, n, inner], for
 * outer indices [begin, end).
 */
#ifndef QFK_REDUCE_FAST_H
#define QFK_REDUCE_FAST_H

#include "reduce.h"
#include "../list.h"

typedef struct {
  size_t outer, n, inner;
  float scale;        /* f32: 1, or 1 / n for a mean */
  int32_t x_zero;     /* integers */
  QfkRequant requant; /* integers: m[0] as in QfkReduceInt */
} QfkMiddle;

typedef enum {
  QFK_MIDDLE_SUM_F32,
  QFK_MIDDLE_SUM_U8,
  QFK_MIDDLE_SUM_S8,
} QfkMiddleKind;

typedef void (*QfkMiddleFunc)(const QfkMiddle *p, const void *x, void *y, size_t begin, size_t end);

#define QFK_KERNEL(function, isa, kind)                                                                      \
  void function(const QfkMiddle *p, const void *x, void *y, size_t begin, size_t end);
#include "reduce.inc"
#undef QFK_KERNEL

/* Ends with a NULL name. */
extern const QfkKernel qfk_reduce_kernels[];

#endif
