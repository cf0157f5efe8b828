/* SPDX-License-Identifier: MIT */
/*
 * binary_hvx.h - elementwise arithmetic of two 8-bit tensors of one size, in the `fixed` scheme, for HVX: bit-exact with
 * qfk_binary_int_ref() over dense operands. Layouts do not matter, as long as they are the same.
 */
#ifndef QFK_BINARY_HVX_H
#define QFK_BINARY_HVX_H

#include "../hvx/out.h"
#include "binary.h"

typedef struct {
  QfkBinaryOp op; /* ADD, SUB, MUL, MAX, MIN */
  uint8_t a_flip, b_flip;
  int32_t a, b, shift, ca, cb; /* ADD and the like: as in QfkBinaryFixed, for operands as uint8 */
  int32_t a_zero, b_zero;      /* MUL: likewise */
  QfkFixed m;                  /* MUL */
  QfkHvxOut out;
} QfkBinaryHvx;

/* From what qfk_binary_int_init() and qfk_binary_fixed_init() made; FALSE: not 8 bits, or not these operations. */
bool qfk_binary_hvx_init(QfkBinaryHvx *p, const QfkBinary *b);

/* Reads up to 127 bytes beyond the @n of each operand. */
void qfk_binary_u8_hvx(const QfkBinaryHvx *p, const uint8_t *a, const uint8_t *b, uint8_t *y, size_t n);

#endif
