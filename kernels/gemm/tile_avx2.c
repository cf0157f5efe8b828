/* SPDX-License-Identifier: MIT */
/*
 * tile_avx2.c - 6 x 16 tiles in twelve registers: float by FMA, int16 by vpmaddwd (exact, unlike vpmaddubsw).
 *
 * A tile is one always-inlined body with constant bounds; the array bounds are literals so that the accumulators become
 * registers.
 */
#include "tile_avx2.h"

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

/* As assembly, or gcc adds up the products of several steps first, for which it has no registers. */
INLINE void add_to(__m256i *acc, __m256i x)
{
  __asm__("vpaddd %1, %0, %0" : "+x"(*acc) : "x"(x));
}

/* @count steps of K, two values each. */
INLINE void steps_s16(const void **b, const void *a[MR], const unsigned count, const unsigned m,
                      const unsigned nv, const bool flip, __m256i acc[MR][2])
{
  (void)flip;
  _Pragma("GCC unroll 4") for (unsigned k = 0; k < count; k++)
  {
    __m256i w[2];
    UNROLL_V for (unsigned v = 0; v < nv; v++) w[v] = _mm256_loadu_si256((const __m256i *)*b + k * nv + v);
    UNROLL_M for (unsigned r = 0; r < m; r++)
    {
      int32_t pair;
      memcpy(&pair, (const int16_t *)a[r] + 2 * k, sizeof(pair));
      __m256i x = _mm256_set1_epi32(pair);
      UNROLL_V for (unsigned v = 0; v < nv; v++) add_to(&acc[r][v], _mm256_madd_epi16(x, w[v]));
    }
  }
}

/* Neighbours added up. The ones stay in memory: there are registers for sums, weights, one value and one product only. */
INLINE __m256i widen_pairs(__m256i x)
{
  static const struct {
    _Alignas(32) int16_t v[16];
  } ones = {{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}};
  __asm__("vpmaddwd %1, %0, %0" : "+x"(x) : "m"(ones));
  return x;
}

/* @count steps of K, four values each. */
INLINE void steps_pairs(const void **b, const void *a[MR], const unsigned count, const unsigned m,
                        const unsigned nv, const bool flip, __m256i acc[MR][2])
{
  _Pragma("GCC unroll 4") for (unsigned k = 0; k < count; k++)
  {
    __m256i w[2];
    UNROLL_V for (unsigned v = 0; v < nv; v++) w[v] = _mm256_loadu_si256((const __m256i *)*b + k * nv + v);
    UNROLL_M for (unsigned r = 0; r < m; r++)
    {
      int32_t four;
      memcpy(&four, (const uint8_t *)a[r] + 4 * k, sizeof(four));
      __m256i x = _mm256_set1_epi32(four);
      if (flip)
        x = _mm256_xor_si256(x, _mm256_set1_epi8((char)0x80));
      UNROLL_V for (unsigned v = 0; v < nv; v++)
          add_to(&acc[r][v], widen_pairs(_mm256_maddubs_epi16(x, w[v])));
    }
  }
}

INLINE void tile_s16(const QfkTile *t, const unsigned m, const unsigned nv)
{
  SUM_UP(steps_s16, false)
  hold_sums(m, nv, acc);
  if (t->scale)
    store_ints(t, m, nv, acc);
  else
    store_sums(t, m, nv, acc);
}

/* Sums of what was taken off the weights. */
INLINE void add_rest(const QfkTile *t, const unsigned m, const unsigned nv, __m256i acc[MR][2])
{
  for (uint32_t i = 0; i < t->n_rest; i++)
    UNROLL_M for (unsigned r = 0; r < m; r++) UNROLL_V for (unsigned v = 0; v < nv; v++)
    {
      const int16_t *rest = t->rest + (i * t->rest_pitch + r) * 16 + 8 * v;
      acc[r][v] = _mm256_add_epi32(acc[r][v], _mm256_cvtepi16_epi32(_mm_loadu_si128((const __m128i *)rest)));
    }
}

INLINE void tile_pairs(const QfkTile *t, const unsigned m, const unsigned nv, const bool flip)
{
  SUM_UP(steps_pairs, flip)
  hold_sums(m, nv, acc);
  add_rest(t, m, nv, acc);
  store_ints(t, m, nv, acc);
}

INLINE void tile_pairs_u(const QfkTile *t, const unsigned m, const unsigned nv)
{
  tile_pairs(t, m, nv, false);
}

INLINE void tile_pairs_s(const QfkTile *t, const unsigned m, const unsigned nv)
{
  tile_pairs(t, m, nv, true);
}

VARIANTS(tile_s16)
VARIANTS(tile_pairs_u)
VARIANTS(tile_pairs_s)

typedef void (*TilesFunc)(const QfkTile *t, uint32_t row, uint32_t count, Ahead *next);

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
  const uint32_t tiles = (m + MR - 1) / MR, least = m / tiles, taller = m - least * tiles;
  const TilesFunc *by_height = tiles_f32_table[t->n > 8];
  Ahead next = ahead_of_tiles(t, tiles);
  if (m == 1)
    row_f32(t, t->n > 8 ? 2 : 1);
  else if (taller)
    by_height[least + 1](t, 0, taller, &next);
  if (m > 1)
    by_height[least](t, taller * (least + 1), tiles - taller, &next);
}

void qfk_tile_f32_6x16_avx2(const QfkTile *t, uint32_t m)
{
  qfk_rows_f32_6x16_avx2(t, m);
}

void qfk_tile_s16_6x16_avx2(const QfkTile *t, uint32_t m)
{
  tile_s16_table[t->n > 8][m - 1](t);
}

void qfk_tile_pairs_6x16_avx2(const QfkTile *t, uint32_t m)
{
  (t->flip ? tile_pairs_s_table : tile_pairs_u_table)[t->n > 8][m - 1](t);
}

void qfk_widen_avx2(int16_t *dst, const uint8_t *src, size_t n, int32_t zero, bool is_signed)
{
  const __m256i z = _mm256_set1_epi16((int16_t)zero);
  size_t i = 0;
  for (; i + 16 <= n; i += 16) {
    __m128i x = _mm_loadu_si128((const __m128i *)(src + i));
    __m256i y = is_signed ? _mm256_cvtepi8_epi16(x) : _mm256_cvtepu8_epi16(x);
    _mm256_storeu_si256((__m256i *)(dst + i), _mm256_sub_epi16(y, z));
  }
  qfk_widen_ref(dst + i, src + i, n - i, zero, is_signed);
}
