/* SPDX-License-Identifier: MIT */
/*
 * map_volume.c - CONV_3D and CONV_3D_TRANSPOSE. Their weights are DHWIO already, those of the latter with the channels swapped.
 */
#include "emit.h"

#define MAX_STRIDE 65536

/* Strides and dilations in the order depth, height, width. */
static gboolean read_sizes(const QfTflNode *n, QfConv3dAttrs *a, GError **error)
{
  static const uint32_t strides[] = {QF_TFL_VOLUME_STRIDE_D, QF_TFL_VOLUME_STRIDE_H, QF_TFL_VOLUME_STRIDE_W};
  static const uint32_t dilations[] = {QF_TFL_VOLUME_DILATION_D, QF_TFL_VOLUME_DILATION_H,
                                       QF_TFL_VOLUME_DILATION_W};
  int64_t padding = qf_tfl_option_byte(n, QF_TFL_VOLUME_PADDING, QF_TFL_PADDING_SAME);
  for (int i = 0; i < 3; i++) {
    int64_t stride = qf_tfl_option(n, strides[i], 0), dilation = qf_tfl_option(n, dilations[i], 1);
    if (stride < 1 || stride > MAX_STRIDE || dilation < 1 || dilation > MAX_STRIDE)
      return qf_tfl_fail(n, error, QF_ERROR_FORMAT,
                         "a stride of %" G_GINT64_FORMAT " or dilation of %" G_GINT64_FORMAT
                         "; the file is damaged",
                         stride, dilation);
    a->stride[i] = (int32_t)stride;
    a->dilation[i] = (int32_t)dilation;
  }
  return padding == QF_TFL_PADDING_SAME || padding == QF_TFL_PADDING_VALID ||
         qf_tfl_fail(n, error, QF_ERROR_FORMAT, "padding %" G_GINT64_FORMAT "; the file is damaged", padding);
}

static gboolean is_same(const QfTflNode *n)
{
  return qf_tfl_option_byte(n, QF_TFL_VOLUME_PADDING, QF_TFL_PADDING_SAME) == QF_TFL_PADDING_SAME;
}

static gboolean map_conv(QfTflNode *n, GError **error)
{
  QfTensor *in[] = {n->in[0], n->in[1], n->n_in > 2 ? n->in[2] : NULL}, *out = n->out[0];
  const int64_t *x = in[0]->dims, *w = in[1]->dims;
  if (!qf_tfl_check_rank(n, 0, 5, error) || !qf_tfl_check_rank(n, 1, 5, error))
    return FALSE;
  if (w[3] < 1)
    return qf_tfl_fail(n, error, QF_ERROR_SHAPE, "weights without channels; the file is damaged");
  if (!qf_tfl_split_activation(n, QF_TFL_VOLUME_ACTIVATION, &out, error))
    return FALSE;
  QfNode *node = qf_tfl_new_node(n, "Conv3d", in, 3, &out, 1);
  QfConv3dAttrs *a = node->attrs;
  a->group = (int32_t)MIN(x[4] / w[3], G_MAXINT32);
  if (!read_sizes(n, a, error))
    return FALSE;
  for (int i = 0; i < 3 && is_same(n); i++)
    qf_tfl_same_padding(x[1 + i], w[i], a->stride[i], a->dilation[i], &a->pad[2 * i], &a->pad[2 * i + 1]);
  return qf_tfl_add_node(n, node, error);
}

/* Inputs: the wanted size, weights DHWOI, data, bias. */
static gboolean map_transpose_conv(QfTflNode *n, GError **error)
{
  static const QfInts swap = {5, {0, 1, 2, 4, 3}};
  QfInts size;
  QfTensor *out = n->out[0], *in[] = {n->in[2], n->in[1], n->n_in > 3 ? n->in[3] : NULL};
  if (!qf_tfl_check_rank(n, 1, 5, error) || !qf_tfl_check_rank(n, 2, 5, error) ||
      !qf_tfl_get_ints(n, 0, &size, error))
    return FALSE;
  if (size.n != 5)
    return qf_tfl_fail(n, error, QF_ERROR_SHAPE, "its output size has %d numbers, not 5", size.n);
  const int64_t *x = in[0]->dims, *w = n->in[1]->dims;
  in[1] = qf_tfl_emit_transpose(n, in[1], &swap, NULL, error);
  if (!in[1] || !qf_tfl_split_activation(n, QF_TFL_VOLUME_ACTIVATION, &out, error))
    return FALSE;
  QfNode *node = qf_tfl_new_node(n, "TransposeConv3d", in, 3, &out, 1);
  QfConv3dAttrs *a = node->attrs;
  if (!read_sizes(n, a, error))
    return FALSE;
  for (int i = 0; i < 3;
       i++) { /* what the size cuts off of the full result before and after, or is missing */
    int32_t before = 0, after = 0;
    if (is_same(n))
      qf_tfl_same_padding(size.v[1 + i], w[i], a->stride[i], a->dilation[i], &before, &after);
    int64_t rest = (x[1 + i] - 1) * a->stride[i] + (w[i] - 1) * a->dilation[i] + 1 - before - size.v[1 + i];
    a->pad[2 * i] = before;
    a->pad[2 * i + 1] = (int32_t)CLAMP(rest, 0, G_MAXINT32 / 4);
    a->output_padding[i] = (int32_t)CLAMP(-rest, 0, G_MAXINT32 / 4);
  }
  return qf_tfl_add_node(n, node, error);
}

const QfTflRow qf_tfl_volume_rows[] = {
    {132, "CONV_3D", map_conv, 2, 3, 1, "Conv3d", NULL},
    {141, "CONV_3D_TRANSPOSE", map_transpose_conv, 3, 4, 1, "TransposeConv3d", NULL},
    {0},
};
