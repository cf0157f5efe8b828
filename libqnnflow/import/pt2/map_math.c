/* SPDX-License-Identifier: MIT */
/*
 * map_math.c - element by element: functions of one value, arithmetic and comparisons with aten's type promotion, selection, casts.
 */
#include "map.h"

#include <string.h>

static gboolean map_identity(QfPt2Node *n, GError **error)
{
  const char *x = qf_pt2_tensor(n, "self");
  if (!x)
    x = qf_pt2_tensor(n, "input");
  if (!x)
    return qf_pt2_fail(n, error, QF_ERROR_FORMAT, "it has no input");
  const int32_t type = qf_pt2_type(n, n->out[0]);
  if (type && type != qf_pt2_type(n, x)) {
    qf_pt2_emit(n, "Cast", n->out[0], 1, x);
    qf_pt2_attr_int(n->p->emit, qf_pt2_last(n), "to", type);
  } else {
    qf_pt2_emit(n, "Identity", n->out[0], 1, x);
  }
  return TRUE;
}

static gboolean map_dropout(QfPt2Node *n, GError **error)
{
  if (qf_pt2_arg_bool(n, "train", FALSE) || qf_pt2_arg_bool(n, "training", FALSE))
    return qf_pt2_fail(n, error, QF_ERROR_UNSUPPORTED,
                       "it is in training mode; call module.eval() before the export");
  return map_identity(n, error);
}

/* The function of x as a float, whatever x is. data: the ONNX operator. */
static gboolean map_float1(QfPt2Node *n, GError **error)
{
  const char *x = qf_pt2_tensor(n, "self");
  int32_t type = qf_pt2_type(n, x);
  if (!x)
    return qf_pt2_fail(n, error, QF_ERROR_FORMAT, "it has no input");
  type = qf_pt2_is_float_type(type) || !type ? type : QF_PT2_FLOAT;
  qf_pt2_emit(n, n->row->data, n->out[0], 1, qf_pt2_cast(n, x, type));
  return TRUE;
}

/* A chain of operators on x, from the first to the last. */
static gboolean map_chain(QfPt2Node *n, GError **error)
{
  g_auto(GStrv) ops = g_strsplit(n->row->data, " ", -1);
  const char *x = qf_pt2_tensor(n, "self");
  if (!x)
    return qf_pt2_fail(n, error, QF_ERROR_FORMAT, "it has no input");
  for (guint i = 0; ops[i]; i++)
    x = qf_pt2_emit(n, ops[i], ops[i + 1] ? NULL : n->out[0], 1, x);
  return TRUE;
}

/* log1p, log2, log10, expm1, square: x first OP a number, or after. */
static gboolean map_log(QfPt2Node *n, GError **error)
{
  const char *x = qf_pt2_tensor(n, "self"), *op = n->row->op;
  if (!x)
    return qf_pt2_fail(n, error, QF_ERROR_FORMAT, "it has no input");
  if (!strcmp(op, "log1p"))
    qf_pt2_emit(n, "Log", n->out[0], 1, qf_pt2_emit(n, "Add", NULL, 2, x, qf_pt2_number(n, 1)));
  else if (!strcmp(op, "expm1"))
    qf_pt2_emit(n, "Sub", n->out[0], 2, qf_pt2_emit(n, "Exp", NULL, 1, x), qf_pt2_number(n, 1));
  else if (!strcmp(op, "square"))
    qf_pt2_emit(n, "Mul", n->out[0], 2, x, x);
  else
    qf_pt2_emit(n, "Mul", n->out[0], 2, qf_pt2_emit(n, "Log", NULL, 1, x),
                qf_pt2_number(n, !strcmp(op, "log2") ? 1.4426950408889634 : 0.4342944819032518));
  return TRUE;
}

static gboolean is_tensor(const QfPt2Node *n, const char *name)
{
  return qf_pt2_tensor(n, name) != NULL;
}

/* The type two operands are computed in: a float one wins, then the wider; a number only makes integers floats. */
static int32_t promoted(const QfPt2Node *n, const char *a, const char *b)
{
  const int32_t ta = is_tensor(n, a) ? qf_pt2_type(n, qf_pt2_tensor(n, a)) : 0,
                tb = is_tensor(n, b) ? qf_pt2_type(n, qf_pt2_tensor(n, b)) : 0;
  const gboolean fa = qf_pt2_is_float_type(ta), fb = qf_pt2_is_float_type(tb);
  if (!ta || !tb) {
    const int32_t type = ta ? ta : tb ? tb : QF_PT2_INT64;
    const gboolean fraction = qf_pt2_get(qf_pt2_arg(n, ta ? b : a), "as_float") != NULL;
    return fraction && !qf_pt2_is_float_type(type) ? QF_PT2_FLOAT : type;
  }
  if (fa != fb)
    return fa ? ta : tb;
  return qf_dtype_size(qf_onnx_dtype(ta, NULL)) > qf_dtype_size(qf_onnx_dtype(tb, NULL)) || tb == QF_PT2_BOOL
             ? ta
             : tb;
}

static const char *second_name(const QfPt2Node *n)
{
  return qf_pt2_arg(n, "other")      ? "other"
         : qf_pt2_arg(n, "exponent") ? "exponent"
         : qf_pt2_arg(n, "value")    ? "value"
                                     : "b";
}

static const char *first_name(const QfPt2Node *n)
{
  return qf_pt2_arg(n, "self") ? "self" : qf_pt2_arg(n, "input") ? "input" : "a";
}

static gboolean operands(QfPt2Node *n, int32_t type, const char **a, const char **b, GError **error)
{
  *a = qf_pt2_operand(n, first_name(n), type);
  *b = qf_pt2_operand(n, second_name(n), type);
  return (*a && *b) || qf_pt2_fail(n, error, QF_ERROR_FORMAT, "one of its two operands is missing");
}

/* Arithmetic: computed in the type of the result, with aten's factor alpha. */
static gboolean map_binary(QfPt2Node *n, GError **error)
{
  const char *a, *b;
  const int32_t own = qf_pt2_type(n, n->out[0]),
                type = own ? own : promoted(n, first_name(n), second_name(n));
  const gboolean reversed = !strcmp(n->row->op, "rsub");
  if (!operands(n, type, &a, &b, error))
    return FALSE;
  if (qf_pt2_arg(n, "alpha") && qf_pt2_arg_float(n, "alpha", 1) != 1) {
    const char *factor = qf_pt2_operand(n, "alpha", type);
    if (reversed)
      a = qf_pt2_emit(n, "Mul", NULL, 2, a, factor);
    else
      b = qf_pt2_emit(n, "Mul", NULL, 2, b, factor);
  }
  qf_pt2_emit(n, n->row->data, n->out[0], 2, reversed ? b : a, reversed ? a : b);
  return TRUE;
}

static gboolean map_compare(QfPt2Node *n, GError **error)
{
  const char *a, *b;
  int32_t type = promoted(n, first_name(n), second_name(n));
  if (type == QF_PT2_BOOL && strcmp(n->row->data, "Equal"))
    type = QF_PT2_INT64;
  if (!operands(n, type, &a, &b, error))
    return FALSE;
  if (!strcmp(n->row->op, "ne"))
    qf_pt2_emit(n, "Not", n->out[0], 1, qf_pt2_emit(n, "Equal", NULL, 2, a, b));
  else
    qf_pt2_emit(n, n->row->data, n->out[0], 2, a, b);
  return TRUE;
}

/* and, or, xor of truth values; of integers bit by bit. */
static gboolean map_logical(QfPt2Node *n, GError **error)
{
  const char *a, *b;
  const gboolean bits = qf_pt2_type(n, n->out[0]) != QF_PT2_BOOL;
  g_autofree char *op = g_strconcat(bits ? "Bitwise" : "", n->row->data, NULL);
  if (!operands(n, bits ? qf_pt2_type(n, n->out[0]) : QF_PT2_BOOL, &a, &b, error))
    return FALSE;
  qf_pt2_emit(n, op, n->out[0], 2, a, b);
  return TRUE;
}

static gboolean map_not(QfPt2Node *n, GError **error)
{
  const char *x = qf_pt2_tensor(n, "self");
  const gboolean bits = qf_pt2_type(n, n->out[0]) != QF_PT2_BOOL;
  qf_pt2_emit(n, bits ? "BitwiseNot" : "Not", n->out[0], 1, bits ? x : qf_pt2_cast(n, x, QF_PT2_BOOL));
  return TRUE;
}

/* a / b, rounded down or towards zero, and what remains of rounding down. data: the rounding when none is given. */
static gboolean map_divide(QfPt2Node *n, GError **error)
{
  const char *a, *b, *mode = qf_pt2_arg_text(n, "rounding_mode", n->row->data);
  const int32_t type = qf_pt2_type(n, n->out[0]);
  const gboolean is_float = qf_pt2_is_float_type(type), remainder = !strcmp(n->row->op, "remainder");
  if (!operands(n, type, &a, &b, error))
    return FALSE;
  if (!*mode || (!is_float && !strcmp(mode, "trunc"))) {
    qf_pt2_emit(n, "Div", n->out[0], 2, a, b);
    return TRUE;
  }
  if (!is_float) { /* q = (a - (a mod b)) / b, where mod has the sign of b */
    const char *rest = qf_pt2_emit(n, "Mod", remainder ? n->out[0] : NULL, 2, a, b);
    if (!remainder)
      qf_pt2_emit(n, "Div", n->out[0], 2, qf_pt2_emit(n, "Sub", NULL, 2, a, rest), b);
    return TRUE;
  }
  const char *q = qf_pt2_emit(n, "Div", NULL, 2, a, b);
  if (!strcmp(mode, "trunc")) {
    const char *size = qf_pt2_emit(n, "Floor", NULL, 1, qf_pt2_emit(n, "Abs", NULL, 1, q));
    qf_pt2_emit(n, "Mul", n->out[0], 2, size, qf_pt2_emit(n, "Sign", NULL, 1, q));
    return TRUE;
  }
  q = qf_pt2_emit(n, "Floor", remainder ? NULL : n->out[0], 1, q);
  if (remainder)
    qf_pt2_emit(n, "Sub", n->out[0], 2, a, qf_pt2_emit(n, "Mul", NULL, 2, q, b));
  return TRUE;
}

static gboolean map_fmod(QfPt2Node *n, GError **error)
{
  const char *a, *b;
  if (!operands(n, qf_pt2_type(n, n->out[0]), &a, &b, error))
    return FALSE;
  qf_pt2_emit(n, "Mod", n->out[0], 2, a, b);
  qf_pt2_attr_int(n->p->emit, qf_pt2_last(n), "fmod", 1);
  return TRUE;
}

/* clamp and hardtanh: bounds that may be absent, numbers or tensors. */
static gboolean map_clamp(QfPt2Node *n, GError **error)
{
  const gboolean six = !strcmp(n->row->op, "relu6"), hard = six || !strcmp(n->row->op, "hardtanh");
  const int32_t type = qf_pt2_type(n, n->out[0]);
  const char *x = qf_pt2_operand(n, "self", type), *lo = qf_pt2_operand(n, hard ? "min_val" : "min", type),
             *hi = qf_pt2_operand(n, hard ? "max_val" : "max", type);
  if (hard && !lo)
    lo = qf_pt2_const_number(n->p->emit, type, six ? 0 : -1);
  if (hard && !hi)
    hi = qf_pt2_const_number(n->p->emit, type, six ? 6 : 1);
  if (!x)
    return qf_pt2_fail(n, error, QF_ERROR_FORMAT, "it has no input");
  if (is_tensor(n, "min") || is_tensor(n, "max")) {
    if (lo)
      x = qf_pt2_emit(n, "Max", hi ? NULL : n->out[0], 2, x, lo);
    if (hi)
      qf_pt2_emit(n, "Min", n->out[0], 2, x, hi);
    return TRUE;
  }
  qf_pt2_emit(n, "Clip", n->out[0], 3, x, lo, hi);
  return TRUE;
}

static gboolean map_where(QfPt2Node *n, GError **error)
{
  const gboolean fill = !strcmp(n->row->op, "masked_fill");
  const int32_t type = qf_pt2_type(n, n->out[0]);
  const char *condition = qf_pt2_tensor(n, fill ? "mask" : "condition");
  const char *yes = qf_pt2_operand(n, fill ? "value" : "self", type),
             *no = qf_pt2_operand(n, fill ? "self" : "other", type);
  if (!condition || !yes || !no)
    return qf_pt2_fail(n, error, QF_ERROR_UNSUPPORTED, "only the form with three operands is supported");
  qf_pt2_emit(n, "Where", n->out[0], 3, qf_pt2_cast(n, condition, QF_PT2_BOOL), yes, no);
  return TRUE;
}

/* The slope is one for each channel, which is dimension 1. */
static gboolean map_prelu(QfPt2Node *n, GError **error)
{
  const char *x = qf_pt2_tensor(n, "self"), *slope = qf_pt2_tensor(n, "weight");
  const int32_t rank = qf_pt2_rank(n, x);
  int64_t dims[QF_MAX_RANK] = {-1, 1, 1, 1, 1, 1, 1, 1};
  if (!x || !slope)
    return qf_pt2_fail(n, error, QF_ERROR_FORMAT, "an input is missing");
  if (rank > 2)
    slope = qf_pt2_reshape(n, slope, dims, (uint32_t)rank - 1, NULL);
  qf_pt2_emit(n, "PRelu", n->out[0], 2, x, slope);
  return TRUE;
}

static gboolean map_softplus(QfPt2Node *n, GError **error)
{
  const double beta = qf_pt2_arg_float(n, "beta", 1);
  const char *x = qf_pt2_tensor(n, "self");
  if (beta == 1) {
    qf_pt2_emit(n, "Softplus", n->out[0], 1, x);
    return TRUE;
  }
  x = qf_pt2_emit(n, "Softplus", NULL, 1, qf_pt2_emit(n, "Mul", NULL, 2, x, qf_pt2_number(n, beta)));
  qf_pt2_emit(n, "Div", n->out[0], 2, x, qf_pt2_number(n, beta));
  return TRUE;
}

/* Scaled afterwards: SELU is written so. */
static gboolean map_elu(QfPt2Node *n, GError **error)
{
  const double scale = qf_pt2_arg_float(n, "scale", 1);
  if (qf_pt2_arg_float(n, "input_scale", 1) != 1)
    return qf_pt2_fail(n, error, QF_ERROR_UNSUPPORTED,
                       "its input_scale is not 1; scale before and after it instead");
  const char *y = qf_pt2_emit(n, "Elu", scale == 1 ? n->out[0] : NULL, 1, qf_pt2_tensor(n, "self"));
  qf_pt2_attr_float(n->p->emit, qf_pt2_last(n), "alpha", qf_pt2_arg_float(n, "alpha", 1));
  if (scale != 1)
    qf_pt2_emit(n, "Mul", n->out[0], 2, y, qf_pt2_number(n, scale));
  return TRUE;
}

/* The first half times the sigmoid of the second. */
static gboolean map_glu(QfPt2Node *n, GError **error)
{
  const char *halves[] = {qf_pt2_name(n->p->emit, NULL), qf_pt2_name(n->p->emit, NULL)},
             *x = qf_pt2_tensor(n, "self");
  Onnx__NodeProto *split = qf_pt2_node(n->p->emit, "Split", n->name, &x, 1, halves, 2);
  qf_pt2_attr_int(n->p->emit, split, "axis", qf_pt2_arg_int(n, "dim", -1));
  qf_pt2_attr_int(n->p->emit, split, "num_outputs", 2);
  qf_pt2_emit(n, "Mul", n->out[0], 2, halves[0], qf_pt2_emit(n, "Sigmoid", NULL, 1, halves[1]));
  return TRUE;
}

/* Arithmetic on sizes: int64 scalars. */
static gboolean map_symbolic(QfPt2Node *n, GError **error)
{
  const char *a = qf_pt2_operand(n, "a", QF_PT2_INT64), *b = qf_pt2_operand(n, "b", QF_PT2_INT64);
  if (!a || !b)
    return qf_pt2_fail(n, error, QF_ERROR_FORMAT, "one of its two operands is missing");
  qf_pt2_emit(n, n->row->data, n->out[0], 2, a, b);
  return TRUE;
}

#define SIMPLE(op, data)                                                                                     \
  {                                                                                                          \
    op, qf_pt2_map_simple, data                                                                              \
  }
#define FLOAT1(op, data)                                                                                     \
  {                                                                                                          \
    op, map_float1, data                                                                                     \
  }

const QfPt2Row qf_pt2_math_rows[] = {
    SIMPLE("relu", "Relu self"),
    FLOAT1("sigmoid", "Sigmoid"),
    FLOAT1("tanh", "Tanh"),
    FLOAT1("exp", "Exp"),
    FLOAT1("log", "Log"),
    FLOAT1("sqrt", "Sqrt"),
    FLOAT1("sin", "Sin"),
    FLOAT1("cos", "Cos"),
    FLOAT1("tan", "Tan"),
    FLOAT1("asin", "Asin"),
    FLOAT1("acos", "Acos"),
    FLOAT1("atan", "Atan"),
    FLOAT1("sinh", "Sinh"),
    FLOAT1("cosh", "Cosh"),
    FLOAT1("erf", "Erf"),
    FLOAT1("reciprocal", "Reciprocal"),
    FLOAT1("asinh", "Asinh"),
    FLOAT1("acosh", "Acosh"),
    FLOAT1("atanh", "Atanh"),
    SIMPLE("abs", "Abs self"),
    SIMPLE("neg", "Neg self"),
    SIMPLE("floor", "Floor self"),
    SIMPLE("ceil", "Ceil self"),
    SIMPLE("round", "Round self"),
    SIMPLE("sign", "Sign self"),
    SIMPLE("sgn", "Sign self"),
    SIMPLE("isnan", "IsNaN self"),
    SIMPLE("isinf", "IsInf self"),
    {"rsqrt", map_chain, "Sqrt Reciprocal"},
    {"log_sigmoid", map_chain, "Sigmoid Log"},
    {"log1p", map_log, NULL},
    {"expm1", map_log, NULL},
    {"log2", map_log, NULL},
    {"log10", map_log, NULL},
    {"square", map_log, NULL},
    SIMPLE("silu", "Swish self"),
    SIMPLE("mish", "Mish self"),
    SIMPLE("hardswish", "HardSwish self"),
    SIMPLE("hardsigmoid", "HardSigmoid self alpha=0.16666666666666666 beta=0.5"),
    {"elu", map_elu, NULL},
    SIMPLE("celu", "Celu self alpha=$alpha:1.0"),
    SIMPLE("selu", "Selu self"),
    SIMPLE("leaky_relu", "LeakyRelu self alpha=$negative_slope:0.01"),
    SIMPLE("gelu", "Gelu self approximate=$approximate:none"),
    SIMPLE("softsign", "Softsign self"),
    {"hardtanh", map_clamp, NULL},
    {"clamp", map_clamp, NULL},
    {"clip", map_clamp, NULL},
    {"clamp_min", map_clamp, NULL},
    {"clamp_max", map_clamp, NULL},
    {"prelu", map_prelu, NULL},
    {"_prelu_kernel", map_prelu, NULL},
    {"softplus", map_softplus, NULL},
    {"glu", map_glu, NULL},
    {"relu6", map_clamp, NULL},
    {"add", map_binary, "Add"},
    {"sub", map_binary, "Sub"},
    {"rsub", map_binary, "Sub"},
    {"mul", map_binary, "Mul"},
    {"pow", map_binary, "Pow"},
    {"maximum", map_binary, "Max"},
    {"minimum", map_binary, "Min"},
    {"div", map_divide, ""},
    {"true_divide", map_divide, ""},
    {"floor_divide", map_divide, "floor"},
    {"remainder", map_divide, "floor"},
    {"fmod", map_fmod, NULL},
    {"eq", map_compare, "Equal"},
    {"ne", map_compare, "Equal"},
    {"lt", map_compare, "Less"},
    {"le", map_compare, "LessOrEqual"},
    {"gt", map_compare, "Greater"},
    {"ge", map_compare, "GreaterOrEqual"},
    {"logical_and", map_logical, "And"},
    {"logical_or", map_logical, "Or"},
    {"logical_xor", map_logical, "Xor"},
    {"bitwise_and", map_logical, "And"},
    {"bitwise_or", map_logical, "Or"},
    {"bitwise_xor", map_logical, "Xor"},
    {"__and__", map_logical, "And"},
    {"__or__", map_logical, "Or"},
    {"logical_not", map_not, NULL},
    {"bitwise_not", map_not, NULL},
    {"where", map_where, NULL},
    {"masked_fill", map_where, NULL},
    {"to", map_identity, NULL},
    {"_to_copy", map_identity, NULL},
    {"type_as", map_identity, NULL},
    {"float", map_identity, NULL},
    {"clone", map_identity, NULL},
    {"alias", map_identity, NULL},
    {"detach", map_identity, NULL},
    {"contiguous", map_identity, NULL},
    {"lift_fresh_copy", map_identity, NULL},
    {"lift_fresh", map_identity, NULL},
    {"identity", map_identity, NULL},
    {"dropout", map_dropout, NULL},
    {"feature_dropout", map_dropout, NULL},
    {"alpha_dropout", map_dropout, NULL},
    {"native_dropout", map_dropout, NULL},
    {"_operator.mul", map_symbolic, "Mul"},
    {"_operator.add", map_symbolic, "Add"},
    {"_operator.sub", map_symbolic, "Sub"},
    {"_operator.floordiv", map_symbolic, "Div"},
    {NULL},
};
