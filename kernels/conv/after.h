/* SPDX-License-Identifier: MIT */
/*
 * after.h - what follows a layer of 8-bit integers and is done to its bytes while they are near: a function of each byte as a
 * table, or the sum with a tensor of the same shape. Bytes are what the layer alone would have stored, so rounding twice stays.
 */
#ifndef QFK_AFTER_H
#define QFK_AFTER_H

#include "../list.h"

typedef enum { QFK_AFTER_TABLE, QFK_AFTER_SUM_U8, QFK_AFTER_SUM_S8 } QfkAfterKind;

typedef struct QfkAfter QfkAfter;

/* TABLE: y[i] = table[x[i]]; x may be y. SUM: y[i] = rint(clamp((y[i] * y_scale + x[i] * x_scale) + constant, lo, hi)), as ADD of
 * binary.h. */
typedef void (*QfkAfterFunc)(const QfkAfter *p, const uint8_t *x, uint8_t *y, size_t n);

struct QfkAfter {
  QfkAfterFunc run;
  QfkAfterKind kind;
  uint8_t table[256];
  float y_scale, x_scale, constant, lo, hi;
};

/* Ends with a NULL name. */
extern const QfkKernel qfk_after_kernels[];

/* On bytes of a layer that were just stored at @y; @x: those of the other tensor of a sum. */
static inline void qfk_after_run(const QfkAfter *p, const uint8_t *x, uint8_t *y, size_t n)
{
  p->run(p, p->kind == QFK_AFTER_TABLE ? y : x, y, n);
}

#define QFK_KERNEL(function, isa, kind)                                                                      \
  void function(const QfkAfter *p, const uint8_t *x, uint8_t *y, size_t n);
#include "after.inc"
#undef QFK_KERNEL

#endif
