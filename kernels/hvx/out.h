/* SPDX-License-Identifier: MIT */
/*
 * out.h - what HVX kernels keep of an output's encoding, and how it is made of the common one. Plain C: plans are made on hosts.
 */
#ifndef QFK_HVX_OUT_H
#define QFK_HVX_OUT_H

#include "../epilogue.h"

/* As of uint8: an int8 output has 128 added to zero point and bounds, and flip 0x80. */
typedef struct {
  uint8_t lo, hi, flip;
  int16_t zero;
} QfkHvxOut;

static inline QfkHvxOut qfk_hvx_out(QfkInt type, int32_t zero_point, int32_t lo, int32_t hi)
{
  const int32_t add = type == QFK_S8 ? 128 : 0;
  return (QfkHvxOut){.lo = (uint8_t)(lo + add),
                     .hi = (uint8_t)(hi + add),
                     .flip = type == QFK_S8 ? 0x80 : 0,
                     .zero = (int16_t)(zero_point + add)};
}

/* The byte that turns int8 into uint8. */
static inline uint8_t qfk_hvx_flip(QfkInt type)
{
  return type == QFK_S8 ? 0x80 : 0;
}

/* Zero points of weights are values of their type, so that weights without them are within +-255. */
static inline bool qfk_hvx_zeros_fit(const QfkIntArgs *q, int32_t n)
{
  const int32_t least = q->w_type == QFK_S8 ? -128 : 0;
  for (int32_t i = 0; i < n && q->w_zero; i++)
    if (q->w_zero[i] < least || q->w_zero[i] > least + 255)
      return false;
  return true;
}

#endif
