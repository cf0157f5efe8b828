/* SPDX-License-Identifier: MIT */
/*
 * settle.c - moves placed buffers, each within the room that its neighbours leave it. Threads share out a step by the parts of its output, so
 * a place of the arena that is at the same part of one buffer and of the next stays in one core's cache; else it must come from
 * another core's, for writing as for reading, and that takes three times as long. No buffer comes to overlap another, and none leaves
 * the arena. Called by plan.c.
 */
#include "settle.h"

#include <math.h>
#include <stdlib.h>

enum { CELLS = 256, CANDIDATES = 16, ROUNDS = 2, MAX_ITEMS = 1024 };

/* For each cell of the arena, at which part of a buffer, 0 to 1, it was last. */
typedef struct {
  size_t cell_bytes;
  float part[CELLS]; /* below 0: in none */
} Owners;

typedef struct {
  size_t low, high; /* offsets, both included */
} Room;

static int by_time(const void *a, const void *b)
{
  const QfPlanItem *x = *(QfPlanItem *const *)a, *y = *(QfPlanItem *const *)b;
  if (x->first != y->first)
    return x->first < y->first ? -1 : 1;
  return x->offset_bytes < y->offset_bytes ? -1 : x->offset_bytes > y->offset_bytes;
}

/* The cells of @item when it is at @at, and at which part of it the middle of the first one lies. */
typedef struct {
  size_t first, end;
  float part, step; /* from cell to cell */
} Cells;

static Cells cells_of(const Owners *o, const QfPlanItem *item, size_t at)
{
  const size_t first = at / o->cell_bytes;
  const double middle = ((double)first + .5) * (double)o->cell_bytes - (double)at,
               size = (double)item->size_bytes;
  return (Cells){first, (at + item->size_bytes - 1) / o->cell_bytes + 1, (float)(middle / size),
                 (float)((double)o->cell_bytes / size)};
}

static float bounded(float part)
{
  return part < 0 ? 0 : part > 1 ? 1 : part;
}

static float strangeness(const Owners *o, const QfPlanItem *item, size_t at)
{
  Cells c = cells_of(o, item, at);
  const float n = (float)(c.end - c.first);
  float sum = 0;
  for (; c.first < c.end; c.first++, c.part += c.step)
    sum += o->part[c.first] < 0 ? 1 : fabsf(bounded(c.part) - o->part[c.first]);
  return sum / n;
}

static void mark(Owners *o, const QfPlanItem *item)
{
  for (Cells c = cells_of(o, item, item->offset_bytes); c.first < c.end; c.first++, c.part += c.step)
    o->part[c.first] = bounded(c.part);
}

/* Where @item may be while the others stay. */
static Room find_room(const QfPlanItem *item, const QfPlanItem *items, uint32_t n, size_t alignment,
                      size_t total)
{
  const size_t own_end = item->offset_bytes + item->size_bytes;
  size_t low = 0, high = total;
  for (uint32_t i = 0; i < n; i++) {
    const QfPlanItem *other = &items[i];
    if (other == item || !other->size_bytes || other->first > item->last || item->first > other->last)
      continue;
    const size_t end = (other->offset_bytes + other->size_bytes + alignment - 1) & ~(alignment - 1);
    if (other->offset_bytes >= own_end)
      high = other->offset_bytes < high ? other->offset_bytes : high;
    else
      low = end > low ? end : low;
  }
  return (Room){low, (high - item->size_bytes) & ~(alignment - 1)};
}

static void move(const Owners *o, QfPlanItem *item, Room room, size_t alignment)
{
  size_t best = item->offset_bytes;
  float least = strangeness(o, item, best);
  for (size_t i = 0; i <= CANDIDATES && room.high > room.low; i++) {
    const size_t at = (room.low + (room.high - room.low) / CANDIDATES * i) & ~(alignment - 1);
    const float own = strangeness(o, item, at);
    if (own >= least)
      continue;
    least = own;
    best = at;
  }
  item->offset_bytes = best;
}

void qf_plan_settle(QfPlanItem *items, uint32_t n, size_t alignment, size_t total)
{
  if (n > MAX_ITEMS || total < CELLS * alignment)
    return;
  QfPlanItem **order = calloc((size_t)n + 1, sizeof(*order));
  Owners o = {.cell_bytes = (total + CELLS - 1) / CELLS};
  uint32_t used = 0;
  for (uint32_t i = 0; order && i < n; i++)
    if (items[i].size_bytes)
      order[used++] = &items[i];
  for (uint32_t i = 0; i < CELLS; i++)
    o.part[i] = -1;
  if (order)
    qsort(order, used, sizeof(*order), by_time);
  for (uint32_t round = 0; round < ROUNDS;
       round++) /* in the first one nothing moves: what a run leaves to the next */
    for (uint32_t i = 0; i < used; i++) {
      if (round)
        move(&o, order[i], find_room(order[i], items, n, alignment, total), alignment);
      mark(&o, order[i]);
    }
  free(order);
}
