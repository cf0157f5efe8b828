/* SPDX-License-Identifier: MIT */
/*
 * conv16_hvx.h - 2-D convolution of 16-bit images (kernels/hvx/d4.h) by int8 weights, for HVX.
 *
 * The image is two images of bytes, and its sum is 256 times that of the high bytes and that of the low ones, each as conv_hvx.h does
 * it: same grid, twice as many planes, same weights. Zero point and bias are what the two sums begin with. Bit-exact with
 * qfk_conv2d_int_ref() in the `fixed` scheme.
 */
#ifndef QFK_CONV16_HVX_H
#define QFK_CONV16_HVX_H

#include "../hvx/wide_out.h"
#include "conv_hvx.h"

typedef struct {
  QfkConvHvx c; /* as of bytes; offsets are for planes of both; bias and shift of the sums are not its own */
  QfkGridHvx high; /* the grid of high bytes; c.grid is that of low ones */
  int32_t zero;    /* of the input, as unsigned */
  QfkHvxWideOut out;
  const int32_t *first_low, *first_high; /* [channels], what sums begin with */
} QfkConv16Hvx;

/* Sets all but the pointers; @rows of a run, at most oh. FALSE: the kernel does not do this one: it takes 16-bit input and output,
 * 8-bit weights whose sum without signs is below 2^22 for each channel, requant.fixed with once and wide, multipliers below
 * 32, and what qfk_conv_hvx_init() says of shapes. */
bool qfk_conv16_hvx_init(QfkConv16Hvx *p, const QfkConvShape *s, const QfkIntArgs *q, const void *w,
                         int32_t rows);

/* Rests, weights, and numbers of all are those of qfk_conv_hvx_...(&p->c). */
void qfk_conv16_hvx_pack(const QfkConv16Hvx *p, const QfkIntArgs *q, const void *w, const int32_t *rests,
                         int32_t *offsets, int8_t *weights, int32_t *first_low, int32_t *first_high,
                         int32_t *multiplier, int32_t *shift);

/* The offsets alone, of a plan made without weights (@w NULL). */
void qfk_conv16_hvx_fill_offsets(const QfkConv16Hvx *p, const int32_t *rests, int32_t *offsets);

/* Bytes a run needs, 128-byte aligned. */
size_t qfk_conv16_hvx_scratch(const QfkConv16Hvx *p);

/* Output rows [@y0, @y0 + rows) that exist. Any rows at the same time, each with its own scratch. */
void qfk_conv_s16_hvx(const QfkConv16Hvx *p, const uint8_t *x, int32_t y0, uint8_t *y, void *scratch);

#endif
