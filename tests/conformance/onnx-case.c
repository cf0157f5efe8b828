/* SPDX-License-Identifier: MIT */
/*
 * onnx-case.c - runs one ONNX backend case through the public interface: inputs stay inputs, whatever the model does with
 * them. Records of the files are read with the importer's own schema. Reals may differ by 1e-5 + 1e-3 of the published
 * number, NaN equals NaN, everything else is exact.
 */
#include "onnx-case.h"
#include "onnx-value.h"

#include <qnnflow/session.h>
#include <string.h>

/* What of a model says how its data files are written. */
typedef struct {
  Onnx__ModelProto *proto;
  GPtrArray *inputs; /* Onnx__ValueInfoProto without the weights that older files list */
} Record;

static void record_free(Record *r)
{
  if (r->proto)
    onnx__model_proto__free_unpacked(r->proto, NULL);
  if (r->inputs)
    g_ptr_array_unref(r->inputs);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Record, record_free)

static gboolean is_weight(const Onnx__GraphProto *g, const char *name)
{
  for (size_t i = 0; i < g->n_initializer; i++)
    if (!strcmp(g->initializer[i]->name, name))
      return TRUE;
  return FALSE;
}

static gboolean record_read(const char *folder, Record *r, GError **error)
{
  g_autofree char *path = g_build_filename(folder, "model.onnx", NULL), *data = NULL;
  gsize size;
  if (!g_file_get_contents(path, &data, &size, error))
    return FALSE;
  r->inputs = g_ptr_array_new();
  r->proto = onnx__model_proto__unpack(NULL, size, (const uint8_t *)data);
  const Onnx__GraphProto *g = r->proto ? r->proto->graph : NULL;
  if (!g) {
    g_set_error(error, QF_ERROR, QF_ERROR_FORMAT, "model.onnx is no ONNX model");
    return FALSE;
  }
  for (size_t i = 0; i < g->n_input; i++)
    if (!is_weight(g, g->input[i]->name))
      g_ptr_array_add(r->inputs, g->input[i]);
  return TRUE;
}

/* The values of a data set, one for each of @infos. */
static GPtrArray *read_values(const char *set, const char *what, Onnx__ValueInfoProto *const *infos, size_t n,
                              GError **error)
{
  g_autoptr(GPtrArray) values = g_ptr_array_new_with_free_func((GDestroyNotify)qf_value_unref);
  for (size_t i = 0; i < n; i++) {
    g_autofree char *name = g_strdup_printf("%s_%" G_GSIZE_FORMAT ".pb", what, i);
    g_autofree char *path = g_build_filename(set, name, NULL);
    QfValue *value = qf_onnx_value_read(path, infos[i]->type, error);
    if (!value) {
      g_prefix_error(error, "%s: ", name);
      return NULL;
    }
    g_ptr_array_add(values, value);
  }
  return g_steal_pointer(&values);
}

/* Whether data and model contradict each other about an input's dimensions. */
static gboolean contradicts(const QfValue *v, const Onnx__ValueInfoProto *info)
{
  const Onnx__TensorShapeProto *shape =
      info->type && info->type->tensor_type ? info->type->tensor_type->shape : NULL;
  gboolean differs = shape && shape->n_dim != (size_t)qf_value_rank(v);
  for (size_t i = 0; shape && !differs && i < shape->n_dim; i++)
    differs = shape->dim[i]->value_case == ONNX__TENSOR_SHAPE_DIM__VALUE_DIM_VALUE &&
              shape->dim[i]->dim_value > 0 && shape->dim[i]->dim_value != qf_value_dims(v)[i];
  return differs;
}

/* The model without what it declares of the inputs in @wrong: some cases only look at the type of an input, and give it any dimensions. */
static QfModel *load_corrected(const Record *r, const GPtrArray *wrong, const QfModelOptions *options,
                               GError **error)
{
  for (guint i = 0; i < wrong->len; i++) {
    Onnx__TensorTypeProto *type = ((Onnx__ValueInfoProto *)g_ptr_array_index(wrong, i))->type->tensor_type;
    onnx__tensor_shape_proto__free_unpacked(type->shape, NULL);
    type->shape = NULL;
  }
  gsize size = onnx__model_proto__get_packed_size(r->proto);
  uint8_t *packed = g_malloc(size + 1);
  onnx__model_proto__pack(r->proto, packed);
  g_autoptr(GBytes) bytes = g_bytes_new_take(packed, size);
  return qf_model_load_bytes(bytes, "model.onnx", options, error);
}

/* The dimensions that the data has; what the file leaves open is settled by them. */
static QfModel *load(const char *folder, const char *backend, const Record *r, const GPtrArray *inputs,
                     GError **error)
{
  g_autofree char *path = g_build_filename(folder, "model.onnx", NULL);
  g_autofree QfInputDims *dims = g_new0(QfInputDims, inputs->len + 1);
  g_autoptr(GPtrArray) wrong = g_ptr_array_new();
  uint32_t n = 0;
  for (guint i = 0; i < inputs->len; i++) {
    const QfValue *v = g_ptr_array_index(inputs, i);
    const Onnx__ValueInfoProto *info = g_ptr_array_index(r->inputs, i);
    if (qf_value_kind(v) != QF_VALUE_TENSOR)
      continue;
    if (contradicts(v, info))
      g_ptr_array_add(wrong, (gpointer)info);
    dims[n].name = info->name;
    dims[n].rank = qf_value_rank(v);
    memcpy(dims[n++].dims, qf_value_dims(v), (size_t)qf_value_rank(v) * sizeof(int64_t));
  }
  const QfModelOptions options = {.backend = backend, .input_dims = dims, .n_input_dims = n};
  return wrong->len ? load_corrected(r, wrong, &options, error) : qf_model_load(path, &options, error);
}

static gboolean run_set(const char *folder, const char *set, const char *backend, const Record *r,
                        GError **error)
{
  const Onnx__GraphProto *g = r->proto->graph;
  g_autoptr(GPtrArray) inputs =
      read_values(set, "input", (Onnx__ValueInfoProto **)r->inputs->pdata, r->inputs->len, error);
  g_autoptr(GPtrArray) wanted = inputs ? read_values(set, "output", g->output, g->n_output, error) : NULL;
  if (!wanted)
    return FALSE;
  g_autoptr(QfModel) model = load(folder, backend, r, inputs, error);
  if (!model)
    return FALSE;
  g_autoptr(QfSession) session = qf_session_new(model, &(QfSessionOptions){.n_threads = 1}, error);
  if (!session)
    return FALSE;
  g_autoptr(GPtrArray) outputs = g_ptr_array_new_with_free_func((GDestroyNotify)qf_value_unref);
  g_ptr_array_set_size(outputs, (gint)g->n_output);
  if (!qf_session_evaluate(session, (QfValue **)inputs->pdata, inputs->len, (QfValue **)outputs->pdata,
                           outputs->len, error))
    return FALSE;
  for (guint i = 0; i < outputs->len; i++)
    if (!qf_onnx_value_compare(g->output[i]->name, outputs->pdata[i], wanted->pdata[i], error))
      return FALSE;
  return TRUE;
}

gboolean qf_onnx_case_run(const char *folder, const char *backend, GError **error)
{
  g_auto(Record) r = {0};
  uint32_t n = 0;
  if (!record_read(folder, &r, error))
    return FALSE;
  for (;; n++) {
    g_autofree char *name = g_strdup_printf("test_data_set_%u", n);
    g_autofree char *set = g_build_filename(folder, name, NULL);
    if (!g_file_test(set, G_FILE_TEST_IS_DIR))
      break;
    if (!run_set(folder, set, backend, &r, error)) {
      if (n)
        g_prefix_error(error, "%s: ", name);
      return FALSE;
    }
  }
  if (!n)
    g_set_error(error, QF_ERROR, QF_ERROR_FILE, "there is no test_data_set_0 beside the model");
  return n > 0;
}

/* A line of the table of cases left out. */
typedef struct {
  gboolean by_operator;
  GPatternSpec *pattern;
  char *why;
} Skip;

static void skip_free(gpointer data)
{
  Skip *skip = data;
  g_pattern_spec_free(skip->pattern);
  g_free(skip->why);
  g_free(skip);
}

GPtrArray *qf_onnx_skips_read(const char *path, GError **error)
{
  g_autoptr(GPtrArray) skips = g_ptr_array_new_with_free_func(skip_free);
  g_autofree char *text = NULL;
  if (!g_file_get_contents(path, &text, NULL, error))
    return NULL;
  g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
  for (guint i = 0; lines[i]; i++) {
    g_auto(GStrv) words = g_strsplit(lines[i], " ", 3);
    if (!*lines[i] || *lines[i] == '#')
      continue;
    gboolean op = !strcmp(words[0], "operator");
    if (g_strv_length(words) != 3 || (!op && strcmp(words[0], "case"))) {
      g_set_error(error, QF_ERROR, QF_ERROR_FORMAT,
                  "%s:%u: write \"case PATTERN WHY\" or \"operator PATTERN WHY\"", path, i + 1);
      return NULL;
    }
    Skip *skip = g_new(Skip, 1);
    *skip = (Skip){op, g_pattern_spec_new(words[1]), g_strdup(words[2])};
    g_ptr_array_add(skips, skip);
  }
  return g_steal_pointer(&skips);
}

static gboolean uses_operator(const Record *r, GPatternSpec *pattern)
{
  const Onnx__GraphProto *g = r->proto->graph;
  for (size_t i = 0; i < g->n_node; i++) {
    g_autofree char *name = g_strdup_printf("%s.%s", g->node[i]->domain, g->node[i]->op_type);
    if (g_pattern_spec_match_string(pattern, name))
      return TRUE;
  }
  return FALSE;
}

const char *qf_onnx_skips_find(const GPtrArray *skips, const char *folder)
{
  g_autofree char *name = g_path_get_basename(folder);
  g_auto(Record) r = {0};
  if (!record_read(folder, &r, NULL))
    return NULL;
  for (guint i = 0; i < skips->len; i++) {
    const Skip *skip = g_ptr_array_index(skips, i);
    if (skip->by_operator ? uses_operator(&r, skip->pattern)
                          : g_pattern_spec_match_string(skip->pattern, name))
      return skip->why;
  }
  return NULL;
}
