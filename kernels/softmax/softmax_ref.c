/* SPDX-License-Identifier: MIT */
/*
 * softmax_ref.c - softmax and its logarithm, in plain C. See softmax.h.
 */
#include "softmax.h"

static void row_f32(const QfkSoftmax *p, const float *x, float *y)
{
  const int64_t n = p->n, s = p->inner;
  float max = x[0];
  double sum = 0;
  for (int64_t i = 1; i < n; i++)
    max = x[i * s] > max ? x[i * s] : max;
  for (int64_t i = 0; i < n; i++)
    sum += exp((double)p->beta * ((double)x[i * s] - max));
  for (int64_t i = 0; i < n; i++) {
    double t = (double)p->beta * ((double)x[i * s] - max);
    y[i * s] = (float)(p->log ? t - log(sum) : exp(t) / sum);
  }
}

void qfk_softmax_f32_ref(const QfkSoftmax *p, const float *x, float *y)
{
  for (int64_t o = 0; p->n && o < p->outer; o++)
    for (int64_t i = 0; i < p->inner; i++)
      row_f32(p, x + o * p->n * p->inner + i, y + o * p->n * p->inner + i);
}

void qfk_softmax_int_init(QfkSoftmaxInt *q, float beta, float x_scale)
{
  for (int32_t d = 0; d < 256; d++)
    q->e[d] = (int32_t)lrint(8388608.0 * exp(-(double)d * (double)beta * (double)x_scale));
}

static void row_int(const QfkSoftmax *p, const QfkSoftmaxInt *q, const void *x, void *y, size_t at)
{
  const int32_t lo = q->y_type == QFK_S8 ? -128 : 0;
  int32_t max = INT32_MIN;
  int64_t sum = 0;
  for (int64_t i = 0; i < p->n; i++) {
    int32_t v = qfk_load_int(x, q->x_type, at + (size_t)(i * p->inner));
    max = v > max ? v : max;
  }
  for (int64_t i = 0; i < p->n; i++)
    sum += q->e[max - qfk_load_int(x, q->x_type, at + (size_t)(i * p->inner))];
  const float m = q->inverse ? 0 : (float)(1.0 / ((double)sum * (double)q->y_scale));
  const QfkFixed fixed = q->inverse ? qfk_softmax_fixed(q, sum) : (QfkFixed){0, 0};
  const QfkRequant r = {.m = &m,
                        .zero_point = q->y_zero,
                        .lo = lo,
                        .hi = lo + 255,
                        .fixed = q->inverse ? &fixed : NULL,
                        .once = true};
  for (int64_t i = 0; i < p->n; i++) {
    size_t k = at + (size_t)(i * p->inner);
    qfk_store_int(y, q->y_type, k, qfk_requant(&r, q->e[max - qfk_load_int(x, q->x_type, k)], 0));
  }
}

void qfk_softmax_int_ref(const QfkSoftmax *p, const QfkSoftmaxInt *q, const void *x, void *y)
{
  for (int64_t o = 0; o < p->outer; o++)
    for (int64_t i = 0; i < p->inner; i++)
      row_int(p, q, x, y, (size_t)(o * p->n * p->inner + i));
}
