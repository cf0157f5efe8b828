/* SPDX-License-Identifier: MIT */
/*
 * tile_int_avx2.h - tiles of integers of 256 bits, for a file that says how they are multiplied: see tile_avx2.h.
 *
 * Before this is included: multiply(acc, x, w, kind) adds to *acc the products of x and w, the groups of 32 bits of which are two
 * values of int16 or four bytes. Rows are narrowed in twos, and bounds are of bytes: where K is short that is as much work as the
 * products.
 */
#ifndef QFK_TILE_INT_AVX2_H
#define QFK_TILE_INT_AVX2_H

#include <math.h>
#include <string.h>

/* Sums in memory, @m rows of @nv vectors, where a multiplier could bring them out of int32. */
static __attribute__((noinline)) void store_wide(const QfkTile *t, void *const *to, size_t at, unsigned m,
                                                 unsigned nv, const int32_t sums[MR * 2 * 8])
{
  for (unsigned r = 0; r < m; r++)
    for (unsigned slot = 0; slot < nv * 8; slot++) {
      const uint32_t column = 4 * nv * (slot % 8 / 4) + 4 * (slot / 8) + slot % 4;
      const float y = fminf(fmaxf((float)sums[r * 16 + slot] * t->scale[slot], t->lo), t->hi);
      if (column < t->n)
        ((uint8_t *)to[r] + at)[column] = (uint8_t)((int32_t)lrintf(y) + t->zero_point);
    }
}

/* Columns of a panel whose last vector is not full. */
static __attribute__((noinline)) void copy_rows(void *const *to, size_t at, unsigned m, const uint8_t *rows,
                                                size_t n)
{
  for (unsigned r = 0; r < m; r++)
    memcpy((uint8_t *)to[r] + at, rows + 16 * r, n);
}

/* What bytes are made with; int8 is made as uint8 with another zero point, whose highest bits are turned over at the end. */
typedef struct {
  __m256i zero, lo, hi, flip;
} Bounds;

INLINE Bounds bounds_of(const QfkTile *t)
{
  const int32_t signs = t->y_signed ? 0x80 : 0, zero_point = t->zero_point + signs;
  return (Bounds){.zero = _mm256_set1_epi16((int16_t)zero_point),
                  .lo = _mm256_set1_epi8((char)((int32_t)t->lo + zero_point)),
                  .hi = _mm256_set1_epi8((char)((int32_t)t->hi + zero_point)),
                  .flip = _mm256_set1_epi8((char)signs)};
}

/* A row as int16. Slots are permuted so that lane 0 holds columns 0..7 (0..3 when there is one vector) and lane 1 the next. */
INLINE __m256i requant(const QfkTile *t, const Bounds *b, const unsigned nv, const __m256i acc[2])
{
  __m256i q[2];
  UNROLL_V for (unsigned v = 0; v < nv; v++) q[v] =
      _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_cvtepi32_ps(acc[v]), _mm256_loadu_ps(t->scale + 8 * v)));
  return _mm256_adds_epi16(_mm256_packs_epi32(q[0], q[nv - 1]), b->zero);
}

/* Two rows at a time. */
INLINE void store_ints(const QfkTile *t, const Bounds *b, void *const *to, const unsigned m,
                       const unsigned nv, __m256i acc[MR][2])
{
  __m256i rows[MR / 2];
  UNROLL_M for (unsigned r = 0; r < m; r += 2)
  {
    const __m256i x = requant(t, b, nv, acc[r]), y = r + 1 < m ? requant(t, b, nv, acc[r + 1]) : x;
    __m256i q = _mm256_min_epu8(_mm256_max_epu8(_mm256_packus_epi16(x, y), b->lo), b->hi);
    q = _mm256_xor_si256(q, b->flip);
    rows[r / 2] = nv == 2 ? _mm256_permute4x64_epi64(q, 0xd8)
                          : _mm256_permutevar8x32_epi32(q, _mm256_setr_epi32(0, 4, 0, 4, 2, 6, 2, 6));
  }
  const size_t at = t->c_at;
  if (t->n != 8 * nv) {
    __m256i copies[MR / 2];
    UNROLL_M for (unsigned r = 0; r < m; r += 2) copies[r / 2] = rows[r / 2];
    copy_rows(to, at, m, (const uint8_t *)copies, t->n);
    return;
  }
  UNROLL_M for (unsigned r = 0; r < m; r++)
  {
    const __m128i q = r % 2 ? _mm256_extracti128_si256(rows[r / 2], 1) : _mm256_castsi256_si128(rows[r / 2]);
    if (nv == 2)
      _mm_storeu_si128((__m128i *)((uint8_t *)to[r] + at), q);
    else
      _mm_storel_epi64((__m128i *)((uint8_t *)to[r] + at), q);
  }
}

/* The sums in column order, which is that of halves of the slots. */
INLINE void store_sums(void *const *to, size_t at, const unsigned m, const unsigned nv, __m256i acc[MR][2])
{
  UNROLL_M for (unsigned r = 0; r < m; r++) UNROLL_V for (unsigned v = 0; v < nv; v++)
  {
    __m128i *c = (__m128i *)((uint8_t *)to[r] + at) + v;
    _mm_storeu_si128(c, _mm256_castsi256_si128(acc[r][v]));
    _mm_storeu_si128(c + nv, _mm256_extracti128_si256(acc[r][v], 1));
  }
}

/* @count steps of K: two values of int16 each, or four bytes. */
INLINE void steps_int(const uint8_t **b, const uint8_t *a[MR], const unsigned count, const unsigned m,
                      const unsigned nv, const Kind kind, __m256i acc[MR][2])
{
  _Pragma("GCC unroll 4") for (unsigned k = 0; k < count; k++)
  {
    __m256i w[2];
    UNROLL_V for (unsigned v = 0; v < nv; v++) w[v] =
        kind == S16_S8 ? _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)*b + k * nv + v))
                       : _mm256_loadu_si256((const __m256i *)*b + k * nv + v);
    UNROLL_M for (unsigned r = 0; r < m; r++)
    {
      int32_t few;
      memcpy(&few, a[r] + 4 * k, sizeof(few));
      __m256i x = _mm256_set1_epi32(few);
      if (kind == BYTES_S)
        x = _mm256_xor_si256(x, _mm256_set1_epi8((char)0x80));
      UNROLL_V for (unsigned v = 0; v < nv; v++) multiply(&acc[r][v], x, w[v], kind);
    }
  }
  *b += count * (kind == S16_S8 ? 16 : 32) * nv;
  HOLD(*b);
  UNROLL_M for (unsigned r = 0; r < m; r++)
  {
    a[r] += 4 * count;
    HOLD(a[r]);
  }
}

/* Sums of what was taken off the weights. */
INLINE void add_rest(const QfkTile *t, uint32_t row, const unsigned m, const unsigned nv, __m256i acc[MR][2])
{
  for (uint32_t i = 0; i < t->n_rest; i++)
    UNROLL_M for (unsigned r = 0; r < m; r++) UNROLL_V for (unsigned v = 0; v < nv; v++)
    {
      const int16_t *rest = t->rest + (i * t->rest_pitch + row + r) * 16 + 8 * v;
      acc[r][v] = _mm256_add_epi32(acc[r][v], _mm256_cvtepi16_epi32(_mm_loadu_si128((const __m128i *)rest)));
    }
}

INLINE void store_int(const QfkTile *t, const Bounds *b, void *const *to, const unsigned m, const unsigned nv,
                      const Kind kind, __m256i acc[MR][2])
{
  if (kind == S16 && !t->scale) {
    store_sums(to, t->c_at, m, nv, acc);
  } else if (t->below_one) {
    store_ints(t, b, to, m, nv, acc);
  } else {
    int32_t sums[MR * 2 * 8];
    UNROLL_M for (unsigned r = 0; r < m; r++) UNROLL_V for (unsigned v = 0; v < nv; v++)
        _mm256_storeu_si256((__m256i *)sums + 2 * r + v, acc[r][v]);
    store_wide(t, to, t->c_at, m, nv, sums);
  }
}

/* @count tiles of @m rows, from row @row on. */
INLINE void tiles_int(const QfkTile *t, const unsigned m, const unsigned nv, const Kind kind, uint32_t row,
                      uint32_t count, Ahead *ahead)
{
  Ahead next = *ahead;
  /* In memory: there are no registers for them. */
  const Bounds made = bounds_of(t), *bounds = &made;
  HOLD(bounds);
  size_t n_seg = t->n_seg;
  const void *const *rows = t->a + row * n_seg;
  void *const *to = t->c + row;
  for (; count; count--, to += m, row += m, rows += (m - 1) * n_seg) {
    __m256i acc[MR][2];
    const uint8_t *b = t->b, *a[MR];
    UNROLL_V for (unsigned v = 0; v < nv; v++)
    {
      __m256i bias = _mm256_loadu_si256((const __m256i *)t->bias + v);
      UNROLL_M for (unsigned r = 0; r < m; r++) acc[r][v] = bias;
    }
    const void *const *end = rows + n_seg;
    do {
      HOLD(n_seg);
      UNROLL_M for (unsigned r = 0; r < m; r++) a[r] = rows[r * n_seg];
      uint32_t left = t->steps;
      for (; left >= 4; left -= 4) {
        look_ahead(&next);
        steps_int(&b, a, 4, m, nv, kind, acc);
      }
      for (; left; left--)
        steps_int(&b, a, 1, m, nv, kind, acc);
    } while (++rows < end);
    /* Without this gcc keeps accumulators in memory through the loop to have registers for the epilogue. */
#ifndef QFK_EMULATED
    UNROLL_M for (unsigned r = 0; r < m; r++)
        UNROLL_V for (unsigned v = 0; v < nv; v++) __asm__ volatile("" : "+x"(acc[r][v])::"memory");
#endif
    if (kind >= BYTES_U)
      add_rest(t, row, m, nv, acc);
    store_int(t, bounds, to, m, nv, kind, acc);
  }
  *ahead = next;
}

#define TILES(kind, m, nv)                                                                                   \
  static void tiles_##kind##_##m##_##nv(const QfkTile *t, uint32_t row, uint32_t count, Ahead *next)         \
  {                                                                                                          \
    tiles_int(t, m, nv, kind, row, count, next);                                                             \
  }
#define HEIGHTS(kind, nv)                                                                                    \
  TILES(kind, 1, nv)                                                                                         \
  TILES(kind, 2, nv) TILES(kind, 3, nv) TILES(kind, 4, nv) TILES(kind, 5, nv) TILES(kind, 6, nv)
#define BY_HEIGHT(kind, nv)                                                                                  \
  {                                                                                                          \
    NULL, tiles_##kind##_1_##nv, tiles_##kind##_2_##nv, tiles_##kind##_3_##nv, tiles_##kind##_4_##nv,        \
        tiles_##kind##_5_##nv, tiles_##kind##_6_##nv                                                         \
  }
/* tiles_<kind>[vectors - 1][height] */
#define KIND(kind)                                                                                           \
  HEIGHTS(kind, 1)                                                                                           \
  HEIGHTS(kind, 2)                                                                                           \
  static const TilesFunc tiles_##kind[2][MR + 1] = {BY_HEIGHT(kind, 1), BY_HEIGHT(kind, 2)};

#endif
