/* SPDX-License-Identifier: MIT */
/*
 * cast.c - what the operators mean that change the type of numbers: Cast takes them as they are, Quantize, Dequantize and
 * Convert by the encodings of their tensors. Range makes numbers. Numbers: kernels/quantize.
 */
#include "list.h"
#include "infer.h"

#include <math.h>

static const QfAttrDef cast_attrs[] = {
    {"dtype", QF_ATTR_DTYPE, offsetof(QfCastAttrs, dtype), 1, QF_DTYPE_INVALID, NULL},
    {NULL},
};

static gboolean infer_cast(QfNode *node, GError **error)
{
  const QfCastAttrs *a = node->attrs;
  if (!qf_infer_begin(node, error))
    return FALSE;
  QfTensor *y = node->outputs[0];
  QfDType dtype = a->dtype != QF_DTYPE_INVALID ? (QfDType)a->dtype : y->dtype;
  if (!qf_dtype_size(dtype) || (y->dtype != QF_DTYPE_INVALID && y->dtype != dtype))
    return qf_infer_fail(error, QF_ERROR_TYPE, "it is to give %s, but its output is %s", qf_dtype_name(dtype),
                         qf_dtype_name(y->dtype));
  return qf_infer_set(node, 0, dtype, node->inputs[0]->dims, node->inputs[0]->rank, error);
}

/* The output's dtype and encoding are set by whoever makes the node. */
static gboolean check_quantized_output(const QfNode *node, GError **error)
{
  const QfTensor *y = node->outputs[0];
  int64_t lo, hi;
  qf_dtype_range(y->dtype, &lo, &hi);
  if (!y->enc.count || lo == hi)
    return qf_infer_fail(error, QF_ERROR_TYPE,
                         "the output (%s) must be an integer type with scale and offset, but is %s", y->name,
                         qf_dtype_name(y->dtype));
  return TRUE;
}

/* Elements of another size: a last dimension comes or goes. */
static gboolean infer_bit_cast(QfNode *node, GError **error)
{
  const QfCastAttrs *a = node->attrs;
  int64_t dims[QF_MAX_RANK + 1];
  if (!qf_infer_begin(node, error))
    return FALSE;
  const QfTensor *x = node->inputs[0];
  int64_t from = (int64_t)qf_dtype_size(x->dtype), to = (int64_t)qf_dtype_size((QfDType)a->dtype);
  int32_t rank = x->rank;
  for (int32_t i = 0; i < rank; i++)
    dims[i] = x->dims[i];
  if (to && from > to)
    dims[rank++] = from / to;
  if (!to || rank > QF_MAX_RANK || (to > from && (!rank || dims[--rank] != to / from)))
    return qf_infer_fail(error, QF_ERROR_SHAPE, "the bytes of %s do not make elements of %s", x->name,
                         qf_dtype_name((QfDType)a->dtype));
  return qf_infer_set(node, 0, (QfDType)a->dtype, dims, rank, error);
}

static gboolean infer_quantize(QfNode *node, GError **error)
{
  if (!qf_infer_begin(node, error))
    return FALSE;
  const QfTensor *x = node->inputs[0];
  if (!qf_dtype_is_float(x->dtype))
    return qf_infer_fail(error, QF_ERROR_TYPE, "input 0 (%s) must be float, but is %s: use Convert", x->name,
                         qf_dtype_name(x->dtype));
  return check_quantized_output(node, error) &&
         qf_infer_set(node, 0, node->outputs[0]->dtype, x->dims, x->rank, error);
}

static gboolean infer_dequantize(QfNode *node, GError **error)
{
  const QfCastAttrs *a = node->attrs;
  if (!qf_infer_begin(node, error))
    return FALSE;
  const QfTensor *x = node->inputs[0];
  QfDType dtype = a->dtype != QF_DTYPE_INVALID ? (QfDType)a->dtype : QF_DTYPE_FLOAT32;
  if (!x->enc.count && !qf_dtype_is_float(x->dtype))
    return qf_infer_fail(error, QF_ERROR_TYPE, "input 0 (%s) is %s without a scale: there is nothing to undo",
                         x->name, qf_dtype_name(x->dtype));
  if (!qf_dtype_is_float(dtype))
    return qf_infer_fail(error, QF_ERROR_TYPE, "the output cannot be %s", qf_dtype_name(dtype));
  return qf_infer_set(node, 0, dtype, x->dims, x->rank, error);
}

static gboolean infer_convert(QfNode *node, GError **error)
{
  if (!qf_infer_begin(node, error))
    return FALSE;
  const QfTensor *x = node->inputs[0];
  if (!x->enc.count)
    return qf_infer_fail(error, QF_ERROR_TYPE, "input 0 (%s) has no scale: use Quantize", x->name);
  return check_quantized_output(node, error) &&
         qf_infer_set(node, 0, node->outputs[0]->dtype, x->dims, x->rank, error);
}

static gboolean infer_range(QfNode *node, GError **error)
{
  double v[3];
  if (!qf_infer_begin(node, error))
    return FALSE;
  for (uint32_t i = 0; i < 3; i++) {
    if (!qf_tensor_data(node->inputs[i]) || qf_tensor_count(node->inputs[i]) != 1)
      return qf_infer_fail(error, QF_ERROR_UNSUPPORTED,
                           "start, limit and delta must be constant numbers, but input %u (%s) is not: fix "
                           "the model's input dimensions",
                           i, node->inputs[i]->name);
    if (!qf_infer_same_type(node, 0, i, error))
      return FALSE;
    v[i] = qf_tensor_get_real(node->inputs[i], 0);
  }
  double n = ceil((v[1] - v[0]) / v[2]);
  if (!(n < 1e12))
    return qf_infer_fail(error, QF_ERROR_SHAPE, "%g to %g by %g has no end", v[0], v[1], v[2]);
  int64_t count = n > 0 ? (int64_t)n : 0;
  return qf_infer_set(node, 0, node->inputs[0]->dtype, &count, 1, error);
}

#define CAST(Name, text, infer_fn, rule)                                                                     \
  const QfOpDef qf_op_##Name = {                                                                             \
      .name = #Name,                                                                                         \
      .summary = text,                                                                                       \
      .min_inputs = 1,                                                                                       \
      .max_inputs = 1,                                                                                       \
      .min_outputs = 1,                                                                                      \
      .max_outputs = 1,                                                                                      \
      .attrs_size = sizeof(QfCastAttrs),                                                                     \
      .attrs = cast_attrs,                                                                                   \
      .move = QF_MOVE_BROADCAST,                                                                             \
      .quant = rule,                                                                                         \
      .infer = infer_fn,                                                                                     \
  };

CAST(Cast, "the number in another type; to integer it is cut toward zero", infer_cast, QF_QUANT_NONE)
CAST(Quantize, "y = clamp(rint(x / scale) - offset)", infer_quantize, QF_QUANT_NONE)
CAST(Dequantize, "y = (x + offset) * scale", infer_dequantize, QF_QUANT_NONE)
CAST(Convert, "from one encoding to another", infer_convert, QF_QUANT_ANY)

#define MINI(member) offsetof(QfMiniFloatAttrs, member)
static const char *const beyond_names[] = {"max", "infinity", "nan", NULL};
static const QfAttrDef mini_attrs[] = {
    {"mantissa_bits", QF_ATTR_INT, MINI(mantissa_bits), 1, 3, NULL},
    {"min_exponent", QF_ATTR_INT, MINI(min_exponent), 1, -6, NULL},
    {"beyond", QF_ATTR_ENUM, MINI(beyond), 1, 0, beyond_names},
    {"max", QF_ATTR_FLOAT, MINI(max), 1, 448, NULL},
    {"up", QF_ATTR_BOOL, MINI(up), 1, 0, NULL},
    {"no_nan", QF_ATTR_BOOL, MINI(no_nan), 1, 0, NULL},
    {NULL},
};

static gboolean infer_mini(QfNode *node, GError **error)
{
  const QfMiniFloatAttrs *a = node->attrs;
  if (!qf_infer_begin(node, error))
    return FALSE;
  const QfTensor *x = node->inputs[0];
  if (!qf_infer_numbers(node, 0, QF_NUMBERS_FLOAT, error))
    return FALSE;
  if (a->mantissa_bits < 0 || a->mantissa_bits > 23 || a->min_exponent < -127 || a->min_exponent > 127 ||
      a->beyond < 0 || a->beyond > 2 || !(a->max > 0))
    return qf_infer_fail(error, QF_ERROR_FORMAT, "floats of %d bits from 2^%d to %g are not possible",
                         a->mantissa_bits, a->min_exponent, (double)a->max);
  return qf_infer_like(node, 0, x, error);
}

const QfOpDef qf_op_MiniFloat = {
    .name = "MiniFloat",
    .summary = "y = x rounded to a float of fewer bits",
    .min_inputs = 1,
    .max_inputs = 1,
    .min_outputs = 1,
    .max_outputs = 1,
    .attrs_size = sizeof(QfMiniFloatAttrs),
    .attrs = mini_attrs,
    .move = QF_MOVE_BROADCAST,
    .quant = QF_QUANT_NONE,
    .infer = infer_mini,
};

const QfOpDef qf_op_BitCast = {
    .name = "BitCast",
    .summary = "the same bytes as elements of another type",
    .min_inputs = 1,
    .max_inputs = 1,
    .min_outputs = 1,
    .max_outputs = 1,
    .attrs_size = sizeof(QfCastAttrs),
    .attrs = cast_attrs,
    .move = QF_MOVE_FIXED,
    .quant = QF_QUANT_NONE,
    .infer = infer_bit_cast,
};

const QfOpDef qf_op_Range = {
    .name = "Range",
    .summary = "start, start + delta, ... up to limit, which is left out",
    .min_inputs = 3,
    .max_inputs = 3,
    .min_outputs = 1,
    .max_outputs = 1,
    .move = QF_MOVE_FIXED,
    .quant = QF_QUANT_NONE,
    .infer = infer_range,
};
