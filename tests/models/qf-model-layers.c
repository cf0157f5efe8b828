/* SPDX-License-Identifier: MIT */
/*
 * qf-model-layers.c - how far the engine's own integer arithmetic is from LiteRT's (or from HVX's), layer by layer: the model runs in
 * the `tflite` (or `fixed`) scheme, node by node, and each node runs once more in the `float` scheme on the very same inputs. One
 * line a model.
 * tests/models/layers calls it.
 */
#include "case.h"

#include "libqnnflow/backends/backend.h"
#include "libqnnflow/import/import.h"
#include "libqnnflow/passes/passes.h"
#include "libqnnflow/runtime/memory.h"
#include "libqnnflow/runtime/model.h"
#include "libqnnflow/runtime/pool.h"

#include <locale.h>
#include <math.h>
#include <string.h>

#define EXIT_SKIPPED 77

static gint limit = 1;
static gchar *list_path = NULL;
static gchar *scheme = NULL;
static gboolean verbose = FALSE;

static const GOptionEntry entries[] = {
    {"limit", 'l', 0, G_OPTION_ARG_INT, &limit, "Steps that a layer may differ by (default: 1)", "N"},
    {"cases", 'c', 0, G_OPTION_ARG_FILENAME, &list_path, "Only the cases this file names", "FILE"},
    {"scheme", 's', 0, G_OPTION_ARG_STRING, &scheme, "What is compared with float: tflite (default), fixed",
     "SCHEME"},
    {"verbose", 'v', 0, G_OPTION_ARG_NONE, &verbose, "A line for each layer that differs as well", NULL},
    {NULL},
};

static gboolean is_fixed(void)
{
  return scheme && !strcmp(scheme, "fixed");
}

/* A model while it runs: the values of the `tflite` (or `fixed`) scheme, by tensor. */
typedef struct {
  QfGraph *graph;
  void **data;
  GPtrArray *buffers;
  QfPool *pool;
  uint32_t layers;
  uint64_t elements, differ;
  double largest;
  const char *worst;
} Run;

static void *new_buffer(Run *run, size_t size)
{
  void *data = qf_aligned_alloc(MAX(size, 1));
  g_ptr_array_add(run->buffers, data);
  return data;
}

/* Runs @node alone on @data, where its outputs have memory. */
static gboolean run_node(Run *run, QfNode *node, const QfBackend *backend, QfRequant requant, void **data,
                         GError **error)
{
  guint n = run->graph->tensors->len;
  g_autofree uint32_t *alias = g_new(uint32_t, n + 1);
  g_autoptr(GArray) steps = g_array_new(FALSE, FALSE, sizeof(QfStep));
  g_autoptr(GPtrArray) blocks = g_ptr_array_new_with_free_func(qf_aligned_free), kept = qf_kept_new();
  for (guint i = 0; i < n; i++)
    alias[i] = i;
  QfLower lower = {.graph = run->graph,
                   .requant = requant,
                   .steps = steps,
                   .blocks = blocks,
                   .kept = kept,
                   .alias = alias,
                   .fallback = &qf_backend_ref};
  if (!backend->lower(&lower, &node, 1, error))
    return FALSE;
  QfExec exec = {.data = data, .pool = run->pool, .n_threads = 1};
  for (guint i = 0; i < steps->len; i++)
    exec.scratch_stride = MAX(exec.scratch_stride, g_array_index(steps, QfStep, i).scratch_bytes);
  exec.scratch = qf_aligned_alloc(exec.scratch_stride + 1);
  for (guint i = 0; i < steps->len; i++) {
    const QfStep *step = &g_array_index(steps, QfStep, i);
    step->run(step, &exec);
  }
  for (uint32_t i = 0; i < node->n_outputs; i++) {
    const QfTensor *t = node->outputs[i];
    if (alias[t->id] != t->id)
      memcpy(data[t->id], data[alias[t->id]], qf_tensor_size_bytes(t));
  }
  qf_aligned_free(exec.scratch);
  return TRUE;
}

static double number(const QfTensor *t, const void *data, int64_t i)
{
  return t->dtype == QF_DTYPE_INT8    ? ((const int8_t *)data)[i]
         : t->dtype == QF_DTYPE_UINT8 ? ((const uint8_t *)data)[i]
         : t->dtype == QF_DTYPE_INT16 ? ((const int16_t *)data)[i]
                                      : ((const uint16_t *)data)[i];
}

static gboolean counts(const QfTensor *t)
{
  return t->enc.count && (t->dtype == QF_DTYPE_INT8 || t->dtype == QF_DTYPE_UINT8 ||
                          t->dtype == QF_DTYPE_INT16 || t->dtype == QF_DTYPE_UINT16);
}

static void compare(Run *run, const QfNode *node, const QfTensor *t, const void *theirs, const void *ours)
{
  uint64_t differ = 0;
  double largest = 0;
  int64_t n = qf_tensor_count(t);
  for (int64_t i = 0; i < n; i++) {
    double d = fabs(number(t, theirs, i) - number(t, ours, i));
    differ += d != 0;
    largest = fmax(largest, d);
  }
  run->layers++;
  run->elements += (uint64_t)n;
  run->differ += differ;
  if (largest > run->largest) {
    run->largest = largest;
    run->worst = node->name;
  }
  if (verbose && differ)
    g_print("     %-28s %6.2f %% by %g  %s\n", node->op->name, 100 * (double)differ / (double)n, largest,
            node->name);
}

/* The node in both schemes. Only what has quantized outputs can differ. */
static gboolean do_node(Run *run, QfNode *node, GError **error)
{
  gboolean quantized = FALSE;
  g_autofree void **mine = g_memdup2(run->data, (run->graph->tensors->len + 1) * sizeof(void *));
  for (uint32_t i = 0; i < node->n_outputs; i++) {
    const QfTensor *t = node->outputs[i];
    run->data[t->id] = new_buffer(run, qf_tensor_size_bytes(t));
    quantized |= counts(t);
  }
  if (!run_node(run, node, &qf_backend_ref, is_fixed() ? QF_REQUANT_FIXED : QF_REQUANT_TFLITE, run->data,
                error))
    return FALSE;
  if (!quantized)
    return TRUE;
  for (uint32_t i = 0; i < node->n_outputs; i++)
    mine[node->outputs[i]->id] = new_buffer(run, qf_tensor_size_bytes(node->outputs[i]));
  if (!run_node(run, node, &qf_backend_cpu, QF_REQUANT_FLOAT, mine, error))
    return FALSE;
  for (uint32_t i = 0; i < node->n_outputs; i++)
    if (counts(node->outputs[i]))
      compare(run, node, node->outputs[i], run->data[node->outputs[i]->id], mine[node->outputs[i]->id]);
  return TRUE;
}

/* Ordinary inputs from the case, states as they begin. */
static gboolean set_inputs(Run *run, const QfCase *c, GError **error)
{
  QfGraph *g = run->graph;
  for (guint i = 0; i < g->tensors->len; i++) {
    const QfTensor *t = g_ptr_array_index(g->tensors, i);
    run->data[t->id] = (void *)qf_tensor_data(t);
  }
  for (guint i = 0; i < g->inputs->len; i++) {
    const QfTensor *t = g_ptr_array_index(g->inputs, i);
    size_t size = qf_tensor_size_bytes(t);
    void *data = run->data[t->id] = new_buffer(run, size);
    guint ordinary = g->inputs->len - g->n_states;
    g_auto(QfNpy) array = {0};
    memset(data, 0, size);
    if (i >= ordinary) {
      GBytes *initial = g->states[i - ordinary].initial;
      if (initial)
        memcpy(data, g_bytes_get_data(initial, NULL), size);
    } else if (!qf_case_array(c, "input", i, &array, error))
      return FALSE;
    else
      memcpy(data, array.data, MIN(size, array.size_bytes));
  }
  return TRUE;
}

static gboolean run_model(Run *run, const QfCase *c, GError **error)
{
  QfModelOptions options = {.backend = "ref",
                            .requant = is_fixed() ? "fixed" : "tflite",
                            .no_optimize = TRUE};
  g_autoptr(GMappedFile) file = g_mapped_file_new(c->model, FALSE, error);
  if (!file)
    return FALSE;
  g_autoptr(GBytes) bytes = g_mapped_file_get_bytes(file);
  run->graph = qf_import(bytes, c->model, NULL, &options, qf_ref_evaluate, error);
  if (!run->graph || !qf_passes_run(run->graph, TRUE, error))
    return FALSE;
  run->data = g_new0(void *, run->graph->tensors->len + 1);
  if (!set_inputs(run, c, error))
    return FALSE;
  qf_foreach_node (node, run->graph)
    if (!do_node(run, node, error))
      return FALSE;
  return TRUE;
}

typedef struct {
  uint32_t passed, failed, skipped;
} Tally;

static void do_case(const QfCase *c, Tally *tally)
{
  Run run = {.buffers = g_ptr_array_new_with_free_func(qf_aligned_free), .pool = qf_pool_new(1)};
  g_autoptr(GError) error = NULL;
  gboolean ran = c->model && g_str_has_suffix(c->model, ".tflite") && run_model(&run, c, &error);
  if (!ran || !run.layers) {
    tally->skipped++;
    if (error)
      g_print("SKIP %-44s %s\n", c->name, error->message);
  } else {
    gboolean passes = run.largest <= limit;
    g_print("%s %-44s %4u layers, %9" G_GUINT64_FORMAT " elements, %6.3f %% differ, by %g%s%s\n",
            passes ? "PASS" : "FAIL", c->name, run.layers, run.elements,
            100 * (double)run.differ / (double)MAX(run.elements, 1), run.largest,
            passes ? "" : ", most: ", passes ? "" : run.worst);
    *(passes ? &tally->passed : &tally->failed) += 1;
  }
  g_free(run.data);
  g_ptr_array_unref(run.buffers);
  qf_graph_free(run.graph);
  qf_pool_free(run.pool);
}

/* Whether the list has a line that begins with @name. */
static gboolean listed(const char *list, const char *name)
{
  g_auto(GStrv) lines = g_strsplit(list, "\n", -1);
  for (char **line = lines; *line; line++) {
    g_auto(GStrv) words = g_strsplit_set(*line, " \t", 2);
    if (words[0] && !strcmp(words[0], name))
      return TRUE;
  }
  return FALSE;
}

int main(int argc, char **argv)
{
  setlocale(LC_ALL, "");
  g_autoptr(GOptionContext) context = g_option_context_new("DIR...");
  g_autoptr(GError) error = NULL;
  g_autofree char *list = NULL;
  Tally tally = {0};
  g_option_context_add_main_entries(context, entries, NULL);
  if (!g_option_context_parse(context, &argc, &argv, &error) || argc < 2 ||
      (list_path && !g_file_get_contents(list_path, &list, NULL, &error))) {
    g_printerr("%s\n", error ? error->message : "give at least one folder; --help says more");
    return 2;
  }
  for (int i = 1; i < argc; i++) {
    g_autoptr(GPtrArray) found = qf_case_find(argv[i]);
    for (guint k = 0; k < found->len; k++) {
      g_autoptr(QfCase) c = qf_case_read(found->pdata[k], NULL);
      if (c && (!list || listed(list, c->name)))
        do_case(c, &tally);
    }
  }
  g_print("%u passed, %u failed, %u skipped\n", tally.passed, tally.failed, tally.skipped);
  return tally.failed ? 1 : tally.passed ? 0 : EXIT_SKIPPED;
}
