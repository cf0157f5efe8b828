/* SPDX-License-Identifier: MIT */
/*
 * quantize_fast.h - the SIMD kernels of quantize.h and their list. Conversions with one scale for the whole tensor.
 */
#ifndef QFK_QUANTIZE_FAST_H
#define QFK_QUANTIZE_FAST_H

#include "quantize.h"
#include "../list.h"

typedef struct {
  float scale;
  int32_t zero;
} QfkLinear;

typedef enum {
  QFK_LINEAR_QUANTIZE_U8,
  QFK_LINEAR_QUANTIZE_S8,
  QFK_LINEAR_QUANTIZE_U16,
  QFK_LINEAR_QUANTIZE_S16,
  QFK_LINEAR_DEQUANTIZE_U8,
  QFK_LINEAR_DEQUANTIZE_S8,
  QFK_LINEAR_DEQUANTIZE_U16,
  QFK_LINEAR_DEQUANTIZE_S16,
} QfkLinearKind;

typedef void (*QfkLinearFunc)(const QfkLinear *p, const void *x, void *y, size_t n);

#define QFK_KERNEL(function, isa, kind) void function(const QfkLinear *p, const void *x, void *y, size_t n);
#include "quantize.inc"
#undef QFK_KERNEL

/* Ends with a NULL name. */
extern const QfkKernel qfk_quantize_kernels[];

#endif
