/* SPDX-License-Identifier: MIT */
/*
 * reader.c - GraphDef bytes to records, with protobuf-c, and tensors to constants. See reader.h.
 */
#include "reader.h"
#include "../build.h"

#include <stdlib.h>
#include <string.h>

#define BUDGET_TIMES 64

/* A GraphDef begins with nodes, and a node with its name and operator. */
gboolean qf_tf_probe(const uint8_t *data, size_t size)
{
  QfProtobufField node, field;
  if (!qf_protobuf_next(&data, &size, &node) || node.number != 1 || node.wire != 2)
    return FALSE;
  const uint8_t *at = node.payload;
  size_t left = node.payload_size;
  for (uint32_t i = 1; i <= 2; i++) {
    if (!qf_protobuf_next(&at, &left, &field) || field.number != i || field.wire != 2 || !field.payload_size)
      return FALSE;
    for (size_t k = 0; k < field.payload_size; k++)
      if (field.payload[k] < 0x21 || field.payload[k] > 0x7e)
        return FALSE;
  }
  return TRUE;
}

QfTfFile *qf_tf_open(GBytes *bytes, const char *name, GError **error)
{
  gsize size;
  const uint8_t *data = g_bytes_get_data(bytes, &size);
  g_autoptr(QfTfFile) file = g_new0(QfTfFile, 1);
  file->name = name;
  qf_budget_init(&file->budget, size, BUDGET_TIMES);
  file->graph = tf__graph_def__unpack(&file->budget.allocator, size, data);
  if (!file->graph) {
    g_set_error(error, QF_ERROR, file->budget.spent ? QF_ERROR_LIMIT : QF_ERROR_FORMAT,
                "%s: the GraphDef is truncated or corrupt%s; copy or freeze it again", name,
                file->budget.spent ? ": its records need too much memory" : "");
    return NULL;
  }
  return g_steal_pointer(&file);
}

void qf_tf_close(QfTfFile *file)
{
  if (!file)
    return;
  if (file->graph)
    tf__graph_def__free_unpacked(file->graph, &file->budget.allocator);
  g_free(file);
}

/* Which typed field holds the values when tensor_content is empty. */
typedef enum {
  FIELD_NONE,
  FIELD_FLOAT,
  FIELD_DOUBLE,
  FIELD_INT,
  FIELD_INT64,
  FIELD_BOOL,
  FIELD_HALF,
  FIELD_UINT32,
  FIELD_UINT64
} TypedField;

static const struct {
  const char *name;
  QfDType dtype;
  TypedField field;
} types[] = {
    {"no type", QF_DTYPE_INVALID, FIELD_NONE},    {"float", QF_DTYPE_FLOAT32, FIELD_FLOAT},
    {"double", QF_DTYPE_FLOAT64, FIELD_DOUBLE},   {"int32", QF_DTYPE_INT32, FIELD_INT},
    {"uint8", QF_DTYPE_UINT8, FIELD_INT},         {"int16", QF_DTYPE_INT16, FIELD_INT},
    {"int8", QF_DTYPE_INT8, FIELD_INT},           {"string", QF_DTYPE_INVALID, FIELD_NONE},
    {"complex64", QF_DTYPE_INVALID, FIELD_NONE},  {"int64", QF_DTYPE_INT64, FIELD_INT64},
    {"bool", QF_DTYPE_BOOL, FIELD_BOOL},          {"qint8", QF_DTYPE_INVALID, FIELD_NONE},
    {"quint8", QF_DTYPE_INVALID, FIELD_NONE},     {"qint32", QF_DTYPE_INVALID, FIELD_NONE},
    {"bfloat16", QF_DTYPE_BFLOAT16, FIELD_HALF},  {"qint16", QF_DTYPE_INVALID, FIELD_NONE},
    {"quint16", QF_DTYPE_INVALID, FIELD_NONE},    {"uint16", QF_DTYPE_UINT16, FIELD_INT},
    {"complex128", QF_DTYPE_INVALID, FIELD_NONE}, {"half", QF_DTYPE_FLOAT16, FIELD_HALF},
    {"resource", QF_DTYPE_INVALID, FIELD_NONE},   {"variant", QF_DTYPE_INVALID, FIELD_NONE},
    {"uint32", QF_DTYPE_UINT32, FIELD_UINT32},    {"uint64", QF_DTYPE_UINT64, FIELD_UINT64},
};

QfDType qf_tf_dtype(int32_t number, const char **name)
{
  gboolean known = number > 0 && number < (int32_t)G_N_ELEMENTS(types);
  if (name)
    *name = known ? types[number].name : "unknown";
  return known ? types[number].dtype : QF_DTYPE_INVALID;
}

/* A typed field as an array: address, element size and count. */
static size_t typed_field(const Tf__TensorProto *t, TypedField field, const void **values, size_t *width)
{
  const struct {
    const void *values;
    size_t width, count;
  } fields[] = {
      [FIELD_NONE] = {NULL, 0, 0},
      [FIELD_FLOAT] = {t->float_val, sizeof(float), t->n_float_val},
      [FIELD_DOUBLE] = {t->double_val, sizeof(double), t->n_double_val},
      [FIELD_INT] = {t->int_val, sizeof(int32_t), t->n_int_val},
      [FIELD_INT64] = {t->int64_val, sizeof(int64_t), t->n_int64_val},
      [FIELD_BOOL] = {t->bool_val, sizeof(protobuf_c_boolean), t->n_bool_val},
      [FIELD_HALF] = {t->half_val, sizeof(int32_t), t->n_half_val},
      [FIELD_UINT32] = {t->uint32_val, sizeof(uint32_t), t->n_uint32_val},
      [FIELD_UINT64] = {t->uint64_val, sizeof(uint64_t), t->n_uint64_val},
  };
  *values = fields[field].values;
  *width = fields[field].width;
  return fields[field].count;
}

/* The low @size bytes of each value; the last one stands for all that follow, no value for zeros. */
static GBytes *repeat(const void *values, size_t width, size_t n, size_t count, size_t size)
{
  uint8_t *out = g_malloc0(count * size + 1);
  for (size_t i = 0; n && i < count; i++)
    memcpy(out + i * size, (const uint8_t *)values + MIN(i, n - 1) * width, size);
  return g_bytes_new_take(out, count * size);
}

static GBytes *read_values(QfGraph *graph, Tf__TensorProto *t, int64_t count)
{
  size_t element = qf_dtype_size(types[t->dtype].dtype), size = (size_t)count * element, width;
  const void *values;
  if (t->tensor_content.len == size && size) {
    GBytes *bytes = g_bytes_new_with_free_func(t->tensor_content.data, size, free, t->tensor_content.data);
    t->tensor_content = (ProtobufCBinaryData){0, NULL}; /* the budget's blocks are from malloc */
    return bytes;
  }
  size_t n = typed_field(t, types[t->dtype].field, &values, &width);
  if ((t->tensor_content.len && size) || n > (size_t)count)
    return NULL;
  if (n < (size_t)count && !qf_build_affordable(graph, size))
    return NULL;
  return repeat(values, width, n, (size_t)count, element);
}

QfTensor *qf_tf_read_tensor(QfTfFile *file, QfGraph *graph, Tf__TensorProto *t, const char *node,
                            GError **error)
{
  const char *type;
  int64_t dims[QF_MAX_RANK];
  QfDType dtype = qf_tf_dtype(t->dtype, &type);
  size_t rank = t->tensor_shape ? t->tensor_shape->n_dim : 0;
  if (dtype == QF_DTYPE_INVALID || rank > QF_MAX_RANK) {
    g_set_error(
        error, QF_ERROR, QF_ERROR_UNSUPPORTED,
        "%s: node '%.200s' (Const): a tensor of %s with %zu dimensions is not supported: numbers and at most "
        "%d dimensions are",
        file->name, node, type, rank, QF_MAX_RANK);
    return NULL;
  }
  for (size_t i = 0; i < rank; i++)
    dims[i] = t->tensor_shape->dim[i]->size;
  int64_t count = qf_dims_count(dims, (int32_t)rank);
  GBytes *bytes = count < 0 || count > (int64_t)1 << 40 ? NULL : read_values(graph, t, count);
  if (!bytes) {
    g_autofree char *text = qf_dims_to_string(dims, (int32_t)rank);
    g_set_error(error, QF_ERROR, QF_ERROR_FORMAT,
                "%s: node '%.200s' (Const): its data does not have the size of its shape (%s %s), or that is "
                "too large",
                file->name, node, text, type);
    return NULL;
  }
  return qf_graph_add_constant(graph, node, dtype, dims, (int32_t)rank, bytes);
}
