/* SPDX-License-Identifier: MIT */
/*
 * params.h - parameters of the steps, as they lie in a blob: 32-bit words. The host writes them, plan() of the row checks them.
 */
#ifndef QF_HTP_DSP_PARAMS_H
#define QF_HTP_DSP_PARAMS_H

#include <stdint.h>

/* An output as uint8, within bounds: QfkHvxOut. */
typedef struct {
  int32_t zero, lo, hi;
} QfDspOut;

/* Bytes as they are, or with 0x80 turned over. */
typedef struct {
  int32_t flip; /* 0 or 0x80 */
} QfDspCopy;

/* Images between rows of pixels and planes of four channels. */
typedef struct {
  int32_t n, pixels, channels, flip;
} QfDspPixels;

/* Also depthwise, where c is oc and group is not looked at. Of 16 bits the zero point is as it is stored, and shifts, 17 to 62, are always
 * there. Behind it: shifts by channel [blocks * 8, or planes * 4], if shifted; then the steps that come again [rests]. */
typedef struct {
  int32_t n, h, w, c, oh, ow, oc, kh, kw;
  int32_t stride[2], dilation[2], pad[2], group;
  int32_t rows;     /* output rows of a job */
  int32_t blocks;   /* of 8 output channels (depthwise: planes of 4): of a job; with groups: all */
  int32_t x_zero;   /* as uint8 */
  int32_t shifted;  /* 1: a multiplier is 1 or more */
  int32_t rests;    /* depthwise: rounds after the first, 0 to 2 */
  int32_t x_signed; /* 16 bits: 1: int16 */
  QfDspOut out;
} QfDspConv;

/* Behind it: shifts by output [panels * 32], if shifted. */
typedef struct {
  int32_t m, k, n; /* rows, inputs, outputs */
  int32_t panels;  /* of 32 outputs: of a job */
  int32_t w_zero;  /* of the weights, as uint8 */
  int32_t shifted;
  int32_t x_signed; /* of 16 bits, whose shifts are always there: 1: int16 */
  QfDspOut out;
} QfDspFc;

/* Behind it, for averages: a multiplier for each divisor [kh * kw + 1]; of 16 bits each with its shift. */
typedef struct {
  int32_t n, h, w, c, oh, ow, kh, kw;
  int32_t stride[2], dilation[2], pad[4], count_pad;
  int32_t rows, planes; /* of a job: output rows, planes of four channels */
  int32_t max, x_zero;
  int32_t x_signed; /* of 16 bits: 1: int16 */
  QfDspOut out;
} QfDspPool;

typedef struct {
  int32_t reserved;
  uint8_t table[256];
} QfDspLookup;

/* 16 bits: planes of so many bytes twice, or with no planes one value after the other. */
typedef struct {
  int32_t planes, bytes;
} QfDspLookup16;

/* QfkBinaryHvx, both operands of one size. */
typedef struct {
  int32_t op, a, b, shift, ca, cb, a_zero, b_zero, multiplier, left;
  QfDspOut out;
} QfDspBinary;

/* Of 16 bits, both operands images of one size in planes: QfkBinary16Hvx. */
typedef struct {
  int32_t planes, pixels; /* planes of four channels, of all images */
  int32_t op, a_flip, b_flip, a, b, shift, ca[2], cb[2], a_zero, b_zero, multiplier, right;
  QfDspOut out;
} QfDspBinary16;

/* The same where an operand broadcasts: QfkBinaryRowsHvx. */
typedef struct {
  QfDspBinary binary;
  int32_t rows, n, a_row, b_row, a, b;
} QfDspBinaryRows;

typedef struct {
  int32_t rows, n; /* rows of n values */
  int32_t rows_job;
  int32_t inverse[2]; /* low, high word */
  int32_t e[256];     /* of QfkSoftmaxInt */
  QfDspOut out;
} QfDspSoftmax;

/* A nest that copies elements; strides and starts in elements. */
#define QF_DSP_MOVE_RANK 8
typedef struct {
  int32_t element_bytes, rank;
  int32_t x_start, y_start;
  int32_t dims[QF_DSP_MOVE_RANK], x[QF_DSP_MOVE_RANK], y[QF_DSP_MOVE_RANK];
} QfDspMove;

/* Behind it: QfkChannelFrom of each output channel. Inputs are images of as many pixels. */
typedef struct {
  int32_t n, channels, pixels;
  int32_t fill; /* the byte of channels that come from nowhere */
} QfDspChannels;

typedef struct {
  int32_t n, c, h, w, oh, ow;
  int32_t interpolation, coordinate_mode, nearest_mode;
  float scale[2]; /* of h and w */
  int32_t x_zero, y_zero, lo, hi, multiplier, left;
  int32_t rows; /* of a job */
} QfDspResize;

typedef struct {
  int32_t op; /* QfkReduceOp */
  int32_t outer, n, inner;
  int32_t x_zero, y_zero, multiplier, left;
} QfDspReduce;

/* Softmax of values that lie apart: of [outer, n, inner], or with pixels of the n channels of images. */
typedef struct {
  int32_t outer, n, inner;
  int32_t pixels; /* 0: not over channels; else outer images of so many */
  int32_t inverse[2];
  int32_t e[256];
  QfDspOut out;
} QfDspSoftmaxColumns;

/* Where the extreme is, as int32: of [outer, n, inner], or with pixels over the n channels of outer images. */
typedef struct {
  int32_t outer, n, inner;
  int32_t pixels; /* 0: not over channels; else of an image */
  int32_t min, last;
} QfDspArg;

/* Products of [m, k] and [k, n], turned [n, k], @batch of them; a side without a batch is the same for all. */
typedef struct {
  int32_t batch, m, n, k, turned;
  int32_t a_batch, b_batch; /* 0 or 1 */
  int32_t a_zero, b_zero, multiplier, left;
  int32_t rows; /* of a job */
  QfDspOut out;
} QfDspMatmul;

/* Bytes to 16 bits: what they become, [2][256]. */
typedef struct {
  int32_t reserved;
  uint8_t bytes[512];
} QfDspWiden;

/* From 16 bits to uint8 or 16 bits: QfkRequantizeHvx. */
typedef struct {
  int32_t x_signed, y_type; /* QfkInt: uint8, uint16, int16 */
  int32_t x_zero, y_zero, multiplier, left;
} QfDspRequantize;

/* Floats to uint8: QfkQuantizeHvx and its table. */
typedef struct {
  int32_t low, high, top, m, base;
  uint8_t bytes[1024];
} QfDspQuantize;

/* uint8 to floats: their bytes, [4][256]. */
typedef struct {
  int32_t reserved;
  uint8_t bytes[1024];
} QfDspDequantize;

#endif
