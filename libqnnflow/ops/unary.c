/* SPDX-License-Identifier: MIT */
/*
 * unary.c - what the elementwise operators of one input mean. Numbers: kernels/unary.
 */
#include "list.h"
#include "infer.h"

#include <math.h>

#define UNARY_ATTR(name, member, def)                                                                        \
  {                                                                                                          \
    name, QF_ATTR_FLOAT, offsetof(QfUnaryAttrs, member), 1, def, NULL                                        \
  }

static const QfAttrDef clamp_attrs[] = {UNARY_ATTR("min_value", lo, -INFINITY),
                                        UNARY_ATTR("max_value", hi, INFINITY),
                                        {NULL}};
static const QfAttrDef leaky_attrs[] = {UNARY_ATTR("alpha", alpha, 0.01), {NULL}};
static const QfAttrDef elu_attrs[] = {UNARY_ATTR("alpha", alpha, 1), {NULL}};
static const QfAttrDef hard_sigmoid_attrs[] = {UNARY_ATTR("alpha", alpha, 0.2),
                                               UNARY_ATTR("beta", beta, 0.5),
                                               {NULL}};
static const QfAttrDef gelu_attrs[] = {{"approximate", QF_ATTR_BOOL, offsetof(QfUnaryAttrs, approximate), 1,
                                        0, NULL},
                                       {NULL}};

static gboolean infer_any(QfNode *node, GError **error)
{
  return qf_infer_begin(node, error) && qf_infer_like(node, 0, node->inputs[0], error);
}

static gboolean infer_real(QfNode *node, GError **error)
{
  return qf_infer_begin(node, error) && qf_infer_numbers(node, 0, QF_NUMBERS_REAL, error) &&
         qf_infer_like(node, 0, node->inputs[0], error);
}

static gboolean infer_clamp(QfNode *node, GError **error)
{
  const QfUnaryAttrs *a = node->attrs;
  if (!(a->lo <= a->hi))
    return qf_infer_fail(error, QF_ERROR_FORMAT, "the limits %g to %g are not ordered", a->lo, a->hi);
  return infer_any(node, error);
}

static gboolean infer_not(QfNode *node, GError **error)
{
  return qf_infer_begin(node, error) && qf_infer_numbers(node, 0, QF_NUMBERS_PLAIN, error) &&
         qf_infer_like(node, 0, node->inputs[0], error);
}

#define UNARY(Name, text, infer_fn, rule, table)                                                             \
  const QfOpDef qf_op_##Name = {                                                                             \
      .name = #Name,                                                                                         \
      .summary = text,                                                                                       \
      .min_inputs = 1,                                                                                       \
      .max_inputs = 1,                                                                                       \
      .min_outputs = 1,                                                                                      \
      .max_outputs = 1,                                                                                      \
      .attrs_size = sizeof(QfUnaryAttrs),                                                                    \
      .attrs = table,                                                                                        \
      .move = QF_MOVE_BROADCAST,                                                                             \
      .quant = rule,                                                                                         \
      .infer = infer_fn,                                                                                     \
  };

UNARY(ElementWiseAbs, "y = |x|", infer_any, QF_QUANT_ANY, NULL)
UNARY(ElementWiseNeg, "y = -x", infer_any, QF_QUANT_ANY, NULL)
UNARY(ElementWiseExp, "y = e^x", infer_real, QF_QUANT_ANY, NULL)
UNARY(ElementWiseLog, "y = ln x", infer_real, QF_QUANT_ANY, NULL)
UNARY(ElementWiseSquareRoot, "y = sqrt(x)", infer_real, QF_QUANT_ANY, NULL)
UNARY(ElementWiseRsqrt, "y = 1 / sqrt(x)", infer_real, QF_QUANT_ANY, NULL)
UNARY(ElementWiseReciprocal, "y = 1 / x", infer_real, QF_QUANT_ANY, NULL)
UNARY(ElementWiseFloor, "y = largest integer <= x", infer_any, QF_QUANT_ANY, NULL)
UNARY(ElementWiseCeil, "y = smallest integer >= x", infer_any, QF_QUANT_ANY, NULL)
UNARY(ElementWiseRound, "y = nearest integer, halves to even", infer_any, QF_QUANT_ANY, NULL)
UNARY(ElementWiseSign, "y = -1, 0 or 1", infer_any, QF_QUANT_ANY, NULL)
UNARY(ElementWiseSin, "y = sin x", infer_real, QF_QUANT_ANY, NULL)
UNARY(ElementWiseCos, "y = cos x", infer_real, QF_QUANT_ANY, NULL)
UNARY(ElementWiseNot, "y = not x (bits, for integers)", infer_not, QF_QUANT_NONE, NULL)
UNARY(Tan, "y = tan x", infer_real, QF_QUANT_ANY, NULL)
UNARY(ElementWiseAsin, "y = the angle whose sine is x", infer_real, QF_QUANT_ANY, NULL)
UNARY(Acos, "y = the angle whose cosine is x", infer_real, QF_QUANT_ANY, NULL)
UNARY(ElementWiseAtan, "y = the angle whose tangent is x", infer_real, QF_QUANT_ANY, NULL)
UNARY(Sinh, "y = (e^x - e^-x) / 2", infer_real, QF_QUANT_ANY, NULL)
UNARY(Cosh, "y = (e^x + e^-x) / 2", infer_real, QF_QUANT_ANY, NULL)
UNARY(Asinh, "y = ln(x + sqrt(x^2 + 1))", infer_real, QF_QUANT_ANY, NULL)
UNARY(Acosh, "y = ln(x + sqrt(x^2 - 1))", infer_real, QF_QUANT_ANY, NULL)
UNARY(Atanh, "y = ln((1 + x) / (1 - x)) / 2", infer_real, QF_QUANT_ANY, NULL)
UNARY(Erf, "y = erf x", infer_real, QF_QUANT_ANY, NULL)
UNARY(Relu, "y = max(x, 0)", infer_any, QF_QUANT_ANY, NULL)
UNARY(Relu6, "y = min(max(x, 0), 6)", infer_any, QF_QUANT_ANY, NULL)
UNARY(ReluMinMax, "y = min(max(x, min_value), max_value)", infer_clamp, QF_QUANT_ANY, clamp_attrs)
UNARY(LeakyRelu, "y = x < 0 ? alpha * x : x", infer_real, QF_QUANT_ANY, leaky_attrs)
UNARY(Elu, "y = x < 0 ? alpha * (e^x - 1) : x", infer_real, QF_QUANT_ANY, elu_attrs)
UNARY(Sigmoid, "y = 1 / (1 + e^-x)", infer_real, QF_QUANT_ANY, NULL)
UNARY(HardSigmoid, "y = min(max(alpha * x + beta, 0), 1)", infer_real, QF_QUANT_ANY, hard_sigmoid_attrs)
UNARY(HardSwish, "y = x * min(max(x + 3, 0), 6) / 6", infer_real, QF_QUANT_ANY, NULL)
UNARY(Silu, "y = x / (1 + e^-x)", infer_real, QF_QUANT_ANY, NULL)
UNARY(Tanh, "y = tanh x", infer_real, QF_QUANT_ANY, NULL)
UNARY(Gelu, "y = x / 2 * (1 + erf(x / sqrt 2)), or its tanh form", infer_real, QF_QUANT_ANY, gelu_attrs)
UNARY(Softplus, "y = ln(1 + e^x)", infer_real, QF_QUANT_ANY, NULL)
