/* SPDX-License-Identifier: MIT */
/*
 * tile_ahead.h - lines that x86 tiles ask for while they multiply: the hint `next` of QfkTile.
 */
#ifndef QFK_TILE_AHEAD_H
#define QFK_TILE_AHEAD_H

#include "tile.h"

#include <immintrin.h>

/* They come in time from one panel to the next; more at once would take the places of misses that the sums wait for. */
typedef struct {
  const char *at, *end;
  uint32_t pace; /* lines at a call */
} Ahead;

/* It will be called about @calls times. */
static inline __attribute__((always_inline)) Ahead ahead_of(const QfkTile *t, uint32_t calls)
{
  const char *next = (const char *)t->next;
  const uint32_t lines = t->next_lines;
  return (Ahead){next, next + (size_t)lines * QFK_LINE, lines <= calls ? 1 : lines <= 2 * calls ? 2 : 4};
}

static inline __attribute__((always_inline)) void look_ahead(Ahead *a)
{
  if (a->at >= a->end)
    return;
  _mm_prefetch(a->at, _MM_HINT_T1);
  if (a->pace > 1) {
    _mm_prefetch(a->at + QFK_LINE, _MM_HINT_T1);
    if (a->pace > 2) {
      _mm_prefetch(a->at + 2 * QFK_LINE, _MM_HINT_T1);
      _mm_prefetch(a->at + 3 * QFK_LINE, _MM_HINT_T1);
      a->at += 2 * QFK_LINE;
    }
    a->at += QFK_LINE;
  }
  a->at += QFK_LINE;
}

#endif
