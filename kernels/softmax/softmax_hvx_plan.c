/* SPDX-License-Identifier: MIT */
/*
 * softmax_hvx_plan.c - the table of exponentials for HVX, byte by byte. Plain C, for any machine.
 */
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
