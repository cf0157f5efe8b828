/* SPDX-License-Identifier: MIT */
/*
 * map_math.c - operators on elements: binary and unary ones, activations, softmax, select, and changes of type.
 */
#include "map.h"

typedef struct {
  float alpha, beta, lo, hi;
} UnaryData;

static const UnaryData n1_to_1 = {.lo = -1, .hi = 1}, zero_to_1 = {.lo = 0, .hi = 1}, elu = {.alpha = 1};

/* data set: the operator has a fused activation. */
static const int fused = 1;

static gboolean map_binary(QfTflNode *n, GError **error)
{
  QfNode *node = qf_tfl_new_node(n, n->row->op, n->in, 2, n->out, 1);
  QfBinaryAttrs *a = node->attrs;
  return (!n->row->data || qf_tfl_set_epilogue(n, QF_TFL_BINARY_ACTIVATION, &a->epi, error)) &&
         qf_tfl_add_node(n, node, error);
}

static gboolean map_square(QfTflNode *n, GError **error)
{
  QfTensor *in[] = {n->in[0], n->in[0]};
  return qf_tfl_add_node(n, qf_tfl_new_node(n, "ElementWiseMultiply", in, 2, n->out, 1), error);
}

static gboolean map_add_n(QfTflNode *n, GError **error)
{
  QfTensor *sum = n->in[0];
  for (uint32_t i = 1; i < n->n_in; i++) {
    if (!n->in[i])
      return qf_tfl_fail(n, error, QF_ERROR_FORMAT, "input %u is missing; the file is damaged", i);
    QfTensor *in[] = {sum, n->in[i]}, *out = i + 1 < n->n_in ? qf_tfl_temp(n, "sum", n->out[0]) : n->out[0];
    if (!qf_tfl_add_node(n, qf_tfl_new_node(n, "ElementWiseAdd", in, 2, &out, 1), error))
      return FALSE;
    sum = out;
  }
  return TRUE;
}

static gboolean map_unary(QfTflNode *n, GError **error)
{
  QfNode *node = qf_tfl_new_node(n, n->row->op, n->in, 1, n->out, 1);
  const UnaryData *data = n->row->data;
  if (data) {
    QfUnaryAttrs *a = node->attrs;
    a->alpha = data->alpha;
    a->beta = data->beta;
    a->lo = data->lo;
    a->hi = data->hi;
  }
  return qf_tfl_add_node(n, node, error);
}

static gboolean map_leaky_relu(QfTflNode *n, GError **error)
{
  QfNode *node = qf_tfl_new_node(n, "LeakyRelu", n->in, 1, n->out, 1);
  ((QfUnaryAttrs *)node->attrs)->alpha = qf_tfl_option_float(n, QF_TFL_LEAKY_ALPHA, 0);
  return qf_tfl_add_node(n, node, error);
}

static gboolean map_gelu(QfTflNode *n, GError **error)
{
  QfNode *node = qf_tfl_new_node(n, "Gelu", n->in, 1, n->out, 1);
  ((QfUnaryAttrs *)node->attrs)->approximate = qf_tfl_option_byte(n, QF_TFL_GELU_APPROXIMATE, 0) != 0;
  return qf_tfl_add_node(n, node, error);
}

/* The slope has no batch dimension; it broadcasts from the right. */
static gboolean map_prelu(QfTflNode *n, GError **error)
{
  return qf_tfl_add_node(n, qf_tfl_new_node(n, "Prelu", n->in, 2, n->out, 1), error);
}

static gboolean map_softmax(QfTflNode *n, GError **error)
{
  QfNode *node = qf_tfl_new_node(n, n->row->op, n->in, 1, n->out, 1);
  QfAxisAttrs *a = node->attrs;
  if (!qf_tfl_axis(n, -1, n->in[0]->rank, &a->axis, error))
    return FALSE;
  a->beta = n->row->data ? qf_tfl_option_float(n, QF_TFL_SOFTMAX_BETA, 0) : 1;
  return qf_tfl_add_node(n, node, error);
}

static gboolean map_cast(QfTflNode *n, GError **error)
{
  return qf_tfl_add_cast(n, n->in[0], n->out[0], n->out[0]->dtype, error);
}

/* An integer of 32 bits is only an encoding where the file quantizes or dequantizes it. */
static gboolean encode(QfTflNode *n, const QfFlatVector *indices, QfTensor *t, GError **error)
{
  int64_t index = qf_flat_at_int(indices, 0, QF_FLAT_I32);
  return qf_tensor_is_quantized(t) ||
         qf_tfl_set_encoding(n->graph, t, &n->scope->file->tensors[index], error);
}

static gboolean map_quantize(QfTflNode *n, GError **error)
{
  QfTensor *in = n->in[0], *out = n->out[0];
  if (!encode(n, &n->record->inputs, in, error) || !encode(n, &n->record->outputs, out, error))
    return FALSE;
  gboolean real = qf_dtype_is_float(in->dtype);
  if ((!real && !qf_tensor_is_quantized(in)) || !qf_tensor_is_quantized(out))
    return qf_tfl_fail(n, error, QF_ERROR_FORMAT, "a scale is missing; the file is damaged");
  return qf_tfl_add_change(n, real ? "Quantize" : "Convert", in, out, error);
}

static gboolean map_dequantize(QfTflNode *n, GError **error)
{
  QfTensor *in = n->in[0], *out = n->out[0];
  if (qf_dtype_is_float(in->dtype))
    return qf_tfl_add_cast(n, in, out, out->dtype, error);
  if (!encode(n, &n->record->inputs, in, error))
    return FALSE;
  if (!qf_tensor_is_quantized(in))
    return qf_tfl_fail(n, error, QF_ERROR_FORMAT, "a scale is missing; the file is damaged");
  return qf_tfl_add_change(n, "Dequantize", in, out, error);
}

/* SELECT: a condition of one dimension chooses whole rows. */
static gboolean map_select(QfTflNode *n, GError **error)
{
  QfTensor *in[] = {n->in[0], n->in[1], n->in[2]};
  int32_t rank = in[1]->rank;
  if (in[0]->rank == 1 && rank > 1) {
    int64_t dims[QF_MAX_RANK] = {in[0]->dims[0], 1, 1, 1, 1, 1, 1, 1};
    QfTensor *rows = qf_tfl_temp(n, "rows", in[0]);
    if (!qf_tfl_add_reshape(n, in[0], rows, dims, rank, error))
      return FALSE;
    in[0] = rows;
  }
  return qf_tfl_add_node(n, qf_tfl_new_node(n, "ElementWiseSelect", in, 3, n->out, 1), error);
}

static gboolean map_select_v2(QfTflNode *n, GError **error)
{
  return qf_tfl_add_node(n, qf_tfl_new_node(n, "ElementWiseSelect", n->in, 3, n->out, 1), error);
}

#define BINARY(code, name, op, data)                                                                         \
  {                                                                                                          \
    code, name, map_binary, 2, 2, 1, op, data                                                                \
  }
#define UNARY(code, name, op, data)                                                                          \
  {                                                                                                          \
    code, name, map_unary, 1, 1, 1, op, data                                                                 \
  }

const QfTflRow qf_tfl_math_rows[] = {
    BINARY(0, "ADD", "ElementWiseAdd", &fused),
    BINARY(41, "SUB", "ElementWiseSubtract", &fused),
    BINARY(18, "MUL", "ElementWiseMultiply", &fused),
    BINARY(42, "DIV", "ElementWiseDivide", &fused),
    BINARY(55, "MAXIMUM", "ElementWiseMaximum", NULL),
    BINARY(57, "MINIMUM", "ElementWiseMinimum", NULL),
    BINARY(78, "POW", "ElementWisePower", NULL),
    BINARY(90, "FLOOR_DIV", "ElementWiseFloorDiv", NULL),
    BINARY(95, "FLOOR_MOD", "ElementWiseMod", NULL),
    BINARY(99, "SQUARED_DIFFERENCE", "ElementWiseSquaredDifference", NULL),
    BINARY(71, "EQUAL", "ElementWiseEqual", NULL),
    BINARY(72, "NOT_EQUAL", "ElementWiseNotEqual", NULL),
    BINARY(58, "LESS", "ElementWiseLess", NULL),
    BINARY(63, "LESS_EQUAL", "ElementWiseLessEqual", NULL),
    BINARY(61, "GREATER", "ElementWiseGreater", NULL),
    BINARY(62, "GREATER_EQUAL", "ElementWiseGreaterEqual", NULL),
    BINARY(86, "LOGICAL_AND", "ElementWiseAnd", NULL),
    BINARY(84, "LOGICAL_OR", "ElementWiseOr", NULL),
    BINARY(161, "RIGHT_SHIFT", "BitShiftRight", NULL),
    BINARY(160, "BITWISE_XOR", "ElementWiseXor", NULL),
    {106, "ADD_N", map_add_n, 2, -1, 1, NULL, NULL},
    {92, "SQUARE", map_square, 1, 1, 1, NULL, NULL},
    UNARY(101, "ABS", "ElementWiseAbs", NULL),
    UNARY(59, "NEG", "ElementWiseNeg", NULL),
    UNARY(47, "EXP", "ElementWiseExp", NULL),
    UNARY(73, "LOG", "ElementWiseLog", NULL),
    UNARY(75, "SQRT", "ElementWiseSquareRoot", NULL),
    UNARY(76, "RSQRT", "ElementWiseRsqrt", NULL),
    UNARY(8, "FLOOR", "ElementWiseFloor", NULL),
    UNARY(104, "CEIL", "ElementWiseCeil", NULL),
    UNARY(116, "ROUND", "ElementWiseRound", NULL),
    UNARY(158, "SIGN", "ElementWiseSign", NULL),
    UNARY(66, "SIN", "ElementWiseSin", NULL),
    UNARY(108, "COS", "ElementWiseCos", NULL),
    UNARY(87, "LOGICAL_NOT", "ElementWiseNot", NULL),
    UNARY(19, "RELU", "Relu", NULL),
    UNARY(21, "RELU6", "Relu6", NULL),
    UNARY(20, "RELU_N1_TO_1", "ReluMinMax", &n1_to_1),
    UNARY(152, "RELU_0_TO_1", "ReluMinMax", &zero_to_1),
    UNARY(111, "ELU", "Elu", &elu),
    UNARY(14, "LOGISTIC", "Sigmoid", NULL),
    UNARY(28, "TANH", "Tanh", NULL),
    UNARY(117, "HARD_SWISH", "HardSwish", NULL),
    {98, "LEAKY_RELU", map_leaky_relu, 1, 1, 1, NULL, NULL},
    {150, "GELU", map_gelu, 1, 1, 1, NULL, NULL},
    {54, "PRELU", map_prelu, 2, 2, 1, NULL, NULL},
    {25, "SOFTMAX", map_softmax, 1, 1, 1, "Softmax", &fused},
    {50, "LOG_SOFTMAX", map_softmax, 1, 1, 1, "LogSoftmax", NULL},
    {53, "CAST", map_cast, 1, 1, 1, NULL, NULL},
    {114, "QUANTIZE", map_quantize, 1, 1, 1, NULL, NULL},
    {6, "DEQUANTIZE", map_dequantize, 1, 1, 1, NULL, NULL},
    {64, "SELECT", map_select, 3, 3, 1, NULL, NULL},
    {123, "SELECT_V2", map_select_v2, 3, 3, 1, NULL, NULL},
    {0},
};
