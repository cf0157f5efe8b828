/* SPDX-License-Identifier: MIT */
/*
 * dwconv_hvx.h - depthwise convolution of 8-bit images in planes of four channels (kernels/hvx/d4.h) by int8 weights, for HVX.
 *
 * A plane's grid (kernels/conv/grid_hvx.h) is parted into its four channels, so that a vector is 128 pixels of one of them and its
 * words are four neighbours: what vrmpy of a pair multiplies by four taps of one row of the filter, at all four places within
 * the word. With stride 2 half of these places are wanted, and one of two instructions suffices. Rows of the grid follow each
 * other, so that small images fill vectors too. Filters of up to 3x3 go another way: dwthree_hvx.h. Bit-exact with
 * qfk_dwconv_int_ref() in the `fixed` scheme.
 */
#ifndef QFK_DWCONV_HVX_H
#define QFK_DWCONV_HVX_H

#include "../conv/grid_hvx.h"
#include "../hvx/d4.h"
#include "../hvx/out.h"
#include "dwconv.h"

/* Of filters that dwthree_hvx.h does. */
typedef struct {
  int32_t rows;       /* output rows that a word serves; 0: not one of them */
  int32_t groups;     /* of so many rows, in a run */
  int32_t phases;     /* of columns */
  int32_t pitch;      /* of words, from group to group */
  int32_t columns[2]; /* of the image that are used: all, or even and odd ones */
  int32_t at[2];      /* where in a group they begin, */
  uint8_t phase[2];   /* and in which phase's words */
  uint8_t fill;       /* padding, as the input has it */
} QfkDwthreeHvx;

typedef struct {
  QfkConvShape s; /* n is 1 */
  QfkGridHvx grid;
  QfkDwthreeHvx three;
  int32_t rows;   /* output rows of a run */
  int32_t words;  /* of four taps, in a row of the filter */
  int32_t taps;   /* words in all: rows * words, once a round */
  int32_t rounds; /* 1; more: weights are beyond int8 and come again with what was cut off */
  int32_t pitch;  /* of output pixels, from row to row; gw / stride */
  bool shifted;   /* a multiplier is 1 or more */
  QfkHvxOut out;
  const int32_t *offsets; /* [taps], in bytes within a channel's part */
  const int32_t *weights; /* [channels][qfk_dwconv_hvx_words()], four taps each; 8-byte aligned */
  const int32_t *bias, *multiplier, *shift; /* [channels], of whole planes */
} QfkDwconvHvx;

/* Sets all but the pointers; @rows of a run, at most oh. FALSE: the kernel does not do this one: it takes as many outputs as inputs,
 * columns of stride 1 or 2 and dilation 1, and what qfk_conv_hvx_init() says of types. Weights are [kh,kw,c]. */
bool qfk_dwconv_hvx_init(QfkDwconvHvx *p, const QfkConvShape *s, const QfkIntArgs *q, const void *w,
                         int32_t rows);

/* What qfk_dwconv_hvx_pack() fills: numbers of offsets, of weights, of each of the others. */
size_t qfk_dwconv_hvx_offsets(const QfkDwconvHvx *p);
size_t qfk_dwconv_hvx_words(const QfkDwconvHvx *p); /* of weights, of a channel */
size_t qfk_dwconv_hvx_weights(const QfkDwconvHvx *p);
size_t qfk_dwconv_hvx_channels(const QfkDwconvHvx *p);
void qfk_dwconv_hvx_pack(const QfkDwconvHvx *p, const QfkIntArgs *q, const void *w, int32_t *offsets,
                         int32_t *weights, int32_t *bias, int32_t *multiplier, int32_t *shift);
/* Of a plan made without weights: it has @rounds, 1 to 3. */
void qfk_dwconv_hvx_set_rounds(QfkDwconvHvx *p, int32_t rounds);
/* The offsets alone, which follow from the shape. */
void qfk_dwconv_hvx_fill_offsets(const QfkDwconvHvx *p, int32_t *offsets);

/* Bytes a run needs, 128-byte aligned; and those of its parts. */
size_t qfk_dwconv_hvx_scratch(const QfkDwconvHvx *p);
size_t qfk_dwconv_hvx_part(const QfkDwconvHvx *p); /* of one channel's grid */
size_t
qfk_dwconv_hvx_pixels(const QfkDwconvHvx *p); /* output pixels of a run, with those dropped, whole vectors */

/* Output rows [@y0, @y0 + rows) that exist. Any rows at the same time, each with its own scratch. */
void qfk_dwconv_s8_hvx(const QfkDwconvHvx *p, const uint8_t *x, int32_t y0, uint8_t *y, void *scratch);

#endif
