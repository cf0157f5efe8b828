/* SPDX-License-Identifier: MIT */
/*
 * unary_fast.h - the SIMD kernels of unary.h and their list. Fast kernels, for operations that qfk_unary_is_vec() lets in.
 */
#ifndef QFK_UNARY_FAST_H
#define QFK_UNARY_FAST_H

#include "unary.h"
#include "../list.h"

typedef enum {
  QFK_UNARY_F32,
} QfkUnaryKind;

typedef void (*QfkUnaryFunc)(const QfkUnary *p, const float *x, float *y, size_t n);

#define QFK_KERNEL(function, isa, kind) void function(const QfkUnary *p, const float *x, float *y, size_t n);
#include "unary.inc"
#undef QFK_KERNEL

/* Ends with a NULL name. */
extern const QfkKernel qfk_unary_kernels[];

static inline bool qfk_unary_is_vec(QfkUnaryOp op)
{
  static const bool is_vec[QFK_N_UNARY] = {
#define QFK_UNARY_VEC(op, name) [op] = true,
#include "unary_ops.inc"
#undef QFK_UNARY_VEC
  };
  return is_vec[op];
}

#endif
