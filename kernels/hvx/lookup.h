/* SPDX-License-Identifier: MIT */
/*
 * lookup.h - bytes through a table of 256 in HVX. A vector of the table answers 128 entries in four instructions, each for the values of one
 * range of 32, and gives zeros for others.
 */
#ifndef QFK_HVX_LOOKUP_H
#define QFK_HVX_LOOKUP_H

#include "hvx.h"

typedef struct {
  HVX_Vector low, high;
} QfkHvxTable;

/* @table: 256 bytes, 128-byte aligned. */
static inline QfkHvxTable qfk_hvx_table(const uint8_t *table)
{
  const HVX_Vector *t = (const HVX_Vector *)table;
  return (QfkHvxTable){Q6_Vb_vshuff_Vb(t[0]), Q6_Vb_vshuff_Vb(t[1])};
}

static inline HVX_Vector qfk_hvx_look_up(HVX_Vector x, QfkHvxTable t)
{
  HVX_Vector v = Q6_Vb_vlut32_VbVbR(x, t.low, 0);
  v = Q6_Vb_vlut32or_VbVbVbR(v, x, t.low, 1);
  v = Q6_Vb_vlut32or_VbVbVbR(v, x, t.low, 2);
  v = Q6_Vb_vlut32or_VbVbVbR(v, x, t.low, 3);
  v = Q6_Vb_vlut32or_VbVbVbR(v, x, t.high, 4);
  v = Q6_Vb_vlut32or_VbVbVbR(v, x, t.high, 5);
  v = Q6_Vb_vlut32or_VbVbVbR(v, x, t.high, 6);
  return Q6_Vb_vlut32or_VbVbVbR(v, x, t.high, 7);
}

#endif
