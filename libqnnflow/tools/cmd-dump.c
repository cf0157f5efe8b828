/* SPDX-License-Identifier: MIT */
/*
 * cmd-dump.c - `qnnflow dump`: the compiled graph as text or Graphviz, or a table of its operators.
 */
#include "tool.h"
#include "gguf.h"

#include <string.h>

typedef struct {
  const char *op;
  uint64_t count, macs;
  GPtrArray *kernels; /* different names, borrowed */
} OpRow;

static void add_name(GPtrArray *names, const char *name)
{
  for (guint i = 0; i < names->len; i++)
    if (!strcmp(g_ptr_array_index(names, i), name))
      return;
  g_ptr_array_add(names, (char *)name);
}

static OpRow *row_of(GArray *rows, const char *op)
{
  for (guint i = 0; i < rows->len; i++)
    if (!strcmp(g_array_index(rows, OpRow, i).op, op))
      return &g_array_index(rows, OpRow, i);
  OpRow row = {.op = op, .kernels = g_ptr_array_new()};
  g_array_append_val(rows, row);
  return &g_array_index(rows, OpRow, rows->len - 1);
}

static int by_macs(gconstpointer a, gconstpointer b)
{
  const OpRow *x = a, *y = b;
  return x->macs != y->macs ? (x->macs < y->macs ? 1 : -1) : (x->count < y->count) - (x->count > y->count);
}

static void print_ops(QfSession *session)
{
  uint32_t n;
  const QfLayerProfile *layers = qf_session_layers(session, &n);
  g_autoptr(GArray) rows = g_array_new(FALSE, FALSE, sizeof(OpRow));
  for (uint32_t i = 0; i < n; i++) {
    OpRow *row = row_of(rows, layers[i].op);
    row->count++;
    row->macs += layers[i].macs;
    add_name(row->kernels, layers[i].kernel ? layers[i].kernel : "-");
  }
  g_array_sort(rows, by_macs);
  g_print("%-22s %6s %12s  %s\n", "operator", "steps", "MMAC", "kernels");
  for (guint i = 0; i < rows->len; i++) {
    OpRow *row = &g_array_index(rows, OpRow, i);
    g_ptr_array_add(row->kernels, NULL);
    g_autofree char *kernels = g_strjoinv(" ", (char **)row->kernels->pdata);
    g_print("%-22s %6" G_GUINT64_FORMAT " %12.3f  %s\n", row->op, row->count, row->macs / 1e6, kernels);
    g_ptr_array_unref(row->kernels);
  }
}

static void print_border(const QfModel *model)
{
  QfModelStats stats;
  qf_model_stats(model, &stats);
  g_print("%s: %s on %s, %u nodes, %u steps, %.1f MMAC, %.1f kB of constants, %.1f kB of activations\n",
          qf_model_name(model), qf_model_format(model), qf_model_backend(model), stats.n_nodes, stats.n_steps,
          stats.macs / 1e6, stats.param_bytes / 1e3, stats.arena_bytes / 1e3);
  if (stats.n_fallback)
    g_print("%u nodes have no kernel on %s and run on the reference backend\n", stats.n_fallback,
            qf_model_backend(model));
  for (uint32_t i = 0; i < qf_model_n_inputs(model) + qf_model_n_outputs(model); i++) {
    gboolean in = i < qf_model_n_inputs(model);
    const QfTensorDesc *d =
        in ? qf_model_input(model, i) : qf_model_output(model, i - qf_model_n_inputs(model));
    g_autofree char *text = qf_tool_tensor_text(d);
    g_print("  %-6s %s: %s", in ? "input" : "output", d->name, text);
    if (d->quant.count)
      g_print(", real = (q + %d) * %g", d->quant.entries[0].offset, (double)d->quant.entries[0].scale);
    g_print("\n");
  }
}

static int print_operators(const char *format)
{
  g_autoptr(GError) error = NULL;
  g_autofree char *text = qf_format_operators(format, &error);
  if (!text)
    return qf_tool_fail(&qf_tool_dump, error);
  g_print("%s\n", text);
  return QF_EXIT_OK;
}

static int run(int argc, char **argv)
{
  g_autofree char *operators = NULL;
  gboolean graphviz = FALSE, ops = FALSE, metadata = FALSE, tensors = FALSE;
  g_auto(QfToolModel) options = {0};
  g_autoptr(GError) error = NULL;
  const GOptionEntry entries[] = {
      {"graphviz", 'g', 0, G_OPTION_ARG_NONE, &graphviz, "As a digraph for `dot -Tsvg`", NULL},
      {"ops", 'o', 0, G_OPTION_ARG_NONE, &ops, "Only a table of operators and the kernels chosen for them",
       NULL},
      {"metadata", 0, 0, G_OPTION_ARG_NONE, &metadata, "GGUF files: only their metadata", NULL},
      {"tensors", 0, 0, G_OPTION_ARG_NONE, &tensors, "GGUF files: only their tensors", NULL},
      {"operators", 0, 0, G_OPTION_ARG_STRING, &operators,
       "Only the operators that a format's importer knows; no MODEL then", "FORMAT"},
      {NULL},
  };
  if (!qf_tool_parse(&qf_tool_dump, &argc, &argv, entries, qf_tool_model_group(&options), 0, 1))
    return QF_EXIT_USAGE;
  if (operators)
    return print_operators(operators);
  if (argc != 2)
    return qf_tool_usage(&qf_tool_dump, "an argument is missing: MODEL");
  if (qf_tool_is_gguf(argv[1]))
    return qf_tool_dump_gguf(argv[1], metadata, tensors, &error) ? QF_EXIT_OK
                                                                 : qf_tool_fail(&qf_tool_dump, error);
  g_autoptr(QfModel) model = qf_tool_load(argv[1], &options, &error);
  if (!model)
    return qf_tool_fail(&qf_tool_dump, error);
  if (!ops) {
    g_autofree char *text = qf_model_dump(model, graphviz ? QF_DUMP_GRAPHVIZ : QF_DUMP_TEXT);
    if (!graphviz)
      print_border(model);
    g_print("%s", text);
    return QF_EXIT_OK;
  }
  QfSessionOptions session_options = {.n_threads = 1, .profile = TRUE};
  g_autoptr(QfSession) session = qf_session_new(model, &session_options, &error);
  if (!session)
    return qf_tool_fail(&qf_tool_dump, error);
  print_border(model);
  print_ops(session);
  return QF_EXIT_OK;
}

const QfTool qf_tool_dump = {
    .name = "dump",
    .arguments = "MODEL",
    .summary = "Show what a model file became: its nodes, kernels and operators",
    .description =
        "The graph is shown as it runs, after optimisation; --no-optimize shows it as the file has it.",
    .run = run,
};
