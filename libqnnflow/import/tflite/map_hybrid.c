/* SPDX-License-Identifier: MIT */
/*
 * map_hybrid.c - float data by 8-bit weights. As a rule the weights become float when the model is loaded, which is more exact
 * than the peer; in its own scheme, `requant` "tflite", the data is quantized as it comes, and the numbers are the peer's.
 */
#include "emit.h"

gboolean qf_tfl_is_hybrid(const QfTflNode *n, const QfTensor *x, const QfTensor *w)
{
  gboolean coded = n->scope->import->litert && x->dtype == QF_DTYPE_FLOAT32 && w->dtype == QF_DTYPE_INT8 &&
                   w->enc.count && qf_tensor_data(w) && n->out[0]->dtype == QF_DTYPE_FLOAT32;
  for (uint32_t i = 0; coded && i < w->enc.count; i++)
    coded = w->enc.entries[i].offset == 0;
  return coded;
}

/* With one scale for all weights the peer multiplies rows by a matrix; with more it convolves. */
QfHybridAttrs *qf_tfl_new_hybrid(QfTflNode *n, QfTensor *const in[3], QfTensor *out, gboolean depthwise,
                                 QfNode **node)
{
  gboolean convolves = depthwise || in[1]->enc.count > 1;
  *node = qf_tfl_new_node(n, "HybridConv2d", in, 3, &out, 1);
  QfHybridAttrs *a = (*node)->attrs;
  a->depthwise = depthwise;
  a->asymmetric = convolves;
  a->bias_first = !convolves;
  return a;
}

/* A fully connected layer is a convolution of images of one pixel. */
gboolean qf_tfl_add_hybrid_rows(QfTflNode *n, QfTensor *const in[3], gboolean keep, gboolean asymmetric,
                                uint32_t activation, GError **error)
{
  QfTensor *x = in[0], *w = in[1], *out = n->out[0];
  int64_t depth = w->dims[1], units = w->dims[0], rows = qf_tensor_count(x) / depth;
  int64_t image[] = {rows, 1, 1, depth}, filter[] = {1, 1, depth, units}, dims[QF_MAX_RANK] = {rows, units};
  QfInts swap = {2, {1, 0}};
  int32_t rank = 2;
  for (int32_t i = 0; keep && i < x->rank; i++)
    dims[i] = i == x->rank - 1 ? units : x->dims[i];
  rank = keep ? x->rank : rank;
  QfTensor *weights = qf_graph_add_tensor(n->graph, NULL), *matrix = qf_graph_add_tensor(n->graph, NULL);
  weights->dtype = matrix->dtype = w->dtype;
  qf_tensor_set_encoding(n->graph, matrix, w->enc.count, 1, w->enc.entries);
  qf_tensor_set_encoding(n->graph, weights, w->enc.count, 3, w->enc.entries);
  QfTensor *parts[] = {qf_tfl_emit_reshape(n, x, image, 4, NULL, error), weights, in[2]};
  QfNode *node = qf_graph_new_node(n->graph, "Transpose", w->name, &w, 1, &matrix, 1);
  ((QfTransposeAttrs *)node->attrs)->perm = swap;
  if (!parts[0] || !qf_graph_add_node(node, error))
    return FALSE;
  node = qf_graph_new_node(n->graph, "Reshape", w->name, &matrix, 1, &weights, 1);
  ((QfReshapeAttrs *)node->attrs)->shape = (QfInts){4, {filter[0], filter[1], filter[2], filter[3]}};
  if (!qf_graph_add_node(node, error))
    return FALSE;
  QfTensor *pixels = qf_tfl_temp(n, "pixels", NULL);
  QfHybridAttrs *a = qf_tfl_new_hybrid(n, parts, pixels, FALSE, &node);
  a->asymmetric = asymmetric;
  a->bias_first = 1;
  return (activation == G_MAXUINT32 || qf_tfl_set_epilogue(n, activation, &a->conv.epi, error)) &&
         qf_tfl_add_raw_node(n, node, error) &&
         qf_tfl_emit_reshape(n, pixels, dims, rank, out, error) != NULL;
}
