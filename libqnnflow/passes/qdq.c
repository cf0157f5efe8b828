/* SPDX-License-Identifier: MIT */
/*
 * qdq.c - Dequantize, operator, Quantize becomes the operator on integers.
 * First Dequantize sinks and Quantize rises through operators that only move values; then every operator that stands between them
 * is rewired to the integer tensors, by the quantization rule of its QfOpDef; then pairs that are left over become nothing or a Convert.
 */
#include "util.h"

#include <math.h>
#include <string.h>

static gboolean is_per_tensor(const QfTensor *t)
{
  return t->enc.count == 1;
}

static void copy_encoding(QfTensor *to, const QfTensor *from)
{
  to->dtype = from->dtype;
  to->enc = from->enc;
}

/* Takes @node's float outputs to the integers of @from and puts a Dequantize behind each, at place @at of the graph. */
static gboolean dequantize_outputs(QfNode *node, const QfTensor *from, guint at, GError **error)
{
  QfGraph *graph = node->graph;
  g_autofree QfTensor **reals = g_new0(QfTensor *, node->n_outputs);
  for (uint32_t i = 0; i < node->n_outputs; i++) {
    if (!qf_dtype_is_float(node->outputs[i]->dtype))
      continue;
    reals[i] = node->outputs[i];
    node->outputs[i] = qf_graph_add_tensor(graph, NULL);
    copy_encoding(node->outputs[i], from);
    node->outputs[i]->producer = node;
  }
  if (!qf_node_infer(node, error))
    return FALSE;
  for (uint32_t i = 0; i < node->n_outputs; i++) {
    if (!reals[i])
      continue;
    QfNode *after =
        qf_graph_new_node(graph, "Dequantize", reals[i]->name, &node->outputs[i], 1, &reals[i], 1);
    ((QfCastAttrs *)after->attrs)->dtype = reals[i]->dtype;
    if (!qf_graph_insert_node(after, at + 1 < graph->nodes->len ? graph->nodes->pdata[at + 1] : NULL, error))
      return FALSE;
  }
  return TRUE;
}

/* Dequantize before @node, whose only data input it is: node works on the integers, and a new Dequantize makes its float output. */
static gboolean sink_dequantize(QfNode *node, GError **error)
{
  QfNode *dq = node->n_inputs ? qf_produced_by(node->inputs[0], "Dequantize") : NULL;
  if (node->op->quant != QF_QUANT_SAME || !dq || dq->inputs[0]->data || !is_per_tensor(dq->inputs[0]))
    return TRUE;
  for (uint32_t i = 1; i < node->n_inputs; i++)
    if (node->inputs[i] && qf_dtype_is_float(node->inputs[i]->dtype))
      return TRUE;
  guint at;
  g_ptr_array_find(node->graph->nodes, node, &at);
  qf_node_set_input(node, 0, dq->inputs[0]);
  return dequantize_outputs(node, dq->inputs[0], at, error);
}

/* The Quantize nodes that are the only users of @t, when all make the same encoding; the first of them, else NULL. */
static QfNode *quantized_by(const QfGraph *graph, const QfTensor *t)
{
  QfNode *first = NULL;
  if (qf_graph_is_output(graph, t))
    return NULL;
  g_autoptr(GPtrArray) users = qf_graph_users(graph, t);
  for (guint i = 0; i < users->len; i++) {
    QfNode *node = users->pdata[i];
    if (!qf_node_is(node, "Quantize") || !is_per_tensor(node->outputs[0]))
      return NULL;
    if (first && (first->outputs[0]->dtype != node->outputs[0]->dtype ||
                  !qf_encoding_equal(&first->outputs[0]->enc, &node->outputs[0]->enc)))
      return NULL;
    first = first ? first : node;
  }
  return first;
}

/* All Quantize nodes of @t end in the output of @keep, which is no longer made by a node. FALSE when that cannot be. */
static gboolean absorb_quantizes(QfGraph *graph, const QfTensor *t, QfNode *keep)
{
  QfTensor *q = keep->outputs[0];
  g_autoptr(GPtrArray) users = qf_graph_users(graph, t);
  for (guint i = 0; i < users->len; i++) {
    QfNode *node = users->pdata[i];
    if (node != keep && qf_graph_is_output(graph, node->outputs[0]))
      return FALSE;
  }
  for (guint i = 0; i < users->len; i++) {
    QfNode *node = users->pdata[i];
    if (!qf_node_is(node, "Quantize"))
      continue;
    qf_node_remove(node);
    if (node != keep)
      qf_graph_replace_uses(graph, node->outputs[0], q);
  }
  return TRUE;
}

/* Quantize behind @node moves before it. */
static gboolean raise_quantize(QfNode *node, GError **error)
{
  QfGraph *graph = node->graph;
  if (node->op->quant != QF_QUANT_SAME || node->n_outputs != 1 || !node->n_inputs || node->inputs[0]->data ||
      !qf_dtype_is_float(node->inputs[0]->dtype) || qf_produced_by(node->inputs[0], "Dequantize"))
    return TRUE;
  QfNode *q = quantized_by(graph, node->outputs[0]);
  if (!q || !absorb_quantizes(graph, node->outputs[0], q))
    return TRUE;
  QfTensor *integer = qf_graph_add_tensor(graph, NULL), *real = node->inputs[0];
  copy_encoding(integer, q->outputs[0]);
  QfNode *before = qf_graph_new_node(graph, "Quantize", real->name, &real, 1, &integer, 1);
  ((QfCastAttrs *)before->attrs)->dtype = integer->dtype;
  qf_node_set_input(node, 0, integer);
  node->outputs[0] = q->outputs[0];
  node->outputs[0]->producer = node;
  return qf_graph_insert_node(before, node, error);
}

/* The integer tensor behind a float one, or NULL. */
static QfTensor *integer_of(const QfTensor *t)
{
  QfNode *dq = qf_produced_by(t, "Dequantize");
  return dq ? dq->inputs[0] : NULL;
}

/* int32 bias in the scale of the accumulators. NULL: a scale or value is out of range. */
static QfTensor *integer_bias(QfNode *node, const QfTensor *x, const QfTensor *w)
{
  QfTensor *b = node->inputs[2];
  QfTensor *source = b->data ? b : integer_of(b);
  if (!source || !source->data)
    return NULL;
  int64_t n = qf_tensor_count(source);
  g_autofree int32_t *values = g_new(int32_t, n + 1);
  g_autofree QfScaleOffset *entries = g_new(QfScaleOffset, w->enc.count);
  for (uint32_t i = 0; i < w->enc.count; i++)
    entries[i] = (QfScaleOffset){x->enc.entries[0].scale * w->enc.entries[i].scale, 0};
  if (w->enc.count > 1 && w->enc.count != n)
    return NULL;
  for (int64_t i = 0; i < n; i++) {
    double v = rint(qf_tensor_get_real(source, i) / (double)entries[w->enc.count > 1 ? i : 0].scale);
    if (!(fabs(v) < 2147483647.0))
      return NULL;
    values[i] = (int32_t)v;
  }
  QfTensor *t = qf_graph_add_constant_copy(node->graph, b->name, QF_DTYPE_INT32, &n, 1, values);
  qf_tensor_set_encoding(node->graph, t, w->enc.count, 0, entries);
  return t;
}

/* The integer inputs of a weighted node. */
static gboolean weighted_inputs(QfNode *node, QfTensor **inputs)
{
  QfTensor *x = integer_of(node->inputs[0]), *w = integer_of(node->inputs[1]);
  const QfEpilogue *epi = qf_node_is(node, "FullyConnected") ? &((QfFullyConnectedAttrs *)node->attrs)->epi
                                                             : &((QfConv2dAttrs *)node->attrs)->epi;
  if (!x || !w || !w->data || !is_per_tensor(x) || !w->enc.count || node->n_inputs > 3 || epi->residual ||
      (epi->act != QF_ACT_NONE && epi->act != QF_ACT_CLAMP))
    return FALSE;
  for (uint32_t i = 0; i < w->enc.count; i++)
    if (w->enc.count > 1 && w->enc.entries[i].offset)
      return FALSE;
  inputs[0] = x;
  inputs[1] = w;
  if (node->n_inputs > 2 && node->inputs[2] && !(inputs[2] = integer_bias(node, x, w)))
    return FALSE;
  return TRUE;
}

static gboolean any_inputs(QfNode *node, QfTensor **inputs)
{
  for (uint32_t i = 0; i < node->n_inputs; i++) {
    if (!node->inputs[i])
      continue;
    inputs[i] = qf_dtype_is_float(node->inputs[i]->dtype) ? integer_of(node->inputs[i]) : node->inputs[i];
    if (!inputs[i] || (inputs[i] != node->inputs[i] && !is_per_tensor(inputs[i])))
      return FALSE;
  }
  return node->n_inputs > 0;
}

static gboolean fuse_node(QfNode *node, GError **error)
{
  QfGraph *graph = node->graph;
  if ((node->op->quant != QF_QUANT_ANY && node->op->quant != QF_QUANT_WEIGHTED) ||
      !qf_dtype_is_float(node->outputs[0]->dtype) || qf_node_is(node, "Quantize") ||
      qf_node_is(node, "Dequantize"))
    return TRUE;
  g_autofree QfTensor **inputs = g_new0(QfTensor *, node->n_inputs + 1);
  gboolean weighted = node->op->quant == QF_QUANT_WEIGHTED;
  for (uint32_t i = 0; i < node->n_outputs; i++)
    if (!quantized_by(graph, node->outputs[i]))
      return TRUE;
  if (!(weighted ? weighted_inputs(node, inputs) : any_inputs(node, inputs)))
    return TRUE;
  for (uint32_t i = 0; i < node->n_outputs; i++) {
    QfNode *q = quantized_by(graph, node->outputs[i]);
    if (!absorb_quantizes(graph, node->outputs[i], q))
      return i == 0;
    node->outputs[i] = q->outputs[0];
    node->outputs[i]->producer = node;
  }
  qf_node_set_inputs(node, inputs, node->n_inputs);
  return qf_node_infer(node, error);
}

/* Quantize of a Dequantize: nothing when the encodings are equal, else a Convert. */
static void join_pair(QfNode *q)
{
  QfTensor *integer = q->n_inputs ? integer_of(q->inputs[0]) : NULL;
  if (!qf_node_is(q, "Quantize") || !integer || !is_per_tensor(integer))
    return;
  if (integer->dtype == q->outputs[0]->dtype && qf_encoding_equal(&integer->enc, &q->outputs[0]->enc) &&
      qf_bypass(q, q->outputs[0], integer))
    return;
  q->op = qf_op_find("Convert");
  q->attrs = qf_graph_alloc(q->graph, q->op->attrs_size);
  if (q->op->attrs_size >= sizeof(QfCastAttrs))
    ((QfCastAttrs *)q->attrs)->dtype = q->outputs[0]->dtype;
  qf_node_set_input(q, 0, integer);
}

static gboolean has_quantization(const QfGraph *graph)
{
  qf_foreach_node (node, graph)
    if (qf_node_is(node, "Quantize") || qf_node_is(node, "Dequantize"))
      return TRUE;
  return FALSE;
}

static gboolean run(QfGraph *graph, GError **error)
{
  if (!has_quantization(graph))
    return TRUE;
  for (guint i = 0; i < graph->nodes->len; i++)
    if (!((QfNode *)graph->nodes->pdata[i])->dead && !sink_dequantize(graph->nodes->pdata[i], error))
      return FALSE;
  qf_graph_compact(graph);
  for (guint i = graph->nodes->len; i-- > 0;)
    if (!((QfNode *)graph->nodes->pdata[i])->dead && !raise_quantize(graph->nodes->pdata[i], error))
      return FALSE;
  qf_graph_compact(graph);
  for (guint i = 0; i < graph->nodes->len; i++)
    if (!((QfNode *)graph->nodes->pdata[i])->dead && !fuse_node(graph->nodes->pdata[i], error))
      return FALSE;
  qf_foreach_node (node, graph)
    join_pair(node);
  return TRUE;
}

const QfPass qf_pass_qdq = {"qdq", "Dequantize, operator, Quantize becomes the operator on integers", TRUE,
                            run};
