/* SPDX-License-Identifier: MIT */
/*
 * volume.c - what the operators over three spatial dimensions mean: Conv3d, TransposeConv3d, PoolAvg3d, PoolMax3d, on NDHWC.
 * Numbers: kernels/conv/volume.h.
 */
#include "list.h"
#include "infer.h"

#define CONV(member) offsetof(QfConv3dAttrs, member)
#define POOL(member) offsetof(QfPool3dAttrs, member)

static const char *const sides[] = {"depth", "height", "width"};

static const QfAttrDef conv_attrs[] = {
    {"stride", QF_ATTR_INT, CONV(stride), 3, 1, NULL},
    {"dilation", QF_ATTR_INT, CONV(dilation), 3, 1, NULL},
    {"pad_amount", QF_ATTR_INT, CONV(pad), 6, 0, NULL},
    {"output_padding", QF_ATTR_INT, CONV(output_padding), 3, 0, NULL},
    {"group", QF_ATTR_INT, CONV(group), 1, 1, NULL},
    {NULL},
};
static const QfAttrDef pool_attrs[] = {
    {"filter_size", QF_ATTR_INT, POOL(filter), 3, 1, NULL},
    {"stride", QF_ATTR_INT, POOL(stride), 3, 1, NULL},
    {"dilation", QF_ATTR_INT, POOL(dilation), 3, 1, NULL},
    {"pad_amount", QF_ATTR_INT, POOL(pad), 6, 0, NULL},
    {"count_pad_for_edges", QF_ATTR_BOOL, POOL(count_pad), 1, 0, NULL},
    {NULL},
};

static gboolean check_types(const QfNode *node, GError **error)
{
  const QfTensor *x = node->inputs[0];
  for (uint32_t i = 0; i < node->n_inputs; i++) {
    const QfTensor *t = node->inputs[i];
    gboolean plain = node->op == &qf_op_Conv3d && x->dtype == QF_DTYPE_INT32;
    if (t && !(plain ? t->dtype == QF_DTYPE_INT32 : t->enc.count || qf_dtype_is_float(t->dtype)))
      return qf_infer_fail(error, QF_ERROR_TYPE, "input %u (%s) is %s, which does not go with %s: add a Cast",
                           i, t->name, qf_dtype_name(t->dtype), qf_dtype_name(x->dtype));
  }
  return TRUE;
}

static gboolean check_conv(const QfNode *node, GError **error)
{
  const QfConv3dAttrs *a = node->attrs;
  if (!qf_infer_begin(node, error) || !qf_infer_rank(node, 0, 5, 5, error) ||
      !qf_infer_rank(node, 1, 5, 5, error) || !check_types(node, error))
    return FALSE;
  const int64_t *x = node->inputs[0]->dims, *w = node->inputs[1]->dims;
  if (a->group < 1 || x[4] % a->group || w[4] < 1 || w[4] % a->group || x[4] / a->group != w[3])
    return qf_infer_fail(error, QF_ERROR_SHAPE,
                         "the weight (D, H, W, I, O) reads %" G_GINT64_FORMAT
                         " channels and gives %" G_GINT64_FORMAT
                         ", but the input (NDHWC) has %" G_GINT64_FORMAT
                         " in %d groups: check layout and group",
                         w[3], w[4], x[4], a->group);
  for (int i = 0; i < 3; i++)
    if (x[1 + i] > G_MAXINT32 / 2 || w[i] > G_MAXINT32 / 2)
      return qf_infer_fail(error, QF_ERROR_LIMIT, "the %s is too large: at most 2^30", sides[i]);
  return TRUE;
}

static gboolean infer_conv(QfNode *node, GError **error)
{
  const QfConv3dAttrs *a = node->attrs;
  if (!check_conv(node, error))
    return FALSE;
  const QfTensor *x = node->inputs[0];
  const int64_t *w = node->inputs[1]->dims;
  int64_t out[5] = {x->dims[0], 0, 0, 0, w[4]};
  for (int i = 0; i < 3; i++)
    if (!qf_infer_window(sides[i], x->dims[1 + i], w[i], a->stride[i], a->dilation[i], a->pad[2 * i],
                         a->pad[2 * i + 1], &out[1 + i], error))
      return FALSE;
  return qf_infer_set(node, 0, x->dtype, out, 5, error) && qf_infer_channels(node, 2, "bias", w[4], error);
}

/* (in - 1) * stride + (filter - 1) * dilation + 1 - pads + output_padding; the terms are below 2^62. */
static gboolean infer_transpose_conv(QfNode *node, GError **error)
{
  const QfConv3dAttrs *a = node->attrs;
  if (!check_conv(node, error))
    return FALSE;
  const QfTensor *x = node->inputs[0];
  const int64_t *w = node->inputs[1]->dims;
  int64_t out[5] = {x->dims[0], 0, 0, 0, w[4]};
  for (int i = 0; i < 3; i++) {
    const int32_t *pad = a->pad + 2 * i;
    int64_t size = (x->dims[1 + i] - 1) * a->stride[i] + (w[i] - 1) * a->dilation[i] + 1 +
                   a->output_padding[i] - pad[0] - pad[1];
    if (x->dims[1 + i] < 1 || w[i] < 1 || a->stride[i] < 1 || a->dilation[i] < 1 || pad[0] < 0 ||
        pad[1] < 0 || a->output_padding[i] < 0 || size < 1 || size > G_MAXINT32 / 2)
      return qf_infer_fail(error, QF_ERROR_SHAPE,
                           "along the %s, stride %d, dilation %d, padding %d, %d and output padding %d give "
                           "no output: correct the attributes",
                           sides[i], a->stride[i], a->dilation[i], pad[0], pad[1], a->output_padding[i]);
    out[1 + i] = size;
  }
  return qf_infer_set(node, 0, x->dtype, out, 5, error) && qf_infer_channels(node, 2, "bias", w[4], error);
}

static gboolean infer_pool(QfNode *node, GError **error)
{
  const QfPool3dAttrs *a = node->attrs;
  if (!qf_infer_begin(node, error) || !qf_infer_rank(node, 0, 5, 5, error))
    return FALSE;
  const QfTensor *x = node->inputs[0];
  int64_t out[5] = {x->dims[0], 0, 0, 0, x->dims[4]};
  for (int i = 0; i < 3; i++) {
    const int32_t *pad = a->pad + 2 * i;
    int64_t span = ((int64_t)a->filter[i] - 1) * a->dilation[i];
    if (x->dims[1 + i] > G_MAXINT32 / 4)
      return qf_infer_fail(error, QF_ERROR_LIMIT, "the %s is too large", sides[i]);
    if (!qf_infer_window(sides[i], x->dims[1 + i], a->filter[i], a->stride[i], a->dilation[i], pad[0], pad[1],
                         &out[1 + i], error))
      return FALSE;
    if (pad[0] > span || pad[1] > span)
      return qf_infer_fail(error, QF_ERROR_SHAPE,
                           "padding of %d and %d along the %s must be smaller than the filter's reach, else "
                           "windows would see nothing: correct the padding",
                           pad[0], pad[1], sides[i]);
  }
  return qf_infer_set(node, 0, x->dtype, out, 5, error) &&
         (node->n_outputs < 2 || qf_infer_set(node, 1, QF_DTYPE_INT64, out, 5, error));
}

static uint64_t macs_conv(const QfNode *node)
{
  const QfTensor *y = node->op == &qf_op_Conv3d ? node->outputs[0] : node->inputs[0];
  const uint64_t each = (uint64_t)(y->dims[4] ? y->dims[4] : 1);
  const uint64_t pixels = (uint64_t)qf_tensor_count(y) / each;
  return qf_infer_product(pixels, (uint64_t)qf_tensor_count(node->inputs[1]));
}

static uint64_t macs_pool(const QfNode *node)
{
  const QfPool3dAttrs *a = node->attrs;
  uint64_t filter = qf_infer_product(qf_infer_product(a->filter[0], a->filter[1]), a->filter[2]);
  return qf_infer_product((uint64_t)qf_tensor_count(node->outputs[0]), filter);
}

#define VOLUME(Name, text, n_in, n_out, Attrs, table, rule, infer_fn, macs_fn)                               \
  const QfOpDef qf_op_##Name = {                                                                             \
      .name = #Name,                                                                                         \
      .summary = text,                                                                                       \
      .min_inputs = n_in > 1 ? 2 : 1,                                                                        \
      .max_inputs = n_in,                                                                                    \
      .min_outputs = 1,                                                                                      \
      .max_outputs = n_out,                                                                                  \
      .attrs_size = sizeof(Attrs),                                                                           \
      .attrs = table,                                                                                        \
      .move = QF_MOVE_FIXED,                                                                                 \
      .quant = rule,                                                                                         \
      .infer = infer_fn,                                                                                     \
      .macs = macs_fn,                                                                                       \
  };

VOLUME(Conv3d, "y = sum of x * weight over a window of depth, height and width, + bias", 3, 1, QfConv3dAttrs,
       conv_attrs, QF_QUANT_NONE, infer_conv, macs_conv)
VOLUME(TransposeConv3d, "the gradient of Conv3d", 3, 1, QfConv3dAttrs, conv_attrs, QF_QUANT_NONE,
       infer_transpose_conv, macs_conv)
VOLUME(PoolAvg3d, "y = mean of the window", 1, 1, QfPool3dAttrs, pool_attrs, QF_QUANT_ANY, infer_pool,
       macs_pool)
VOLUME(PoolMax3d, "y = largest of the window, and where it was", 1, 2, QfPool3dAttrs, pool_attrs,
       QF_QUANT_ANY, infer_pool, macs_pool)
