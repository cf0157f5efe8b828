/* SPDX-License-Identifier: MIT */
/*
 * gemm_ref.c - the truth about matrix products.
 */
#include "gemm.h"

void qfk_gemm_f32_ref(const QfkGemmShape *s, const float *a, const float *b, const float *bias,
                      const float *res, const QfkEpilogue *e, float *c)
{
  for (int32_t m = 0; m < s->m; m++)
    for (int32_t n = 0; n < s->n; n++) {
      const float *x = a + m * s->a_row, *w = b + n * s->b_col;
      double acc = bias ? bias[n] : 0;
      for (int32_t k = 0; k < s->k; k++)
        acc += (double)x[k * s->a_col] * w[k * s->b_row];
      ptrdiff_t i = m * s->c_row + n;
      if (res)
        acc += res[i];
      c[i] = qfk_act_scalar(e, (float)acc, (size_t)n);
    }
}

void qfk_gemm_int_ref(const QfkGemmShape *s, const QfkIntArgs *q, const void *a, const void *b, void *c)
{
  for (int32_t m = 0; m < s->m; m++)
    for (int32_t n = 0; n < s->n; n++) {
      const int32_t wz = q->w_zero ? q->w_zero[n] : 0;
      int64_t acc = q->bias ? q->bias[n] : 0;
      for (int32_t k = 0; k < s->k; k++) {
        int32_t x = qfk_load_int(a, q->x_type, (size_t)(m * s->a_row + k * s->a_col)) - q->x_zero;
        int32_t w = qfk_load_int(b, q->w_type, (size_t)(k * s->b_row + n * s->b_col)) - wz;
        acc += (int64_t)x * w;
      }
      qfk_store_int(c, q->y_type, (size_t)(m * s->c_row + n), qfk_requant(&q->requant, acc, (size_t)n));
    }
}

void qfk_gemm_i64_ref(const QfkGemmShape *s, const int64_t *a, const int64_t *b, int64_t *c)
{
  for (int32_t m = 0; m < s->m; m++)
    for (int32_t n = 0; n < s->n; n++) {
      const int64_t *x = a + m * s->a_row, *w = b + n * s->b_col;
      uint64_t acc = 0;
      for (int32_t k = 0; k < s->k; k++)
        acc += (uint64_t)x[k * s->a_col] * (uint64_t)w[k * s->b_row];
      c[m * s->c_row + n] = (int64_t)acc;
    }
}
