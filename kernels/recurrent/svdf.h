/* SPDX-License-Identifier: MIT */
/*
 * svdf.h - TFLite's SVDF: each filter keeps the last products of its features with the data, weighs them over time, and the filters of
 * a unit are added up. Plain C only.
 */
#ifndef QFK_SVDF_H
#define QFK_SVDF_H

#include "../fixed.h"
#include "recurrent.h"

typedef struct {
  size_t batch, input, filters, memory, rank; /* filters = units * rank */
  int32_t hybrid;                             /* as in QfkRecurrent */
  QfkCellAct act;
} QfkSvdf;

/* @features [filters, input], @time [filters, memory], @bias [units] or NULL, @state [batch, filters, memory] is moved on.
 * @spare holds input floats. */
void qfk_svdf_f32_ref(const QfkSvdf *p, const float *x, const float *features, const float *time,
                      const float *bias, float *state, float *y, float *spare);

/* 8-bit data and features, 16-bit weights over time and state, as LiteRT's reference computes it. */
typedef struct {
  QfkSvdf shape;
  QfkFixed feature_scale, out_scale;
  int32_t x_zero, y_zero, lo, hi;
} QfkSvdfInt;

void qfk_svdf_s8_ref(const QfkSvdfInt *p, const int8_t *x, const int8_t *features, const int16_t *time,
                     const int32_t *bias, int16_t *state, int8_t *y);

#endif
