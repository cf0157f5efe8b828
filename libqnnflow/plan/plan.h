/* SPDX-License-Identifier: MIT */
/*
 * plan.h - lifetimes to offsets in one arena. Pure functions, no graph types.
 */
#ifndef QF_PLAN_PLAN_H
#define QF_PLAN_PLAN_H

#include <stdint.h>
#include <stddef.h>

/* One buffer: alive from step @first to step @last, both included. */
typedef struct {
  size_t size_bytes;
  uint32_t first, last;
  size_t offset_bytes; /* result */
} QfPlanItem;

/* Places all items so that no two that are alive together overlap; offsets are multiples of @alignment (a power of two).
 * Greedy by size (Pisarchyk and Lee, "Efficient Memory Management for Deep Neural Net Inference", 2020). Returns the arena's
 * size in bytes, or SIZE_MAX when memory for the placement itself cannot be had. */
size_t qf_plan_arena(QfPlanItem *items, uint32_t n_items, size_t alignment);

/* The largest sum of sizes, each rounded up to @alignment, that are alive at one step: no plan can be smaller, but for the rounding of
 * the buffer on top. SIZE_MAX as above. */
size_t qf_plan_lower_bound(const QfPlanItem *items, uint32_t n_items, size_t alignment);

#endif
