/* SPDX-License-Identifier: MIT */
/*
 * direct.c - lets the caller of a model give image inputs as the model computes with them: a Transpose to NHWC and a Quantize that stand first
 * are dropped, and the input's description says so. Whoever converts the frame writes that form at no cost.
 */
#include "util.h"

/* The node that is the only user of the input and may go. */
static QfNode *first_conversion(const QfGraph *graph, const QfTensor *input)
{
  QfNode *user = input->rank == 4 ? qf_graph_single_user(graph, input) : NULL;
  if (!user || qf_graph_is_output(graph, user->outputs[0]))
    return NULL;
  if (qf_node_is(user, "Quantize"))
    return user->outputs[0]->enc.count == 1 && qf_dtype_size(user->outputs[0]->dtype) == 1 ? user : NULL;
  if (!qf_node_is(user, "Transpose"))
    return NULL;
  const int64_t *perm = ((const QfTransposeAttrs *)user->attrs)->perm.v;
  return perm[0] == 0 && perm[1] == 2 && perm[2] == 3 && perm[3] == 1 ? user : NULL;
}

void qf_passes_direct_inputs(QfGraph *graph)
{
  for (guint i = 0; i < graph->inputs->len; i++) {
    QfTensor *input = graph->inputs->pdata[i];
    for (QfNode *node; (node = first_conversion(graph, input));) {
      QfTensor *inner = node->outputs[0];
      inner->name = input->name;
      inner->layout = qf_node_is(node, "Transpose") ? QF_LAYOUT_NHWC : input->layout;
      qf_node_remove(node);
      graph->inputs->pdata[i] = input = inner;
    }
  }
  qf_graph_compact(graph);
}
