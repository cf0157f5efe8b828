/* SPDX-License-Identifier: MIT */
/*
 * tile_avx2.h - what the 6 x 16 tiles of 256-bit vectors share: the walk over K of integers, how their sums are stored, and a
 * function for each shape. The bodies are always-inlined with constant bounds, so that sums become registers.
 */
#ifndef QFK_TILE_AVX2_H
#define QFK_TILE_AVX2_H

#include "tile_ahead.h"

#include <immintrin.h>
#include <string.h>

#define MR 6
#define INLINE static inline __attribute__((always_inline))
#define UNROLL_M _Pragma("GCC unroll 6")
#define UNROLL_V _Pragma("GCC unroll 2")

/* Lines are asked for every four steps. */
INLINE Ahead ahead_of_tiles(const QfkTile *t, uint32_t tiles)
{
  return ahead_of(t, t->steps * t->n_seg * tiles / 4);
}

/* What gcc does not know it cannot compute ahead of a loop, for which it would spill. */
#define HOLD(x) __asm__("" : "+r"(x))

INLINE __m256i requant(__m256i acc, const float *scale, __m256 lo, __m256 hi)
{
  __m256 y = _mm256_mul_ps(_mm256_cvtepi32_ps(acc), _mm256_loadu_ps(scale));
  return _mm256_cvtps_epi32(_mm256_min_ps(_mm256_max_ps(y, lo), hi));
}

INLINE void store_bytes(uint8_t *c, __m128i y, uint32_t n)
{
  if (n == 16) {
    _mm_storeu_si128((__m128i *)c, y);
  } else if (n == 8) {
    _mm_storel_epi64((__m128i *)c, y);
  } else {
    uint8_t tmp[16];
    _mm_storeu_si128((__m128i *)tmp, y);
    memcpy(c, tmp, n);
  }
}

INLINE void store_ints(const QfkTile *t, const unsigned m, const unsigned nv, __m256i acc[MR][2])
{
  const __m256 lo = _mm256_set1_ps(t->lo), hi = _mm256_set1_ps(t->hi);
  const __m256i zero = _mm256_set1_epi16((int16_t)t->zero_point);
  UNROLL_M for (unsigned r = 0; r < m; r++)
  {
    __m256i q[2];
    UNROLL_V for (unsigned v = 0; v < nv; v++) q[v] = requant(acc[r][v], t->scale + 8 * v, lo, hi);
    __m256i y = _mm256_add_epi16(_mm256_packs_epi32(q[0], q[nv - 1]), zero);
    y = t->y_signed ? _mm256_packs_epi16(y, y) : _mm256_packus_epi16(y, y);
    /* Slots are permuted so that lane 0 holds columns 0..7 (0..3 when there is one vector) and lane 1 the next. */
    __m128i low = _mm256_castsi256_si128(y), high = _mm256_extracti128_si256(y, 1);
    store_bytes(t->c[r], nv == 2 ? _mm_unpacklo_epi64(low, high) : _mm_unpacklo_epi32(low, high), t->n);
  }
}

/* The sums in column order, which is that of halves of the slots. */
INLINE void store_sums(const QfkTile *t, const unsigned m, const unsigned nv, __m256i acc[MR][2])
{
  UNROLL_M for (unsigned r = 0; r < m; r++) UNROLL_V for (unsigned v = 0; v < nv; v++)
  {
    __m128i *c = (__m128i *)t->c[r] + v;
    _mm_storeu_si128(c, _mm256_castsi256_si128(acc[r][v]));
    _mm_storeu_si128(c + nv, _mm256_extracti128_si256(acc[r][v], 1));
  }
}

/* Bytes of A and of B's vectors in a step are 4 and 32 for both kinds. */
#define SUM_UP(steps_fn, flip)                                                                               \
  __m256i acc[MR][2];                                                                                        \
  const void *b = t->b, *a[MR];                                                                              \
  Ahead next = ahead_of_tiles(t, 1);                                                                         \
  UNROLL_V for (unsigned v = 0; v < nv; v++)                                                                 \
  {                                                                                                          \
    __m256i bias = _mm256_loadu_si256((const __m256i *)t->bias + v);                                         \
    UNROLL_M for (unsigned r = 0; r < m; r++) acc[r][v] = bias;                                              \
  }                                                                                                          \
  size_t n_seg = t->n_seg;                                                                                   \
  const void *const *rows = t->a, *const *end = rows + n_seg;                                                \
  do {                                                                                                       \
    HOLD(n_seg);                                                                                             \
    UNROLL_M for (unsigned r = 0; r < m; r++) a[r] = rows[r * n_seg];                                        \
    uint32_t left = t->steps;                                                                                \
    for (; left >= 4; left -= 4) {                                                                           \
      look_ahead(&next);                                                                                     \
      steps_fn(&b, a, 4, m, nv, flip, acc);                                                                  \
      step_on(&b, a, 4, m, nv);                                                                              \
    }                                                                                                        \
    for (; left; left--) {                                                                                   \
      steps_fn(&b, a, 1, m, nv, flip, acc);                                                                  \
      step_on(&b, a, 1, m, nv);                                                                              \
    }                                                                                                        \
  } while (++rows < end);

INLINE void step_on(const void **b, const void *a[MR], const unsigned count, const unsigned m,
                    const unsigned nv)
{
  *b = (const uint8_t *)*b + count * 32 * nv;
  HOLD(*b);
  UNROLL_M for (unsigned r = 0; r < m; r++)
  {
    a[r] = (const uint8_t *)a[r] + 4 * count;
    HOLD(a[r]);
  }
}

/* Without this gcc keeps accumulators in memory through the loop to have registers for the epilogue. */
INLINE void hold_sums(const unsigned m, const unsigned nv, __m256i acc[MR][2])
{
#ifndef QFK_EMULATED
  UNROLL_M for (unsigned r = 0; r < m; r++)
      UNROLL_V for (unsigned v = 0; v < nv; v++) __asm__ volatile("" : "+x"(acc[r][v])::"memory");
#endif
}

/* The twelve shapes of @body, and <body>_table[vectors - 1][rows - 1]. */
#define VARIANTS(body)                                                                                       \
  static void body##_1_1(const QfkTile *t)                                                                   \
  {                                                                                                          \
    body(t, 1, 1);                                                                                           \
  }                                                                                                          \
  static void body##_2_1(const QfkTile *t)                                                                   \
  {                                                                                                          \
    body(t, 2, 1);                                                                                           \
  }                                                                                                          \
  static void body##_3_1(const QfkTile *t)                                                                   \
  {                                                                                                          \
    body(t, 3, 1);                                                                                           \
  }                                                                                                          \
  static void body##_4_1(const QfkTile *t)                                                                   \
  {                                                                                                          \
    body(t, 4, 1);                                                                                           \
  }                                                                                                          \
  static void body##_5_1(const QfkTile *t)                                                                   \
  {                                                                                                          \
    body(t, 5, 1);                                                                                           \
  }                                                                                                          \
  static void body##_6_1(const QfkTile *t)                                                                   \
  {                                                                                                          \
    body(t, 6, 1);                                                                                           \
  }                                                                                                          \
  static void body##_1_2(const QfkTile *t)                                                                   \
  {                                                                                                          \
    body(t, 1, 2);                                                                                           \
  }                                                                                                          \
  static void body##_2_2(const QfkTile *t)                                                                   \
  {                                                                                                          \
    body(t, 2, 2);                                                                                           \
  }                                                                                                          \
  static void body##_3_2(const QfkTile *t)                                                                   \
  {                                                                                                          \
    body(t, 3, 2);                                                                                           \
  }                                                                                                          \
  static void body##_4_2(const QfkTile *t)                                                                   \
  {                                                                                                          \
    body(t, 4, 2);                                                                                           \
  }                                                                                                          \
  static void body##_5_2(const QfkTile *t)                                                                   \
  {                                                                                                          \
    body(t, 5, 2);                                                                                           \
  }                                                                                                          \
  static void body##_6_2(const QfkTile *t)                                                                   \
  {                                                                                                          \
    body(t, 6, 2);                                                                                           \
  }                                                                                                          \
  static void (*const body##_table[2][MR])(const QfkTile *) = {                                              \
      {body##_1_1, body##_2_1, body##_3_1, body##_4_1, body##_5_1, body##_6_1},                              \
      {body##_1_2, body##_2_2, body##_3_2, body##_4_2, body##_5_2, body##_6_2},                              \
  };

#endif
