/* SPDX-License-Identifier: MIT */
/*
 * plan.c - greedy placement by size: the largest buffer first, each at the lowest gap that is free for its whole life.
 */
#include "plan.h"

#include <stdlib.h>

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

static int overlaps(const QfPlanItem *a, const QfPlanItem *b)
{
  return a->first <= b->last && b->first <= a->last;
}

static size_t round_up(size_t n, size_t alignment)
{
  return (n + alignment - 1) & ~(alignment - 1);
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

size_t qf_plan_arena(QfPlanItem *items, uint32_t n_items, size_t alignment)
{
  size_t total = 0;
  QfPlanItem **order = calloc((size_t)n_items * 2 + 1, sizeof(*order));
  if (!order)
    return SIZE_MAX;
  QfPlanItem **placed = order + n_items;
  for (uint32_t i = 0; i < n_items; i++)
    order[i] = &items[i];
  qsort(order, n_items, sizeof(*order), by_size);
  for (uint32_t i = 0; i < n_items; i++) {
    QfPlanItem *item = order[i];
    item->offset_bytes = lowest_gap(item, placed, i, alignment);
    insert_sorted(placed, i, item);
    if (item->offset_bytes + item->size_bytes > total)
      total = item->offset_bytes + item->size_bytes;
  }
  free(order);
  return total;
}

size_t qf_plan_lower_bound(const QfPlanItem *items, uint32_t n_items)
{
  size_t bound = 0;
  for (uint32_t i = 0; i < n_items; i++) { /* the sum can only grow where an item begins */
    size_t sum = 0;
    for (uint32_t k = 0; k < n_items; k++)
      if (items[k].first <= items[i].first && items[i].first <= items[k].last)
        sum += items[k].size_bytes;
    bound = sum > bound ? sum : bound;
  }
  return bound;
}
