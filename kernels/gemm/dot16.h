/* SPDX-License-Identifier: MIT */
/*
 * dot16.h - products of plain integers that fit int16, summed in int32 (modulo 2^32): what MatMulInteger multiplies once its zero
 * points are off. Every line gives the reference's bits.
 */
#ifndef QFK_DOT16_H
#define QFK_DOT16_H

#include "../list.h"

/* c[i][j] = sum of a[i][k] * b[j][k]: both matrices have dense rows of @k, c rows of @n. */
typedef void (*QfkDot16Func)(size_t m, size_t n, size_t k, const int16_t *a, const int16_t *b, int32_t *c);

#define QFK_KERNEL(function, isa, kind)                                                                      \
  void function(size_t m, size_t n, size_t k, const int16_t *a, const int16_t *b, int32_t *c);
#include "dot16.inc"
#undef QFK_KERNEL

/* Ends with a NULL name; a line for every machine. */
extern const QfkKernel qfk_dot16_kernels[];

#endif
