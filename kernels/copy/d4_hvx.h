/* SPDX-License-Identifier: MIT */
/*
 * d4_hvx.h - between [pixels][channels] and planes of four channels (kernels/hvx/d4.h), 8-bit values, for HVX. Exact copies.
 */
#ifndef QFK_D4_HVX_H
#define QFK_D4_HVX_H

#include <stdint.h>

/* Reads up to 128 bytes beyond @x. */
void qfk_d4_from_nhwc_hvx(const uint8_t *x, int32_t channels, int32_t pixels, uint8_t *y);

/* Reads up to 124 bytes beyond @x. */
void qfk_d4_to_nhwc_hvx(const uint8_t *x, int32_t channels, int32_t pixels, uint8_t *y);

#endif
