/* SPDX-License-Identifier: MIT */
/*
 * conv_hvx.h - 2-D convolution of 8-bit images in planes of four channels (kernels/hvx/d4.h) by int8 weights, for HVX.
 *
 * Implicit GEMM: a vector is 32 pixels of four channels, a scalar is four weights. Pixels of a tile of output rows are taken from a
 * grid: the input with its padding, one copy for each phase of the stride, so that tap by tap the values of all output pixels
 * lie next to each other; the offsets of taps and planes are a table. A dense 1x1 convolution reads its input in place.
 * Columns of the grid beyond the image's give pixels that are dropped. Bit-exact with qfk_conv2d_int_ref() in the `fixed` scheme.
 */
#ifndef QFK_CONV_HVX_H
#define QFK_CONV_HVX_H

#include "../hvx/d4.h"
#include "../hvx/out.h"
#include "conv.h"
#include "grid_hvx.h"

#define QFK_CONV_HVX_CHANNELS 8 /* of a block */
#define QFK_CONV_HVX_PIXELS 64  /* of a tile */

typedef struct {
  QfkConvShape s; /* n is 1 */
  QfkGridHvx grid;
  int32_t rows;   /* output rows of a run */
  int32_t planes; /* input planes of a group */
  int32_t steps;  /* groups of four values that make a sum: taps * planes, then rests */
  int32_t rests;  /* steps that come again, with what weights are beyond int8 */
  int32_t blocks; /* of 8 output channels, in a group */
  bool direct;    /* no grid: 1x1, stride 1, no padding, uint8 */
  bool shifted;   /* a multiplier is 1 or more */
  QfkHvxOut out;
  const int32_t *offsets; /* [steps + 1], in bytes from the plane of a group's first pixel */
  const int8_t *weights;  /* [group][blocks][steps][8][4], and 32 bytes more */
  const int32_t *bias, *multiplier, *shift; /* [group * blocks * 8] */
} QfkConvHvx;

/* Sets all but the pointers; @rows of a run, at most oh. FALSE: the kernel does not do this one: it takes 8-bit input and
 * output, 8-bit weights, requant.fixed with once, whole planes in each group, and up to 16 phases. Weights are [kh,kw,c/group,oc];
 * what they have beyond int8 once their zero point is off becomes rests. */
bool qfk_conv_hvx_init(QfkConvHvx *p, const QfkConvShape *s, const QfkIntArgs *q, const void *w,
                       int32_t rows);

/* What qfk_conv_hvx_pack() fills: numbers of offsets, of weight bytes, of each of the others. */
size_t qfk_conv_hvx_offsets(const QfkConvHvx *p);
size_t qfk_conv_hvx_weights(const QfkConvHvx *p);
size_t qfk_conv_hvx_channels(const QfkConvHvx *p);
void qfk_conv_hvx_pack(const QfkConvHvx *p, const QfkIntArgs *q, const void *w, const int32_t *rests,
                       int32_t *offsets, int8_t *weights, int32_t *bias, int32_t *multiplier, int32_t *shift);
/* Which steps come again [rests]: one of the others, by number; twice for weights of 255. */
void qfk_conv_hvx_rests(const QfkConvHvx *p, const QfkIntArgs *q, const void *w, int32_t *rests);
/* Of a plan made without weights: it has @n rests. */
void qfk_conv_hvx_add_rests(QfkConvHvx *p, int32_t n);
/* The offsets alone, which follow from the shape and from @rests. */
void qfk_conv_hvx_fill_offsets(const QfkConvHvx *p, const int32_t *rests, int32_t *offsets);

/* Bytes a run needs, 128-byte aligned. */
size_t qfk_conv_hvx_scratch(const QfkConvHvx *p);

/* Output rows [@y0, @y0 + rows) that exist. Any rows at the same time, each with its own scratch. */
void qfk_conv_s8_hvx(const QfkConvHvx *p, const uint8_t *x, int32_t y0, uint8_t *y, void *scratch);

#endif
