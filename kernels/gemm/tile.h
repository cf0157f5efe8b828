/* SPDX-License-Identifier: MIT */
/*
 * tile.h - the tile kernels: a small block of C, up to mr rows by nr columns, over all of K.
 *
 * Rows of A are given by pointers, one for each segment of K, so the same kernel does a matrix product (one segment) and a
 * convolution read straight from the image (a segment for each filter row). B is packed in panels of nr columns; the last
 * panel is as narrow as whole vectors allow. Kinds differ in what A holds:
 *   F32  floats.
 *   S16  int16: 8-bit values with their zero point taken off; so are the weights. Exact for every zero point.
 *   S16_S8  as S16, for weights that fit int8, which are widened while they are multiplied: for few rows, where to read them is what
 *        takes time.
 *   DOT_U, DOT_S  the 8-bit values as they lie in memory, in groups of four, used as uint8 or int8; needs weights that fit
 *        int8 once their zero point is off, and a bias that has taken the input's zero point in (qfk_pack_bias()).
 *   PAIRS  as DOT_U, for weights whose neighbours do not add up to too much: rest.h.
 *   BF16  bfloat16 made from floats, in pairs, and so are the weights; the rest is as in F32, the arithmetic as in bf16.h.
 */
#ifndef QFK_TILE_H
#define QFK_TILE_H

#include "../epilogue.h"

typedef enum {
  QFK_TILE_F32 = 0,
  QFK_TILE_S16,
  QFK_TILE_DOT_U,
  QFK_TILE_DOT_S,
  QFK_TILE_PAIRS,
  QFK_TILE_S16_S8,
  QFK_TILE_BF16
} QfkTileKind;

/* Bias, residual and result are floats. */
static inline bool qfk_tile_is_float(QfkTileKind kind)
{
  return kind == QFK_TILE_F32 || kind == QFK_TILE_BF16;
}

/* Rows of A are int16 made from bytes. */
static inline bool qfk_tile_widens(QfkTileKind kind)
{
  return kind == QFK_TILE_S16 || kind == QFK_TILE_S16_S8;
}

/* Rows of A are not what lies in memory but 16-bit values made from it, by a QfkWidenFunc. */
static inline bool qfk_tile_converts(QfkTileKind kind)
{
  return qfk_tile_widens(kind) || kind == QFK_TILE_BF16;
}

typedef struct {
  const void *const *a; /* row r of segment s starts at a[r * n_seg + s] */
  uint32_t n_seg;
  uint32_t steps;   /* of each segment: its values / kr */
  uint32_t n;       /* columns to store, 1..nr: says the width of the panel too */
  const void *b;    /* the packed panel */
  const void *bias; /* float or int32, one per column of the panel in packed order */
  /* Integers: requantisation multipliers, in packed order. NULL (S16 only): the int32 sums are stored in column order, n
   * rounded up to a whole vector of them, and wrap around. */
  const float *scale;
  void *const *c;     /* row r is stored to c[r] */
  size_t c_at;        /* qfk_tile_rows(): bytes from there to the first column */
  const uint8_t *res; /* F32: the residual for c[r] is at res + (c[r] - c_base); NULL: none */
  const uint8_t *c_base;
  float lo, hi;        /* bounds; integers: without the zero point */
  int32_t zero_point;  /* integers: of the output */
  bool y_signed;       /* integers: store int8, else uint8 */
  bool below_one;      /* integers: no multiplier is 1 or more, so that products stay within int32 (a hint) */
  uint8_t flip;        /* DOT_*, PAIRS: 0x80 to turn int8 into uint8 or back while reading, else 0 */
  const int16_t *rest; /* PAIRS: more sums, [n_rest] times rest_pitch rows of 16 slots */
  uint32_t n_rest;
  size_t rest_pitch;
  /* A hint: cache lines that later tiles will read, mostly of the next panel. 0: none. */
  const uint8_t *next;
  uint32_t next_lines;
} QfkTile;

#define QFK_LINE 64 /* bytes of a cache line */

/* Computes the first @m rows, 1..mr. */
typedef void (*QfkTileFunc)(const QfkTile *t, uint32_t m);

typedef struct {
  const char *name;
  uint32_t isa; /* QFK_CPU_ bits it needs */
  QfkTileKind kind;
  uint8_t mr, nr; /* largest tile */
  uint8_t kr;     /* values of K that lie together in B */
  uint8_t lanes;  /* columns of one vector */
  QfkTileFunc run;
} QfkTileKernel;

/* Whether a sum of 32 bits times any of the @n @scales is still one: QfkTile.below_one. */
static inline bool qfk_requant_below_one(const float *scales, size_t n)
{
  bool below = true;
  for (size_t i = 0; i < n; i++)
    below &= fabsf(scales[i]) < 1;
  return below;
}

/* From tile.inc, best first within a kind. */
extern const QfkTileKernel qfk_tile_kernels[];
extern const uint32_t qfk_n_tile_kernels;

/* The same for any number of rows, in tiles of even heights; next_lines are shared out to them. */
void qfk_tile_rows(const QfkTileKernel *k, const QfkTile *t, uint32_t m);

/* The first kernel of @kind that @features allow; NULL: none. */
const QfkTileKernel *qfk_tile_find(QfkTileKind kind, uint32_t features);

/* Columns of a panel that holds @n, 1..nr, of them: whole vectors; integers 1, 2 or 4 of them. */
uint32_t qfk_panel_width(const QfkTileKernel *k, uint32_t n);

/* The column of slot @slot in a panel of width @width. Integers are permuted so that narrowing needs no shuffle. */
uint32_t qfk_panel_column(const QfkTileKernel *k, uint32_t width, uint32_t slot);

/* What is packed: a matrix of n columns whose rows come in segments. */
typedef struct {
  const void *w;          /* float, or integers of w_type */
  ptrdiff_t row, col;     /* strides in elements */
  const int32_t *seg_row; /* first row of each segment, -1: all zero; NULL: they follow each other */
  uint32_t n_seg, k, n;   /* segments, rows of each, columns */
  QfkInt w_type;          /* integers */
  const int32_t *w_zero;  /* integers: zero point per column, NULL: 0 */
} QfkPack;

/* Columns of all panels together, and bytes of all panels. */
uint32_t qfk_pack_columns(const QfkTileKernel *k, uint32_t n);
size_t qfk_pack_bytes(const QfkTileKernel *k, const QfkPack *p);
void qfk_pack_panels(const QfkTileKernel *k, const QfkPack *p, void *panels);
/* The one panel that begins at column @n0, a multiple of nr. */
void qfk_pack_panel(const QfkTileKernel *k, const QfkPack *p, uint32_t n0, void *panel);

/* 4-byte values, one per column (@src NULL: zero), into packed order; @dst has qfk_pack_columns(). */
void qfk_pack_vector(const QfkTileKernel *k, uint32_t n, const void *src, void *dst);
/* bias - x_zero * (sum of the column's weights), in column order; @x_zero is that of the values after flip. */
void qfk_pack_bias(const QfkPack *p, const int32_t *bias, int32_t x_zero, int32_t *dst);

/* Whether every weight is within [lo, hi] once its zero point is off. */
bool qfk_pack_within(const QfkPack *p, int32_t lo, int32_t hi);
/* Whether int32 holds every possible sum of a column when |x - x_zero| <= x_max. */
bool qfk_pack_fits(const QfkPack *p, const int32_t *bias, int32_t x_max);

/* Activations that are no bounds, on @n floats in place, the first of which is of channel @channel. */
typedef void (*QfkActFunc)(const QfkEpilogue *e, float *y, size_t n, size_t channel);
QfkActFunc qfk_act_find(uint32_t features);

/* int16 = 8-bit value - zero. */
typedef void (*QfkWidenFunc)(int16_t *dst, const uint8_t *src, size_t n, int32_t zero, bool is_signed);
QfkWidenFunc qfk_widen_find(uint32_t features);
/* The same for BF16: bfloat16 from floats; @zero and @is_signed mean nothing. */
QfkWidenFunc qfk_narrow_find(uint32_t features);

/* Kernels that do all rows in one call: where K is short, calls and what they are given take a fifth of the time. */
#define QFK_TILE_ROWS(run, rows) void rows(const QfkTile *t, uint32_t m);
#include "tile_rows.inc"
#undef QFK_TILE_ROWS

#define QFK_TILE(fn, isa, kind, mr, nr, kr, lanes) void fn(const QfkTile *t, uint32_t m);
#define QFK_ACT(fn, isa) void fn(const QfkEpilogue *e, float *y, size_t n, size_t channel);
#define QFK_WIDEN(fn, isa) void fn(int16_t *dst, const uint8_t *src, size_t n, int32_t zero, bool is_signed);
#define QFK_NARROW QFK_WIDEN
#include "tile.inc"
#undef QFK_NARROW
#undef QFK_TILE
#undef QFK_ACT
#undef QFK_WIDEN

#endif
