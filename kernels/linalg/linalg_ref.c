/* SPDX-License-Identifier: MIT */
/*
 * linalg_ref.c - determinants and inverses, in plain C. See linalg.h.
 */
#include "linalg.h"

#include <math.h>

/* Makes @a [n, columns] upper triangular; returns the determinant of its first n columns. */
static double eliminate(double *a, int64_t n, int64_t columns)
{
  double det = 1;
  for (int64_t k = 0; k < n; k++) {
    int64_t pivot = k;
    for (int64_t i = k + 1; i < n; i++)
      if (fabs(a[i * columns + k]) > fabs(a[pivot * columns + k]))
        pivot = i;
    for (int64_t j = 0; j < columns && pivot != k; j++) {
      double t = a[k * columns + j];
      a[k * columns + j] = a[pivot * columns + j];
      a[pivot * columns + j] = t;
    }
    det *= pivot != k ? -a[k * columns + k] : a[k * columns + k];
    for (int64_t i = k + 1; i < n && a[k * columns + k] != 0; i++) {
      const double f = a[i * columns + k] / a[k * columns + k];
      for (int64_t j = k; j < columns; j++)
        a[i * columns + j] -= f * a[k * columns + j];
    }
  }
  return det;
}

void qfk_det_f32_ref(const QfkMatrices *p, const float *x, float *y, double *work)
{
  const int64_t size = p->n * p->n;
  for (int64_t m = 0; m < p->count; m++) {
    for (int64_t i = 0; i < size; i++)
      work[i] = (double)x[m * size + i];
    y[m] = (float)eliminate(work, p->n, p->n);
  }
}

void qfk_inverse_f32_ref(const QfkMatrices *p, const float *x, float *y, double *work)
{
  const int64_t n = p->n, columns = 2 * n;
  for (int64_t m = 0; m < p->count; m++, x += n * n, y += n * n) {
    for (int64_t i = 0; i < n; i++)
      for (int64_t j = 0; j < n; j++) {
        work[i * columns + j] = (double)x[i * n + j];
        work[i * columns + n + j] = i == j;
      }
    eliminate(work, n, columns);
    for (int64_t i = n - 1; i >= 0; i--)
      for (int64_t j = 0; j < n; j++) {
        double v = work[i * columns + n + j];
        for (int64_t k = i + 1; k < n; k++)
          v -= work[i * columns + k] * work[k * columns + n + j];
        work[i * columns + n + j] = v / work[i * columns + i];
        y[i * n + j] = (float)work[i * columns + n + j];
      }
  }
}
