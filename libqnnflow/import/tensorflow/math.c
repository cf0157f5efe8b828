/* SPDX-License-Identifier: MIT */
/*
 * math.c - operators of one or two tensors, element by element, and FakeQuant, whose range becomes the encoding of a Quantize and a
 * Dequantize, of which the passes make integer operators.
 */
#include "map.h"

#include <math.h>
#include <string.h>

static gboolean map_unary(QfTfNode *n, GError **error)
{
  return qf_tf_bind(n, 0, qf_build_apply1(&n->build, n->row->target, n->in[0], qf_tf_out(n, 0), error));
}

static gboolean map_binary(QfTfNode *n, GError **error)
{
  return qf_tf_bind(n, 0,
                    qf_build_apply2(&n->build, n->row->target, n->in[0], n->in[1], qf_tf_out(n, 0), error));
}

static gboolean map_identity(QfTfNode *n, GError **error)
{
  (void)error;
  for (uint32_t i = 0; i < n->n_in; i++)
    qf_tf_bind(n, i, n->in[i]);
  return TRUE;
}

static gboolean map_elu(QfTfNode *n, GError **error)
{
  return qf_tf_bind(n, 0, qf_build_unary(&n->build, "Elu", n->in[0], 1, 0, qf_tf_out(n, 0), error));
}

static gboolean map_leaky(QfTfNode *n, GError **error)
{
  return qf_tf_bind(n, 0,
                    qf_build_unary(&n->build, "LeakyRelu", n->in[0], qf_tf_float(n, "alpha", 0.2f), 0,
                                   qf_tf_out(n, 0), error));
}

/* scale * elu(x, alpha), with the two numbers of its definition. */
static gboolean map_selu(QfTfNode *n, GError **error)
{
  QfTensor *y = qf_build_unary(&n->build, "Elu", n->in[0], 1.6732632423543772, 0, NULL, error);
  return qf_tf_bind(n, 0,
                    qf_build_with(&n->build, "ElementWiseMultiply", y, 1.0507009873554805, qf_tf_out(n, 0),
                                  error));
}

static gboolean map_softsign(QfTfNode *n, GError **error)
{
  QfTensor *y = qf_build_apply1(&n->build, "ElementWiseAbs", n->in[0], NULL, error);
  y = qf_build_with(&n->build, "ElementWiseAdd", y, 1, NULL, error);
  return qf_tf_bind(n, 0,
                    qf_build_apply2(&n->build, "ElementWiseDivide", n->in[0], y, qf_tf_out(n, 0), error));
}

static gboolean map_square(QfTfNode *n, GError **error)
{
  return qf_tf_bind(n, 0,
                    qf_build_apply2(&n->build, "ElementWiseMultiply", n->in[0], n->in[0], qf_tf_out(n, 0),
                                    error));
}

/* log(1 + x) */
static gboolean map_log1p(QfTfNode *n, GError **error)
{
  QfTensor *y = qf_build_with(&n->build, "ElementWiseAdd", n->in[0], 1, NULL, error);
  return qf_tf_bind(n, 0, qf_build_apply1(&n->build, "ElementWiseLog", y, qf_tf_out(n, 0), error));
}

/* 1 - erf(x) */
static gboolean map_erfc(QfTfNode *n, GError **error)
{
  QfTensor *y = qf_build_apply1(&n->build, "Erf", n->in[0], NULL, error);
  y = qf_build_with(&n->build, "ElementWiseMultiply", y, -1, NULL, error);
  return qf_tf_bind(n, 0, qf_build_with(&n->build, "ElementWiseAdd", y, 1, qf_tf_out(n, 0), error));
}

/* e^x - 1 */
static gboolean map_expm1(QfTfNode *n, GError **error)
{
  QfTensor *y = qf_build_apply1(&n->build, "ElementWiseExp", n->in[0], NULL, error);
  return qf_tf_bind(n, 0, qf_build_with(&n->build, "ElementWiseAdd", y, -1, qf_tf_out(n, 0), error));
}

static gboolean map_softmax(QfTfNode *n, GError **error)
{
  int32_t axis = n->in[0]->rank - 1;
  if (axis < 0)
    return qf_build_fail(&n->build, error, QF_ERROR_SHAPE, "its input is a single number");
  return qf_tf_bind(n, 0,
                    qf_build_softmax(&n->build, n->row->target, n->in[0], axis, qf_tf_out(n, 0), error));
}

static gboolean map_add_n(QfTfNode *n, GError **error)
{
  QfTensor *y = n->in[0];
  for (uint32_t i = 1; y && i < n->n_in; i++)
    y = qf_build_apply2(&n->build, "ElementWiseAdd", y, n->in[i], i + 1 == n->n_in ? qf_tf_out(n, 0) : NULL,
                        error);
  return qf_tf_bind(n, 0, y);
}

static gboolean map_cast(QfTfNode *n, GError **error)
{
  QfDType to;
  return qf_tf_type(n, "DstT", QF_DTYPE_FLOAT32, &to, error) &&
         qf_tf_bind(n, 0, qf_build_cast(&n->build, n->in[0], to, NULL, error));
}

/* Select chooses whole rows when its condition is a vector. */
static gboolean map_select(QfTfNode *n, GError **error)
{
  QfTensor *in[] = {n->in[0], n->in[1], n->in[2]};
  QfInts column = {.n = in[1]->rank};
  for (int i = 0; i < column.n; i++)
    column.v[i] = i ? 1 : in[1]->dims[0];
  if (n->row->arg && in[0]->rank == 1 && in[1]->rank > 1)
    in[0] = qf_build_reshape(&n->build, in[0], &column, NULL, error);
  if (!in[0])
    return FALSE;
  return qf_tf_bind(n, 0,
                    qf_build_end(&n->build,
                                 qf_build_begin(&n->build, "ElementWiseSelect", in, 3, qf_tf_out(n, 0)),
                                 error));
}

static gboolean map_clip(QfTfNode *n, GError **error)
{
  QfTensor *y = qf_build_apply2(&n->build, "ElementWiseMinimum", n->in[0], n->in[2], NULL, error);
  return qf_tf_bind(n, 0,
                    qf_build_apply2(&n->build, "ElementWiseMaximum", y, n->in[1], qf_tf_out(n, 0), error));
}

/* The encoding of a range, whose zero is moved onto a step. FALSE when it is none. */
static gboolean encoding_of(double min, double max, int64_t bits, gboolean narrow, QfScaleOffset *out)
{
  double low = narrow ? 1 : 0, high = (double)(((int64_t)1 << bits) - 1);
  if (!(min <= 0 && max >= 0 && max > min && isfinite(max - min)))
    return FALSE;
  double scale = (max - min) / (high - low);
  double zero = round(low - min / scale);
  *out = (QfScaleOffset){(float)scale, -(int32_t)CLAMP(zero, low, high)};
  return out->scale > 0;
}

/* Bounds x where the integer type has other limits than the encoding: by what code @q stands for, in each channel. */
static QfTensor *clamp_to(QfTfNode *n, QfTensor *x, const char *op, const QfScaleOffset *entries,
                          int64_t count, double q, GError **error)
{
  g_autofree float *bound = g_new(float, count);
  QfInts shape = {1, {count}};
  for (int64_t i = 0; i < count; i++)
    bound[i] = (float)((q + entries[i].offset) * entries[i].scale);
  return x ? qf_build_apply2(&n->build, op, x, qf_build_floats(&n->build, &shape, bound), NULL, error) : NULL;
}

/* @in: x, min, max as inputs, or as attributes. Several ranges are one for each channel, the last dimension. */
static gboolean map_fake_quant(QfTfNode *n, GError **error)
{
  int64_t bits = qf_tf_int(n, "num_bits", 8);
  gboolean narrow = qf_tf_bool(n, "narrow_range", FALSE), inputs = n->n_in == 3;
  int64_t count = inputs ? qf_tensor_count(n->in[1]) : 1;
  QfTensor *x = n->in[0];
  if (bits < 2 || bits > 16 ||
      (inputs && (!n->in[1]->data || !n->in[2]->data || qf_tensor_count(n->in[2]) != count)) || count < 1 ||
      (count > 1 && (!x->rank || x->dims[x->rank - 1] != count)))
    return qf_build_fail(&n->build, error, QF_ERROR_UNSUPPORTED,
                         "it needs 2 to 16 bits and a constant range, one or one for each channel");
  g_autofree QfScaleOffset *entries = g_new0(QfScaleOffset, count);
  for (int64_t i = 0; i < count; i++) {
    double min = inputs ? qf_tensor_get_real(n->in[1], i) : qf_tf_float(n, "min", -6),
           max = inputs ? qf_tensor_get_real(n->in[2], i) : qf_tf_float(n, "max", 6);
    if (!encoding_of(min, max, bits, narrow, &entries[i]))
      return qf_build_fail(&n->build, error, QF_ERROR_FORMAT,
                           "its range %g to %g does not hold 0, or is empty", min, max);
  }
  if (narrow)
    x = clamp_to(n, x, "ElementWiseMaximum", entries, count, 1, error);
  if (bits != 8 && bits != 16)
    x = clamp_to(n, x, "ElementWiseMinimum", entries, count, (double)(((int64_t)1 << bits) - 1), error);
  if (!x)
    return FALSE;
  QfTensor *q = qf_graph_add_tensor(n->build.graph, NULL);
  q->dtype = bits > 8 ? QF_DTYPE_UINT16 : QF_DTYPE_UINT8;
  qf_tensor_set_encoding(n->build.graph, q, (uint32_t)count, count > 1 ? x->rank - 1 : 0, entries);
  QfNode *node = qf_build_begin(&n->build, "Quantize", &x, 1, q);
  ((QfCastAttrs *)node->attrs)->dtype = q->dtype;
  q = qf_build_end(&n->build, node, error);
  if (!q)
    return FALSE;
  node = qf_build_begin(&n->build, "Dequantize", &q, 1, qf_tf_out(n, 0));
  ((QfCastAttrs *)node->attrs)->dtype = QF_DTYPE_FLOAT32;
  return qf_tf_bind(n, 0, qf_build_end(&n->build, node, error));
}

#define UNARY(op, target)                                                                                    \
  {                                                                                                          \
    op, map_unary, 1, 1, target, 0                                                                           \
  }
#define BINARY(op, target)                                                                                   \
  {                                                                                                          \
    op, map_binary, 2, 2, target, 0                                                                          \
  }

const QfTfRow qf_tf_math_rows[] = {
    UNARY("Relu", "Relu"),
    UNARY("Relu6", "Relu6"),
    UNARY("Sigmoid", "Sigmoid"),
    UNARY("Tanh", "Tanh"),
    UNARY("Softplus", "Softplus"),
    UNARY("Rsqrt", "ElementWiseRsqrt"),
    UNARY("Sqrt", "ElementWiseSquareRoot"),
    UNARY("Exp", "ElementWiseExp"),
    UNARY("Log", "ElementWiseLog"),
    UNARY("Neg", "ElementWiseNeg"),
    UNARY("Abs", "ElementWiseAbs"),
    UNARY("Floor", "ElementWiseFloor"),
    UNARY("Ceil", "ElementWiseCeil"),
    UNARY("Round", "ElementWiseRound"),
    UNARY("Rint", "ElementWiseRound"),
    UNARY("Sign", "ElementWiseSign"),
    UNARY("Sin", "ElementWiseSin"),
    UNARY("Cos", "ElementWiseCos"),
    UNARY("Tan", "Tan"),
    UNARY("Asin", "ElementWiseAsin"),
    UNARY("Acos", "Acos"),
    UNARY("Atan", "ElementWiseAtan"),
    UNARY("Sinh", "Sinh"),
    UNARY("Cosh", "Cosh"),
    UNARY("Asinh", "Asinh"),
    UNARY("Acosh", "Acosh"),
    UNARY("Atanh", "Atanh"),
    UNARY("Erf", "Erf"),
    UNARY("Reciprocal", "ElementWiseReciprocal"),
    UNARY("Inv", "ElementWiseReciprocal"),
    UNARY("LogicalNot", "ElementWiseNot"),
    {"Elu", map_elu, 1, 1, "Elu", 0},
    {"Selu", map_selu, 1, 1, "Elu", 0},
    {"LeakyRelu", map_leaky, 1, 1, "LeakyRelu", 0},
    {"Softsign", map_softsign, 1, 1, NULL, 0},
    {"Square", map_square, 1, 1, "ElementWiseMultiply", 0},
    {"Erfc", map_erfc, 1, 1, NULL, 0},
    {"Expm1", map_expm1, 1, 1, NULL, 0},
    {"Log1p", map_log1p, 1, 1, NULL, 0},
    {"Softmax", map_softmax, 1, 1, "Softmax", 0},
    {"LogSoftmax", map_softmax, 1, 1, "LogSoftmax", 0},
    {"Cast", map_cast, 1, 1, "Cast", 0},
    {"Identity", map_identity, 1, 1, NULL, 0},
    {"IdentityN", map_identity, 1, -1, NULL, 0},
    {"Snapshot", map_identity, 1, 1, NULL, 0},
    {"StopGradient", map_identity, 1, 1, NULL, 0},
    {"PreventGradient", map_identity, 1, 1, NULL, 0},
    {"CheckNumerics", map_identity, 1, 1, NULL, 0},
    BINARY("Add", "ElementWiseAdd"),
    BINARY("AddV2", "ElementWiseAdd"),
    BINARY("Sub", "ElementWiseSubtract"),
    BINARY("Mul", "ElementWiseMultiply"),
    BINARY("RealDiv", "ElementWiseDivide"),
    BINARY("Div", "ElementWiseDivide"),
    BINARY("FloorDiv", "ElementWiseFloorDiv"),
    BINARY("FloorMod", "ElementWiseMod"),
    BINARY("Mod", "ElementWiseFmod"),
    BINARY("Maximum", "ElementWiseMaximum"),
    BINARY("Minimum", "ElementWiseMinimum"),
    BINARY("Pow", "ElementWisePower"),
    BINARY("SquaredDifference", "ElementWiseSquaredDifference"),
    BINARY("Equal", "ElementWiseEqual"),
    BINARY("NotEqual", "ElementWiseNotEqual"),
    BINARY("Less", "ElementWiseLess"),
    BINARY("LessEqual", "ElementWiseLessEqual"),
    BINARY("Greater", "ElementWiseGreater"),
    BINARY("GreaterEqual", "ElementWiseGreaterEqual"),
    BINARY("LogicalAnd", "ElementWiseAnd"),
    BINARY("LogicalOr", "ElementWiseOr"),
    BINARY("LogicalXor", "ElementWiseXor"),
    {"AddN", map_add_n, 1, -1, NULL, 0},
    {"AccumulateNV2", map_add_n, 1, -1, NULL, 0},
    {"Select", map_select, 3, 3, "ElementWiseSelect", 1},
    {"SelectV2", map_select, 3, 3, "ElementWiseSelect", 0},
    {"ClipByValue", map_clip, 3, 3, NULL, 0},
    {"FakeQuantWithMinMaxVars", map_fake_quant, 3, 3, NULL, 0},
    {"FakeQuantWithMinMaxVarsPerChannel", map_fake_quant, 3, 3, NULL, 0},
    {"FakeQuantWithMinMaxArgs", map_fake_quant, 1, 1, NULL, 0},
    {NULL},
};
