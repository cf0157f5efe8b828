/* SPDX-License-Identifier: MIT */
/*
 * qf-tflite-goldens.c - runs small TFLite models whose inputs and outputs lie beside them as text, and compares: NAME.tflite,
 * NAME_inputK_TYPE.csv, NAME_goldenK_TYPE.csv (K absent: 0). Integers must be equal, floats agree to 1e-5 of the largest
 * one. Files with several times the values of a tensor are as many runs of one session, one after the other.
 */
#include <qnnflow/qnnflow.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define EXIT_SKIPPED 77

static gchar *backend = NULL, *requant = NULL;
static gint steps = 0;
static gboolean verbose = FALSE, by_folder = FALSE;

static const GOptionEntry entries[] = {
    {"backend", 'b', 0, G_OPTION_ARG_STRING, &backend, "Backend that runs the models (default: ref)", "NAME"},
    {"requant", 'r', 0, G_OPTION_ARG_STRING, &requant, "Integer arithmetic: tflite (default) or float",
     "SCHEME"},
    {"steps", 's', 0, G_OPTION_ARG_INT, &steps,
     "Quantized integers may differ by this much (default: 0), and how many do is told", "N"},
    {"folders", 'f', 0, G_OPTION_ARG_NONE, &by_folder, "A line for each folder as well", NULL},
    {"verbose", 'v', 0, G_OPTION_ARG_NONE, &verbose, "A line for each case that passes as well", NULL},
    {NULL},
};

typedef struct {
  uint32_t passed, failed, skipped;
  uint64_t elements, differ;
  double largest; /* difference of integers */
} Tally;

/* The values of NAME_KINDk_*.csv; NULL when there is no such file. */
static GArray *read_values(const char *stem, const char *kind, uint32_t index)
{
  g_autofree char *folder = g_path_get_dirname(stem), *base = g_path_get_basename(stem);
  g_autofree char *numbered = g_strdup_printf("%s_%s%u_", base, kind, index);
  g_autofree char *plain = g_strdup_printf("%s_%s_", base, kind), *found = NULL, *text = NULL;
  g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
  const char *name;
  while (dir && (name = g_dir_read_name(dir)))
    if (g_str_has_suffix(name, ".csv") &&
        (g_str_has_prefix(name, numbered) || (index == 0 && g_str_has_prefix(name, plain))))
      found = g_build_filename(folder, name, NULL);
  if (!found || !g_file_get_contents(found, &text, NULL, NULL))
    return NULL;
  GArray *values = g_array_new(FALSE, FALSE, sizeof(double));
  for (char *at = text, *end; *(at += strspn(at, ", \t\r\n")); at = end) {
    double v = g_ascii_strtod(at, &end);
    if (end == at)
      break;
    g_array_append_val(values, v);
  }
  return values;
}

typedef double (*LoadFunc)(const void *, int64_t);
typedef void (*StoreFunc)(void *, int64_t, double);

#define TYPE(name, type)                                                                                     \
  static double load_##name(const void *data, int64_t i)                                                     \
  {                                                                                                          \
    return (double)((const type *)data)[i];                                                                  \
  }                                                                                                          \
  static void store_##name(void *data, int64_t i, double v)                                                  \
  {                                                                                                          \
    ((type *)data)[i] = (type)v;                                                                             \
  }
TYPE(f32, float)
TYPE(f64, double)
TYPE(s8, int8_t)
TYPE(u8, uint8_t)
TYPE(s16, int16_t)
TYPE(u16, uint16_t)
TYPE(s32, int32_t)
TYPE(u32, uint32_t)
TYPE(s64, int64_t)
TYPE(u64, uint64_t)

static const struct {
  QfDType dtype;
  LoadFunc load;
  StoreFunc store;
} types[] = {
    {QF_DTYPE_FLOAT32, load_f32, store_f32}, {QF_DTYPE_FLOAT64, load_f64, store_f64},
    {QF_DTYPE_INT8, load_s8, store_s8},      {QF_DTYPE_UINT8, load_u8, store_u8},
    {QF_DTYPE_INT16, load_s16, store_s16},   {QF_DTYPE_UINT16, load_u16, store_u16},
    {QF_DTYPE_INT32, load_s32, store_s32},   {QF_DTYPE_UINT32, load_u32, store_u32},
    {QF_DTYPE_INT64, load_s64, store_s64},   {QF_DTYPE_UINT64, load_u64, store_u64},
    {QF_DTYPE_BOOL, load_u8, store_u8},
};

static int find_type(QfDType dtype)
{
  for (int i = 0; i < (int)G_N_ELEMENTS(types); i++)
    if (types[i].dtype == dtype)
      return i;
  return -1;
}

/* One case while it runs. */
typedef struct {
  QfModel *model;
  QfSession *session;
  GPtrArray *in, *golden; /* of GArray, NULL where the case gives none */
  uint32_t runs;
  GString *text;
} Case;

static int64_t count_of(const QfTensorDesc *d)
{
  return qf_dims_count(d->dims, d->rank);
}

static gboolean check_values(Case *c, const QfTensorDesc *d, const GArray *values, const char *kind)
{
  int64_t count = count_of(d), runs = values && count ? values->len / count : 0;
  if (!values || find_type(d->dtype) < 0 || values->len % MAX(count, 1) ||
      (count && (runs < 1 || (c->runs && runs != c->runs)))) {
    g_string_append_printf(c->text, "%s \"%s\" has %" G_GINT64_FORMAT " elements of %s, the case %u", kind,
                           d->name, count, qf_dtype_name(d->dtype), values ? values->len : 0);
    return FALSE;
  }
  if (count)
    c->runs = (uint32_t)runs;
  return TRUE;
}

static gboolean read_case(Case *c, const char *stem)
{
  uint32_t n_in = qf_model_n_inputs(c->model), n_out = qf_model_n_outputs(c->model);
  c->in = g_ptr_array_new_with_free_func((GDestroyNotify)g_array_unref);
  c->golden = g_ptr_array_new_with_free_func((GDestroyNotify)g_array_unref);
  for (uint32_t i = 0; i < n_in; i++) {
    GArray *values = read_values(stem, "input", i);
    if (!check_values(c, qf_model_input(c->model, i), values, "input")) {
      if (values)
        g_array_unref(values);
      return FALSE;
    }
    g_ptr_array_add(c->in, values);
  }
  for (uint32_t i = 0; i < n_out; i++) {
    GArray *values = read_values(stem, "golden", i);
    if (!check_values(c, qf_model_output(c->model, i), values, "output")) {
      if (values)
        g_array_unref(values);
      return FALSE;
    }
    g_ptr_array_add(c->golden, values);
  }
  return TRUE;
}

static gboolean same_number(double a, double b, double allowed)
{
  return a == b || fabs(a - b) <= allowed || (isnan(a) && isnan(b));
}

static double largest_magnitude(const double *v, int64_t n)
{
  double m = 0;
  for (int64_t i = 0; i < n; i++)
    m = isfinite(v[i]) ? fmax(m, fabs(v[i])) : m;
  return m;
}

static gboolean compare(Case *c, uint32_t output, uint32_t run, Tally *tally)
{
  const QfTensorDesc *d = qf_model_output(c->model, output);
  const void *ours = qf_session_output_data(c->session, output);
  const GArray *golden = c->golden->pdata[output];
  const LoadFunc load = types[find_type(d->dtype)].load;
  const int64_t n = count_of(d);
  const double *want = (const double *)(const void *)golden->data + run * n;
  const gboolean real = d->dtype == QF_DTYPE_FLOAT32 || d->dtype == QF_DTYPE_FLOAT64;
  const double allowed = real ? 1e-5 * largest_magnitude(want, n) : d->quant.count ? steps : 0;
  uint64_t wrong = 0;
  int64_t first = -1;
  for (int64_t i = 0; i < n; i++) {
    const double got = load(ours, i), difference = fabs(got - want[i]);
    tally->elements += !real;
    tally->differ += !real && difference != 0;
    tally->largest = real ? tally->largest : fmax(tally->largest, difference);
    if (same_number(got, want[i], allowed))
      continue;
    first = wrong++ ? first : i;
  }
  if (wrong)
    g_string_append_printf(c->text,
                           "run %u: %" G_GUINT64_FORMAT " of %" G_GINT64_FORMAT
                           " elements of output %u differ, first [%" G_GINT64_FORMAT "] %.9g, not %.9g",
                           run, wrong, n, output, first, load(ours, first), want[first]);
  return !wrong;
}

static gboolean run_case(Case *c, Tally *tally)
{
  gboolean passes = TRUE;
  for (uint32_t run = 0; passes && run < MAX(c->runs, 1); run++) {
    for (uint32_t i = 0; i < c->in->len; i++) {
      const QfTensorDesc *d = qf_model_input(c->model, i);
      const StoreFunc store = types[find_type(d->dtype)].store;
      const GArray *values = c->in->pdata[i];
      for (int64_t k = 0, n = count_of(d); k < n; k++)
        store(qf_session_input_data(c->session, i), k, g_array_index(values, double, run *n + k));
    }
    if (!qf_session_run(c->session, NULL))
      return FALSE;
    for (uint32_t i = 0; i < c->golden->len; i++)
      passes &= compare(c, i, run, tally);
  }
  return passes;
}

static void do_case(const char *path, Tally *tally)
{
  QfModelOptions options = {.backend = backend ? backend : "ref", .requant = requant ? requant : "tflite"};
  g_autofree char *stem = g_strndup(path, strlen(path) - strlen(".tflite"));
  g_autoptr(GString) text = g_string_new(NULL);
  g_autoptr(GError) error = NULL;
  g_autoptr(QfModel) model = qf_model_load(path, &options, &error);
  g_autoptr(QfSession) session = model ? qf_session_new(model, NULL, &error) : NULL;
  Case c = {.model = model, .session = session, .text = text};
  gboolean passes = session && read_case(&c, stem) && run_case(&c, tally);
  g_clear_pointer(&c.in, g_ptr_array_unref);
  g_clear_pointer(&c.golden, g_ptr_array_unref);
  if (passes)
    tally->passed++;
  else
    tally->failed++;
  if (!passes || verbose)
    g_print("%s %s: %s%s\n", passes ? "PASS" : "FAIL", stem, text->str, error ? error->message : "");
}

static int by_name(gconstpointer a, gconstpointer b)
{
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Cases of this folder, then those of the folders in it. */
static void do_folder(const char *folder, Tally *tally)
{
  g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
  g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
  const char *name;
  Tally own = {0};
  while (dir && (name = g_dir_read_name(dir)))
    g_ptr_array_add(names, g_build_filename(folder, name, NULL));
  g_ptr_array_sort(names, by_name);
  for (guint i = 0; i < names->len; i++)
    if (g_file_test(names->pdata[i], G_FILE_TEST_IS_DIR))
      do_folder(names->pdata[i], tally);
    else if (g_str_has_suffix(names->pdata[i], ".tflite"))
      do_case(names->pdata[i], &own);
  if (by_folder && own.passed + own.failed)
    g_print("%s: %u passed, %u failed; largest difference %g, %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT
            " integers\n",
            folder, own.passed, own.failed, own.largest, own.differ, own.elements);
  tally->passed += own.passed;
  tally->failed += own.failed;
  tally->elements += own.elements;
  tally->differ += own.differ;
  tally->largest = fmax(tally->largest, own.largest);
}

int main(int argc, char **argv)
{
  setlocale(LC_ALL, "");
  g_autoptr(GOptionContext) context = g_option_context_new("DIR...");
  g_autoptr(GError) error = NULL;
  Tally tally = {0};
  g_option_context_add_main_entries(context, entries, NULL);
  g_option_context_set_summary(context,
                               "Runs each NAME.tflite below DIR that has NAME_golden*.csv beside it.\n"
                               "Exit status: 0 all passed, 1 some failed, 77 nothing to run.");
  if (!g_option_context_parse(context, &argc, &argv, &error) || argc < 2) {
    g_printerr("%s\n", error ? error->message : "give at least one folder; --help says more");
    return 2;
  }
  for (int i = 1; i < argc; i++)
    do_folder(argv[i], &tally);
  if (tally.differ)
    g_print("%" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT
            " integers differ (%.3g %%), the largest difference is %g\n",
            tally.differ, tally.elements, 100.0 * (double)tally.differ / (double)tally.elements,
            tally.largest);
  g_print("%u passed, %u failed, %u skipped\n", tally.passed, tally.failed, tally.skipped);
  return tally.failed ? 1 : tally.passed ? 0 : EXIT_SKIPPED;
}
