/* SPDX-License-Identifier: MIT */
/*
 * softmax.h - y = exp(beta * (x - max)) / sum along one axis of [outer, n, inner].
 *
 * 8-bit integers: e[d] = rint(2^23 * exp(-d * beta * x_scale)) for d = max - q in 0..255, a table made once; the sum is exact in
 * int64; y = clamp(rint((float)e[d] * r) + y_zero), r = (float)(1 / (sum * y_scale)) evaluated in double. In the `fixed` scheme
 * y = clamp(floor((e[d] * r + 2^30) / 2^31) + y_zero), r = min(floor((inverse + sum / 2) / sum), 2^31 - 1).
 */
#ifndef QFK_SOFTMAX_H
#define QFK_SOFTMAX_H

#include "../epilogue.h"

typedef struct {
  int64_t outer, n, inner;
  float beta;
  bool log; /* LogSoftmax: beta * (x - max) - ln(sum) */
} QfkSoftmax;

typedef struct {
  QfkInt x_type, y_type; /* 8 bits each */
  float y_scale;
  int32_t y_zero;
  int32_t e[256];
  int64_t inverse; /* the `fixed` scheme: rint(2^31 / y_scale); 0: the other. References and HVX only */
} QfkSoftmaxInt;

void qfk_softmax_f32_ref(const QfkSoftmax *p, const float *x, float *y);

/* The multiplier of a row in the `fixed` scheme. */
static inline QfkFixed qfk_softmax_fixed(const QfkSoftmaxInt *q, int64_t sum)
{
  const int64_t m = (q->inverse + sum / 2) / sum;
  return (QfkFixed){m > INT32_MAX ? INT32_MAX : (int32_t)m, 0};
}

/* Fills the table. */
void qfk_softmax_int_init(QfkSoftmaxInt *q, float beta, float x_scale);
void qfk_softmax_int_ref(const QfkSoftmax *p, const QfkSoftmaxInt *q, const void *x, void *y);

#endif
