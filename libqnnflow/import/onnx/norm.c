/* SPDX-License-Identifier: MIT */
/*
 * norm.c - normalisations. BatchNormalization with constant statistics becomes one weight and one bias a channel, computed in
 * double; what the graph has no operator for is written out.
 */
#include "map.h"

#include <math.h>
#include <string.h>

/* weight = scale / sqrt(var + epsilon), bias = b - mean * weight */
static gboolean fold_statistics(QfOnnxNode *n, int64_t channels, QfTensor **weight, QfTensor **bias,
                                GError **error)
{
  const QfTensor *c[4];
  QfInts shape = {1, {channels}};
  double epsilon = qf_onnx_float(n, "epsilon", 1e-5f);
  for (int i = 0; i < 4; i++) {
    c[i] = qf_onnx_constant(n->in[1 + i]);
    if (!c[i])
      return qf_onnx_fail(n, error, QF_ERROR_UNSUPPORTED,
                          "input '%s' must be constant; export the model for inference", n->in[1 + i]->name);
    if (qf_tensor_count(c[i]) != channels)
      return qf_onnx_fail(n, error, QF_ERROR_SHAPE,
                          "input '%s' does not have one number for each of %" G_GINT64_FORMAT " channels",
                          c[i]->name, channels);
  }
  g_autofree float *w = g_new(float, channels + 1), *b = g_new(float, channels + 1);
  for (int64_t i = 0; i < channels; i++) {
    double k = qf_tensor_get_real(c[0], i) / sqrt(qf_tensor_get_real(c[3], i) + epsilon);
    w[i] = (float)k;
    b[i] = (float)(qf_tensor_get_real(c[1], i) - qf_tensor_get_real(c[2], i) * k);
  }
  *weight = qf_onnx_floats(n, &shape, w);
  *bias = qf_onnx_floats(n, &shape, b);
  return TRUE;
}

static gboolean map_batchnorm(QfOnnxNode *n, GError **error)
{
  QfTensor *x = n->in[0], *in[3];
  if (x->rank < 2 || qf_onnx_int(n, "training_mode", 0) || !qf_onnx_int(n, "spatial", 1))
    return qf_onnx_fail(n, error, QF_ERROR_UNSUPPORTED,
                        "only inference over channels of [N,C,...] is supported");
  if (!fold_statistics(n, x->dims[1], &in[1], &in[2], error))
    return FALSE;
  in[0] = qf_onnx_channels_last(n, x, error);
  if (!in[0])
    return FALSE;
  QfNode *node = qf_onnx_begin(n, "Batchnorm", in, 3, x->rank == 2 ? qf_onnx_output(n, 0) : NULL);
  QfTensor *y = qf_onnx_end(n, node, error);
  if (x->rank > 2)
    y = qf_onnx_channels_first(n, y, qf_onnx_output(n, 0), error);
  return qf_onnx_bind(n, 0, y);
}

static gboolean map_instance_norm(QfOnnxNode *n, GError **error)
{
  QfTensor *in[] = {qf_onnx_to_image(n, n->in[0], error), n->in[1], n->in[2]};
  if (!in[0])
    return FALSE;
  QfNode *node = qf_onnx_begin(n, "InstanceNorm", in, 3, NULL);
  ((QfNormAttrs *)node->attrs)->epsilon = qf_onnx_float(n, "epsilon", 1e-5f);
  return qf_onnx_from_image(n, qf_onnx_end(n, node, error), n->in[0]->rank, error);
}

static QfTensor *emit_layer_norm(QfOnnxNode *n, QfTensor *x, QfTensor *weight, QfTensor *bias, int32_t axis,
                                 float epsilon, QfTensor *out, GError **error)
{
  QfTensor *in[] = {x, weight, bias};
  if (!x)
    return NULL;
  QfNode *node = qf_onnx_begin(n, "LayerNorm", in, 3, out);
  QfNormAttrs *a = node->attrs;
  a->epsilon = epsilon;
  for (int i = axis; i < x->rank; i++)
    a->axes.v[a->axes.n++] = i;
  return qf_onnx_end(n, node, error);
}

static gboolean map_layer_norm(QfOnnxNode *n, GError **error)
{
  int32_t axis;
  if (!qf_onnx_axis(n, qf_onnx_int(n, "axis", -1), n->in[0]->rank, &axis, error))
    return FALSE;
  return qf_onnx_bind(n, 0,
                      emit_layer_norm(n, n->in[0], n->in[1], qf_onnx_input(n, 2), axis,
                                      qf_onnx_float(n, "epsilon", 1e-5f), qf_onnx_output(n, 0), error));
}

/* x / sqrt(mean(x * x) + epsilon) * weight */
static QfTensor *emit_rms_norm(QfOnnxNode *n, QfTensor *x, QfTensor *weight, int32_t axis, QfTensor *out,
                               GError **error)
{
  QfTensor *y = qf_onnx_apply2(n, "ElementWiseMultiply", x, x, NULL, error);
  if (!y)
    return NULL;
  QfNode *node = qf_onnx_begin(n, "ReduceMean", &y, 1, NULL);
  QfReduceAttrs *a = node->attrs;
  a->keep_dims = 1;
  for (int i = axis; i < x->rank; i++)
    a->axes.v[a->axes.n++] = i;
  y = qf_onnx_end(n, node, error);
  QfTensor *epsilon = qf_onnx_scalar(n, qf_onnx_float(n, "epsilon", 1e-5f), QF_DTYPE_FLOAT32);
  y = qf_onnx_apply2(n, "ElementWiseAdd", y, epsilon, NULL, error);
  y = qf_onnx_apply1(n, "ElementWiseRsqrt", y, NULL, error);
  y = qf_onnx_apply2(n, "ElementWiseMultiply", x, y, NULL, error);
  return qf_onnx_apply2(n, "ElementWiseMultiply", y, weight, out, error);
}

static gboolean map_rms_norm(QfOnnxNode *n, GError **error)
{
  int32_t axis;
  return qf_onnx_axis(n, qf_onnx_int(n, "axis", -1), n->in[0]->rank, &axis, error) &&
         qf_onnx_bind(n, 0, emit_rms_norm(n, n->in[0], n->in[1], axis, qf_onnx_output(n, 0), error));
}

/* SkipLayerNormalization: normalise (x + skip + bias). arg 1: without mean. The sum is the last output. */
static gboolean map_skip_norm(QfOnnxNode *n, GError **error)
{
  QfTensor *bias = qf_onnx_input(n, n->row->arg ? 3 : 4), *y;
  gboolean keep = n->n_out > 3 && n->out_names[3];
  QfTensor *sum = qf_onnx_apply2(n, "ElementWiseAdd", n->in[0], n->in[1],
                                 keep && !bias ? qf_onnx_output(n, 3) : NULL, error);
  if (sum && bias)
    sum = qf_onnx_apply2(n, "ElementWiseAdd", sum, bias, keep ? qf_onnx_output(n, 3) : NULL, error);
  if (!sum)
    return FALSE;
  if (keep)
    n->out[3] = sum;
  if (n->row->arg)
    y = emit_rms_norm(n, sum, n->in[2], sum->rank - 1, qf_onnx_output(n, 0), error);
  else
    y = emit_layer_norm(n, sum, n->in[2], qf_onnx_input(n, 3), sum->rank - 1,
                        qf_onnx_float(n, "epsilon", 1e-5f), qf_onnx_output(n, 0), error);
  return qf_onnx_bind(n, 0, y);
}

/* GroupNormalization as a LayerNorm of each group, then a weight and bias: per group (opset 18) or channel (21). */
static gboolean map_group_norm(QfOnnxNode *n, GError **error)
{
  QfTensor *x = n->in[0];
  int64_t groups = qf_onnx_int(n, "num_groups", 0), channels = x->rank > 1 ? x->dims[1] : 0;
  if (groups < 1 || !channels || channels % groups)
    return qf_onnx_fail(n, error, QF_ERROR_SHAPE,
                        "num_groups %" G_GINT64_FORMAT " does not divide the channels", groups);
  int64_t parts = qf_tensor_count(n->in[1]);
  if ((parts != groups && parts != channels) || qf_tensor_count(n->in[2]) != parts)
    return qf_onnx_fail(n, error, QF_ERROR_SHAPE,
                        "its scale and bias fit neither its groups nor its channels");
  int64_t each = qf_tensor_count(x) / MAX(x->dims[0] * groups, 1);
  QfInts grouped = {3, {x->dims[0], groups, each}}, shape = qf_onnx_dims(x);
  QfInts spread = {3, {x->dims[0], parts, qf_tensor_count(x) / MAX(x->dims[0] * parts, 1)}};
  QfInts column = {3, {1, parts, 1}};
  QfTensor *y = qf_onnx_reshape(n, x, &grouped, NULL, error);
  y = emit_layer_norm(n, y, NULL, NULL, 2, qf_onnx_float(n, "epsilon", 1e-5f), NULL, error);
  y = qf_onnx_reshape(n, y, &spread, NULL, error);
  y = qf_onnx_apply2(n, "ElementWiseMultiply", y, qf_onnx_reshape(n, n->in[1], &column, NULL, error), NULL,
                     error);
  y = y ? qf_onnx_apply2(n, "ElementWiseAdd", y, qf_onnx_reshape(n, n->in[2], &column, NULL, error), NULL,
                         error)
        : NULL;
  return qf_onnx_bind(n, 0, qf_onnx_reshape(n, y, &shape, qf_onnx_output(n, 0), error));
}

static gboolean map_lp_norm(QfOnnxNode *n, GError **error)
{
  int32_t axis;
  if (qf_onnx_int(n, "p", 2) != 2)
    return qf_onnx_fail(n, error, QF_ERROR_UNSUPPORTED, "only p=2 is supported");
  if (!qf_onnx_axis(n, qf_onnx_int(n, "axis", -1), n->in[0]->rank, &axis, error))
    return FALSE;
  QfNode *node = qf_onnx_begin(n, "L2Norm", n->in, 1, qf_onnx_output(n, 0));
  QfNormAttrs *a = node->attrs;
  a->axes = (QfInts){1, {axis}};
  a->epsilon = 1e-30f; /* only so that zeros do not divide by zero */
  return qf_onnx_bind(n, 0, qf_onnx_end(n, node, error));
}

/* x / (bias + alpha * mean over size channels of x * x) ^ beta: the mean is a pool along the channels. */
static gboolean map_lrn(QfOnnxNode *n, GError **error)
{
  QfTensor *x = n->in[0];
  int32_t size = qf_onnx_int(n, "size", 0);
  QfTensor *last = qf_onnx_channels_last(n, x, error);
  if (!last)
    return FALSE;
  if (size < 1 || size > 1 << 16 || x->rank < 3 || !x->dims[1])
    return qf_onnx_fail(n, error, QF_ERROR_UNSUPPORTED,
                        "it needs an input [N,C,...] and a size of at least 1");
  QfInts shape = qf_onnx_dims(last), rows = {4, {1, qf_tensor_count(x) / x->dims[1], x->dims[1], 1}};
  QfTensor *y = qf_onnx_apply2(n, "ElementWiseMultiply", last, last, NULL, error);
  y = qf_onnx_reshape(n, y, &rows, NULL, error);
  if (!y)
    return FALSE;
  QfNode *node = qf_onnx_begin(n, "PoolAvg2d", &y, 1, NULL);
  QfPool2dAttrs *a = node->attrs;
  *a = (QfPool2dAttrs){.filter = {1, size}, .stride = {1, 1}, .dilation = {1, 1}, .count_pad = 1};
  a->pad[2] = (size - 1) / 2;
  a->pad[3] = size - 1 - a->pad[2];
  y = qf_onnx_reshape(n, qf_onnx_end(n, node, error), &shape, NULL, error);
  y = qf_onnx_scale(n, y, qf_onnx_float(n, "alpha", 1e-4f), NULL, error);
  QfTensor *bias = qf_onnx_scalar(n, qf_onnx_float(n, "bias", 1), QF_DTYPE_FLOAT32);
  QfTensor *beta = qf_onnx_scalar(n, qf_onnx_float(n, "beta", 0.75f), QF_DTYPE_FLOAT32);
  y = qf_onnx_apply2(n, "ElementWiseAdd", y, bias, NULL, error);
  y = qf_onnx_apply2(n, "ElementWisePower", y, beta, NULL, error);
  y = qf_onnx_apply2(n, "ElementWiseDivide", last, y, NULL, error);
  return qf_onnx_bind(n, 0, qf_onnx_channels_first(n, y, qf_onnx_output(n, 0), error));
}

const QfOnnxRow qf_onnx_norm_rows[] = {
    {"", "BatchNormalization", map_batchnorm, 5, 5, "Batchnorm", 0},
    {"", "InstanceNormalization", map_instance_norm, 3, 3, "InstanceNorm", 0},
    {"", "LayerNormalization", map_layer_norm, 2, 3, "LayerNorm", 0},
    {"com.microsoft", "LayerNormalization", map_layer_norm, 2, 3, "LayerNorm", 0},
    {"", "RMSNormalization", map_rms_norm, 2, 2, NULL, 0},
    {"", "SimplifiedLayerNormalization", map_rms_norm, 2, 2, NULL, 0},
    {"com.microsoft", "SkipLayerNormalization", map_skip_norm, 3, 5, "LayerNorm", 0},
    {"com.microsoft", "SkipSimplifiedLayerNormalization", map_skip_norm, 3, 4, NULL, 1},
    {"", "GroupNormalization", map_group_norm, 3, 3, "LayerNorm", 0},
    {"", "LpNormalization", map_lp_norm, 1, 1, "L2Norm", 0},
    {"", "LRN", map_lrn, 1, 1, NULL, 0},
    {NULL},
};
