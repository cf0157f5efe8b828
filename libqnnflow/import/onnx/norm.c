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
  QfTensor *kept = qf_onnx_reduce(n, "ReduceMean", x, axes, TRUE, NULL, error);
  QfTensor *d = qf_onnx_apply2(n, "ElementWiseSubtract", x, kept, NULL, error);
  d = qf_onnx_apply2(n, "ElementWiseMultiply", d, d, NULL, error);
  *variance = qf_onnx_reduce(n, "ReduceMean", d, axes, keep_dims, NULL, error);
  *mean = keep_dims || !*variance
              ? kept
              : qf_onnx_reshape(n, kept, &(QfInts){1, {qf_tensor_count(kept)}}, NULL, error);
}

/* 1 / sqrt(variance + epsilon) */
static QfTensor *emit_inverse(QfOnnxNode *n, QfTensor *variance, float epsilon, QfTensor *out, GError **error)
{
  QfTensor *e = qf_onnx_scalar(n, epsilon, QF_DTYPE_FLOAT32);
  variance = qf_onnx_apply2(n, "ElementWiseAdd", variance, e, NULL, error);
  return qf_onnx_apply1(n, "ElementWiseRsqrt", variance, out, error);
}

/* Output @index: what was known, moved towards this batch. */
static gboolean emit_running(QfOnnxNode *n, uint32_t index, QfTensor *known, QfTensor *batch, GError **error)
{
  float momentum = qf_onnx_float(n, "momentum", 0.9f);
  if (index >= n->n_out || !n->out_names[index])
    return TRUE;
  known = qf_onnx_scale(n, known, momentum, NULL, error);
  batch = qf_onnx_scale(n, batch, 1.0f - momentum, NULL, error);
  return qf_onnx_bind(n, index,
                      qf_onnx_apply2(n, "ElementWiseAdd", known, batch, qf_onnx_output(n, index), error));
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
  *weight = qf_onnx_apply2(n, "ElementWiseMultiply", *weight, n->in[1], NULL, error);
  *bias = qf_onnx_apply2(n, "ElementWiseMultiply", mean, *weight, NULL, error);
  *bias = qf_onnx_apply2(n, "ElementWiseSubtract", n->in[2], *bias, NULL, error);
  return *bias != NULL;
}

static gboolean map_batchnorm(QfOnnxNode *n, GError **error)
{
  QfTensor *x = n->in[0], *in[3] = {qf_onnx_channels_last(n, x, error)};
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
  QfNode *node = qf_onnx_begin(n, "Batchnorm", in, 3, x->rank == 2 ? qf_onnx_output(n, 0) : NULL);
  QfTensor *y = qf_onnx_end(n, node, error);
  if (x->rank > 2)
    y = qf_onnx_channels_first(n, y, qf_onnx_output(n, 0), error);
  return qf_onnx_bind(n, 0, y);
}

static gboolean map_instance_norm(QfOnnxNode *n, GError **error)
{
  QfTensor *in[] = {qf_onnx_channels_last(n, n->in[0], error), n->in[1], n->in[2]};
  if (!in[0])
    return FALSE;
  QfNode *node = qf_onnx_begin(n, "InstanceNorm", in, 3, NULL);
  ((QfNormAttrs *)node->attrs)->epsilon = qf_onnx_float(n, "epsilon", 1e-5f);
  QfTensor *y = qf_onnx_end(n, node, error);
  return qf_onnx_bind(n, 0, qf_onnx_channels_first(n, y, qf_onnx_output(n, 0), error));
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
  QfTensor *d = qf_onnx_apply1(n, "ElementWiseSquareRoot", variance, NULL, error);
  d = qf_onnx_apply2(n, "ElementWiseAdd", d, qf_onnx_scalar(n, 1e-9, QF_DTYPE_FLOAT32), NULL, error);
  QfTensor *y = d ? qf_onnx_apply2(n, "ElementWiseSubtract", x, mean, NULL, error) : NULL;
  return qf_onnx_bind(n, 0, qf_onnx_apply2(n, "ElementWiseDivide", y, d, qf_onnx_output(n, 0), error));
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
  gboolean keep = wanted(n, 3);
  QfTensor *sum = qf_onnx_apply2(n, "ElementWiseAdd", n->in[0], n->in[1],
                                 keep && !bias ? qf_onnx_output(n, 3) : NULL, error);
  if (sum && bias)
    sum = qf_onnx_apply2(n, "ElementWiseAdd", sum, bias, keep ? qf_onnx_output(n, 3) : NULL, error);
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

/* x / max(sum |x|, tiny): all zeros stay zeros. */
static QfTensor *emit_l1_norm(QfOnnxNode *n, int32_t axis, GError **error)
{
  QfTensor *tiny = qf_onnx_scalar(n, 1e-30, QF_DTYPE_FLOAT32);
  QfTensor *sum = qf_onnx_apply1(n, "ElementWiseAbs", n->in[0], NULL, error);
  sum = qf_onnx_reduce(n, "ReduceSum", sum, &(QfInts){1, {axis}}, TRUE, NULL, error);
  sum = qf_onnx_apply2(n, "ElementWiseMaximum", sum, tiny, NULL, error);
  return qf_onnx_apply2(n, "ElementWiseDivide", n->in[0], sum, qf_onnx_output(n, 0), error);
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
    {"", "MeanVarianceNormalization", map_mean_variance_norm, 1, 1, NULL, 0},
    {"", "LRN", map_lrn, 1, 1, NULL, 0},
    {NULL},
};
