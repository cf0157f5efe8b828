/* SPDX-License-Identifier: MIT */
/*
 * binary16_hvx.h - elementwise arithmetic of two 16-bit images (kernels/hvx/d4.h) of one size, in the `fixed` scheme, for HVX: bit-exact
 * with qfk_binary_int_ref() over dense operands.
 */
#ifndef QFK_BINARY16_HVX_H
#define QFK_BINARY16_HVX_H

#include "../hvx/wide_out.h"
#include "binary.h"

/* A constant of 64 bits in units of 2^18, and the rest. */
typedef struct {
  int32_t high, low;
} QfkBinary16Part;

typedef struct {
  QfkBinaryOp op;         /* ADD, SUB, MUL, MAX, MIN */
  uint8_t a_flip, b_flip; /* of high bytes: make operands unsigned */
  int32_t a, b, shift;    /* ADD and the like: as in QfkBinaryFixed */
  QfkBinary16Part ca, cb; /* likewise, for unsigned operands; ADD and SUB: the sum of both in ca */
  int32_t a_zero, b_zero; /* MUL */
  QfkFixed m;             /* MUL */
  QfkHvxWideOut out;
} QfkBinary16Hvx;

/* From what qfk_binary_int_init() and qfk_binary_fixed_init() made; FALSE: not all 16 bits, not these operations, ratios of scales of
 * 2^13 and more (MUL: 32). */
bool qfk_binary16_hvx_init(QfkBinary16Hvx *p, const QfkBinary *b);

/* @planes of four channels, each @bytes of low and @bytes of high bytes. Reads up to 127 bytes beyond operands. */
void qfk_binary_u16_hvx(const QfkBinary16Hvx *p, const uint8_t *a, const uint8_t *b, uint8_t *y,
                        int32_t planes, int32_t bytes);

#endif
