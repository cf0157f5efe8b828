/* SPDX-License-Identifier: MIT */
/*
 * reduce_fast.h - the SIMD kernels of reduce.h and their list. Sums and means of the middle of [outer, n, inner]. A long middle is summed
 * in parts, which threads may share; how many there are depends on the shape alone, so that threads do not change sums.
 */
#ifndef QFK_REDUCE_FAST_H
#define QFK_REDUCE_FAST_H

#include "reduce.h"
#include "../list.h"

#include <math.h>

typedef struct {
  size_t outer, n, inner;
  size_t parts;       /* of n: qfk_middle_parts() */
  float scale;        /* f32: 1, or 1 / n for a mean */
  int32_t x_zero;     /* integers */
  QfkRequant requant; /* integers: m[0] as in QfkReduceInt */
} QfkMiddle;

typedef enum {
  QFK_MIDDLE_SUM_F32,
  QFK_MIDDLE_SUM_U8,
  QFK_MIDDLE_SUM_S8,
} QfkMiddleKind;

/* Parts [begin, end) of outer * parts. With one part y is the result; else it has inner sums for each part, float or int32, of which
 * qfk_middle_join() makes the result. */
typedef void (*QfkMiddleFunc)(const QfkMiddle *p, const void *x, void *y, size_t begin, size_t end);

size_t qfk_middle_parts(size_t outer, size_t n, size_t inner);
void qfk_middle_join(const QfkMiddle *p, QfkMiddleKind kind, const void *sums, void *y);

/* The result for a sum of integers. */
static inline int32_t qfk_middle_requant(const QfkMiddle *p, int32_t sum)
{
  const float lo = (float)(p->requant.lo - p->requant.zero_point);
  const float hi = (float)(p->requant.hi - p->requant.zero_point);
  float f = (float)(sum - p->x_zero * (int32_t)p->n) * p->requant.m[0];
  f = f < lo ? lo : f > hi ? hi : f;
  return (int32_t)rintf(f) + p->requant.zero_point;
}

#define QFK_KERNEL(function, isa, kind)                                                                      \
  void function(const QfkMiddle *p, const void *x, void *y, size_t begin, size_t end);
#include "reduce.inc"
#undef QFK_KERNEL

/* Ends with a NULL name. */
extern const QfkKernel qfk_reduce_kernels[];

#endif
