/* SPDX-License-Identifier: MIT */
/*
 * tflite.c - the TFLite format: constants, inputs and outputs of a file's graph (scope.h), and its states. Operators are mapped by
 * scope.c. The graph is the first one of the file, or that of the signature that was asked for.
 */
#include "map.h"

#include "../import.h"
#include "../../graph/numbers.h"

#include <string.h>

typedef struct {
  QfTflScope *scope;
  QfGraph *graph;
  QfTflModel *model;
  const QfTflGraph *file;
  QfTensor **tensors; /* the scope's */
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
gboolean qf_tfl_has_encoding(QfDType dtype)
{
  return dtype == QF_DTYPE_INT8 || dtype == QF_DTYPE_UINT8 || dtype == QF_DTYPE_INT16 ||
         dtype == QF_DTYPE_UINT16;
}

static GBytes *unpack(const uint8_t *data, size_t count, uint32_t bits, gboolean is_signed)
{
  int8_t *values = g_malloc(MAX(count, 1));
  for (size_t i = 0; i < count; i++) {
    uint32_t v = data[i * bits / 8] >> (i * bits % 8) & ((1u << bits) - 1);
    values[i] = (int8_t)(is_signed && v >> (bits - 1) ? (int32_t)v - (1 << bits) : (int32_t)v);
  }
  return g_bytes_new_take(values, count);
}

/* A constant's bytes: those of the file where they are aligned, else a copy. NULL for sparse ones that are damaged. */
static GBytes *constant_bytes(Import *im, const QfTflTensor *x)
{
  const uint8_t *data = im->model->flat.data + x->data_at;
  size_t count = (size_t)qf_dims_count(x->dims, x->rank);
  if (x->is_sparse)
    return qf_tfl_densify(im->model, x);
  if (qf_tfl_packed_bits(x->type))
    return unpack(data, count, qf_tfl_packed_bits(x->type), x->dtype == QF_DTYPE_INT8);
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

/* Integers with a scale for each block of the last dimension, as real numbers. Takes over @bytes; NULL when the scales do not fit. */
static GBytes *expand_blocks(Import *im, const QfTflTensor *x, GBytes *bytes)
{
  g_autoptr(GBytes) whole = bytes;
  const QfTflTensor *s = x->block_scales > 0 && x->block_scales < im->file->n_tensors
                             ? &im->file->tensors[x->block_scales]
                             : NULL;
  int64_t count = qf_dims_count(x->dims, x->rank), last = x->rank ? x->dims[x->rank - 1] : 0;
  gboolean narrow = x->dtype == QF_DTYPE_INT8 || x->dtype == QF_DTYPE_UINT8;
  if (!s || !narrow || !last || last % x->block_size || !s->data_size || !qf_dtype_is_float(s->dtype) ||
      s->is_sparse || qf_dims_count(s->dims, s->rank) != count / x->block_size)
    return NULL;
  g_autofree void *scales = g_memdup2(im->model->flat.data + s->data_at, s->data_size); /* aligned */
  float *real = g_new(float, count + 1);
  for (int64_t i = 0; i < count; i++)
    real[i] = (float)(qf_number_real(x->dtype, g_bytes_get_data(whole, NULL), i) *
                      qf_number_real(s->dtype, scales, i / x->block_size));
  return g_bytes_new_take(real, (gsize)count * sizeof(float));
}

/* Constants may share a buffer, and sparse ones grow: what is not used as it lies in the file is bounded in sum, before it is
 * allocated. */
static gboolean charge(Import *im, const QfTflTensor *x)
{
  const uint8_t *data = im->model->flat.data + x->data_at;
  gboolean in_place =
      !qf_tfl_packed_bits(x->type) && x->dtype != QF_DTYPE_BOOL && !x->is_sparse && !((uintptr_t)data % 16);
  int64_t count = qf_dims_count(x->dims, x->rank);
  uint64_t limit = QF_TFL_MAX_GROWTH * (uint64_t)im->model->flat.size;
  gboolean fits = count >= 0 && (uint64_t)count <= limit;
  if ((!in_place || x->block_size) && fits)
    im->scope->import->copied += (uint64_t)count * (x->block_size ? 4 : qf_dtype_size(x->dtype));
  return (fits && im->scope->import->copied <= limit) ||
         fail(im, QF_ERROR_LIMIT,
              "its constants are more than %d times larger than the file; the file is damaged",
              QF_TFL_MAX_GROWTH);
}

static gboolean add_constant(Import *im, uint32_t index)
{
  const QfTflTensor *x = &im->file->tensors[index];
  gboolean empty = qf_dims_count(x->dims, x->rank) == 0 && x->rank > 0;
  if ((!x->data_size && !empty) || x->is_variable || x->dtype == QF_DTYPE_INVALID)
    return TRUE;
  if (x->data_size && !charge(im, x))
    return FALSE;
  GBytes *bytes = x->data_size ? constant_bytes(im, x) : g_bytes_new_static("", 0);
  if (!bytes)
    return fail(im, QF_ERROR_FORMAT,
                "the lists of sparse constant \"%s\" do not fit its shape; the file is damaged", x->name);
  QfDType dtype = x->dtype;
  if (x->block_size && x->data_size) {
    dtype = QF_DTYPE_FLOAT32;
    if (!(bytes = expand_blocks(im, x, bytes)))
      return fail(im, QF_ERROR_FORMAT,
                  "the scales of constant \"%s\", one for every %" G_GINT64_FORMAT
                  " elements, do not fit it; the file is damaged",
                  x->name, x->block_size);
  }
  QfTensor *t = qf_graph_add_constant(im->graph, x->name, dtype, x->dims, x->rank, bytes);
  im->tensors[index] = t;
  return !qf_tfl_has_encoding(t->dtype) || qf_tfl_set_encoding(im->graph, t, x, im->error);
}

gboolean qf_tfl_scope_constants(QfTflScope *scope, GError **error)
{
  Import im = {scope, scope->graph, scope->import->model, scope->file, scope->tensors, error};
  for (uint32_t i = 0; i < scope->file->n_tensors; i++)
    if (!add_constant(&im, i))
      return FALSE;
  return TRUE;
}

/* What the model calls a tensor outside. */
static const char *public_name(GHashTable *names, uint32_t index, const QfTflTensor *x)
{
  const char *name = names ? g_hash_table_lookup(names, GUINT_TO_POINTER(index)) : NULL;
  return name ? name : x->name;
}

static gboolean add_input(Import *im, const QfModelOptions *options, GHashTable *names, uint32_t i)
{
  uint32_t index = (uint32_t)qf_flat_at_int(&im->file->inputs, i, QF_FLAT_I32);
  const QfTflTensor *x = &im->file->tensors[index];
  const char *name = public_name(names, index, x);
  int64_t dims[QF_MAX_RANK];
  memcpy(dims, x->signature, sizeof dims);
  if (im->tensors[index])
    return fail(im, QF_ERROR_FORMAT, "input \"%s\" is defined twice; the file is damaged", name);
  if (x->dtype == QF_DTYPE_INVALID)
    return fail(im, QF_ERROR_UNSUPPORTED, "input \"%s\" has type %s, which is not supported", name,
                qf_tfl_type_name(x->type));
  if (!qf_import_resolve_dims(im->graph, options, i, name, dims, x->rank, im->error))
    return FALSE;
  QfTensor *t = qf_graph_add_tensor(im->graph, name);
  qf_tensor_set_shape(t, x->dtype, dims, x->rank);
  t->layout = x->rank == 4 ? QF_LAYOUT_NHWC : QF_LAYOUT_ANY;
  im->tensors[index] = t;
  g_ptr_array_add(im->graph->inputs, t);
  return !qf_tfl_has_encoding(t->dtype) || qf_tfl_set_encoding(im->graph, t, x, im->error);
}

/* An output under another name than the tensor's: a copy, which later goes away where nothing else holds the name. */
static QfTensor *renamed(Import *im, QfTensor *t, const char *name)
{
  QfTensor *y = qf_graph_add_tensor(im->graph, name);
  QfNode *node = qf_graph_new_node(im->graph, "Reshape", name, &t, 1, &y, 1);
  QfInts *shape = &((QfReshapeAttrs *)node->attrs)->shape;
  shape->n = t->rank;
  memcpy(shape->v, t->dims, sizeof(shape->v));
  y->dtype = t->dtype;
  if (t->enc.count)
    qf_tensor_set_encoding(im->graph, y, t->enc.count, t->enc.axis, t->enc.entries);
  return qf_graph_add_node(node, im->error) ? y : NULL;
}

static gboolean add_outputs(Import *im, GHashTable *names)
{
  for (uint32_t i = 0; i < im->file->outputs.count; i++) {
    uint32_t index = (uint32_t)qf_flat_at_int(&im->file->outputs, i, QF_FLAT_I32);
    QfTensor *t = im->tensors[index];
    const char *name = public_name(names, index, &im->file->tensors[index]);
    if (!t)
      return fail(im, QF_ERROR_FORMAT, "no operator writes output \"%s\"; the file is damaged", name);
    if (strcmp(t->name, name) && !(t = renamed(im, t, name)))
      return FALSE;
    if (t->rank == 4)
      t->layout = QF_LAYOUT_NHWC;
    g_ptr_array_add(im->graph->outputs, t);
  }
  return im->file->outputs.count ||
         fail(im, QF_ERROR_FORMAT, "the graph has no outputs; the file is damaged");
}

static void add_states(Import *im)
{
  for (guint i = 0; i < im->scope->values->len; i++) {
    const QfTflValue *v = &g_array_index(im->scope->values, QfTflValue, i);
    qf_graph_add_state(im->graph, v->before, v->now, v->variable->initial);
  }
}

/* The graphs that the chosen one uses, by their index. */
static void mark_used(const QfTflModel *m, uint32_t first, gboolean *used)
{
  g_autofree uint32_t *stack = g_new(uint32_t, m->n_graphs);
  uint32_t n = 1;
  stack[0] = first;
  used[first] = TRUE;
  while (n) {
    const QfTflGraph *g = &m->graphs[stack[--n]];
    for (uint32_t i = 0; i < g->n_operators; i++) {
      int64_t callees[2];
      for (uint32_t c = qf_tfl_callees(&g->operators[i], callees); c-- > 0;) {
        if (callees[c] < 0 || callees[c] >= m->n_graphs || used[callees[c]])
          continue;
        used[callees[c]] = TRUE;
        stack[n++] = (uint32_t)callees[c];
      }
    }
  }
}

/* Adds what is not supported of one graph to @list: each operator once, with where it first occurs. */
static void list_unsupported(const QfTflModel *m, const QfTflGraph *g, uint32_t *seen, uint32_t *kinds,
                             GString *list)
{
  for (uint32_t i = 0; i < g->n_operators; i++) {
    const QfTflOperator *o = &g->operators[i];
    if (seen[o->code - m->codes]++ || qf_tfl_row_find(o->code) || (*kinds)++ >= 32)
      continue;
    const char *name = o->code->custom ? o->code->custom : qf_tfl_operator_name(o->code->builtin);
    g_string_append_printf(list, "%s%s%s version %u (operator %u, output \"%s\")", list->len ? ", " : "",
                           o->code->custom ? "custom operator " : "", name ? name : "of an unknown number",
                           o->code->version, i, qf_tfl_first_output(g, o));
  }
}

/* All that is not supported in one message. */
static gboolean check_operators(Import *im)
{
  const QfTflModel *m = im->model;
  g_autoptr(GString) list = g_string_new(NULL);
  g_autofree uint32_t *seen = g_new0(uint32_t, m->n_codes + 1);
  g_autofree gboolean *used = g_new0(gboolean, m->n_graphs + 1);
  uint32_t kinds = 0;
  mark_used(m, im->scope->index, used);
  for (uint32_t i = 0; i < m->n_graphs; i++)
    if (used[i])
      list_unsupported(m, &m->graphs[i], seen, &kinds, list);
  return !kinds ||
         fail(im, QF_ERROR_UNSUPPORTED,
              "%u of its operators are not supported: %s; export the model without them, or split it "
              "before the first one",
              kinds, list->str);
}

static gboolean import_model(Import *im, const QfModelOptions *options, const QfTflSignature *signature)
{
  g_autoptr(GHashTable) in = signature ? qf_tfl_signature_names(im->model, &signature->inputs) : NULL;
  g_autoptr(GHashTable) out = signature ? qf_tfl_signature_names(im->model, &signature->outputs) : NULL;
  if (!check_operators(im) || !qf_tfl_scope_constants(im->scope, im->error))
    return FALSE;
  for (uint32_t i = 0; i < im->file->inputs.count; i++)
    if (!add_input(im, options, in, i))
      return FALSE;
  if (!qf_tfl_scope_operators(im->scope, im->error) || !add_outputs(im, out))
    return FALSE;
  add_states(im);
  return TRUE;
}

/* The only signature of the first graph. */
static const QfTflSignature *only_signature(const QfTflModel *m)
{
  const QfTflSignature *found = NULL;
  for (uint32_t i = 0; i < m->n_signatures; i++) {
    if (m->signatures[i].graph)
      continue;
    if (found)
      return NULL;
    found = &m->signatures[i];
  }
  return found;
}

/* The signature that was asked for; NULL: the first graph with its own names. */
static gboolean find_signature(const QfGraph *graph, const QfTflModel *m, const char *key,
                               const QfTflSignature **found, GError **error)
{
  g_autoptr(GString) known = g_string_new(NULL);
  *found = key ? NULL : only_signature(m);
  for (uint32_t i = 0; key && i < m->n_signatures; i++) {
    if (!g_strcmp0(m->signatures[i].key, key)) {
      *found = &m->signatures[i];
      return TRUE;
    }
    if (i < 16)
      g_string_append_printf(known, "%s%s", i ? ", " : "", m->signatures[i].key ? m->signatures[i].key : "?");
  }
  if (key)
    g_set_error(error, QF_ERROR, QF_ERROR_ARGUMENT, "%s: it has no signature '%s'; it has: %s", graph->name,
                key, known->len ? known->str : "none");
  return !key;
}

static gboolean import(QfGraph *graph, GBytes *bytes, const char *directory, const QfModelOptions *options,
                       GError **error)
{
  const QfTflSignature *signature;
  g_autoptr(QfTflModel) model = qf_tfl_model_new(bytes, graph->name, error);
  if (!model || !find_signature(graph, model, options->signature, &signature, error))
    return FALSE;
  g_autoptr(GHashTable) variables =
      g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)qf_tfl_variable_free);
  QfTflImport shared = {.model = model,
                        .variables = variables,
                        .litert = !g_strcmp0(options->requant, "tflite")};
  QfTflScope scope;
  gboolean ok =
      qf_tfl_scope_open(&scope, &shared, NULL, FALSE, graph, signature ? signature->graph : 0, error);
  Import im = {&scope, graph, model, scope.file, scope.tensors, error};
  ok = ok && import_model(&im, options, signature);
  qf_tfl_scope_close(&scope);
  return ok;
}

const QfFormat qf_format_tflite = {"tflite", ".tflite", probe, import};
