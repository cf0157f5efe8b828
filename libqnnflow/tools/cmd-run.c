/* SPDX-License-Identifier: MIT */
/*
 * cmd-run.c - `qnnflow run`: files in, one run, a table of the outputs, and the outputs as files.
 */
#include "inputs.h"
#include "npy.h"
#include "tool.h"

#include <math.h>
#include <string.h>

typedef struct {
  QfInputOptions in;
  char *folder, *format, *labels;
  int top;
} RunOptions;

static void clear_options(RunOptions *o)
{
  g_free(o->folder);
  g_free(o->format);
  g_free(o->labels);
  qf_input_options_clear(&o->in);
}

/* Inputs of a model whose dimensions may be open: those of the files. */
static GPtrArray *read_values(const QfModel *model, const RunOptions *o, GError **error)
{
  uint32_t n = qf_model_n_inputs(model);
  g_autoptr(GPtrArray) values = g_ptr_array_new_with_free_func((GDestroyNotify)qf_value_unref);
  QfPictureOptions picture;
  if (!qf_input_picture(&o->in, &picture, error))
    return NULL;
  g_ptr_array_set_size(values, (gint)n);
  for (int k = 0; o->in.files && o->in.files[k]; k++) {
    const char *file;
    int i = qf_input_index(model, o->in.files[k], k, &file, error);
    QfValue *value = i < 0 ? NULL : qf_input_read_value(file, qf_model_input(model, i), &picture, error);
    if (!value)
      return NULL;
    qf_value_unref(values->pdata[i]);
    values->pdata[i] = value;
  }
  for (uint32_t i = 0; i < n; i++) {
    const QfTensorDesc *desc = qf_model_input(model, i);
    if (values->pdata[i])
      continue;
    g_autofree void *data = g_malloc0(desc->size_bytes + 1);
    if (!qf_input_fill_rest(desc, &o->in, data, error))
      return NULL;
    g_autoptr(GBytes) bytes = g_bytes_new(data, desc->size_bytes);
    values->pdata[i] = qf_value_new_tensor(desc->dtype, desc->dims, desc->rank, bytes, error);
    if (!values->pdata[i])
      return NULL;
  }
  return g_steal_pointer(&values);
}

static double half_to_double(uint16_t h, gboolean bfloat)
{
  union {
    uint32_t u;
    float f;
  } bits = {.u = (uint32_t)h << 16};
  if (bfloat)
    return bits.f;
  int exponent = h >> 10 & 31;
  double value = exponent == 31 ? (h & 1023 ? NAN : INFINITY)
                                : ldexp(exponent ? 1024 + (h & 1023) : h & 1023, MAX(exponent, 1) - 25);
  return h & 0x8000 ? -value : value;
}

/* Element @i of a tensor as a real number, dequantized when it has one scale. */
static double real_at(const QfTensorDesc *desc, const void *data, int64_t i)
{
  const char *at = (const char *)data + i * qf_dtype_size(desc->dtype);
  int64_t low, high, q = 0;
  if (desc->dtype == QF_DTYPE_FLOAT32)
    return *(const float *)at;
  if (desc->dtype == QF_DTYPE_FLOAT64)
    return *(const double *)at;
  if (qf_dtype_is_float(desc->dtype))
    return half_to_double(*(const uint16_t *)at, desc->dtype == QF_DTYPE_BFLOAT16);
  qf_dtype_range(desc->dtype, &low, &high);
  memcpy(&q, at, qf_dtype_size(desc->dtype));
  if (low < 0 && q > high)
    q -= 2 * (high + 1); /* sign of a narrow type */
  if (desc->quant.count != 1)
    return q;
  return ((double)q + desc->quant.entries[0].offset) * desc->quant.entries[0].scale;
}

/* The @top largest elements, when the output is one row of scores. */
static void print_top(const QfTensorDesc *desc, const void *data, int top, char **labels)
{
  int64_t n = desc->rank ? desc->dims[desc->rank - 1] : 0;
  guint n_labels = labels ? g_strv_length(labels) : 0;
  if (n < 2 || qf_dims_count(desc->dims, desc->rank) != n)
    return;
  g_autofree gboolean *shown = g_new0(gboolean, n);
  for (int k = 0; k < top && k < n; k++) {
    int64_t best = -1;
    for (int64_t i = 0; i < n; i++)
      if (!shown[i] && (best < 0 || real_at(desc, data, i) > real_at(desc, data, best)))
        best = i;
    shown[best] = TRUE;
    g_print("    %6" G_GINT64_FORMAT "  %10.5f  %s\n", best, real_at(desc, data, best),
            best < n_labels ? labels[best] : "");
  }
}

static void print_output(const char *index, const QfTensorDesc *desc, const void *data)
{
  int64_t n = qf_dims_count(desc->dims, desc->rank);
  double low = INFINITY, high = -INFINITY, sum = 0;
  g_autofree char *text = qf_tool_tensor_text(desc);
  for (int64_t i = 0; i < n; i++) {
    double v = real_at(desc, data, i);
    low = MIN(low, v);
    high = MAX(high, v);
    sum += v;
  }
  g_print("output %s  %s  %s", index, desc->name, text);
  if (n)
    g_print("  min %g  max %g  mean %g", low, high, sum / n);
  g_print("\n");
}

static gboolean save(const RunOptions *o, const char *index, const QfTensorDesc *desc, const void *data,
                     GError **error)
{
  gboolean raw = o->format && !strcmp(o->format, "raw");
  g_autofree char *name = g_strdup_printf("output_%s.%s", index, raw ? "raw" : "npy");
  g_autofree char *path = g_build_filename(o->folder, name, NULL);
  g_autoptr(GError) cause = NULL;
  if (!raw)
    return qf_npy_write(path, desc->dtype, desc->dims, desc->rank, data, error);
  if (g_file_set_contents_full(path, data, desc->size_bytes, G_FILE_SET_CONTENTS_CONSISTENT, 0666, &cause))
    return TRUE;
  g_set_error(error, QF_ERROR, QF_ERROR_FILE, "%s: cannot be written (%s)", path, cause->message);
  return FALSE;
}

/* Where outputs go. */
typedef struct {
  const RunOptions *options;
  char **labels;
} Show;

static gboolean show_tensor(const Show *show, const char *index, const QfTensorDesc *desc, const void *data,
                            GError **error)
{
  print_output(index, desc, data);
  print_top(desc, data, show->options->top, show->labels);
  return !show->options->folder || save(show->options, index, desc, data, error);
}

/* A value with its actual dimensions; the items of a sequence are INDEX_0, INDEX_1, ... */
static gboolean show_value(const Show *show, const char *index, const char *name, const QfValue *value,
                           GError **error)
{
  g_autofree char *text = qf_value_describe(value);
  if (qf_value_kind(value) == QF_VALUE_TENSOR) {
    QfTensorDesc desc = {.name = name,
                         .dtype = qf_value_dtype(value),
                         .rank = qf_value_rank(value),
                         .size_bytes = g_bytes_get_size(qf_value_bytes(value))};
    memcpy(desc.dims, qf_value_dims(value), (size_t)desc.rank * sizeof(*desc.dims));
    return show_tensor(show, index, &desc, qf_value_data(value), error);
  }
  g_print("output %s  %s  %s\n", index, name, text);
  for (uint32_t i = 0; i < qf_value_n_items(value); i++) {
    g_autofree char *inner = g_strdup_printf("%s_%u", index, i);
    if (!show_value(show, inner, name, qf_value_item(value, i), error))
      return FALSE;
  }
  return TRUE;
}

static gboolean run_values(QfSession *session, const Show *show, GError **error)
{
  const QfModel *model = qf_session_model(session);
  uint32_t n = qf_model_n_outputs(model);
  g_autoptr(GPtrArray) outputs = g_ptr_array_new_with_free_func((GDestroyNotify)qf_value_unref);
  g_autoptr(GPtrArray) inputs = read_values(model, show->options, error);
  g_ptr_array_set_size(outputs, (gint)n);
  gint64 start = g_get_monotonic_time();
  if (!inputs || !qf_session_evaluate(session, (QfValue **)inputs->pdata, inputs->len,
                                      (QfValue **)outputs->pdata, n, error))
    return FALSE;
  double ms = (g_get_monotonic_time() - start) / 1e3;
  for (uint32_t i = 0; i < n; i++) {
    g_autofree char *index = g_strdup_printf("%u", i);
    if (!show_value(show, index, qf_model_output(model, i)->name, outputs->pdata[i], error))
      return FALSE;
  }
  g_print("ran in %.3f ms on %s, compiling included: its shapes follow from values\n", ms,
          qf_model_backend(model));
  return TRUE;
}

static gboolean run_frozen(QfSession *session, const Show *show, GError **error)
{
  const QfModel *model = qf_session_model(session);
  if (!qf_input_fill(session, &show->options->in, error) || !qf_session_run(session, error))
    return FALSE;
  for (uint32_t i = 0; i < qf_model_n_outputs(model); i++) {
    g_autofree char *index = g_strdup_printf("%u", i);
    if (!show_tensor(show, index, qf_model_output(model, i), qf_session_output_data(session, i), error))
      return FALSE;
  }
  g_print("ran in %.3f ms on %s\n", qf_session_last_run_ns(session) / 1e6, qf_model_backend(model));
  return TRUE;
}

/* The dimensions of the arrays given as inputs. FALSE when one is no array. */
static gboolean dims_of_files(const RunOptions *o, GPtrArray *names, GArray *dims)
{
  for (int k = 0; o->in.files && o->in.files[k]; k++) {
    const char *file = o->in.files[k], *equals = strchr(file, '=');
    g_auto(QfNpy) array = {0};
    QfInputDims given = {0};
    if (equals && !g_file_test(file, G_FILE_TEST_EXISTS)) {
      g_ptr_array_add(names, g_strndup(file, (gsize)(equals - file)));
      given.name = names->pdata[names->len - 1];
      file = equals + 1;
    }
    if (!qf_npy_read(file, &array, NULL))
      return FALSE;
    given.rank = array.rank;
    memcpy(given.dims, array.dims, sizeof(given.dims));
    g_array_append_val(dims, given);
  }
  return dims->len > 0;
}

/* What the file leaves open, the inputs settle when --dims does not. */
static QfModel *load(const char *path, const QfToolModel *options, const RunOptions *o, GError **error)
{
  g_autoptr(GError) open = NULL;
  g_autoptr(QfModel) model = qf_tool_load(path, options, &open);
  g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
  g_autoptr(GArray) dims = g_array_new(FALSE, FALSE, sizeof(QfInputDims));
  gboolean may = model ? !qf_model_is_dynamic(model) : g_error_matches(open, QF_ERROR, QF_ERROR_SHAPE);
  if (may && !options->dims && dims_of_files(o, names, dims)) {
    QfToolModel fitted = *options;
    fitted.file_dims = (const QfInputDims *)(void *)dims->data;
    fitted.n_file_dims = dims->len;
    QfModel *other = model ? qf_model_reshape(model, fitted.file_dims, dims->len, NULL)
                           : qf_tool_load(path, &fitted, NULL);
    if (other) {
      qf_model_unref(model);
      model = other;
    }
  }
  if (!model)
    g_propagate_error(error, g_steal_pointer(&open));
  return g_steal_pointer(&model);
}

static gboolean check_format(const RunOptions *o, GError **error)
{
  if (!o->format || !strcmp(o->format, "npy") || !strcmp(o->format, "raw"))
    return TRUE;
  g_set_error(error, QF_ERROR, QF_ERROR_ARGUMENT, "--format %s: write npy or raw", o->format);
  return FALSE;
}

static gboolean work(const char *path, const QfToolModel *options, const RunOptions *o, GError **error)
{
  g_autoptr(QfModel) model = check_format(o, error) ? load(path, options, o, error) : NULL;
  QfSessionOptions session_options = {.n_threads = MAX(options->threads, 0)};
  g_autoptr(QfSession) session = model ? qf_session_new(model, &session_options, error) : NULL;
  g_auto(GStrv) labels = NULL;
  g_autofree char *text = NULL;
  if (!session || (o->labels && !g_file_get_contents(o->labels, &text, NULL, error)))
    return FALSE;
  if (text)
    labels = g_strsplit(text, "\n", -1);
  if (o->folder && g_mkdir_with_parents(o->folder, 0777)) {
    g_set_error(error, QF_ERROR, QF_ERROR_ARGUMENT, "--output-dir %s: the folder cannot be made", o->folder);
    return FALSE;
  }
  Show show = {o, labels};
  return qf_model_is_dynamic(model) ? run_values(session, &show, error) : run_frozen(session, &show, error);
}

static int run(int argc, char **argv)
{
  RunOptions o = {.top = 5};
  g_auto(QfToolModel) options = {0};
  g_autoptr(GError) error = NULL;
  const GOptionEntry entries[] = {
      QF_INPUT_ENTRIES(o.in),
      {"output-dir", 'o', 0, G_OPTION_ARG_FILENAME, &o.folder, "Save outputs as DIR/output_K.npy", "DIR"},
      {"format", 0, 0, G_OPTION_ARG_STRING, &o.format, "npy (default) or raw", "FORMAT"},
      {"top", 0, 0, G_OPTION_ARG_INT, &o.top, "How many of the highest scores to list (default: 5)", "N"},
      {"labels", 0, 0, G_OPTION_ARG_FILENAME, &o.labels, "Names of classes, one a line", "FILE"},
      {"all-tensors", 0, 0, G_OPTION_ARG_NONE, &options.all_tensors,
       "Show every tensor that a node makes as an output", NULL},
      {NULL},
  };
  if (!qf_tool_parse(&qf_tool_run, &argc, &argv, entries, qf_tool_model_group(&options), 1, 1)) {
    clear_options(&o);
    return QF_EXIT_USAGE;
  }
  gboolean ok = work(argv[1], &options, &o, &error);
  clear_options(&o);
  return ok ? QF_EXIT_OK : qf_tool_fail(&qf_tool_run, error);
}

const QfTool qf_tool_run = {
    .name = "run",
    .arguments = "MODEL",
    .summary = "Run a model once on files and show what comes out",
    .description = "Inputs without NAME= are taken in the model's order; arrays settle dimensions that the "
                   "file leaves open. Example:\n"
                   "  qnnflow run mobilenet.tflite -i cat.jpg --mean 127.5 --std 127.5 --labels labels.txt",
    .run = run,
};
