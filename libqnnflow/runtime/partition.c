/* SPDX-License-Identifier: MIT */
/*
 * partition.c - see partition.h. A node's level is the number of changes of unit on the way to it: device nodes have even levels, the
 * others odd ones, and a node's is the least that is not below those of its producers. What has one level is one part: a way out of
 * it and back would have raised the level.
 */
#include "partition.h"

static uint32_t *levels_of(const QfGraph *graph, const gboolean *device)
{
  uint32_t *levels = g_new0(uint32_t, graph->nodes->len + 1);
  g_autofree uint32_t *by_tensor = g_new0(uint32_t, graph->tensors->len + 1);
  for (guint i = 0; i < graph->nodes->len; i++) {
    const QfNode *node = graph->nodes->pdata[i];
    uint32_t level = 0;
    for (uint32_t k = 0; k < node->n_inputs; k++)
      if (node->inputs[k])
        level = MAX(level, by_tensor[node->inputs[k]->id]);
    levels[i] = level + (level % 2 == (device[i] ? 1 : 0));
    for (uint32_t k = 0; k < node->n_outputs; k++)
      by_tensor[node->outputs[k]->id] = levels[i];
  }
  return levels;
}

/* Sorts the nodes by level, each level in the graph's order. */
static QfPartition by_level(const QfGraph *graph, const gboolean *device)
{
  uint32_t n = graph->nodes->len, n_levels = 0;
  g_autofree uint32_t *levels = levels_of(graph, device);
  for (uint32_t i = 0; i < n; i++)
    n_levels = MAX(n_levels, levels[i] + 1);
  g_autofree uint32_t *at = g_new0(uint32_t, n_levels + 1);
  for (uint32_t i = 0; i < n; i++)
    at[levels[i] + 1]++;
  QfPartition p = {g_ptr_array_sized_new(n + 1), g_array_new(FALSE, TRUE, sizeof(QfPart))};
  g_ptr_array_set_size(p.nodes, (gint)n);
  for (uint32_t l = 0; l < n_levels; l++) {
    QfPart part = {.device = l % 2 == 0, .first = at[l], .count = at[l + 1]};
    at[l + 1] += at[l];
    if (part.count)
      g_array_append_val(p.parts, part);
  }
  for (uint32_t i = 0; i < n; i++)
    p.nodes->pdata[at[levels[i]]++] = graph->nodes->pdata[i];
  return p;
}

static void count_macs(QfPartition *p)
{
  for (guint i = 0; i < p->parts->len; i++) {
    QfPart *part = &g_array_index(p->parts, QfPart, i);
    for (uint32_t k = 0; k < part->count; k++) {
      const QfNode *node = p->nodes->pdata[part->first + k];
      part->macs += node->op->macs ? node->op->macs(node) : 0;
    }
  }
}

/* Gives small device parts to the CPU. FALSE: there are none. */
static gboolean demote(const QfGraph *graph, const QfPartition *p, gboolean *device, uint64_t min_macs)
{
  g_autoptr(GHashTable) demoted = g_hash_table_new(NULL, NULL);
  for (guint i = 0; p->parts->len > 1 && i < p->parts->len; i++) {
    const QfPart *part = &g_array_index(p->parts, QfPart, i);
    for (uint32_t k = 0; part->device && part->macs < min_macs && k < part->count; k++)
      g_hash_table_add(demoted, p->nodes->pdata[part->first + k]);
  }
  for (guint i = 0; i < graph->nodes->len; i++)
    if (g_hash_table_contains(demoted, graph->nodes->pdata[i]))
      device[i] = FALSE;
  return g_hash_table_size(demoted) > 0;
}

QfPartition qf_partition(const QfGraph *graph, gboolean *device, uint64_t min_macs)
{
  for (;;) {
    QfPartition p = by_level(graph, device);
    count_macs(&p);
    if (!demote(graph, &p, device, min_macs))
      return p;
    qf_partition_clear(&p);
  }
}

void qf_partition_clear(QfPartition *partition)
{
  g_clear_pointer(&partition->nodes, g_ptr_array_unref);
  g_clear_pointer(&partition->parts, g_array_unref);
}
