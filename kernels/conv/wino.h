/* SPDX-License-Identifier: MIT */
/*
 * wino.h - 3x3 convolution of stride 1 by Winograd's F(4x4, 3x3): 36 multiplications for 16 outputs instead of 144.
 *
 * Tiles of 4x4 outputs are transformed from 6x6 inputs, multiplied plane by plane with transformed weights by the float tile
 * kernels, and transformed back. The points are 0, +-1/sqrt(2), +-sqrt(2) and infinity, which lose fewer digits than the
 * usual 0, +-1, +-2: Barabasz et al., "Error Analysis and Improving the Accuracy of Winograd Convolution" (2020), on
 * choosing points. Channels must be a multiple of the kernel's lanes.
 */
#ifndef QFK_WINO_H
#define QFK_WINO_H

#include "../gemm/tile.h"
#include "conv.h"

/* One tile: 6x6 inputs of @c channels, @row and @col floats apart, to 36 planes @plane floats apart. */
typedef void (*QfkWinoIn)(const float *x, ptrdiff_t row, ptrdiff_t col, uint32_t c, float *v, size_t plane);

/* One tile back: 36 planes to @h x @w (up to 4x4) pixels of @c channels, rows @row floats apart. @res is like @y or NULL. */
typedef struct {
  const float *m;
  size_t plane;
  float *y;
  const float *res, *bias;
  ptrdiff_t row;
  uint32_t c, h, w;
  float lo, hi;
} QfkWinoTile;
typedef void (*QfkWinoOut)(const QfkWinoTile *t);

typedef struct {
  const char *name;
  uint32_t isa;
  uint32_t lanes;
  QfkWinoIn in;
  QfkWinoOut out;
} QfkWinoKernel;

extern const QfkWinoKernel qfk_wino_kernels[];
extern const uint32_t qfk_n_wino_kernels;

typedef struct {
  const QfkWinoKernel *wino;
  const QfkTileKernel *tile;
  QfkConvShape s;
  const uint8_t *u;   /* packed weights of 36 planes */
  size_t plane_bytes; /* of one */
  const float *bias;  /* [oc] */
  const float *zeros; /* nr of them */
  QfkActFunc act_fn;
  QfkEpilogue act;
  float lo, hi;
  uint32_t tiles[2]; /* down, across */
  uint32_t block;    /* most tiles of an item */
} QfkWino;

/* Sets shape, kernels and sizes. FALSE: the shape is not for it. */
bool qfk_wino_plan(QfkWino *p, uint32_t features, const QfkConvShape *s);
/* HWIO weights to 36 planes [c][oc]. */
void qfk_wino_weights(const QfkConvShape *s, const float *w, float *planes);
/* Tiles of an item of a run with @n_threads; the number of items is returned. */
uint32_t qfk_wino_items(const QfkWino *p, uint32_t n_threads, uint32_t *block);
size_t qfk_wino_scratch(const QfkWino *p);
void qfk_wino_run(const QfkWino *p, uint32_t block, uint32_t item, const float *x, const float *res, float *y,
                  void *scratch);

#define QFK_WINO(suffix, isa, lanes)                                                                         \
  void qfk_wino_in_##suffix(const float *x, ptrdiff_t row, ptrdiff_t col, uint32_t c, float *v,              \
                            size_t plane);                                                                   \
  void qfk_wino_out_##suffix(const QfkWinoTile *t);
#include "wino.inc"
#undef QFK_WINO

#endif
