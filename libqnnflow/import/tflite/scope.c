/* SPDX-License-Identifier: MIT */
/*
 * scope.c - the tensors and operators of one graph of the file become those of a graph. See scope.h.
 * Tensors are made when something defines them, in the order of the file, so an operator that reads what no earlier one
 * wrote is found. Shapes are inferred, not believed: the file's only serve the inputs of the model.
 */
#include "map.h"

G_GNUC_PRINTF(4, 5)
static gboolean fail(const QfTflScope *s, GError **error, QfError code, const char *format, ...)
{
  va_list args;
  va_start(args, format);
  g_autofree char *text = g_strdup_vprintf(format, args);
  va_end(args);
  g_set_error(error, QF_ERROR, code, "%s: %s", s->graph->name, text);
  return FALSE;
}

/* A file may use a graph many times, and each time it is imported again: the number and the sum are bounded by the file. An operator
 * takes at least 48 bytes and uses at most two graphs. */
static gboolean charge_work(QfTflScope *s, GError **error)
{
  QfTflImport *im = s->import;
  for (uint32_t i = 0; !im->scopes && i < im->model->n_graphs; i++) {
    im->n_tensors += im->model->graphs[i].n_tensors;
    im->n_operators += im->model->graphs[i].n_operators;
  }
  im->work += (uint64_t)s->file->n_tensors + s->file->n_operators;
  im->scopes++;
  return (im->work <= 8 * (im->n_tensors + im->n_operators) + 4096 &&
          im->scopes <= 2 * MIN(im->n_operators, im->model->flat.size / 48) + 64) ||
         fail(s, error, QF_ERROR_LIMIT, "its graphs use each other too often; export them inlined");
}

gboolean qf_tfl_scope_open(QfTflScope *scope, QfTflImport *import, QfTflScope *outer, gboolean in_place,
                           QfGraph *graph, int64_t index, GError **error)
{
  *scope =
      (QfTflScope){.import = import, .outer = outer, .graph = graph, .depth = outer ? outer->depth + 1 : 0};
  scope->home = in_place ? outer->home : scope;
  if (index < 0 || index >= import->model->n_graphs)
    return fail(scope, error, QF_ERROR_FORMAT,
                "it uses graph %" G_GINT64_FORMAT " of %u; the file is damaged", index,
                import->model->n_graphs);
  scope->index = (uint32_t)index;
  for (const QfTflScope *s = outer; s; s = s->outer)
    if (s->index == scope->index)
      return fail(scope, error, QF_ERROR_FORMAT, "graph %u uses itself, which would never end", scope->index);
  if (scope->depth > QF_MAX_DEPTH)
    return fail(scope, error, QF_ERROR_LIMIT,
                "its graphs use each other more than %d deep; export them inlined", QF_MAX_DEPTH);
  scope->file = &import->model->graphs[index];
  scope->tensors = g_new0(QfTensor *, scope->file->n_tensors + 1);
  scope->resources = g_new0(QfTflVariable *, scope->file->n_tensors + 1);
  scope->values = g_array_new(FALSE, FALSE, sizeof(QfTflValue));
  return charge_work(scope, error);
}

void qf_tfl_scope_close(QfTflScope *scope)
{
  g_clear_pointer(&scope->values, g_array_unref);
  g_clear_pointer(&scope->tensors, g_free);
  g_clear_pointer(&scope->resources, g_free);
}

/* What an operator reads of tensor @index, which no operator before it has written: a variable's value, NULL for a resource. */
static gboolean find_other(QfTflScope *s, const QfTflNode *n, uint32_t i, uint32_t index, QfTensor **in,
                           GError **error)
{
  const QfTflTensor *x = &s->file->tensors[index];
  QfTflVariable *v = NULL;
  if (s->resources[index])
    return TRUE;
  if (x->is_variable)
    return (v = qf_tfl_variable_of(s, index, error)) && (*in = qf_tfl_variable_now(s, v, error));
  if (x->dtype == QF_DTYPE_INVALID)
    return qf_tfl_fail(n, error, QF_ERROR_UNSUPPORTED, "input %u, \"%s\", is %s, which is not supported", i,
                       x->name, qf_tfl_type_name(x->type));
  return qf_tfl_fail(n, error, QF_ERROR_FORMAT,
                     "input %u, \"%s\", is written by no operator before it; the file is damaged", i,
                     x->name);
}

static gboolean find_inputs(QfTflScope *s, QfTflNode *n, QfTensor **in, GError **error)
{
  for (uint32_t i = 0; i < n->n_in; i++) {
    int64_t index = qf_flat_at_int(&n->record->inputs, i, QF_FLAT_I32);
    in[i] = index < 0 ? NULL : s->tensors[index];
    if (index >= 0 && !in[i] && !find_other(s, n, i, (uint32_t)index, &in[i], error))
      return FALSE;
    if (index >= 0 && s->file->tensors[index].type == QF_TFL_COMPLEX64 && !qf_tfl_takes_complex(n->row))
      return qf_tfl_fail(n, error, QF_ERROR_UNSUPPORTED,
                         "input %u, \"%s\", is complex; RESHAPE, REAL, IMAG and COMPLEX_ABS take that", i,
                         s->file->tensors[index].name);
  }
  return TRUE;
}

/* Tensors for the outputs; a resource gets none: its operator says what it stands for. */
static gboolean make_outputs(QfTflScope *s, const QfTflNode *n, QfTensor **out, GError **error)
{
  for (uint32_t i = 0; i < n->n_out; i++) {
    uint32_t index = (uint32_t)qf_flat_at_int(&n->record->outputs, i, QF_FLAT_I32);
    const QfTflTensor *x = &s->file->tensors[index];
    if (s->tensors[index] || s->resources[index])
      return qf_tfl_fail(n, error, QF_ERROR_FORMAT,
                         "output %u, \"%s\", is written twice; the file is damaged", i, x->name);
    if (x->type == QF_TFL_RESOURCE && qf_tfl_makes_resources(n->row))
      continue;
    gboolean pairs = x->type == QF_TFL_COMPLEX64 && qf_tfl_takes_complex(n->row);
    if (x->dtype == QF_DTYPE_INVALID && !pairs)
      return qf_tfl_fail(n, error, QF_ERROR_UNSUPPORTED, "output %u has type %s, which is not supported", i,
                         qf_tfl_type_name(x->type));
    out[i] = s->tensors[index] = qf_graph_add_tensor(s->graph, x->name);
    out[i]->dtype = pairs ? QF_DTYPE_FLOAT32 : x->dtype;
    if (qf_tfl_has_encoding(x->dtype) && !qf_tfl_set_encoding(s->graph, out[i], x, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean check_arity(const QfTflNode *n, GError **error)
{
  const QfTflRow *r = n->row;
  gboolean in_fits =
      (int64_t)n->n_in >= r->min_inputs && (r->max_inputs < 0 || (int64_t)n->n_in <= r->max_inputs);
  gboolean out_fits = r->n_outputs < 0 ? n->n_out >= 1 : (int64_t)n->n_out == r->n_outputs;
  if (!in_fits || !out_fits)
    return qf_tfl_fail(n, error, QF_ERROR_FORMAT, "it has %u inputs and %u outputs; the file is damaged",
                       n->n_in, n->n_out);
  for (int32_t i = 0; i < r->min_inputs && !qf_tfl_makes_resources(r); i++)
    if (!n->in[i])
      return qf_tfl_fail(n, error, QF_ERROR_FORMAT, "input %d is missing; the file is damaged", i);
  return TRUE;
}

const char *qf_tfl_first_output(const QfTflGraph *file, const QfTflOperator *o)
{
  return o->outputs.count ? file->tensors[qf_flat_at_int(&o->outputs, 0, QF_FLAT_I32)].name : "";
}

static gboolean map_operator(QfTflScope *s, uint32_t index, GError **error)
{
  const QfTflOperator *o = &s->file->operators[index];
  g_autofree QfTensor **in = g_new0(QfTensor *, o->inputs.count + 1);
  g_autofree QfTensor **out = g_new0(QfTensor *, o->outputs.count + 1);
  g_autoptr(GArray) after = g_array_new(FALSE, FALSE, sizeof(QfTflAfter));
  QfTflNode n = {.graph = s->graph,
                 .model = s->import->model,
                 .scope = s,
                 .row = qf_tfl_row_find(o->code),
                 .record = o,
                 .index = index,
                 .name = qf_tfl_first_output(s->file, o),
                 .in = in,
                 .out = out,
                 .n_in = o->inputs.count,
                 .n_out = o->outputs.count,
                 .after = after};
  if (!find_inputs(s, &n, in, error) || !check_arity(&n, error) || !make_outputs(s, &n, out, error))
    return FALSE;
  if (!n.row->map(&n, error))
    return FALSE;
  const QfFlat *flat = &s->import->model->flat;
  return !flat->fault || qf_tfl_fail(&n, error, QF_ERROR_FORMAT, "%s (byte %zu); the file is damaged",
                                     flat->fault, flat->fault_at);
}

gboolean qf_tfl_scope_operators(QfTflScope *scope, GError **error)
{
  for (uint32_t i = 0; i < scope->file->n_operators; i++)
    if (!map_operator(scope, i, error))
      return FALSE;
  return TRUE;
}
