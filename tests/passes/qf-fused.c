/* SPDX-License-Identifier: MIT */
/*
 * qf-fused.c - every model with and without optimisation, on the same inputs: a line a model with the nodes before and after and the largest
 * difference, `N passed, N failed, N skipped` last. tests/passes/fused_unfused calls it.
 * How much may differ is the rule of tests/models/README.md, with the run without optimisation as the reference.
 */
#include "../models/case.h"
#include "../models/sensitivity.h"
#include "../models/tolerance.h"

#include <locale.h>
#include <math.h>
#include <qnnflow/qnnflow.h>
#include <string.h>

#define EXIT_SKIPPED 77
#define MAX_INPUTS 16

static gchar *backend = NULL, *refs = NULL;
static gint max_mmac = 0;

static const GOptionEntry entries[] = {
    {"backend", 'b', 0, G_OPTION_ARG_STRING, &backend, "Backend that runs the models (default: auto)",
     "NAME"},
    {"refs", 'r', 0, G_OPTION_ARG_FILENAME, &refs,
     "Folder of reference cases, whose inputs and tolerances are taken where a model has one", "DIR"},
    {"max-mmac", 'm', 0, G_OPTION_ARG_INT, &max_mmac, "Leave out models of more million MACs (default: none)",
     "N"},
    {NULL},
};

/* One model with and without optimisation, and without it on the reference backend where that is needed. */
typedef struct {
  const char *path;
  const QfCase *c; /* NULL: seeded inputs */
  QfInputDims dims[MAX_INPUTS];
  uint32_t n_dims;
  QfModel *model[3];
  QfSession *session[3];
  QfNpy in[MAX_INPUTS];
  QfNpy *out[3];
  QfCaseResult worst;
} Pair;

enum { OPTIMISED, PLAIN, TRUTH };

static gboolean load(Pair *p, int k, GError **error)
{
  QfSessionOptions threads = {.n_threads = 2};
  QfModelOptions options = {.backend = k == TRUTH ? "ref" : backend,
                            .no_optimize = k != OPTIMISED,
                            .input_dims = p->dims,
                            .n_input_dims = p->n_dims,
                            .seed_weights = strstr(p->path, "prototxt_only") ? 1 : 0};
  p->model[k] = qf_model_load(p->path, &options, error);
  p->session[k] = p->model[k] ? qf_session_new(p->model[k], &threads, error) : NULL;
  return p->session[k] != NULL;
}

/* Where the file leaves dimensions open, with those of the case's inputs. */
static gboolean load_optimised(Pair *p, GError **error)
{
  g_autoptr(GError) first = NULL;
  if (load(p, OPTIMISED, &first))
    return TRUE;
  if (!p->c || !g_error_matches(first, QF_ERROR, QF_ERROR_SHAPE)) {
    g_propagate_error(error, g_steal_pointer(&first));
    return FALSE;
  }
  for (; p->n_dims < MAX_INPUTS; p->n_dims++) {
    g_auto(QfNpy) array = {0};
    if (!qf_case_array(p->c, "input", p->n_dims, &array, NULL))
      break;
    p->dims[p->n_dims].rank = array.rank;
    memcpy(p->dims[p->n_dims].dims, array.dims, sizeof array.dims);
  }
  return load(p, OPTIMISED, error);
}

static gboolean too_large(const Pair *p)
{
  QfModelStats stats;
  qf_model_stats(p->model[OPTIMISED], &stats);
  return max_mmac && stats.macs / 1000000 > (uint64_t)max_mmac;
}

static void fill(const QfTensorDesc *d, uint8_t *data, GRand *random)
{
  for (size_t k = 0; k < d->size_bytes / MAX(qf_dtype_size(d->dtype), 1); k++) {
    if (d->dtype == QF_DTYPE_FLOAT32)
      ((float *)data)[k] = (float)g_rand_double(random);
    else if (qf_dtype_size(d->dtype) == 1)
      data[k] = (uint8_t)g_rand_int_range(random, 0, d->dtype == QF_DTYPE_BOOL ? 2 : 256);
    else if (d->dtype == QF_DTYPE_INT16)
      ((int16_t *)data)[k] = (int16_t)g_rand_int_range(random, -32768, 32768);
  }
}

/* Inputs of the case as far as they fit (the first run of several), else from a seed; other integers, which may be indices, are 0. */
static gboolean make_inputs(Pair *p, GError **error)
{
  g_autoptr(GRand) random = g_rand_new_with_seed(1);
  uint32_t n = qf_model_n_inputs(p->model[0]);
  if (n > MAX_INPUTS) {
    g_set_error(error, QF_ERROR, QF_ERROR_UNSUPPORTED, "it has more than %d inputs", MAX_INPUTS);
    return FALSE;
  }
  for (uint32_t i = 0; i < n; i++) {
    const QfTensorDesc *d = qf_model_input(p->model[0], i);
    g_auto(QfNpy) array = {0};
    p->in[i] = (QfNpy){.dtype = d->dtype, .rank = d->rank, .size_bytes = d->size_bytes};
    memcpy(p->in[i].dims, d->dims, sizeof d->dims);
    p->in[i].data = g_malloc0(MAX(d->size_bytes, 1));
    if (p->c && qf_case_array(p->c, "input", i, &array, NULL) && array.dtype == d->dtype &&
        array.size_bytes >= d->size_bytes)
      memcpy(p->in[i].data, array.data, d->size_bytes);
    else
      fill(d, p->in[i].data, random);
  }
  return TRUE;
}

static gboolean run(Pair *p, int k, GError **error)
{
  QfModel *model = p->model[k];
  p->out[k] = g_new0(QfNpy, qf_model_n_outputs(model) + 1);
  for (uint32_t i = 0; i < qf_model_n_inputs(model); i++)
    memcpy(qf_session_input_data(p->session[k], i), p->in[i].data, p->in[i].size_bytes);
  if (!qf_session_run(p->session[k], error))
    return FALSE;
  for (uint32_t i = 0; i < qf_model_n_outputs(model); i++) {
    const QfTensorDesc *d = qf_model_output(model, i);
    QfNpy *out = &p->out[k][i];
    *out = (QfNpy){.dtype = d->dtype, .rank = d->rank, .size_bytes = d->size_bytes};
    memcpy(out->dims, d->dims, sizeof d->dims);
    out->data = g_memdup2(qf_session_output_data(p->session[k], i), MAX(d->size_bytes, 1));
  }
  return TRUE;
}

static gboolean same_borders(const Pair *p, GError **error)
{
  const QfModel *a = p->model[0], *b = p->model[1];
  gboolean same =
      qf_model_n_inputs(a) == qf_model_n_inputs(b) && qf_model_n_outputs(a) == qf_model_n_outputs(b);
  for (uint32_t i = 0; same && i < qf_model_n_inputs(a) + qf_model_n_outputs(a); i++) {
    uint32_t k = i - qf_model_n_inputs(a);
    const QfTensorDesc *x = i < qf_model_n_inputs(a) ? qf_model_input(a, i) : qf_model_output(a, k);
    const QfTensorDesc *y = i < qf_model_n_inputs(a) ? qf_model_input(b, i) : qf_model_output(b, k);
    same = !strcmp(x->name, y->name) && x->dtype == y->dtype && x->rank == y->rank &&
           !memcmp(x->dims, y->dims, sizeof x->dims) && x->layout == y->layout;
  }
  if (!same)
    g_set_error(error, QF_ERROR, QF_ERROR_FAILED, "its inputs and outputs are described in two ways");
  return same;
}

/* How far outputs of run @k move when the float inputs move by one rounding, the largest of six: what sums in another order do to every layer,
 * and the tail of a Sigmoid to its outputs. For models that no peer tells it of. */
static void float_spread(Pair *p, int k, QfSpread *spreads)
{
  g_autoptr(GRand) random = g_rand_new_with_seed(3);
  static const QfPeer nobody;
  for (int turn = 0; turn < 6; turn++) {
    for (uint32_t i = 0; i < qf_model_n_inputs(p->model[k]); i++) {
      float *data = qf_session_input_data(p->session[k], i);
      memcpy(data, p->in[i].data, p->in[i].size_bytes);
      for (size_t e = 0; p->in[i].dtype == QF_DTYPE_FLOAT32 && e < p->in[i].size_bytes / 4; e++)
        data[e] *= 1 + 0x1p-23f * (float)g_rand_int_range(random, -1, 2);
    }
    if (!qf_session_run(p->session[k], NULL))
      return;
    for (uint32_t i = 0; i < qf_model_n_outputs(p->model[k]); i++) {
      const QfNpy *out = &p->out[k][i];
      QfCaseResult r;
      qf_case_compare(qf_session_output_data(p->session[k], i), out->data,
                      qf_dims_count(out->dims, out->rank), out->dtype, FALSE, FALSE, &nobody, &r);
      spreads[i].max = fmax(spreads[i].max, 2 * r.max); /* the factor of the rule for peers */
    }
  }
}

/* What the model itself makes of a small change at the input widens a limit that is not kept. */
static gboolean measure(Pair *p, int k, gboolean quantized, QfSpread *spreads)
{
  if (quantized)
    return qf_sensitivity_measure(p->session[k], p->in, p->out[k], spreads);
  if (p->c && p->c->peer.runs)
    return FALSE;
  float_spread(p, k, spreads);
  return TRUE;
}

/* The optimised run against run @k. The output that uses most of its limit goes to p->worst. */
static gboolean compare(Pair *p, int k)
{
  static const QfPeer nobody;
  uint32_t n = qf_model_n_outputs(p->model[0]);
  gboolean passes = TRUE, measured = FALSE;
  g_autofree QfSpread *spreads = g_new0(QfSpread, n + 1);
  for (uint32_t i = 0; i < n; i++) {
    const QfTensorDesc *d = qf_model_output(p->model[0], i);
    QfCaseResult r;
    qf_case_compare(p->out[OPTIMISED][i].data, p->out[k][i].data, qf_dims_count(d->dims, d->rank), d->dtype,
                    d->quant.count > 0, FALSE, p->c ? &p->c->peer : &nobody, &r);
    gboolean quantized = d->quant.count > 0;
    if (!qf_comparison_passes(&r) && (quantized || qf_dtype_is_float(d->dtype)) &&
        (measured || measure(p, k, quantized, spreads))) {
      measured = TRUE;
      r.limit_max = fmax(r.limit_max, spreads[i].max);
      r.limit_mean = fmax(r.limit_mean, spreads[i].max);
      r.limit_share = fmax(r.limit_share, spreads[i].share);
      r.rule = quantized ? "one step at the input" : "one rounding at the input";
    }
    passes = passes && qf_comparison_passes(&r);
    if (!i || qf_comparison_used(&r) > qf_comparison_used(&p->worst))
      p->worst = r;
  }
  return passes;
}

/* Where integers are computed as floats one by one, the order of a float sum may let a rounding fall the other way, and that grows. The
 * reference backend sums in double precision: what the optimised run is held to then. */
static gboolean run_and_compare(Pair *p, const char **against, GError **error)
{
  *against = "";
  if (!run(p, OPTIMISED, error) || !run(p, PLAIN, error))
    return FALSE;
  if (compare(p, PLAIN))
    return TRUE;
  *against = ", against ref";
  return load(p, TRUTH, error) && run(p, TRUTH, error) && compare(p, TRUTH);
}

static void pair_clear(Pair *p)
{
  for (int k = 0; k < 3; k++) {
    for (uint32_t i = 0; p->out[k] && i < qf_model_n_outputs(p->model[k]); i++)
      qf_npy_clear(&p->out[k][i]);
    g_free(p->out[k]);
    qf_session_free(p->session[k]);
    qf_model_unref(p->model[k]);
  }
  for (int i = 0; i < MAX_INPUTS; i++)
    qf_npy_clear(&p->in[i]);
}

/* 1: passed, 0: failed, -1: skipped. */
static int do_model(const char *path, const QfCase *c)
{
  Pair p = {.path = path, .c = c};
  g_autoptr(GError) error = NULL;
  g_autofree char *name = g_path_get_basename(path);
  QfModelStats stats[2] = {0};
  gint64 start = g_get_monotonic_time();
  int result = -1;
  gboolean loaded = load_optimised(&p, &error), large = loaded && too_large(&p);
  if (!loaded) {
    g_print("SKIP %-44s %.200s\n", name, error->message);
  } else if (large) {
    g_print("SKIP %-44s more than %d million MACs\n", name, max_mmac);
  } else {
    const char *against = "";
    gboolean same = load(&p, PLAIN, &error) && same_borders(&p, &error) && make_inputs(&p, &error) &&
                    run_and_compare(&p, &against, &error);
    for (int k = 0; k < 2 && p.model[k]; k++)
      qf_model_stats(p.model[k], &stats[k]);
    result = same;
    g_print("%s %-44s %6u %6u  ", result ? "PASS" : "FAIL", name, stats[PLAIN].n_nodes,
            stats[OPTIMISED].n_nodes);
    if (!error)
      g_print("%9.3g %9.3g  %7.3f %%  %s%s", p.worst.max, p.worst.limit_max, 100 * p.worst.share,
              p.worst.bad_number ? "infinite or not a number" : p.worst.rule, against);
    else
      g_print("%s", error->message);
    g_print(", %.1f s\n", (double)(g_get_monotonic_time() - start) / 1e6);
  }
  pair_clear(&p);
  return result;
}

static void add_models(GPtrArray *paths, const char *path)
{
  static const char *const suffixes[] = {".onnx", ".tflite", ".prototxt", ".pt2", ".qnnf"};
  g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
  const char *name;
  while (dir && (name = g_dir_read_name(dir))) {
    g_autofree char *child = g_build_filename(path, name, NULL);
    add_models(paths, child);
  }
  gboolean graph_def = g_str_has_suffix(path, ".pb") && !strstr(path, "put_"); /* no test data of ONNX */
  for (guint i = 0; !dir && i < G_N_ELEMENTS(suffixes); i++)
    if (g_str_has_suffix(path, suffixes[i]) || (graph_def && !i))
      g_ptr_array_add(paths, g_strdup(path));
}

static int by_text(gconstpointer a, gconstpointer b)
{
  return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Reference cases by the name of their model's file. */
static GHashTable *read_cases(const char *directory)
{
  GHashTable *cases = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)qf_case_free);
  g_autoptr(GPtrArray) found = directory ? qf_case_find(directory) : g_ptr_array_new();
  for (guint i = 0; i < found->len; i++) {
    QfCase *c = qf_case_read(found->pdata[i], NULL);
    if (c && c->model)
      g_hash_table_replace(cases, g_path_get_basename(c->model), c);
    else
      qf_case_free(c);
  }
  return cases;
}

int main(int argc, char **argv)
{
  setlocale(LC_ALL, "");
  g_autoptr(GOptionContext) context = g_option_context_new("DIR|FILE...");
  g_autoptr(GError) error = NULL;
  g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);
  uint32_t count[3] = {0};
  g_option_context_add_main_entries(context, entries, NULL);
  g_option_context_set_summary(context,
                               "Runs every model with and without optimisation and compares.\nExit status: "
                               "0 all passed, 1 some failed, 77 nothing to run.");
  if (!g_option_context_parse(context, &argc, &argv, &error) || argc < 2) {
    g_printerr("%s\n", error ? error->message : "give at least one folder or file; --help says more");
    return 2;
  }
  for (int i = 1; i < argc; i++)
    add_models(paths, argv[i]);
  g_ptr_array_sort(paths, by_text);
  g_autoptr(GHashTable) cases = read_cases(refs);
  g_print("     %-44s %6s %6s  %9s %9s  %9s  %s\n", "model", "nodes", "fused", "max diff", "limit", "differ",
          "rule of the limit");
  for (guint i = 0; i < paths->len; i++) {
    g_autofree char *name = g_path_get_basename(paths->pdata[i]);
    count[1 + do_model(paths->pdata[i], g_hash_table_lookup(cases, name))]++;
  }
  g_print("%u passed, %u failed, %u skipped\n", count[2], count[1], count[0]);
  return count[1] ? 1 : count[2] ? 0 : EXIT_SKIPPED;
}
