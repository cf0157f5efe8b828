/* SPDX-License-Identifier: MIT */
/*
 * norm.c - normalisations and what scales channels. BatchNorm and Scale become one weight and one bias a channel, computed in
 * double, which the fusion passes put into the convolution before them.
 */
#include "map.h"

#include <math.h>

/* y = x * weight[c] + bias[c] over the channels, dimension 1. */
static gboolean emit_channels(QfCaffeLayer *l, const float *weight, const float *bias, int64_t channels,
                              GError **error)
{
  QfInts shape = {1, {channels}};
  QfTensor *x = l->in[0];
  QfTensor *in[] = {qf_build_channels_last(&l->build, x, error), qf_build_floats(&l->build, &shape, weight),
                    bias ? qf_build_floats(&l->build, &shape, bias) : NULL};
  if (!in[0])
    return FALSE;
  QfNode *node =
      qf_build_begin(&l->build, "Batchnorm", in, bias ? 3 : 2, x->rank == 2 ? qf_caffe_out(l, 0) : NULL);
  QfTensor *y = qf_build_end(&l->build, node, error);
  return x->rank == 2 ? qf_caffe_bind(l, 0, y) : qf_caffe_from_image(l, y, error);
}

static gboolean need_channels(const QfCaffeLayer *l, GError **error)
{
  return l->in[0]->rank >= 2 || qf_build_fail(&l->build, error, QF_ERROR_SHAPE, "its bottom has no channels");
}

/* (x - mean) / sqrt(variance + eps), of the batch itself. */
static gboolean normalise_batch(QfCaffeLayer *l, const QfInts *axes, double eps, gboolean variance,
                                gboolean eps_outside, GError **error)
{
  QfBuild *b = &l->build;
  QfTensor *mean = qf_build_reduce(b, "ReduceMean", l->in[0], axes, TRUE, NULL, error);
  QfTensor *y =
      qf_build_apply2(b, "ElementWiseSubtract", l->in[0], mean, variance ? NULL : qf_caffe_out(l, 0), error);
  if (!variance)
    return qf_caffe_bind(l, 0, y);
  QfTensor *v = qf_build_apply2(b, "ElementWiseMultiply", y, y, NULL, error);
  v = qf_build_reduce(b, "ReduceMean", v, axes, TRUE, NULL, error);
  if (!eps_outside)
    v = qf_build_with(b, "ElementWiseAdd", v, eps, NULL, error);
  v = qf_build_apply1(b, "ElementWiseSquareRoot", v, NULL, error);
  if (eps_outside)
    v = qf_build_with(b, "ElementWiseAdd", v, eps, NULL, error);
  return qf_caffe_bind(l, 0, qf_build_apply2(b, "ElementWiseDivide", y, v, qf_caffe_out(l, 0), error));
}

/* Blobs: sums of mean and variance, and the factor that both are to be divided by; NVIDIA's form adds scale and bias. */
static gboolean map_batch_norm(QfCaffeLayer *l, GError **error)
{
  QF_CAFFE_PARAM(a, l, Caffe__BatchNormParameter, CAFFE__BATCH_NORM_PARAMETER__INIT, batch_norm_param);
  static const char *const names[] = {"mean", "variance", "factor", "scale", "bias"};
  static const QfCaffeSeed seeds[] = {{-0.1f, 0.1f}, {0.5f, 1.5f}, {1, 1}, {0.5f, 1.5f}, {-0.1f, 0.1f}};
  const QfTensor *blob[5] = {NULL};
  if (!need_channels(l, error))
    return FALSE;
  if (a->has_use_global_stats && !a->use_global_stats) {
    QfInts axes = {l->in[0]->rank - 1, {0, 2, 3, 4, 5, 6, 7}};
    return normalise_batch(l, &axes, a->eps, TRUE, FALSE, error);
  }
  int64_t channels = l->in[0]->dims[1];
  uint32_t n = a->scale_bias || l->n_blobs == 5 ? 5 : l->n_blobs == 2 ? 2 : 3;
  for (uint32_t i = 0; i < n; i++) {
    QfInts shape = {1, {i == 2 ? 1 : channels}};
    blob[i] = qf_caffe_weights(l, i, names[i], &shape, seeds[i], error);
    if (!blob[i])
      return FALSE;
  }
  double factor = blob[2] ? qf_tensor_get_real(blob[2], 0) : 1;
  factor = factor == 0 ? 0 : 1 / factor;
  g_autofree float *weight = g_new(float, channels + 1), *bias = g_new(float, channels + 1);
  for (int64_t c = 0; c < channels; c++) {
    double k = 1 / sqrt(qf_tensor_get_real(blob[1], c) * factor + a->eps);
    if (blob[3])
      k *= qf_tensor_get_real(blob[3], c);
    weight[c] = (float)k;
    bias[c] =
        (float)((blob[4] ? qf_tensor_get_real(blob[4], c) : 0) - qf_tensor_get_real(blob[0], c) * factor * k);
  }
  return emit_channels(l, weight, bias, channels, error);
}

/* The dimensions of the bottom from @axis on, @num of them (-1: all), with ones behind: broadcast from the right. */
static gboolean broadcast_shape(const QfCaffeLayer *l, int64_t axis, int64_t num, QfInts *shape,
                                GError **error)
{
  const QfTensor *x = l->in[0];
  int32_t first;
  if (!qf_caffe_axis(l, axis, x->rank, num == 0, &first, error))
    return FALSE;
  *shape = (QfInts){.n = x->rank - first};
  if (num > shape->n || num < -1)
    return qf_build_fail(&l->build, error, QF_ERROR_SHAPE,
                         "num_axes %" G_GINT64_FORMAT " is not possible from axis %d", num, first);
  for (int i = 0; i < shape->n; i++)
    shape->v[i] = num < 0 || i < num ? x->dims[first + i] : 1;
  return TRUE;
}

/* The factor or summand of Scale and Bias: the second bottom, or a blob. */
static QfTensor *operand(QfCaffeLayer *l, int64_t axis, int64_t num, const char *what, QfCaffeSeed seed,
                         GError **error)
{
  QfInts shape;
  QfTensor *y = l->n_in > 1 ? l->in[1] : NULL;
  if (!broadcast_shape(l, axis, y ? y->rank : num, &shape, error))
    return NULL;
  if (y && qf_tensor_count(y) != qf_dims_count(shape.v, shape.n)) {
    qf_build_fail(&l->build, error, QF_ERROR_SHAPE, "its second bottom '%s' does not fit its first", y->name);
    return NULL;
  }
  return y ? qf_build_reshape(&l->build, y, &shape, NULL, error)
           : qf_caffe_weights(l, 0, what, &shape, seed, error);
}

static gboolean map_scale(QfCaffeLayer *l, GError **error)
{
  QF_CAFFE_PARAM(a, l, Caffe__ScaleParameter, CAFFE__SCALE_PARAMETER__INIT, scale_param);
  static const QfCaffeSeed around_one = {0.5f, 1.5f}, around_zero = {-0.1f, 0.1f};
  QfTensor *x = l->in[0], *scale, *bias = NULL;
  uint32_t bias_blob = l->n_in > 1 ? 0 : 1;
  int64_t num = l->n_in > 1 ? l->in[1]->rank : a->num_axes;
  QfInts shape;
  scale = operand(l, a->axis, a->num_axes, "scale", around_one, error);
  if (!scale)
    return FALSE;
  if (a->bias_term) {
    if (!broadcast_shape(l, a->axis, num, &shape, error))
      return FALSE;
    bias = qf_caffe_weights(l, bias_blob, "bias", &shape, around_zero, error);
    if (!bias)
      return FALSE;
  }
  gboolean channels =
      l->n_in == 1 && a->num_axes == 1 && x->rank >= 2 && (a->axis == 1 || a->axis == 1 - x->rank);
  if (channels)
    return emit_channels(l, qf_tensor_data(scale), bias ? qf_tensor_data(bias) : NULL, x->dims[1], error);
  QfTensor *y =
      qf_build_apply2(&l->build, "ElementWiseMultiply", x, scale, bias ? NULL : qf_caffe_out(l, 0), error);
  if (bias)
    y = qf_build_apply2(&l->build, "ElementWiseAdd", y, bias, qf_caffe_out(l, 0), error);
  return qf_caffe_bind(l, 0, y);
}

static gboolean map_bias(QfCaffeLayer *l, GError **error)
{
  QF_CAFFE_PARAM(a, l, Caffe__BiasParameter, CAFFE__BIAS_PARAMETER__INIT, bias_param);
  QfTensor *bias = operand(l, a->axis, a->num_axes, "bias", (QfCaffeSeed){-0.1f, 0.1f}, error);
  return qf_caffe_bind(l, 0,
                       qf_build_apply2(&l->build, "ElementWiseAdd", l->in[0], bias, qf_caffe_out(l, 0),
                                       error));
}

static gboolean map_mvn(QfCaffeLayer *l, GError **error)
{
  QF_CAFFE_PARAM(a, l, Caffe__MVNParameter, CAFFE__MVNPARAMETER__INIT, mvn_param);
  QfInts axes = {0};
  if (!need_channels(l, error))
    return FALSE;
  for (int i = a->across_channels ? 1 : 2; i < l->in[0]->rank; i++)
    axes.v[axes.n++] = i;
  if (!axes.n)
    return qf_build_fail(&l->build, error, QF_ERROR_SHAPE, "its bottom has no pixels to normalise over");
  return normalise_batch(l, &axes, a->eps, a->normalize_variance, TRUE, error);
}

/* x / sqrt(sum of x^2 + eps) * scale[c]; the sum over the channels, or the whole image. */
static gboolean map_normalize(QfCaffeLayer *l, GError **error)
{
  QF_CAFFE_PARAM(a, l, Caffe__NormalizeBBoxParameter, CAFFE__NORMALIZE_BBOX_PARAMETER__INIT, norm_param);
  QfBuild *b = &l->build;
  QfTensor *x = l->in[0];
  if (!need_channels(l, error))
    return FALSE;
  QfInts axes = {a->across_spatial ? x->rank - 1 : 1, {1, 2, 3, 4, 5, 6, 7}}, shape = {.n = x->rank - 1};
  for (int i = 0; i < shape.n; i++)
    shape.v[i] = i || a->channel_shared ? 1 : x->dims[1];
  QfTensor *y = qf_build_reduce(b, "ReduceSumSquare", x, &axes, TRUE, NULL, error);
  y = qf_build_with(b, "ElementWiseAdd", y, a->eps, NULL, error);
  y = qf_build_apply1(b, "ElementWiseRsqrt", y, NULL, error);
  y = qf_build_apply2(b, "ElementWiseMultiply", x, y, NULL, error);
  QfTensor *scale = y ? qf_caffe_weights(l, 0, "scale", &shape, (QfCaffeSeed){10, 20}, error) : NULL;
  return qf_caffe_bind(l, 0, qf_build_apply2(b, "ElementWiseMultiply", y, scale, qf_caffe_out(l, 0), error));
}

/* Within a channel: x / (1 + alpha * mean of x^2 around it)^beta. */
static QfTensor *lrn_within(QfCaffeLayer *l, QfTensor *x, const Caffe__LRNParameter *a, GError **error)
{
  QfBuild *b = &l->build;
  QfTensor *y = qf_build_apply2(b, "ElementWiseMultiply", x, x, NULL, error);
  if (!y)
    return NULL;
  QfNode *node = qf_build_begin(b, "PoolAvg2d", &y, 1, NULL);
  QfPool2dAttrs *p = node->attrs;
  int32_t size = (int32_t)a->local_size, pad = (size - 1) / 2;
  *p = (QfPool2dAttrs){.filter = {size, size},
                       .stride = {1, 1},
                       .dilation = {1, 1},
                       .count_pad = 1,
                       .pad = {pad, pad, pad, pad}};
  y = qf_build_end(b, node, error);
  y = qf_build_with(b, "ElementWiseMultiply", y, a->alpha, NULL, error);
  y = qf_build_with(b, "ElementWiseAdd", y, 1, NULL, error);
  y = qf_build_with(b, "ElementWisePower", y, a->beta, NULL, error);
  return qf_build_apply2(b, "ElementWiseDivide", x, y, NULL, error);
}

static gboolean map_lrn(QfCaffeLayer *l, GError **error)
{
  QF_CAFFE_PARAM(a, l, Caffe__LRNParameter, CAFFE__LRNPARAMETER__INIT, lrn_param);
  gboolean across = a->norm_region == CAFFE__LRNPARAMETER__NORM_REGION__ACROSS_CHANNELS;
  QfTensor *x = qf_caffe_to_image(l, l->in[0], error);
  if (!x)
    return FALSE;
  if (!(a->local_size & 1) || a->local_size > 1 << 16)
    return qf_build_fail(&l->build, error, QF_ERROR_FORMAT, "local_size %u must be odd", a->local_size);
  return qf_caffe_from_image(l,
                             across ? qf_build_lrn(&l->build, x, (int32_t)a->local_size,
                                                   (double)a->alpha / a->local_size, a->beta, a->k, error)
                                    : lrn_within(l, x, a, error),
                             error);
}

static gboolean map_softmax(QfCaffeLayer *l, GError **error)
{
  QF_CAFFE_PARAM(a, l, Caffe__SoftmaxParameter, CAFFE__SOFTMAX_PARAMETER__INIT, softmax_param);
  int32_t axis;
  return qf_caffe_axis(l, a->axis, l->in[0]->rank, FALSE, &axis, error) &&
         qf_caffe_bind(l, 0,
                       qf_build_softmax(&l->build, "Softmax", l->in[0], axis, qf_caffe_out(l, 0), error));
}

const QfCaffeRow qf_caffe_norm_rows[] = {
    {"BatchNorm", map_batch_norm, 1, 1, 1, NULL},
    {"Scale", map_scale, 1, 2, 1, NULL},
    {"Bias", map_bias, 1, 2, 1, NULL},
    {"MVN", map_mvn, 1, 1, 1, NULL},
    {"Normalize", map_normalize, 1, 1, 1, NULL},
    {"LRN", map_lrn, 1, 1, 1, NULL},
    {"Softmax", map_softmax, 1, 1, 1, "Softmax"},
    {NULL},
};
