/* SPDX-License-Identifier: MIT */
/*
 * linalg.h - determinants and inverses of square matrices, by elimination with row exchange, in double.
 */
#ifndef QFK_LINALG_H
#define QFK_LINALG_H

#include "../common.h"

/* x [count, n, n]; @work holds 2 n n doubles. */
typedef struct {
  int64_t count, n;
  bool inverse;
} QfkMatrices;

/* y [count]. */
void qfk_det_f32_ref(const QfkMatrices *p, const float *x, float *y, double *work);
/* y [count, n, n]; of a matrix that has none: infinities and NaN. */
void qfk_inverse_f32_ref(const QfkMatrices *p, const float *x, float *y, double *work);

#endif
