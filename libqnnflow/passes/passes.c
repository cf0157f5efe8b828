/* SPDX-License-Identifier: MIT */
/*
 * passes.c - runs the list of passes.inc in order and verifies the graph after each.
 */
#include "passes.h"

#define QF_PASS(name) extern const QfPass qf_pass_##name;
#include "passes.inc"
#undef QF_PASS

#define QF_PASS(name) &qf_pass_##name,
static const QfPass *const passes[] = {
#include "passes.inc"
};
#undef QF_PASS

const QfPass *const *qf_pass_list(uint32_t *count)
{
  *count = G_N_ELEMENTS(passes);
  return passes;
}

/* Bodies first, so that the graph around them sees the shapes and types that they have after the pass. */
static gboolean run_pass(const QfPass *pass, QfGraph *graph, GError **error)
{
  qf_foreach_node (node, graph)
    for (uint32_t k = 0; k < node->n_subgraphs; k++)
      if (!run_pass(pass, node->subgraphs[k], error))
        return FALSE;
  return pass->run(graph, error);
}

gboolean qf_passes_run(QfGraph *graph, gboolean no_optimize, GError **error)
{
  qf_graph_compact(graph);
  if (!qf_graph_verify(graph, error))
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS(passes); i++) {
    if ((no_optimize || graph->optimized) && passes[i]->optional)
      continue;
    if (!run_pass(passes[i], graph, error)) {
      g_prefix_error(error, "pass '%s': ", passes[i]->name);
      return FALSE;
    }
    qf_graph_compact(graph);
    if (!qf_graph_verify(graph, error)) {
      g_prefix_error(error, "after pass '%s': ", passes[i]->name);
      return FALSE;
    }
  }
  graph->optimized |= !no_optimize;
  return TRUE;
}
