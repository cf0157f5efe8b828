/* SPDX-License-Identifier: MIT */
/*
 * conv.c - Conv and ConvTranspose: to channels-last images and HWIO weights. A convolution with one input channel a group
 * becomes a depthwise one. The Transposes around it are left to the layout pass.
 */
#include "window.h"

static void set_attrs(QfConv2dAttrs *a, const QfOnnxWindow *w, int32_t group)
{
  for (int i = 0; i < 2; i++) {
    a->stride[i] = qf_onnx_i32(w->stride[i]);
    a->dilation[i] = qf_onnx_i32(w->dilation[i]);
  }
  for (int i = 0; i < 4; i++)
    a->pad[i] = qf_onnx_i32(w->pad[i]);
  a->group = group;
}

/* Weights [M,C,KL] become [M,C,1,KL]. */
static QfTensor *weights_2d(QfOnnxNode *n, QfTensor *w, GError **error)
{
  QfInts shape = {4, {w->dims[0], w->dims[1], 1, w->dims[2]}};
  if (w->rank == 4)
    return w;
  if (w->data || !qf_onnx_is_constant(w))
    return qf_onnx_reshape(n, w, &shape, NULL, error);
  QfTensor *q = w->producer->inputs[0];
  QfTensor *r = qf_onnx_reshape(n, q, &shape, NULL, error);
  if (r && !r->enc.count) /* leading dimensions stay, so does the axis */
    qf_tensor_set_encoding(n->onnx->graph, r, q->enc.count, q->enc.axis, q->enc.entries);
  return qf_onnx_dequantize(n, r, NULL, error);
}

/* Reads the window and the group, and checks ranks. @channels: the dimension of the weights that counts output channels. */
static gboolean read_conv(QfOnnxNode *n, QfOnnxWindow *w, int32_t *group, GError **error)
{
  const QfTensor *x = n->in[0], *weights = n->in[1];
  if (weights->rank != x->rank || x->rank < 3)
    return qf_onnx_fail(n, error, QF_ERROR_SHAPE, "its weights '%s' have %d dimensions, its input has %d",
                        weights->name, weights->rank, x->rank);
  int64_t kernel[2] = {x->rank == 4 ? weights->dims[2] : 1, weights->dims[x->rank - 1]};
  *group = qf_onnx_int(n, "group", 1);
  if (*group < 1 || x->dims[1] % *group || weights->dims[0] % *group)
    return qf_onnx_fail(n, error, QF_ERROR_SHAPE, "group %d does not divide the channels", *group);
  return qf_onnx_window(n, x, kernel, w, error);
}

static QfTensor *emit_conv(QfOnnxNode *n, const char *op, QfTensor *weights, const QfOnnxWindow *w,
                           int32_t group, const int64_t *output_padding, GError **error)
{
  if (!weights)
    return NULL;
  QfTensor *in[] = {qf_onnx_to_image(n, n->in[0], error), weights, qf_onnx_input(n, 2)};
  if (!in[0])
    return NULL;
  QfNode *node = qf_onnx_begin(n, op, in, 3, NULL);
  QfConv2dAttrs *a = node->attrs;
  set_attrs(a, w, group);
  for (int i = 0; output_padding && i < 2; i++)
    a->output_padding[i] = qf_onnx_i32(output_padding[i]);
  return qf_onnx_end(n, node, error);
}

static gboolean map_conv(QfOnnxNode *n, GError **error)
{
  static const QfInts hwio = {4, {2, 3, 1, 0}};
  QfOnnxWindow w;
  int32_t group;
  if (!read_conv(n, &w, &group, error))
    return FALSE;
  if (n->in[1]->dims[1] * group != n->in[0]->dims[1])
    return qf_onnx_fail(n, error, QF_ERROR_SHAPE,
                        "its weights take %" G_GINT64_FORMAT
                        " channels in %d groups, its input has %" G_GINT64_FORMAT,
                        n->in[1]->dims[1], group, n->in[0]->dims[1]);
  qf_onnx_window_pad(&w);
  QfTensor *weights = weights_2d(n, n->in[1], error);
  if (!weights)
    return FALSE;
  gboolean depthwise = group > 1 && group == n->in[0]->dims[1];
  weights = qf_onnx_permute_weights(n, weights, &hwio, error);
  QfTensor *y =
      emit_conv(n, depthwise ? "DepthWiseConv2d" : "Conv2d", weights, &w, depthwise ? 1 : group, NULL, error);
  return qf_onnx_from_image(n, y, n->in[0]->rank, error);
}

/* [C,M/group,KH,KW] to [KH,KW,C/group,M]. */
static QfTensor *transpose_conv_weights(QfOnnxNode *n, QfTensor *w, int32_t group, GError **error)
{
  static const QfInts plain = {4, {2, 3, 0, 1}}, grouped = {5, {3, 4, 1, 0, 2}};
  if (group == 1)
    return qf_onnx_permute_weights(n, w, &plain, error);
  const int64_t *d = w->dims;
  QfInts split = {5, {group, d[0] / group, d[1], d[2], d[3]}};
  QfInts whole = {4, {d[2], d[3], d[0] / group, d[1] * group}};
  w = qf_onnx_reshape(n, w, &split, NULL, error);
  w = qf_onnx_transpose(n, w, &grouped, NULL, error);
  return qf_onnx_reshape(n, w, &whole, NULL, error);
}

/* Pads from the wanted output size, or from auto_pad. */
static gboolean settle_transpose_pads(QfOnnxNode *n, QfOnnxWindow *w, int64_t *output_padding, GError **error)
{
  int64_t shape[2];
  gboolean given;
  if (!qf_onnx_spatial(n, "output_shape", n->in[0]->rank, 0, shape, &given, error))
    return FALSE;
  gboolean same = w->auto_pad == QF_AUTO_PAD_SAME_UPPER || w->auto_pad == QF_AUTO_PAD_SAME_LOWER;
  if (!given && !same)
    return TRUE;
  for (int i = n->in[0]->rank == 4 ? 0 : 1; i < 2; i++) {
    int64_t out = given ? shape[i] : w->in[i] * w->stride[i];
    int64_t total = w->stride[i] * (w->in[i] - 1) + output_padding[i] + w->extent[i] - out;
    if (total < 0) {
      output_padding[i] -= total;
      total = 0;
    }
    gboolean upper = w->auto_pad == QF_AUTO_PAD_SAME_UPPER;
    w->pad[2 * i] = upper ? total / 2 : total - total / 2;
    w->pad[2 * i + 1] = total - w->pad[2 * i];
  }
  return TRUE;
}

static gboolean map_conv_transpose(QfOnnxNode *n, GError **error)
{
  QfOnnxWindow w;
  int32_t group;
  int64_t output_padding[2];
  if (!read_conv(n, &w, &group, error) ||
      !qf_onnx_spatial(n, "output_padding", n->in[0]->rank, 0, output_padding, NULL, error) ||
      !settle_transpose_pads(n, &w, output_padding, error))
    return FALSE;
  if (n->in[1]->dims[0] != n->in[0]->dims[1])
    return qf_onnx_fail(n, error, QF_ERROR_SHAPE, "its weights take other channels than its input has");
  QfTensor *weights = weights_2d(n, n->in[1], error);
  weights = weights ? transpose_conv_weights(n, weights, group, error) : NULL;
  QfTensor *y = emit_conv(n, "TransposeConv2d", weights, &w, group, output_padding, error);
  return qf_onnx_from_image(n, y, n->in[0]->rank, error);
}

/* com.microsoft.FusedConv: a residual as input 3 and an activation. */
static gboolean map_fused_conv(QfOnnxNode *n, GError **error)
{
  g_autofree char *activation = qf_onnx_string(n, "activation", "");
  const Onnx__AttributeProto *params = qf_onnx_attr(n, "activation_params");
  QfTensor *y = NULL, *z = qf_onnx_input(n, 3);
  if (!qf_onnx_map_as(n, "Conv", n->in, MIN(n->n_in, 3), &y, error))
    return FALSE;
  if (z)
    y = qf_onnx_apply2(n, "ElementWiseAdd", y, z, *activation ? NULL : qf_onnx_output(n, 0), error);
  if (*activation)
    y = qf_onnx_activate(n, activation, params ? params->floats : NULL,
                         params ? (uint32_t)params->n_floats : 0, y, qf_onnx_output(n, 0), error);
  return qf_onnx_bind(n, 0, y);
}

const QfOnnxRow qf_onnx_conv_rows[] = {
    {"", "Conv", map_conv, 2, 3, "Conv2d", 0},
    {"", "ConvTranspose", map_conv_transpose, 2, 3, "TransposeConv2d", 0},
    {"com.microsoft", "FusedConv", map_fused_conv, 2, 4, NULL, 0},
    {NULL},
};
