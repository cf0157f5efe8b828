/* SPDX-License-Identifier: MIT */
/*
 * move_hvx.h - a strided copy (copy.h's loop nest) for HVX: Transpose, Slice, Split, Pad, Concat, Tile, blocks.
 *
 * What lies densely or in planes of four (kernels/hvx/d4.h, as words) is a nest with other strides; a fill or a repeated edge is one whose
 * input has strides of 0. A move is parted into units, which may run in any order and at the same time. Only outputs are written.
 */
#ifndef QFK_MOVE_HVX_H
#define QFK_MOVE_HVX_H

#include "../nd.h"

typedef enum {
  QFK_MOVE_RUN = 0, /* rows are dense in both */
  QFK_MOVE_FILL,    /* rows repeat one element */
  QFK_MOVE_TURN,    /* rows of one are columns of the other */
  QFK_MOVE_WEAVE,   /* so, and 2, 4, .. 32 rows fill the output densely, one element of each by turns */
  QFK_MOVE_PART,    /* the inverse */
  QFK_MOVE_SINGLE   /* element by element */
} QfkMoveKind;

/* Strides in bytes. The inner dimensions: b is the one that x is dense along, cut into pieces, and a the one of y; without columns b is the
 * row and a is 1. */
typedef struct {
  QfkMoveKind kind;
  int32_t bytes; /* an element: 1, 2 or 4 */
  int32_t a, b;
  int32_t xa, ya, xb, yb;
  int32_t piece, pieces; /* of b: how many a unit does, and units in all of it */
  int32_t units;
  int32_t rank; /* of the outer dimensions */
  int32_t dims[QFK_MAX_RANK], x[QFK_MAX_RANK], y[QFK_MAX_RANK];
} QfkMoveHvx;

/* @nd as for qfk_copy_ref(), of elements of 1, 2, 4 or 8 bytes. FALSE: its tensors are beyond 2^31 bytes, or the nest is too deep. */
bool qfk_move_hvx_init(QfkMoveHvx *p, const QfkNd *nd, uint32_t element_bytes);

/* Units [@unit, @unit + @n). Reads up to 127 bytes beyond @x, and beyond its rows. */
void qfk_move_hvx(const QfkMoveHvx *p, const void *x, void *y, int32_t unit, int32_t n);

/*
 * Pad as moves: the middle, and the borders that all dimensions have. @dims of x, dense; @mode says what is outside.
 */
typedef enum { QFK_PAD_VALUE = 0, QFK_PAD_EDGE, QFK_PAD_REFLECT, QFK_PAD_SYMMETRIC } QfkPadMode;
typedef struct {
  int32_t rank; /* up to 8 */
  int64_t dims[8];
  int64_t before[8], after[8]; /* not below 0 but for VALUE, where that crops */
  QfkPadMode mode;
  uint32_t element_bytes;
} QfkPadHvx;

/* One of the moves: where it starts, in bytes. @from_value: x is the element that fills. */
typedef struct {
  QfkMoveHvx move;
  int32_t x, y;
  bool from_value;
} QfkPadMoveHvx;

/* Writes at most @room moves, which together write all of y once; returns how many there are, 0 if a plan does not fit or a mirrored border
 * is wider than the image. @moves NULL: counts only. */
int32_t qfk_pad_hvx_init(const QfkPadHvx *p, QfkPadMoveHvx *moves, int32_t room);

#endif
