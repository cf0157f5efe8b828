/* SPDX-License-Identifier: MIT */
/*
 * cmd-compare.c - `qnnflow compare`: a model on several units, layer by layer. The last line is `identical` or the largest difference.
 */
#include "inputs.h"
#include "tool.h"

#include <qnnflow/compare.h>
#include <string.h>

typedef struct {
  QfInputOptions in;
  char *backends;
  gboolean chain, all;
  const char *path;
} CompareOptions;

/* "NAME[@SCHEME][:LIBRARY]": a backend, its integer arithmetic, a vendor's library. Takes @text apart. */
static void read_unit(char *text, QfModelOptions *o)
{
  char *library = strchr(text, ':'), *scheme;
  if (library)
    *library++ = 0;
  if ((scheme = strchr(text, '@')))
    *scheme++ = 0;
  o->backend = text;
  o->requant = scheme ? scheme : o->requant;
  o->backend_library = library ? library : o->backend_library;
}

static void print_row(const QfDifference *d)
{
  const double n = (double)MAX(d->elements, 1);
  if (d->note) {
    g_print("%-26.26s %-32.32s %s\n", d->op, d->node, d->note);
    return;
  }
  g_print("%-26.26s %-32.32s %10" G_GUINT64_FORMAT " %8.3f %8.3f  %.4g%s\n", d->op, d->node, d->elements,
          100 * (double)d->differ / n, 100 * (double)d->beyond / n, d->largest,
          d->integer ? " steps" : " of the largest");
}

static void print_table(const CompareOptions *o, const QfComparison *c)
{
  uint64_t elements = 0, near = 0;
  uint32_t equal = 0, missing = 0;
  g_print("%-26s %-32s %10s %8s %8s  %s\n", "operator", "node", "elements", "differ %", "beyond %",
          "largest");
  for (uint32_t i = 0; i < c->n_layers; i++) {
    const QfDifference *d = &c->layers[i];
    elements += d->elements;
    near += d->elements - d->beyond;
    missing += d->note != NULL;
    equal += !d->note && !d->differ;
    if (o->all || d->note || d->differ)
      print_row(d);
  }
  g_print("%u outputs of nodes, %u equal, %u not compared; %.4f %% of numbers within a step (floats: 1e-3 of "
          "the largest)\n",
          c->n_layers, equal, missing, 100 * (double)near / (double)MAX(elements, 1));
}

static void print_result(const QfComparison *c)
{
  const QfDifference *worst = qf_comparison_worst(c);
  uint32_t compared = 0;
  for (uint32_t i = 0; i < c->n_layers; i++)
    compared += !c->layers[i].note;
  if (!compared)
    g_print("nothing could be compared\n");
  else if (!worst)
    g_print("identical\n");
  else if (worst->integer)
    g_print("largest difference %g steps, at '%s' (%s)\n", worst->largest, worst->node, worst->op);
  else
    g_print("largest difference %.3g of the largest magnitude, at '%s' (%s)\n", worst->largest, worst->node,
            worst->op);
}

/* The values of the model's inputs, from the files or random. Free with g_ptr_array_unref(). */
static GPtrArray *read_inputs(const CompareOptions *o, const QfModelOptions *options, GError **error)
{
  g_autoptr(QfModel) model = qf_model_load(o->path, options, error);
  g_autoptr(QfSession) session = model ? qf_session_new(model, NULL, error) : NULL;
  QfInputOptions in = o->in;
  in.random |= !in.files;
  if (!session || !qf_input_fill(session, &in, error))
    return NULL;
  GPtrArray *values = g_ptr_array_new_with_free_func(g_free);
  for (uint32_t i = 0; i < qf_model_n_inputs(model); i++)
    g_ptr_array_add(values,
                    g_memdup2(qf_session_input_data(session, i), qf_model_input(model, i)->size_bytes));
  return values;
}

static gboolean compare_all(const QfModelOptions *base, gpointer data, GError **error)
{
  const CompareOptions *o = data;
  g_auto(GStrv) units = g_strsplit(o->backends, ",", -1), names = g_strdupv(units);
  QfModelOptions reference = *base;
  if (g_strv_length(units) < 2) {
    g_set_error(error, QF_ERROR, QF_ERROR_ARGUMENT, "--backends %s: name two units or more, as in ref,cpu",
                o->backends);
    return FALSE;
  }
  read_unit(units[0], &reference);
  g_autoptr(GPtrArray) inputs = read_inputs(o, &reference, error);
  for (guint i = 1; inputs && units[i]; i++) {
    QfModelOptions other = *base;
    read_unit(units[i], &other);
    g_autoptr(QfComparison) c = qf_compare(o->path, &reference, &other, (const void *const *)inputs->pdata,
                                           o->chain ? QF_COMPARE_CHAIN : QF_COMPARE_EACH, error);
    if (!c)
      return FALSE;
    g_print("%s%s against %s\n%s", i > 1 ? "\n" : "", names[0], names[i], c->parted ? c->parted : "");
    print_table(o, c);
    print_result(c);
  }
  return inputs != NULL;
}

static int run(int argc, char **argv)
{
  CompareOptions o = {0};
  g_auto(QfToolModel) model = {0};
  g_autoptr(GError) error = NULL;
  const GOptionEntry entries[] = {
      {"backends", 0, 0, G_OPTION_ARG_STRING, &o.backends,
       "Units to compare with the first (default: ref,cpu); SCHEME is integer arithmetic, LIBRARY a vendor's",
       "NAME[@SCHEME][:LIBRARY],..."},
      {"chain", 0, 0, G_OPTION_ARG_NONE, &o.chain,
       "Run the whole model on each unit (default: each layer alone, on the first unit's values)", NULL},
      {"all", 'a', 0, G_OPTION_ARG_NONE, &o.all, "Show layers that are equal, too", NULL},
      QF_INPUT_ENTRIES(o.in),
      {NULL},
  };
  gboolean ok = qf_tool_parse(&qf_tool_compare, &argc, &argv, entries, qf_tool_model_group(&model), 1, 1);
  int code = QF_EXIT_USAGE;
  if (ok) {
    o.path = argv[1];
    o.backends = o.backends ? o.backends : g_strdup("ref,cpu");
    code = qf_tool_with_options(&model, compare_all, &o, &error) ? QF_EXIT_OK
                                                                 : qf_tool_fail(&qf_tool_compare, error);
  }
  qf_input_options_clear(&o.in);
  g_free(o.backends);
  return code;
}

const QfTool qf_tool_compare = {
    .name = "compare",
    .arguments = "MODEL",
    .summary = "Compare what units make of a model, layer by layer",
    .description = "The last line is `identical`, or the largest difference with its layer. Example:\n"
                   "  qnnflow compare net.tflite --backends ref,cpu,qnn:/opt/qnn/libQnnHtp.so -i cat.jpg",
    .run = run,
};
