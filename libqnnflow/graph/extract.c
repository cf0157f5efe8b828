/* SPDX-License-Identifier: MIT */
/*
 * extract.c - one node as a graph of its own: to run it alone, on another unit or on given values.
 */
#include "graph.h"

#include <string.h>

static QfTensor *copy_tensor(QfGraph *to, GHashTable *copies, const QfTensor *t)
{
  QfTensor *copy = g_hash_table_lookup(copies, t);
  if (copy)
    return copy;
  if (t->data)
    copy = qf_graph_add_constant(to, t->name, t->dtype, t->dims, t->rank, qf_tensor_ref_bytes(t));
  else {
    copy = qf_graph_add_tensor(to, t->name);
    qf_tensor_set_shape(copy, t->dtype, t->dims, t->rank);
  }
  copy->layout = t->layout;
  if (t->enc.count)
    qf_tensor_set_encoding(to, copy, t->enc.count, t->enc.axis, t->enc.entries);
  g_hash_table_insert(copies, (gpointer)t, copy);
  return copy;
}

QfGraph *qf_graph_extract(const QfNode *node, GError **error)
{
  QfGraph *to = qf_graph_new(node->graph->name);
  g_autoptr(GHashTable) copies = g_hash_table_new(NULL, NULL);
  g_autofree QfTensor **in = g_new0(QfTensor *, node->n_inputs + 1),
                      **out = g_new0(QfTensor *, node->n_outputs + 1);
  to->format = node->graph->format;
  for (uint32_t i = 0; i < node->n_inputs; i++) {
    const QfTensor *t = node->inputs[i];
    const gboolean fresh = t && !g_hash_table_contains(copies, t);
    in[i] = t ? copy_tensor(to, copies, t) : NULL;
    if (fresh && !t->data)
      g_ptr_array_add(to->inputs, in[i]);
  }
  for (uint32_t i = 0; i < node->n_outputs; i++)
    g_ptr_array_add(to->outputs, out[i] = copy_tensor(to, copies, node->outputs[i]));
  QfNode *copy = qf_graph_new_node(to, node->op->name, node->name, in, node->n_inputs, out, node->n_outputs);
  memcpy(copy->attrs, node->attrs, node->op->attrs_size);
  if (qf_graph_add_node(copy, error))
    return to;
  qf_graph_free(to);
  return NULL;
}
