/* SPDX-License-Identifier: MIT */
/*
 * variable.c - variables of a TFLite file as values: who reads one in a graph gets the value that it began with, or the last one
 * assigned there. See scope.h.
 */
#include "map.h"

#include <string.h>

QfTflVariable *qf_tfl_variable(QfTflImport *import, const char *key, const char *name)
{
  QfTflVariable *v = g_hash_table_lookup(import->variables, key);
  if (v)
    return v;
  v = g_new0(QfTflVariable, 1);
  v->name = g_strdup(name);
  g_hash_table_insert(import->variables, g_strdup(key), v);
  return v;
}

void qf_tfl_variable_free(QfTflVariable *variable)
{
  g_bytes_unref(variable->initial);
  g_free(variable->name);
  g_free(variable);
}

G_GNUC_PRINTF(5, 6)
static gboolean fail(const QfTflScope *s, const QfTflVariable *v, GError **error, QfError code,
                     const char *format, ...)
{
  va_list args;
  va_start(args, format);
  g_autofree char *text = g_strdup_vprintf(format, args);
  va_end(args);
  g_set_error(error, QF_ERROR, code, "%s: variable \"%s\": %s", s->graph->name, v->name, text);
  return FALSE;
}

/* Far above any recurrent state; a damaged file must not take the memory. */
#define MAX_VARIABLE_BYTES ((size_t)1 << 26)

static QfTflValue *find(QfTflScope *home, const QfTflVariable *v)
{
  for (guint i = 0; i < home->values->len; i++) {
    QfTflValue *value = &g_array_index(home->values, QfTflValue, i);
    if (value->variable == v)
      return value;
  }
  return NULL;
}

static QfTensor *like(QfGraph *graph, const QfTflVariable *v)
{
  QfTensor *t = qf_graph_add_tensor(graph, v->name);
  qf_tensor_set_shape(t, v->like->dtype, v->like->dims, v->like->rank);
  if (v->like->enc.count)
    qf_tensor_set_encoding(graph, t, v->like->enc.count, v->like->enc.axis, v->like->enc.entries);
  return t;
}

static QfTflValue *touch(QfTflScope *scope, QfTflVariable *v, GError **error)
{
  QfTflScope *home = scope->home;
  QfTflValue *value = find(home, v);
  if (value)
    return value;
  if (!v->like) {
    fail(scope, v, error, QF_ERROR_UNSUPPORTED,
         "its shape is not known where it is first read; give it an "
         "initial value in the model");
    return NULL;
  }
  QfTensor *before = like(home->graph, v);
  if (home->once && v->initial)
    qf_tensor_set_data(home->graph, before, g_bytes_ref(v->initial));
  QfTflValue made = {v, before, before};
  g_array_append_val(home->values, made);
  return &g_array_index(home->values, QfTflValue, home->values->len - 1);
}

QfTensor *qf_tfl_variable_now(QfTflScope *scope, QfTflVariable *variable, GError **error)
{
  QfTflValue *value = touch(scope, variable, error);
  if (!value)
    return NULL;
  if (scope->home->once && !value->now->data) {
    fail(scope, variable, error, QF_ERROR_UNSUPPORTED, "it is read before it has an initial value");
    return NULL;
  }
  return value->now;
}

static gboolean fits(const QfTensor *a, const QfTensor *b)
{
  return a->dtype == b->dtype && a->rank == b->rank && qf_encoding_equal(&a->enc, &b->enc) &&
         !memcmp(a->dims, b->dims, (size_t)a->rank * sizeof(*a->dims));
}

gboolean qf_tfl_variable_assign(QfTflScope *scope, QfTflVariable *variable, QfTensor *after, GError **error)
{
  if (!variable->like)
    variable->like = after;
  if (!fits(variable->like, after)) {
    g_autofree char *is = qf_dims_to_string(after->dims, after->rank);
    g_autofree char *was = qf_dims_to_string(variable->like->dims, variable->like->rank);
    return fail(scope, variable, error, QF_ERROR_DYNAMIC,
                "it is %s %s, but is given %s %s; its shape and type must not change",
                qf_dtype_name(variable->like->dtype), was, qf_dtype_name(after->dtype), is);
  }
  QfTflValue *value = touch(scope, variable, error);
  if (!value)
    return FALSE;
  value->now = after;
  if (!scope->home->once)
    return TRUE;
  if (!after->data)
    return fail(scope, variable, error, QF_ERROR_UNSUPPORTED, "its initial value is not a constant");
  g_bytes_unref(variable->initial);
  variable->initial = qf_tensor_ref_bytes(after);
  return TRUE;
}

/* A variable of int8 begins with its zero point, others with zero bytes, as the reference interpreter has it. */
static GBytes *initial_value(const QfTensor *t)
{
  size_t size = qf_tensor_size_bytes(t);
  if (t->dtype != QF_DTYPE_INT8 || t->enc.count != 1 || !t->enc.entries[0].offset)
    return NULL;
  void *bytes = g_malloc(MAX(size, 1));
  memset(bytes, -t->enc.entries[0].offset, size);
  return g_bytes_new_take(bytes, size);
}

QfTflVariable *qf_tfl_variable_of(QfTflScope *scope, uint32_t index, GError **error)
{
  const QfTflTensor *x = &scope->file->tensors[index];
  g_autofree char *key = g_strdup_printf("%u:%u", scope->index, index);
  QfTflVariable *v = qf_tfl_variable(scope->import, key, x->name);
  if (v->like)
    return v;
  if (x->dtype == QF_DTYPE_INVALID || qf_dims_count(x->dims, x->rank) < 0) {
    fail(scope, v, error, QF_ERROR_UNSUPPORTED,
         "its type is %s, or its shape is open; export the model with fixed shapes",
         qf_tfl_type_name(x->type));
    return NULL;
  }
  QfTensor *t = qf_graph_add_tensor(scope->graph, x->name);
  qf_tensor_set_shape(t, x->dtype, x->dims, x->rank);
  if (qf_tfl_has_encoding(t->dtype) && !qf_tfl_set_encoding(scope->graph, t, x, error))
    return NULL;
  if (qf_tensor_size_bytes(t) > MAX_VARIABLE_BYTES) {
    fail(scope, v, error, QF_ERROR_LIMIT, "it takes more than 64 MB");
    return NULL;
  }
  v->like = t;
  v->initial = initial_value(t);
  return v;
}

gboolean qf_tfl_assign(QfTflNode *n, uint32_t input, QfTensor *after, GError **error)
{
  int64_t index = input < n->n_in ? qf_flat_at_int(&n->record->inputs, input, QF_FLAT_I32) : -1;
  if (index < 0 || !n->scope->file->tensors[index].is_variable)
    return qf_tfl_fail(n, error, QF_ERROR_FORMAT, "input %u must be a variable", input);
  QfTflVariable *v = qf_tfl_variable_of(n->scope, (uint32_t)index, error);
  return v && qf_tfl_variable_assign(n->scope, v, after, error);
}
