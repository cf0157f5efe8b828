/* SPDX-License-Identifier: MIT */
/*
 * body.c - importing the graphs inside If, Loop and Scan. See body.h.
 */
#include "body.h"

#include <string.h>

gboolean qf_onnx_body_open(QfOnnxBody *body, const QfOnnxNode *n, QfOnnx *outer, const char *attr,
                           gboolean in_place, GError **error)
{
  const Onnx__AttributeProto *a = attr ? qf_onnx_attr(n, attr) : NULL;
  *body = (QfOnnxBody){.onnx = {.file = outer->file,
                                .options = outer->options,
                                .opset = outer->opset,
                                .outer = outer,
                                .depth = outer->depth + 1}};
  QfOnnx *inner = &body->onnx;
  inner->initializers = g_hash_table_new(g_str_hash, g_str_equal);
  inner->values = g_hash_table_new(g_str_hash, g_str_equal);
  inner->channels_last = g_hash_table_new(NULL, NULL);
  body->outputs = g_ptr_array_new();
  if (!in_place) {
    inner->captured = g_ptr_array_new();
    inner->captured_as = g_hash_table_new(NULL, NULL);
  }
  if (attr && !a)
    return qf_onnx_fail(n, error, QF_ERROR_FORMAT, "its graph '%s' is missing", attr);
  inner->graph = in_place ? outer->graph : qf_graph_new_subgraph(outer->graph, error);
  if (inner->graph && attr)
    body->proto = qf_onnx_subgraph(outer->file, a, (int)inner->depth, error);
  return inner->graph && (!attr || (body->proto && qf_onnx_index_initializers(inner, body->proto, error)));
}

void qf_onnx_body_close(QfOnnxBody *body)
{
  g_clear_pointer(&body->onnx.initializers, g_hash_table_unref);
  g_clear_pointer(&body->onnx.values, g_hash_table_unref);
  g_clear_pointer(&body->onnx.channels_last, g_hash_table_unref);
  g_clear_pointer(&body->onnx.captured, g_ptr_array_unref);
  g_clear_pointer(&body->onnx.captured_as, g_hash_table_unref);
  g_clear_pointer(&body->outputs, g_ptr_array_unref);
}

static QfTensor *twin(QfGraph *graph, const char *name, const QfTensor *like, const int64_t *dims,
                      int32_t rank)
{
  QfTensor *t = qf_graph_add_tensor(graph, name);
  qf_tensor_set_shape(t, like->dtype, dims, rank);
  if (like->enc.count == 1 || (like->enc.count && rank == like->rank))
    qf_tensor_set_encoding(graph, t, like->enc.count, like->enc.axis, like->enc.entries);
  return t;
}

QfTensor *qf_onnx_body_input(QfOnnxBody *body, const QfOnnxNode *n, const QfTensor *like, const int64_t *dims,
                             int32_t rank, GError **error)
{
  QfGraph *graph = body->onnx.graph;
  guint index = graph->inputs->len;
  const char *name = NULL;
  if (body->proto) {
    if (index >= body->proto->n_input) {
      qf_onnx_fail(n, error, QF_ERROR_FORMAT, "its body has %zu inputs, which are too few",
                   body->proto->n_input);
      return NULL;
    }
    name = body->proto->input[index]->name;
    if (!*name || g_hash_table_contains(body->onnx.values, name)) {
      qf_onnx_fail(n, error, QF_ERROR_FORMAT, "input '%s' of its body has no name of its own", name);
      return NULL;
    }
  }
  QfTensor *t = twin(graph, name, like, dims, rank);
  g_ptr_array_add(graph->inputs, t);
  if (name)
    g_hash_table_insert(body->onnx.values, (gpointer)name, t);
  return t;
}

QfTensor *qf_onnx_body_scalar(QfOnnxBody *body, const QfOnnxNode *n, QfDType dtype, GError **error)
{
  static const int64_t one = 1;
  const QfTensor like = {.dtype = dtype};
  guint index = body->onnx.graph->inputs->len;
  const Onnx__ValueInfoProto *v = index < body->proto->n_input ? body->proto->input[index] : NULL;
  gboolean vector = v && v->type && v->type->tensor_type && v->type->tensor_type->shape &&
                    v->type->tensor_type->shape->n_dim == 1;
  return qf_onnx_body_input(body, n, &like, &one, vector, error);
}

gboolean qf_onnx_body_import(QfOnnxBody *body, const QfOnnxNode *n, size_t n_outputs, GError **error)
{
  const Onnx__GraphProto *g = body->proto;
  GError *e = NULL;
  guint n_inputs = body->onnx.captured ? body->onnx.graph->inputs->len : 0;
  if (g->n_output != n_outputs || g->n_input != n_inputs)
    return qf_onnx_fail(n, error, QF_ERROR_FORMAT,
                        "its body '%s' has %zu inputs and %zu outputs; %u and %zu fit", g->name, g->n_input,
                        g->n_output, n_inputs, n_outputs);
  for (size_t i = 0; i < g->n_node; i++)
    if (!qf_onnx_add_node(&body->onnx, g->node[i], error))
      return FALSE;
  for (size_t i = 0; i < g->n_output; i++) {
    QfTensor *t = qf_onnx_find_value(&body->onnx, g->output[i]->name, &e);
    if (e) {
      g_propagate_error(error, e);
      return FALSE;
    }
    if (!t)
      return qf_onnx_fail(n, error, QF_ERROR_FORMAT, "output '%s' of its body is made by no node",
                          g->output[i]->name);
    g_ptr_array_add(body->outputs, t);
  }
  return TRUE;
}

static QfTensor *captured_as(const QfOnnxBody *body, const QfTensor *outer)
{
  return g_hash_table_lookup(body->onnx.captured_as, outer);
}

void qf_onnx_body_finish(QfOnnxBody *bodies, uint32_t count, GPtrArray *operands)
{
  guint first = operands->len;
  for (uint32_t b = 0; b < count; b++)
    for (guint i = 0; i < bodies[b].onnx.captured->len; i++)
      if (!b || !captured_as(&bodies[0], bodies[b].onnx.captured->pdata[i]))
        g_ptr_array_add(operands, bodies[b].onnx.captured->pdata[i]);
  for (uint32_t b = 0; b < count; b++) {
    QfGraph *graph = bodies[b].onnx.graph;
    for (guint i = first; i < operands->len; i++) {
      QfTensor *outer = operands->pdata[i], *t = captured_as(&bodies[b], outer);
      g_ptr_array_add(graph->inputs, t ? t : twin(graph, outer->name, outer, outer->dims, outer->rank));
    }
    for (guint i = 0; i < bodies[b].outputs->len; i++)
      g_ptr_array_add(graph->outputs, bodies[b].outputs->pdata[i]);
    qf_graph_compact(graph);
  }
}

/* A constant for the body; the bytes are shared. */
static QfTensor *copy_constant(QfGraph *graph, const QfTensor *t)
{
  QfTensor *y = twin(graph, t->name, t, t->dims, t->rank);
  qf_tensor_share_data(graph, y, t);
  return y;
}

QfTensor *qf_onnx_capture(QfOnnx *onnx, const char *name, GError **error)
{
  QfTensor *t = qf_onnx_find_value(onnx->outer, name, error), *y;
  if (!t || !onnx->captured)
    return t;
  if (t->data) {
    y = copy_constant(onnx->graph, t);
  } else if (qf_onnx_is_constant(t)) { /* weights of a quantized model: constant, Dequantize */
    QfTensor *integer = copy_constant(onnx->graph, t->producer->inputs[0]);
    y = qf_graph_add_tensor(onnx->graph, t->name);
    QfNode *node = qf_graph_new_node(onnx->graph, "Dequantize", t->name, &integer, 1, &y, 1);
    memcpy(node->attrs, t->producer->attrs, node->op->attrs_size);
    if (!qf_graph_add_node(node, error))
      return NULL;
  } else {
    y = g_hash_table_lookup(onnx->captured_as, t); /* a value may have several names */
    if (!y) {
      y = twin(onnx->graph, t->name, t, t->dims, t->rank);
      g_ptr_array_add(onnx->captured, t);
      g_hash_table_insert(onnx->captured_as, t, y);
    }
  }
  g_hash_table_insert(onnx->values, (gpointer)name, y);
  return y;
}
