/* SPDX-License-Identifier: MIT */
/*
 * binary_hvx_v68.h - elementwise arithmetic of half floats for HVX v68 and later: ADD, SUB, MUL, MAX, MIN. MAX and MIN are exact, the
 * others within 2^-10 of the result.
 */
#ifndef QFK_BINARY_HVX_V68_H
#define QFK_BINARY_HVX_V68_H

#include "binary.h"

/* FALSE: another operation. Reads up to 127 bytes beyond the @n of each operand. */
bool qfk_binary_f16_hvx_v68(QfkBinaryOp op, const uint16_t *a, const uint16_t *b, uint16_t *y, size_t n);

#endif
