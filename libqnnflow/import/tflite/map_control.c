/* SPDX-License-Identifier: MIT */
/*
 * map_control.c - IF, WHILE and CALL of a TFLite file: the graphs that they use become bodies, or are mapped in place.
 * Variables that a body touches become its last inputs, and, where it may change them, its last outputs.
 */
#include "map.h"

/* The variables that any of @n bodies touches, each once. */
static GPtrArray *touched(const QfTflScope *bodies, uint32_t n)
{
  GPtrArray *list = g_ptr_array_new();
  g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);
  for (uint32_t b = 0; b < n; b++) {
    for (guint i = 0; i < bodies[b].values->len; i++) {
      QfTflVariable *v = g_array_index(bodies[b].values, QfTflValue, i).variable;
      if (g_hash_table_add(seen, v))
        g_ptr_array_add(list, v);
    }
  }
  return list;
}

static QfTflValue *value_of(QfTflScope *body, QfTflVariable *v)
{
  for (guint i = 0; i < body->values->len; i++)
    if (g_array_index(body->values, QfTflValue, i).variable == v)
      return &g_array_index(body->values, QfTflValue, i);
  return NULL;
}

static uint32_t tensor_at(const QfFlatVector *v, uint32_t i)
{
  return (uint32_t)qf_flat_at_int(v, i, QF_FLAT_I32);
}

/* A constant of the graph around a body, as one inside; the bytes are shared. */
static QfTensor *copy_constant(QfGraph *graph, const char *name, const QfTensor *t)
{
  QfTensor *y = qf_graph_add_shared(graph, name, t->dims, t->rank, t);
  if (t->enc.count)
    qf_tensor_set_encoding(graph, y, t->enc.count, t->enc.axis, t->enc.entries);
  return y;
}

/* Operands that are constants inside the bodies as well: any of an IF, and those that a WHILE's body hands on as they are. So
 * shapes and weights that exporters carry through a loop are known where they are used. */
static gboolean *find_fixed(const QfTflNode *n, uint32_t first, int64_t body)
{
  gboolean *fixed = g_new0(gboolean, n->n_in + 1);
  const QfTflGraph *g = body >= 0 && body < n->model->n_graphs ? &n->model->graphs[body] : NULL;
  for (uint32_t i = first; i < n->n_in; i++) {
    gboolean handed_on = g && i < g->inputs.count && i < g->outputs.count &&
                         tensor_at(&g->inputs, i) == tensor_at(&g->outputs, i);
    fixed[i] = n->in[i] && n->in[i]->data && (first || handed_on);
  }
  return fixed;
}

/* What @operand of the operator is as input @i of the graph it uses: a resource, the tensor itself (in place), a constant, or a new
 * tensor like it. */
static gboolean bind_input(QfTflNode *n, QfTflScope *body, uint32_t i, uint32_t operand, gboolean fixed,
                           GError **error)
{
  uint32_t inner = tensor_at(&body->file->inputs, i);
  int64_t index = qf_flat_at_int(&n->record->inputs, operand, QF_FLAT_I32);
  const QfTflTensor *x = &body->file->tensors[inner];
  QfTensor *t = n->in[operand];
  if (body->tensors[inner] || body->resources[inner])
    return qf_tfl_fail(n, error, QF_ERROR_FORMAT, "input \"%s\" of graph %u is defined twice", x->name,
                       body->index);
  if (!t && index >= 0 && n->scope->resources[index]) {
    body->resources[inner] = n->scope->resources[index];
    return TRUE;
  }
  if (!t || x->dtype != t->dtype)
    return qf_tfl_fail(n, error, QF_ERROR_TYPE, "input %u is %s, but \"%s\" of graph %u is %s", operand,
                       t ? qf_dtype_name(t->dtype) : "absent", x->name, body->index,
                       qf_tfl_type_name(x->type));
  if (body->home != body) {
    body->tensors[inner] = t;
    return TRUE;
  }
  if (fixed) {
    body->tensors[inner] = copy_constant(body->graph, x->name, t);
    return TRUE;
  }
  QfTensor *y = body->tensors[inner] = qf_graph_add_tensor(body->graph, x->name);
  qf_tensor_set_shape(y, t->dtype, t->dims, t->rank);
  g_ptr_array_add(body->graph->inputs, y);
  return !qf_tfl_has_encoding(y->dtype) || qf_tfl_set_encoding(body->graph, y, x, error);
}

/* Imports graph @index with the operands from @first on. @fixed NULL: in place. */
static gboolean import_graph(QfTflNode *n, QfTflScope *body, int64_t index, uint32_t first,
                             const gboolean *fixed, GError **error)
{
  gboolean in_place = !fixed;
  QfGraph *graph = in_place ? n->graph : qf_graph_new_subgraph(n->graph, error);
  if (!graph || !qf_tfl_scope_open(body, n->scope->import, n->scope, in_place, graph, index, error))
    return FALSE;
  if (body->file->inputs.count != n->n_in - first)
    return qf_tfl_fail(n, error, QF_ERROR_FORMAT,
                       "graph %u has %u inputs in place of %u; the file is damaged", body->index,
                       body->file->inputs.count, n->n_in - first);
  if (!qf_tfl_scope_constants(body, error))
    return FALSE;
  for (uint32_t i = 0; i < body->file->inputs.count; i++)
    if (!bind_input(n, body, i, first + i, fixed && fixed[first + i], error))
      return FALSE;
  return qf_tfl_scope_operators(body, error);
}

/* Tensor of the body's output @i; NULL without an error for a resource. */
static gboolean body_output(QfTflNode *n, const QfTflScope *body, uint32_t i, QfTensor **t, GError **error)
{
  uint32_t inner = tensor_at(&body->file->outputs, i);
  *t = body->tensors[inner];
  return *t || body->resources[inner] ||
         qf_tfl_fail(n, error, QF_ERROR_FORMAT,
                     "nothing writes output \"%s\" of graph %u; the file is damaged",
                     body->file->tensors[inner].name, body->index);
}

/* The body's outputs as those of its graph, but for resources and what is @fixed (NULL: nothing is). */
static gboolean add_outputs(QfTflNode *n, QfTflScope *body, uint32_t count, const gboolean *fixed,
                            GError **error)
{
  if (body->file->outputs.count != count)
    return qf_tfl_fail(n, error, QF_ERROR_FORMAT,
                       "graph %u has %u outputs in place of %u; the file is damaged", body->index,
                       body->file->outputs.count, count);
  for (uint32_t i = 0; i < count; i++) {
    QfTensor *t;
    if (!body_output(n, body, i, &t, error))
      return FALSE;
    if (t && !(fixed && fixed[i]))
      g_ptr_array_add(body->graph->outputs, t);
  }
  return TRUE;
}

/* Resources among the outputs of @n stand for what they stand for in the body. */
static gboolean bind_resources(QfTflNode *n, const QfTflScope *body, GError **error)
{
  for (uint32_t i = 0; i < n->n_out; i++) {
    QfTflVariable *v = body->resources[tensor_at(&body->file->outputs, i)];
    uint32_t outer = tensor_at(&n->record->outputs, i);
    if (!v != !!n->out[i])
      return qf_tfl_fail(n, error, QF_ERROR_FORMAT,
                         "output %u is not what graph %u gives; the file is damaged", i, body->index);
    if (v)
      n->scope->resources[outer] = v;
  }
  return TRUE;
}

/* Inputs and outputs of a body for the variables. */
static gboolean add_variables(QfTflScope *body, const GPtrArray *variables, gboolean outputs, GError **error)
{
  for (guint i = 0; i < variables->len; i++) {
    if (!qf_tfl_variable_now(body, variables->pdata[i], error))
      return FALSE;
    const QfTflValue *value = value_of(body, variables->pdata[i]);
    g_ptr_array_add(body->graph->inputs, value->before);
    if (outputs)
      g_ptr_array_add(body->graph->outputs, value->now);
  }
  qf_graph_compact(body->graph);
  return TRUE;
}

/* The operator's node: @op over the condition (@first 1) and the operands that are tensors, then the variables. */
static gboolean add_node(QfTflNode *n, const char *op, uint32_t first, QfTflScope *bodies,
                         const gboolean *fixed, const GPtrArray *variables, GError **error)
{
  g_autoptr(GPtrArray) in = g_ptr_array_new(), out = g_ptr_array_new();
  for (uint32_t i = 0; i < n->n_in; i++)
    if (n->in[i] && !fixed[i])
      g_ptr_array_add(in, n->in[i]);
  for (uint32_t i = 0; i < n->n_out; i++) {
    if (!first && fixed[i]) /* comes out of the loop as it went in */
      n->scope->tensors[tensor_at(&n->record->outputs, i)] = n->in[i];
    else if (n->out[i])
      g_ptr_array_add(out, n->out[i]);
  }
  for (guint i = 0; i < variables->len; i++) {
    QfTflVariable *v = variables->pdata[i];
    QfTensor *now = qf_tfl_variable_now(n->scope, v, error);
    if (!now)
      return FALSE;
    g_ptr_array_add(in, now);
    g_ptr_array_add(out, qf_tfl_temp(n, v->name, now));
  }
  if (!out->len)
    return TRUE; /* it does nothing that could be seen */
  QfNode *node = qf_graph_new_node(n->graph, op, n->name, (QfTensor **)in->pdata, in->len,
                                   (QfTensor **)out->pdata, out->len);
  for (uint32_t b = 0; b < 2; b++)
    qf_node_add_subgraph(node, bodies[b].graph);
  ((QfControlAttrs *)node->attrs)->n_carried = first ? 0 : (int32_t)in->len;
  if (!qf_tfl_add_raw_node(n, node, error))
    return FALSE;
  for (guint i = 0; i < variables->len; i++)
    if (!qf_tfl_variable_assign(n->scope, variables->pdata[i], out->pdata[out->len - variables->len + i],
                                error))
      return FALSE;
  return TRUE;
}

/* Two bodies; @first operand of theirs: 1 for IF, whose input 0 is the condition. */
static gboolean map_bodies(QfTflNode *n, const char *op, uint32_t first, QfTflScope *bodies, GError **error)
{
  int64_t callees[2];
  gboolean branches = first == 1;
  qf_tfl_callees(n->record, callees);
  g_autofree gboolean *fixed = find_fixed(n, first, callees[1]);
  for (uint32_t b = 0; b < 2; b++)
    if (!import_graph(n, &bodies[b], callees[b], first, fixed, error) ||
        !add_outputs(n, &bodies[b], b || branches ? n->n_out : 1, b && !branches ? fixed : NULL, error))
      return FALSE;
  g_autoptr(GPtrArray) variables = touched(bodies, 2);
  for (guint i = 0; !branches && i < bodies[0].values->len; i++) {
    const QfTflValue *value = &g_array_index(bodies[0].values, QfTflValue, i);
    if (value->now != value->before)
      return qf_tfl_fail(n, error, QF_ERROR_UNSUPPORTED,
                         "its condition assigns variable \"%s\"; assign it in the body",
                         value->variable->name);
  }
  for (uint32_t b = 0; b < 2; b++)
    if (!add_variables(&bodies[b], variables, b || branches, error))
      return FALSE;
  return bind_resources(n, &bodies[1], error) && add_node(n, op, first, bodies, fixed, variables, error);
}

static gboolean call(QfTflNode *n, int64_t index, uint32_t first, GError **error)
{
  QfTflScope body;
  gboolean ok = import_graph(n, &body, index, first, NULL, error);
  if (ok && body.file->outputs.count != n->n_out)
    ok = qf_tfl_fail(n, error, QF_ERROR_FORMAT, "graph %u has %u outputs in place of %u", body.index,
                     body.file->outputs.count, n->n_out);
  for (uint32_t i = 0; ok && i < n->n_out; i++) {
    QfTensor *t;
    ok = body_output(n, &body, i, &t, error);
    if (t)
      n->scope->tensors[tensor_at(&n->record->outputs, i)] = t;
  }
  ok = ok && bind_resources(n, &body, error);
  qf_tfl_scope_close(&body);
  return ok;
}

static gboolean map_if(QfTflNode *n, GError **error)
{
  QfTflScope bodies[2] = {0};
  int64_t callees[2], condition;
  if (!n->in[0])
    return qf_tfl_fail(n, error, QF_ERROR_FORMAT, "its condition is missing; the file is damaged");
  qf_tfl_callees(n->record, callees);
  if (qf_tensor_get_ints(n->in[0], &condition, 1) == 1)
    return call(n, callees[condition ? 0 : 1], 1, error);
  gboolean ok = map_bodies(n, "If", 1, bodies, error);
  qf_tfl_scope_close(&bodies[0]);
  qf_tfl_scope_close(&bodies[1]);
  return ok;
}

static gboolean map_while(QfTflNode *n, GError **error)
{
  QfTflScope bodies[2] = {0};
  if (n->n_in != n->n_out)
    return qf_tfl_fail(n, error, QF_ERROR_FORMAT, "it has %u inputs, but %u outputs; the file is damaged",
                       n->n_in, n->n_out);
  gboolean ok = map_bodies(n, "While", 0, bodies, error);
  qf_tfl_scope_close(&bodies[0]);
  qf_tfl_scope_close(&bodies[1]);
  return ok;
}

static gboolean map_call(QfTflNode *n, GError **error)
{
  int64_t callees[2];
  qf_tfl_callees(n->record, callees);
  return call(n, callees[0], 0, error);
}

const QfTflRow qf_tfl_control_rows[] = {
    {118, "IF", map_if, 1, -1, -1, NULL, NULL},
    {119, "WHILE", map_while, 1, -1, -1, NULL, NULL},
    {31, "CALL", map_call, 0, -1, -1, NULL, NULL},
    {206, "STABLEHLO_COMPOSITE", map_call, 0, -1, -1, NULL, NULL},
    {0},
};
