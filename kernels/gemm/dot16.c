/* SPDX-License-Identifier: MIT */
/* dot16.c - the list of dot16.inc, and the reference. */
#include "dot16.h"

const QfkKernel qfk_dot16_kernels[] = {
#define QFK_KERNEL(function, isa, kind) {#function, isa, kind, (void (*)(void))function},
#include "dot16.inc"
#undef QFK_KERNEL
    {NULL, 0, 0, NULL},
};

void qfk_dot16_ref(size_t m, size_t n, size_t k, const int16_t *a, const int16_t *b, int32_t *c)
{
  for (size_t i = 0; i < m; i++)
    for (size_t j = 0; j < n; j++) {
      uint32_t sum = 0;
      for (size_t l = 0; l < k; l++)
        sum += (uint32_t)(a[i * k + l] * b[j * k + l]);
      c[i * n + j] = (int32_t)sum;
    }
}
