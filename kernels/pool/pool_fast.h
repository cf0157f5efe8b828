/* SPDX-License-Identifier: MIT */
/*
 * pool_fast.h - the SIMD kernels of pool.h and their list. Fast kernels of one element type. @args is the QfkEpilogue or the QfkPoolInt of the reference; they compute rows [begin, end)
 * of the n * oh output rows.
 */
#ifndef QFK_POOL_FAST_H
#define QFK_POOL_FAST_H

#include "pool.h"
#include "../list.h"

typedef enum {
  QFK_POOL_AVG_F32,
  QFK_POOL_MAX_F32,
  QFK_POOL_AVG_U8,
  QFK_POOL_MAX_U8,
  QFK_POOL_AVG_S8,
  QFK_POOL_MAX_S8,
} QfkPoolKind;

typedef void (*QfkPoolFunc)(const QfkPoolShape *s, const void *args, const void *x, void *y, size_t begin,
                            size_t end);

#define QFK_KERNEL(function, isa, kind)                                                                      \
  void function(const QfkPoolShape *s, const void *args, const void *x, void *y, size_t begin, size_t end);
#include "pool.inc"
#undef QFK_KERNEL

/* Ends with a NULL name. */
extern const QfkKernel qfk_pool_kernels[];

#endif
