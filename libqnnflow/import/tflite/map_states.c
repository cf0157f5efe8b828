/* SPDX-License-Identifier: MIT */
/*
 * map_states.c - CALL_ONCE and resource variables of a TFLite file. A handle is no tensor here: it only says which variable
 * is meant. What CALL_ONCE assigns is the value that sessions begin with.
 */
#include "map.h"

static char *read_string(const QfTflNode *n, uint32_t field)
{
  uint32_t length;
  const char *s = qf_flat_get_string(&n->record->options, field, &length);
  return s && length <= 1024 ? g_strndup(s, length) : g_strdup("");
}

static gboolean map_handle(QfTflNode *n, GError **error)
{
  g_autofree char *container = read_string(n, QF_TFL_VAR_CONTAINER), *name = read_string(n, QF_TFL_VAR_NAME);
  g_autofree char *key = g_strdup_printf("%s/%s", container, name), *shown = g_utf8_make_valid(name, -1);
  if (n->out[0])
    return qf_tfl_fail(n, error, QF_ERROR_TYPE, "its output must be a resource");
  n->scope->resources[qf_flat_at_int(&n->record->outputs, 0, QF_FLAT_I32)] =
      qf_tfl_variable(n->scope->import, key, shown);
  return TRUE;
}

/* The variable that input 0 is a handle of. */
static QfTflVariable *handle(QfTflNode *n, GError **error)
{
  int64_t index = qf_flat_at_int(&n->record->inputs, 0, QF_FLAT_I32);
  QfTflVariable *v = index < 0 ? NULL : n->scope->resources[index];
  if (!v)
    qf_tfl_fail(n, error, QF_ERROR_FORMAT, "its input 0 is no handle of a variable");
  return v;
}

static gboolean map_read(QfTflNode *n, GError **error)
{
  QfTflVariable *v = handle(n, error);
  int64_t index = qf_flat_at_int(&n->record->outputs, 0, QF_FLAT_I32);
  const QfTflTensor *x = &n->scope->file->tensors[index];
  if (!v)
    return FALSE;
  if (!n->out[0])
    return qf_tfl_fail(n, error, QF_ERROR_TYPE, "its output must be a tensor");
  if (!v->like &&
      qf_dims_count(x->dims, x->rank) >= 0) { /* nothing has assigned it: the file's shape, and zeros */
    qf_tensor_set_shape(n->out[0], x->dtype, x->dims, x->rank);
    v->like = n->out[0];
  }
  QfTensor *now = qf_tfl_variable_now(n->scope, v, error);
  if (now)
    n->scope->tensors[index] = now;
  return now != NULL;
}

static gboolean map_assign(QfTflNode *n, GError **error)
{
  QfTflVariable *v = handle(n, error);
  if (v && !n->in[1])
    return qf_tfl_fail(n, error, QF_ERROR_TYPE, "its input 1 must be a tensor");
  return v && qf_tfl_variable_assign(n->scope, v, n->in[1], error);
}

static gboolean map_call_once(QfTflNode *n, GError **error)
{
  QfTflScope body = {0};
  int64_t callees[2];
  qf_tfl_callees(n->record, callees);
  QfGraph *graph = qf_graph_new_subgraph(n->graph, error);
  gboolean ok =
      graph && qf_tfl_scope_open(&body, n->scope->import, n->scope, FALSE, graph, callees[0], error);
  body.once = TRUE;
  ok = ok && qf_tfl_scope_constants(&body, error) && qf_tfl_scope_operators(&body, error);
  qf_tfl_scope_close(&body);
  return ok;
}

/* Operators that use graphs of the file: the fields of their options that say which. */
static const struct {
  uint32_t code, n;
  uint32_t fields[2];
} callers[] = {
    {31, 1, {QF_TFL_CALL_GRAPH}},
    {118, 2, {QF_TFL_IF_THEN, QF_TFL_IF_ELSE}},
    {119, 2, {QF_TFL_WHILE_COND, QF_TFL_WHILE_BODY}},
    {129, 1, {QF_TFL_CALL_GRAPH}},
    {206, 1, {QF_TFL_COMPOSITE_GRAPH}},
};

uint32_t qf_tfl_callees(const QfTflOperator *o, int64_t *graphs)
{
  for (guint i = 0; i < G_N_ELEMENTS(callers); i++) {
    if (callers[i].code != o->code->builtin)
      continue;
    for (uint32_t k = 0; k < callers[i].n; k++)
      graphs[k] = qf_flat_get_int(&o->options, callers[i].fields[k], QF_FLAT_I32, 0);
    return callers[i].n;
  }
  return 0;
}

gboolean qf_tfl_makes_resources(const QfTflRow *row)
{
  static const uint32_t codes[] = {31, 118, 119, 142, 143, 144};
  for (guint i = 0; i < G_N_ELEMENTS(codes); i++)
    if (codes[i] == row->code)
      return TRUE;
  return FALSE;
}

const QfTflRow qf_tfl_state_rows[] = {
    {129, "CALL_ONCE", map_call_once, 0, 0, 0, NULL, NULL},
    {142, "VAR_HANDLE", map_handle, 0, 0, 1, NULL, NULL},
    {143, "READ_VARIABLE", map_read, 1, 1, 1, NULL, NULL},
    {144, "ASSIGN_VARIABLE", map_assign, 2, 2, 0, NULL, NULL},
    {0},
};
