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
  char **inputs;
  char *folder, *format, *fit, *mean, *std, *labels;
  gboolean random, bgr;
  int top;
} RunOptions;

static void clear_options(RunOptions *o)
{
  char *owned[] = {o->folder, o->format, o->fit, o->mean, o->std, o->labels};
  for (guint i = 0; i < G_N_ELEMENTS(owned); i++)
    g_free(owned[i]);
  g_strfreev(o->inputs);
}

static gboolean bad(GError **error, const char *option, const char *value, const char *wants)
{
  g_set_error(error, QF_ERROR, QF_ERROR_ARGUMENT, "--%s %s: write %s", option, value, wants);
  return FALSE;
}

/* "127.5" or "123.7,116.8,103.9". */
static gboolean read_triple(const char *option, const char *text, float *values, GError **error)
{
  g_auto(GStrv) parts = g_strsplit(text, ",", -1);
  guint n = g_strv_length(parts);
  for (guint i = 0; i < 3 && (n == 1 || n == 3); i++) {
    const char *part = parts[n == 1 ? 0 : i];
    char *end = NULL;
    values[i] = g_ascii_strtod(part, &end);
    if (!*part || *end || !isfinite(values[i]))
      n = 0;
  }
  return n == 1 || n == 3 ||
         bad(error, option, text, "one number or three, as in 127.5 or 123.7,116.8,103.9");
}

static gboolean picture_options(const RunOptions *o, QfPictureOptions *p, GError **error)
{
  static const char *const fits[] = {"stretch", "letterbox", "letterbox-top", "crop"};
  guint fit = 0;
  while (o->fit && fit < G_N_ELEMENTS(fits) && strcmp(o->fit, fits[fit]))
    fit++;
  if (fit == G_N_ELEMENTS(fits))
    return bad(error, "fit", o->fit, "stretch, letterbox, letterbox-top or crop");
  if (o->format && strcmp(o->format, "npy") && strcmp(o->format, "raw"))
    return bad(error, "format", o->format, "npy or raw");
  *p = (QfPictureOptions){.fit = (QfFit)fit,
                          .channels = o->bgr ? QF_CHANNELS_BGR : QF_CHANNELS_RGB,
                          .has_mean = o->mean != NULL,
                          .has_std = o->std != NULL};
  return (!o->mean || read_triple("mean", o->mean, p->mean, error)) &&
         (!o->std || read_triple("std", o->std, p->std, error));
}

/* The input that "NAME=FILE" or "FILE" speaks of; @file is set to the path. -1 with an error. */
static int input_of(const QfModel *model, const char *text, int next, const char **file, GError **error)
{
  int n = qf_model_n_inputs(model);
  for (int i = 0; i < n; i++) {
    const char *name = qf_model_input(model, i)->name;
    if (g_str_has_prefix(text, name) && text[strlen(name)] == '=') {
      *file = text + strlen(name) + 1;
      return i;
    }
  }
  *file = text;
  if (next < n)
    return next;
  g_set_error(error, QF_ERROR, QF_ERROR_ARGUMENT, "--input %s: the model has %d inputs only", text, n);
  return -1;
}

/* What an input holds that was given no file. */
static gboolean fill_rest(const QfTensorDesc *desc, const RunOptions *o, void *data, GError **error)
{
  g_autofree char *text = qf_tool_tensor_text(desc);
  if (o->random && data && desc->rank >= 0 && qf_dims_count(desc->dims, desc->rank) >= 0) {
    qf_tool_fill_random(desc, data);
    return TRUE;
  }
  g_set_error(error, QF_ERROR, QF_ERROR_ARGUMENT,
              "input '%s' (%s) was given nothing; add --input %s=FILE (.npy, picture or raw), or --random%s",
              desc->name, text, desc->name, o->random ? " and its dimensions (--dims)" : "");
  return FALSE;
}

static gboolean fill_inputs(QfSession *session, const RunOptions *o, GError **error)
{
  QfModel *model = qf_session_model(session);
  uint32_t n = qf_model_n_inputs(model);
  g_autofree gboolean *given = g_new0(gboolean, n + 1);
  QfPictureOptions picture;
  if (!picture_options(o, &picture, error))
    return FALSE;
  for (int k = 0; o->inputs && o->inputs[k]; k++) {
    const char *file;
    int i = input_of(model, o->inputs[k], k, &file, error);
    if (i < 0 ||
        !qf_input_read(file, qf_model_input(model, i), &picture, qf_session_input_data(session, i), error))
      return FALSE;
    given[i] = TRUE;
  }
  for (uint32_t i = 0; i < n; i++)
    if (!given[i] && !fill_rest(qf_model_input(model, i), o, qf_session_input_data(session, i), error))
      return FALSE;
  return TRUE;
}

/* Inputs of a model whose dimensions may be open: those of the files. */
static GPtrArray *read_values(const QfModel *model, const RunOptions *o, GError **error)
{
  uint32_t n = qf_model_n_inputs(model);
  g_autoptr(GPtrArray) values = g_ptr_array_new_with_free_func((GDestroyNotify)qf_value_unref);
  QfPictureOptions picture;
  if (!picture_options(o, &picture, error))
    return NULL;
  g_ptr_array_set_size(values, (gint)n);
  for (int k = 0; o->inputs && o->inputs[k]; k++) {
    const char *file;
    int i = input_of(model, o->inputs[k], k, &file, error);
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
    if (!fill_rest(desc, o, data, error))
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
  if (!fill_inputs(session, show->options, error) || !qf_session_run(session, error))
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
  for (int k = 0; o->inputs && o->inputs[k]; k++) {
    const char *file = o->inputs[k], *equals = strchr(file, '=');
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

static gboolean work(const char *path, const QfToolModel *options, const RunOptions *o, GError **error)
{
  g_autoptr(QfModel) model = load(path, options, o, error);
  QfSessionOptions session_options = {.n_threads = MAX(options->threads, 0)};
  g_autoptr(QfSession) session = model ? qf_session_new(model, &session_options, error) : NULL;
  g_auto(GStrv) labels = NULL;
  g_autofree char *text = NULL;
  if (!session || (o->labels && !g_file_get_contents(o->labels, &text, NULL, error)))
    return FALSE;
  if (text)
    labels = g_strsplit(text, "\n", -1);
  if (o->folder && g_mkdir_with_parents(o->folder, 0777))
    return bad(error, "output-dir", o->folder, "a folder that can be made");
  Show show = {o, labels};
  return qf_model_is_dynamic(model) ? run_values(session, &show, error) : run_frozen(session, &show, error);
}

static int run(int argc, char **argv)
{
  RunOptions o = {.top = 5};
  g_auto(QfToolModel) options = {0};
  g_autoptr(GError) error = NULL;
  const GOptionEntry entries[] = {
      {"input", 'i', 0, G_OPTION_ARG_FILENAME_ARRAY, &o.inputs,
       "An input: .npy, picture or raw; may be repeated", "[NAME=]FILE"},
      {"random", 0, 0, G_OPTION_ARG_NONE, &o.random,
       "Inputs that are not given get random numbers (fixed seed)", NULL},
      {"output-dir", 'o', 0, G_OPTION_ARG_FILENAME, &o.folder, "Save outputs as DIR/output_K.npy", "DIR"},
      {"format", 0, 0, G_OPTION_ARG_STRING, &o.format, "npy (default) or raw", "FORMAT"},
      {"top", 0, 0, G_OPTION_ARG_INT, &o.top, "How many of the highest scores to list (default: 5)", "N"},
      {"labels", 0, 0, G_OPTION_ARG_FILENAME, &o.labels, "Names of classes, one a line", "FILE"},
      {"fit", 0, 0, G_OPTION_ARG_STRING, &o.fit,
       "Pictures: stretch (default), letterbox, letterbox-top, crop", "FIT"},
      {"mean", 0, 0, G_OPTION_ARG_STRING, &o.mean, "Pictures: subtracted, in 0..255", "M[,M,M]"},
      {"std", 0, 0, G_OPTION_ARG_STRING, &o.std, "Pictures: divided by, in 0..255", "S[,S,S]"},
      {"bgr", 0, 0, G_OPTION_ARG_NONE, &o.bgr, "Pictures: blue first", NULL},
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
