/* SPDX-License-Identifier: MIT */
/*
 * util.c - small questions and edits that several passes share.
 */
#include "util.h"

#include <string.h>

gboolean qf_node_is(const QfNode *node, const char *op)
{
  return node && !node->dead && !strcmp(node->op->name, op);
}

QfNode *qf_produced_by(const QfTensor *tensor, const char *op)
{
  return tensor && qf_node_is(tensor->producer, op) ? tensor->producer : NULL;
}

QfNode *qf_only_user(const QfNode *node)
{
  if (qf_graph_is_output(node->graph, node->outputs[0]))
    return NULL;
  return qf_graph_single_user(node->graph, node->outputs[0]);
}

gboolean qf_is_uniform(const QfTensor *tensor, double *value)
{
  int64_t n = tensor && tensor->data ? qf_tensor_count(tensor) : 0;
  if (n < 1)
    return FALSE;
  *value = qf_tensor_get_real(tensor, 0);
  for (int64_t i = 1; i < n; i++)
    if (qf_tensor_get_real(tensor, i) != *value)
      return FALSE;
  return TRUE;
}

gboolean qf_is_per_channel(const QfTensor *tensor, int64_t channels)
{
  if (!tensor || !tensor->data || !qf_dtype_is_float(tensor->dtype))
    return FALSE;
  int64_t n = qf_tensor_count(tensor);
  return n == 1 || (n == channels && tensor->dims[tensor->rank - 1] == channels);
}

double qf_per_channel(const QfTensor *tensor, int64_t c)
{
  return qf_tensor_get_real(tensor, qf_tensor_count(tensor) == 1 ? 0 : c);
}

QfTensor *qf_new_vector(QfGraph *graph, const char *name, const float *values, int64_t n)
{
  return qf_graph_add_constant_copy(graph, name, QF_DTYPE_FLOAT32, &n, 1, values);
}

gboolean qf_bypass(QfNode *node, QfTensor *old, QfTensor *with)
{
  QfGraph *graph = node->graph;
  if (qf_graph_is_output(graph, old)) {
    if (with->data || qf_graph_is_input(graph, with) || qf_graph_is_output(graph, with))
      return FALSE;
    with->name = old->name;
    with->layout = old->layout;
  }
  qf_node_remove(node);
  qf_graph_replace_uses(graph, old, with);
  return TRUE;
}

QfTensor *qf_transpose_constant(QfGraph *graph, QfTensor *tensor, const int64_t *perm, int32_t rank,
                                GError **error)
{
  QfTensor *in = tensor, *out = qf_graph_add_tensor(graph, tensor->name);
  out->dtype = tensor->dtype;
  out->enc = tensor->enc;
  for (int i = 0; tensor->enc.count > 1 && i < rank; i++)
    if (perm[i] == tensor->enc.axis)
      out->enc.axis = i;
  QfNode *node = qf_graph_new_node(graph, "Transpose", tensor->name, &in, 1, &out, 1);
  QfTransposeAttrs *attrs = node->attrs;
  attrs->perm.n = rank;
  memcpy(attrs->perm.v, perm, rank * sizeof(*perm));
  return qf_graph_add_node(node, error) ? out : NULL;
}
