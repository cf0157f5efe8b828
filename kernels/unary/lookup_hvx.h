/* SPDX-License-Identifier: MIT */
/*
 * lookup_hvx.h - 8-bit values through a table, for HVX: activations, and requantisation from 8 bits to 8 bits.
 */
#ifndef QFK_LOOKUP_HVX_H
#define QFK_LOOKUP_HVX_H

#include <stddef.h>
#include <stdint.h>

/* @y[i] = @table[@x[i]]; the table has 256 bytes, 128-byte aligned. Reads up to 127 bytes beyond the @n of @x. In place is fine. */
void qfk_lookup_u8_hvx(const uint8_t *table, const uint8_t *x, uint8_t *y, size_t n);

#endif
