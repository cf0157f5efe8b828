/* SPDX-License-Identifier: MIT */
/*
 * binary_hvx.h - elementwise arithmetic of two 8-bit tensors in the `fixed` scheme, for HVX: bit-exact with qfk_binary_int_ref(). Of one
 * size, their layouts do not matter, as long as they are the same; else one may broadcast along rows.
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

/* How an operand lies to the output's rows. */
typedef enum {
  QFK_SPREAD_NONE = 0,
  QFK_SPREAD_BYTE, /* one byte for a row */
  QFK_SPREAD_WORD, /* four bytes, over and over: a value a channel for planes of four (kernels/hvx/d4.h), whose rows are planes */
  QFK_SPREAD_LANE /* the first of every four bytes for all of them: a value a pixel, from an image of one channel */
} QfkSpread;

/* @rows of @n bytes, dense in y. An operand's rows are a_row and b_row bytes apart, 0: the same again. */
typedef struct {
  int32_t rows, n;
  int32_t a_row, b_row;
  QfkSpread a, b;
} QfkBinaryRowsHvx;

/* Operands that broadcast: rows [@row, @row + @n_rows), in any order and at the same time. Reads up to 127 bytes beyond each operand. */
void qfk_binary_rows_u8_hvx(const QfkBinaryHvx *p, const QfkBinaryRowsHvx *r, const uint8_t *a,
                            const uint8_t *b, uint8_t *y, int32_t row, int32_t n_rows);

#endif
