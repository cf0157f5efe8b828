/* SPDX-License-Identifier: MIT */
/*
 * lookup_hvx.c - tables for HVX; see lookup_hvx.h. A vector of the table answers 128 entries in four instructions, each for the
 * values of one range of 32, and gives zeros for others.
 */
#include "lookup_hvx.h"
#include "../hvx/memory.h"

static inline HVX_Vector look_up(HVX_Vector x, HVX_Vector low, HVX_Vector high)
{
  HVX_Vector v = Q6_Vb_vlut32_VbVbR(x, low, 0);
  v = Q6_Vb_vlut32or_VbVbVbR(v, x, low, 1);
  v = Q6_Vb_vlut32or_VbVbVbR(v, x, low, 2);
  v = Q6_Vb_vlut32or_VbVbVbR(v, x, low, 3);
  v = Q6_Vb_vlut32or_VbVbVbR(v, x, high, 4);
  v = Q6_Vb_vlut32or_VbVbVbR(v, x, high, 5);
  v = Q6_Vb_vlut32or_VbVbVbR(v, x, high, 6);
  return Q6_Vb_vlut32or_VbVbVbR(v, x, high, 7);
}

void qfk_lookup_u8_hvx(const uint8_t *table, const uint8_t *x, uint8_t *y, size_t n)
{
  const HVX_Vector *t = (const HVX_Vector *)table;
  const HVX_Vector low = Q6_Vb_vshuff_Vb(t[0]), high = Q6_Vb_vshuff_Vb(t[1]);
  size_t i = 0;
  for (; i + 128 <= n; i += 128)
    qfk_hvx_store(y + i, look_up(qfk_hvx_load_open(x + i), low, high));
  if (i < n)
    qfk_hvx_store_n(y + i, look_up(qfk_hvx_load(x + i), low, high), (int32_t)(n - i));
}
