/* SPDX-License-Identifier: MIT */
/*
 * tile_avx2.h - what the AVX2 tiles, of floats (tile_avx2.c) and of integers (tile_int_avx2.h), have in common.
 *
 * A tile is one always-inlined body with constant bounds, 6 x 16 in twelve registers at most; the array bounds are literals so that
 * the accumulators become registers. A function does a number of tiles of one height, one below the other.
 */
#ifndef QFK_TILE_AVX2_H
#define QFK_TILE_AVX2_H

#include "tile_ahead.h"

#define MR 6
#define INLINE static inline __attribute__((always_inline))
#define UNROLL_M _Pragma("GCC unroll 6")
#define UNROLL_V _Pragma("GCC unroll 2")

/* Of integers: int16, by int16 or by int8 that is widened; uint8, or int8 that is made uint8. */
typedef enum { S16, S16_S8, BYTES_U, BYTES_S } Kind;

/* What gcc does not know it cannot compute ahead of a loop, for which it would spill. */
#define HOLD(x) __asm__("" : "+r"(x))

/* Lines are asked for every four steps. */
INLINE Ahead ahead_of_tiles(const QfkTile *t, uint32_t tiles)
{
  return ahead_of(t, t->steps * t->n_seg * tiles / 4);
}

/* @count tiles from row @row on. */
typedef void (*TilesFunc)(const QfkTile *t, uint32_t row, uint32_t count, Ahead *next);

/* @m rows in tiles of even heights; the functions are listed by height. */
INLINE void tiles_of(const QfkTile *t, const TilesFunc *by_height, uint32_t m)
{
  const uint32_t tiles = (m + MR - 1) / MR, least = m / tiles, taller = m - least * tiles;
  Ahead next = ahead_of_tiles(t, tiles);
  if (taller)
    by_height[least + 1](t, 0, taller, &next);
  by_height[least](t, taller * (least + 1), tiles - taller, &next);
}

#endif
