/* SPDX-License-Identifier: MIT */
/*
 * plan.c - greedy placements: by turns at the two ends of the largest live sum, which is exact when it succeeds, else in the order of
 * size, each at the lowest gap that is free for its whole life, and again with what came to lie on top placed earlier. The best is
 * kept. Nothing depends on anything but the items.
 */
#include "settle.h"

#include <stdlib.h>

/* From here on the square of the number of items is too much. */
#define MANY_ITEMS 8192
/* Comparisons that may be spent on trying other orders. */
#define MAX_WORK 20000000u
#define MAX_TRIES 400

static int by_size(const void *a, const void *b)
{
  const QfPlanItem *x = *(QfPlanItem *const *)a, *y = *(QfPlanItem *const *)b;
  if (x->size_bytes != y->size_bytes)
    return x->size_bytes < y->size_bytes ? 1 : -1;
  return x->first < y->first ? -1 : x->first > y->first; /* a fixed order makes plans reproducible */
}

static int by_offset(const void *a, const void *b)
{
  const QfPlanItem *x = *(QfPlanItem *const *)a, *y = *(QfPlanItem *const *)b;
  return x->offset_bytes < y->offset_bytes ? -1 : x->offset_bytes > y->offset_bytes;
}

static int by_time(const void *a, const void *b)
{
  const QfPlanItem *x = *(QfPlanItem *const *)a, *y = *(QfPlanItem *const *)b;
  if (x->first != y->first)
    return x->first < y->first ? -1 : 1;
  return x->last < y->last ? -1 : x->last > y->last;
}

static int overlaps(const QfPlanItem *a, const QfPlanItem *b)
{
  return a->first <= b->last && b->first <= a->last;
}

static size_t round_up(size_t n, size_t alignment)
{
  return (n + alignment - 1) & ~(alignment - 1);
}

/* Where a size is added to the live sum, or taken from it. */
typedef struct {
  uint32_t at;
  size_t add, take;
} Event;

static int by_event(const void *a, const void *b)
{
  const Event *x = a, *y = b;
  return x->at < y->at ? -1 : x->at > y->at;
}

/* The largest live sum, of sizes rounded up to the alignment; SIZE_MAX when there is no memory to find it. */
static size_t rounded_bound(const QfPlanItem *items, uint32_t n_items, size_t alignment)
{
  size_t bound = 0, sum = 0;
  Event *events = calloc((size_t)n_items * 2 + 1, sizeof(*events));
  if (!events)
    return SIZE_MAX;
  for (uint32_t i = 0; i < n_items; i++) {
    size_t size = round_up(items[i].size_bytes, alignment);
    events[2 * i] = (Event){items[i].first, size, 0};
    events[2 * i + 1] = (Event){items[i].last + 1, 0, size};
  }
  qsort(events, (size_t)n_items * 2, sizeof(*events), by_event);
  for (size_t i = 0, end; i < (size_t)n_items * 2; i = end) {
    size_t taken = 0;
    for (end = i; end < (size_t)n_items * 2 && events[end].at == events[i].at; end++) {
      sum += events[end].add;
      taken += events[end].take;
    }
    sum -= taken;
    bound = sum > bound ? sum : bound;
  }
  free(events);
  return bound;
}

/* @placed is sorted by offset. */
static size_t lowest_gap(const QfPlanItem *item, QfPlanItem *const *placed, uint32_t n, size_t alignment)
{
  size_t at = 0;
  for (uint32_t i = 0; i < n; i++) {
    if (!overlaps(item, placed[i]))
      continue;
    if (placed[i]->offset_bytes >= at + item->size_bytes)
      break;
    size_t end = round_up(placed[i]->offset_bytes + placed[i]->size_bytes, alignment);
    at = end > at ? end : at;
  }
  return at;
}

static void insert_sorted(QfPlanItem **placed, uint32_t n, QfPlanItem *item)
{
  while (n > 0 && by_offset(&placed[n - 1], &item) > 0) {
    placed[n] = placed[n - 1];
    n--;
  }
  placed[n] = item;
}

/* Each at the lowest gap, as @order says. *@top gets the place in it of the item that ends last. */
static size_t place_in_order(QfPlanItem **order, QfPlanItem **placed, uint32_t n, size_t alignment,
                             uint32_t *top)
{
  size_t total = 0;
  for (uint32_t i = 0; i < n; i++) {
    QfPlanItem *item = order[i];
    item->offset_bytes = lowest_gap(item, placed, i, alignment);
    insert_sorted(placed, i, item);
    if (item->offset_bytes + item->size_bytes > total) {
      total = item->offset_bytes + item->size_bytes;
      *top = i;
    }
  }
  return total;
}

/* Largest first, then by trial: the item that came to lie on top had to wait too long, so it goes before all or half of those that went before
 * it. @best has room for an offset of each item. */
static size_t place_by_trial(QfPlanItem *items, QfPlanItem **order, uint32_t n, size_t alignment,
                             size_t bound, size_t *best)
{
  const uint64_t squared = (uint64_t)n * n + 1, tries = MAX_WORK / squared;
  size_t least = SIZE_MAX;
  qsort(order, n, sizeof(*order), by_size);
  for (uint64_t i = 0; i <= tries && i < MAX_TRIES && least > bound; i++) {
    uint32_t top = 0;
    size_t total = place_in_order(order, order + n, n, alignment, &top);
    if (total < least) {
      least = total;
      for (uint32_t k = 0; k < n; k++)
        best[k] = items[k].offset_bytes;
    }
    QfPlanItem *late = order[top];
    for (uint32_t to = i % 2 ? 0 : top / 2; top > to; top--)
      order[top] = order[top - 1];
    order[top] = late;
  }
  for (uint32_t k = 0; k < n; k++)
    items[k].offset_bytes = best[k];
  return least;
}

/* The highest offset below @capacity at which the item fits; SIZE_MAX: none. */
static size_t highest_gap(const QfPlanItem *item, QfPlanItem *const *placed, uint32_t n, size_t alignment,
                          size_t capacity)
{
  size_t top = capacity;
  for (uint32_t i = n; i-- > 0;) {
    size_t end = round_up(placed[i]->offset_bytes + placed[i]->size_bytes, alignment);
    if (!overlaps(item, placed[i]))
      continue;
    if (top >= item->size_bytes && ((top - item->size_bytes) & ~(alignment - 1)) >= end)
      break;
    top = placed[i]->offset_bytes < top ? placed[i]->offset_bytes : top;
  }
  return top < item->size_bytes ? SIZE_MAX : (top - item->size_bytes) & ~(alignment - 1);
}

/* Items that are placed and not over yet, sorted by offset: in the order of time nothing else meets the next one. */
typedef struct {
  QfPlanItem **items;
  uint32_t n, earliest; /* the first end among them */
} Live;

static void drop_past(Live *live, uint32_t step)
{
  uint32_t kept = 0, earliest = UINT32_MAX;
  if (step <= live->earliest)
    return;
  for (uint32_t i = 0; i < live->n; i++) {
    if (live->items[i]->last < step)
      continue;
    earliest = live->items[i]->last < earliest ? live->items[i]->last : earliest;
    live->items[kept++] = live->items[i];
  }
  live->n = kept;
  live->earliest = earliest;
}

static void add_live(Live *live, QfPlanItem *item)
{
  insert_sorted(live->items, live->n++, item);
  live->earliest = item->last < live->earliest ? item->last : live->earliest;
}

/* In the order of time, each at the lowest gap: not as tight as by size, but nearly linear. For graphs of tens of thousands of tensors. */
static size_t place_by_time(QfPlanItem **order, QfPlanItem **placed, uint32_t n, size_t alignment)
{
  size_t total = 0;
  Live live = {placed, 0, UINT32_MAX};
  qsort(order, n, sizeof(*order), by_time);
  for (uint32_t i = 0; i < n; i++) {
    QfPlanItem *item = order[i];
    drop_past(&live, item->first);
    item->offset_bytes = lowest_gap(item, placed, live.n, alignment);
    add_live(&live, item);
    if (item->offset_bytes + item->size_bytes > total)
      total = item->offset_bytes + item->size_bytes;
  }
  return total;
}

/* In the order of time, in turn at the bottom and at the top of @capacity: exact for a chain, where each buffer meets its neighbours only.
 * SIZE_MAX when an item does not fit. */
static size_t place_by_turns(QfPlanItem **order, QfPlanItem **placed, uint32_t n, size_t alignment,
                             size_t capacity)
{
  Live live = {placed, 0, UINT32_MAX};
  qsort(order, n, sizeof(*order), by_time);
  for (uint32_t i = 0; i < n; i++) {
    drop_past(&live, order[i]->first);
    size_t low = lowest_gap(order[i], placed, live.n, alignment);
    size_t high = highest_gap(order[i], placed, live.n, alignment, capacity);
    size_t at = i % 2 && high != SIZE_MAX ? high : low;
    if (at + order[i]->size_bytes > capacity)
      return SIZE_MAX;
    order[i]->offset_bytes = at;
    add_live(&live, order[i]);
  }
  return capacity;
}

size_t qf_plan_arena(QfPlanItem *items, uint32_t n_items, size_t alignment)
{
  QfPlanItem **order = calloc((size_t)n_items * 2 + 1, sizeof(*order));
  if (!order)
    return SIZE_MAX;
  for (uint32_t i = 0; i < n_items; i++)
    order[i] = &items[i];
  size_t total = SIZE_MAX;
  if (n_items > MANY_ITEMS) {
    total = place_by_time(order, order + n_items, n_items, alignment);
  } else {
    size_t bound = round_up(rounded_bound(items, n_items, alignment), alignment);
    total = place_by_turns(order, order + n_items, n_items, alignment, bound);
    size_t *best = total == SIZE_MAX ? calloc((size_t)n_items + 1, sizeof(*best)) : NULL;
    if (best)
      total = place_by_trial(items, order, n_items, alignment, bound, best);
    free(best);
  }
  free(order);
  if (total != SIZE_MAX)
    qf_plan_settle(items, n_items, alignment, total);
  return total;
}

size_t qf_plan_lower_bound(const QfPlanItem *items, uint32_t n_items, size_t alignment)
{
  return rounded_bound(items, n_items, alignment);
}
