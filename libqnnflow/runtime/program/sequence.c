/* SPDX-License-Identifier: MIT */
/*
 * sequence.c - operators on sequences and optionals. Values are shared, never copied, but for those that are split or joined.
 */
#include "ops.h"

/* A position in @n items from input @index, negative ones from the end; without the input it is @def. */
static gboolean position(const QfCall *call, uint32_t index, int64_t n, int64_t def, int64_t *at,
                         GError **error)
{
  *at = def;
  if (index >= call->n_in || !call->in[index])
    return TRUE;
  if (!qf_call_int(call, index, at, error))
    return FALSE;
  int64_t given = *at;
  *at += given < 0 ? n : 0;
  if (*at >= 0 && *at <= (def < n ? n - 1 : n))
    return TRUE;
  return qf_call_fail(call, error, QF_ERROR_ARGUMENT,
                      "position %" G_GINT64_FORMAT " is outside of a sequence of %" G_GINT64_FORMAT, given,
                      n);
}

/* The items of @sequence as a list that can be changed. */
static GPtrArray *items_of(const QfValue *sequence)
{
  GPtrArray *items = g_ptr_array_new_with_free_func((GDestroyNotify)qf_value_unref);
  for (uint32_t i = 0; i < qf_value_n_items(sequence); i++)
    g_ptr_array_add(items, qf_value_ref(qf_value_item(sequence, i)));
  return items;
}

gboolean qf_program_op_sequence_construct(QfCall *call, GError **error)
{
  for (uint32_t i = 0; i < call->n_in; i++)
    if (!qf_call_tensor(call, i, error))
      return FALSE;
  call->out[0] = qf_value_new_sequence(call->in, call->n_in);
  return TRUE;
}

gboolean qf_program_op_sequence_empty(QfCall *call, GError **error)
{
  (void)error;
  call->out[0] = qf_value_new_sequence(NULL, 0);
  return TRUE;
}

gboolean qf_program_op_sequence_insert(QfCall *call, GError **error)
{
  int64_t at;
  if (!qf_call_sequence(call, 0, error) || !qf_call_tensor(call, 1, error))
    return FALSE;
  g_autoptr(GPtrArray) items = items_of(call->in[0]);
  if (!position(call, 2, items->len, items->len, &at, error))
    return FALSE;
  g_ptr_array_insert(items, (gint)at, qf_value_ref(call->in[1]));
  call->out[0] = qf_value_new_sequence((QfValue **)items->pdata, items->len);
  return TRUE;
}

gboolean qf_program_op_sequence_erase(QfCall *call, GError **error)
{
  int64_t at;
  if (!qf_call_sequence(call, 0, error))
    return FALSE;
  g_autoptr(GPtrArray) items = items_of(call->in[0]);
  if (!items->len)
    return qf_call_fail(call, error, QF_ERROR_ARGUMENT, "the sequence is empty");
  if (!position(call, 1, items->len, (int64_t)items->len - 1, &at, error))
    return FALSE;
  g_ptr_array_remove_index(items, (guint)at);
  call->out[0] = qf_value_new_sequence((QfValue **)items->pdata, items->len);
  return TRUE;
}

gboolean qf_program_op_sequence_at(QfCall *call, GError **error)
{
  int64_t at;
  if (!qf_call_sequence(call, 0, error))
    return FALSE;
  if (!position(call, 1, qf_value_n_items(call->in[0]), -1, &at, error))
    return FALSE;
  call->out[0] = qf_value_ref(qf_value_item(call->in[0], (uint32_t)at));
  return TRUE;
}

gboolean qf_program_op_sequence_length(QfCall *call, GError **error)
{
  if (!qf_call_sequence(call, 0, error))
    return FALSE;
  call->out[0] = qf_int64_value(qf_value_n_items(call->in[0]));
  return TRUE;
}

/* Sizes of the parts: given one by one, given once for all, or 1 each. */
static int64_t *part_sizes(const QfCall *call, int64_t length, uint32_t *n, GError **error)
{
  const QfValue *split = call->n_in > 1 ? call->in[1] : NULL;
  gboolean listed = split && qf_value_rank(split) > 0;
  int64_t each = 1, sum = 0, count;
  if (split && !listed && !qf_call_int(call, 1, &each, error))
    return NULL;
  if (each < 1) {
    qf_call_fail(call, error, QF_ERROR_ARGUMENT, "parts of %" G_GINT64_FORMAT " cannot be", each);
    return NULL;
  }
  count = listed ? qf_dims_count(qf_value_dims(split), qf_value_rank(split))
                 : length / each + (length % each != 0);
  int64_t *sizes = g_new0(int64_t, count + 1);
  gboolean ok = count < G_MAXINT32;
  for (int64_t i = 0; ok && i < count; i++) {
    sizes[i] =
        listed ? qf_number_int(qf_value_dtype(split), qf_value_data(split), i) : MIN(each, length - sum);
    ok = sizes[i] >= 0 && sizes[i] <= length - sum;
    sum += sizes[i];
  }
  *n = (uint32_t)count;
  if (ok && sum == length)
    return sizes;
  qf_call_fail(call, error, QF_ERROR_SHAPE, "the parts do not add up to %" G_GINT64_FORMAT, length);
  g_free(sizes);
  return NULL;
}

gboolean qf_program_op_split_to_sequence(QfCall *call, GError **error)
{
  int32_t axis;
  uint32_t n;
  int64_t at = 0;
  if (!qf_call_tensor(call, 0, error) ||
      !qf_call_axis(call, qf_program_int(call->node, "axis", 0), qf_value_rank(call->in[0]), &axis, error))
    return FALSE;
  gboolean squeeze = (call->n_in < 2 || !call->in[1]) && !qf_program_int(call->node, "keepdims", 1);
  g_autofree int64_t *sizes = part_sizes(call, qf_value_dims(call->in[0])[axis], &n, error);
  if (!sizes)
    return FALSE;
  g_autoptr(GPtrArray) items = g_ptr_array_new_with_free_func((GDestroyNotify)qf_value_unref);
  for (uint32_t i = 0; i < n; i++, at += sizes[i - 1])
    g_ptr_array_add(items, qf_value_slice(call->in[0], axis, at, at + sizes[i], squeeze));
  call->out[0] = qf_value_new_sequence((QfValue **)items->pdata, items->len);
  return TRUE;
}

gboolean qf_program_op_concat_from_sequence(QfCall *call, GError **error)
{
  gboolean stack = qf_program_int(call->node, "new_axis", 0) != 0;
  int32_t axis;
  if (!qf_call_sequence(call, 0, error))
    return FALSE;
  g_autoptr(GPtrArray) items = items_of(call->in[0]);
  if (!items->len)
    return qf_call_fail(call, error, QF_ERROR_SHAPE, "the sequence is empty");
  if (!qf_call_axis(call, qf_program_int(call->node, "axis", 0), qf_value_rank(items->pdata[0]) + stack,
                    &axis, error))
    return FALSE;
  call->out[0] = qf_value_join((QfValue **)items->pdata, items->len, axis, stack);
  return call->out[0] || qf_call_fail(call, error, QF_ERROR_SHAPE,
                                      "the tensors differ in more than dimension %d, or are too large", axis);
}

/* Identity, and Optional: a value that is there is itself, an absent one is none. */
gboolean qf_program_op_identity(QfCall *call, GError **error)
{
  (void)error;
  call->out[0] = call->n_in && call->in[0] ? qf_value_ref(call->in[0]) : qf_value_new_none();
  return TRUE;
}

gboolean qf_program_op_optional_get_element(QfCall *call, GError **error)
{
  if (qf_value_kind(call->in[0]) == QF_VALUE_NONE)
    return qf_call_fail(call, error, QF_ERROR_ARGUMENT, "the optional is empty");
  call->out[0] = qf_value_ref(call->in[0]);
  return TRUE;
}

gboolean qf_program_op_optional_has_element(QfCall *call, GError **error)
{
  (void)error;
  call->out[0] = qf_bool_value(call->n_in && call->in[0] && qf_value_kind(call->in[0]) != QF_VALUE_NONE);
  return TRUE;
}
