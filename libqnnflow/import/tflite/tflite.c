/* SPDX-License-Identifier: MIT */
/*
 * tflite.c - the TFLite format: records (model.h) to a graph, operator by operator through the table in map.c.
 *
 * Tensors of the file become tensors of the graph when something defines them, in the order of the file, so an operator
 * that reads what no earlier one wrote is found. Shapes are inferred, not believed: the file's only serve the inputs.
 */
#include "map.h"

#include "../import.h"

#include <string.h>

typedef struct {
  QfGraph *graph;
  QfTflModel *model;
  QfTensor **tensors; /* by the file's index; NULL: nothing has defined it yet */
  uint64_t copied;    /* bytes of constants that could not stay in the file */
  GError **error;
} Import;

static gboolean probe(const uint8_t *data, size_t size)
{
  return size >= 8 && !memcmp(data + 4, QF_TFL_IDENTIFIER, 4);
}

G_GNUC_PRINTF(3, 4) static gboolean fail(Import *im, QfError code, const char *format, ...)
{
  va_list args;
  va_start(args, format);
  g_autofree char *text = g_strdup_vprintf(format, args);
  va_end(args);
  g_set_error(im->error, QF_ERROR, code, "%s: %s", im->graph->name, text);
  return FALSE;
}

/* Small integers are encodings; wider ones (bias, shapes, indices) are numbers, and a bias has the product's scale. */
static gboolean has_encoding(QfDType dtype)
{
  return dtype == QF_DTYPE_INT8 || dtype == QF_DTYPE_UINT8 || dtype == QF_DTYPE_INT16 ||
         dtype == QF_DTYPE_UINT16;
}

static GBytes *unpack_int4(const uint8_t *data, size_t count)
{
  int8_t *values = g_malloc(MAX(count, 1));
  for (size_t i = 0; i < count; i++)
    values[i] = (int8_t)((i & 1 ? data[i / 2] : (uint8_t)(data[i / 2] << 4))) >> 4;
  return g_bytes_new_take(values, count);
}

/* A constant's bytes: those of the file where they are aligned, else a copy. */
static GBytes *constant_bytes(Import *im, const QfTflTensor *x)
{
  const uint8_t *data = im->model->flat.data + x->data_at;
  size_t count = (size_t)qf_dims_count(x->dims, x->rank);
  if (x->type == QF_TFL_INT4)
    return unpack_int4(data, count);
  if (x->dtype == QF_DTYPE_BOOL) {
    uint8_t *values = g_malloc(MAX(count, 1));
    for (size_t i = 0; i < count; i++)
      values[i] = data[i] != 0;
    return g_bytes_new_take(values, count);
  }
  if ((uintptr_t)data % 16)
    return g_bytes_new(data, x->data_size);
  return g_bytes_new_from_bytes(im->model->bytes, x->data_at, x->data_size);
}

/* Constants may share a buffer: what is copied of them is bounded in sum. */
static gboolean charge(Import *im, GBytes *bytes)
{
  const uint8_t *data = g_bytes_get_data(bytes, NULL), *file = im->model->flat.data;
  if (data < file || data >= file + im->model->flat.size)
    im->copied += g_bytes_get_size(bytes);
  return im->copied <= 16 * (uint64_t)im->model->flat.size ||
         fail(im, QF_ERROR_LIMIT, "its constants are many times larger than the file; the file is damaged");
}

static gboolean add_constant(Import *im, uint32_t index)
{
  const QfTflTensor *x = &im->model->tensors[index];
  gboolean empty = qf_dims_count(x->dims, x->rank) == 0 && x->rank > 0;
  if ((!x->data_size && !empty) || x->is_variable || x->is_sparse || x->dtype == QF_DTYPE_INVALID)
    return TRUE;
  GBytes *bytes = x->data_size ? constant_bytes(im, x) : g_bytes_new_static("", 0);
  QfTensor *t = qf_graph_add_constant(im->graph, x->name, x->dtype, x->dims, x->rank, bytes);
  im->tensors[index] = t;
  return charge(im, bytes) && (!has_encoding(t->dtype) || qf_tfl_set_encoding(im->graph, t, x, im->error));
}

static gboolean add_input(Import *im, const QfModelOptions *options, uint32_t i)
{
  uint32_t index = (uint32_t)qf_flat_at_int(&im->model->inputs, i, QF_FLAT_I32);
  const QfTflTensor *x = &im->model->tensors[index];
  int64_t dims[QF_MAX_RANK];
  memcpy(dims, x->signature, sizeof dims);
  if (im->tensors[index])
    return fail(im, QF_ERROR_FORMAT, "input \"%s\" is defined twice; the file is damaged", x->name);
  if (x->dtype == QF_DTYPE_INVALID)
    return fail(im, QF_ERROR_UNSUPPORTED, "input \"%s\" has type %s, which is not supported", x->name,
                qf_tfl_type_name(x->type));
  if (!qf_import_resolve_dims(im->graph, options, i, x->name, dims, x->rank, im->error))
    return FALSE;
  QfTensor *t = qf_graph_add_tensor(im->graph, x->name);
  qf_tensor_set_shape(t, x->dtype, dims, x->rank);
  t->layout = x->rank == 4 ? QF_LAYOUT_NHWC : QF_LAYOUT_ANY;
  im->tensors[index] = t;
  g_ptr_array_add(im->graph->inputs, t);
  return !has_encoding(t->dtype) || qf_tfl_set_encoding(im->graph, t, x, im->error);
}

static gboolean add_outputs(Import *im)
{
  for (uint32_t i = 0; i < im->model->outputs.count; i++) {
    uint32_t index = (uint32_t)qf_flat_at_int(&im->model->outputs, i, QF_FLAT_I32);
    QfTensor *t = im->tensors[index];
    if (!t)
      return fail(im, QF_ERROR_FORMAT, "no operator writes output \"%s\"; the file is damaged",
                  im->model->tensors[index].name);
    if (t->rank == 4)
      t->layout = QF_LAYOUT_NHWC;
    g_ptr_array_add(im->graph->outputs, t);
  }
  return im->model->outputs.count ||
         fail(im, QF_ERROR_FORMAT, "the graph has no outputs; the file is damaged");
}

/* Inputs of an operator, all of which something must have defined. */
static gboolean find_inputs(Import *im, QfTflNode *n, QfTensor **in)
{
  for (uint32_t i = 0; i < n->n_in; i++) {
    int64_t index = qf_flat_at_int(&n->record->inputs, i, QF_FLAT_I32);
    in[i] = index < 0 ? NULL : im->tensors[index];
    if (index < 0 || in[i])
      continue;
    const QfTflTensor *x = &im->model->tensors[index];
    if (x->dtype == QF_DTYPE_INVALID || x->is_variable || x->is_sparse)
      return qf_tfl_fail(n, im->error, QF_ERROR_UNSUPPORTED,
                         "input %u, \"%s\", is %s, which is not supported", i, x->name,
                         x->is_variable ? "a variable"
                         : x->is_sparse ? "sparse"
                                        : qf_tfl_type_name(x->type));
    return qf_tfl_fail(n, im->error, QF_ERROR_FORMAT,
                       "input %u, \"%s\", is written by no operator before it; the file is damaged", i,
                       x->name);
  }
  return TRUE;
}

static gboolean make_outputs(Import *im, QfTflNode *n, QfTensor **out)
{
  for (uint32_t i = 0; i < n->n_out; i++) {
    uint32_t index = (uint32_t)qf_flat_at_int(&n->record->outputs, i, QF_FLAT_I32);
    const QfTflTensor *x = &im->model->tensors[index];
    if (im->tensors[index])
      return qf_tfl_fail(n, im->error, QF_ERROR_FORMAT,
                         "output %u, \"%s\", is written twice; the file is damaged", i, x->name);
    if (x->dtype == QF_DTYPE_INVALID)
      return qf_tfl_fail(n, im->error, QF_ERROR_UNSUPPORTED, "output %u has type %s, which is not supported",
                         i, qf_tfl_type_name(x->type));
    out[i] = im->tensors[index] = qf_graph_add_tensor(im->graph, x->name);
    out[i]->dtype = x->dtype;
    if (has_encoding(x->dtype) && !qf_tfl_set_encoding(im->graph, out[i], x, im->error))
      return FALSE;
  }
  return TRUE;
}

static gboolean check_arity(Import *im, const QfTflNode *n)
{
  const QfTflRow *r = n->row;
  gboolean in_fits =
      (int64_t)n->n_in >= r->min_inputs && (r->max_inputs < 0 || (int64_t)n->n_in <= r->max_inputs);
  gboolean out_fits = r->n_outputs < 0 ? n->n_out >= 1 : (int64_t)n->n_out == r->n_outputs;
  if (!in_fits || !out_fits)
    return qf_tfl_fail(n, im->error, QF_ERROR_FORMAT, "it has %u inputs and %u outputs; the file is damaged",
                       n->n_in, n->n_out);
  for (int32_t i = 0; i < r->min_inputs; i++)
    if (!n->in[i])
      return qf_tfl_fail(n, im->error, QF_ERROR_FORMAT, "input %d is missing; the file is damaged", i);
  return TRUE;
}

static const char *first_output(const QfTflModel *m, const QfTflOperator *o)
{
  return o->outputs.count ? m->tensors[qf_flat_at_int(&o->outputs, 0, QF_FLAT_I32)].name : "";
}

static gboolean map_operator(Import *im, uint32_t index)
{
  const QfTflOperator *o = &im->model->operators[index];
  g_autofree QfTensor **in = g_new0(QfTensor *, o->inputs.count + 1);
  g_autofree QfTensor **out = g_new0(QfTensor *, o->outputs.count + 1);
  g_autoptr(GArray) after = g_array_new(FALSE, FALSE, sizeof(QfTflAfter));
  QfTflNode n = {.graph = im->graph,
                 .model = im->model,
                 .row = qf_tfl_row_find(o->code),
                 .record = o,
                 .index = index,
                 .name = first_output(im->model, o),
                 .in = in,
                 .out = out,
                 .n_in = o->inputs.count,
                 .n_out = o->outputs.count,
                 .after = after};
  if (!find_inputs(im, &n, in) || !check_arity(im, &n) || !make_outputs(im, &n, out))
    return FALSE;
  if (!n.row->map(&n, im->error))
    return FALSE;
  const QfFlat *flat = &im->model->flat;
  return !flat->fault || qf_tfl_fail(&n, im->error, QF_ERROR_FORMAT, "%s (byte %zu); the file is damaged",
                                     flat->fault, flat->fault_at);
}

/* All that is not supported in one message: each operator once, with where it first occurs. */
static gboolean check_operators(Import *im)
{
  const QfTflModel *m = im->model;
  g_autoptr(GString) list = g_string_new(NULL);
  g_autofree uint32_t *seen = g_new0(uint32_t, m->n_codes + 1);
  uint32_t kinds = 0;
  for (uint32_t i = 0; i < m->n_operators; i++) {
    const QfTflOperator *o = &m->operators[i];
    if (qf_tfl_row_find(o->code) || seen[o->code - m->codes]++ || kinds++ >= 32)
      continue;
    const char *name = o->code->custom ? o->code->custom : qf_tfl_operator_name(o->code->builtin);
    g_string_append_printf(list, "%s%s%s version %u (operator %u, output \"%s\")", list->len ? ", " : "",
                           o->code->custom ? "custom operator " : "", name ? name : "of an unknown number",
                           o->code->version, i, first_output(m, o));
  }
  return !kinds ||
         fail(im, QF_ERROR_UNSUPPORTED,
              "%u of its operators are not supported: %s; export the model without them, or split it "
              "before the first one",
              kinds, list->str);
}

static gboolean import_model(Import *im, const QfModelOptions *options)
{
  for (uint32_t i = 0; i < im->model->n_tensors; i++)
    if (!add_constant(im, i))
      return FALSE;
  for (uint32_t i = 0; i < im->model->inputs.count; i++)
    if (!add_input(im, options, i))
      return FALSE;
  for (uint32_t i = 0; i < im->model->n_operators; i++)
    if (!map_operator(im, i))
      return FALSE;
  return add_outputs(im);
}

static gboolean import(QfGraph *graph, GBytes *bytes, const char *directory, const QfModelOptions *options,
                       GError **error)
{
  g_autoptr(QfTflModel) model = qf_tfl_model_new(bytes, graph->name, error);
  if (!model)
    return FALSE;
  g_autofree QfTensor **tensors = g_new0(QfTensor *, model->n_tensors + 1);
  Import im = {.graph = graph, .model = model, .tensors = tensors, .error = error};
  return check_operators(&im) && import_model(&im, options);
}

const QfFormat qf_format_tflite = {"tflite", ".tflite", probe, import};
