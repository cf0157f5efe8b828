/* SPDX-License-Identifier: MIT */
/*
 * emit.c - what the map needs besides build.h to make graph nodes: encodings carried along by nodes that only move values, images of
 * one or two dimensions, weights behind a Dequantize.
 */
#include "map.h"

#include <string.h>

QfTensor *qf_onnx_output(QfOnnxNode *n, uint32_t index)
{
  const char *name = index < n->n_out ? n->out_names[index] : NULL;
  return qf_graph_add_tensor(n->onnx->graph, name);
}

/* What one of them is taken for: its bytes, and the time to compute it. */
#define CHARGE_PER_NUMBER 16

gboolean qf_onnx_charge(QfOnnxNode *n, int64_t count, GError **error)
{
  QfGraph *model = n->onnx->graph;
  while (model->outer)
    model = model->outer;
  if (count >= 0 && count < (int64_t)1 << 40 &&
      qf_build_affordable(model, (uint64_t)count * CHARGE_PER_NUMBER))
    return TRUE;
  return qf_onnx_fail(n, error, QF_ERROR_LIMIT,
                      "what it makes out of sizes alone (%" G_GINT64_FORMAT
                      " numbers) is too large for a file of this size; "
                      "give it smaller sizes",
                      count);
}

/* Operators that choose or mix values: the same on stored integers as on the numbers they stand for, when all have one encoding. */
static gboolean mixes_values(const QfNode *node)
{
  static const char *const ops[] = {"Resize",
                                    "GridSample",
                                    "Concat",
                                    "ReduceMax",
                                    "ReduceMin",
                                    "ElementWiseMaximum",
                                    "ElementWiseMinimum",
                                    "PoolMax3d",
                                    NULL};
  return g_strv_contains(ops, node->op->name);
}

static gboolean keeps_encoding(const QfNode *node)
{
  if (node->op->quant == QF_QUANT_SAME)
    return TRUE;
  if (!mixes_values(node) || node->inputs[0]->enc.count != 1)
    return FALSE;
  for (uint32_t i = 1; i < node->n_inputs; i++)
    if (node->inputs[i] && node->inputs[i]->dtype == node->inputs[0]->dtype &&
        !qf_encoding_equal(&node->inputs[i]->enc, &node->inputs[0]->enc))
      return FALSE;
  return TRUE;
}

QfTensor *qf_onnx_encoded_like(QfOnnxNode *n, QfTensor *t, const QfTensor *like)
{
  if (!t || !t->data || t->enc.count || like->enc.count != 1 || t->dtype != like->dtype)
    return t;
  t = qf_graph_add_shared(n->onnx->graph, t->name, t->dims, t->rank, t);
  qf_tensor_set_encoding(n->onnx->graph, t, 1, 0, like->enc.entries);
  return t;
}

/* How far an encoding goes back: a chain of moves is a few nodes. */
#define MAX_WAY 64

static void encode_back(QfOnnxNode *n, QfTensor *t, const QfScaleOffset *e, int way)
{
  QfNode *p = t->producer;
  if (t->enc.count || t->data || way == MAX_WAY)
    return;
  qf_tensor_set_encoding(n->onnx->graph, t, 1, 0, e);
  if (!p || (p->op->quant != QF_QUANT_SAME && !mixes_values(p)))
    return;
  if (!strcmp(p->op->name, "Pad")) { /* its number was a stored one */
    QfPadAttrs *a = p->attrs;
    a->value = (a->value + (float)e->offset) * e->scale;
  }
  for (uint32_t i = 0; i < p->n_outputs; i++)
    if (p->outputs[i]->dtype == t->dtype && !p->outputs[i]->enc.count)
      qf_tensor_set_encoding(n->onnx->graph, p->outputs[i], 1, 0, e);
  for (uint32_t i = 0; i < p->n_inputs; i++)
    if (p->inputs[i] && p->inputs[i]->dtype == t->dtype) {
      p->inputs[i] = qf_onnx_encoded_like(n, p->inputs[i], t);
      encode_back(n, p->inputs[i], e, way + 1);
    }
}

void qf_onnx_set_encoding(QfOnnxNode *n, QfTensor *t, uint32_t count, int32_t axis,
                          const QfScaleOffset *entries)
{
  if (count == 1 && !t->data)
    encode_back(n, t, entries, 0);
  else
    qf_tensor_set_encoding(n->onnx->graph, t, count, axis, entries);
}

/* The encoding of what such a node gives: that of its input, its axis moved along. */
void qf_onnx_carry_encoding(QfNode *node)
{
  const QfTensor *x = node->n_inputs ? node->inputs[0] : NULL;
  if (!qf_tensor_is_quantized(x) || !keeps_encoding(node))
    return;
  int32_t axis = x->enc.axis;
  if (x->enc.count > 1 && strcmp(node->op->name, "Transpose"))
    return;
  if (x->enc.count > 1) {
    const QfInts *perm = &((QfTransposeAttrs *)node->attrs)->perm;
    for (int i = 0; i < perm->n; i++)
      if (perm->v[i] == x->enc.axis)
        axis = i;
  }
  for (uint32_t i = 0; i < node->n_outputs; i++)
    if (!node->outputs[i]->enc.count) {
      node->outputs[i]->dtype = x->dtype;
      qf_tensor_set_encoding(node->graph, node->outputs[i], x->enc.count, axis, x->enc.entries);
    }
}

QfTensor *qf_onnx_dequantize(QfOnnxNode *n, QfTensor *t, QfTensor *out, GError **error)
{
  if (!t)
    return NULL;
  QfNode *node = qf_build_begin(n->b, "Dequantize", &t, 1, out);
  ((QfCastAttrs *)node->attrs)->dtype = QF_DTYPE_FLOAT32;
  return qf_build_end(n->b, node, error);
}

QfTensor *qf_onnx_select(QfOnnxNode *n, QfTensor *condition, QfTensor *yes, QfTensor *no, QfTensor *out,
                         GError **error)
{
  QfTensor *in[] = {condition, yes, no};
  if (!condition || !yes || !no)
    return NULL;
  return qf_build_end(n->b, qf_build_begin(n->b, "ElementWiseSelect", in, 3, out), error);
}

gboolean qf_onnx_bind(QfOnnxNode *n, uint32_t index, QfTensor *t)
{
  n->out[index] = t;
  return t != NULL;
}

QfTensor *qf_onnx_to_image(QfOnnxNode *n, QfTensor *x, GError **error)
{
  if (x->rank != 3 && x->rank != 4) {
    g_autofree char *dims = qf_dims_to_string(x->dims, x->rank);
    qf_onnx_fail(n, error, QF_ERROR_UNSUPPORTED,
                 "its input '%s' is %s: only [N,C,L] and [N,C,H,W] are supported", x->name, dims);
    return NULL;
  }
  QfTensor *y = qf_build_channels_last(n->b, x, error);
  QfInts image = {4, {x->dims[0], 1, x->dims[2], x->dims[1]}};
  return x->rank == 3 ? qf_build_reshape(n->b, y, &image, NULL, error) : y;
}

gboolean qf_onnx_from_image(QfOnnxNode *n, QfTensor *y, int32_t rank, GError **error)
{
  if (!y)
    return FALSE;
  if (rank == 3) {
    QfInts line = {3, {y->dims[0], y->dims[2], y->dims[3]}};
    y = qf_build_reshape(n->b, y, &line, NULL, error);
  }
  n->out[0] = qf_build_channels_first(n->b, y, qf_onnx_output(n, 0), error);
  return n->out[0] != NULL;
}

gboolean qf_onnx_is_constant(const QfTensor *t)
{
  return qf_onnx_constant(t) != NULL;
}

const QfTensor *qf_onnx_constant(const QfTensor *t)
{
  if (t && !t->data && t->producer && !strcmp(t->producer->op->name, "Dequantize"))
    t = t->producer->inputs[0];
  return t && t->data ? t : NULL;
}

QfTensor *qf_onnx_permute_weights(QfOnnxNode *n, QfTensor *w, const QfInts *perm, GError **error)
{
  if (w->rank != perm->n) {
    g_autofree char *dims = qf_dims_to_string(w->dims, w->rank);
    qf_onnx_fail(n, error, QF_ERROR_SHAPE, "its weights '%s' are %s, but %d dimensions are needed", w->name,
                 dims, perm->n);
    return NULL;
  }
  if (w->data || !qf_onnx_is_constant(w))
    return qf_build_transpose(n->b, w, perm, NULL, error);
  return qf_onnx_dequantize(n, qf_build_transpose(n->b, w->producer->inputs[0], perm, NULL, error), NULL,
                            error);
}
