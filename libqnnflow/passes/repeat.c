/* SPDX-License-Identifier: MIT */
/*
 * repeat.c - a 1x1 convolution of a Concat, one part of which is one pixel resized to the whole image (the mean of the image, in
 * segmentation networks), is the sum of two: that of the pixel, computed once, and that of the other parts.
 */
#include "util.h"

#include <string.h>

/* The pixel that fills @t; NULL: it is no such image. */
static QfTensor *repeated_pixel(const QfTensor *t)
{
  QfNode *resize = qf_produced_by(t, "Resize");
  QfTensor *x = resize ? resize->inputs[0] : NULL;
  if (!x || x->rank != 4 || x->dims[1] != 1 || x->dims[2] != 1 || x->dims[0] != t->dims[0] ||
      x->dims[3] != t->dims[3] || t->dims[1] * t->dims[2] < 2)
    return NULL;
  return ((const QfResizeAttrs *)resize->attrs)->interpolation <= QF_RESIZE_LINEAR ? x : NULL;
}

/* A float convolution of pixels by themselves whose activation an Add can take over. */
static gboolean is_pointwise(const QfNode *node)
{
  const QfConv2dAttrs *a = node->attrs;
  if (!qf_node_is(node, "Conv2d"))
    return FALSE;
  const QfTensor *w = node->inputs[1];
  return node->inputs[0]->dtype == QF_DTYPE_FLOAT32 && w->data && w->dtype == QF_DTYPE_FLOAT32 &&
         w->dims[0] == 1 && w->dims[1] == 1 && a->group == 1 && a->stride[0] == 1 && a->stride[1] == 1 &&
         !a->pad[0] && !a->pad[1] && !a->pad[2] && !a->pad[3] && !a->epi.residual &&
         a->epi.act <= QF_ACT_CLAMP;
}

/* Rows [begin, end) of a 1x1 filter, or all others. */
static QfTensor *some_rows(QfGraph *graph, const QfTensor *w, int64_t begin, int64_t end, gboolean others)
{
  const int64_t columns = w->dims[3], inside = end - begin;
  const int64_t dims[] = {1, 1, others ? w->dims[2] - inside : inside, columns};
  g_autofree float *rows = g_new(float, dims[2] * columns);
  const float *from = qf_tensor_data(w);
  float *to = rows;
  for (int64_t i = 0; i < w->dims[2]; i++)
    if ((i >= begin && i < end) != others) {
      memcpy(to, from + i * columns, columns * sizeof(*to));
      to += columns;
    }
  return qf_graph_add_constant_copy(graph, w->name, w->dtype, dims, 4, rows);
}

/* A 1x1 convolution before @position; NULL on failure. */
static QfTensor *add_conv(const QfNode *position, QfTensor *x, QfTensor *w, QfTensor *bias, GError **error)
{
  QfTensor *inputs[] = {x, w, bias}, *y = qf_graph_add_tensor(position->graph, NULL);
  QfNode *conv = qf_graph_new_node(position->graph, "Conv2d", position->name, inputs, 3, &y, 1);
  return qf_graph_insert_node(conv, position, error) ? y : NULL;
}

/* What is left of @concat without part @without. */
static QfTensor *other_parts(const QfNode *concat, uint32_t without, const QfNode *position, GError **error)
{
  if (concat->n_inputs == 2)
    return concat->inputs[1 - without];
  g_autofree QfTensor **parts = g_new(QfTensor *, concat->n_inputs);
  uint32_t n = 0;
  for (uint32_t i = 0; i < concat->n_inputs; i++)
    if (i != without)
      parts[n++] = concat->inputs[i];
  QfTensor *y = qf_graph_add_tensor(concat->graph, NULL);
  QfNode *node = qf_graph_new_node(concat->graph, "Concat", concat->name, parts, n, &y, 1);
  memcpy(node->attrs, concat->attrs, concat->op->attrs_size);
  return qf_graph_insert_node(node, position, error) ? y : NULL;
}

static gboolean split_conv(QfNode *conv, const QfNode *concat, uint32_t part, QfTensor *pixel, GError **error)
{
  QfGraph *graph = conv->graph;
  const QfTensor *w = conv->inputs[1];
  int64_t begin = 0;
  for (uint32_t i = 0; i < part; i++)
    begin += concat->inputs[i]->dims[3];
  QfTensor *own = some_rows(graph, w, begin, begin + pixel->dims[3], FALSE),
           *rest = some_rows(graph, w, begin, begin + pixel->dims[3], TRUE);
  QfTensor *once = add_conv(conv, pixel, own, conv->n_inputs > 2 ? conv->inputs[2] : NULL, error);
  QfTensor *others = once ? other_parts(concat, part, conv, error) : NULL;
  QfTensor *sum = others ? add_conv(conv, others, rest, NULL, error) : NULL;
  if (!sum)
    return FALSE;
  const QfEpilogue epi = ((const QfConv2dAttrs *)conv->attrs)->epi;
  QfTensor *inputs[] = {sum, once};
  conv->op = qf_op_find("ElementWiseAdd");
  conv->attrs = qf_graph_alloc(graph, conv->op->attrs_size);
  ((QfBinaryAttrs *)conv->attrs)->epi = epi;
  qf_node_set_inputs(conv, inputs, 2);
  return TRUE;
}

static gboolean run(QfGraph *graph, GError **error)
{
  for (guint i = 0; i < graph->nodes->len; i++) {
    QfNode *conv = graph->nodes->pdata[i];
    QfNode *concat = is_pointwise(conv) ? qf_produced_by(conv->inputs[0], "Concat") : NULL;
    if (!concat || concat->n_inputs < 2 || ((const QfConcatAttrs *)concat->attrs)->axis != 3 ||
        qf_only_user(concat) != conv)
      continue;
    for (uint32_t k = 0; k < concat->n_inputs; k++) {
      QfTensor *pixel = repeated_pixel(concat->inputs[k]);
      if (pixel && !split_conv(conv, concat, k, pixel, error))
        return FALSE;
      if (pixel)
        break;
    }
  }
  return TRUE;
}

const QfPass qf_pass_repeat = {"repeat",
                               "computes the part of a 1x1 convolution that is the same for all pixels once",
                               TRUE, run};
