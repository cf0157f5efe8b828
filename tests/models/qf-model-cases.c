/* SPDX-License-Identifier: MIT */
/*
 * qf-model-cases.c - runs reference cases through the engine's public interface and compares the outputs: one line a
 * case, `N passed, N failed, N skipped` last. tests/models/run calls it; the rule for tolerances is in README.md.
 */
#include "case.h"
#include "sensitivity.h"
#include "tolerance.h"

#include <qnnflow/qnnflow.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define EXIT_SKIPPED 77

static gchar *backend = NULL, *requant = NULL, *list_path = NULL;
static gint threads = 0, most_mmacs = 0;
static gboolean only_list = FALSE, exact = FALSE, no_optimize = FALSE, verbose = FALSE;

static const GOptionEntry entries[] = {
    {"backend", 'b', 0, G_OPTION_ARG_STRING, &backend, "Backend that runs the models (default: auto)",
     "NAME"},
    {"requant", 'r', 0, G_OPTION_ARG_STRING, &requant, "Integer arithmetic: float (default) or tflite",
     "SCHEME"},
    {"threads", 't', 0, G_OPTION_ARG_INT, &threads, "Threads of a run (default: as many as CPUs, at most 4)",
     "N"},
    {"exact", 'x', 0, G_OPTION_ARG_NONE, &exact, "Integer outputs may not differ at all", NULL},
    {"no-optimize", 'O', 0, G_OPTION_ARG_NONE, &no_optimize, "No fusion: each node of the file runs alone",
     NULL},
    {"cases", 'c', 0, G_OPTION_ARG_FILENAME, &list_path,
     "Only the cases this file names (NAME BACKEND...), all of which must be there", "FILE"},
    {"at-most", 'm', 0, G_OPTION_ARG_INT, &most_mmacs,
     "Skip models of more multiply-accumulates, in millions", "N"},
    {"list", 'l', 0, G_OPTION_ARG_NONE, &only_list, "Print the cases and their models, run nothing", NULL},
    {"verbose", 'v', 0, G_OPTION_ARG_NONE, &verbose, "A line for each output as well", NULL},
    {NULL},
};

typedef struct {
  uint32_t passed, failed, skipped;
} Tally;

/* One case while it runs. */
typedef struct {
  const QfCase *c;
  QfModel *model;
  QfSession *session;
  uint32_t repeats; /* runs whose inputs and outputs are stacked along the first dimension */
  gboolean skipped; /* more work than was asked for */
  GString *text;    /* what the line says */
} Run;

static const char *quantity(double v, char buffer[32])
{
  g_ascii_formatd(buffer, 32, "%.3g", v);
  return buffer;
}

/* How often @desc goes into an array: 1, or its first dimension when the array has as many times the elements. */
static uint32_t count_repeats(const QfTensorDesc *desc, const QfNpy *array)
{
  if (!desc->size_bytes || array->size_bytes % desc->size_bytes)
    return 0;
  size_t times = array->size_bytes / desc->size_bytes;
  return times == 1 || (array->rank && (int64_t)times == array->dims[0]) ? (uint32_t)times : 0;
}

/* The dimensions of the case's inputs, in order; returns their number. */
static uint32_t case_dims(const QfCase *c, QfInputDims *dims, uint32_t max)
{
  uint32_t n = 0;
  for (; n < max; n++) {
    g_auto(QfNpy) array = {0};
    if (!qf_case_array(c, "input", n, &array, NULL))
      break;
    dims[n].rank = array.rank;
    memcpy(dims[n].dims, array.dims, sizeof array.dims);
  }
  return n;
}

/* Whether each of the case's inputs is one run, or several, of the model as its file has it. */
static gboolean takes_inputs(const QfModel *model, const QfCase *c)
{
  for (uint32_t i = 0; i < qf_model_n_inputs(model); i++) {
    g_auto(QfNpy) array = {0};
    if (qf_case_array(c, "input", i, &array, NULL) && !count_repeats(qf_model_input(model, i), &array))
      return FALSE;
  }
  return TRUE;
}

/* Loads the model; where it leaves dimensions open that the case's inputs know, or may be reshaped to them, with theirs. */
static QfModel *load_model(const QfCase *c, GError **error)
{
  QfModelOptions options = {.backend = backend, .requant = requant, .no_optimize = no_optimize};
  QfInputDims dims[16] = {0};
  g_autoptr(GError) first = NULL;
  g_autoptr(QfModel) model = qf_model_load(c->model, &options, &first);
  if (model ? takes_inputs(model, c) : !g_error_matches(first, QF_ERROR, QF_ERROR_SHAPE)) {
    if (first)
      g_propagate_error(error, g_steal_pointer(&first));
    return g_steal_pointer(&model);
  }
  options.n_input_dims = case_dims(c, dims, G_N_ELEMENTS(dims));
  options.input_dims = dims;
  return qf_model_load(c->model, &options, error);
}

static gboolean check_array(Run *run, const char *kind, uint32_t index, const QfTensorDesc *desc,
                            const QfNpy *array, GError **error)
{
  uint32_t repeats = count_repeats(desc, array);
  if (run->repeats == 0)
    run->repeats = repeats;
  if (desc->dtype == array->dtype && repeats && repeats == run->repeats)
    return TRUE;
  g_autofree char *ours = qf_dims_to_string(desc->dims, desc->rank),
                  *theirs = qf_dims_to_string(array->dims, array->rank);
  g_set_error(error, QF_ERROR, QF_ERROR_SHAPE, "%s %u, \"%s\", is %s %s, the case has %s %s", kind, index,
              desc->name, ours, qf_dtype_name(desc->dtype), theirs, qf_dtype_name(array->dtype));
  return FALSE;
}

/* The largest element must be the peer's, unless the peer's first two are closer together than what may differ. */
static gboolean check_top(Run *run, const QfNpy *ours, const QfCaseResult *cmp)
{
  const QfCase *c = run->c;
  if (!c->has_top || c->top_value[0] - c->top_value[1] <= cmp->limit_max)
    return TRUE;
  int64_t count = qf_dims_count(ours->dims, ours->rank), top = qf_argmax(ours->data, count, ours->dtype);
  if (top == c->top_index[0])
    return TRUE;
  g_string_append_printf(run->text, "largest element is %" G_GINT64_FORMAT ", not %" G_GINT64_FORMAT "; ",
                         top, c->top_index[0]);
  return FALSE;
}

static void describe(GString *text, const QfCaseResult *r)
{
  char a[32], b[32], c[32];
  g_string_append_printf(text, "max diff %s of %s (%s)", quantity(r->max, a), quantity(r->limit_max, b),
                         r->rule);
  if (isfinite(r->limit_mean))
    g_string_append_printf(text, ", mean %s of %s", quantity(r->mean, a), quantity(r->limit_mean, b));
  if (isfinite(r->limit_share))
    g_string_append_printf(text, ", %s %% of %s %% differ", quantity(100 * r->share, a),
                           quantity(100 * r->limit_share, c));
  if (r->bad_number)
    g_string_append(text, ", infinite or not a number");
}

/* Where a quantized output is out of its limits, what the model itself makes of one step at the input may widen them. */
static void allow_for_sensitivity(Run *run, const QfNpy *in, const QfNpy *ours, QfCaseResult *results,
                                  uint32_t n)
{
  gboolean wanted = FALSE;
  g_autofree QfSpread *spreads = g_new0(QfSpread, n + 1);
  for (uint32_t i = 0; i < n; i++)
    wanted |= !qf_comparison_passes(&results[i]) && qf_model_output(run->model, i)->quant.count > 0;
  if (!wanted || exact || run->repeats != 1 || !qf_sensitivity_measure(run->session, in, ours, spreads))
    return;
  for (uint32_t i = 0; i < n; i++) {
    QfCaseResult *r = &results[i];
    if (qf_comparison_passes(r) || qf_model_output(run->model, i)->quant.count == 0)
      continue;
    r->limit_max = fmax(r->limit_max, spreads[i].max);
    r->limit_share = fmax(r->limit_share, spreads[i].share);
    r->rule = "one step at the input";
  }
}

/* Compares all outputs; the line shows the one that uses most of its limit. */
static gboolean compare_outputs(Run *run, const QfNpy *in, QfNpy *ours, const QfNpy *reference, uint32_t n)
{
  g_autofree QfCaseResult *results = g_new0(QfCaseResult, n + 1);
  const QfCaseResult *worst = results;
  gboolean passes = TRUE;
  for (uint32_t i = 0; i < n; i++) {
    const QfTensorDesc *desc = qf_model_output(run->model, i);
    qf_case_compare(ours[i].data, reference[i].data, qf_dims_count(reference[i].dims, reference[i].rank),
                    desc->dtype, desc->quant.count > 0, exact, &run->c->peer, &results[i]);
  }
  allow_for_sensitivity(run, in, ours, results, n);
  for (uint32_t i = 0; i < n; i++) {
    const QfCaseResult *r = &results[i];
    passes &= qf_comparison_passes(r) && (i || run->repeats > 1 || check_top(run, &ours[i], r));
    worst = qf_comparison_used(r) > qf_comparison_used(worst) ? r : worst;
    if (verbose) {
      g_autoptr(GString) line = g_string_new(NULL);
      describe(line, r);
      g_print("     output %u %s: %s\n", i, qf_model_output(run->model, i)->name, line->str);
    }
  }
  describe(run->text, worst);
  return passes;
}

static gboolean run_once(Run *run, uint32_t turn, const QfNpy *in, QfNpy *out, GError **error)
{
  uint32_t n_in = qf_model_n_inputs(run->model), n_out = qf_model_n_outputs(run->model);
  for (uint32_t i = 0; i < n_in; i++) {
    size_t size = qf_model_input(run->model, i)->size_bytes;
    memcpy(qf_session_input_data(run->session, i), (const char *)in[i].data + turn * size, size);
  }
  if (!qf_session_run(run->session, error))
    return FALSE;
  for (uint32_t i = 0; i < n_out; i++) {
    size_t size = qf_model_output(run->model, i)->size_bytes;
    memcpy((char *)out[i].data + turn * size, qf_session_output_data(run->session, i), size);
  }
  return TRUE;
}

static gboolean run_arrays(Run *run, QfNpy *in, QfNpy *reference, QfNpy *out, GError **error)
{
  uint32_t n_in = qf_model_n_inputs(run->model), n_out = qf_model_n_outputs(run->model);
  for (uint32_t i = 0; i < n_in; i++)
    if (!qf_case_array(run->c, "input", i, &in[i], error) ||
        !check_array(run, "input", i, qf_model_input(run->model, i), &in[i], error))
      return FALSE;
  for (uint32_t i = 0; i < n_out; i++) {
    if (!qf_case_array(run->c, "output", i, &reference[i], error) ||
        !check_array(run, "output", i, qf_model_output(run->model, i), &reference[i], error))
      return FALSE;
    out[i] = reference[i];
    out[i].data = g_malloc0(MAX(reference[i].size_bytes, 1));
  }
  gint64 start = g_get_monotonic_time();
  for (uint32_t turn = 0; turn < run->repeats; turn++)
    if (!run_once(run, turn, in, out, error))
      return FALSE;
  double ms = (double)(g_get_monotonic_time() - start) / 1e3 / run->repeats;
  gboolean passes = compare_outputs(run, in, out, reference, n_out);
  g_string_append_printf(run->text, ", %.1f ms", ms);
  return passes;
}

static void free_arrays(QfNpy *arrays, uint32_t n)
{
  for (uint32_t i = 0; i < n; i++)
    qf_npy_clear(&arrays[i]);
  g_free(arrays);
}

static gint count_mmacs(const QfModel *model)
{
  QfModelStats stats;
  qf_model_stats(model, &stats);
  return (gint)MIN(stats.macs / 1000000, G_MAXINT);
}

static gboolean run_case(Run *run, GError **error)
{
  QfSessionOptions options = {.n_threads = (uint32_t)MAX(threads, 0)};
  if (!run->c->model) {
    g_set_error(error, QF_ERROR, QF_ERROR_FILE, "its model file \"%s\" is not in any folder above",
                run->c->wanted);
    return FALSE;
  }
  if (!(run->model = load_model(run->c, error)))
    return FALSE;
  if (most_mmacs > 0 && (run->skipped = count_mmacs(run->model) > most_mmacs))
    return TRUE;
  if (!(run->session = qf_session_new(run->model, &options, error)))
    return FALSE;
  uint32_t n_in = qf_model_n_inputs(run->model), n_out = qf_model_n_outputs(run->model);
  QfNpy *in = g_new0(QfNpy, n_in + 1), *reference = g_new0(QfNpy, n_out + 1), *out = g_new0(QfNpy, n_out + 1);
  gboolean passes = run_arrays(run, in, reference, out, error);
  free_arrays(in, n_in);
  free_arrays(reference, n_out);
  free_arrays(out, n_out);
  return passes;
}

static void do_case(const char *directory, Tally *tally)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GString) text = g_string_new(NULL);
  g_autoptr(QfCase) c = qf_case_read(directory, &error);
  Run run = {.c = c, .text = text};
  if (c && only_list) {
    g_print("%-48s %s\n", c->name, c->model ? c->model : "(no model file)");
    tally->passed++;
    return;
  }
  gboolean passes = c && run_case(&run, &error);
  g_print("%s %-44s %s%s%s\n",
          run.skipped ? "SKIP"
          : passes    ? "PASS"
                      : "FAIL",
          c ? c->name : directory, text->str, text->len && error ? "; " : "", error ? error->message : "");
  qf_session_free(run.session);
  qf_model_unref(run.model);
  *(run.skipped ? &tally->skipped : passes ? &tally->passed : &tally->failed) += 1;
}

/* The names a list file has for this backend; NULL when it cannot be read. "NAME BACKEND...", # begins a comment. */
static GHashTable *read_list(const char *path)
{
  g_autofree char *text = NULL;
  g_autoptr(GError) error = NULL;
  if (!g_file_get_contents(path, &text, NULL, &error)) {
    g_printerr("%s\n", error->message);
    return NULL;
  }
  GHashTable *names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
  for (char **line = lines; *line; line++) {
    char *comment = strchr(*line, '#');
    if (comment)
      *comment = 0;
    g_auto(GStrv) words = g_strsplit_set(g_strstrip(*line), " \t", -1);
    if (words[0] && *words[0] && (!backend || g_strv_contains((const char *const *)words + 1, backend)))
      g_hash_table_add(names, g_strdup(words[0]));
  }
  return names;
}

static void do_directory(const char *directory, GHashTable *names, Tally *tally)
{
  g_autoptr(GPtrArray) found = qf_case_find(directory);
  if (!found->len) {
    g_print("SKIP %-44s no reference cases there\n", directory);
    tally->skipped++;
  }
  for (guint i = 0; i < found->len; i++) {
    g_autoptr(QfCase) c = names ? qf_case_read(found->pdata[i], NULL) : NULL;
    if (names && !(c && g_hash_table_remove(names, c->name)))
      continue;
    do_case(found->pdata[i], tally);
  }
}

/* Cases a list names must exist where any exist. */
static void report_missing(GHashTable *names, Tally *tally)
{
  GHashTableIter iter;
  gpointer name;
  g_hash_table_iter_init(&iter, names);
  while (g_hash_table_iter_next(&iter, &name, NULL)) {
    g_print("FAIL %-44s not among the cases found\n", (char *)name);
    tally->failed++;
  }
}

int main(int argc, char **argv)
{
  setlocale(LC_ALL, "");
  g_autoptr(GOptionContext) context = g_option_context_new("DIR...");
  g_autoptr(GError) error = NULL;
  g_autoptr(GHashTable) names = NULL;
  Tally tally = {0};
  g_option_context_add_main_entries(context, entries, NULL);
  g_option_context_set_summary(context,
                               "Runs the reference cases below DIR (folders with case.json, input_k.npy and "
                               "output_k.npy)\nand compares. Exit status: 0 all passed, 1 some failed, 77 "
                               "nothing to run.");
  if (!g_option_context_parse(context, &argc, &argv, &error) || argc < 2) {
    g_printerr("%s\n", error ? error->message : "give at least one folder; --help says more");
    return 2;
  }
  if (list_path && !(names = read_list(list_path)))
    return 2;
  for (int i = 1; i < argc; i++)
    do_directory(argv[i], names, &tally);
  if (names && tally.passed + tally.failed)
    report_missing(names, &tally);
  if (!only_list)
    g_print("%u passed, %u failed, %u skipped\n", tally.passed, tally.failed, tally.skipped);
  return tally.failed ? 1 : tally.passed ? 0 : EXIT_SKIPPED;
}
