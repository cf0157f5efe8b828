/* SPDX-License-Identifier: MIT */
/*
 * value.c - values of runs: a tensor with its dimensions, a sequence, or none. Immutable and reference counted.
 */
#include <qnnflow/value.h>

#include <string.h>

struct _QfValue {
  gint refs;
  QfValueKind kind;
  QfDType dtype;
  int32_t rank;
  int64_t dims[QF_MAX_RANK];
  GBytes *bytes;
  GPtrArray *items; /* QfValue */
};

static QfValue *new_value(QfValueKind kind)
{
  QfValue *value = g_new0(QfValue, 1);
  value->refs = 1;
  value->kind = kind;
  return value;
}

QfValue *qf_value_new_tensor(QfDType dtype, const int64_t *dims, int32_t rank, GBytes *bytes, GError **error)
{
  size_t element = qf_dtype_size(dtype);
  int64_t count = rank >= 0 && rank <= QF_MAX_RANK ? qf_dims_count(dims, rank) : -1;
  if (!element) {
    g_set_error(error, QF_ERROR, QF_ERROR_TYPE, "a value of type %s cannot be made", qf_dtype_name(dtype));
    return NULL;
  }
  if (count < 0 || (uint64_t)count > SIZE_MAX / element ||
      g_bytes_get_size(bytes) != (size_t)count * element) {
    g_autofree char *text = qf_dims_to_string(dims, CLAMP(rank, 0, QF_MAX_RANK));
    g_set_error(error, QF_ERROR, QF_ERROR_SHAPE,
                "a value of %s %s was given %" G_GSIZE_FORMAT " bytes, which is not its size",
                qf_dtype_name(dtype), text, g_bytes_get_size(bytes));
    return NULL;
  }
  QfValue *value = new_value(QF_VALUE_TENSOR);
  value->dtype = dtype;
  value->rank = rank;
  for (int i = 0; i < rank; i++)
    value->dims[i] = dims[i];
  value->bytes = g_bytes_ref(bytes);
  return value;
}

QfValue *qf_value_new_sequence(QfValue *const *items, uint32_t n)
{
  QfValue *value = new_value(QF_VALUE_SEQUENCE);
  value->items = g_ptr_array_new_full(n, (GDestroyNotify)qf_value_unref);
  for (uint32_t i = 0; i < n; i++)
    g_ptr_array_add(value->items, qf_value_ref(items[i]));
  return value;
}

QfValue *qf_value_new_none(void)
{
  return new_value(QF_VALUE_NONE);
}

QfValue *qf_value_ref(QfValue *value)
{
  g_atomic_int_inc(&value->refs);
  return value;
}

void qf_value_unref(QfValue *value)
{
  if (!value || !g_atomic_int_dec_and_test(&value->refs))
    return;
  g_clear_pointer(&value->bytes, g_bytes_unref);
  g_clear_pointer(&value->items, g_ptr_array_unref);
  g_free(value);
}

QfValueKind qf_value_kind(const QfValue *value)
{
  return value->kind;
}

QfDType qf_value_dtype(const QfValue *value)
{
  return value->dtype;
}

int32_t qf_value_rank(const QfValue *value)
{
  return value->rank;
}

const int64_t *qf_value_dims(const QfValue *value)
{
  return value->bytes ? value->dims : NULL;
}

const void *qf_value_data(const QfValue *value)
{
  return value->bytes ? g_bytes_get_data(value->bytes, NULL) : NULL;
}

GBytes *qf_value_bytes(const QfValue *value)
{
  return value->bytes;
}

uint32_t qf_value_n_items(const QfValue *value)
{
  return value->items ? value->items->len : 0;
}

QfValue *qf_value_item(const QfValue *value, uint32_t index)
{
  return index < qf_value_n_items(value) ? g_ptr_array_index(value->items, index) : NULL;
}

char *qf_value_describe(const QfValue *value)
{
  if (value->kind == QF_VALUE_SEQUENCE)
    return g_strdup_printf("sequence of %u", value->items->len);
  if (value->kind == QF_VALUE_NONE)
    return g_strdup("none");
  g_autofree char *dims = qf_dims_to_string(value->dims, value->rank);
  return g_strdup_printf("%s %s", qf_dtype_name(value->dtype), dims);
}
