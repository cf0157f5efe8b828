/* SPDX-License-Identifier: MIT */
/*
 * binary.c - what the elementwise operators of two inputs mean; both broadcast from the right. Numbers: kernels/binary.
 */
#include "list.h"
#include "infer.h"

static const QfAttrDef binary_attrs[] = {
    {"activation", QF_ATTR_ENUM, offsetof(QfBinaryAttrs, epi.act), 1, QF_ACT_NONE, qf_activation_names},
    {"act_lo", QF_ATTR_FLOAT, offsetof(QfBinaryAttrs, epi.lo), 1, 0, NULL},
    {"act_hi", QF_ATTR_FLOAT, offsetof(QfBinaryAttrs, epi.hi), 1, 0, NULL},
    {"act_alpha", QF_ATTR_FLOAT, offsetof(QfBinaryAttrs, epi.alpha), 1, 0, NULL},
    {NULL},
};

static gboolean infer_to(QfNode *node, QfDType dtype, GError **error)
{
  int64_t dims[QF_MAX_RANK];
  int32_t rank;
  return qf_infer_same_type(node, 0, 1, error) && qf_infer_broadcast(node, 0, dims, &rank, error) &&
         qf_infer_set(node, 0, dtype, dims, rank, error);
}

static gboolean infer_number(QfNode *node, GError **error)
{
  const QfEpilogue *epi = &((const QfBinaryAttrs *)node->attrs)->epi;
  if (!qf_infer_begin(node, error) || !qf_infer_activation(epi->act, epi->lo, epi->hi, error))
    return FALSE;
  if (epi->act == QF_ACT_PRELU)
    return qf_infer_fail(error, QF_ERROR_UNSUPPORTED, "a PRelu cannot be fused here: add it as an operator");
  const QfTensor *x = node->inputs[0];
  if (epi->act != QF_ACT_NONE && !x->enc.count && !qf_dtype_is_float(x->dtype) && (epi->act != QF_ACT_CLAMP))
    return qf_infer_fail(error, QF_ERROR_TYPE, "%s of %s numbers is not defined: add a Cast to float",
                         qf_activation_names[epi->act], qf_dtype_name(x->dtype));
  return infer_to(node, x->dtype, error);
}

static gboolean infer_compare(QfNode *node, GError **error)
{
  return qf_infer_begin(node, error) && infer_to(node, QF_DTYPE_BOOL, error);
}

static gboolean infer_logic(QfNode *node, GError **error)
{
  return qf_infer_begin(node, error) && qf_infer_numbers(node, 0, QF_NUMBERS_PLAIN, error) &&
         infer_to(node, node->inputs[0]->dtype, error);
}

/* The slope may not enlarge the output. */
static gboolean infer_prelu(QfNode *node, GError **error)
{
  if (!qf_infer_begin(node, error) || !infer_to(node, node->inputs[0]->dtype, error))
    return FALSE;
  const QfTensor *x = node->inputs[0], *y = node->outputs[0];
  if (y->rank != x->rank || qf_tensor_count(y) != qf_tensor_count(x))
    return qf_infer_fail(error, QF_ERROR_SHAPE, "the slope (%s) does not broadcast to the input's shape",
                         node->inputs[1]->name);
  return TRUE;
}

#define BINARY(Name, text, infer_fn, rule, table)                                                            \
  const QfOpDef qf_op_##Name = {                                                                             \
      .name = #Name,                                                                                         \
      .summary = text,                                                                                       \
      .min_inputs = 2,                                                                                       \
      .max_inputs = 2,                                                                                       \
      .min_outputs = 1,                                                                                      \
      .max_outputs = 1,                                                                                      \
      .attrs_size = sizeof(QfBinaryAttrs),                                                                   \
      .attrs = table,                                                                                        \
      .move = QF_MOVE_BROADCAST,                                                                             \
      .quant = rule,                                                                                         \
      .infer = infer_fn,                                                                                     \
  };

BINARY(ElementWiseAdd, "y = act(a + b)", infer_number, QF_QUANT_ANY, binary_attrs)
BINARY(ElementWiseSubtract, "y = act(a - b)", infer_number, QF_QUANT_ANY, binary_attrs)
BINARY(ElementWiseMultiply, "y = act(a * b)", infer_number, QF_QUANT_ANY, binary_attrs)
BINARY(ElementWiseDivide, "y = act(a / b); integers round toward zero", infer_number, QF_QUANT_ANY,
       binary_attrs)
BINARY(ElementWiseMaximum, "y = act(max(a, b))", infer_number, QF_QUANT_ANY, binary_attrs)
BINARY(ElementWiseMinimum, "y = act(min(a, b))", infer_number, QF_QUANT_ANY, binary_attrs)
BINARY(ElementWisePower, "y = act(a ^ b)", infer_number, QF_QUANT_ANY, binary_attrs)
BINARY(ElementWiseFloorDiv, "y = act(floor(a / b))", infer_number, QF_QUANT_NONE, binary_attrs)
BINARY(ElementWiseMod, "y = act(a - floor(a / b) * b), with the sign of b", infer_number, QF_QUANT_NONE,
       binary_attrs)
BINARY(ElementWiseFmod, "y = act(a - trunc(a / b) * b), with the sign of a", infer_number, QF_QUANT_NONE,
       binary_attrs)
BINARY(ElementWiseSquaredDifference, "y = act((a - b)^2)", infer_number, QF_QUANT_ANY, binary_attrs)
BINARY(ElementWiseEqual, "y = a == b", infer_compare, QF_QUANT_NONE, NULL)
BINARY(ElementWiseNotEqual, "y = a != b", infer_compare, QF_QUANT_NONE, NULL)
BINARY(ElementWiseLess, "y = a < b", infer_compare, QF_QUANT_NONE, NULL)
BINARY(ElementWiseLessEqual, "y = a <= b", infer_compare, QF_QUANT_NONE, NULL)
BINARY(ElementWiseGreater, "y = a > b", infer_compare, QF_QUANT_NONE, NULL)
BINARY(ElementWiseGreaterEqual, "y = a >= b", infer_compare, QF_QUANT_NONE, NULL)
BINARY(ElementWiseAnd, "y = a and b (bits, for integers)", infer_logic, QF_QUANT_NONE, NULL)
BINARY(ElementWiseOr, "y = a or b (bits, for integers)", infer_logic, QF_QUANT_NONE, NULL)
BINARY(ElementWiseXor, "y = a xor b (bits, for integers)", infer_logic, QF_QUANT_NONE, NULL)
BINARY(Prelu, "y = x < 0 ? x * slope : x", infer_prelu, QF_QUANT_ANY, NULL)
BINARY(BitShiftLeft, "y = a * 2^b (unsigned integers)", infer_logic, QF_QUANT_NONE, NULL)
BINARY(BitShiftRight, "y = a / 2^b, rounded down (unsigned integers)", infer_logic, QF_QUANT_NONE, NULL)
