/* SPDX-License-Identifier: MIT */
/*
 * hybrid.c - what HybridConv2d means: a convolution of float images by 8-bit weights whose sums are integers, as LiteRT computes
 * models with dynamic range quantization. Numbers: kernels/litert.
 */
#include "list.h"
#include "infer.h"

#define HYBRID(member) offsetof(QfHybridAttrs, member)

static const QfAttrDef hybrid_attrs[] = {
    {"stride", QF_ATTR_INT, HYBRID(conv.stride), 2, 1, NULL},
    {"dilation", QF_ATTR_INT, HYBRID(conv.dilation), 2, 1, NULL},
    {"pad_amount", QF_ATTR_INT, HYBRID(conv.pad), 4, 0, NULL},
    {"group", QF_ATTR_INT, HYBRID(conv.group), 1, 1, NULL},
    {"activation", QF_ATTR_ENUM, HYBRID(conv.epi.act), 1, QF_ACT_NONE, qf_activation_names},
    {"act_lo", QF_ATTR_FLOAT, HYBRID(conv.epi.lo), 1, 0, NULL},
    {"act_hi", QF_ATTR_FLOAT, HYBRID(conv.epi.hi), 1, 0, NULL},
    {"act_alpha", QF_ATTR_FLOAT, HYBRID(conv.epi.alpha), 1, 0, NULL},
    {"depthwise", QF_ATTR_BOOL, HYBRID(depthwise), 1, 0, NULL},
    {"asymmetric", QF_ATTR_BOOL, HYBRID(asymmetric), 1, 0, NULL},
    {"bias_first", QF_ATTR_BOOL, HYBRID(bias_first), 1, 0, NULL},
    {NULL},
};

static gboolean check_types(const QfNode *node, GError **error)
{
  const QfTensor *x = node->inputs[0], *w = node->inputs[1], *b = qf_infer_in(node, 2);
  gboolean coded = w->dtype == QF_DTYPE_INT8 && (w->enc.count == 1 || (w->enc.count > 1 && w->enc.axis == 3));
  for (uint32_t i = 0; coded && i < w->enc.count; i++)
    coded = w->enc.entries[i].offset == 0;
  return (x->dtype == QF_DTYPE_FLOAT32 && coded && (!b || b->dtype == QF_DTYPE_FLOAT32)) ||
         qf_infer_fail(error, QF_ERROR_TYPE,
                       "it takes float32 data and bias, and int8 weights with scales and no offset, but %s "
                       "is %s and %s is %s",
                       x->name, qf_dtype_name(x->dtype), w->name, qf_dtype_name(w->dtype));
}

static gboolean infer_hybrid(QfNode *node, GError **error)
{
  const QfHybridAttrs *a = node->attrs;
  if (!qf_infer_begin(node, error) || !qf_infer_rank(node, 0, 4, 4, error) ||
      !qf_infer_rank(node, 1, 4, 4, error) || !check_types(node, error))
    return FALSE;
  const int64_t *x = node->inputs[0]->dims, *w = node->inputs[1]->dims;
  const int64_t group = a->depthwise ? x[3] : a->conv.group;
  int64_t out[4] = {x[0], 0, 0, w[3]};
  if (group < 1 || x[3] % group || x[3] / group != w[2] || w[3] < 1 || w[3] % group)
    return qf_infer_fail(error, QF_ERROR_SHAPE,
                         "%" G_GINT64_FORMAT " input channels in %" G_GINT64_FORMAT
                         " groups do not fit weights for %" G_GINT64_FORMAT " that give %" G_GINT64_FORMAT,
                         x[3], group, w[2], w[3]);
  for (int i = 0; i < 2; i++)
    if (!qf_infer_window(i ? "width" : "height", x[1 + i], w[i], a->conv.stride[i], a->conv.dilation[i],
                         a->conv.pad[2 * i], a->conv.pad[2 * i + 1], &out[1 + i], error))
      return FALSE;
  if (a->conv.epi.residual || a->conv.epi.act == QF_ACT_PRELU)
    return qf_infer_fail(error, QF_ERROR_FORMAT, "it takes no residual and no slope");
  return qf_infer_set(node, 0, QF_DTYPE_FLOAT32, out, 4, error) &&
         qf_infer_channels(node, 2, "bias", w[3], error) &&
         qf_infer_activation(a->conv.epi.act, a->conv.epi.lo, a->conv.epi.hi, error);
}

static uint64_t hybrid_macs(const QfNode *node)
{
  const int64_t *w = node->inputs[1]->dims;
  return qf_infer_product((uint64_t)qf_tensor_count(node->outputs[0]), (uint64_t)(w[0] * w[1] * w[2]));
}

const QfOpDef qf_op_HybridConv2d = {
    .name = "HybridConv2d",
    .summary = "Conv2d of float images, quantized as they come, by 8-bit weights",
    .min_inputs = 2,
    .max_inputs = 3,
    .min_outputs = 1,
    .max_outputs = 1,
    .attrs_size = sizeof(QfHybridAttrs),
    .attrs = hybrid_attrs,
    .move = QF_MOVE_FIXED,
    .quant = QF_QUANT_ANY,
    .infer = infer_hybrid,
    .macs = hybrid_macs,
};
