/* SPDX-License-Identifier: MIT */
/*
 * tile_avx512.h - what the 6 x 64 tiles of 512-bit vectors share: how sums of floats are stored, and a function for each shape.
 *
 * Six rows and not seven: 24 sums, four weights and a value of A leave three registers, and seven measured the same.
 */
#ifndef QFK_TILE_AVX512_H
#define QFK_TILE_AVX512_H

#include "tile_ahead.h"

#include <immintrin.h>

#define MR 6
#define NV 4
#define INLINE static inline __attribute__((always_inline))
#define UNROLL_M _Pragma("GCC unroll 6")
#define UNROLL_V _Pragma("GCC unroll 4")

INLINE void store_f32(const QfkTile *t, const unsigned m, const unsigned nv, __m512 acc[MR][NV])
{
  const __m512 lo = _mm512_set1_ps(t->lo), hi = _mm512_set1_ps(t->hi);
  const __mmask16 tail = (__mmask16)(0xffffu >> (16 * nv - t->n));
  UNROLL_M for (unsigned r = 0; r < m; r++)
  {
    float *c = t->c[r];
    const float *res = t->res ? (const float *)(t->res + ((const uint8_t *)c - t->c_base)) : NULL;
    UNROLL_V for (unsigned v = 0; v < nv; v++)
    {
      const __mmask16 mask = v + 1 < nv ? 0xffff : tail;
      __m512 y = acc[r][v];
      if (res)
        y = _mm512_add_ps(y, _mm512_maskz_loadu_ps(mask, res + 16 * v));
      y = _mm512_min_ps(hi, _mm512_max_ps(lo, y)); /* a NaN comes through: it is the second operand */
      _mm512_mask_storeu_ps(c + 16 * v, mask, y);
    }
  }
}

#define VARIANT(body, m, nv)                                                                                 \
  static void body##_##m##_##nv(const QfkTile *t)                                                            \
  {                                                                                                          \
    body(t, m, nv);                                                                                          \
  }
#define COLUMN(body, nv)                                                                                     \
  VARIANT(body, 1, nv)                                                                                       \
  VARIANT(body, 2, nv) VARIANT(body, 3, nv) VARIANT(body, 4, nv) VARIANT(body, 5, nv) VARIANT(body, 6, nv)
#define ROW(body, nv)                                                                                        \
  {                                                                                                          \
    body##_1_##nv, body##_2_##nv, body##_3_##nv, body##_4_##nv, body##_5_##nv, body##_6_##nv                 \
  }

/* Without this after the K loop gcc keeps accumulators in memory through it to have registers for the epilogue. */
INLINE void hold_f32(const unsigned m, const unsigned nv, __m512 acc[MR][NV])
{
#ifndef QFK_EMULATED
  UNROLL_M for (unsigned r = 0; r < m; r++)
      UNROLL_V for (unsigned v = 0; v < nv; v++) __asm__ volatile("" : "+v"(acc[r][v])::"memory");
#endif
}

/* <body>_table[vectors - 1][rows - 1]; integers have no panels of three vectors. */
#define FLOAT_TABLE(body)                                                                                    \
  COLUMN(body, 1)                                                                                            \
  COLUMN(body, 2)                                                                                            \
  COLUMN(body, 3)                                                                                            \
  COLUMN(body, 4)                                                                                            \
  static void (*const body##_table[NV][MR])(const QfkTile *) = {ROW(body, 1), ROW(body, 2), ROW(body, 3),    \
                                                                ROW(body, 4)};
#define INTEGER_TABLE(body)                                                                                  \
  COLUMN(body, 1)                                                                                            \
  COLUMN(body, 2)                                                                                            \
  COLUMN(body, 4)                                                                                            \
  static void (*const body##_table[NV][MR])(const QfkTile *) = {ROW(body, 1), ROW(body, 2), ROW(body, 4),    \
                                                                ROW(body, 4)};

#endif
