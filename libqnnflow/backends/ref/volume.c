/* SPDX-License-Identifier: MIT */
/*
 * volume.c - rows of Conv3d, TransposeConv3d, PoolAvg3d and PoolMax3d.
 */
#include "weighted.h"
#include "../../ops/list.h"
#include "kernels/conv/volume.h"

static void run_conv(const void *params, const void *const *in, void *const *out)
{
  qfk_conv3d_f32_ref(params, in[0], in[1], in[2], out[0]);
}

static void run_conv_int(const void *params, const void *const *in, void *const *out)
{
  qfk_conv3d_i32_ref(params, in[0], in[1], in[2], out[0]);
}

static void run_deconv(const void *params, const void *const *in, void *const *out)
{
  qfk_deconv3d_f32_ref(params, in[0], in[1], in[2], out[0]);
}

static void run_avg(const void *params, const void *const *in, void *const *out)
{
  qfk_pool_avg3d_f32_ref(params, in[0], out[0]);
}

#define RUN_MAX(name, kernel, places)                                                                        \
  static void name(const void *params, const void *const *in, void *const *out)                              \
  {                                                                                                          \
    kernel(params, in[0], out[0], places);                                                                   \
  }
RUN_MAX(run_max, qfk_pool_max3d_f32_ref, NULL)
RUN_MAX(run_max_at, qfk_pool_max3d_f32_ref, out[1])
RUN_MAX(run_max_int, qfk_pool_max3d_i64_ref, NULL)
RUN_MAX(run_max_int_at, qfk_pool_max3d_i64_ref, out[1])

/* What convolutions and pools share. @pad: before and after by turns. */
static QfkVolume *describe(QfLower *lower, const QfNode *node, const int32_t *stride, const int32_t *dilation,
                           const int32_t *pad)
{
  const int64_t *x = node->inputs[0]->dims, *y = node->outputs[0]->dims;
  QfkVolume *v = qf_lower_alloc(lower, sizeof(*v));
  *v = (QfkVolume){.n = (int32_t)x[0], .c = (int32_t)x[4], .oc = (int32_t)y[4], .group = 1};
  for (int i = 0; i < 3; i++) {
    v->in[i] = (int32_t)x[1 + i];
    v->out[i] = (int32_t)y[1 + i];
    v->stride[i] = stride[i];
    v->dilation[i] = dilation[i];
    v->before[i] = pad[2 * i];
    v->after[i] = pad[2 * i + 1];
  }
  return v;
}

static gboolean fits(const QfNode *node, const QfkVolume *v, GError **error)
{
  int64_t taps = (int64_t)v->k[0] * v->k[1];
  gboolean small = qf_ref_fits_int32(node->inputs[0]) && qf_ref_fits_int32(node->outputs[0]) &&
                   taps <= 1 << 24 && taps * v->k[2] <= 1 << 24;
  for (int i = 0; small && i < 3; i++)
    small =
        (int64_t)v->out[i] * v->stride[i] + (int64_t)v->k[i] * v->dilation[i] + v->before[i] <= INT32_MAX / 2;
  return small ||
         qf_ref_unsupported(node, error, "its dimensions or its filter are too large", "use smaller ones");
}

gboolean qf_ref_lower_conv3d(QfLower *lower, QfNode *node, GError **error)
{
  const QfConv3dAttrs *a = node->attrs;
  QfkVolume *v = describe(lower, node, a->stride, a->dilation, a->pad);
  gboolean transposed = node->op == &qf_op_TransposeConv3d;
  v->group = a->group;
  for (int i = 0; i < 3; i++)
    v->k[i] = (int32_t)node->inputs[1]->dims[i];
  if (!fits(node, v, error))
    return FALSE;
  if (node->inputs[0]->dtype == QF_DTYPE_INT32)
    qf_ref_lower_plain(lower, node, "conv3d_i32_ref", run_conv_int, v);
  else
    qf_ref_lower_real(lower, node, transposed ? "deconv3d_f32_ref" : "conv3d_f32_ref",
                      transposed ? run_deconv : run_conv, v, QF_REF_ALL_PORTS, 1);
  return TRUE;
}

gboolean qf_ref_lower_pool3d(QfLower *lower, QfNode *node, GError **error)
{
  const QfPool3dAttrs *a = node->attrs;
  QfkVolume *v = describe(lower, node, a->stride, a->dilation, a->pad);
  gboolean avg = node->op == &qf_op_PoolAvg3d, places = node->n_outputs > 1;
  v->count_pad = a->count_pad;
  for (int i = 0; i < 3; i++)
    v->k[i] = a->filter[i];
  if (!fits(node, v, error))
    return FALSE;
  if (!avg && qf_ref_domain(node->inputs[0]) == QF_DTYPE_INT64)
    qf_ref_lower_as(lower, node, "pool_max3d_i64_ref", places ? run_max_int_at : run_max_int, v,
                    (QfRefPorts){.as = QF_DTYPE_INT64, .in = 1, .out = 1});
  else
    qf_ref_lower_real(lower, node, avg ? "pool_avg3d_f32_ref" : "pool_max3d_f32_ref",
                      avg      ? run_avg
                      : places ? run_max_at
                               : run_max,
                      v, 1, 1);
  return TRUE;
}
