/* SPDX-License-Identifier: MIT */
/*
 * binary_hvx_plan.c - constants of elementwise arithmetic for HVX. Plain C, for any machine.
 *
 * An int8 operand is used as uint8, 128 larger; the constant of the sum takes 128 times its multiplier off.
 */
#include "binary_hvx.h"

bool qfk_binary_hvx_init(QfkBinaryHvx *p, const QfkBinary *b)
{
  const QfkBinaryInt *q = &b->q;
  const QfkBinaryFixed *f = q->fixed;
  if (!f || f->wide || q->y_type > QFK_S8)
    return false;
  const int32_t add_a = q->a_type == QFK_S8 ? 128 : 0, add_b = q->b_type == QFK_S8 ? 128 : 0;
  *p = (QfkBinaryHvx){.op = b->op,
                      .a_flip = qfk_hvx_flip(q->a_type),
                      .b_flip = qfk_hvx_flip(q->b_type),
                      .a = f->a,
                      .b = f->b,
                      .shift = f->shift,
                      .ca = (int32_t)(f->ca - (int64_t)add_a * f->a),
                      .cb = (int32_t)(f->cb - (int64_t)add_b * f->b),
                      .a_zero = q->a_zero + add_a,
                      .b_zero = q->b_zero + add_b,
                      .m = f->m,
                      .out = qfk_hvx_out(q->y_type, q->y_zero, q->lo, q->hi)};
  if (b->op == QFK_BINARY_MUL)
    return true;
  /* The zero point is in the constants; an int8 output's 128 goes there too. */
  const int64_t more = (int64_t)(q->y_type == QFK_S8 ? 128 : 0) * ((int64_t)1 << f->shift);
  p->out.zero = 0;
  const int64_t ca = p->ca + more,
                cb = b->op == QFK_BINARY_MAX || b->op == QFK_BINARY_MIN ? p->cb + more : p->cb;
  p->ca = (int32_t)ca;
  p->cb = (int32_t)cb;
  return ca == p->ca && cb == p->cb;
}
