/* SPDX-License-Identifier: MIT */
/*
 * d4_hvx.h - between [pixels][channels] and planes of four channels (kernels/hvx/d4.h), 8-bit values, for HVX. Exact copies.
 */
#ifndef QFK_D4_HVX_H
#define QFK_D4_HVX_H

#include <stddef.h>
#include <stdint.h>

/* Reads up to 128 bytes beyond @x. */
void qfk_d4_from_nhwc_hvx(const uint8_t *x, int32_t channels, int32_t pixels, uint8_t *y);

/* Reads up to 124 bytes beyond @x. */
void qfk_d4_to_nhwc_hvx(const uint8_t *x, int32_t channels, int32_t pixels, uint8_t *y);

/* Some pixels of an image of @pitch: @x and @y are where the first of them lies. */
void qfk_d4_from_nhwc_part_hvx(const uint8_t *x, int32_t channels, int32_t pixels, uint8_t *y, int32_t pitch);
void qfk_d4_to_nhwc_part_hvx(const uint8_t *x, int32_t pitch, int32_t channels, int32_t pixels, uint8_t *y);

/* @n bytes with the bits of @bits turned over, from 0x80: int8 to uint8 and back. In place is fine; no slack is needed. */
void qfk_turn_over_hvx(const uint8_t *x, uint8_t bits, uint8_t *y, size_t n);

#endif
