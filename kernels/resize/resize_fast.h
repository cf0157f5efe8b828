/* SPDX-License-Identifier: MIT */
/*
 * resize_fast.h - bilinear resampling of height and width of NHWC images: the SIMD kernels and their list. Integers are 8 bits with one scale on
 * each side, x_scale and y_scale, and are interpolated as real numbers.
 */
#ifndef QFK_RESIZE_FAST_H
#define QFK_RESIZE_FAST_H

#include "resize.h"
#include "../list.h"

/* The two samples of an output row or column. */
typedef struct {
  int32_t index[2];
  float weight[2];
} QfkTap2;

typedef struct {
  size_t h, w, c, oh, ow;
  const QfkTap2 *rows, *columns; /* [oh], [ow] */
  float x_scale, y_scale;        /* the next four for integers only */
  int32_t x_zero, y_zero;
  float lo, hi; /* range of the output's type less y_zero */
} QfkResizeImage;

typedef enum {
  QFK_RESIZE_LINEAR_F32,
  QFK_RESIZE_LINEAR_U8,
  QFK_RESIZE_LINEAR_S8,
} QfkResizeKind;

/* Output rows [begin, end) of images * oh. */
typedef void (*QfkResizeFunc)(const QfkResizeImage *p, const void *x, void *y, size_t begin, size_t end);

#define QFK_KERNEL(function, isa, kind)                                                                      \
  void function(const QfkResizeImage *p, const void *x, void *y, size_t begin, size_t end);
#include "resize.inc"
#undef QFK_KERNEL

/* Ends with a NULL name. */
extern const QfkKernel qfk_resize_kernels[];

#endif
