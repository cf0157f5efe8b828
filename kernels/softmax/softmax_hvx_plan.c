/* SPDX-License-Identifier: MIT */
/*
 * softmax_hvx_plan.c - the table of exponentials for HVX, byte by byte. Plain C, for any machine.
 */
#include "../hvx/d4.h"
#include "softmax_hvx.h"

bool qfk_softmax_hvx_init(QfkSoftmaxHvx *p, const QfkSoftmaxInt *q, uint8_t *bytes)
{
  const int32_t least = q->y_type == QFK_S8 ? -128 : 0;
  if (!q->inverse || q->x_type > QFK_S8 || q->y_type > QFK_S8)
    return false;
  for (int i = 0; i < 256; i++)
    for (int k = 0; k < 3; k++)
      bytes[k * 256 + i] = (uint8_t)(q->e[i] >> (8 * k));
  *p = (QfkSoftmaxHvx){.q = q,
                       .x_flip = qfk_hvx_flip(q->x_type),
                       .out = qfk_hvx_out(q->y_type, q->y_zero, least, least + 255),
                       .bytes = bytes};
  return true;
}

bool qfk_softmax_columns_hvx_init(QfkSoftmaxColumnsHvx *p, const QfkSoftmax *s, int32_t pixels,
                                  const QfkSoftmaxInt *q, uint8_t *bytes)
{
  QfkSoftmaxHvx rows;
  const int64_t inner = pixels > 0 ? (int64_t)pixels * 4 : s->inner, outer = pixels > 0 ? 1 : s->outer;
  const int32_t least = 1 << 30; /* of sums; their halves must not carry the numerator beyond 62 bits */
  if (s->n < 1 || s->n > 255 || inner < 1 || outer < 1 || inner > INT32_MAX - 128 || outer > INT32_MAX ||
      outer * inner > INT32_MAX / s->n || q->inverse > ((int64_t)1 << 62) - least ||
      !qfk_softmax_hvx_init(&rows, q, bytes))
    return false;
  *p = (QfkSoftmaxColumnsHvx){.outer = (int32_t)outer,
                              .n = pixels > 0 ? qfk_d4_planes((int32_t)s->n) : (int32_t)s->n,
                              .inner = (int32_t)inner,
                              .vectors = (int32_t)((inner + 127) / 128),
                              .tail = pixels > 0 ? (int32_t)((s->n - 1) % 4 + 1) : 0,
                              .inverse = q->inverse,
                              .x_flip = rows.x_flip,
                              .out = rows.out,
                              .bytes = bytes};
  p->units = p->vectors * p->outer;
  return true;
}
