/* SPDX-License-Identifier: MIT */
/*
 * direct.c - lets the caller of a model give image inputs as the model computes with them: a Transpose to NHWC and a Quantize that stand first
 * are dropped, and the input's description says so. Whoever converts the frame writes that form at no cost.
 */
#include "util.h"

#include <math.h>

/* 8 bits that hold 0..1 as pixels do, 0..255 (int8: 128 less). Of other encodings the caller could not tell whether the file's input is meant to be
 * raw pixels, so their Quantize stays. */
static gboolean encodes_pixels(const QfTensor *t)
{
  if (t->enc.count != 1 || fabsf(t->enc.entries[0].scale * 255 - 1) > 1e-3f)
    return FALSE;
  return (t->dtype == QF_DTYPE_UINT8 && t->enc.entries[0].offset == 0) ||
         (t->dtype == QF_DTYPE_INT8 && t->enc.entries[0].offset == 128);
}

/* The node that is the only user of the input and may go. */
static QfNode *first_conversion(const QfGraph *graph, const QfTensor *input)
{
  QfNode *user = input->rank == 4 ? qf_graph_single_user(graph, input) : NULL;
  if (!user || qf_graph_is_output(graph, user->outputs[0]))
    return NULL;
  if (qf_node_is(user, "Quantize"))
    return encodes_pixels(user->outputs[0]) ? user : NULL;
  if (!qf_node_is(user, "Transpose"))
    return NULL;
  const int64_t *perm = ((const QfTransposeAttrs *)user->attrs)->perm.v;
  return perm[0] == 0 && perm[1] == 2 && perm[2] == 3 && perm[3] == 1 ? user : NULL;
}

void qf_passes_direct_inputs(QfGraph *graph)
{
  for (guint i = 0; i < graph->inputs->len - graph->n_states; i++) {
    QfTensor *input = graph->inputs->pdata[i];
    for (QfNode *node; (node = first_conversion(graph, input));) {
      QfTensor *inner = node->outputs[0];
      inner->name = input->name;
      inner->layout = qf_node_is(node, "Transpose") ? QF_LAYOUT_NHWC : input->layout;
      qf_node_remove(node);
      graph->inputs->pdata[i] = input = inner;
    }
  }
  qf_graph_compact(graph);
}
