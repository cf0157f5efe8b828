/* SPDX-License-Identifier: MIT */
/*
 * reduce.c - the list of reduce.inc, and what makes one sum of those of its parts.
 */
#include "reduce_fast.h"

const QfkKernel qfk_reduce_kernels[] = {
#define QFK_KERNEL(function, isa, kind) {#function, isa, kind, (void (*)(void))function},
#include "reduce.inc"
#undef QFK_KERNEL
    {NULL, 0, 0, NULL},
};

enum { LEAST_VALUES = 65536, LEAST_ROWS = 64, MOST_SUMS = 4096, PARTS = 16 };

size_t qfk_middle_parts(size_t outer, size_t n, size_t inner)
{
  return outer < PARTS && n >= LEAST_ROWS && outer * inner <= MOST_SUMS && n * inner >= LEAST_VALUES ? PARTS
                                                                                                     : 1;
}

void qfk_middle_join(const QfkMiddle *p, QfkMiddleKind kind, const void *sums, void *y)
{
  for (size_t o = 0; o < p->outer; o++)
    for (size_t i = 0; i < p->inner; i++) {
      const size_t first = o * p->parts * p->inner + i, at = o * p->inner + i;
      float real = 0;
      int32_t sum = 0;
      for (size_t k = 0; k < p->parts; k++)
        if (kind == QFK_MIDDLE_SUM_F32)
          real += ((const float *)sums)[first + k * p->inner];
        else
          sum += ((const int32_t *)sums)[first + k * p->inner];
      if (kind == QFK_MIDDLE_SUM_F32)
        ((float *)y)[at] = real * p->scale;
      else
        ((uint8_t *)y)[at] = (uint8_t)qfk_middle_requant(p, sum);
    }
}
