/* SPDX-License-Identifier: MIT */
/*
 * grid_hvx.h - the grid: rows of an image in planes of four channels with their padding, for output rows from some row on, one copy of
 * a plane for each phase of the stride. Tap by tap, the values of all output pixels lie next to each other there.
 */
#ifndef QFK_GRID_HVX_H
#define QFK_GRID_HVX_H

#include <stdint.h>

#define QFK_GRID_HVX_PHASES 16

typedef struct {
  int32_t h, w;       /* of the image */
  int32_t stride[2];  /* from one grid pixel to the next, in pixels of the image */
  int32_t pad[2];     /* top, left */
  int32_t gh, gw;     /* of the grid */
  uint8_t flip, fill; /* 0x80 turns int8 into uint8; the padding after that */
  int32_t n_phases;
  uint8_t phase[QFK_GRID_HVX_PHASES][2]; /* y, x, each below its stride */
} QfkGridHvx;

/* The index of a phase; n_phases: there is none. */
static inline int32_t qfk_grid_find(const QfkGridHvx *g, int32_t y, int32_t x)
{
  int32_t i = 0;
  while (i < g->n_phases && (g->phase[i][0] != y || g->phase[i][1] != x))
    i++;
  return i;
}

/* The first @n_rows rows of one plane @x and phase @phase to @to, whose row 0 belongs to output row @y0. Writes up to 128 bytes more;
 * reads up to 252 bytes beyond the image. */
void qfk_grid_pack_hvx(const QfkGridHvx *g, int32_t phase, const uint8_t *x, int32_t y0, int32_t n_rows,
                       uint8_t *to);

#endif
