/* SPDX-License-Identifier: MIT */
/*
 * graph.c - a graph that some bytes became, through everything that follows an import.
 */
#include "fuzz.h"

#include "libqnnflow/passes/passes.h"
#include "libqnnflow/runtime/model.h"

#include <qnnflow/qnnflow.h>
#include <string.h>

/* Work that a run may take: what instrumented code does in a few milliseconds. */
#define MAX_WORK 200000

static uint64_t work_of(const QfGraph *graph)
{
  uint64_t sum = 0;
  for (guint i = 0; i < graph->tensors->len && sum < MAX_WORK; i++)
    sum += qf_tensor_size_bytes(graph->tensors->pdata[i]);
  qf_foreach_node (node, graph) {
    uint64_t macs = node->op->macs ? node->op->macs(node) : 0;
    sum += MIN(macs, MAX_WORK);
    for (uint32_t i = 0; i < node->n_subgraphs; i++) /* how often a body runs is not known */
      sum += MAX_WORK + work_of(node->subgraphs[i]);
  }
  return sum;
}

static void fill(const QfTensorDesc *d, uint8_t *data, uint32_t seed)
{
  static const float odd[] = {0, 1, -1, .5f, 300, -1e-6f, -128, 1e6f};
  g_autoptr(GRand) random = g_rand_new_with_seed(seed);
  size_t size = qf_dtype_size(d->dtype);
  for (size_t i = 0; i < d->size_bytes / size;
       i++) { /* small numbers, that as indices are now and then out of range */
    int64_t v = d->dtype == QF_DTYPE_BOOL ? g_rand_int_range(random, 0, 2)
                                          : g_rand_int_range(random, -4, seed & 1 ? 200 : 8);
    memcpy(data + i * size, &v, size);
  }
  for (size_t i = 0; d->dtype == QF_DTYPE_FLOAT32 && i < d->size_bytes / 4; i++)
    ((float *)data)[i] = odd[g_rand_int(random) % (seed & 1 ? 8 : 4)];
}

static void run(QfModel *model, uint32_t seed)
{
  QfSessionOptions one = {.n_threads = 1};
  g_autoptr(GError) error = NULL;
  g_autoptr(QfSession) session = qf_session_new(model, &one, &error);
  for (uint32_t turn = 0; session && turn < 2; turn++) {
    for (uint32_t i = 0; i < qf_model_n_inputs(model); i++)
      fill(qf_model_input(model, i), qf_session_input_data(session, i), seed * 2 + turn);
    if (!qf_session_run(session, &error) && !error)
      g_error("a run failed without an error");
    g_clear_error(&error);
  }
}

void qf_fuzz_graph(QfGraph *graph, gboolean done, GError **error, uint32_t seed)
{
  done = done && qf_graph_verify(graph, error) && qf_passes_run(graph, seed & 2, error);
  if (done == (*error != NULL))
    g_error("success with an error, or failure without one");
  if (!done || work_of(graph) > MAX_WORK) {
    qf_graph_free(graph);
    return;
  }
  QfModel *model = g_new0(QfModel, 1);
  model->refs = 1;
  model->name = g_strdup("fuzz");
  model->graph = graph;
  model->backend = &qf_backend_ref;
  if (qf_model_compile(model, QF_REQUANT_FLOAT, error))
    run(model, seed);
  else if (!*error)
    g_error("compiling failed without an error");
  qf_model_unref(model);
}
