/* SPDX-License-Identifier: MIT */
/*
 * edit.c - what passes do to a graph: replace, remove, count, compact.
 */
#include "graph.h"

#include <string.h>

/* An entry of a tensor's list of readers. Lists hold every reader; also nodes that read it no longer, which are passed over. */
struct QfUse {
  QfNode *node;
  QfUse *next;
};

/* Called when somebody first asks; compacting forgets it. Backwards, so that the lists have the order of the nodes. */
static void build_index(QfGraph *graph)
{
  size_t n = 0;
  for (guint i = 0; i < graph->tensors->len; i++)
    ((QfTensor *)graph->tensors->pdata[i])->uses = NULL;
  qf_foreach_node (node, graph)
    n += node->n_inputs;
  QfUse *uses = qf_graph_alloc(graph, n * sizeof(*uses));
  for (guint i = graph->nodes->len; i-- > 0;) {
    QfNode *node = graph->nodes->pdata[i];
    node->listed = TRUE;
    for (uint32_t k = 0; k < node->n_inputs && !node->dead; k++) {
      if (!node->inputs[k])
        continue;
      *uses = (QfUse){node, node->inputs[k]->uses};
      node->inputs[k]->uses = uses++;
    }
  }
  graph->indexed = TRUE;
}

/* The next node of the list that reads the tensor and has not the stamp of this walk. */
static QfNode *next_user(const QfTensor *tensor, QfUse **at, uint32_t stamp)
{
  for (; *at; *at = (*at)->next) {
    QfNode *node = (*at)->node;
    if (node->dead || !node->listed || node->stamp == stamp)
      continue;
    node->stamp = stamp;
    for (uint32_t i = 0; i < node->n_inputs; i++)
      if (node->inputs[i] == tensor)
        return node;
  }
  return NULL;
}

static uint32_t begin_walk(const QfGraph *graph)
{
  QfGraph *mutable = (QfGraph *)graph; /* the index is no part of what the graph says */
  if (!graph->indexed)
    build_index(mutable);
  return ++mutable->stamp;
}

void qf_node_set_input(QfNode *node, uint32_t index, QfTensor *tensor)
{
  node->inputs[index] = tensor;
  if (!tensor || !node->graph->indexed)
    return;
  QfUse *use = qf_graph_alloc(node->graph, sizeof(*use));
  *use = (QfUse){node, tensor->uses};
  tensor->uses = use;
}

GPtrArray *qf_graph_users(const QfGraph *graph, const QfTensor *tensor)
{
  GPtrArray *users = g_ptr_array_new();
  uint32_t stamp = begin_walk(graph);
  QfUse *at = tensor->uses;
  for (QfNode *node; (node = next_user(tensor, &at, stamp));)
    g_ptr_array_add(users, node);
  return users;
}

/* Fewer are looked through. */
#define FEW_OUTPUTS 16

/* How often the tensor is an output. Outputs change by qf_graph_set_output(), are added at the end, or
 * compacting forgets them. */
static guint count_outputs(const QfGraph *graph, const QfTensor *tensor)
{
  QfGraph *mutable = (QfGraph *)graph; /* what is counted is no part of what the graph says */
  const GPtrArray *outputs = graph->outputs;
  guint n = 0;
  if (outputs->len < FEW_OUTPUTS) {
    for (guint i = 0; i < outputs->len; i++)
      n += outputs->pdata[i] == tensor;
    return n;
  }
  if (!graph->output_counts || graph->n_counted > outputs->len) {
    g_clear_pointer(&mutable->output_counts, g_hash_table_unref);
    mutable->output_counts = g_hash_table_new(NULL, NULL);
    mutable->n_counted = 0;
  }
  while (graph->n_counted < outputs->len) {
    QfTensor *output = outputs->pdata[mutable->n_counted++];
    n = GPOINTER_TO_UINT(g_hash_table_lookup(graph->output_counts, output));
    g_hash_table_insert(graph->output_counts, output, GUINT_TO_POINTER(n + 1));
  }
  return GPOINTER_TO_UINT(g_hash_table_lookup(graph->output_counts, tensor));
}

void qf_graph_set_output(QfGraph *graph, guint index, QfTensor *tensor)
{
  QfTensor *old = graph->outputs->pdata[index];
  if (graph->output_counts) {
    const guint was = GPOINTER_TO_UINT(g_hash_table_lookup(graph->output_counts, old));
    g_hash_table_insert(graph->output_counts, old, GUINT_TO_POINTER(was ? was - 1 : 0));
    const guint is = GPOINTER_TO_UINT(g_hash_table_lookup(graph->output_counts, tensor));
    g_hash_table_insert(graph->output_counts, tensor, GUINT_TO_POINTER(is + 1));
  }
  graph->outputs->pdata[index] = tensor;
}

void qf_graph_replace_uses(QfGraph *graph, QfTensor *old, QfTensor *with)
{
  g_autoptr(GPtrArray) users = qf_graph_users(graph, old);
  for (guint k = 0; k < users->len; k++) {
    QfNode *node = users->pdata[k];
    for (uint32_t i = 0; i < node->n_inputs; i++)
      if (node->inputs[i] == old)
        qf_node_set_input(node, i, with);
  }
  for (guint i = 0, left = count_outputs(graph, old); left && i < graph->outputs->len; i++)
    if (g_ptr_array_index(graph->outputs, i) == old) {
      qf_graph_set_output(graph, i, with);
      left--;
    }
}

void qf_node_remove(QfNode *node)
{
  node->dead = TRUE;
  for (uint32_t i = 0; i < node->n_outputs; i++)
    if (node->outputs[i]->producer == node)
      node->outputs[i]->producer = NULL;
}

static void mark(QfTensor *tensor, gboolean *used)
{
  if (tensor)
    used[tensor->id] = TRUE;
}

static void drop_unused_tensors(QfGraph *graph)
{
  g_autofree gboolean *used = g_new0(gboolean, graph->tensors->len + 1);
  for (guint i = 0; i < graph->inputs->len; i++)
    mark(graph->inputs->pdata[i], used);
  for (guint i = 0; i < graph->outputs->len; i++)
    mark(graph->outputs->pdata[i], used);
  qf_foreach_node (node, graph) {
    for (uint32_t i = 0; i < node->n_inputs; i++)
      mark(node->inputs[i], used);
    for (uint32_t i = 0; i < node->n_outputs; i++)
      mark(node->outputs[i], used);
  }
  guint kept = 0;
  for (guint i = 0; i < graph->tensors->len; i++) {
    QfTensor *t = graph->tensors->pdata[i];
    if (!used[i])
      continue;
    t->id = kept;
    graph->tensors->pdata[kept++] = t;
  }
  g_ptr_array_set_size(graph->tensors, (gint)kept);
}

static gboolean has_use(const QfNode *node, const gboolean *used)
{
  for (uint32_t i = 0; i < node->n_outputs; i++)
    if (used[node->outputs[i]->id])
      return TRUE;
  return FALSE;
}

/* Backwards over the topological order, so that one sweep finds whole dead chains. */
static void kill_unused_nodes(QfGraph *graph)
{
  g_autofree gboolean *used = g_new0(gboolean, graph->tensors->len + 1);
  for (guint i = 0; i < graph->outputs->len; i++)
    mark(graph->outputs->pdata[i], used);
  for (guint i = graph->nodes->len; i-- > 0;) {
    QfNode *node = graph->nodes->pdata[i];
    if (node->dead)
      continue;
    if (!has_use(node, used)) {
      qf_node_remove(node);
      continue;
    }
    for (uint32_t k = 0; k < node->n_inputs; k++)
      mark(node->inputs[k], used);
  }
}

void qf_graph_compact(QfGraph *graph)
{
  guint kept = 0;
  graph->indexed = FALSE;
  g_clear_pointer(&graph->output_counts, g_hash_table_unref);
  kill_unused_nodes(graph);
  for (guint i = 0; i < graph->nodes->len; i++) {
    QfNode *node = graph->nodes->pdata[i];
    if (!node->dead)
      graph->nodes->pdata[kept++] = node;
  }
  g_ptr_array_set_size(graph->nodes, (gint)kept);
  drop_unused_tensors(graph);
  qf_foreach_node (node, graph)
    for (uint32_t i = 0; i < node->n_subgraphs; i++)
      qf_graph_compact(node->subgraphs[i]);
}

uint32_t qf_graph_count_uses(const QfGraph *graph, const QfTensor *tensor)
{
  uint32_t n = 0, stamp = begin_walk(graph);
  QfUse *at = tensor->uses;
  for (QfNode *node; (node = next_user(tensor, &at, stamp));)
    for (uint32_t i = 0; i < node->n_inputs; i++)
      n += node->inputs[i] == tensor;
  return n + count_outputs(graph, tensor);
}

QfNode *qf_graph_single_user(const QfGraph *graph, const QfTensor *tensor)
{
  if (qf_graph_count_uses(graph, tensor) != 1)
    return NULL;
  QfUse *at = tensor->uses;
  return next_user(tensor, &at, begin_walk(graph));
}

gboolean qf_graph_is_output(const QfGraph *graph, const QfTensor *tensor)
{
  return count_outputs(graph, tensor) > 0;
}

gboolean qf_graph_is_input(const QfGraph *graph, const QfTensor *tensor)
{
  return !tensor->producer && !tensor->data && g_ptr_array_find(graph->inputs, tensor, NULL);
}
