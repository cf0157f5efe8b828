/* SPDX-License-Identifier: MIT */
/*
 * lookup_hvx.h - values through a table, for HVX: activations, and requantisation from 8 bits to 8 bits.
 */
#ifndef QFK_LOOKUP_HVX_H
#define QFK_LOOKUP_HVX_H

#include <stddef.h>
#include <stdint.h>

/* @y[i] = @table[@x[i]]; the table has 256 bytes, 128-byte aligned. Reads up to 127 bytes beyond the @n of @x. In place is fine. */
void qfk_lookup_u8_hvx(const uint8_t *table, const uint8_t *x, uint8_t *y, size_t n);

/* 16-bit values, as planes of low and of high bytes (kernels/hvx/d4.h) of @n each; the table has 65536 entries. Scalar loads look them up, for a
 * table of 128 KiB is in memory; images are read and written by vectors. Reads up to 127 bytes beyond. In place is fine. */
void qfk_lookup_u16_hvx(const uint16_t *table, const uint8_t *low, const uint8_t *high, uint8_t *y_low,
                        uint8_t *y_high, size_t n);
/* The same, one value after the other. */
void qfk_lookup_flat_u16_hvx(const uint16_t *table, const uint16_t *x, uint16_t *y, size_t n);

#endif
