/* SPDX-License-Identifier: MIT */
/*
 * conv.c - Conv and ConvTranspose: to channels-last images and HWIO weights. A convolution with one input channel a group
 * becomes a depthwise one. The Transposes around it are left to the layout pass.
 */
#include "window.h"

static void set_attrs(QfConv2dAttrs *a, const QfOnnxWindow *w, int32_t group, const int64_t *output_padding)
{
  for (int i = 0; i < 2; i++) {
    a->stride[i] = qf_build_i32(w->stride[1 + i]);
    a->dilation[i] = qf_build_i32(w->dilation[1 + i]);
    a->output_padding[i] = output_padding ? qf_build_i32(output_padding[1 + i]) : 0;
  }
  for (int i = 0; i < 4; i++)
    a->pad[i] = qf_build_i32(w->pad[2 + i]);
  a->group = group;
}

static void set_volume_attrs(QfConv3dAttrs *a, const QfOnnxWindow *w, int32_t group,
                             const int64_t *output_padding)
{
  for (int i = 0; i < 3; i++) {
    a->stride[i] = qf_build_i32(w->stride[i]);
    a->dilation[i] = qf_build_i32(w->dilation[i]);
    a->output_padding[i] = output_padding ? qf_build_i32(output_padding[i]) : 0;
  }
  for (int i = 0; i < 6; i++)
    a->pad[i] = qf_build_i32(w->pad[i]);
  a->group = group;
}

/* Weights [M,C,KL] become [M,C,1,KL], or with @rank 5 [M,C,1,1,KL]. */
static QfTensor *widen_weights(QfOnnxNode *n, QfTensor *w, int32_t rank, GError **error)
{
  QfInts shape = {rank, {w->dims[0], w->dims[1], 1, 1, 1}};
  for (int i = 2; i < w->rank; i++)
    shape.v[rank - w->rank + i] = w->dims[i];
  if (w->data || !qf_onnx_is_constant(w) || w->rank == rank)
    return qf_build_reshape(n->b, w, &shape, NULL, error);
  QfTensor *q = w->producer->inputs[0];
  QfTensor *r = qf_build_reshape(n->b, q, &shape, NULL, error);
  if (r && !r->enc.count) /* leading dimensions stay, so does the axis */
    qf_tensor_set_encoding(n->onnx->graph, r, q->enc.count, q->enc.axis, q->enc.entries);
  return qf_onnx_dequantize(n, r, NULL, error);
}

/* Three dimensions, and plain integers, have operators of their own. */
static gboolean is_volume(const QfOnnxNode *n)
{
  return n->in[0]->rank == 5 || n->in[0]->dtype == QF_DTYPE_INT32;
}

/* Reads the window and the group, and checks ranks. @channels: the dimension of the weights that counts output channels. */
static gboolean read_conv(QfOnnxNode *n, QfOnnxWindow *w, int32_t *group, GError **error)
{
  const QfTensor *x = n->in[0], *weights = n->in[1];
  int64_t kernel[3] = {1, 1, 1};
  if (weights->rank != x->rank || x->rank < 3 || x->rank > 5)
    return qf_onnx_fail(n, error, QF_ERROR_SHAPE,
                        "its weights '%s' have %d dimensions, its input has %d: 3 to 5 are supported",
                        weights->name, weights->rank, x->rank);
  for (int i = 2; i < x->rank; i++)
    kernel[5 - x->rank + i - 2] = weights->dims[i];
  *group = qf_onnx_int(n, "group", 1);
  if (*group < 1 || x->dims[1] % *group || weights->dims[0] % *group)
    return qf_onnx_fail(n, error, QF_ERROR_SHAPE, "group %d does not divide the channels", *group);
  return qf_onnx_window(n, x, kernel, w, error);
}

static gboolean emit_conv(QfOnnxNode *n, const char *op, QfTensor *weights, const QfOnnxWindow *w,
                          int32_t group, const int64_t *output_padding, GError **error)
{
  gboolean volume = is_volume(n);
  int32_t rank = n->in[0]->rank;
  if (!weights)
    return FALSE;
  QfTensor *in[] = {volume ? qf_onnx_to_volume(n, n->in[0], error) : qf_onnx_to_image(n, n->in[0], error),
                    weights, qf_onnx_input(n, 2)};
  if (!in[0])
    return FALSE;
  QfNode *node = qf_build_begin(n->b, op, in, 3, NULL);
  if (volume)
    set_volume_attrs(node->attrs, w, group, output_padding);
  else
    set_attrs(node->attrs, w, group, output_padding);
  QfTensor *y = qf_build_end(n->b, node, error);
  if (volume)
    return qf_onnx_bind(n, 0, qf_onnx_from_volume(n, y, rank, qf_onnx_output(n, 0), error));
  return qf_onnx_from_image(n, y, rank, error);
}

static gboolean map_conv(QfOnnxNode *n, GError **error)
{
  static const QfInts hwio = {4, {2, 3, 1, 0}}, dhwio = {5, {2, 3, 4, 1, 0}};
  QfOnnxWindow w;
  int32_t group;
  gboolean volume = is_volume(n);
  if (!read_conv(n, &w, &group, error))
    return FALSE;
  if (n->in[1]->dims[1] * group != n->in[0]->dims[1])
    return qf_onnx_fail(n, error, QF_ERROR_SHAPE,
                        "its weights take %" G_GINT64_FORMAT
                        " channels in %d groups, its input has %" G_GINT64_FORMAT,
                        n->in[1]->dims[1], group, n->in[0]->dims[1]);
  qf_onnx_window_pad(&w);
  QfTensor *weights = widen_weights(n, n->in[1], volume ? 5 : 4, error);
  if (!weights)
    return FALSE;
  gboolean depthwise = !volume && group > 1 && group == n->in[0]->dims[1];
  weights = qf_onnx_permute_weights(n, weights, volume ? &dhwio : &hwio, error);
  return emit_conv(n,
                   volume      ? "Conv3d"
                   : depthwise ? "DepthWiseConv2d"
                               : "Conv2d",
                   weights, &w, depthwise ? 1 : group, NULL, error);
}

/* [C,M/group,(KD,)KH,KW] to [(KD,)KH,KW,C/group,M]. */
static QfTensor *transpose_conv_weights(QfOnnxNode *n, QfTensor *w, int32_t group, GError **error)
{
  const int32_t spatial = w->rank - 2;
  QfInts plain = {.n = w->rank}, grouped = {.n = w->rank + 1}, split = {.n = w->rank + 1},
         whole = {.n = w->rank};
  const int64_t *d = w->dims, groups[] = {group, d[0] / group, d[1]};
  for (int i = 0; i < spatial; i++) {
    plain.v[i] = 2 + i;
    grouped.v[i] = 3 + i;
    whole.v[i] = split.v[3 + i] = d[2 + i];
  }
  plain.v[spatial + 1] = 1;
  if (group == 1)
    return qf_onnx_permute_weights(n, w, &plain, error);
  for (int i = 0; i < 3; i++) {
    split.v[i] = groups[i];
    grouped.v[spatial + i] = i == 0 ? 1 : i == 1 ? 0 : 2;
  }
  whole.v[spatial] = d[0] / group;
  whole.v[spatial + 1] = d[1] * group;
  /* Of integers with one scale the integers move, so that it stays a layer of integers. */
  QfTensor *stored = w->data || !qf_onnx_is_constant(w) ? w : w->producer->inputs[0];
  QfTensor *x = stored->enc.count > 1 ? w : stored;
  const gboolean again = x != w;
  x = qf_build_reshape(n->b, x, &split, NULL, error);
  x = qf_build_transpose(n->b, x, &grouped, NULL, error);
  x = qf_build_reshape(n->b, x, &whole, NULL, error);
  return again ? qf_onnx_dequantize(n, x, NULL, error) : x;
}

/* Pads from the wanted output size, or from auto_pad. */
static gboolean settle_transpose_pads(QfOnnxNode *n, QfOnnxWindow *w, int64_t *output_padding, GError **error)
{
  int64_t shape[3];
  gboolean given;
  if (!qf_onnx_spatial(n, "output_shape", n->in[0]->rank, 0, shape, &given, error))
    return FALSE;
  gboolean same = w->auto_pad == QF_AUTO_PAD_SAME_UPPER || w->auto_pad == QF_AUTO_PAD_SAME_LOWER;
  if (!given && !same)
    return TRUE;
  for (int i = 3 - w->spatial; i < 3; i++) {
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
  int64_t output_padding[3];
  gboolean volume = is_volume(n);
  if (!read_conv(n, &w, &group, error) ||
      !qf_onnx_spatial(n, "output_padding", n->in[0]->rank, 0, output_padding, NULL, error) ||
      !settle_transpose_pads(n, &w, output_padding, error))
    return FALSE;
  if (n->in[1]->dims[0] != n->in[0]->dims[1])
    return qf_onnx_fail(n, error, QF_ERROR_SHAPE, "its weights take other channels than its input has");
  QfTensor *weights = widen_weights(n, n->in[1], volume ? 5 : 4, error);
  weights = weights ? transpose_conv_weights(n, weights, group, error) : NULL;
  return emit_conv(n, volume ? "TransposeConv3d" : "TransposeConv2d", weights, &w, group, output_padding,
                   error);
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
    y = qf_build_apply2(n->b, "ElementWiseAdd", y, z, *activation ? NULL : qf_onnx_output(n, 0), error);
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
