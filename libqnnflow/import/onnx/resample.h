/* SPDX-License-Identifier: MIT */
/*
 * resample.h - resampling of one dimension after the other with constant matrices, for the forms of Resize that the graph's operator
 * does not have: see resample.c.
 */
#ifndef QF_IMPORT_ONNX_RESAMPLE_H
#define QF_IMPORT_ONNX_RESAMPLE_H

#include "map.h"

/* Formulas from an output's index to a place in the input; the first four are QfCoordinateMode's, all in the order of the file's names. */
typedef enum {
  QF_ONNX_COORD_SYMMETRIC =
      QF_COORD_ASYMMETRIC + 1, /* half_pixel with the centre kept when the size is rounded */
  QF_ONNX_COORD_TF_NEAREST,
  QF_ONNX_COORD_TF_CROP, /* of the region from start to end, corners to corners; beyond the input: extrapolation */
} QfOnnxCoordinate;

typedef struct {
  int32_t interpolation, coordinate,
      nearest; /* QfInterpolation, QfCoordinateMode or QfOnnxCoordinate, QfNearestMode */
  double cubic_a, extrapolation;
  gboolean exclude_outside, antialias;
  int64_t size[QF_MAX_RANK];
  double scale[QF_MAX_RANK];                   /* output / input, before the size was rounded */
  double start[QF_MAX_RANK], end[QF_MAX_RANK]; /* TF_CROP: the region, 0 to 1 is all */
} QfOnnxResample;

/* @x resampled in every dimension that changes. NULL: an error is set. */
QfTensor *qf_onnx_resample(QfOnnxNode *n, QfTensor *x, const QfOnnxResample *r, GError **error);

#endif
