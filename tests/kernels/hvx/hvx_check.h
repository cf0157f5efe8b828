/* SPDX-License-Identifier: MIT */
/*
 * hvx_check.h - what the check of HVX kernels adds to that of the others (../check.h): images in planes of four, and multipliers.
 *
 * The same program runs on the host, over the meaning of intrinsics, and on Hexagon under qemu. Results must be the reference's in the
 * `fixed` scheme, bit for bit. A family is a file check_<family>.c and a line in families.inc.
 */
#ifndef QFK_HVX_CHECK_H
#define QFK_HVX_CHECK_H

#include "../check.h"
#include "kernels/epilogue.h"
#include "kernels/hvx/d4.h"

/* [h * w][c] to and from planes, which have slack. */
uint8_t *chk_d4_make(const uint8_t *nhwc, int32_t c, int32_t pixels);
/* The same for 16-bit values. */
uint8_t *chk_d4_make16(const uint16_t *nhwc, int32_t c, int32_t pixels);
bool chk_d4_same16(const uint8_t *d4, const uint16_t *nhwc, int32_t c, int32_t pixels);
/* Compares @d4, of which only the @c channels count. */
bool chk_d4_same(const uint8_t *d4, const uint8_t *nhwc, int32_t c, int32_t pixels);

/* @n multipliers around 2^@exponent. */
QfkFixed *chk_multipliers(int32_t n, int exponent);

/* Multipliers for 16-bit data, and a requantisation of all their range or less. */
QfkRequant chk_requant16(QfkInt type, int32_t n, int exponent);

/* A requantisation to @type with bounds that cut now and then. */
QfkRequant chk_requant(QfkInt type, const QfkFixed *fixed, bool per_channel);

#define CHK_HVX(name) void chk_hvx_##name(void);
#include "hvx_families.inc"
#undef CHK_HVX

#endif
