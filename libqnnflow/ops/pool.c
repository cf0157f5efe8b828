/* SPDX-License-Identifier: MIT */
/*
 * pool.c - what PoolAvg2d and PoolMax2d mean: a window over height and width of NHWC images. Numbers: kernels/pool.
 */
#include "list.h"
#include "infer.h"

#define POOL(member) offsetof(QfPool2dAttrs, member)

static const QfAttrDef pool_attrs[] = {
    {"filter_size", QF_ATTR_INT, POOL(filter), 2, 1, NULL},
    {"stride", QF_ATTR_INT, POOL(stride), 2, 1, NULL},
    {"dilation", QF_ATTR_INT, POOL(dilation), 2, 1, NULL},
    {"pad_amount", QF_ATTR_INT, POOL(pad), 4, 0, NULL},
    {"count_pad_for_edges", QF_ATTR_BOOL, POOL(count_pad), 1, 0, NULL},
    {"activation", QF_ATTR_ENUM, POOL(act), 1, QF_ACT_NONE, qf_activation_names},
    {"act_lo", QF_ATTR_FLOAT, POOL(lo), 1, 0, NULL},
    {"act_hi", QF_ATTR_FLOAT, POOL(hi), 1, 0, NULL},
    {NULL},
};

static gboolean infer_pool(QfNode *node, GError **error)
{
  const QfPool2dAttrs *a = node->attrs;
  if (!qf_infer_begin(node, error) || !qf_infer_rank(node, 0, 4, 4, error) ||
      !qf_infer_activation(a->act, a->lo, a->hi, error))
    return FALSE;
  if (a->act != QF_ACT_NONE && a->act != QF_ACT_CLAMP)
    return qf_infer_fail(error, QF_ERROR_UNSUPPORTED,
                         "pooling can be fused with a clamp only, not with %s: add it as an operator",
                         qf_activation_names[a->act]);
  const QfTensor *x = node->inputs[0];
  int64_t out[4] = {x->dims[0], 0, 0, x->dims[3]};
  for (int i = 0; i < 2; i++) {
    int64_t span = ((int64_t)a->filter[i] - 1) * a->dilation[i];
    if (!qf_infer_window(i ? "width" : "height", x->dims[1 + i], a->filter[i], a->stride[i], a->dilation[i],
                         a->pad[2 * i], a->pad[2 * i + 1], &out[1 + i], error))
      return FALSE;
    if (a->pad[2 * i] > span || a->pad[2 * i + 1] > span)
      return qf_infer_fail(error, QF_ERROR_SHAPE,
                           "padding of %d and %d must be smaller than the filter's reach of %" G_GINT64_FORMAT
                           ", else windows would see no pixel: correct the padding",
                           a->pad[2 * i], a->pad[2 * i + 1], span + 1);
  }
  return qf_infer_set(node, 0, x->dtype, out, 4, error);
}

static uint64_t macs_pool(const QfNode *node)
{
  const QfPool2dAttrs *a = node->attrs;
  return qf_infer_product(qf_tensor_count(node->outputs[0]), qf_infer_product(a->filter[0], a->filter[1]));
}

const QfOpDef qf_op_PoolAvg2d = {
    .name = "PoolAvg2d",
    .summary = "y[n,h,w,c] = mean of the window's pixels",
    .min_inputs = 1,
    .max_inputs = 1,
    .min_outputs = 1,
    .max_outputs = 1,
    .attrs_size = sizeof(QfPool2dAttrs),
    .attrs = pool_attrs,
    .move = QF_MOVE_FIXED,
    .quant = QF_QUANT_ANY,
    .infer = infer_pool,
    .macs = macs_pool,
};

const QfOpDef qf_op_PoolMax2d = {
    .name = "PoolMax2d",
    .summary = "y[n,h,w,c] = largest of the window's pixels; padding never wins",
    .min_inputs = 1,
    .max_inputs = 1,
    .min_outputs = 1,
    .max_outputs = 1,
    .attrs_size = sizeof(QfPool2dAttrs),
    .attrs = pool_attrs,
    .move = QF_MOVE_FIXED,
    .quant = QF_QUANT_SAME,
    .infer = infer_pool,
    .macs = macs_pool,
};
