/* SPDX-License-Identifier: MIT */
/*
 * wide_out.h - what HVX kernels for 16-bit data keep of encodings, for plans: plain C. See d4.h for how such images lie in memory.
 */
#ifndef QFK_HVX_WIDE_OUT_H
#define QFK_HVX_WIDE_OUT_H

#include "../epilogue.h"

#define QFK_HVX_WIDE_LEAST_SHIFT 17 /* multipliers below 32 */
/* The sum of a channel's weights without signs: products by bytes and what zero points add stay below 2^31. */
#define QFK_HVX_WIDE_WEIGHTS (1 << 22)

typedef struct {
  int32_t zero, lo, hi;
} QfkHvxWideOut;

/* 16-bit input and output in the `fixed` scheme, multipliers of @channels that the kernels take. */
static inline bool qfk_hvx_wide_can(const QfkRequant *r, QfkInt x, QfkInt y, int32_t channels)
{
  if (x < QFK_U16 || y < QFK_U16 || !r->fixed || !r->once || !r->wide)
    return false;
  for (int32_t c = 0; c < (r->per_channel ? channels : 1); c++)
    if (r->fixed[c].multiplier < 0 || r->fixed[c].shift < QFK_HVX_WIDE_LEAST_SHIFT)
      return false;
  return true;
}

/* As unsigned: int16 has 32768 added. */
static inline int32_t qfk_hvx_wide_zero(QfkInt type, int32_t zero)
{
  return zero + (type == QFK_S16 ? 32768 : 0);
}

#endif
