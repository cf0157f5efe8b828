/* SPDX-License-Identifier: MIT */
/*
 * conv.c - convolutions, pools, matrix products, batch normalisation. Filters are HWIO already, and images NHWC unless the node
 * says NCHW.
 */
#include "map.h"

#include <math.h>
#include <string.h>

#define MAX_WINDOW ((int64_t)1 << 24)

/* A window over height and width: strides, dilations, kernel, paddings (top, bottom, left, right). */
typedef struct {
  int64_t kernel[2], stride[2], dilation[2], pad[4], in[2];
} Window;

/* The height and width of a list that counts all four dimensions; a missing one is all 1. */
static gboolean read_pair(const QfTfNode *n, const char *name, int64_t out[2], GError **error)
{
  QfInts list;
  int at = qf_tf_is_nchw(n) ? 2 : 1;
  out[0] = out[1] = 1;
  if (!qf_tf_ints(n, name, &list, error) || !list.n)
    return !error || !*error;
  for (int i = 0; i < list.n; i++)
    if (list.n != 4 || list.v[i] < 1 || list.v[i] > MAX_WINDOW || (i != at && i != at + 1 && list.v[i] != 1))
      return qf_build_fail(
          &n->build, error, QF_ERROR_UNSUPPORTED,
          "attribute %s must have a value above 0 for height and width, and 1 for the others", name);
  out[0] = list.v[at];
  out[1] = list.v[at + 1];
  return TRUE;
}

static gboolean explicit_pads(const QfTfNode *n, Window *w, GError **error)
{
  QfInts list;
  int at = qf_tf_is_nchw(n) ? 4 : 2;
  if (!qf_tf_ints(n, "explicit_paddings", &list, error))
    return FALSE;
  for (int i = 0; i < 8; i++)
    if (list.n != 8 || list.v[i] < 0 || list.v[i] > MAX_WINDOW)
      return qf_build_fail(&n->build, error, QF_ERROR_FORMAT,
                           "attribute explicit_paddings must have 8 values of at least 0");
  memcpy(w->pad, &list.v[at], sizeof(w->pad));
  return TRUE;
}

/* @x is the image in NHWC; w->kernel is set. */
static gboolean read_window(const QfTfNode *n, const QfTensor *x, Window *w, GError **error)
{
  if (!read_pair(n, "strides", w->stride, error) || !read_pair(n, "dilations", w->dilation, error))
    return FALSE;
  memset(w->pad, 0, sizeof(w->pad));
  for (int i = 0; i < 2; i++) {
    w->in[i] = x->dims[1 + i];
    if (w->kernel[i] < 1 || w->kernel[i] > MAX_WINDOW || w->in[i] > G_MAXINT32)
      return qf_build_fail(&n->build, error, QF_ERROR_SHAPE, "its window or image has an impossible size");
  }
  if (qf_tf_is(n, "padding", "EXPLICIT", "VALID"))
    return explicit_pads(n, w, error);
  if (qf_tf_is(n, "padding", "VALID", "VALID"))
    return TRUE;
  if (!qf_tf_is(n, "padding", "SAME", "VALID"))
    return qf_build_fail(&n->build, error, QF_ERROR_UNSUPPORTED, "padding must be SAME, VALID or EXPLICIT");
  for (int i = 0; i < 2; i++) {
    int64_t out = (w->in[i] + w->stride[i] - 1) / w->stride[i];
    int64_t total = MAX((out - 1) * w->stride[i] + (w->kernel[i] - 1) * w->dilation[i] + 1 - w->in[i], 0);
    w->pad[2 * i] = total / 2;
    w->pad[2 * i + 1] = total - total / 2;
  }
  return TRUE;
}

static void set_attrs(QfConv2dAttrs *a, const Window *w)
{
  for (int i = 0; i < 2; i++) {
    a->stride[i] = qf_build_i32(w->stride[i]);
    a->dilation[i] = qf_build_i32(w->dilation[i]);
  }
  for (int i = 0; i < 4; i++)
    a->pad[i] = qf_build_i32(w->pad[i]);
}

static gboolean map_conv(QfTfNode *n, GError **error)
{
  Window w;
  QfTensor *in[] = {qf_tf_to_nhwc(n, n->in[0], error), n->in[1]};
  if (!in[0] || !qf_tf_need_rank(n, 1, 4, error))
    return FALSE;
  w.kernel[0] = in[1]->dims[0];
  w.kernel[1] = in[1]->dims[1];
  if (!read_window(n, in[0], &w, error))
    return FALSE;
  int64_t channels = in[0]->dims[3], each = in[1]->dims[2];
  if (n->row->arg) { /* depthwise: [KH,KW,C,multiplier] */
    QfInts flat = {4, {w.kernel[0], w.kernel[1], 1, each * in[1]->dims[3]}};
    if (each != channels)
      return qf_build_fail(&n->build, error, QF_ERROR_SHAPE, "its filter has other channels than its image");
    in[1] = qf_build_reshape(&n->build, in[1], &flat, NULL, error);
    if (!in[1])
      return FALSE;
  } else if (each < 1 || channels % each) {
    return qf_build_fail(&n->build, error, QF_ERROR_SHAPE, "its filter has other channels than its image");
  }
  QfNode *node = qf_build_begin(&n->build, n->row->target, in, 2, NULL);
  set_attrs(node->attrs, &w);
  if (!n->row->arg)
    ((QfConv2dAttrs *)node->attrs)->group = qf_build_i32(channels / each);
  return qf_tf_bind_image(n, qf_build_end(&n->build, node, error), error);
}

/* The gradient of a convolution: the size of its input is given, its output's is known. */
static gboolean map_conv_transpose(QfTfNode *n, GError **error)
{
  static const QfInts swap = {4, {0, 1, 3, 2}};
  QfInts size;
  Window w;
  int at = qf_tf_is_nchw(n) ? 2 : 1;
  QfTensor *in[] = {qf_tf_to_nhwc(n, n->in[2], error), NULL};
  if (!in[0] || !qf_tf_need_rank(n, 1, 4, error) || !qf_tf_const_ints(n, 0, &size, error))
    return FALSE;
  int first = size.n == 2 ? 0 : at;
  if (size.n != 4 && size.n != 2)
    return qf_build_fail(&n->build, error, QF_ERROR_SHAPE, "its size must be 4 numbers, or height and width");
  w.kernel[0] = n->in[1]->dims[0];
  w.kernel[1] = n->in[1]->dims[1];
  if (!read_window(n, in[0], &w, error))
    return FALSE;
  gboolean given = qf_tf_is(n, "padding", "EXPLICIT", "VALID");
  int64_t more[2];
  for (int i = 0; i < 2; i++) {
    int64_t whole = (w.in[i] - 1) * w.stride[i] + (w.kernel[i] - 1) * w.dilation[i] + 1;
    int64_t total = given ? w.pad[2 * i] + w.pad[2 * i + 1] : MAX(whole - size.v[first + i], 0);
    more[i] = size.v[first + i] - (whole - total);
    if (size.v[first + i] < 1 || more[i] < 0 || more[i] > MAX_WINDOW)
      return qf_build_fail(&n->build, error, QF_ERROR_SHAPE,
                           "its size does not belong to its image and padding");
    w.pad[2 * i] = given ? w.pad[2 * i] : total / 2;
    w.pad[2 * i + 1] = total - w.pad[2 * i];
  }
  in[1] = qf_build_transpose(&n->build, n->in[1], &swap, NULL, error);
  if (!in[1])
    return FALSE;
  QfNode *node = qf_build_begin(&n->build, "TransposeConv2d", in, 2, NULL);
  QfConv2dAttrs *a = node->attrs;
  set_attrs(a, &w);
  a->group = 1;
  a->output_padding[0] = (int32_t)more[0];
  a->output_padding[1] = (int32_t)more[1];
  return qf_tf_bind_image(n, qf_build_end(&n->build, node, error), error);
}

static gboolean map_pool(QfTfNode *n, GError **error)
{
  Window w;
  QfTensor *x = qf_tf_to_nhwc(n, n->in[0], error);
  if (!x || !read_pair(n, "ksize", w.kernel, error) || !read_window(n, x, &w, error))
    return FALSE;
  QfNode *node = qf_build_begin(&n->build, n->row->target, &x, 1, NULL);
  QfPool2dAttrs *a = node->attrs;
  for (int i = 0; i < 2; i++) {
    a->filter[i] = qf_build_i32(w.kernel[i]);
    a->stride[i] = qf_build_i32(w.stride[i]);
  }
  for (int i = 0; i < 4; i++)
    a->pad[i] = qf_build_i32(w.pad[i]);
  return qf_tf_bind_image(n, qf_build_end(&n->build, node, error), error);
}

/* A vector over the channels. */
static gboolean map_bias_add(QfTfNode *n, GError **error)
{
  QfTensor *bias = n->in[1];
  QfInts shape = {.n = MAX(n->in[0]->rank - 1, 1)};
  for (int i = 0; i < shape.n; i++)
    shape.v[i] = i ? 1 : qf_tensor_count(bias);
  if (qf_tf_is_nchw(n))
    bias = qf_build_reshape(&n->build, bias, &shape, NULL, error);
  return qf_tf_bind(n, 0,
                    qf_build_apply2(&n->build, "ElementWiseAdd", n->in[0], bias, qf_tf_out(n, 0), error));
}

/* weight = scale / sqrt(variance + epsilon), bias = offset - mean * weight: in double, from constants. */
static gboolean map_batch_norm(QfTfNode *n, GError **error)
{
  QfTensor *x = qf_tf_to_nhwc(n, n->in[0], error);
  if (!x)
    return FALSE;
  int64_t channels = x->dims[3];
  for (uint32_t i = 1; i < 5; i++)
    if (!n->in[i]->data || qf_tensor_count(n->in[i]) != channels || qf_tf_bool(n, "is_training", TRUE))
      return qf_build_fail(
          &n->build, error, QF_ERROR_UNSUPPORTED,
          "its statistics must be constants, one for each channel, and is_training false; freeze the "
          "graph for inference");
  double epsilon = qf_tf_float(n, "epsilon", 1e-4f);
  g_autofree float *w = g_new(float, channels + 1), *b = g_new(float, channels + 1);
  for (int64_t i = 0; i < channels; i++) {
    double k = qf_tensor_get_real(n->in[1], i) / sqrt(qf_tensor_get_real(n->in[4], i) + epsilon);
    w[i] = (float)k;
    b[i] = (float)(qf_tensor_get_real(n->in[2], i) - qf_tensor_get_real(n->in[3], i) * k);
  }
  QfInts shape = {1, {channels}};
  QfTensor *in[] = {x, qf_build_floats(&n->build, &shape, w), qf_build_floats(&n->build, &shape, b)};
  QfTensor *out = qf_tf_is_nchw(n) ? NULL : qf_tf_out(n, 0);
  return qf_tf_bind_image(n,
                          qf_build_end(&n->build, qf_build_begin(&n->build, "Batchnorm", in, 3, out), error),
                          error);
}

/* With a constant matrix a FullyConnected, whose weights are [out, in]. */
static gboolean map_matmul(QfTfNode *n, GError **error)
{
  static const QfInts swap = {2, {1, 0}};
  QfTensor *in[] = {n->in[0], n->in[1]};
  const char *ta = n->row->arg ? "adj_x" : "transpose_a", *tb = n->row->arg ? "adj_y" : "transpose_b";
  gboolean dense = in[1]->data && in[1]->rank == 2 && in[0]->rank == 2 && !qf_tf_bool(n, ta, FALSE);
  if (dense && !qf_tf_bool(n, tb, FALSE))
    in[1] = qf_build_transpose(&n->build, in[1], &swap, NULL, error);
  if (!in[1])
    return FALSE;
  n->build.target = dense ? "FullyConnected" : "MatMul";
  QfNode *node = qf_build_begin(&n->build, n->build.target, in, 2, qf_tf_out(n, 0));
  if (!dense) {
    QfMatMulAttrs *a = node->attrs;
    a->transpose_in0 = qf_tf_bool(n, ta, FALSE);
    a->transpose_in1 = qf_tf_bool(n, tb, FALSE);
  }
  return qf_tf_bind(n, 0, qf_build_end(&n->build, node, error));
}

static gboolean map_lrn(QfTfNode *n, GError **error)
{
  int64_t radius = qf_tf_int(n, "depth_radius", 5);
  if (!qf_tf_need_rank(n, 0, 4, error))
    return FALSE;
  if (radius < 0 || radius > 1 << 16)
    return qf_build_fail(&n->build, error, QF_ERROR_FORMAT,
                         "depth_radius %" G_GINT64_FORMAT " is not possible", radius);
  return qf_tf_bind(n, 0,
                    qf_build_lrn(&n->build, n->in[0], (int32_t)(2 * radius + 1), qf_tf_float(n, "alpha", 1),
                                 qf_tf_float(n, "beta", 0.5f), qf_tf_float(n, "bias", 1), error));
}

const QfTfRow qf_tf_conv_rows[] = {
    {"Conv2D", map_conv, 2, 2, "Conv2d", 0},
    {"DepthwiseConv2dNative", map_conv, 2, 2, "DepthWiseConv2d", 1},
    {"Conv2DBackpropInput", map_conv_transpose, 3, 3, "TransposeConv2d", 0},
    {"MaxPool", map_pool, 1, 1, "PoolMax2d", 0},
    {"AvgPool", map_pool, 1, 1, "PoolAvg2d", 0},
    {"BiasAdd", map_bias_add, 2, 2, "ElementWiseAdd", 0},
    {"BiasAddV1", map_bias_add, 2, 2, "ElementWiseAdd", 0},
    {"FusedBatchNorm", map_batch_norm, 5, 5, "Batchnorm", 0},
    {"FusedBatchNormV2", map_batch_norm, 5, 5, "Batchnorm", 0},
    {"FusedBatchNormV3", map_batch_norm, 5, 5, "Batchnorm", 0},
    {"MatMul", map_matmul, 2, 2, NULL, 0},
    {"BatchMatMul", map_matmul, 2, 2, NULL, 1},
    {"BatchMatMulV2", map_matmul, 2, 2, NULL, 1},
    {"LRN", map_lrn, 1, 1, NULL, 0},
    {NULL},
};
