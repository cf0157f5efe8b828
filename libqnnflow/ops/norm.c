/* SPDX-License-Identifier: MIT */
/*
 * norm.c - what the normalisations mean. Channels are the last dimension. Numbers: kernels/norm.
 */
#include "list.h"
#include "infer.h"

static const QfAttrDef instance_attrs[] = {
    {"epsilon", QF_ATTR_FLOAT, offsetof(QfNormAttrs, epsilon), 1, 1e-5, NULL},
    {NULL},
};
static const QfAttrDef layer_attrs[] = {
    {"axes", QF_ATTR_AXES, offsetof(QfNormAttrs, axes), 1, 0, NULL},
    {"epsilon", QF_ATTR_FLOAT, offsetof(QfNormAttrs, epsilon), 1, 1e-5, NULL},
    {NULL},
};
static const QfAttrDef l2_attrs[] = {
    {"axes", QF_ATTR_AXES, offsetof(QfNormAttrs, axes), 1, 0, NULL},
    {"epsilon", QF_ATTR_FLOAT, offsetof(QfNormAttrs, epsilon), 1, 1e-12, NULL},
    {NULL},
};

static gboolean begin_norm(const QfNode *node, int32_t min_rank, GError **error)
{
  return qf_infer_begin(node, error) && qf_infer_rank(node, 0, min_rank, QF_MAX_RANK, error) &&
         qf_infer_numbers(node, 0, QF_NUMBERS_REAL, error);
}

static gboolean infer_batchnorm(QfNode *node, GError **error)
{
  if (!begin_norm(node, 1, error))
    return FALSE;
  const QfTensor *x = node->inputs[0];
  int64_t c = x->dims[x->rank - 1];
  return qf_infer_channels(node, 1, "weight", c, error) && qf_infer_channels(node, 2, "bias", c, error) &&
         qf_infer_like(node, 0, x, error);
}

static gboolean infer_instance(QfNode *node, GError **error)
{
  if (!begin_norm(node, 3, error))
    return FALSE;
  const QfTensor *x = node->inputs[0];
  int64_t c = x->dims[x->rank - 1];
  return qf_infer_channels(node, 1, "scale", c, error) && qf_infer_channels(node, 2, "bias", c, error) &&
         qf_infer_like(node, 0, x, error);
}

/* Weight and bias hold a value for each element of the normalised dimensions, which are the last ones. */
static gboolean infer_layer(QfNode *node, GError **error)
{
  const QfNormAttrs *a = node->attrs;
  uint32_t mask;
  if (!begin_norm(node, 1, error) || !qf_infer_axes(&a->axes, node->inputs[0]->rank, &mask, error))
    return FALSE;
  const QfTensor *x = node->inputs[0];
  int64_t n = 1;
  for (int32_t i = x->rank - 1, inside = 1; i >= 0; i--) {
    gboolean in = mask >> i & 1;
    if (in && !inside)
      return qf_infer_fail(error, QF_ERROR_SHAPE,
                           "it normalises the last dimensions only, and dimension %d is not one of them: add "
                           "a Transpose",
                           i);
    inside = inside && in;
    n *= in ? x->dims[i] : 1;
  }
  return qf_infer_channels(node, 1, "scale", n, error) && qf_infer_channels(node, 2, "bias", n, error) &&
         qf_infer_like(node, 0, x, error);
}

static gboolean infer_l2(QfNode *node, GError **error)
{
  const QfNormAttrs *a = node->attrs;
  uint32_t mask;
  return begin_norm(node, 1, error) && qf_infer_axes(&a->axes, node->inputs[0]->rank, &mask, error) &&
         qf_infer_like(node, 0, node->inputs[0], error);
}

#define NORM(Name, text, inputs_min, inputs_max, infer_fn, table, rule)                                      \
  const QfOpDef qf_op_##Name = {                                                                             \
      .name = #Name,                                                                                         \
      .summary = text,                                                                                       \
      .min_inputs = inputs_min,                                                                              \
      .max_inputs = inputs_max,                                                                              \
      .min_outputs = 1,                                                                                      \
      .max_outputs = 1,                                                                                      \
      .attrs_size = sizeof(QfNormAttrs),                                                                     \
      .attrs = table,                                                                                        \
      .move = rule,                                                                                          \
      .quant = QF_QUANT_ANY,                                                                                 \
      .infer = infer_fn,                                                                                     \
  };

NORM(Batchnorm, "y = x * weight[c] + bias[c]", 2, 3, infer_batchnorm, NULL, QF_MOVE_FIXED)
NORM(InstanceNorm, "y = (x - mean) / sqrt(var + epsilon) * scale[c] + bias[c], per image and channel", 1, 3,
     infer_instance, instance_attrs, QF_MOVE_FIXED)
NORM(LayerNorm, "y = (x - mean) / sqrt(var + epsilon) * scale + bias, over axes", 1, 3, infer_layer,
     layer_attrs, QF_MOVE_FIXED)
NORM(L2Norm, "y = x / sqrt(max(sum of x^2 over axes, epsilon))", 1, 1, infer_l2, l2_attrs, QF_MOVE_AXES)
