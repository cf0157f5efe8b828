/* SPDX-License-Identifier: MIT */
/*
 * lookup_hvx.c - tables for HVX; see lookup_hvx.h, and kernels/hvx/lookup.h for how a vector goes through one.
 */
#include "lookup_hvx.h"
#include "../hvx/lookup.h"
#include "../hvx/memory.h"

void qfk_lookup_u8_hvx(const uint8_t *table, const uint8_t *x, uint8_t *y, size_t n)
{
  const QfkHvxTable t = qfk_hvx_table(table);
  size_t i = 0;
  for (; i + 128 <= n; i += 128)
    qfk_hvx_store(y + i, qfk_hvx_look_up(qfk_hvx_load_open(x + i), t));
  if (i < n)
    qfk_hvx_store_n(y + i, qfk_hvx_look_up(qfk_hvx_load(x + i), t), (int32_t)(n - i));
}
