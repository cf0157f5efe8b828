/* SPDX-License-Identifier: MIT */
/*
 * after_ref.c - after.h in plain C, and its list.
 */
#include "after.h"

#include <math.h>

const QfkKernel qfk_after_kernels[] = {
#define QFK_KERNEL(function, isa, kind) {#function, isa, kind, (void (*)(void))function},
#include "after.inc"
#undef QFK_KERNEL
    {NULL, 0, 0, NULL},
};

void qfk_after_table_ref(const QfkAfter *p, const uint8_t *x, uint8_t *y, size_t n)
{
  for (size_t i = 0; i < n; i++)
    y[i] = p->table[x[i]];
}

static inline int32_t sum(const QfkAfter *p, int32_t x, int32_t y)
{
  float f = ((float)y * p->y_scale + (float)x * p->x_scale) + p->constant;
  f = f > p->lo ? f : p->lo;
  return (int32_t)rintf(f < p->hi ? f : p->hi);
}

void qfk_after_sum_u8_ref(const QfkAfter *p, const uint8_t *x, uint8_t *y, size_t n)
{
  for (size_t i = 0; i < n; i++)
    y[i] = (uint8_t)sum(p, x[i], y[i]);
}

void qfk_after_sum_s8_ref(const QfkAfter *p, const uint8_t *x, uint8_t *y, size_t n)
{
  for (size_t i = 0; i < n; i++)
    y[i] = (uint8_t)sum(p, (int8_t)x[i], (int8_t)y[i]);
}
