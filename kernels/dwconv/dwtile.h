/* SPDX-License-Identifier: MIT */
/*
 * dwtile.h - depthwise tile kernels: some neighbouring output pixels of one row, all channels; and the plan that runs a layer.
 *
 * F32 kernels read the image in place; at the border they are given fewer taps. S16 kernels read lines of int16 that the plan made
 * in scratch: widened, zero point off, padded with zeros, so that they know no border. DOT_U kernels, for 3x3 only, likewise read lines
 * of uint8 (int8 plus 128), padded with the zero point; their weights fit int8 and the bias has taken the zero point in.
 */
#ifndef QFK_DWTILE_H
#define QFK_DWTILE_H

#include "../gemm/tile.h"
#include "dwconv.h"

/* Strides are in elements. */
typedef struct {
  const void *x;             /* float or int16: at the first tap of the first pixel */
  ptrdiff_t row, col, pixel; /* from tap to tap down and right, from output pixel to output pixel */
  ptrdiff_t out;             /* F32: from pixel to pixel in y and res; S16: they are dense */
  const void *w; /* F32: [rows][cols][c] by w_row and w_col, from the first tap; S16: packed, see below */
  ptrdiff_t w_row, w_col; /* F32 */
  uint32_t rows, cols;    /* taps */
  uint32_t n, c;          /* pixels, channels */
  /* To kernels that know borders: the first pixel is without its first column, x is at its second; the last one without its last. */
  bool cut_first, cut_last;
  const void *bias;   /* F32: float [c]; S16: int32, packed */
  const float *scale; /* S16: packed */
  const float *res;   /* F32: like y; NULL: none */
  void *y;
  float lo, hi;       /* bounds; S16: without the zero point */
  int32_t zero_point; /* S16 */
  bool y_signed;      /* S16 */
} QfkDwTile;

typedef void (*QfkDwFunc)(const QfkDwTile *t);

typedef struct {
  const char *name;
  uint32_t isa;
  QfkTileKind kind; /* F32, S16 or DOT_U */
  uint8_t taps;     /* filter width and height it is for; 0: any */
  uint8_t stride;   /* horizontal; 0: any. With taps, pixel is stride x col */
  uint8_t lanes;    /* integers: channels of a packed block */
  bool interleaved; /* S16: a block's second quarter lies after its third, as vpunpck leaves it */
  bool borders;     /* F32, 3 taps, at least lanes channels: knows cut_first and cut_last */
  QfkDwFunc run;
} QfkDwKernel;

extern const QfkDwKernel qfk_dw_kernels[];
extern const uint32_t qfk_n_dw_kernels;

/* The best kernel for a filter, or for any when @taps is 0. NULL: none. */
const QfkDwKernel *qfk_dw_find(QfkTileKind kind, uint32_t features, int32_t taps, int32_t stride);

/* S16 packing: for each block of lanes channels, each tap column, each pair of tap rows (the last may be alone): lanes pairs of
 * weights. DOT_U packing: for each block of 64 channels, for the taps (w0, w1, w2, 0) and (0, w0, w1, w2), each row: 64 of them.
 * Vectors: for each block, lanes values. */
uint32_t qfk_dw_columns(const QfkDwKernel *k, uint32_t c);
size_t qfk_dw_pack_bytes(const QfkDwKernel *k, const QfkConvShape *s);
void qfk_dw_pack_weights(const QfkDwKernel *k, const QfkConvShape *s, const void *w, QfkInt type,
                         const int32_t *w_zero, void *dst);
/* The vector of @bias [c] (NULL: zeros) for a layer of shape @s whose input has the zero point @x_zero. */
void qfk_dw_pack_bias(const QfkDwKernel *k, const QfkConvShape *s, const void *w, QfkInt type,
                      const int32_t *w_zero, const int32_t *bias, int32_t x_zero, bool x_signed,
                      int32_t *dst);
#define QFK_DW_DOT_BLOCK 1536 /* bytes of the weights of 64 channels */
/* 4-byte values, one per channel (@src NULL: zero). */
void qfk_dw_pack_vector(const QfkDwKernel *k, uint32_t c, const void *src, void *dst);

/* A layer: multiplier 1. */
typedef struct {
  const QfkDwKernel *any, *special; /* special: for the pixels with all taps; may equal any */
  QfkConvShape s;
  const void *w, *bias;
  const float *scale;
  QfkWidenFunc widen;
  QfkActFunc act_fn;
  QfkEpilogue act;
  float lo, hi;
  int32_t x_zero, y_zero;
  bool x_signed, y_signed;
  uint32_t rows; /* output rows of an item, at most */
} QfkDwPlan;

/* Sets shape, kernels and rows. FALSE: no kernel. */
bool qfk_dw_plan(QfkDwPlan *p, QfkTileKind kind, uint32_t features, const QfkConvShape *s);
/* How many items a run is cut into; @parts gets those of an image. */
uint32_t qfk_dw_items(const QfkDwPlan *p, uint32_t n_threads, uint32_t *parts);
size_t qfk_dw_scratch(const QfkDwPlan *p);
void qfk_dw_run(const QfkDwPlan *p, uint32_t parts, uint32_t item, const void *x, const void *res, void *y,
                void *scratch);

#define QFK_DW(fn, isa, kind, taps, stride, lanes, interleaved, borders) void fn(const QfkDwTile *t);
#include "dwtile.inc"
#undef QFK_DW

#endif
