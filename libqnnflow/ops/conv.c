/* SPDX-License-Identifier: MIT */
/*
 * conv.c - what the convolutions mean: images NHWC, weights HWIO, y = act(conv(x, w) + bias + residual).
 * Their numbers are in kernels/conv and kernels/dwconv.
 */
#include "list.h"
#include "infer.h"

#define CONV(member) offsetof(QfConv2dAttrs, member)

static const QfAttrDef conv_attrs[] = {
    {"stride", QF_ATTR_INT, CONV(stride), 2, 1, NULL},
    {"dilation", QF_ATTR_INT, CONV(dilation), 2, 1, NULL},
    {"pad_amount", QF_ATTR_INT, CONV(pad), 4, 0, NULL},
    {"group", QF_ATTR_INT, CONV(group), 1, 1, NULL},
    QF_EPILOGUE_ATTRS(QfConv2dAttrs),
    {NULL},
};

static const QfAttrDef transpose_conv_attrs[] = {
    {"stride", QF_ATTR_INT, CONV(stride), 2, 1, NULL},
    {"dilation", QF_ATTR_INT, CONV(dilation), 2, 1, NULL},
    {"pad_amount", QF_ATTR_INT, CONV(pad), 4, 0, NULL},
    {"output_padding", QF_ATTR_INT, CONV(output_padding), 2, 0, NULL},
    {"group", QF_ATTR_INT, CONV(group), 1, 1, NULL},
    QF_EPILOGUE_ATTRS(QfConv2dAttrs),
    {NULL},
};

/* Float data wants weights of its own type; quantized data wants quantized weights and an int32 bias. */
static gboolean check_weight_types(const QfNode *node, GError **error)
{
  const QfTensor *x = node->inputs[0], *w = node->inputs[1], *b = qf_infer_in(node, 2);
  if (!qf_infer_same_type(node, 0, 1, error))
    return FALSE;
  if (!x->enc.count && !qf_dtype_is_float(x->dtype))
    return qf_infer_fail(error, QF_ERROR_TYPE,
                         "input 0 (%s) is %s without a scale: give it a quantization or add a Cast to float",
                         x->name, qf_dtype_name(x->dtype));
  if ((x->enc.count != 0) != (w->enc.count != 0))
    return qf_infer_fail(error, QF_ERROR_TYPE,
                         "input 0 (%s) and the weight (%s) must both be quantized or both be float", x->name,
                         w->name);
  QfDType wanted = !x->enc.count                                                     ? x->dtype
                   : (x->dtype == QF_DTYPE_INT16 && b && b->dtype == QF_DTYPE_INT64) ? QF_DTYPE_INT64
                                                                                     : QF_DTYPE_INT32;
  if (b && b->dtype != wanted)
    return qf_infer_fail(error, QF_ERROR_TYPE, "the bias (%s) must be %s, but is %s", b->name,
                         qf_dtype_name(wanted), qf_dtype_name(b->dtype));
  return TRUE;
}

/* Ranks, types and the group; channels that each group reads. */
static gboolean check_conv(const QfNode *node, int32_t group, GError **error)
{
  if (!qf_infer_begin(node, error) || !qf_infer_rank(node, 0, 4, 4, error) ||
      !qf_infer_rank(node, 1, 4, 4, error) || !check_weight_types(node, error))
    return FALSE;
  const int64_t *x = node->inputs[0]->dims, *w = node->inputs[1]->dims;
  if (group < 1 || x[3] % group || w[3] < 1)
    return qf_infer_fail(error, QF_ERROR_SHAPE,
                         "%" G_GINT64_FORMAT " input channels do not divide into %d groups: correct group",
                         x[3], group);
  if (x[3] / group != w[2])
    return qf_infer_fail(error, QF_ERROR_SHAPE,
                         "the weight (H, W, I, O) reads %" G_GINT64_FORMAT " channels, but the input (NHWC) "
                         "has %" G_GINT64_FORMAT " in %d groups: check the input's layout and channels",
                         w[2], x[3], group);
  return TRUE;
}

/* Sliding window over height and width to the output, @channels deep. */
static gboolean set_conv_output(QfNode *node, int64_t channels, GError **error)
{
  const QfConv2dAttrs *a = node->attrs;
  const QfTensor *x = node->inputs[0];
  const int64_t *w = node->inputs[1]->dims;
  int64_t out[4] = {x->dims[0], 0, 0, channels};
  for (int i = 0; i < 2; i++)
    if (!qf_infer_window(i ? "width" : "height", x->dims[1 + i], w[i], a->stride[i], a->dilation[i],
                         a->pad[2 * i], a->pad[2 * i + 1], &out[1 + i], error))
      return FALSE;
  return qf_infer_set(node, 0, x->dtype, out, 4, error) &&
         qf_infer_channels(node, 2, "bias", channels, error) &&
         qf_infer_epilogue(node, &a->epi, channels, error);
}

static gboolean infer_conv(QfNode *node, GError **error)
{
  const QfConv2dAttrs *a = node->attrs;
  if (!check_conv(node, a->group, error))
    return FALSE;
  int64_t m = node->inputs[1]->dims[3];
  if (m % a->group)
    return qf_infer_fail(error, QF_ERROR_SHAPE,
                         "%" G_GINT64_FORMAT " output channels do not divide into %d groups: correct group",
                         m, a->group);
  return set_conv_output(node, m, error);
}

static gboolean infer_depthwise(QfNode *node, GError **error)
{
  if (!qf_infer_begin(node, error) || !qf_infer_rank(node, 0, 4, 4, error) ||
      !qf_infer_rank(node, 1, 4, 4, error) || !check_weight_types(node, error))
    return FALSE;
  const int64_t *x = node->inputs[0]->dims, *w = node->inputs[1]->dims;
  if (w[2] != 1 || x[3] < 1 || w[3] < 1 || w[3] % x[3])
    return qf_infer_fail(error, QF_ERROR_SHAPE,
                         "the weight must be (H, W, 1, C x multiplier), but reads %" G_GINT64_FORMAT
                         " channels and gives %" G_GINT64_FORMAT " for an input of %" G_GINT64_FORMAT
                         ": check the input's layout and channels",
                         w[2], w[3], x[3]);
  return set_conv_output(node, w[3], error);
}

/* (in - 1) * stride + (filter - 1) * dilation + 1 - pads + output_padding */
static gboolean transposed_size(const QfConv2dAttrs *a, int i, int64_t in, int64_t filter, int64_t *out,
                                GError **error)
{
  int64_t reach, span, size;
  if (a->stride[i] < 1 || a->dilation[i] < 1 || a->pad[2 * i] < 0 || a->pad[2 * i + 1] < 0 ||
      a->output_padding[i] < 0 || in < 1 || filter < 1 ||
      __builtin_mul_overflow(in - 1, (int64_t)a->stride[i], &reach) ||
      __builtin_mul_overflow(filter - 1, (int64_t)a->dilation[i], &span) ||
      __builtin_add_overflow(reach, span, &size) ||
      __builtin_add_overflow(size, 1 + (int64_t)a->output_padding[i], &size) ||
      (size -= (int64_t)a->pad[2 * i] + a->pad[2 * i + 1]) < 1)
    return qf_infer_fail(error, QF_ERROR_SHAPE,
                         "along the %s, input %" G_GINT64_FORMAT ", filter %" G_GINT64_FORMAT
                         ", stride %d, dilation %d, padding %d, %d and output padding %d give no output: "
                         "correct the attributes",
                         i ? "width" : "height", in, filter, a->stride[i], a->dilation[i], a->pad[2 * i],
                         a->pad[2 * i + 1], a->output_padding[i]);
  *out = size;
  return TRUE;
}

static gboolean infer_transpose_conv(QfNode *node, GError **error)
{
  const QfConv2dAttrs *a = node->attrs;
  if (!check_conv(node, a->group, error))
    return FALSE;
  const QfTensor *x = node->inputs[0];
  const int64_t *w = node->inputs[1]->dims;
  int64_t out[4] = {x->dims[0], 0, 0, w[3]};
  if (w[3] % a->group)
    return qf_infer_fail(error, QF_ERROR_SHAPE,
                         "%" G_GINT64_FORMAT " output channels do not divide into %d groups: correct group",
                         w[3], a->group);
  for (int i = 0; i < 2; i++)
    if (!transposed_size(a, i, x->dims[1 + i], w[i], &out[1 + i], error))
      return FALSE;
  return qf_infer_set(node, 0, x->dtype, out, 4, error) && qf_infer_channels(node, 2, "bias", w[3], error) &&
         qf_infer_epilogue(node, &a->epi, w[3], error);
}

/* Pixels times the filter's taps times the channels each tap reads. */
static uint64_t macs_over(const QfTensor *pixels, const int64_t *w, int64_t deep)
{
  uint64_t n = qf_infer_product(pixels->dims[0], pixels->dims[1]);
  n = qf_infer_product(qf_infer_product(n, pixels->dims[2]), deep);
  return qf_infer_product(qf_infer_product(n, w[0]), qf_infer_product(w[1], w[2]));
}

static uint64_t macs_conv(const QfNode *node)
{
  const int64_t *w = node->inputs[1]->dims;
  return macs_over(node->outputs[0], w, w[3]);
}

static uint64_t macs_transpose_conv(const QfNode *node)
{
  const int64_t *w = node->inputs[1]->dims;
  return macs_over(node->inputs[0], w, w[3]);
}

const QfOpDef qf_op_Conv2d = {
    .name = "Conv2d",
    .summary = "y[n,h,w,m] = act(sum x[n, h*s + kh*d - pad, ..., c] * weight[kh,kw,c,m] + bias[m])",
    .min_inputs = 2,
    .max_inputs = 5,
    .min_outputs = 1,
    .max_outputs = 1,
    .attrs_size = sizeof(QfConv2dAttrs),
    .attrs = conv_attrs,
    .move = QF_MOVE_FIXED,
    .quant = QF_QUANT_WEIGHTED,
    .infer = infer_conv,
    .macs = macs_conv,
};

const QfOpDef qf_op_DepthWiseConv2d = {
    .name = "DepthWiseConv2d",
    .summary = "y[n,h,w,c*k+j] = act(sum x[n, h*s + kh*d - pad, ..., c] * weight[kh,kw,0,c*k+j] + bias)",
    .min_inputs = 2,
    .max_inputs = 5,
    .min_outputs = 1,
    .max_outputs = 1,
    .attrs_size = sizeof(QfConv2dAttrs),
    .attrs = conv_attrs,
    .move = QF_MOVE_FIXED,
    .quant = QF_QUANT_WEIGHTED,
    .infer = infer_depthwise,
    .macs = macs_conv,
};

const QfOpDef qf_op_TransposeConv2d = {
    .name = "TransposeConv2d",
    .summary = "the gradient of Conv2d: y[n, h*s + kh*d - pad, ..., m] += x[n,h,w,c] * weight[kh,kw,c,m]",
    .min_inputs = 2,
    .max_inputs = 5,
    .min_outputs = 1,
    .max_outputs = 1,
    .attrs_size = sizeof(QfConv2dAttrs),
    .attrs = transpose_conv_attrs,
    .move = QF_MOVE_FIXED,
    .quant = QF_QUANT_WEIGHTED,
    .infer = infer_transpose_conv,
    .macs = macs_transpose_conv,
};
