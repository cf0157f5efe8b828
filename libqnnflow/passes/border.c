/* SPDX-License-Identifier: MIT */
/*
 * border.c - gives every output of the model a tensor of its own that a node produces: an output that is also an input, a constant
 * or another output gets a copy (a Reshape to its own shape). So outputs can be bound to the caller's memory.
 */
#include "passes.h"
#include "../ops/attrs.h"

static gboolean add_copy(QfGraph *graph, guint index, GError **error)
{
  QfTensor *from = graph->outputs->pdata[index], *to = qf_graph_add_tensor(graph, from->name);
  to->dtype = from->dtype;
  to->layout = from->layout;
  to->enc = from->enc;
  QfNode *copy = qf_graph_new_node(graph, "Reshape", from->name, &from, 1, &to, 1);
  QfReshapeAttrs *attrs = copy->attrs;
  attrs->shape.n = from->rank;
  for (int i = 0; i < from->rank; i++)
    attrs->shape.v[i] = from->dims[i];
  qf_graph_set_output(graph, index, to);
  return qf_graph_insert_node(copy, NULL, error);
}

static gboolean run(QfGraph *graph, GError **error)
{
  g_autoptr(GHashTable) before = g_hash_table_new(NULL, NULL);
  for (guint i = 0; i < graph->outputs->len; i++) {
    QfTensor *t = graph->outputs->pdata[i];
    if ((t->data || qf_graph_is_input(graph, t) || !g_hash_table_add(before, t)) &&
        !add_copy(graph, i, error))
      return FALSE;
  }
  return TRUE;
}

const QfPass qf_pass_border = {"border", "gives every output of the model a tensor of its own", FALSE, run};
