/* SPDX-License-Identifier: MIT */
/*
 * binary_fast.h - the SIMD kernels of binary.h and their list. Fast kernels of one element type: f32, or a, b and y all u8 or all s8.
 * They take what qfk_binary_is_vec() lets in.
 */
#ifndef QFK_BINARY_FAST_H
#define QFK_BINARY_FAST_H

#include "binary.h"
#include "../list.h"

typedef enum {
  QFK_BINARY_F32,
  QFK_BINARY_U8,
  QFK_BINARY_S8,
} QfkBinaryKind;

typedef void (*QfkBinaryFunc)(const QfkBinary *p, const void *a, const void *b, void *y);

#define QFK_KERNEL(function, isa, kind)                                                                      \
  void function(const QfkBinary *p, const void *a, const void *b, void *y);
#include "binary.inc"
#undef QFK_KERNEL

/* Ends with a NULL name. */
extern const QfkKernel qfk_binary_kernels[];

/* One scale on each side or none, rows of stride 0 or 1, and an operation that the loops have. */
static inline bool qfk_binary_is_vec(const QfkBinary *p, bool integer)
{
  const int32_t last = p->nd.rank - 1;
  for (int k = 1; k < 3; k++)
    if (p->nd.stride[k][last] != 0 && p->nd.stride[k][last] != 1)
      return false;
  if (p->nd.stride[0][last] != 1)
    return false;
  if (integer)
    return qfk_binary_is_linear(p->op, p->act.act);
  return p->act.act <= QFK_ACT_CLAMP &&
         (p->op <= QFK_BINARY_MIN || p->op == QFK_BINARY_SQUARED_DIFFERENCE || p->op == QFK_BINARY_PRELU);
}

#endif
