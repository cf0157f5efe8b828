/* SPDX-License-Identifier: MIT */
/*
 * binary16_hvx_plan.c - constants of elementwise arithmetic of 16-bit data for HVX. Plain C, for any machine.
 *
 * Products of 16 by 31 bits and constants of up to 49 are parted at 2^18, so that their sums' upper parts fit 32 bits.
 */
#include "binary16_hvx.h"

static QfkBinary16Part part(int64_t c)
{
  return (QfkBinary16Part){(int32_t)(c >> 18), (int32_t)(c & 0x3ffff)};
}

bool qfk_binary16_hvx_init(QfkBinary16Hvx *p, const QfkBinary *b)
{
  const QfkBinaryInt *q = &b->q;
  const QfkBinaryFixed *f = q->fixed;
  if (!f || !f->wide || q->a_type < QFK_U16 || q->b_type < QFK_U16 || q->y_type < QFK_U16)
    return false;
  const int32_t add_a = qfk_hvx_wide_zero(q->a_type, 0), add_b = qfk_hvx_wide_zero(q->b_type, 0);
  const int64_t ca = f->ca - (int64_t)add_a * f->a, cb = f->cb - (int64_t)add_b * f->b;
  const bool sum = b->op == QFK_BINARY_ADD || b->op == QFK_BINARY_SUB, mul = b->op == QFK_BINARY_MUL;
  *p = (QfkBinary16Hvx){.op = b->op,
                        .a_flip = add_a >> 8,
                        .b_flip = add_b >> 8,
                        .a = f->a,
                        .b = f->b,
                        .shift = f->shift,
                        .ca = part(sum ? ca + cb : ca),
                        .cb = part(cb),
                        .a_zero = q->a_zero + add_a,
                        .b_zero = q->b_zero + add_b,
                        .m = f->m,
                        .out = {mul ? q->y_zero : 0, q->lo, q->hi}};
  if (mul)
    return f->m.multiplier >= 0 && f->m.shift >= QFK_HVX_WIDE_LEAST_SHIFT;
  return f->shift >= 18 && f->shift <= 31 && (sum || b->op == QFK_BINARY_MAX || b->op == QFK_BINARY_MIN);
}
