/* SPDX-License-Identifier: MIT */
/*
 * qf-tflite-goldens.c - runs small TFLite models whose inputs and outputs are known, and compares. A case is three files,
 * NAME.tflite, NAME_inputK_TYPE.csv and NAME_goldenK_TYPE.csv (K absent: 0), or an entry of a container that
 * tflite_cases.py wrote. Integers must be equal, floats agree to 1e-5 of the largest one. Several times the values of a
 * tensor are as many runs of one session, one after the other.
 */
#include <qnnflow/qnnflow.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define EXIT_SKIPPED 77
#define CONTAINER "QFCASES1"

static gchar *backend = NULL, *requant = NULL, *only = NULL, *extract = NULL;
static gchar **without = NULL;
static gint steps = 0;
static gboolean verbose = FALSE, by_folder = FALSE;

static const GOptionEntry entries[] = {
    {"backend", 'b', 0, G_OPTION_ARG_STRING, &backend, "Backend that runs the models (default: ref)", "NAME"},
    {"requant", 'r', 0, G_OPTION_ARG_STRING, &requant, "Integer arithmetic: tflite (default) or float",
     "SCHEME"},
    {"steps", 's', 0, G_OPTION_ARG_INT, &steps,
     "Quantized integers may differ by this much (default: 0), and how many do is told", "N"},
    {"only", 'o', 0, G_OPTION_ARG_STRING, &only, "Only the cases of containers whose name matches", "GLOB"},
    {"except", 'e', 0, G_OPTION_ARG_STRING_ARRAY, &without,
     "Not the cases whose name matches; may be repeated", "GLOB"},
    {"extract", 'x', 0, G_OPTION_ARG_FILENAME, &extract,
     "Write the models of containers there in place of running them", "DIR"},
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

static double load_f16(const void *data, int64_t i)
{
  const uint16_t half = ((const uint16_t *)data)[i], fraction = half & 0x3ff, exponent = half >> 10 & 31;
  const double v = exponent == 31 ? (fraction ? NAN : INFINITY)
                   : exponent     ? ldexp(1024 + fraction, exponent - 25)
                                  : ldexp(fraction, -24);
  return half >> 15 ? -v : v;
}

/* Only for values that are halves already. */
static void store_f16(void *data, int64_t i, double v)
{
  uint16_t *half = (uint16_t *)data + i;
  for (*half = 0; *half < 0xffff && load_f16(half, 0) != v; (*half)++)
    continue;
}

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
    {QF_DTYPE_BOOL, load_u8, store_u8},      {QF_DTYPE_FLOAT16, load_f16, store_f16},
};

static int find_type(QfDType dtype)
{
  for (int i = 0; i < (int)G_N_ELEMENTS(types); i++)
    if (types[i].dtype == dtype)
      return i;
  return -1;
}

/* Bytes of one tensor type as numbers. */
static GArray *widen(QfDType dtype, const void *data, size_t size)
{
  int type = find_type(dtype);
  GArray *values = g_array_new(FALSE, FALSE, sizeof(double));
  for (size_t i = 0; type >= 0 && i < size / qf_dtype_size(dtype); i++) {
    double v = types[type].load(data, (int64_t)i);
    g_array_append_val(values, v);
  }
  return values;
}

/* What lies in a container: a position that never passes the end. */
typedef struct {
  const uint8_t *at, *end;
} Reader;

static uint32_t read_count(Reader *r)
{
  if (r->end - r->at < 4)
    return 0;
  uint32_t v = r->at[0] | r->at[1] << 8 | r->at[2] << 16 | (uint32_t)r->at[3] << 24;
  r->at += 4;
  return v;
}

static GBytes *read_blob(Reader *r)
{
  uint32_t size = read_count(r), rest = (uint32_t)(r->end - r->at);
  size = MIN(size, rest);
  GBytes *bytes = g_bytes_new(r->at, size);
  r->at += size;
  return bytes;
}

static GPtrArray *read_blobs(Reader *r)
{
  GPtrArray *list = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
  for (uint32_t i = 0, n = read_count(r); i < n && r->at < r->end; i++)
    g_ptr_array_add(list, read_blob(r));
  return list;
}

/* Where a case comes from: files beside the model, or blobs of a container. */
typedef struct {
  const char *stem;
  GBytes *model;             /* NULL: in a file */
  GPtrArray *input, *golden; /* of GBytes, with model */
} Source;

static GArray *source_values(const Source *s, const char *kind, uint32_t index, QfDType dtype)
{
  GPtrArray *blobs = !strcmp(kind, "input") ? s->input : s->golden;
  if (!s->model)
    return read_values(s->stem, kind, index);
  if (index >= blobs->len)
    return NULL;
  size_t size;
  const void *data = g_bytes_get_data(blobs->pdata[index], &size);
  return widen(dtype, data, size);
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

static gboolean read_side(Case *c, const Source *s, const char *kind, uint32_t n,
                          const QfTensorDesc *(*desc)(const QfModel *, uint32_t), GPtrArray *list)
{
  for (uint32_t i = 0; i < n; i++) {
    const QfTensorDesc *d = desc(c->model, i);
    GArray *values = source_values(s, kind, i, d->dtype);
    gboolean fits = check_values(c, d, values, kind);
    if (values)
      g_ptr_array_add(list, values);
    if (!fits)
      return FALSE;
  }
  return TRUE;
}

static gboolean read_case(Case *c, const Source *s)
{
  c->in = g_ptr_array_new_with_free_func((GDestroyNotify)g_array_unref);
  c->golden = g_ptr_array_new_with_free_func((GDestroyNotify)g_array_unref);
  return read_side(c, s, "input", qf_model_n_inputs(c->model), qf_model_input, c->in) &&
         read_side(c, s, "golden", qf_model_n_outputs(c->model), qf_model_output, c->golden);
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
  const gboolean real = qf_dtype_is_float(d->dtype);
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

static void do_case(const Source *source, Tally *tally)
{
  QfModelOptions options = {.backend = backend ? backend : "ref", .requant = requant ? requant : "tflite"};
  g_autofree char *path = g_strconcat(source->stem, ".tflite", NULL);
  g_autoptr(GString) text = g_string_new(NULL);
  g_autoptr(GError) error = NULL;
  g_autoptr(QfModel) model = source->model
                                 ? qf_model_load_bytes(source->model, source->stem, &options, &error)
                                 : qf_model_load(path, &options, &error);
  g_autoptr(QfSession) session = model ? qf_session_new(model, NULL, &error) : NULL;
  Case c = {.model = model, .session = session, .text = text};
  gboolean passes = session && read_case(&c, source) && run_case(&c, tally);
  g_clear_pointer(&c.in, g_ptr_array_unref);
  g_clear_pointer(&c.golden, g_ptr_array_unref);
  if (passes)
    tally->passed++;
  else
    tally->failed++;
  if (!passes || verbose)
    g_print("%s %s: %s%s\n", passes ? "PASS" : "FAIL", source->stem, text->str, error ? error->message : "");
}

static void do_file(const char *path, Tally *tally)
{
  g_autofree char *stem = g_strndup(path, strlen(path) - strlen(".tflite"));
  Source source = {.stem = stem};
  do_case(&source, tally);
}

static void write_model(const Source *source, Tally *tally)
{
  g_autofree char *name = g_strconcat(source->stem, ".tflite", NULL);
  g_autofree char *path = g_build_filename(extract, name, NULL);
  g_autoptr(GError) error = NULL;
  gsize size;
  const char *data = g_bytes_get_data(source->model, &size);
  if (g_file_set_contents(path, data, (gssize)size, &error)) {
    tally->passed++;
    return;
  }
  g_print("FAIL %s: %s\n", source->stem, error->message);
  tally->failed++;
}

static gboolean left_out(const char *stem)
{
  for (char **glob = without; glob && *glob; glob++)
    if (g_pattern_match_simple(*glob, stem))
      return TRUE;
  return FALSE;
}

static void do_container(const char *path, Tally *tally)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GMappedFile) file = g_mapped_file_new(path, FALSE, &error);
  const char *data = file ? g_mapped_file_get_contents(file) : NULL;
  size_t size = file ? g_mapped_file_get_length(file) : 0;
  if (size < 12 || memcmp(data, CONTAINER, strlen(CONTAINER))) {
    g_print("FAIL %s: %s\n", path, error ? error->message : "not a container of cases");
    tally->failed++;
    return;
  }
  Reader r = {(const uint8_t *)data + strlen(CONTAINER), (const uint8_t *)data + size};
  for (uint32_t i = 0, n = read_count(&r); i < n; i++) {
    g_autoptr(GBytes) name = read_blob(&r), model = read_blob(&r);
    g_autoptr(GPtrArray) input = read_blobs(&r), golden = read_blobs(&r);
    size_t length;
    const char *text = g_bytes_get_data(name, &length);
    g_autofree char *stem = g_strndup(text, length);
    Source source = {stem, model, input, golden};
    if (only && !g_pattern_match_simple(only, stem))
      continue;
    if (extract)
      write_model(&source, tally);
    else if (left_out(stem))
      tally->skipped++;
    else
      do_case(&source, tally);
  }
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
      do_file(names->pdata[i], &own);
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
  g_autoptr(GOptionContext) context = g_option_context_new("DIR|FILE...");
  g_autoptr(GError) error = NULL;
  Tally tally = {0};
  g_option_context_add_main_entries(context, entries, NULL);
  g_option_context_set_summary(context,
                               "Runs each NAME.tflite below DIR, with NAME_golden*.csv beside it, or the\n"
                               "cases of the container FILE.\n"
                               "Exit status: 0 all passed, 1 some failed, 77 nothing to run.");
  if (!g_option_context_parse(context, &argc, &argv, &error) || argc < 2) {
    g_printerr("%s\n", error ? error->message : "give a folder or a container; --help says more");
    return 2;
  }
  for (int i = 1; i < argc; i++)
    if (g_file_test(argv[i], G_FILE_TEST_IS_DIR))
      do_folder(argv[i], &tally);
    else
      do_container(argv[i], &tally);
  if (tally.differ)
    g_print("%" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT
            " integers differ (%.3g %%), the largest difference is %g\n",
            tally.differ, tally.elements, 100.0 * (double)tally.differ / (double)tally.elements,
            tally.largest);
  g_print("%u passed, %u failed, %u skipped\n", tally.passed, tally.failed, tally.skipped);
  return tally.failed ? 1 : tally.passed ? 0 : EXIT_SKIPPED;
}
