/* SPDX-License-Identifier: MIT */
/*
 * partition.h - which unit runs which nodes, in parts that can each be one call of a unit.
 *
 * Pure functions over the graph's order. The invariant: no part needs, through other parts, what it makes itself, and running the
 * parts in order runs every node after those it depends on.
 */
#ifndef QF_RUNTIME_PARTITION_H
#define QF_RUNTIME_PARTITION_H

#include "../graph/graph.h"

/* Neighbours in `nodes` that one unit runs. */
typedef struct {
  gboolean device; /* the wanted unit; else the CPU */
  uint32_t first, count;
  uint64_t macs;
} QfPart;

typedef struct {
  GPtrArray *nodes; /* QfNode*, all of the graph, in the order of the parts */
  GArray *parts;    /* QfPart */
} QfPartition;

/* @device: by position in graph->nodes, whether the wanted unit can run the node; entries of device parts that are left to the CPU become
 * FALSE. Those are parts of fewer multiply-accumulates than @min_macs next to a part of the CPU: the way there and back costs more than
 * it saves. Free with qf_partition_clear(). */
QfPartition qf_partition(const QfGraph *graph, gboolean *device, uint64_t min_macs);
void qf_partition_clear(QfPartition *partition);

#endif
