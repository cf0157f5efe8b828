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

#define VECTOR 128

/* Four values, their bytes in words. */
static inline void look_up_four(const uint16_t *table, uint32_t *low, uint32_t *high)
{
  const uint32_t a = *low, b = *high;
  const uint32_t t0 = table[(a & 0xff) | (b & 0xff) << 8], t1 = table[(a >> 8 & 0xff) | (b & 0xff00)],
                 t2 = table[(a >> 16 & 0xff) | (b >> 8 & 0xff00)], t3 = table[a >> 24 | (b >> 16 & 0xff00)];
  *low = (t0 & 0xff) | (t1 & 0xff) << 8 | (t2 & 0xff) << 16 | t3 << 24;
  *high = t0 >> 8 | (t1 & 0xff00) | (t2 & 0xff00) << 8 | (t3 & 0xff00) << 16;
}

void qfk_lookup_u16_hvx(const uint16_t *table, const uint8_t *low, const uint8_t *high, uint8_t *y_low,
                        uint8_t *y_high, size_t n)
{
  uint32_t words[2][VECTOR / 4];
  for (size_t i = 0; i < n; i += VECTOR) {
    const int32_t left = (int32_t)(n - i < VECTOR ? n - i : VECTOR);
    qfk_hvx_store(words[0], qfk_hvx_load(low + i));
    qfk_hvx_store(words[1], qfk_hvx_load(high + i));
    for (int k = 0; k < VECTOR / 4; k++)
      look_up_four(table, &words[0][k], &words[1][k]);
    qfk_hvx_store_n(y_low + i, qfk_hvx_load(words[0]), left);
    qfk_hvx_store_n(y_high + i, qfk_hvx_load(words[1]), left);
  }
}

void qfk_lookup_flat_u16_hvx(const uint16_t *table, const uint16_t *x, uint16_t *y, size_t n)
{
  uint16_t values[VECTOR / 2];
  for (size_t i = 0; i < n; i += VECTOR / 2) {
    const int32_t left = (int32_t)(n - i < VECTOR / 2 ? n - i : VECTOR / 2);
    qfk_hvx_store(values, qfk_hvx_load(x + i));
    for (int k = 0; k < VECTOR / 2; k++)
      values[k] = table[values[k]];
    qfk_hvx_store_n(y + i, qfk_hvx_load(values), left * 2);
  }
}
