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
  *weight = qf_build_floats(n->b, &shape, w);
  *bias = qf_build_floats(n->b, &shape, b);
  return TRUE;
}

/* All dimensions of @x but @but. */
static QfInts axes_but(const QfTensor *x, int32_t but)
{
  QfInts axes = {0};
  for (int i = 0; i < x->rank; i++)
    if (i != but)
      axes.v[axes.n++] = i;
  return axes;
}

/* The mean, and the mean square of what differs from it, over @axes. NULL in @variance on error. */
static void emit_moments(QfOnnxNode *n, QfTensor *x, const QfInts *axes, gboolean keep_dims, QfTensor **mean,
                         QfTensor **variance, GError **error)
{
  QfTensor *kept = qf_build_reduce(n->b, "ReduceMean", x, axes, TRUE, NULL, error);
  QfTensor *d = qf_build_apply2(n->b, "ElementWiseSubtract", x, kept, NULL, error);
  d = qf_build_apply2(n->b, "ElementWiseMultiply", d, d, NULL, error);
  *variance = qf_build_reduce(n->b, "ReduceMean", d, axes, keep_dims, NULL, error);
  *mean = keep_dims || !*variance
              ? kept
              : qf_build_reshape(n->b, kept, &(QfInts){1, {qf_tensor_count(kept)}}, NULL, error);
}

/* 1 / sqrt(variance + epsilon) */
static QfTensor *emit_inverse(QfOnnxNode *n, QfTensor *variance, float epsilon, QfTensor *out, GError **error)
{
  QfTensor *e = qf_build_scalar(n->b, epsilon, QF_DTYPE_FLOAT32);
  variance = qf_build_apply2(n->b, "ElementWiseAdd", variance, e, NULL, error);
  return qf_build_apply1(n->b, "ElementWiseRsqrt", variance, out, error);
}

/* Output @index: what was known, moved towards this batch. */
static gboolean emit_running(QfOnnxNode *n, uint32_t index, QfTensor *known, QfTensor *batch, GError **error)
{
  float momentum = qf_onnx_float(n, "momentum", 0.9f);
  if (index >= n->n_out || !n->out_names[index])
    return TRUE;
  known = qf_build_with(n->b, "ElementWiseMultiply", known, momentum, NULL, error);
  batch = qf_build_with(n->b, "ElementWiseMultiply", batch, 1.0f - momentum, NULL, error);
  return qf_onnx_bind(n, index,
                      qf_build_apply2(n->b, "ElementWiseAdd", known, batch, qf_onnx_output(n, index), error));
}

/* Weight and bias as fold_statistics(), computed at run time: of this batch when training, else of the inputs. */
static gboolean emit_statistics(QfOnnxNode *n, QfTensor *x, gboolean training, QfTensor **weight,
                                QfTensor **bias, GError **error)
{
  QfTensor *mean = n->in[3], *variance = n->in[4];
  QfInts axes = axes_but(x, x->rank - 1);
  if (training)
    emit_moments(n, x, &axes, FALSE, &mean, &variance, error);
  if (training &&
      (!emit_running(n, 1, n->in[3], mean, error) || !emit_running(n, 2, n->in[4], variance, error)))
    return FALSE;
  *weight = emit_inverse(n, variance, qf_onnx_float(n, "epsilon", 1e-5f), NULL, error);
  *weight = qf_build_apply2(n->b, "ElementWiseMultiply", *weight, n->in[1], NULL, error);
  *bias = qf_build_apply2(n->b, "ElementWiseMultiply", mean, *weight, NULL, error);
  *bias = qf_build_apply2(n->b, "ElementWiseSubtract", n->in[2], *bias, NULL, error);
  return *bias != NULL;
}

static gboolean map_batchnorm(QfOnnxNode *n, GError **error)
{
  QfTensor *x = n->in[0], *in[3] = {qf_build_channels_last(n->b, x, error)};
  gboolean training = qf_onnx_int(n, "training_mode", 0) != 0, constant = !training;
  if (!in[0])
    return FALSE;
  if (x->rank < 2 || !qf_onnx_int(n, "spatial", 1))
    return qf_onnx_fail(n, error, QF_ERROR_UNSUPPORTED,
                        "only statistics of the channels of [N,C,...] are supported");
  for (int i = 1; i < 5; i++)
    constant = constant && qf_onnx_is_constant(n->in[i]);
  if (!(constant ? fold_statistics(n, x->dims[1], &in[1], &in[2], error)
                 : emit_statistics(n, in[0], training, &in[1], &in[2], error)))
    return FALSE;
  QfNode *node = qf_build_begin(n->b, "Batchnorm", in, 3, x->rank == 2 ? qf_onnx_output(n, 0) : NULL);
  QfTensor *y = qf_build_end(n->b, node, error);
  if (x->rank > 2)
    y = qf_build_channels_first(n->b, y, qf_onnx_output(n, 0), error);
  return qf_onnx_bind(n, 0, y);
}

static gboolean map_instance_norm(QfOnnxNode *n, GError **error)
{
  QfTensor *in[] = {qf_build_channels_last(n->b, n->in[0], error), n->in[1], n->in[2]};
  if (!in[0])
    return FALSE;
  QfNode *node = qf_build_begin(n->b, "InstanceNorm", in, 3, NULL);
  ((QfNormAttrs *)node->attrs)->epsilon = qf_onnx_float(n, "epsilon", 1e-5f);
  QfTensor *y = qf_build_end(n->b, node, error);
  return qf_onnx_bind(n, 0, qf_build_channels_first(n->b, y, qf_onnx_output(n, 0), error));
}

/* (x - mean) / (standard deviation + 1e-9) */
static gboolean map_mean_variance_norm(QfOnnxNode *n, GError **error)
{
  QfTensor *x = n->in[0], *mean, *variance;
  QfInts axes;
  if (!qf_onnx_ints(n, "axes", &axes, error))
    return FALSE;
  if (!qf_onnx_attr(n, "axes"))
    axes = (QfInts){3, {0, 2, 3}};
  if (!qf_onnx_axes(n, &axes, x->rank, error))
    return FALSE;
  emit_moments(n, x, &axes, TRUE, &mean, &variance, error);
  QfTensor *d = qf_build_apply1(n->b, "ElementWiseSquareRoot", variance, NULL, error);
  d = qf_build_apply2(n->b, "ElementWiseAdd", d, qf_build_scalar(n->b, 1e-9, QF_DTYPE_FLOAT32), NULL, error);
  QfTensor *y = d ? qf_build_apply2(n->b, "ElementWiseSubtract", x, mean, NULL, error) : NULL;
  return qf_onnx_bind(n, 0, qf_build_apply2(n->b, "ElementWiseDivide", y, d, qf_onnx_output(n, 0), error));
}

static QfTensor *emit_layer_norm(QfOnnxNode *n, QfTensor *x, QfTensor *weight, QfTensor *bias, int32_t axis,
                                 float epsilon, QfTensor *out, GError **error)
{
  QfTensor *in[] = {x, weight, bias};
  if (!x)
    return NULL;
  QfNode *node = qf_build_begin(n->b, "LayerNorm", in, 3, out);
  QfNormAttrs *a = node->attrs;
  a->epsilon = epsilon;
  for (int i = axis; i < x->rank; i++)
    a->axes.v[a->axes.n++] = i;
  return qf_build_end(n->b, node, error);
}

static gboolean wanted(const QfOnnxNode *n, uint32_t index)
{
  return index < n->n_out && n->out_names[index];
}

/* Outputs @first and the next: mean and 1 / sqrt(variance + epsilon) over the dimensions from @axis on. */
static gboolean emit_layer_stats(QfOnnxNode *n, QfTensor *x, int32_t axis, uint32_t first, GError **error)
{
  QfTensor *mean, *variance;
  QfInts axes = {0};
  if (!wanted(n, first) && !wanted(n, first + 1))
    return TRUE;
  for (int i = axis; i < x->rank; i++)
    axes.v[axes.n++] = i;
  emit_moments(n, x, &axes, TRUE, &mean, &variance, error);
  if (!variance)
    return FALSE;
  n->out[first] = mean;
  if (wanted(n, first + 1))
    n->out[first + 1] =
        emit_inverse(n, variance, qf_onnx_float(n, "epsilon", 1e-5f), qf_onnx_output(n, first + 1), error);
  return !wanted(n, first + 1) || n->out[first + 1];
}

static gboolean map_layer_norm(QfOnnxNode *n, GError **error)
{
  int32_t axis;
  if (!qf_onnx_axis(n, qf_onnx_int(n, "axis", -1), n->in[0]->rank, &axis, error) ||
      !emit_layer_stats(n, n->in[0], axis, 1, error))
    return FALSE;
  return qf_onnx_bind(n, 0,
                      emit_layer_norm(n, n->in[0], n->in[1], qf_onnx_input(n, 2), axis,
                                      qf_onnx_float(n, "epsilon", 1e-5f), qf_onnx_output(n, 0), error));
}

/* x / sqrt(mean(x * x) + epsilon) * weight */
static QfTensor *emit_rms_norm(QfOnnxNode *n, QfTensor *x, QfTensor *weight, int32_t axis, QfTensor *out,
                               GError **error)
{
  QfTensor *y = qf_build_apply2(n->b, "ElementWiseMultiply", x, x, NULL, error);
  if (!y)
    return NULL;
  QfNode *node = qf_build_begin(n->b, "ReduceMean", &y, 1, NULL);
  QfReduceAttrs *a = node->attrs;
  a->keep_dims = 1;
  for (int i = axis; i < x->rank; i++)
    a->axes.v[a->axes.n++] = i;
  y = qf_build_end(n->b, node, error);
  QfTensor *epsilon = qf_build_scalar(n->b, qf_onnx_float(n, "epsilon", 1e-5f), QF_DTYPE_FLOAT32);
  y = qf_build_apply2(n->b, "ElementWiseAdd", y, epsilon, NULL, error);
  y = qf_build_apply1(n->b, "ElementWiseRsqrt", y, NULL, error);
  y = qf_build_apply2(n->b, "ElementWiseMultiply", x, y, NULL, error);
  return qf_build_apply2(n->b, "ElementWiseMultiply", y, weight, out, error);
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
  gboolean keep = wanted(n, 3);
  QfTensor *sum = qf_build_apply2(n->b, "ElementWiseAdd", n->in[0], n->in[1],
                                  keep && !bias ? qf_onnx_output(n, 3) : NULL, error);
  if (sum && bias)
    sum = qf_build_apply2(n->b, "ElementWiseAdd", sum, bias, keep ? qf_onnx_output(n, 3) : NULL, error);
  if (!sum)
    return FALSE;
  if (keep)
    n->out[3] = sum;
  if (!n->row->arg && !emit_layer_stats(n, sum, sum->rank - 1, 1, error))
    return FALSE;
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
  QfInts grouped = {3, {x->dims[0], groups, each}}, shape = qf_build_dims(x);
  QfInts spread = {3, {x->dims[0], parts, qf_tensor_count(x) / MAX(x->dims[0] * parts, 1)}};
  QfInts column = {3, {1, parts, 1}};
  QfTensor *y = qf_build_reshape(n->b, x, &grouped, NULL, error);
  y = emit_layer_norm(n, y, NULL, NULL, 2, qf_onnx_float(n, "epsilon", 1e-5f), NULL, error);
  y = qf_build_reshape(n->b, y, &spread, NULL, error);
  y = qf_build_apply2(n->b, "ElementWiseMultiply", y, qf_build_reshape(n->b, n->in[1], &column, NULL, error),
                      NULL, error);
  y = y ? qf_build_apply2(n->b, "ElementWiseAdd", y, qf_build_reshape(n->b, n->in[2], &column, NULL, error),
                          NULL, error)
        : NULL;
  return qf_onnx_bind(n, 0, qf_build_reshape(n->b, y, &shape, qf_onnx_output(n, 0), error));
}

/* x / max(sum |x|, tiny): all zeros stay zeros. */
static QfTensor *emit_l1_norm(QfOnnxNode *n, int32_t axis, GError **error)
{
  QfTensor *tiny = qf_build_scalar(n->b, 1e-30, QF_DTYPE_FLOAT32);
  QfTensor *sum = qf_build_apply1(n->b, "ElementWiseAbs", n->in[0], NULL, error);
  sum = qf_build_reduce(n->b, "ReduceSum", sum, &(QfInts){1, {axis}}, TRUE, NULL, error);
  sum = qf_build_apply2(n->b, "ElementWiseMaximum", sum, tiny, NULL, error);
  return qf_build_apply2(n->b, "ElementWiseDivide", n->in[0], sum, qf_onnx_output(n, 0), error);
}

static gboolean map_lp_norm(QfOnnxNode *n, GError **error)
{
  int32_t axis, p = qf_onnx_int(n, "p", 2);
  if (p != 1 && p != 2)
    return qf_onnx_fail(n, error, QF_ERROR_FORMAT, "p is %d, but must be 1 or 2", p);
  if (!qf_onnx_axis(n, qf_onnx_int(n, "axis", -1), n->in[0]->rank, &axis, error))
    return FALSE;
  if (p == 1)
    return qf_onnx_bind(n, 0, emit_l1_norm(n, axis, error));
  QfNode *node = qf_build_begin(n->b, "L2Norm", n->in, 1, qf_onnx_output(n, 0));
  QfNormAttrs *a = node->attrs;
  a->axes = (QfInts){1, {axis}};
  a->epsilon = 1e-30f; /* only so that zeros do not divide by zero */
  return qf_onnx_bind(n, 0, qf_build_end(n->b, node, error));
}

/* x / (bias + alpha * mean over size channels of x * x) ^ beta: the mean is a pool along the channels. */
static gboolean map_lrn(QfOnnxNode *n, GError **error)
{
  QfTensor *x = n->in[0];
  int32_t size = qf_onnx_int(n, "size", 0);
  QfTensor *last = qf_build_channels_last(n->b, x, error);
  if (!last)
    return FALSE;
  if (size < 1 || size > 1 << 16 || x->rank < 3 || !x->dims[1])
    return qf_onnx_fail(n, error, QF_ERROR_UNSUPPORTED,
                        "it needs an input [N,C,...] and a size of at least 1");
  QfInts shape = qf_build_dims(last), rows = {4, {1, qf_tensor_count(x) / x->dims[1], x->dims[1], 1}};
  QfTensor *y = qf_build_apply2(n->b, "ElementWiseMultiply", last, last, NULL, error);
  y = qf_build_reshape(n->b, y, &rows, NULL, error);
  if (!y)
    return FALSE;
  QfNode *node = qf_build_begin(n->b, "PoolAvg2d", &y, 1, NULL);
  QfPool2dAttrs *a = node->attrs;
  *a = (QfPool2dAttrs){.filter = {1, size}, .stride = {1, 1}, .dilation = {1, 1}, .count_pad = 1};
  a->pad[2] = (size - 1) / 2;
  a->pad[3] = size - 1 - a->pad[2];
  y = qf_build_reshape(n->b, qf_build_end(n->b, node, error), &shape, NULL, error);
  y = qf_build_with(n->b, "ElementWiseMultiply", y, qf_onnx_float(n, "alpha", 1e-4f), NULL, error);
  QfTensor *bias = qf_build_scalar(n->b, qf_onnx_float(n, "bias", 1), QF_DTYPE_FLOAT32);
  QfTensor *beta = qf_build_scalar(n->b, qf_onnx_float(n, "beta", 0.75f), QF_DTYPE_FLOAT32);
  y = qf_build_apply2(n->b, "ElementWiseAdd", y, bias, NULL, error);
  y = qf_build_apply2(n->b, "ElementWisePower", y, beta, NULL, error);
  y = qf_build_apply2(n->b, "ElementWiseDivide", last, y, NULL, error);
  return qf_onnx_bind(n, 0, qf_build_channels_first(n->b, y, qf_onnx_output(n, 0), error));
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
    {"", "MeanVarianceNormalization", map_mean_variance_norm, 1, 1, NULL, 0},
    {"", "LRN", map_lrn, 1, 1, NULL, 0},
    {NULL},
};
