/* SPDX-License-Identifier: MIT */
/*
 * softmax.c - what Softmax means: y = exp(beta * (x - max)) / sum along one axis. Numbers: kernels/softmax.
 */
#include "list.h"
#include "infer.h"

static const QfAttrDef softmax_attrs[] = {
    {"axis", QF_ATTR_AXIS, offsetof(QfAxisAttrs, axis), 1, 0, NULL},
    {"beta", QF_ATTR_FLOAT, offsetof(QfAxisAttrs, beta), 1, 1, NULL},
    {NULL},
};

static gboolean infer_softmax(QfNode *node, GError **error)
{
  const QfAxisAttrs *a = node->attrs;
  if (!qf_infer_begin(node, error) || !qf_infer_axis(a->axis, node->inputs[0]->rank, error))
    return FALSE;
  return qf_infer_numbers(node, 0, QF_NUMBERS_REAL, error) && qf_infer_like(node, 0, node->inputs[0], error);
}

#define SOFTMAX(Name, text)                                                                                  \
  const QfOpDef qf_op_##Name = {                                                                             \
      .name = #Name,                                                                                         \
      .summary = text,                                                                                       \
      .min_inputs = 1,                                                                                       \
      .max_inputs = 1,                                                                                       \
      .min_outputs = 1,                                                                                      \
      .max_outputs = 1,                                                                                      \
      .attrs_size = sizeof(QfAxisAttrs),                                                                     \
      .attrs = softmax_attrs,                                                                                \
      .move = QF_MOVE_AXES,                                                                                  \
      .quant = QF_QUANT_ANY,                                                                                 \
      .infer = infer_softmax,                                                                                \
  };

SOFTMAX(Softmax, "y = exp(beta * (x - max)) / sum, along axis")
SOFTMAX(LogSoftmax, "y = beta * (x - max) - ln(sum of exp(beta * (x - max))), along axis")
