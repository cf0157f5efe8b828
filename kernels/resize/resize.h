/* SPDX-License-Identifier: MIT */
/*
 * resize.h - resampling along any dimensions.
 *
 * For output index i of a dimension, with s = scale (output / input, float32):
 *   half_pixel x = (i + 0.5) / s - 0.5; asymmetric x = i / s; align_corners x = i * (in - 1) / (out - 1), 0 when out is 1.
 * nearest takes one sample, linear the two around x, cubic the four around x (Keys' kernel with parameter a); indices are clamped to the
 * edges. Values are products of the dimensions' weights; sums in float32, first dimension outermost.
 *
 * 8-bit data in the `fixed` scheme, nearest or linear along at most two dimensions, of which the first to change is the outer one. With the
 * samples p0, p1 of a dimension and w = min(rint(2^15 * weight of p1), 2^15 - 1), in 2^-7 of a step of x:
 *   outer  t = 128 * p0 + floor(((p1 - p0) * w + 2^7) / 2^8)
 *   inner  u = t0 + floor(((t1 - t0) * w + 2^14) / 2^15)
 *   y = clamp(qfk_once_mul(m, u - 128 * x_zero) + y_zero), m = x_scale / y_scale / 128
 * Nearest: y = clamp(qfk_once_mul(m, p0 - x_zero) + y_zero), m = x_scale / y_scale. This is within one step of the float form.
 */
#ifndef QFK_RESIZE_H
#define QFK_RESIZE_H

#include "../epilogue.h"

#define QFK_RESIZE_MAX_RANK 8

/* Values are those of QfInterpolation, QfCoordinateMode and QfNearestMode. */
enum { QFK_RESIZE_NEAREST = 0, QFK_RESIZE_LINEAR, QFK_RESIZE_CUBIC };
enum {
  QFK_COORD_HALF_PIXEL = 0,
  QFK_COORD_PYTORCH_HALF_PIXEL,
  QFK_COORD_ALIGN_CORNERS,
  QFK_COORD_ASYMMETRIC
};
enum { QFK_NEAREST_PREFER_FLOOR = 0, QFK_NEAREST_PREFER_CEIL, QFK_NEAREST_FLOOR, QFK_NEAREST_CEIL };

typedef struct {
  int32_t rank;
  int64_t in[QFK_RESIZE_MAX_RANK], out[QFK_RESIZE_MAX_RANK];
  float scale[QFK_RESIZE_MAX_RANK];
  int32_t interpolation, coordinate_mode, nearest_mode;
  float cubic_a;
  bool exclude_outside; /* cubic: samples outside have no weight, the others are scaled up to 1 */
} QfkResize;

/* The samples of one dimension for one output index. */
typedef struct {
  int32_t n; /* 1, 2 or 4 */
  int64_t index[4];
  float weight[4];
} QfkTaps;

void qfk_resize_taps(const QfkResize *r, int32_t dim, int64_t i, QfkTaps *taps);
void qfk_resize_f32_ref(const QfkResize *r, const float *x, float *y);

/* The integer form. */
typedef struct {
  QfkInt x_type, y_type; /* 8 bits each */
  int32_t x_zero, y_zero, lo, hi;
  QfkFixed m;
} QfkResizeInt;

/* The two dimensions that change, outer first; those of size 1 before the image where there are fewer: -1. FALSE: more of them change,
 * or cubic samples. */
bool qfk_resize_int_dims(const QfkResize *r, int32_t dims[2]);
/* Real factor of QfkResizeInt.m. */
double qfk_resize_int_factor(const QfkResize *r, float x_scale, float y_scale);
/* The weight of the second sample. */
int32_t qfk_resize_int_weight(const QfkTaps *taps);
void qfk_resize_int_ref(const QfkResize *r, const QfkResizeInt *q, const void *x, void *y);

#endif
