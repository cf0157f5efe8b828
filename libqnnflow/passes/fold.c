/* SPDX-License-Identifier: MIT */
/*
 * fold.c - computes every node whose inputs are all constant, with the reference kernels. Importers fold most of them already;
 * what other passes made constant, and the weights' Dequantize that the qdq pass left, is folded here.
 */
#include "passes.h"

static gboolean is_constant(const QfNode *node)
{
  for (uint32_t i = 0; i < node->n_inputs; i++)
    if (node->inputs[i] && !node->inputs[i]->data)
      return FALSE;
  return !node->n_subgraphs && !node->op->random;
}

static gboolean run(QfGraph *graph, GError **error)
{
  if (!graph->evaluate)
    return TRUE;
  qf_foreach_node (node, graph) {
    if (!is_constant(node))
      continue;
    qf_node_remove(node);
    if (!graph->evaluate(node, error))
      return FALSE;
  }
  return TRUE;
}

const QfPass qf_pass_fold = {"fold", "computes nodes whose inputs are all constant", FALSE, run};
