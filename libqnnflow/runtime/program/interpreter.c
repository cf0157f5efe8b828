/* SPDX-License-Identifier: MIT */
/*
 * interpreter.c - walks the nodes of a body over values. From each node on it takes as many as the importer can make one graph of;
 * graphs are kept by where they begin, the dimensions that they took, and the values that they depend on. A value is
 * released after the node that reads it last.
 */
#include "program.h"
#include "ops.h"

#include <string.h>

/* Neighbouring nodes as a frozen model. */
typedef struct {
  uint32_t n_nodes;
  QfModel *model;
  QfSession *session;
  GHashTable *demanded; /* name -> QfValue */
} Part;

struct QfInterpreter {
  const QfModel *model; /* whose session this is for */
  uint32_t n_threads;
  QfPool *pool;
  GHashTable *parts;  /* first QfProgramNode -> GPtrArray of Part */
  GHashTable *singly; /* QfProgramNode that could not become part of a graph */
  uint32_t n_parts, depth;
};

static const QfProgramOp ops[] = {
#define QF_PROGRAM_OP(name, function, least) {#name, qf_program_op_##function, least},
#include "../../import/program_ops.inc"
#undef QF_PROGRAM_OP
};

const QfProgramOp *qf_program_op_find(const char *op)
{
  for (guint i = 0; i < G_N_ELEMENTS(ops); i++)
    if (!strcmp(ops[i].op, op))
      return &ops[i];
  return NULL;
}

static void part_free(gpointer data)
{
  Part *part = data;
  g_hash_table_unref(part->demanded);
  qf_session_free(part->session);
  qf_model_unref(part->model);
  g_free(part);
}

QfInterpreter *qf_interpreter_new(const QfModel *model, uint32_t n_threads, QfPool *pool)
{
  QfInterpreter *interpreter = g_new0(QfInterpreter, 1);
  interpreter->model = model;
  interpreter->n_threads = n_threads;
  interpreter->pool = pool;
  interpreter->parts = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)g_ptr_array_unref);
  interpreter->singly = g_hash_table_new(NULL, NULL);
  return interpreter;
}

void qf_interpreter_free(QfInterpreter *interpreter)
{
  if (!interpreter)
    return;
  g_hash_table_unref(interpreter->parts);
  g_hash_table_unref(interpreter->singly);
  g_free(interpreter);
}

gboolean qf_call_fail(const QfCall *call, GError **error, QfError code, const char *format, ...)
{
  va_list args;
  if (error && *error)
    return FALSE;
  va_start(args, format);
  g_autofree char *rule = g_strdup_vprintf(format, args);
  va_end(args);
  g_set_error(error, QF_ERROR, code, "%s: node '%s' (%s): %s", call->interpreter->model->name,
              call->node->name, call->node->op, rule);
  return FALSE;
}

/* The value of a name in @scope or around it; @constant: it is a weight. */
static QfValue *find_value(const QfScope *scope, const char *name, gboolean *constant)
{
  for (; scope; scope = scope->outer) {
    QfValue *value = g_hash_table_lookup(scope->values, name);
    *constant = !value;
    if (!value)
      value = g_hash_table_lookup(scope->body->constants, name);
    if (value)
      return value;
  }
  return NULL;
}

/* What an import asks of the scope. */
typedef struct {
  QfProgramSource base;
  const QfScope *scope;
  Part *part;
} Source;

static QfValue *source_find(const QfProgramSource *source, const char *name, gboolean *constant)
{
  return find_value(((const Source *)source)->scope, name, constant);
}

static void source_demand(const QfProgramSource *source, const char *name)
{
  const Source *s = (const Source *)source;
  gboolean constant;
  QfValue *value = find_value(s->scope, name, &constant);
  g_hash_table_replace(s->part->demanded, g_strdup(name), qf_value_ref(value));
}

static gboolean same_value(const QfValue *a, const QfValue *b)
{
  if (a == b)
    return TRUE;
  return qf_value_kind(b) == QF_VALUE_TENSOR && qf_value_dtype(a) == qf_value_dtype(b) &&
         qf_value_rank(a) == qf_value_rank(b) &&
         !memcmp(qf_value_dims(a), qf_value_dims(b), (size_t)qf_value_rank(a) * sizeof(int64_t)) &&
         g_bytes_equal(qf_value_bytes(a), qf_value_bytes(b));
}

static gboolean part_fits(const Part *part, const QfScope *scope)
{
  GHashTableIter iter;
  gpointer name, wanted;
  gboolean constant;
  for (uint32_t i = 0; i < qf_model_n_inputs(part->model); i++) {
    const QfTensorDesc *desc = qf_model_input(part->model, i);
    const QfValue *v = find_value(scope, desc->name, &constant);
    if (!v || qf_value_kind(v) != QF_VALUE_TENSOR || qf_value_dtype(v) != desc->dtype ||
        qf_value_rank(v) != desc->rank ||
        memcmp(qf_value_dims(v), desc->dims, (size_t)desc->rank * sizeof(int64_t)))
      return FALSE;
  }
  g_hash_table_iter_init(&iter, part->demanded);
  while (g_hash_table_iter_next(&iter, &name, &wanted)) {
    const QfValue *v = find_value(scope, name, &constant);
    if (!v || !same_value(wanted, v))
      return FALSE;
  }
  return TRUE;
}

static Part *find_part(const QfInterpreter *interpreter, const QfScope *scope, const QfProgramNode *first)
{
  const GPtrArray *list = g_hash_table_lookup(interpreter->parts, first);
  for (guint i = 0; list && i < list->len; i++)
    if (part_fits(list->pdata[i], scope))
      return list->pdata[i];
  return NULL;
}

static void keep_part(QfInterpreter *interpreter, const QfProgramNode *first, Part *part)
{
  if (interpreter->n_parts >= QF_PROGRAM_MAX_GRAPHS) {
    g_hash_table_remove_all(interpreter->parts);
    interpreter->n_parts = 0;
  }
  GPtrArray *list = g_hash_table_lookup(interpreter->parts, first);
  if (!list) {
    list = g_ptr_array_new_with_free_func(part_free);
    g_hash_table_insert(interpreter->parts, (gpointer)first, list);
  }
  g_ptr_array_add(list, part);
  interpreter->n_parts++;
}

/* What nodes after @end still read of what those of first..end-1 make. */
static GPtrArray *outputs_of(const QfProgramBody *body, uint32_t first, uint32_t end)
{
  GPtrArray *names = g_ptr_array_new();
  for (uint32_t i = first; i < end; i++)
    for (uint32_t k = 0; k < body->nodes[i].n_outputs; k++) {
      const char *name = body->nodes[i].outputs[k];
      if (*name && GPOINTER_TO_UINT(g_hash_table_lookup(body->last_use, name)) > end)
        g_ptr_array_add(names, (gpointer)name);
    }
  return names;
}

/* Tries to make one graph of the nodes first..end-1. */
static Part *make_part(QfInterpreter *interpreter, const QfScope *scope, uint32_t first, uint32_t end,
                       uint32_t *n_done, GError **error)
{
  const QfModel *model = interpreter->model;
  const QfProgram *program = model->program;
  Part *part = g_new0(Part, 1);
  part->n_nodes = end - first;
  part->demanded = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)qf_value_unref);
  Source source = {{source_find, source_demand}, scope, part};
  g_autoptr(QfGraph) graph = qf_graph_new(model->name);
  g_autoptr(GPtrArray) outputs = outputs_of(scope->body, first, end);
  graph->format = program->format;
  graph->evaluate = qf_ref_evaluate;
  graph->file_bytes = G_MAXUINT64; /* this is a run, not an import: the values are there already */
  if (program->import_nodes(program, graph, scope->body->nodes + first, end - first, &source.base, outputs,
                            n_done, error) &&
      qf_graph_verify(graph, error)) {
    part->model = qf_model_new_from_graph(g_steal_pointer(&graph), model, error);
    if (part->model)
      part->session = qf_session_new_part(part->model, interpreter->n_threads, interpreter->pool, error);
  }
  if (part->session)
    return part;
  part_free(part);
  return NULL;
}

/* The longest graph that begins at node @first, NULL when that node alone is none. */
static Part *begin_part(QfInterpreter *interpreter, const QfScope *scope, uint32_t first, GError **error)
{
  const QfProgramBody *body = scope->body;
  uint32_t end = first, n_done = 0;
  while (end < body->n_nodes && body->nodes[end].graph &&
         !g_hash_table_contains(interpreter->singly, &body->nodes[end]))
    end++;
  while (end > first) {
    g_autoptr(GError) refused = NULL;
    Part *part = make_part(interpreter, scope, first, end, &n_done, &refused);
    if (part) {
      keep_part(interpreter, &body->nodes[first], part);
      return part;
    }
    if (end == first + 1 || !n_done)
      g_propagate_error(error, g_steal_pointer(&refused));
    end = first + MIN(n_done, end - first - 1);
  }
  return NULL;
}

static gboolean run_part(const Part *part, const QfScope *scope, GError **error)
{
  uint32_t n_in = qf_model_n_inputs(part->model), n_out = qf_model_n_outputs(part->model);
  g_autofree QfValue **in = g_new(QfValue *, n_in + 1), **out = g_new0(QfValue *, n_out + 1);
  gboolean constant;
  for (uint32_t i = 0; i < n_in; i++)
    in[i] = find_value(scope, qf_model_input(part->model, i)->name, &constant);
  if (!qf_session_evaluate(part->session, in, n_in, out, n_out, error))
    return FALSE;
  for (uint32_t i = 0; i < n_out; i++)
    g_hash_table_replace(scope->values, g_strdup(qf_model_output(part->model, i)->name), out[i]);
  return TRUE;
}

static gboolean gather_inputs(QfCall *call, GError **error)
{
  const QfProgramNode *node = call->node;
  const QfProgramOp *op = qf_program_op_find(node->op);
  gboolean constant;
  for (uint32_t i = 0; i < call->n_in; i++) {
    call->in[i] = *node->inputs[i] ? find_value(call->scope, node->inputs[i], &constant) : NULL;
    if (*node->inputs[i] && !call->in[i])
      return qf_call_fail(
          call, error, QF_ERROR_FORMAT,
          "input '%s' is made by no earlier node, input or initializer: nodes are missing or out of "
          "order; export the model again",
          node->inputs[i]);
  }
  for (uint32_t i = 0; i < op->min_inputs; i++)
    if (i >= call->n_in || !call->in[i])
      return qf_call_fail(call, error, QF_ERROR_FORMAT, "it needs %u inputs, but has no input %u",
                          op->min_inputs, i);
  return TRUE;
}

static gboolean run_op(QfInterpreter *interpreter, const QfScope *scope, const QfProgramNode *node,
                       GError **error)
{
  g_autofree QfValue **in = g_new0(QfValue *, node->n_inputs + 1);
  g_autofree QfValue **out = g_new0(QfValue *, node->n_outputs + 4);
  QfCall call = {interpreter, scope, node, in, node->n_inputs, out, node->n_outputs};
  gboolean ok = gather_inputs(&call, error) && qf_program_op_find(node->op)->run(&call, error);
  for (uint32_t i = 0; i < node->n_outputs + 4; i++) {
    if (ok && out[i] && i < node->n_outputs && *node->outputs[i])
      g_hash_table_replace(scope->values, g_strdup(node->outputs[i]), out[i]);
    else
      qf_value_unref(out[i]);
  }
  return ok;
}

/* Releases what no node after @end reads. */
static void release(const QfScope *scope, uint32_t first, uint32_t end)
{
  const QfProgramBody *body = scope->body;
  for (uint32_t i = first; i < end; i++) {
    const QfProgramNode *node = &body->nodes[i];
    for (uint32_t k = 0; k < node->n_inputs + node->n_outputs; k++) {
      const char *name = k < node->n_inputs ? node->inputs[k] : node->outputs[k - node->n_inputs];
      if (GPOINTER_TO_UINT(g_hash_table_lookup(body->last_use, name)) <= end)
        g_hash_table_remove(scope->values, name);
    }
  }
}

static gboolean run_nodes(QfInterpreter *interpreter, const QfScope *scope, GError **error)
{
  const QfProgramBody *body = scope->body;
  for (uint32_t at = 0, end; at < body->n_nodes; at = end) {
    const QfProgramNode *node = &body->nodes[at];
    g_autoptr(GError) refused = NULL;
    gboolean op = qf_program_op_find(node->op) != NULL;
    Part *part = find_part(interpreter, scope, node);
    if (!part)
      part = begin_part(interpreter, scope, at, &refused);
    if (!part && !op) {
      g_propagate_error(error, g_steal_pointer(&refused));
      return FALSE;
    }
    if (!part && node->graph)
      g_hash_table_add(interpreter->singly, (gpointer)node);
    end = at + (part ? part->n_nodes : 1);
    if (!(part ? run_part(part, scope, error) : run_op(interpreter, scope, node, error)))
      return FALSE;
    release(scope, at, end);
  }
  return TRUE;
}

static gboolean collect_outputs(const QfInterpreter *interpreter, const QfScope *scope, QfValue **outputs,
                                GError **error)
{
  const QfProgramBody *body = scope->body;
  gboolean constant;
  for (uint32_t i = 0; i < body->n_outputs; i++) {
    QfValue *value = find_value(scope, body->outputs[i].name, &constant);
    if (!value) {
      g_set_error(error, QF_ERROR, QF_ERROR_FORMAT,
                  "%s: output '%s' is made by no node; export the model again", interpreter->model->name,
                  body->outputs[i].name);
      return FALSE;
    }
    outputs[i] = qf_value_ref(value);
  }
  return TRUE;
}

gboolean qf_interpreter_run_body(QfInterpreter *interpreter, const QfScope *outer, const QfProgramBody *body,
                                 QfValue *const *inputs, uint32_t n_inputs, QfValue **outputs, GError **error)
{
  g_autoptr(GHashTable) values =
      g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)qf_value_unref);
  QfScope scope = {outer, body, values};
  if (interpreter->depth >= QF_MAX_DEPTH) {
    g_set_error(error, QF_ERROR, QF_ERROR_LIMIT, "%s: its bodies are nested deeper than %d levels",
                interpreter->model->name, QF_MAX_DEPTH);
    return FALSE;
  }
  for (uint32_t i = 0; i < MIN(n_inputs, body->n_inputs); i++)
    if (inputs[i])
      g_hash_table_replace(values, g_strdup(body->inputs[i].name), qf_value_ref(inputs[i]));
  interpreter->depth++;
  gboolean ok = run_nodes(interpreter, &scope, error) && collect_outputs(interpreter, &scope, outputs, error);
  interpreter->depth--;
  for (uint32_t i = 0; !ok && i < body->n_outputs; i++)
    g_clear_pointer(&outputs[i], qf_value_unref);
  return ok;
}

gboolean qf_interpreter_run(QfInterpreter *interpreter, QfValue *const *inputs, QfValue **outputs,
                            GError **error)
{
  const QfProgramBody *body = interpreter->model->program->main;
  if (!qf_interpreter_run_body(interpreter, NULL, body, inputs, body->n_inputs, outputs, error))
    return FALSE;
  for (uint32_t i = 0; i < body->n_outputs; i++) {
    QfDType dtype = body->outputs[i].dtype; /* floats are computed in float32 */
    QfValue *value = outputs[i];
    if (!qf_dtype_is_float(dtype))
      continue;
    outputs[i] = qf_value_cast(value, dtype);
    qf_value_unref(value);
  }
  return TRUE;
}
