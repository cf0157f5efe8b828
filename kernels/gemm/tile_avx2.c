/* SPDX-License-Identifier: MIT */
/*
 * tile_avx2.c - tiles of floats by FMA: see tile_avx2.h.
 */
#include "tile_avx2.h"

#include <immintrin.h>
#include <string.h>

/* The first n (1..8) lanes. */
INLINE __m256i lane_mask(uint32_t n)
{
  return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

/* To the rows at @to, from their byte @at on. */
INLINE void store_f32(const QfkTile *t, void *const *to, size_t at, const unsigned m, const unsigned nv,
                      __m256 acc[MR][2])
{
  const __m256 lo = _mm256_set1_ps(t->lo), hi = _mm256_set1_ps(t->hi);
  const uint32_t last = t->n - 8 * (nv - 1);
  const __m256i mask = lane_mask(last);
  if (t->res)
    UNROLL_M for (unsigned r = 0; r < m; r++)
    {
      const float *res = (const float *)(t->res + ((const uint8_t *)to[r] - t->c_base) + at);
      UNROLL_V for (unsigned v = 0; v < nv; v++) acc[r][v] =
          _mm256_add_ps(acc[r][v],
                        v + 1 < nv ? _mm256_loadu_ps(res + 8 * v) : _mm256_maskload_ps(res + 8 * v, mask));
    }
  UNROLL_M for (unsigned r = 0; r < m; r++)
  {
    float *c = (float *)((uint8_t *)to[r] + at);
    UNROLL_V for (unsigned v = 0; v < nv; v++)
    {
      __m256 y =
          _mm256_min_ps(hi, _mm256_max_ps(lo, acc[r][v])); /* a NaN comes through: it is the second operand */
      if (v + 1 < nv || last == 8)
        _mm256_storeu_ps(c + 8 * v, y);
      else
        _mm256_maskstore_ps(c + 8 * v, mask, y);
    }
  }
}

/* @count steps of K. */
INLINE void steps_f32(const float **b, const float *a[MR], const unsigned count, const unsigned m,
                      const unsigned nv, __m256 acc[MR][2])
{
  _Pragma("GCC unroll 4") for (unsigned k = 0; k < count; k++)
  {
    __m256 w[2];
    UNROLL_V for (unsigned v = 0; v < nv; v++) w[v] = _mm256_loadu_ps(*b + 8 * (k * nv + v));
    UNROLL_M for (unsigned r = 0; r < m; r++)
    {
      __m256 x = _mm256_broadcast_ss(a[r] + k);
      /* As it is written here: gcc takes other forms of the instruction, runs out of registers and spills. */
      UNROLL_V for (unsigned v = 0; v < nv;
                    v++) __asm__("vfmadd231ps %2, %1, %0" : "+x"(acc[r][v]) : "x"(x), "x"(w[v]));
    }
  }
  *b += count * 8 * nv;
  HOLD(*b);
  UNROLL_M for (unsigned r = 0; r < m; r++)
  {
    a[r] += count;
    HOLD(a[r]);
  }
}

/* @count tiles of @m rows, from row @row on. */
INLINE void tiles_f32(const QfkTile *t, const unsigned m, const unsigned nv, uint32_t row, uint32_t count,
                      Ahead *ahead)
{
  Ahead next = *ahead;
  size_t n_seg = t->n_seg;
  const void *const *rows = t->a + row * n_seg;
  void *const *to = t->c + row;
  for (; count; count--, to += m, rows += (m - 1) * n_seg) {
    __m256 acc[MR][2];
    const float *b = t->b, *a[MR];
    UNROLL_V for (unsigned v = 0; v < nv; v++)
    {
      __m256 bias = _mm256_loadu_ps((const float *)t->bias + 8 * v);
      UNROLL_M for (unsigned r = 0; r < m; r++) acc[r][v] = bias;
    }
    const void *const *end = rows + n_seg;
    do {
      HOLD(n_seg);
      UNROLL_M for (unsigned r = 0; r < m; r++) a[r] = rows[r * n_seg];
      uint32_t left = t->steps;
      for (; left >= 4; left -= 4) {
        look_ahead(&next);
        steps_f32(&b, a, 4, m, nv, acc);
      }
      for (; left; left--)
        steps_f32(&b, a, 1, m, nv, acc);
    } while (++rows < end);
    store_f32(t, to, t->c_at, m, nv, acc);
  }
  *ahead = next;
}

/* One row is bound by the latency of two accumulators, so K goes to four sets of them. */
INLINE void row_f32(const QfkTile *t, const unsigned nv)
{
  __m256 acc[MR][2], part[4][2];
  const float *b = t->b;
  for (unsigned v = 0; v < nv; v++) {
    part[0][v] = _mm256_loadu_ps((const float *)t->bias + 8 * v);
    part[1][v] = part[2][v] = part[3][v] = _mm256_setzero_ps();
  }
  for (uint32_t s = 0; s < t->n_seg; s++) {
    const float *a = t->a[s];
    uint32_t k = 0;
    for (; k + 4 <= t->steps; k += 4, b += 4 * 8 * nv)
      _Pragma("GCC unroll 4") for (unsigned j = 0; j < 4; j++) UNROLL_V for (unsigned v = 0; v < nv;
                                                                             v++) part[j][v] =
          _mm256_fmadd_ps(_mm256_broadcast_ss(a + k + j), _mm256_loadu_ps(b + 8 * (j * nv + v)), part[j][v]);
    for (; k < t->steps; k++, b += 8 * nv)
      UNROLL_V for (unsigned v = 0; v < nv; v++) part[0][v] =
          _mm256_fmadd_ps(_mm256_broadcast_ss(a + k), _mm256_loadu_ps(b + 8 * v), part[0][v]);
  }
  for (unsigned v = 0; v < nv; v++)
    acc[0][v] = _mm256_add_ps(_mm256_add_ps(part[0][v], part[1][v]), _mm256_add_ps(part[2][v], part[3][v]));
  store_f32(t, t->c, t->c_at, 1, nv, acc);
}

#define TILES(m, nv)                                                                                         \
  static void tiles_f32_##m##_##nv(const QfkTile *t, uint32_t row, uint32_t count, Ahead *next)              \
  {                                                                                                          \
    tiles_f32(t, m, nv, row, count, next);                                                                   \
  }
#define COLUMN(nv) TILES(2, nv) TILES(3, nv) TILES(4, nv) TILES(5, nv) TILES(6, nv)
#define ROW(nv)                                                                                              \
  {                                                                                                          \
    NULL, NULL, tiles_f32_2_##nv, tiles_f32_3_##nv, tiles_f32_4_##nv, tiles_f32_5_##nv, tiles_f32_6_##nv     \
  }
COLUMN(1)
COLUMN(2)

/* By vectors - 1 and height. */
static const TilesFunc tiles_f32_table[2][MR + 1] = {ROW(1), ROW(2)};

void qfk_rows_f32_6x16_avx2(const QfkTile *t, uint32_t m)
{
  if (m == 1)
    row_f32(t, t->n > 8 ? 2 : 1);
  else
    tiles_of(t, tiles_f32_table[t->n > 8], m);
}

void qfk_tile_f32_6x16_avx2(const QfkTile *t, uint32_t m)
{
  qfk_rows_f32_6x16_avx2(t, m);
}
