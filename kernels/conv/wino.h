/* SPDX-License-Identifier: MIT */
/*
 * wino.h - 3x3 convolution of stride 1 by Winograd's method: tiles of m x m outputs are transformed from (m+2) x (m+2) inputs,
 * multiplied plane by plane with transformed weights by the tile kernels, and transformed back.
 *
 * Floats use F(4x4, 3x3), 36 multiplications for 16 outputs instead of 144. The points are 0, +-1/sqrt(2), +-sqrt(2) and
 * infinity, which lose fewer digits than the usual 0, +-1, +-2: Barabasz et al., "Error Analysis and Improving the Accuracy of
 * Winograd Convolution" (2020), on choosing points. Where images are small and channels many, weights come from memory more slowly
 * than they are multiplied: F(2x2, 3x3) has 16 to F(4x4)'s 36. qfk_wino_plan() compares the costs, the plain convolution's too.
 * 8-bit integers use F(2x2, 3x3), 16 instead of 36, with weights times 4, or F(4x4, 3x3) with the points 0, +-1, +-2 and
 * infinity: Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks" (2016), section 4. Each plane of weights is
 * multiplied by what makes it whole, and the transform back evens that out, so every number is an integer, inputs and weights
 * fit int16, and the result is that of the convolution times 4, or times 576 = 64 * 9. It may wrap around in int32: an odd factor
 * has an inverse modulo 2^32, so what must fit is the convolution times 4 or 64 only, and the result is exact. It pays where
 * 8-bit products go by int16, that is without dot product instructions.
 * Channels must be a multiple of the kernel's lanes.
 *
 * BF16: transformed inputs and weights are rounded to bfloat16, which transforms amplify. Of random numbers the error of an output is
 * 0.24 % of the root mean square of all when bfloat16 is multiplied as it is, 0.4 % with F(2x2) and 1.2 % with F(4x4); the points 0, +-1,
 * +-2 would make it 2.6 %. The largest error of a layer is some six times that.
 */
#ifndef QFK_WINO_H
#define QFK_WINO_H

#include "../gemm/tile.h"
#include "after.h"
#include "conv.h"

/* One tile: (m+2) x (m+2) inputs of @c channels, @row and @col values apart, to as many planes @plane values apart. */
typedef struct {
  const void *x; /* float, or bytes */
  ptrdiff_t row, col;
  uint32_t c;
  void *v; /* float, int16 or bfloat16 */
  size_t plane;
  int32_t zero; /* integers: the zero point */
  bool is_signed;
} QfkWinoSource;
typedef void (*QfkWinoIn)(const QfkWinoSource *t);

/* One tile back: planes to @h x @w (up to m x m) pixels of @c channels, rows @row and pixels @pixel values apart. @res is like @y or NULL. */
typedef struct {
  const void *m; /* float, or int32 */
  size_t plane;
  void *y; /* float, or bytes */
  const float *res;
  const void *bias;   /* float, or int32 */
  const float *scale; /* integers: requantisation multipliers [c] */
  ptrdiff_t row, pixel;
  uint32_t c, h, w;
  float lo, hi;       /* integers: without the zero point */
  int32_t zero_point; /* integers: of the output */
} QfkWinoTile;
typedef void (*QfkWinoOut)(const QfkWinoTile *t);

typedef struct {
  const char *name;
  uint32_t isa;
  QfkTileKind kind; /* F32, BF16 or S16 */
  uint8_t edge;     /* m: 4, or 2 */
  uint8_t lanes;
  QfkWinoIn in;
  QfkWinoOut out;
} QfkWinoKernel;

extern const QfkWinoKernel qfk_wino_kernels[];
extern const uint32_t qfk_n_wino_kernels;

#define QFK_WINO_MAX_PLANES 36

typedef struct {
  const QfkWinoKernel *wino;
  const QfkTileKernel *tile;
  QfkConvShape s;
  uint32_t planes;       /* (m+2)^2 */
  size_t x_size, v_size; /* bytes of a value of x and y, and of a transformed input */
  const uint8_t *u;      /* packed weights of all planes */
  size_t plane_bytes;    /* of one */
  const void *bias;      /* [oc] */
  const float *scale;    /* integers: [oc] */
  const void *zeros;     /* nr 4-byte zeros */
  QfkActFunc act_fn;
  QfkEpilogue act;
  const QfkAfter *after; /* integers; NULL: nothing */
  float lo, hi;
  int32_t x_zero, y_zero; /* integers */
  bool x_signed;
  uint32_t tiles[2]; /* down, across */
  uint32_t block;    /* most tiles of an item */
} QfkWino;

/* Integers: how large weights, and inputs without their zero point, may be. */
typedef struct {
  const QfkPack *w; /* all */
  int32_t x_max;
} QfkWinoRange;

/* Whether @k can do it. */
bool qfk_wino_can(const QfkWinoKernel *k, const QfkConvShape *s, const QfkWinoRange *range);
/* Sets shape, kernels and sizes for @k. */
void qfk_wino_init(QfkWino *p, const QfkWinoKernel *k, uint32_t features, const QfkConvShape *s);
/* The same for the kernel that is best. FALSE: the shape is not for any, or another way is faster. */
bool qfk_wino_plan(QfkWino *p, uint32_t features, QfkTileKind kind, const QfkConvShape *s,
                   const QfkWinoRange *range);
/* Bytes of u, for plane_bytes, which it sets; bytes that packing needs besides. */
size_t qfk_wino_pack_bytes(QfkWino *p);
size_t qfk_wino_pack_scratch(const QfkWino *p);
/* HWIO weights, floats or 8-bit integers of @type with zero points @zero [oc] (NULL: 0), to @u. */
void qfk_wino_pack(const QfkWino *p, const void *w, QfkInt type, const int32_t *zero, void *scratch, void *u);
/* How a run is cut into items: tiles are shared out to blocks, and panels of output channels to splits. */
typedef struct {
  uint32_t tiles, blocks, splits, items;
} QfkWinoGrid;
void qfk_wino_grid(const QfkWino *p, uint32_t n_threads, QfkWinoGrid *grid);
size_t qfk_wino_scratch(const QfkWino *p);
/* @res: of floats, or for after. */
void qfk_wino_run(const QfkWino *p, const QfkWinoGrid *grid, uint32_t item, const void *x, const void *res,
                  void *y, void *scratch);

#define QFK_WINO(what, suffix, isa, kind, edge, lanes)                                                       \
  void qfk_wino_in_##what##_##suffix(const QfkWinoSource *t);                                                \
  void qfk_wino_out_##what##_##suffix(const QfkWinoTile *t);
#include "wino.inc"
#undef QFK_WINO

#endif
