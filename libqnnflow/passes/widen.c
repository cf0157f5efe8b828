/* SPDX-License-Identifier: MIT */
/*
 * widen.c - float16 and bfloat16 models compute in float32: constants are widened, inputs and outputs of the model keep their type behind a
 * Cast. (Backends that compute in half precision will ask for the graph before this pass.)
 */
#include "util.h"
#include "../graph/numbers.h"

static gboolean is_narrow(const QfTensor *t)
{
  return t->dtype == QF_DTYPE_FLOAT16 || t->dtype == QF_DTYPE_BFLOAT16;
}

static void widen_constant(QfGraph *graph, QfTensor *t)
{
  int64_t n = qf_tensor_count(t);
  float *values = g_new(float, n + 1);
  for (int64_t i = 0; i < n; i++)
    values[i] = (float)qf_number_real(t->dtype, qf_tensor_data(t), i);
  t->dtype = QF_DTYPE_FLOAT32;
  qf_tensor_set_data(graph, t, g_bytes_new_take(values, n * sizeof(*values)));
}

static gboolean cast_before(QfGraph *graph, QfTensor *from, QfTensor *to, const QfNode *position,
                            GError **error)
{
  QfNode *cast = qf_graph_new_node(graph, "Cast", from->name, &from, 1, &to, 1);
  ((QfCastAttrs *)cast->attrs)->dtype = to->dtype;
  return qf_graph_insert_node(cast, position, error);
}

/* The wide twin of an input or output of the model; both are linked by a Cast that the caller adds. */
static QfTensor *wide_twin(QfGraph *graph, const QfTensor *t)
{
  QfTensor *wide = qf_graph_add_tensor(graph, NULL);
  qf_tensor_set_shape(wide, QF_DTYPE_FLOAT32, t->dims, t->rank);
  return wide;
}

/* Nodes that read @t read @wide; the border of the model stays. */
static void read_instead(QfGraph *graph, QfTensor *t, QfTensor *wide)
{
  g_autoptr(GPtrArray) users = qf_graph_users(graph, t);
  for (guint i = 0; i < users->len; i++) {
    QfNode *node = users->pdata[i];
    for (uint32_t k = 0; k < node->n_inputs; k++)
      if (node->inputs[k] == t)
        qf_node_set_input(node, k, wide);
  }
}

static gboolean widen_borders(QfGraph *graph, GError **error)
{
  for (guint i = 0; i < graph->inputs->len; i++) {
    QfTensor *t = graph->inputs->pdata[i], *wide;
    if (!is_narrow(t))
      continue;
    wide = wide_twin(graph, t);
    read_instead(graph, t, wide);
    if (!cast_before(graph, t, wide, graph->nodes->len ? graph->nodes->pdata[0] : NULL, error))
      return FALSE;
  }
  for (guint i = 0; i < graph->outputs->len; i++) {
    QfTensor *t = graph->outputs->pdata[i], *wide;
    QfNode *producer = t->producer;
    if (!is_narrow(t) || !producer || qf_node_is(producer, "Cast"))
      continue;
    wide = wide_twin(graph, t);
    read_instead(graph, t, wide);
    for (uint32_t k = 0; k < producer->n_outputs; k++)
      producer->outputs[k] = producer->outputs[k] == t ? wide : producer->outputs[k];
    wide->producer = producer;
    if (!cast_before(graph, wide, t, NULL, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean run(QfGraph *graph, GError **error)
{
  guint n = graph->tensors->len;
  gboolean body = graph->outer != NULL; /* its borders are inner tensors of the model */
  if (!body && !widen_borders(graph, error))
    return FALSE;
  for (guint i = 0; i < n; i++) {
    QfTensor *t = graph->tensors->pdata[i];
    if (!is_narrow(t) || (!body && (qf_graph_is_input(graph, t) || qf_graph_is_output(graph, t))))
      continue;
    if (t->data)
      widen_constant(graph, t);
    else
      t->dtype = QF_DTYPE_FLOAT32;
  }
  qf_foreach_node (
      node, graph) { /* a Cast to half inside the model keeps its rounding out, as float32 arithmetic does */
    if (qf_node_is(node, "Cast") || qf_node_is(node, "Dequantize"))
      ((QfCastAttrs *)node->attrs)->dtype = node->outputs[0]->dtype;
  }
  return TRUE;
}

const QfPass qf_pass_widen = {"widen", "computes float16 and bfloat16 models in float32", TRUE, run};
