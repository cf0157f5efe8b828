/* SPDX-License-Identifier: MIT */
/*
 * sample.h - reading images [n, spatial..., channels] at real positions: by a grid, in regions of interest.
 *
 * Positions may be any float, NaN too: what lies outside is defined by each operation, and memory outside is never read. Sums are in
 * float32, in the order of the positions.
 */
#ifndef QFK_SAMPLE_H
#define QFK_SAMPLE_H

#include "../common.h"

enum { QFK_SAMPLE_LINEAR = 0, QFK_SAMPLE_NEAREST, QFK_SAMPLE_CUBIC }; /* cubic: Keys' kernel, a = -0.75 */
enum { QFK_OUTSIDE_ZERO = 0, QFK_OUTSIDE_BORDER, QFK_OUTSIDE_REFLECT };

/* x [batch, in..., channels], grid [batch, points, spatial] in -1..1, innermost dimension first -> y [batch, points, channels]. */
typedef struct {
  int32_t spatial; /* 2 or 3 */
  int64_t batch, points, channels;
  int64_t in[3]; /* outermost first */
  int32_t mode, outside;
  bool align_corners; /* -1 and 1 are the centres of the outer pixels, else their outer edges */
} QfkGridSample;
void qfk_grid_sample_f32_ref(const QfkGridSample *p, const float *x, const float *grid, float *y);

/* x [n, h, w, c], boxes [count, box_width], the last four x1, y1, x2, y2 -> y [count, out_h, out_w, c]. */
typedef struct {
  int64_t n, h, w, c, count, out_h, out_w;
  float scale;     /* of the boxes' coordinates */
  float extra;     /* crop: the value outside */
  int32_t samples; /* align: along each side of a bin; 0: as many as pixels, at most 256 */
  bool half_pixel; /* align: pixel centres at .5, and boxes may be smaller than a pixel */
  bool max;        /* align: largest of the weighted pixels instead of the mean of their sums */
  bool nearest;    /* crop */
} QfkRegions;
/* @index [count]: the image of each box. */
void qfk_roi_align_f32_ref(const QfkRegions *p, const float *x, const float *boxes, const float *index,
                           float *y);
/* Whole pixels; boxes [count, 5] start with the image's index. */
void qfk_roi_pool_f32_ref(const QfkRegions *p, const float *x, const float *boxes, float *y);
/* Boxes y1, x1, y2, x2 in parts of the image, stretched to the output, corners to corners. */
void qfk_roi_crop_f32_ref(const QfkRegions *p, const float *x, const float *boxes, const float *index,
                          float *y);

#endif
