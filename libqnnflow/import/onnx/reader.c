/* SPDX-License-Identifier: MIT */
/*
 * reader.c - ONNX bytes to records, with protobuf-c. Tensors leave it as constants whose bytes fit their shape.
 * What the records mean is map.c's business.
 */
#include "reader.h"

#include <stdlib.h>
#include <string.h>

/* Fields of a ModelProto that a file may start with; a bit each. */
#define MODEL_FIELDS (0x1feu | 1u << 14 | 1u << 20 | 1u << 25)

static gboolean read_varint(const uint8_t *data, size_t size, size_t *at, uint64_t *value)
{
  *value = 0;
  for (int shift = 0; *at < size && shift < 64; shift += 7) {
    uint8_t b = data[(*at)++];
    *value |= (uint64_t)(b & 0x7f) << shift;
    if (!(b & 0x80))
      return TRUE;
  }
  return FALSE;
}

gboolean qf_onnx_probe(const uint8_t *data, size_t size)
{
  size_t at = 0;
  uint64_t tag, value;
  while (at < size) {
    if (!read_varint(data, size, &at, &tag) || tag >> 3 > 31 || !(MODEL_FIELDS >> (tag >> 3) & 1))
      return FALSE;
    gboolean number = tag >> 3 == 1 || tag >> 3 == 5; /* ir_version, model_version */
    if ((tag & 7) != (number ? 0 : 2) || !read_varint(data, size, &at, &value))
      return FALSE;
    if (tag >> 3 == 7 || tag >> 3 == 8) /* graph, opset_import: enough, even when the rest is cut off */
      return TRUE;
    if (!number && value > size - at)
      return FALSE;
    at += number ? 0 : value;
  }
  return FALSE;
}

static void free_graph(gpointer graph)
{
  onnx__graph_proto__free_unpacked(graph, NULL);
}

QfOnnxFile *qf_onnx_file_new(Onnx__ModelProto *model, const char *name, const char *directory)
{
  QfOnnxFile *file = g_new0(QfOnnxFile, 1);
  file->name = name;
  file->directory = directory;
  file->model = model;
  file->external = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_bytes_unref);
  file->tensors = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)g_bytes_unref);
  file->places = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)g_bytes_unref);
  file->subgraphs = g_hash_table_new_full(NULL, NULL, NULL, free_graph);
  if (model && model->graph)
    qf_onnx_functions_open(file);
  return file;
}

QfOnnxFile *qf_onnx_file_open(GBytes *bytes, const char *name, const char *directory, GError **error)
{
  const gsize size = g_bytes_get_size(bytes);
  g_autoptr(QfOnnxFile) file = qf_onnx_file_new(NULL, name, directory);
  file->model = qf_onnx_unpack(bytes, file->places);
  if (file->model && file->model->graph)
    qf_onnx_functions_open(file);
  if (!file->model) {
    g_set_error(error, QF_ERROR, QF_ERROR_FORMAT,
                "%s: the ONNX file is truncated or corrupt: its %" G_GSIZE_FORMAT
                " bytes are not one whole protobuf message; copy or export it again",
                name, size);
    return NULL;
  }
  if (!file->model->graph) {
    g_set_error(error, QF_ERROR, QF_ERROR_FORMAT, "%s: the ONNX file contains no graph; export it again",
                name);
    return NULL;
  }
  if (!qf_onnx_functions_expand(file, file->model->graph, NULL, error))
    return NULL;
  return g_steal_pointer(&file);
}

void qf_onnx_file_free(QfOnnxFile *file)
{
  if (!file)
    return;
  qf_onnx_functions_close(file);
  g_hash_table_unref(file->external);
  g_hash_table_unref(file->tensors);
  g_hash_table_unref(file->places);
  g_hash_table_unref(file->subgraphs);
  if (file->model)
    onnx__model_proto__free_unpacked(file->model, NULL);
  g_free(file);
}

Onnx__GraphProto *qf_onnx_subgraph(QfOnnxFile *file, const Onnx__AttributeProto *attribute, int depth,
                                   GError **error)
{
  Onnx__GraphProto *graph = g_hash_table_lookup(file->subgraphs, attribute);
  if (depth > QF_ONNX_MAX_DEPTH) {
    g_set_error(
        error, QF_ERROR, QF_ERROR_LIMIT,
        "%s: subgraphs are nested deeper than %d levels, which is more than exporters make; export the "
        "model again",
        file->name, QF_ONNX_MAX_DEPTH);
    return NULL;
  }
  if (graph)
    return graph;
  graph = onnx__graph_proto__unpack(NULL, attribute->g.len, attribute->g.data);
  if (!graph) {
    g_set_error(error, QF_ERROR, QF_ERROR_FORMAT,
                "%s: the subgraph in attribute '%s' is truncated or corrupt; copy or export the file again",
                file->name, attribute->name);
    return NULL;
  }
  g_hash_table_insert(file->subgraphs, (gpointer)attribute, graph);
  return qf_onnx_functions_expand(file, graph, attribute, error) ? graph : NULL;
}

/* Which typed field holds the values of a type when raw_data is empty. */
typedef enum { FIELD_NONE, FIELD_FLOAT, FIELD_INT32, FIELD_INT64, FIELD_DOUBLE, FIELD_UINT64 } TypedField;

static const struct {
  const char *name;
  QfDType dtype;
  TypedField field;
} types[] = {
    {"UNDEFINED", QF_DTYPE_INVALID, FIELD_NONE},      {"FLOAT", QF_DTYPE_FLOAT32, FIELD_FLOAT},
    {"UINT8", QF_DTYPE_UINT8, FIELD_INT32},           {"INT8", QF_DTYPE_INT8, FIELD_INT32},
    {"UINT16", QF_DTYPE_UINT16, FIELD_INT32},         {"INT16", QF_DTYPE_INT16, FIELD_INT32},
    {"INT32", QF_DTYPE_INT32, FIELD_INT32},           {"INT64", QF_DTYPE_INT64, FIELD_INT64},
    {"STRING", QF_DTYPE_INVALID, FIELD_NONE},         {"BOOL", QF_DTYPE_BOOL, FIELD_INT32},
    {"FLOAT16", QF_DTYPE_FLOAT16, FIELD_INT32},       {"DOUBLE", QF_DTYPE_FLOAT64, FIELD_DOUBLE},
    {"UINT32", QF_DTYPE_UINT32, FIELD_UINT64},        {"UINT64", QF_DTYPE_UINT64, FIELD_UINT64},
    {"COMPLEX64", QF_DTYPE_INVALID, FIELD_NONE},      {"COMPLEX128", QF_DTYPE_INVALID, FIELD_NONE},
    {"BFLOAT16", QF_DTYPE_BFLOAT16, FIELD_INT32},     {"FLOAT8E4M3FN", QF_DTYPE_INVALID, FIELD_NONE},
    {"FLOAT8E4M3FNUZ", QF_DTYPE_INVALID, FIELD_NONE}, {"FLOAT8E5M2", QF_DTYPE_INVALID, FIELD_NONE},
    {"FLOAT8E5M2FNUZ", QF_DTYPE_INVALID, FIELD_NONE}, {"UINT4", QF_DTYPE_INVALID, FIELD_NONE},
    {"INT4", QF_DTYPE_INVALID, FIELD_NONE},           {"FLOAT4E2M1", QF_DTYPE_INVALID, FIELD_NONE},
    {"FLOAT8E8M0", QF_DTYPE_INVALID, FIELD_NONE},     {"UINT2", QF_DTYPE_INVALID, FIELD_NONE},
    {"INT2", QF_DTYPE_INVALID, FIELD_NONE},
};

QfDType qf_onnx_dtype(int32_t number, const char **name)
{
  gboolean known = number > 0 && number < (int32_t)G_N_ELEMENTS(types);
  if (name)
    *name = known ? types[number].name : "unknown";
  return known ? types[number].dtype : QF_DTYPE_INVALID;
}

static gboolean bad_tensor(const QfOnnxFile *file, const char *name, GError **error, QfError code,
                           const char *rule)
{
  g_set_error(error, QF_ERROR, code, "%s: tensor '%s': %s", file->name, name, rule);
  return FALSE;
}

/* A typed field as an array: address, element size and count. */
static size_t typed_field(const Onnx__TensorProto *t, TypedField field, const void **values, size_t *width)
{
  const struct {
    const void *values;
    size_t width, count;
  } fields[] = {
      [FIELD_NONE] = {NULL, 0, 0},
      [FIELD_FLOAT] = {t->float_data, sizeof(float), t->n_float_data},
      [FIELD_INT32] = {t->int32_data, sizeof(int32_t), t->n_int32_data},
      [FIELD_INT64] = {t->int64_data, sizeof(int64_t), t->n_int64_data},
      [FIELD_DOUBLE] = {t->double_data, sizeof(double), t->n_double_data},
      [FIELD_UINT64] = {t->uint64_data, sizeof(uint64_t), t->n_uint64_data},
  };
  *values = fields[field].values;
  *width = fields[field].width;
  return fields[field].count;
}

/* The low @size bytes of each value of the typed field: little-endian, as raw_data is. */
static GBytes *narrow(const void *values, size_t width, size_t count, size_t size)
{
  uint8_t *out = g_malloc(count * size + 1);
  for (size_t i = 0; i < count; i++)
    memcpy(out + i * size, (const uint8_t *)values + i * width, size);
  return g_bytes_new_take(out, count * size);
}

static const char *external_entry(const Onnx__TensorProto *t, const char *key)
{
  for (size_t i = 0; i < t->n_external_data; i++)
    if (!strcmp(t->external_data[i]->key, key))
      return t->external_data[i]->value;
  return NULL;
}

/* Inside the model's own directory: no absolute path, no step upward. */
static gboolean location_is_safe(const char *location)
{
  if (!*location || g_path_is_absolute(location) || strchr(location, '\\'))
    return FALSE;
  g_auto(GStrv) parts = g_strsplit(location, "/", -1);
  return !g_strv_contains((const char *const *)parts, "..");
}

static GBytes *open_external(QfOnnxFile *file, const char *location, const char *name, GError **error)
{
  GBytes *whole = g_hash_table_lookup(file->external, location);
  if (whole)
    return whole;
  g_autofree char *path = g_build_filename(file->directory, location, NULL);
  g_autoptr(GError) e = NULL;
  g_autoptr(GMappedFile) mapped = g_mapped_file_new(path, FALSE, &e);
  if (!mapped) {
    g_set_error(error, QF_ERROR, QF_ERROR_FILE,
                "%s: tensor '%s': its data file cannot be read: %s; keep it beside the model", file->name,
                name, e->message);
    return NULL;
  }
  whole = g_mapped_file_get_bytes(mapped);
  g_hash_table_insert(file->external, g_strdup(location), whole);
  return whole;
}

static GBytes *read_external(QfOnnxFile *file, const Onnx__TensorProto *t, const char *name, size_t size,
                             GError **error)
{
  const char *location = external_entry(t, "location");
  const char *offset_text = external_entry(t, "offset"), *length_text = external_entry(t, "length");
  guint64 offset = 0, length = size;
  if (!location || !location_is_safe(location) || !file->directory) {
    bad_tensor(
        file, name, error, QF_ERROR_FORMAT,
        !location || location_is_safe(location)
            ? "its data lies in another file, which cannot be found; load the model by its path"
            : "its data file lies outside the model's directory, which is refused; keep it beside the model");
    return NULL;
  }
  if ((offset_text && !g_ascii_string_to_unsigned(offset_text, 10, 0, G_MAXINT64, &offset, NULL)) ||
      (length_text && !g_ascii_string_to_unsigned(length_text, 10, 0, G_MAXINT64, &length, NULL))) {
    bad_tensor(file, name, error, QF_ERROR_FORMAT, "the offset or length of its external data is no number");
    return NULL;
  }
  GBytes *whole = open_external(file, location, name, error);
  if (!whole)
    return NULL;
  gsize total = g_bytes_get_size(whole);
  if (length != size || offset > total || size > total - offset) {
    bad_tensor(file, name, error, QF_ERROR_FORMAT,
               "its external data does not have the size of its shape, or the data file is truncated");
    return NULL;
  }
  const uint8_t *from = (const uint8_t *)g_bytes_get_data(whole, NULL) + offset;
  return (uintptr_t)from % sizeof(uint64_t) ? g_bytes_new(from, size)
                                            : g_bytes_new_from_bytes(whole, offset, size);
}

/* @count values of @element bytes, with the type's typed field. */
static GBytes *read_bytes(QfOnnxFile *file, Onnx__TensorProto *t, const char *name, size_t count,
                          size_t element, TypedField field, GError **error)
{
  size_t size = count * element, width;
  const void *values;
  if (t->data_location == 1)
    return read_external(file, t, name, size, error);
  GBytes *place = file->places ? g_hash_table_lookup(file->places, t) : NULL;
  if (place && g_bytes_get_size(place) == size)
    return g_bytes_ref(place);
  if (t->raw_data.data && t->raw_data.len == size) {
    GBytes *bytes = g_bytes_new_with_free_func(t->raw_data.data, size, free, t->raw_data.data);
    t->raw_data = (ProtobufCBinaryData){0, NULL}; /* protobuf-c's default allocator is malloc */
    return bytes;
  }
  if (!place && !t->raw_data.len && typed_field(t, field, &values, &width) == count)
    return narrow(values, width, count, element);
  g_autofree char *dims = qf_dims_to_string(t->dims, (int32_t)t->n_dims);
  g_autofree char *rule = g_strdup_printf("its data does not have the size of its shape (%s %s)", dims,
                                          qf_dtype_name(qf_onnx_stored_dtype(t->data_type)));
  bad_tensor(file, name, error, QF_ERROR_FORMAT, rule);
  return NULL;
}

static GBytes *read_values(QfOnnxFile *file, Onnx__TensorProto *t, const char *name, int64_t count,
                           GError **error)
{
  size_t packed = qf_onnx_narrow_bytes(t->data_type, count);
  if (!packed)
    return read_bytes(file, t, name, (size_t)count, qf_dtype_size(qf_onnx_stored_dtype(t->data_type)),
                      t->data_type < (int32_t)G_N_ELEMENTS(types) ? types[t->data_type].field : FIELD_NONE,
                      error);
  GBytes *bytes = read_bytes(file, t, name, packed, 1, FIELD_INT32, error);
  return bytes ? qf_onnx_narrow_unpack(t->data_type, bytes, count) : NULL;
}

QfTensor *qf_onnx_read_tensor(QfOnnxFile *file, QfGraph *graph, Onnx__TensorProto *tensor, const char *name,
                              GError **error)
{
  const char *type;
  QfDType dtype = qf_onnx_stored_dtype(tensor->data_type);
  qf_onnx_dtype(tensor->data_type, &type);
  if (dtype == QF_DTYPE_INVALID) {
    g_set_error(
        error, QF_ERROR, QF_ERROR_UNSUPPORTED,
        "%s: tensor '%s': its data type %s (%d) is not supported; convert it to a float or integer type "
        "of 8 bits or more",
        file->name, name, type, tensor->data_type);
    return NULL;
  }
  if (tensor->n_dims > QF_MAX_RANK) {
    bad_tensor(file, name, error, QF_ERROR_UNSUPPORTED, "it has more than 8 dimensions");
    return NULL;
  }
  int64_t count = qf_dims_count(tensor->dims, (int32_t)tensor->n_dims);
  if (count < 0 || count > (int64_t)1 << 40) {
    bad_tensor(file, name, error, QF_ERROR_FORMAT, "its dimensions are negative or too large");
    return NULL;
  }
  GBytes *bytes = g_hash_table_lookup(file->tensors, tensor);
  if (!bytes) {
    bytes = read_values(file, tensor, name, count, error);
    if (!bytes)
      return NULL;
    g_hash_table_insert(file->tensors, tensor, bytes);
  }
  g_bytes_ref(bytes);
  for (QfGraph *g = tensor->data_location == 1 ? graph : NULL; g; g = g->outer)
    g->file_bytes += g_bytes_get_size(bytes);
  return qf_graph_add_loose(graph, name, dtype, tensor->dims, (int32_t)tensor->n_dims, bytes);
}
