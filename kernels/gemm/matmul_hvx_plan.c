/* SPDX-License-Identifier: MIT */
/*
 * matmul_hvx_plan.c - shapes and constants of products of activations for HVX. Plain C, for any machine.
 */
#include "matmul_hvx.h"

#define MOST_K (INT32_MAX / (255 * 255))

static bool one_zero(const QfkGemmShape *s, const QfkIntArgs *q)
{
  for (int32_t i = 1; q->w_zero && i < s->n; i++)
    if (q->w_zero[i] != q->w_zero[0])
      return false;
  return true;
}

bool qfk_matmul_hvx_init(QfkMatmulHvx *p, const QfkGemmShape *s, const QfkIntArgs *q)
{
  const QfkRequant *r = &q->requant;
  const bool straight = s->b_col == 1 && s->b_row == s->n, turned = s->b_row == 1 && s->b_col == s->k;
  if (q->x_type > QFK_S8 || q->w_type > QFK_S8 || q->y_type > QFK_S8 || q->bias || !r->fixed || !r->once ||
      r->wide || r->per_channel || s->m < 1 || s->n < 1 || s->k < 1 || s->k > MOST_K ||
      s->n > INT32_MAX / 4 / (s->k + 3) || s->m > INT32_MAX / s->k || s->m > INT32_MAX / s->n ||
      s->a_col != 1 || s->a_row != s->k || s->c_row != s->n || (!straight && !turned) || !one_zero(s, q))
    return false;
  *p = (QfkMatmulHvx){.m = s->m,
                      .n = s->n,
                      .k = s->k,
                      .turned = !straight,
                      .a_flip = qfk_hvx_flip(q->x_type),
                      .b_flip = qfk_hvx_flip(q->w_type),
                      .a_zero = q->x_zero + (q->x_type == QFK_S8 ? 128 : 0),
                      .b_zero = (q->w_zero ? q->w_zero[0] : 0) + (q->w_type == QFK_S8 ? 128 : 0),
                      .factor = r->fixed[0],
                      .out = qfk_hvx_out(q->y_type, r->zero_point, r->lo, r->hi)};
  return true;
}

/* A vector at the last column reads 124 bytes more. */
size_t qfk_matmul_hvx_packed(const QfkMatmulHvx *p)
{
  return (size_t)((p->k + 3) / 4) * (size_t)p->n * 4 + 256;
}

size_t qfk_matmul_hvx_columns(const QfkMatmulHvx *p)
{
  return ((size_t)p->n + 127) / 128 * 512;
}

/* Four rows. */
size_t qfk_matmul_hvx_scratch(const QfkMatmulHvx *p)
{
  return ((size_t)p->k + 127) / 128 * 512;
}
