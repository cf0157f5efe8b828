/* SPDX-License-Identifier: MIT */
/*
 * passes.h - the ordered list of rewrites between import and lowering. Each is a file; the order is passes.inc.
 */
#ifndef QF_PASSES_PASSES_H
#define QF_PASSES_PASSES_H

#include "../graph/graph.h"

typedef struct {
  const char *name;
  const char *purpose; /* one line, for the README's table and `qnnflow dump --passes` */
  gboolean optional;   /* skipped with QfModelOptions.no_optimize */
  gboolean (*run)(QfGraph *graph,
                  GError **error); /* rewrites one graph; the runner calls it for bodies too */
} QfPass;

const QfPass *const *qf_pass_list(uint32_t *count);

/* Runs all passes, each on the bodies of control flow and then on @graph, and verifies the graph after each. */
gboolean qf_passes_run(QfGraph *graph, gboolean no_optimize, GError **error);

/* Makes the model's image inputs what its first operators compute with: see QfModelOptions.direct_inputs. Run after the passes. */
void qf_passes_direct_inputs(QfGraph *graph);

#endif
