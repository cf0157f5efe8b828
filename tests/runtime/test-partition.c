/* SPDX-License-Identifier: MIT */
/*
 * test-partition.c - parts of a graph for a unit that takes some operators only: no part waits for itself, the results are those of one
 * unit, what the unit refuses is told, a unit that fails ends the run with its error, and what it holds goes with the model.
 */
#include "libqnnflow/ops/attrs.h"
#include "libqnnflow/passes/passes.h"
#include "libqnnflow/runtime/frame.h"
#include "libqnnflow/runtime/partition.h"

#include <qnnflow/qnnflow.h>
#include <string.h>

/* A graph as text: one node a line, "OPERATOR OUTPUT INPUT [INPUT]"; x is the input, the last output the graph's. */
static QfGraph *build(const char *text)
{
  QfGraph *graph = qf_graph_new("net");
  g_autoptr(GHashTable) tensors = g_hash_table_new(g_str_hash, g_str_equal);
  g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
  const int64_t dims[] = {1, 4, 4, 8};
  QfTensor *x = qf_graph_add_tensor(graph, "x"), *last = x;
  qf_tensor_set_shape(x, QF_DTYPE_FLOAT32, dims, 4);
  g_ptr_array_add(graph->inputs, x);
  g_hash_table_insert(tensors, (gpointer) "x", x);
  for (guint i = 0; lines[i] && *lines[i]; i++) {
    g_auto(GStrv) words = g_strsplit(lines[i], " ", -1);
    QfTensor *in[2] = {NULL, NULL};
    for (guint k = 0; k < 2 && words[2 + k]; k++)
      g_assert_nonnull(in[k] = g_hash_table_lookup(tensors, words[2 + k]));
    last = qf_graph_add_tensor(graph, words[1]);
    QfNode *node = qf_graph_new_node(graph, words[0], words[1], in, words[3] ? 2 : 1, &last, 1);
    g_autoptr(GError) error = NULL;
    qf_graph_add_node(node, &error);
    g_assert_no_error(error);
    g_hash_table_insert(tensors, (gpointer)last->name, last);
  }
  g_ptr_array_add(graph->outputs, last);
  return graph;
}

/* Operators with multiply-accumulates of a test are none; so parts are told apart by operator only. */
static const struct {
  const char *name, *graph, *parts; /* parts: "device|cpu" and the nodes of each */
} cases[] = {
    {"all", "Relu a x\nTanh b a\n", "device a b"},
    {"none", "ElementWiseAbs a x\n", "cpu a"},
    {"middle", "Relu a x\nElementWiseAbs b a\nTanh c b\n", "device a; cpu b; device c"},
    {"beside", "Relu a x\nElementWiseAbs b a\nTanh c a\nElementWiseAdd d b c\n",
     "device a c; cpu b; device d"},
    {"cpu first", "ElementWiseAbs a x\nRelu b a\nTanh c x\nElementWiseAdd d b c\n",
     "device c; cpu a; device b d"},
    {"no way round", "Relu a x\nElementWiseAbs b a\nElementWiseAdd c a b\nTanh d c\n",
     "device a; cpu b; device c d"},
    {"two branches", "Relu a x\nElementWiseAbs b a\nElementWiseAbs c a\nElementWiseAdd d b c\n",
     "device a; cpu b c; device d"},
};

static gboolean takes(const QfNode *node)
{
  return strcmp(node->op->name, "ElementWiseAbs") != 0;
}

static char *parts_of(const QfGraph *graph, uint64_t min_macs)
{
  g_autofree gboolean *device = g_new0(gboolean, graph->nodes->len + 1);
  for (guint i = 0; i < graph->nodes->len; i++)
    device[i] = takes(graph->nodes->pdata[i]);
  QfPartition p = qf_partition(graph, device, min_macs);
  GString *s = g_string_new(NULL);
  for (guint i = 0; i < p.parts->len; i++) {
    const QfPart *part = &g_array_index(p.parts, QfPart, i);
    g_string_append_printf(s, "%s%s", i ? "; " : "", part->device ? "device" : "cpu");
    for (uint32_t k = 0; k < part->count; k++)
      g_string_append_printf(s, " %s", ((QfNode *)p.nodes->pdata[part->first + k])->name);
  }
  qf_partition_clear(&p);
  return g_string_free(s, FALSE);
}

static void test_parts(gconstpointer data)
{
  const guint i = GPOINTER_TO_UINT(data);
  QfGraph *graph = build(cases[i].graph);
  g_autofree char *got = parts_of(graph, 0);
  g_assert_cmpstr(got, ==, cases[i].parts);
  qf_graph_free(graph);
}

/* Parts without work are left to the CPU, unless there is no other part. */
static void test_small(void)
{
  QfGraph *graph = build(cases[2].graph), *alone = build(cases[0].graph);
  g_autofree char *small = parts_of(graph, 1), *whole = parts_of(alone, 1);
  g_assert_cmpstr(small, ==, "cpu a b c");
  g_assert_cmpstr(whole, ==, cases[0].parts);
  qf_graph_free(graph);
  qf_graph_free(alone);
}

/* A unit that lets the reference compute, in one step a part. */
typedef struct {
  GArray *steps;
  GPtrArray *blocks;
} Part;

static int n_open, n_kept, fails;
static const char *seen_library;

static gpointer unit_open(const QfUnitOptions *options, GError **error)
{
  seen_library = options->library;
  if (options->config)
    g_set_error(error, QF_ERROR, QF_ERROR_DEVICE, "no such unit");
  else
    n_open++;
  return options->config ? NULL : &n_open;
}

static void unit_close(gpointer unit)
{
  g_assert_true(unit == &n_open);
  g_assert_cmpint(n_kept, ==, 0); /* what lives in the unit went before it */
  n_open--;
}

static gboolean unit_supports(gpointer unit, const QfNode *node, GString *why)
{
  g_assert_true(unit == &n_open);
  if (!takes(node))
    g_string_append(why, "it has no absolute values");
  return takes(node);
}

static void unit_run(const QfStep *step, const QfExec *exec)
{
  const Part *part = step->params;
  for (guint i = 0; i < part->steps->len; i++) {
    const QfStep *s = &g_array_index(part->steps, QfStep, i);
    s->run(s, exec);
  }
  if (fails)
    qf_exec_fail(exec, g_error_new(QF_ERROR, QF_ERROR_DEVICE, "the unit is gone"));
}

static void part_free(gpointer data)
{
  Part *part = data;
  g_array_unref(part->steps);
  g_free(part);
  n_kept--;
}

static gboolean unit_lower(QfLower *lower, QfNode *const *nodes, uint32_t n, GError **error)
{
  Part *part = g_new0(Part, 1);
  g_autoptr(GPtrArray) in = NULL, out = NULL;
  QfLower inner = *lower;
  inner.steps = part->steps = g_array_new(FALSE, FALSE, sizeof(QfStep));
  g_assert_true(lower->unit == &n_open);
  n_kept++;
  qf_lower_keep(lower, part, part_free);
  if (!qf_backend_ref.lower(&inner, nodes, n, error))
    return FALSE;
  /* Its inner tensors live in the arena too, so they count as outputs here. */
  qf_lower_part_borders(lower, nodes, n, &in, &out);
  for (uint32_t i = 0; i < n; i++)
    if (!g_ptr_array_find(out, nodes[i]->outputs[0], NULL))
      g_ptr_array_add(out, nodes[i]->outputs[0]);
  qf_lower_part(lower, nodes[0], "unit", "part", unit_run, part, in, out);
  return TRUE;
}

static const QfBackend unit = {
    .name = "unit", .open = unit_open, .close = unit_close, .supports = unit_supports, .lower = unit_lower};

static QfModel *make(const char *text, const QfBackend *backend, gboolean no_fallback, GError **error)
{
  QfModel *model = g_new0(QfModel, 1);
  model->refs = 1;
  model->name = g_strdup("net");
  model->graph = build(text);
  model->backend = backend;
  model->no_fallback = no_fallback;
  if (backend->open)
    model->unit = qf_unit_open(backend, &(QfUnitOptions){.library = "somewhere"}, NULL);
  if (qf_model_compile(model, QF_REQUANT_FLOAT, error))
    return model;
  qf_model_unref(model);
  return NULL;
}

static float *run(QfModel *model)
{
  g_autoptr(QfSession) session = qf_session_new(model, NULL, NULL);
  float *x = qf_session_input_data(session, 0);
  for (int i = 0; i < 128; i++)
    x[i] = (float)(i - 64) / 16;
  g_assert_true(qf_session_run(session, NULL));
  return g_memdup2(qf_session_output_data(session, 0), qf_model_output(model, 0)->size_bytes);
}

static void test_run(gconstpointer data)
{
  const char *text = cases[GPOINTER_TO_UINT(data)].graph;
  g_autoptr(GError) error = NULL;
  g_autoptr(QfModel) plain = make(text, &qf_backend_ref, FALSE, NULL),
                     model = make(text, &unit, FALSE, &error);
  g_assert_no_error(error);
  g_assert_cmpstr(seen_library, ==, "somewhere");
  g_autofree float *expected = run(plain), *got = run(model);
  g_assert_cmpmem(got, 128 * sizeof(float), expected, 128 * sizeof(float));
  g_clear_pointer(&model, qf_model_unref);
  g_assert_cmpint(n_open, ==, 0);
}

static void test_explain(void)
{
  g_autoptr(QfModel) model = make(cases[2].graph, &unit, FALSE, NULL);
  g_autofree char *text = qf_model_explain(model);
  QfModelStats stats;
  qf_model_stats(model, &stats);
  g_assert_cmpuint(stats.n_fallback, ==, 1);
  g_assert_cmpuint(stats.n_parts, ==, 2);
  g_assert_cmpstr(text, ==,
                  "unit: 2 of 3 nodes in 2 parts; cpu: the others\n"
                  "  node 'b' (ElementWiseAbs) on cpu: it has no absolute values\n");
}

static void test_no_fallback(void)
{
  g_autoptr(GError) error = NULL;
  g_assert_null(make(cases[2].graph, &unit, TRUE, &error));
  g_assert_error(error, QF_ERROR, QF_ERROR_UNSUPPORTED);
  g_assert_nonnull(
      strstr(error->message, "node 'b' (ElementWiseAbs) cannot run on unit: it has no absolute values"));
  g_assert_cmpint(n_open, ==, 0);
}

static void test_failure(void)
{
  g_autoptr(QfModel) model = make(cases[2].graph, &unit, FALSE, NULL);
  g_autoptr(QfSession) session = qf_session_new(model, NULL, NULL);
  for (fails = 1; fails >= 0; fails--) {
    g_autoptr(GError) error = NULL;
    gboolean ok = qf_session_run(session, &error);
    g_assert_true(ok == !fails);
    if (fails)
      g_assert_error(error, QF_ERROR, QF_ERROR_DEVICE);
  }
  fails = 0;
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autofree char *parts = g_strconcat("/partition/parts/", cases[i].name, NULL);
    g_autofree char *runs = g_strconcat("/partition/run/", cases[i].name, NULL);
    g_test_add_data_func(parts, GUINT_TO_POINTER(i), test_parts);
    g_test_add_data_func(runs, GUINT_TO_POINTER(i), test_run);
  }
  g_test_add_func("/partition/small", test_small);
  g_test_add_func("/partition/explain", test_explain);
  g_test_add_func("/partition/no-fallback", test_no_fallback);
  g_test_add_func("/partition/failure", test_failure);
  return g_test_run();
}
