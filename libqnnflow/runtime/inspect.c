/* SPDX-License-Identifier: MIT */
/*
 * inspect.c - a compiled model as a list of nodes with their cost and kernel, bodies of control flow behind their node.
 */
#include "model.h"

#include <qnnflow/inspect.h>
#include <string.h>

typedef struct {
  GArray *nodes;    /* QfNodeInfo */
  GHashTable *seen; /* first bytes of the constants counted so far */
} Inspection;

static void add_constant(Inspection *in, QfNodeInfo *info, const QfTensor *t, uint64_t *largest)
{
  gsize size;
  gconstpointer data = g_bytes_get_data(t->data, &size);
  if (size >= *largest) {
    *largest = size;
    info->param_type = t->dtype;
  }
  if (!size || !g_hash_table_add(in->seen, (gpointer)data))
    return;
  info->params += (uint64_t)qf_tensor_count(t);
  info->param_bytes += size;
}

static QfNodeInfo describe(Inspection *in, const QfNode *node, uint32_t depth)
{
  const QfTensor *out = node->outputs[0];
  QfNodeInfo info = {.name = node->name,
                     .op = node->op->name,
                     .depth = depth,
                     .macs = node->op->macs ? node->op->macs(node) : 0,
                     .out_type = out->dtype,
                     .rank = out->rank};
  uint64_t largest = 0;
  memcpy(info.dims, out->dims, sizeof info.dims);
  for (uint32_t i = 0; i < node->n_inputs; i++) {
    const QfTensor *t = node->inputs[i];
    if (t && t->data)
      add_constant(in, &info, t, &largest);
    else if (t && !info.in_type)
      info.in_type = t->dtype;
  }
  return info;
}

/* Bodies by their graphs. */
static GHashTable *bodies_by_graph(const QfModel *model)
{
  GHashTable *bodies = g_hash_table_new(NULL, NULL);
  for (guint i = 0; model->bodies && i < model->bodies->len; i++) {
    QfModel *body = model->bodies->pdata[i];
    g_hash_table_insert(bodies, body->graph, body);
  }
  return bodies;
}

/* Of several steps of a node the last one is named: those before it bring its inputs into form. */
static GHashTable *steps_by_node(const QfModel *model)
{
  GHashTable *steps = g_hash_table_new(NULL, NULL);
  for (guint i = 0; i < model->steps->len; i++) {
    QfStep *step = &g_array_index(model->steps, QfStep, i);
    g_hash_table_insert(steps, (gpointer)step->node, step);
  }
  return steps;
}

static void add_nodes(Inspection *in, const QfModel *model, uint32_t depth)
{
  g_autoptr(GHashTable) steps = steps_by_node(model), bodies = bodies_by_graph(model);
  qf_foreach_node (node, model->graph) {
    QfNodeInfo info = describe(in, node, depth);
    const QfStep *step = g_hash_table_lookup(steps, node);
    info.unit = step ? step->unit : NULL;
    info.kernel = step ? step->kernel : NULL;
    g_array_append_val(in->nodes, info);
    for (uint32_t i = 0; i < node->n_subgraphs; i++) {
      const QfModel *body = g_hash_table_lookup(bodies, node->subgraphs[i]);
      if (body)
        add_nodes(in, body, depth + 1);
    }
  }
}

QfNodeInfo *qf_model_inspect(const QfModel *model, uint32_t *count)
{
  g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);
  Inspection in = {g_array_new(FALSE, FALSE, sizeof(QfNodeInfo)), seen};
  add_nodes(&in, model, 0);
  *count = in.nodes->len;
  return (QfNodeInfo *)(void *)g_array_free(in.nodes, FALSE);
}

/* Each reason once, with the first node that it is for. */
static void explain_refused(GString *s, const QfModel *model)
{
  g_autoptr(GHashTable) counts = g_hash_table_new(g_str_hash, g_str_equal);
  const GPtrArray *nodes = model->graph->nodes;
  for (guint i = 0; model->refused && i < nodes->len; i++) {
    char *why = g_hash_table_lookup(model->refused, nodes->pdata[i]);
    if (why)
      g_hash_table_insert(counts, why,
                          GINT_TO_POINTER(GPOINTER_TO_INT(g_hash_table_lookup(counts, why)) + 1));
  }
  for (guint i = 0; model->refused && i < nodes->len; i++) {
    const QfNode *node = nodes->pdata[i];
    const char *why = g_hash_table_lookup(model->refused, node);
    const gint n = why ? GPOINTER_TO_INT(g_hash_table_lookup(counts, why)) : 0;
    if (!n)
      continue;
    g_string_append_printf(s, "  node '%s' (%s)", node->name, node->op->name);
    if (n > 1)
      g_string_append_printf(s, " and %d more", n - 1);
    g_string_append_printf(s, " on %s: %s\n", qf_model_beside(model)->name, why);
    g_hash_table_remove(counts, why);
  }
}

char *qf_model_explain(const QfModel *model)
{
  GString *s = g_string_new(NULL);
  const QfModelStats *stats = &model->stats;
  const uint32_t on_unit = stats->n_nodes - stats->n_fallback;
  g_string_append_printf(s, "%s: %u of %u nodes", model->backend->name, on_unit, stats->n_nodes);
  if (stats->n_parts > 1)
    g_string_append_printf(s, " in %u parts", stats->n_parts);
  if (stats->n_fallback)
    g_string_append_printf(s, "; %s: the others", qf_model_beside(model)->name);
  g_string_append_c(s, '\n');
  explain_refused(s, model);
  const uint32_t refused = model->refused ? g_hash_table_size(model->refused) : 0;
  if (stats->n_fallback > refused)
    g_string_append_printf(s, "  %u nodes on %s: too little work between nodes that run there\n",
                           stats->n_fallback - refused, qf_model_beside(model)->name);
  return g_string_free(s, FALSE);
}
