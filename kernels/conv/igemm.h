/* SPDX-License-Identifier: MIT */
/*
 * igemm.h - convolutions, transposed convolutions and matrix products as implicit GEMM over the tile kernels.
 *
 * A plan says where each output row's K values lie in the image, as segments of neighbouring columns; a run takes a block of
 * output pixels, makes the table of row pointers once, and goes through the panels of B with it. Segments are read in place,
 * but for copies of those at the border; where values must be widened, or a segment is no multiple of kr, all input rows of
 * the block are copied to padded lines in scratch first, and read there.
 * A transposed convolution is stride[0] * stride[1] plans, one for each phase of the output.
 */
#ifndef QFK_IGEMM_H
#define QFK_IGEMM_H

#include "../gemm/rest.h"
#include "after.h"
#include "conv.h"

/* nx neighbouring columns of one input row; relative to the pixel (vy * in_step[0], vx * in_step[1]). */
typedef struct {
  int32_t dy, dx, nx;
} QfkSeg;

#define QFK_IGEMM_ZEROS_ALIGN 64

typedef struct {
  const QfkTileKernel *kernel;
  QfkWidenFunc widen; /* S16, BF16 */
  QfkActFunc act_fn;  /* F32: NULL when the bounds of the tile suffice */
  QfkEpilogue act;
  const QfkAfter *after; /* integers; NULL: nothing */
  const QfkRest *rest;   /* PAIRS: of weights of one segment and group; NULL: there are none */
  QfkRestFuncs rest_fn;

  int32_t n, h, w, c;             /* input */
  int32_t oh, ow, oc;             /* output memory */
  int32_t vh, vw;                 /* grid of output pixels of this plan */
  int32_t in_step[2];             /* input pixels from one grid pixel to the next */
  int32_t out_at[2], out_step[2]; /* grid pixel (y, x) is output pixel out_at + (y, x) * out_step */
  int32_t group;
  const QfkSeg *segs;
  uint32_t n_seg;

  uint32_t k;            /* values of a segment: c / group * nx */
  bool dense;            /* 1x1, stride 1, no padding, one group: rows are pixels in order */
  bool direct;           /* segments may be read in place */
  bool lines;            /* input rows are copied to lines */
  const uint8_t *panels; /* [group][...] */
  size_t group_bytes;    /* of panels */
  const void *bias;      /* [group][columns] in packed order */
  const float *scale;    /* integers: likewise */
  bool below_one;        /* integers: qfk_requant_below_one() */
  uint32_t columns;      /* padded columns of one group */
  const uint8_t *zeros;  /* padding value, enough for a segment */
  size_t x_size, y_size; /* bytes of one value */

  float lo, hi; /* as in QfkTile */
  int32_t x_zero, y_zero;
  bool x_signed, y_signed;
  uint8_t flip;

  uint32_t max_rows; /* of a block, for scratch */
} QfkIgemm;

/* Segments of a plan: at most kh * kw. Sets everything that follows from shape and kernel: all but act, pointers and numbers. */
void qfk_igemm_conv(QfkIgemm *p, const QfkTileKernel *kernel, const QfkConvShape *s, QfkSeg *segs);
/* Phase (@py, @px) of a transposed convolution, each below its stride. A phase without taps has n_seg 1 with weights 0: its
 * @seg_row is -1. @seg_row gets the first weight row of each segment. FALSE: the phase has no pixels. */
bool qfk_igemm_deconv(QfkIgemm *p, const QfkTileKernel *kernel, const QfkConvShape *s, int32_t py, int32_t px,
                      QfkSeg *segs, int32_t *seg_row);
/* Bytes of scratch a run of one item needs. */
size_t qfk_igemm_scratch(const QfkIgemm *p);

/* How a run is cut into items. */
typedef struct {
  uint32_t tiles;  /* of rows, all */
  uint32_t blocks; /* that tiles are shared out to */
  uint32_t splits; /* of the panels of one group */
  uint32_t items;  /* blocks * group * splits */
} QfkIgemmGrid;

void qfk_igemm_grid(const QfkIgemm *p, uint32_t n_threads, QfkIgemmGrid *grid);
/* Items may run in any order and at the same time, each with its own scratch. */
void qfk_igemm_run(const QfkIgemm *p, const QfkIgemmGrid *grid, uint32_t item, const void *x, const void *res,
                   void *y, void *scratch);

#endif
