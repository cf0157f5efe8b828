/* SPDX-License-Identifier: MIT */
/*
 * resize_hvx.h - nearest and bilinear resampling of 8-bit images in planes of four channels (kernels/hvx/d4.h), for HVX.
 *
 * Bit-exact with qfk_resize_int_ref(); nearest only moves pixels, so where encodings differ a table (unary/lookup_hvx.h) comes before or
 * after it. All coordinate modes: rows and columns are tables.
 */
#ifndef QFK_RESIZE_HVX_H
#define QFK_RESIZE_HVX_H

#include "../hvx/d4.h"
#include "../hvx/out.h"
#include "resize.h"

/* The two rows of an output row. */
typedef struct {
  int32_t at[2], weight;
} QfkResizeRow;

/* Some of 32 output pixels: from the vector at pixel @base of a row, through a network; which way its steps go. */
typedef struct {
  int32_t base;
  bool closer; /* pixels move together, not apart */
} QfkResizePiece;

typedef struct {
  int32_t c, h, w, oh, ow;
  int32_t rows; /* output rows of a run */
  bool nearest;
  bool same; /* the encodings of input and output */
  uint8_t flip;
  int32_t less; /* 128 * zero point of the input, as uint8 */
  int32_t m;
  QfkHvxOut out;
  int32_t pieces;
  const QfkResizeRow *row;     /* [oh] */
  const int32_t *first;        /* [sides][vectors of a row] and one more: index of the first piece */
  const QfkResizePiece *piece; /* [pieces] */
  const uint8_t *network;      /* [pieces][2][128], 128-byte aligned: controls, and which bytes */
  const int32_t *weight;       /* [vectors of a row][32], two halves each; linear only */
} QfkResizeHvx;

/* @r of rank 4, NHWC, of whose dimensions the second and third change; the batch is 1 or done image by image. Sets all but the pointers. FALSE: the
 * kernel does not do this one: other dimensions change, not 8 bits, a scale of outputs over 128 times finer; nearest to another encoding. */
bool qfk_resize_hvx_init(QfkResizeHvx *p, const QfkResize *r, const QfkResizeInt *q, int32_t rows);

/* How many of each table there are. */
typedef struct {
  size_t rows, firsts, pieces, network, weights; /* entries; network: bytes */
} QfkResizeHvxSizes;
QfkResizeHvxSizes qfk_resize_hvx_sizes(const QfkResizeHvx *p);
/* @weight may be NULL for nearest. */
void qfk_resize_hvx_pack(const QfkResizeHvx *p, const QfkResize *r, QfkResizeRow *row, int32_t *first,
                         QfkResizePiece *piece, uint8_t *network, int32_t *weight);

/* Bytes a run needs, 128-byte aligned. */
size_t qfk_resize_hvx_scratch(const QfkResizeHvx *p);

/* Output rows [@y0, @y0 + rows) that exist. Any rows at the same time, each with its own scratch. */
void qfk_resize_u8_hvx(const QfkResizeHvx *p, const uint8_t *x, int32_t y0, uint8_t *y, void *scratch);

#endif
