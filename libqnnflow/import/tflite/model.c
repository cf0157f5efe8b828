/* SPDX-License-Identifier: MIT */
/*
 * model.c - a TFLite file's bytes to records. Knows where things lie in the file, not what the operators mean.
 * Lists are bounded by the size of the file, also in sum, so that records never need much more memory than the file.
 */
#include "model.h"

#include <string.h>

static const struct {
  const char *name;
  QfDType dtype;
} types[QF_TFL_N_TYPES] = {
    {"FLOAT32", QF_DTYPE_FLOAT32},     {"FLOAT16", QF_DTYPE_FLOAT16},
    {"INT32", QF_DTYPE_INT32},         {"UINT8", QF_DTYPE_UINT8},
    {"INT64", QF_DTYPE_INT64},         {"STRING", QF_DTYPE_INVALID},
    {"BOOL", QF_DTYPE_BOOL},           {"INT16", QF_DTYPE_INT16},
    {"COMPLEX64", QF_DTYPE_INVALID},   {"INT8", QF_DTYPE_INT8},
    {"FLOAT64", QF_DTYPE_FLOAT64},     {"COMPLEX128", QF_DTYPE_INVALID},
    {"UINT64", QF_DTYPE_UINT64},       {"RESOURCE", QF_DTYPE_INVALID},
    {"VARIANT", QF_DTYPE_INVALID},     {"UINT32", QF_DTYPE_UINT32},
    {"UINT16", QF_DTYPE_UINT16},       {"INT4", QF_DTYPE_INT8},
    {"BFLOAT16", QF_DTYPE_BFLOAT16},   {"INT2", QF_DTYPE_INT8},
    {"UINT4", QF_DTYPE_UINT8},         {"FLOAT8_E4M3FN", QF_DTYPE_INVALID},
    {"FLOAT8_E5M2", QF_DTYPE_INVALID},
};

QfDType qf_tfl_dtype(int64_t type)
{
  return type >= 0 && type < QF_TFL_N_TYPES ? types[type].dtype : QF_DTYPE_INVALID;
}

uint32_t qf_tfl_packed_bits(int64_t type)
{
  return type == QF_TFL_INT4 || type == QF_TFL_UINT4 ? 4 : type == QF_TFL_INT2 ? 2 : 0;
}

const char *qf_tfl_type_name(int64_t type)
{
  return type >= 0 && type < QF_TFL_N_TYPES ? types[type].name : "of an unknown number";
}

/* Longer names of a signature are left out: lists may share them. */
#define MAX_NAME 256

/* What is at hand while the records are made. */
typedef struct {
  QfTflModel *model;
  const char *name;
  QfFlatVector buffers;
  uint64_t listed; /* elements of lists so far */
  GError **error;
} Reader;

G_GNUC_PRINTF(3, 4) static gboolean fail(Reader *r, QfError code, const char *format, ...)
{
  if (r->error && *r->error) /* the first one counts */
    return FALSE;
  va_list args;
  va_start(args, format);
  g_autofree char *text = g_strdup_vprintf(format, args);
  va_end(args);
  g_set_error(r->error, QF_ERROR, code, "%s: not a usable TFLite file: %s", r->name, text);
  return FALSE;
}

static gboolean check(Reader *r)
{
  const QfFlat *flat = &r->model->flat;
  return !flat->fault ||
         fail(r, QF_ERROR_FORMAT, "%s (byte %zu of %zu); it is truncated or damaged, copy it again",
              flat->fault, flat->fault_at, flat->size);
}

/* Shared lists are legal, so their sum is bounded as well as each of them. */
static gboolean charge(Reader *r, uint64_t count)
{
  r->listed += count;
  return r->listed <= r->model->flat.size ||
         fail(r, QF_ERROR_LIMIT, "its lists together are longer than the file itself");
}

/* Each entry of a list of tables becomes a record of @size bytes, and all entries may be one table of the file: together the
 * records take QF_TFL_MAX_GROWTH bytes for each of the file. */
static gboolean charge_tables(Reader *r, const QfFlatVector *v, size_t size)
{
  return charge(r, (uint64_t)v->count * MAX(size / QF_TFL_MAX_GROWTH, 4));
}

static char *read_name(Reader *r, const QfFlatTable *t, uint32_t field)
{
  uint32_t length;
  const char *s = qf_flat_get_string(t, field, &length);
  if (!s || !charge(r, length))
    return NULL;
  if (g_utf8_validate_len(s, length, NULL))
    return g_string_chunk_insert_len(r->model->strings, s, length);
  g_autofree char *valid = g_utf8_make_valid(s, length);
  return g_string_chunk_insert(r->model->strings, valid);
}

static gboolean read_codes(Reader *r, const QfFlatTable *root)
{
  QfTflModel *m = r->model;
  QfFlatVector v = qf_flat_get_vector(root, QF_TFL_MODEL_CODES, 4);
  if (!charge_tables(r, &v, sizeof(QfTflCode)))
    return FALSE;
  m->codes = g_new0(QfTflCode, v.count);
  m->n_codes = v.count;
  for (uint32_t i = 0; i < v.count; i++) {
    QfFlatTable t = qf_flat_at_table(&v, i);
    QfTflCode *c = &m->codes[i];
    int64_t old = qf_flat_get_int(&t, QF_TFL_CODE_DEPRECATED, QF_FLAT_I8, 0);
    int64_t now = qf_flat_get_int(&t, QF_TFL_CODE_BUILTIN, QF_FLAT_I32, 0);
    c->builtin = (uint32_t)MAX(MAX(old, now), 0);
    c->version = (uint32_t)qf_flat_get_int(&t, QF_TFL_CODE_VERSION, QF_FLAT_I32, 1);
    c->custom = c->builtin == QF_TFL_OP_CUSTOM ? read_name(r, &t, QF_TFL_CODE_CUSTOM) : NULL;
    if (!check(r))
      return FALSE;
  }
  return TRUE;
}

static gboolean read_dims(Reader *r, const QfFlatTable *t, QfTflTensor *x)
{
  QfFlatVector shape = qf_flat_get_vector(t, QF_TFL_TENSOR_SHAPE, 4);
  QfFlatVector signature = qf_flat_get_vector(t, QF_TFL_TENSOR_SIGNATURE, 4);
  if (shape.count > QF_MAX_RANK)
    return fail(r, QF_ERROR_UNSUPPORTED, "tensor \"%s\" has %u dimensions; at most %d are supported", x->name,
                shape.count, QF_MAX_RANK);
  x->rank = shape.count;
  for (int32_t i = 0; i < x->rank; i++) {
    x->dims[i] = qf_flat_at_int(&shape, i, QF_FLAT_I32);
    x->signature[i] = x->dims[i];
    if (signature.count == shape.count && qf_flat_at_int(&signature, i, QF_FLAT_I32) < 0)
      x->signature[i] = -1;
    if (x->dims[i] < 0)
      x->signature[i] = -1;
  }
  return TRUE;
}

/* Finds a constant's bytes: in the buffer's own list, or, in files beyond 2 GiB, behind the FlatBuffer. */
static gboolean read_buffer(Reader *r, const QfFlatTable *t, QfTflTensor *x)
{
  int64_t index = qf_flat_get_int(t, QF_TFL_TENSOR_BUFFER, QF_FLAT_U32, 0);
  if (index >= r->buffers.count)
    return index == 0 || fail(r, QF_ERROR_FORMAT, "tensor \"%s\" refers to buffer %" G_GINT64_FORMAT " of %u",
                              x->name, index, r->buffers.count);
  QfFlatTable b = qf_flat_at_table(&r->buffers, (uint32_t)index);
  QfFlatVector data = qf_flat_get_vector(&b, QF_TFL_BUFFER_DATA, 1);
  x->data_at = data.at;
  x->data_size = data.count;
  uint64_t at = (uint64_t)qf_flat_get_int(&b, QF_TFL_BUFFER_OFFSET, QF_FLAT_I64, 0);
  uint64_t size = (uint64_t)qf_flat_get_int(&b, QF_TFL_BUFFER_SIZE, QF_FLAT_I64, 0);
  if (data.count || at <= 1)
    return TRUE;
  if (at > r->model->flat.size || size > r->model->flat.size - at)
    return fail(r, QF_ERROR_FORMAT, "buffer %" G_GINT64_FORMAT " of tensor \"%s\" lies outside the file",
                index, x->name);
  x->data_at = at;
  x->data_size = size;
  return TRUE;
}

static gboolean check_data_size(Reader *r, const QfTflTensor *x)
{
  if (!x->data_size || x->dtype == QF_DTYPE_INVALID || x->is_sparse)
    return TRUE;
  int64_t count = qf_dims_count(x->dims, x->rank);
  size_t width = qf_dtype_size(x->dtype);
  uint64_t bits = qf_tfl_packed_bits(x->type);
  if (count >= 0 && (uint64_t)count <= (uint64_t)G_MAXINT64 / 8 &&
      x->data_size == (bits ? ((uint64_t)count * bits + 7) / 8 : (uint64_t)count * width))
    return TRUE;
  g_autofree char *dims = qf_dims_to_string(x->dims, x->rank);
  return fail(r, QF_ERROR_FORMAT, "constant \"%s\" has %zu bytes, which is not the size of %s %s", x->name,
              x->data_size, dims, qf_tfl_type_name(x->type));
}

static gboolean read_tensor(Reader *r, const QfFlatTable *t, QfTflTensor *x, uint32_t index)
{
  char *name = read_name(r, t, QF_TFL_TENSOR_NAME);
  if (!name || !*name) {
    g_autofree char *made = g_strdup_printf("tensor_%u", index);
    name = g_string_chunk_insert(r->model->strings, made);
  }
  x->name = name;
  x->type = (int32_t)qf_flat_get_int(t, QF_TFL_TENSOR_TYPE, QF_FLAT_I8, 0);
  x->dtype = qf_tfl_dtype(x->type);
  x->is_variable = qf_flat_get_int(t, QF_TFL_TENSOR_IS_VARIABLE, QF_FLAT_U8, 0) != 0;
  x->sparsity = qf_flat_get_table(t, QF_TFL_TENSOR_SPARSITY);
  x->is_sparse = x->sparsity.flat != NULL;
  QfFlatTable q = qf_flat_get_table(t, QF_TFL_TENSOR_QUANTIZATION);
  x->scales = qf_flat_get_vector(&q, QF_TFL_QUANT_SCALE, 4);
  x->zero_point = qf_flat_get_vector(&q, QF_TFL_QUANT_ZERO_POINT, 8);
  x->quant_axis = (int32_t)qf_flat_get_int(&q, QF_TFL_QUANT_DIMENSION, QF_FLAT_I32, 0);
  QfFlatTable blocks = qf_flat_get_table(&q, QF_TFL_QUANT_DETAILS);
  if (qf_flat_get_int(&q, QF_TFL_QUANT_DETAILS_TYPE, QF_FLAT_U8, 0) == QF_TFL_DETAILS_BLOCKWISE) {
    x->block_size = MAX(qf_flat_get_int(&blocks, QF_TFL_BLOCKWISE_SIZE, QF_FLAT_I32, 0), 0);
    x->block_scales = qf_flat_get_int(&blocks, QF_TFL_BLOCKWISE_SCALES, QF_FLAT_I32, 0);
  }
  return read_dims(r, t, x) && read_buffer(r, t, x) && check(r) && charge(r, x->scales.count) &&
         check_data_size(r, x);
}

static gboolean read_tensors(Reader *r, QfTflGraph *g, const QfFlatTable *subgraph)
{
  QfFlatVector v = qf_flat_get_vector(subgraph, QF_TFL_SUBGRAPH_TENSORS, 4);
  if (!charge_tables(r, &v, sizeof(QfTflTensor)))
    return FALSE;
  g->tensors = g_new0(QfTflTensor, v.count);
  g->n_tensors = v.count;
  for (uint32_t i = 0; i < v.count; i++) {
    QfFlatTable t = qf_flat_at_table(&v, i);
    if (!check(r) || !read_tensor(r, &t, &g->tensors[i], i))
      return FALSE;
  }
  return TRUE;
}

/* Every index must name a tensor; -1 only where @optional. */
static gboolean check_indices(Reader *r, const QfTflGraph *g, const QfFlatVector *v, gboolean optional,
                              const char *what, uint32_t operator_index)
{
  for (uint32_t i = 0; i < v->count; i++) {
    int64_t index = qf_flat_at_int(v, i, QF_FLAT_I32);
    if (index >= (optional ? -1 : 0) && index < g->n_tensors)
      continue;
    g_autofree char *where =
        g_strdup_printf(operator_index == G_MAXUINT32 ? "graph" : "operator %u", operator_index);
    return fail(r, QF_ERROR_FORMAT, "%s %u of %s is tensor %" G_GINT64_FORMAT " of %u", what, i, where, index,
                g->n_tensors);
  }
  return charge(r, v->count);
}

static gboolean read_operators(Reader *r, QfTflGraph *g, const QfFlatTable *subgraph)
{
  QfTflModel *m = r->model;
  QfFlatVector v = qf_flat_get_vector(subgraph, QF_TFL_SUBGRAPH_OPERATORS, 4);
  if (!charge_tables(r, &v, sizeof(QfTflOperator)))
    return FALSE;
  g->operators = g_new0(QfTflOperator, v.count);
  g->n_operators = v.count;
  for (uint32_t i = 0; i < v.count; i++) {
    QfFlatTable t = qf_flat_at_table(&v, i);
    QfTflOperator *o = &g->operators[i];
    int64_t code = qf_flat_get_int(&t, QF_TFL_OPERATOR_CODE, QF_FLAT_U32, 0);
    o->inputs = qf_flat_get_vector(&t, QF_TFL_OPERATOR_INPUTS, 4);
    o->outputs = qf_flat_get_vector(&t, QF_TFL_OPERATOR_OUTPUTS, 4);
    o->intermediates = qf_flat_get_vector(&t, QF_TFL_OPERATOR_INTERMEDIATES, 4);
    o->options = qf_flat_get_table(&t, QF_TFL_OPERATOR_OPTIONS);
    if (!o->options.flat)
      o->options = qf_flat_get_table(&t, QF_TFL_OPERATOR_OPTIONS_2);
    o->custom_options = qf_flat_get_vector(&t, QF_TFL_OPERATOR_CUSTOM_OPTIONS, 1);
    if (!check(r))
      return FALSE;
    if (code >= m->n_codes)
      return fail(r, QF_ERROR_FORMAT, "operator %u has code %" G_GINT64_FORMAT " of %u", i, code, m->n_codes);
    o->code = &m->codes[code];
    if (!check_indices(r, g, &o->inputs, TRUE, "input", i) ||
        !check_indices(r, g, &o->outputs, FALSE, "output", i))
      return FALSE;
  }
  return TRUE;
}

static gboolean read_graph(Reader *r, QfTflGraph *g, const QfFlatTable *t)
{
  if (!read_tensors(r, g, t) || !read_operators(r, g, t))
    return FALSE;
  g->inputs = qf_flat_get_vector(t, QF_TFL_SUBGRAPH_INPUTS, 4);
  g->outputs = qf_flat_get_vector(t, QF_TFL_SUBGRAPH_OUTPUTS, 4);
  return check(r) && check_indices(r, g, &g->inputs, FALSE, "input", G_MAXUINT32) &&
         check_indices(r, g, &g->outputs, FALSE, "output", G_MAXUINT32);
}

static gboolean read_signatures(Reader *r, const QfFlatTable *root)
{
  QfTflModel *m = r->model;
  QfFlatVector v = qf_flat_get_vector(root, QF_TFL_MODEL_SIGNATURES, 4);
  if (!charge_tables(r, &v, sizeof(QfTflSignature)))
    return FALSE;
  m->signatures = g_new0(QfTflSignature, v.count);
  m->n_signatures = v.count;
  for (uint32_t i = 0; i < v.count; i++) {
    QfFlatTable t = qf_flat_at_table(&v, i);
    QfTflSignature *s = &m->signatures[i];
    int64_t graph = qf_flat_get_int(&t, QF_TFL_SIGNATURE_GRAPH, QF_FLAT_U32, 0);
    s->key = read_name(r, &t, QF_TFL_SIGNATURE_KEY);
    s->graph = (uint32_t)graph;
    s->inputs = qf_flat_get_vector(&t, QF_TFL_SIGNATURE_INPUTS, 4);
    s->outputs = qf_flat_get_vector(&t, QF_TFL_SIGNATURE_OUTPUTS, 4);
    if (!check(r) || !charge(r, s->inputs.count) || !charge(r, s->outputs.count))
      return FALSE;
    if (graph >= m->n_graphs)
      return fail(r, QF_ERROR_FORMAT, "signature %u is of graph %" G_GINT64_FORMAT " of %u", i, graph,
                  m->n_graphs);
  }
  return TRUE;
}

static gboolean read_model(Reader *r)
{
  QfTflModel *m = r->model;
  QfFlatTable root = qf_flat_root(&m->flat, QF_TFL_IDENTIFIER);
  QfFlatVector subgraphs = qf_flat_get_vector(&root, QF_TFL_MODEL_SUBGRAPHS, 4);
  r->buffers = qf_flat_get_vector(&root, QF_TFL_MODEL_BUFFERS, 4);
  int64_t version = qf_flat_get_int(&root, QF_TFL_MODEL_VERSION, QF_FLAT_U32, 0);
  if (!check(r))
    return FALSE;
  if (version != 3)
    return fail(r, QF_ERROR_UNSUPPORTED, "schema version %" G_GINT64_FORMAT "; version 3 is supported",
                version);
  if (!subgraphs.count)
    return fail(r, QF_ERROR_FORMAT, "it holds no graph");
  if (!read_codes(r, &root) || !charge_tables(r, &subgraphs, sizeof(QfTflGraph)))
    return FALSE;
  m->graphs = g_new0(QfTflGraph, subgraphs.count);
  m->n_graphs = subgraphs.count;
  for (uint32_t i = 0; i < subgraphs.count; i++) {
    QfFlatTable t = qf_flat_at_table(&subgraphs, i);
    if (!check(r) || !read_graph(r, &m->graphs[i], &t))
      return FALSE;
  }
  return read_signatures(r, &root);
}

GHashTable *qf_tfl_signature_names(QfTflModel *model, const QfFlatVector *names)
{
  GHashTable *found = g_hash_table_new_full(NULL, NULL, NULL, g_free);
  for (uint32_t i = 0; i < names->count && !model->flat.fault; i++) {
    QfFlatTable t = qf_flat_at_table(names, i);
    uint32_t length, index = (uint32_t)qf_flat_get_int(&t, QF_TFL_TENSOR_MAP_INDEX, QF_FLAT_U32, 0);
    const char *s = qf_flat_get_string(&t, QF_TFL_TENSOR_MAP_NAME, &length);
    if (s && length && length <= MAX_NAME)
      g_hash_table_insert(found, GUINT_TO_POINTER(index), g_utf8_make_valid(s, length));
  }
  return found;
}

QfTflModel *qf_tfl_model_new(GBytes *bytes, const char *name, GError **error)
{
  g_autoptr(QfTflModel) m = g_new0(QfTflModel, 1);
  m->bytes = g_bytes_ref(bytes);
  m->flat.data = g_bytes_get_data(bytes, &m->flat.size);
  m->strings = g_string_chunk_new(4096);
  Reader r = {.model = m, .name = name, .error = error};
  return read_model(&r) ? g_steal_pointer(&m) : NULL;
}

void qf_tfl_model_free(QfTflModel *model)
{
  if (!model)
    return;
  for (uint32_t i = 0; i < model->n_graphs; i++) {
    g_free(model->graphs[i].tensors);
    g_free(model->graphs[i].operators);
  }
  g_free(model->graphs);
  g_free(model->signatures);
  g_free(model->codes);
  g_string_chunk_free(model->strings);
  g_bytes_unref(model->bytes);
  g_free(model);
}
