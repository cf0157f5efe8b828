/* SPDX-License-Identifier: MIT */
/*
 * onnx-value.c - data files of ONNX backend cases as values, and their comparison.
 */
#include "onnx-value.h"
#include "libqnnflow/graph/numbers.h"

#include <math.h>

/* TensorProto.DataType */
enum { UINT16 = 4, BFLOAT16 = 16 };

static QfValue *tensor_value(Onnx__TensorProto *record, GError **error)
{
  g_autoptr(GHashTable) read = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)g_bytes_unref);
  QfOnnxFile file = {.name = "data", .tensors = read};
  g_autoptr(QfGraph) graph = qf_graph_new("data");
  const QfTensor *t = record ? qf_onnx_read_tensor(&file, graph, record, record->name, error) : NULL;
  if (!record)
    g_set_error(error, QF_ERROR, QF_ERROR_FORMAT, "the file is not of the type that the model declares");
  return t ? qf_value_new_tensor(t->dtype, t->dims, t->rank, t->data, error) : NULL;
}

static QfValue *sequence_value(Onnx__SequenceProto *record, GError **error)
{
  g_autoptr(GPtrArray) items = g_ptr_array_new_with_free_func((GDestroyNotify)qf_value_unref);
  for (size_t i = 0; record && i < record->n_tensor_values; i++) {
    QfValue *item = tensor_value(record->tensor_values[i], error);
    if (!item)
      return NULL;
    g_ptr_array_add(items, item);
  }
  if (record)
    return qf_value_new_sequence((QfValue **)items->pdata, items->len);
  g_set_error(error, QF_ERROR, QF_ERROR_FORMAT, "the file is not of the type that the model declares");
  return NULL;
}

static QfValue *optional_value(Onnx__OptionalProto *record, GError **error)
{
  if (!record)
    return sequence_value(NULL, error);
  if (record->tensor_value)
    return tensor_value(record->tensor_value, error);
  return record->sequence_value ? sequence_value(record->sequence_value, error) : qf_value_new_none();
}

QfValue *qf_onnx_value_read(const char *path, const Onnx__TypeProto *type, GError **error)
{
  g_autofree char *text = NULL;
  gsize size;
  QfValue *value;
  if (!g_file_get_contents(path, &text, &size, error))
    return NULL;
  const uint8_t *data = (const uint8_t *)text;
  if (type && type->optional_type) {
    Onnx__OptionalProto *record = onnx__optional_proto__unpack(NULL, size, data);
    value = optional_value(record, error);
    onnx__optional_proto__free_unpacked(record, NULL);
  } else if (type && type->sequence_type) {
    Onnx__SequenceProto *record = onnx__sequence_proto__unpack(NULL, size, data);
    value = sequence_value(record, error);
    onnx__sequence_proto__free_unpacked(record, NULL);
  } else {
    Onnx__TensorProto *record = onnx__tensor_proto__unpack(NULL, size, data);
    if (record && type && type->tensor_type && type->tensor_type->elem_type == BFLOAT16 &&
        record->data_type == UINT16)
      record->data_type = BFLOAT16; /* some files keep the bits only */
    value = tensor_value(record, error);
    onnx__tensor_proto__free_unpacked(record, NULL);
  }
  return value;
}

static gboolean same_element(QfDType dtype, const void *got, const void *want, int64_t i, char text[2][32])
{
  if (!qf_dtype_is_float(dtype)) {
    int64_t a = qf_number_int(dtype, got, i), b = qf_number_int(dtype, want, i);
    g_snprintf(text[0], 32, "%" G_GINT64_FORMAT, a);
    g_snprintf(text[1], 32, "%" G_GINT64_FORMAT, b);
    return a == b;
  }
  double a = qf_number_real(dtype, got, i), b = qf_number_real(dtype, want, i);
  g_snprintf(text[0], 32, "%.9g", a);
  g_snprintf(text[1], 32, "%.9g", b);
  return a == b || (isnan(a) && isnan(b)) || fabs(a - b) <= 1e-5 + 1e-3 * fabs(b);
}

static gboolean compare_tensor(const char *name, const QfValue *got, const QfValue *want, GError **error)
{
  char text[2][32];
  QfDType dtype = qf_value_dtype(want);
  int64_t n = qf_dims_count(qf_value_dims(want), qf_value_rank(want));
  for (int64_t i = 0; i < n; i++) {
    if (same_element(dtype, qf_value_data(got), qf_value_data(want), i, text))
      continue;
    g_set_error(error, QF_ERROR, QF_ERROR_FAILED, "output '%s', element %" G_GINT64_FORMAT ": %s, not %s",
                name, i, text[0], text[1]);
    return FALSE;
  }
  return TRUE;
}

gboolean qf_onnx_value_compare(const char *name, const QfValue *got, const QfValue *want, GError **error)
{
  g_autofree char *a = qf_value_describe(got), *b = qf_value_describe(want);
  if (!g_str_equal(a, b)) {
    g_set_error(error, QF_ERROR, QF_ERROR_FAILED, "output '%s' is %s, not %s", name, a, b);
    return FALSE;
  }
  if (qf_value_kind(want) == QF_VALUE_TENSOR)
    return compare_tensor(name, got, want, error);
  for (uint32_t i = 0; i < qf_value_n_items(want); i++) {
    g_autofree char *item = g_strdup_printf("%s[%u]", name, i);
    if (!qf_onnx_value_compare(item, qf_value_item(got, i), qf_value_item(want, i), error))
      return FALSE;
  }
  return TRUE;
}
