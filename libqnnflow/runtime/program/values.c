/* SPDX-License-Identifier: MIT */
/*
 * values.c - moving tensors about on the host, for operators on values: slices, joins, casts, and reading inputs of a node.
 */
#include "program.h"
#include "../../graph/numbers.h"

#include <string.h>

QfValue *qf_tensor_value(QfDType dtype, const int64_t *dims, int32_t rank, void *data)
{
  size_t size = (size_t)qf_dims_count(dims, rank) * qf_dtype_size(dtype);
  g_autoptr(GBytes) bytes = g_bytes_new_take(data, size);
  return qf_value_new_tensor(dtype, dims, rank, bytes, NULL);
}

QfValue *qf_int64_value(int64_t value)
{
  return qf_tensor_value(QF_DTYPE_INT64, NULL, 0, g_memdup2(&value, sizeof(value)));
}

QfValue *qf_bool_value(gboolean value)
{
  uint8_t byte = value != 0;
  return qf_tensor_value(QF_DTYPE_BOOL, NULL, 0, g_memdup2(&byte, 1));
}

/* Bytes of what stands behind each index of @axis. */
static size_t inner_bytes(const QfValue *v, int32_t axis)
{
  const int64_t *dims = qf_value_dims(v);
  return (size_t)qf_dims_count(dims + axis, qf_value_rank(v) - axis) * qf_dtype_size(qf_value_dtype(v));
}

QfValue *qf_value_slice(const QfValue *v, int32_t axis, int64_t begin, int64_t end, gboolean squeeze)
{
  int64_t dims[QF_MAX_RANK];
  int32_t rank = qf_value_rank(v), n = 0;
  for (int i = 0; i < rank; i++)
    if (i != axis || !squeeze)
      dims[n++] = i == axis ? end - begin : qf_value_dims(v)[i];
  size_t outer = (size_t)qf_dims_count(qf_value_dims(v), axis), inner = inner_bytes(v, axis + 1);
  size_t row = (size_t)(end - begin) * inner, step = (size_t)qf_value_dims(v)[axis] * inner;
  uint8_t *data = g_malloc(outer * row + 1);
  const uint8_t *from = qf_value_data(v);
  for (size_t i = 0; row && i < outer; i++)
    memcpy(data + i * row, from + i * step + (size_t)begin * inner, row);
  return qf_tensor_value(qf_value_dtype(v), dims, n, data);
}

static gboolean joins(const QfValue *a, const QfValue *b, int32_t axis, gboolean stack)
{
  if (qf_value_dtype(a) != qf_value_dtype(b) || qf_value_rank(a) != qf_value_rank(b))
    return FALSE;
  for (int i = 0; i < qf_value_rank(a); i++)
    if (qf_value_dims(a)[i] != qf_value_dims(b)[i] && (stack || i != axis))
      return FALSE;
  return TRUE;
}

QfValue *qf_value_join(QfValue *const *values, uint32_t n, int32_t axis, gboolean stack)
{
  int64_t dims[QF_MAX_RANK + 1], along = 0;
  int32_t rank = n ? qf_value_rank(values[0]) : QF_MAX_RANK;
  if (!n || rank + stack > QF_MAX_RANK)
    return NULL;
  for (uint32_t k = 0; k < n; k++) {
    if (!joins(values[0], values[k], axis, stack))
      return NULL;
    along += stack ? 1 : qf_value_dims(values[k])[axis];
  }
  for (int i = 0, d = 0; i < rank + stack; i++)
    dims[i] = i == axis && stack ? along : qf_value_dims(values[0])[d++];
  dims[axis] = along;
  int64_t count = qf_dims_count(dims, rank + stack);
  size_t outer = (size_t)qf_dims_count(dims, axis), element = qf_dtype_size(qf_value_dtype(values[0]));
  uint8_t *data = count < 0 ? NULL : g_try_malloc((size_t)count * element + 1);
  if (!data)
    return NULL;
  size_t step = outer ? (size_t)count * element / outer : 0, at = 0;
  for (uint32_t k = 0; k < n; k++) {
    size_t row = inner_bytes(values[k], axis);
    for (size_t i = 0; row && i < outer; i++)
      memcpy(data + i * step + at, (const uint8_t *)qf_value_data(values[k]) + i * row, row);
    at += row;
  }
  return qf_tensor_value(qf_value_dtype(values[0]), dims, rank + stack, data);
}

static QfValue *cast_tensor(const QfValue *v, QfDType dtype)
{
  int64_t n = qf_dims_count(qf_value_dims(v), qf_value_rank(v));
  uint8_t *data = g_malloc((size_t)n * qf_dtype_size(dtype) + 1);
  for (int64_t i = 0; i < n; i++)
    qf_number_store(dtype, data, i, qf_number_real(qf_value_dtype(v), qf_value_data(v), i));
  return qf_tensor_value(dtype, qf_value_dims(v), qf_value_rank(v), data);
}

QfValue *qf_value_cast(QfValue *v, QfDType dtype)
{
  if (qf_value_kind(v) == QF_VALUE_TENSOR && qf_value_dtype(v) != dtype)
    return cast_tensor(v, dtype);
  if (qf_value_kind(v) != QF_VALUE_SEQUENCE)
    return qf_value_ref(v);
  g_autoptr(GPtrArray) items = g_ptr_array_new_with_free_func((GDestroyNotify)qf_value_unref);
  for (uint32_t i = 0; i < qf_value_n_items(v); i++)
    g_ptr_array_add(items, qf_value_cast(qf_value_item(v, i), dtype));
  return qf_value_new_sequence((QfValue **)items->pdata, items->len);
}

gboolean qf_call_tensor(const QfCall *call, uint32_t index, GError **error)
{
  QfValue *v = index < call->n_in ? call->in[index] : NULL;
  if (v && qf_value_kind(v) == QF_VALUE_TENSOR)
    return TRUE;
  return qf_call_fail(call, error, QF_ERROR_TYPE, "input %u must be a tensor", index);
}

gboolean qf_call_sequence(const QfCall *call, uint32_t index, GError **error)
{
  QfValue *v = index < call->n_in ? call->in[index] : NULL;
  if (v && qf_value_kind(v) == QF_VALUE_SEQUENCE)
    return TRUE;
  return qf_call_fail(call, error, QF_ERROR_TYPE, "input %u must be a sequence", index);
}

gboolean qf_call_int(const QfCall *call, uint32_t index, int64_t *value, GError **error)
{
  if (!qf_call_tensor(call, index, error))
    return FALSE;
  const QfValue *v = call->in[index];
  if (qf_dims_count(qf_value_dims(v), qf_value_rank(v)) != 1)
    return qf_call_fail(call, error, QF_ERROR_SHAPE, "input %u must be a single number", index);
  *value = qf_number_int(qf_value_dtype(v), qf_value_data(v), 0);
  return TRUE;
}

const QfProgramBody *qf_call_body(const QfCall *call, const char *name, GError **error)
{
  const QfProgramAttr *a = qf_program_attr(call->node, name);
  if (!a || !a->body)
    qf_call_fail(call, error, QF_ERROR_FORMAT, "its body '%s' is missing; export the model again", name);
  return a ? a->body : NULL;
}

gboolean qf_call_axis(const QfCall *call, int64_t axis, int32_t rank, int32_t *out, GError **error)
{
  if (axis < -(int64_t)rank || axis >= rank)
    return qf_call_fail(call, error, QF_ERROR_SHAPE, "axis %" G_GINT64_FORMAT " is outside of %d dimensions",
                        axis, rank);
  *out = (int32_t)(axis < 0 ? axis + rank : axis);
  return TRUE;
}
