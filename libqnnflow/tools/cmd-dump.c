/* SPDX-License-Identifier: MIT */
/*
 * cmd-dump.c - `qnnflow dump`: the compiled graph as text or Graphviz, or a table of its operators.
 */
#include "tool.h"
#include "dump-ops.h"
#include "gguf.h"

/* "batch x 3 x ? x ?", the dimensions as the file has them; NULL: none is open. */
static char *open_dims(const QfTensorDesc *d)
{
  g_autoptr(GString) s = g_string_new(NULL);
  gboolean any = FALSE;
  for (int i = 0; i < d->rank; i++) {
    const char *name = d->dim_names[i];
    g_string_append(s, i ? " x " : "");
    any |= name != NULL;
    if (name)
      g_string_append(s, *name ? name : "?");
    else
      g_string_append_printf(s, "%" G_GINT64_FORMAT, d->dims[i]);
  }
  return any ? g_strdup(s->str) : NULL;
}

static void print_border(const QfModel *model)
{
  QfModelStats stats;
  qf_model_stats(model, &stats);
  g_print("%s: %s on %s, %u nodes, %u steps, %.1f MMAC, %.1f kB of constants, %.1f kB of activations\n",
          qf_model_name(model), qf_model_format(model), qf_model_backend(model), stats.n_nodes, stats.n_steps,
          stats.macs / 1e6, stats.param_bytes / 1e3, stats.arena_bytes / 1e3);
  g_print("arena %.1f kB, largest live set %.1f kB, ratio %.3f\n", stats.arena_bytes / 1e3,
          stats.live_bytes / 1e3, stats.live_bytes ? (double)stats.arena_bytes / stats.live_bytes : 1.0);
  if (stats.n_states)
    g_print("keeps %u values, %.1f kB, from run to run\n", stats.n_states, stats.state_bytes / 1e3);
  if (stats.n_fallback || stats.n_parts) {
    g_autofree char *parts = qf_model_explain(model);
    g_print("%s", parts);
  }
  for (uint32_t i = 0; i < qf_model_n_inputs(model) + qf_model_n_outputs(model); i++) {
    gboolean in = i < qf_model_n_inputs(model);
    const QfTensorDesc *d =
        in ? qf_model_input(model, i) : qf_model_output(model, i - qf_model_n_inputs(model));
    g_autofree char *text = qf_tool_tensor_text(d);
    g_print("  %-6s %s: %s", in ? "input" : "output", d->name, text);
    g_autofree char *open = open_dims(d);
    if (open)
      g_print(", in the file %s", open);
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
  gboolean graphviz = FALSE, metadata = FALSE, tensors = FALSE;
  QfDumpTables tables = {0};
  g_auto(QfToolModel) options = {0};
  g_autoptr(GError) error = NULL;
  const GOptionEntry entries[] = {
      {"graphviz", 'g', 0, G_OPTION_ARG_NONE, &graphviz, "As a digraph for `dot -Tsvg`", NULL},
      {"ops", 'o', 0, G_OPTION_ARG_NONE, &tables.ops,
       "A table of operators: nodes, types, work, parameters, and what runs them", NULL},
      {"nodes", 'n', 0, G_OPTION_ARG_NONE, &tables.nodes, "The same of each node", NULL},
      {"json", 'j', 0, G_OPTION_ARG_NONE, &tables.json, "These tables as JSON (alone: both)", NULL},
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
  if (tables.json && !tables.ops && !tables.nodes)
    tables.ops = tables.nodes = TRUE;
  gboolean graph = !tables.ops && !tables.nodes;
  if (!graphviz && !tables.json)
    print_border(model);
  if (!graph && !tables.json && qf_model_is_dynamic(model)) {
    g_print("its shapes follow from values, so its nodes are compiled while it runs: no tables\n");
    return QF_EXIT_OK;
  }
  if (!graph) {
    qf_tool_dump_tables(model, &tables);
    return QF_EXIT_OK;
  }
  g_autofree char *text = qf_model_dump(model, graphviz ? QF_DUMP_GRAPHVIZ : QF_DUMP_TEXT);
  g_print("%s", text);
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
