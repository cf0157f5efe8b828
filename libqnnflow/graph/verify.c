/* SPDX-License-Identifier: MIT */
/*
 * verify.c - the graph's invariants. A pass that breaks one is found right after it; a file that breaks one is refused.
 */
#include "graph.h"
#include "../ops/infer.h"

#include <string.h>

/* Sizes are kept below 2^40 bytes: far above any machine's memory, far below overflow in later products. */
#define MAX_TENSOR_BYTES ((int64_t)1 << 40)

static gboolean fail(const QfGraph *graph, const QfNode *node, const QfTensor *tensor, GError **error,
                     const char *rule)
{
  g_set_error(error, QF_ERROR, QF_ERROR_FORMAT, "%s: node '%s' (%s)%s%s%s: %s", graph->name,
              node ? node->name : "-", node ? node->op->name : "graph", tensor ? ", tensor '" : "",
              tensor ? tensor->name : "", tensor ? "'" : "", rule);
  return FALSE;
}

static gboolean check_arity(QfNode *node, GError **error)
{
  const QfOpDef *op = node->op;
  if ((int)node->n_inputs < op->min_inputs || (op->max_inputs >= 0 && (int)node->n_inputs > op->max_inputs)) {
    g_set_error(error, QF_ERROR, QF_ERROR_FORMAT, "it has %u inputs, but the operator takes %d to %d",
                node->n_inputs, op->min_inputs, op->max_inputs);
    return FALSE;
  }
  if ((int)node->n_outputs < op->min_outputs ||
      (op->max_outputs >= 0 && (int)node->n_outputs > op->max_outputs)) {
    g_set_error(error, QF_ERROR, QF_ERROR_FORMAT, "it has %u outputs, but the operator gives %d to %d",
                node->n_outputs, op->min_outputs, op->max_outputs);
    return FALSE;
  }
  for (uint32_t i = 0; i < node->n_inputs; i++) {
    const QfTensor *t = node->inputs[i];
    if (!t && (int)i < op->min_inputs) {
      g_set_error(error, QF_ERROR, QF_ERROR_FORMAT, "input %u is missing", i);
      return FALSE;
    }
    if (t && (t->rank < 0 || t->dtype == QF_DTYPE_INVALID)) {
      g_set_error(error, QF_ERROR, QF_ERROR_FORMAT,
                  "input %u ('%s') has no shape or type: nothing before this node produces it", i, t->name);
      return FALSE;
    }
  }
  return TRUE;
}

/* What an attribute's kind promises; what the numbers mean is for the operator to check. */
static gboolean is_valid(const QfAttrDef *d, const void *at)
{
  const QfInts *list = at;
  int32_t names = 0;
  if (d->kind == QF_ATTR_INTS || d->kind >= QF_ATTR_AXES)
    return list->n >= 0 && list->n <= QF_MAX_RANK;
  while (d->kind == QF_ATTR_ENUM && d->enum_names && d->enum_names[names])
    names++;
  for (uint32_t i = 0; i < MAX(d->count, 1); i++) {
    int32_t v = ((const int32_t *)at)[i];
    if ((d->kind == QF_ATTR_BOOL && v != 0 && v != 1) || (names && (v < 0 || v >= names)) ||
        (d->kind == QF_ATTR_DTYPE && (v < 0 || v >= QF_N_DTYPES)))
      return FALSE;
  }
  return TRUE;
}

static gboolean check_attrs(const QfNode *node, GError **error)
{
  for (const QfAttrDef *d = node->op->attrs; d && d->name; d++) {
    if (is_valid(d, (const char *)node->attrs + d->offset))
      continue;
    g_set_error(error, QF_ERROR, QF_ERROR_FORMAT, "attribute %s has a value that it cannot have", d->name);
    return FALSE;
  }
  return TRUE;
}

static gboolean check_outputs(QfNode *node, const QfTensor *before, GError **error)
{
  for (uint32_t i = 0; i < node->n_outputs; i++) {
    const QfTensor *t = node->outputs[i], *b = &before[i];
    int64_t n = t->rank < 0 || t->rank > QF_MAX_RANK ? -1 : qf_dims_count(t->dims, t->rank);
    if (n < 0 || n * (int64_t)MAX(qf_dtype_size(t->dtype), 1) > MAX_TENSOR_BYTES || n > MAX_TENSOR_BYTES) {
      g_autofree char *dims = qf_dims_to_string(t->dims, CLAMP(t->rank, 0, QF_MAX_RANK));
      g_set_error(error, QF_ERROR, QF_ERROR_LIMIT,
                  "its output '%s' of %s elements is too large for any memory", t->name, dims);
      return FALSE;
    }
    if (t->dtype == QF_DTYPE_INVALID) {
      g_set_error(error, QF_ERROR, QF_ERROR_TYPE, "the type of output '%s' is not known", t->name);
      return FALSE;
    }
    gboolean same = b->rank < 0 || b->rank == t->rank;
    for (int d = 0; same && d < b->rank; d++)
      same = b->dims[d] < 0 || b->dims[d] == t->dims[d];
    if (!same) {
      g_autofree char *was = qf_dims_to_string(b->dims, b->rank), *is = qf_dims_to_string(t->dims, t->rank);
      g_set_error(error, QF_ERROR, QF_ERROR_SHAPE, "output '%s' is declared as %s, but the operator gives %s",
                  t->name, was, is);
      return FALSE;
    }
  }
  return TRUE;
}

gboolean qf_node_infer(QfNode *node, GError **error)
{
  g_autofree QfTensor *before = g_new0(QfTensor, node->n_outputs + 1);
  GError *e = NULL;
  for (uint32_t i = 0; i < node->n_outputs; i++)
    before[i] = *node->outputs[i];
  if (check_arity(node, &e) && check_attrs(node, &e) && node->op->infer(node, &e) &&
      check_outputs(node, before, &e))
    return TRUE;
  if (!e)
    e = g_error_new(QF_ERROR, QF_ERROR_FAILED, "its shape cannot be inferred");
  g_propagate_prefixed_error(error, e, "%s: node '%s' (%s): ", node->graph->name, node->name, node->op->name);
  return FALSE;
}

static gboolean check_encoding(const QfGraph *graph, const QfTensor *t, GError **error)
{
  const QfEncoding *e = &t->enc;
  if (!qf_infer_encoding(t, t->dims, t->rank, error)) {
    g_prefix_error(error, "%s: ", graph->name);
    return FALSE;
  }
  if (e->count && qf_dtype_is_float(t->dtype))
    return fail(graph, t->producer, t, error, "a float tensor has an encoding");
  return TRUE;
}

static gboolean check_node(const QfGraph *graph, QfNode *node, gboolean *made, GError **error)
{
  for (uint32_t i = 0; i < node->n_subgraphs; i++) {
    if (!qf_graph_verify(node->subgraphs[i], error)) {
      g_prefix_error(error, "in body %u of node '%s' (%s): ", i, node->name, node->op->name);
      return FALSE;
    }
  }
  if (!qf_node_infer(node, error))
    return FALSE;
  for (uint32_t i = 0; i < node->n_inputs; i++) {
    const QfTensor *t = node->inputs[i];
    if (t && !t->data && !made[t->id])
      return fail(graph, node, t, error, "an input is used before anything produces it");
  }
  for (uint32_t i = 0; i < node->n_outputs; i++) {
    const QfTensor *t = node->outputs[i];
    if (made[t->id] || t->data)
      return fail(graph, node, t, error, "a tensor is produced twice");
    if (t->producer != node)
      return fail(graph, node, t, error, "a tensor does not know its producer");
    made[t->id] = TRUE;
  }
  return TRUE;
}

static gboolean check_states(const QfGraph *graph, GError **error)
{
  guint first_in = graph->inputs->len - graph->n_states, first_out = graph->outputs->len - graph->n_states;
  if (graph->n_states > MIN(graph->inputs->len, graph->outputs->len) || (graph->n_states && graph->outer))
    return fail(graph, NULL, NULL, error, "it has more states than inputs or outputs, or is a body");
  for (uint32_t i = 0; i < graph->n_states; i++) {
    const QfTensor *in = g_ptr_array_index(graph->inputs, first_in + i);
    const QfTensor *out = g_ptr_array_index(graph->outputs, first_out + i);
    GBytes *initial = graph->states[i].initial;
    if (in->dtype != out->dtype || in->rank != out->rank || in->layout != out->layout ||
        !qf_encoding_equal(&in->enc, &out->enc) ||
        memcmp(in->dims, out->dims, (size_t)in->rank * sizeof(*in->dims)))
      return fail(graph, NULL, in, error, "a state has another shape or type after the run than before it");
    if (initial && g_bytes_get_size(initial) != qf_tensor_size_bytes(in))
      return fail(graph, NULL, in, error, "a state's initial value does not have the size of its shape");
  }
  return TRUE;
}

gboolean qf_graph_verify(const QfGraph *graph, GError **error)
{
  g_autofree gboolean *made = g_new0(gboolean, graph->tensors->len + 1);
  for (guint i = 0; i < graph->tensors->len; i++) {
    const QfTensor *t = g_ptr_array_index(graph->tensors, i);
    if (t->id != i)
      return fail(graph, NULL, t, error, "its number is not its place");
    if (t->data && g_bytes_get_size(t->data) != qf_tensor_size_bytes(t))
      return fail(graph, NULL, t, error, "a constant's data does not have the size of its shape");
    if (!check_encoding(graph, t, error))
      return FALSE;
  }
  for (guint i = 0; i < graph->inputs->len; i++)
    made[((QfTensor *)g_ptr_array_index(graph->inputs, i))->id] = TRUE;
  qf_foreach_node (node, graph)
    if (!check_node(graph, node, made, error))
      return FALSE;
  for (guint i = 0; i < graph->outputs->len; i++) {
    const QfTensor *t = g_ptr_array_index(graph->outputs, i);
    if (!made[t->id] && !t->data)
      return fail(graph, NULL, t, error, "nothing produces this output of the model");
  }
  if (graph->outputs->len <= graph->n_states)
    return fail(graph, NULL, NULL, error, "the model has no outputs");
  return check_states(graph, error);
}
