/* SPDX-License-Identifier: MIT */
/*
 * binary.c - operators of two or more tensors, element by element, with broadcasting from the right.
 * Opsets below 7 gave the place of the second operand by an axis; it becomes a Reshape here.
 */
#include "map.h"

#include <string.h>

/* Opset 6 and below: B's dimensions start at the axis of A. */
static QfTensor *place_operand(QfOnnxNode *n, GError **error)
{
  QfTensor *a = n->in[0], *b = n->in[1];
  int32_t axis;
  if (!qf_onnx_int(n, "broadcast", 0) || !qf_onnx_attr(n, "axis"))
    return b;
  if (!qf_onnx_axis(n, qf_onnx_int(n, "axis", 0), a->rank, &axis, error))
    return NULL;
  QfInts shape = qf_build_dims(b);
  if (axis + b->rank > a->rank) {
    qf_onnx_fail(n, error, QF_ERROR_SHAPE, "input '%s' does not fit in '%s' at axis %d", b->name, a->name,
                 axis);
    return NULL;
  }
  while (axis + shape.n < a->rank)
    shape.v[shape.n++] = 1;
  return qf_build_reshape(n->b, b, &shape, NULL, error);
}

/* Arithmetic on the stored integers of a quantized tensor: as plain ones, back in their type at the end. */
static gboolean map_stored(QfOnnxNode *n, QfTensor *a, QfTensor *b, GError **error)
{
  const QfDType dtype = a->dtype;
  QfTensor *wide[2] = {qf_build_cast(n->b, a, QF_DTYPE_INT64, NULL, error),
                       qf_build_cast(n->b, b, QF_DTYPE_INT64, NULL, error)};
  QfTensor *y = qf_build_apply2(n->b, n->row->target, wide[0], wide[1], NULL, error);
  if (y && y->dtype == QF_DTYPE_INT64)
    y = qf_build_cast(n->b, y, dtype, qf_onnx_output(n, 0), error);
  return qf_onnx_bind(n, 0, y);
}

static gboolean map_binary(QfOnnxNode *n, GError **error)
{
  QfTensor *b = place_operand(n, error);
  if (b && n->in[0]->dtype == b->dtype && (n->in[0]->enc.count || b->enc.count))
    return map_stored(n, n->in[0], b, error);
  return b &&
         qf_onnx_bind(n, 0, qf_build_apply2(n->b, n->row->target, n->in[0], b, qf_onnx_output(n, 0), error));
}

/* Older files give one slope a channel as a vector, where newer ones broadcast. */
static gboolean map_prelu(QfOnnxNode *n, GError **error)
{
  QfTensor *x = n->in[0], *slope = n->in[1];
  if (slope->rank == 1 && x->rank > 2 && slope->dims[0] == x->dims[1] &&
      (n->opset < 7 || slope->dims[0] != x->dims[x->rank - 1])) {
    QfInts shape = {.n = x->rank - 1};
    for (int i = 0; i < shape.n; i++)
      shape.v[i] = i ? 1 : slope->dims[0];
    slope = qf_build_reshape(n->b, slope, &shape, NULL, error);
  }
  return qf_onnx_bind(n, 0, qf_build_apply2(n->b, "Prelu", x, slope, qf_onnx_output(n, 0), error));
}

/* The exponent may have a type of its own. */
static gboolean map_pow(QfOnnxNode *n, GError **error)
{
  QfTensor *x = n->in[0], *e = n->in[1];
  if (qf_dtype_is_float(x->dtype) || !qf_dtype_is_float(e->dtype))
    e = qf_build_cast(n->b, e, x->dtype, NULL, error);
  else
    x = qf_build_cast(n->b, x, QF_DTYPE_FLOAT32, NULL, error);
  gboolean back = x && x != n->in[0];
  QfTensor *y = qf_build_apply2(n->b, "ElementWisePower", x, e, back ? NULL : qf_onnx_output(n, 0), error);
  return qf_onnx_bind(n, 0, back ? qf_build_cast(n->b, y, n->in[0]->dtype, qf_onnx_output(n, 0), error) : y);
}

static gboolean map_mod(QfOnnxNode *n, GError **error)
{
  const char *op = qf_onnx_int(n, "fmod", 0) ? "ElementWiseFmod" : "ElementWiseMod";
  return qf_onnx_bind(n, 0, qf_build_apply2(n->b, op, n->in[0], n->in[1], qf_onnx_output(n, 0), error));
}

static gboolean map_bit_shift(QfOnnxNode *n, GError **error)
{
  static const char *const directions[] = {"LEFT", "RIGHT", NULL};
  int32_t right;
  if (!qf_onnx_attr(n, "direction"))
    return qf_onnx_fail(n, error, QF_ERROR_FORMAT, "its attribute direction (LEFT or RIGHT) is missing");
  if (!qf_onnx_enum(n, "direction", directions, 0, &right, error))
    return FALSE;
  return qf_onnx_bind(n, 0,
                      qf_build_apply2(n->b, right ? "BitShiftRight" : "BitShiftLeft", n->in[0], n->in[1],
                                      qf_onnx_output(n, 0), error));
}

/* Sum, Max, Min, Mean of any number of tensors: a chain. arg 1: divided by their number. */
static gboolean map_variadic(QfOnnxNode *n, GError **error)
{
  QfTensor *y = n->in[0];
  for (uint32_t i = 0; i < n->n_in; i++)
    if (!n->in[i])
      return qf_onnx_fail(n, error, QF_ERROR_FORMAT, "input %u is missing", i);
  for (uint32_t i = 1; y && i < n->n_in; i++) {
    QfTensor *out = i + 1 == n->n_in && !n->row->arg ? qf_onnx_output(n, 0) : NULL;
    y = qf_build_apply2(n->b, n->row->target, y, qf_onnx_encoded_like(n, n->in[i], y), out, error);
  }
  if (y && n->row->arg && n->n_in > 1)
    y = qf_build_with(n->b, "ElementWiseMultiply", y, 1.0 / n->n_in, qf_onnx_output(n, 0), error);
  return qf_onnx_bind(n, 0, y);
}

static gboolean map_where(QfOnnxNode *n, GError **error)
{
  QfNode *node = qf_build_begin(n->b, "ElementWiseSelect", n->in, 3, qf_onnx_output(n, 0));
  return qf_onnx_bind(n, 0, qf_build_end(n->b, node, error));
}

#define BINARY(op, target)                                                                                   \
  {                                                                                                          \
    "", op, map_binary, 2, 2, target, 0                                                                      \
  }

const QfOnnxRow qf_onnx_binary_rows[] = {
    BINARY("Add", "ElementWiseAdd"),
    BINARY("Sub", "ElementWiseSubtract"),
    BINARY("Mul", "ElementWiseMultiply"),
    BINARY("Div", "ElementWiseDivide"),
    BINARY("Equal", "ElementWiseEqual"),
    BINARY("Less", "ElementWiseLess"),
    BINARY("LessOrEqual", "ElementWiseLessEqual"),
    BINARY("Greater", "ElementWiseGreater"),
    BINARY("GreaterOrEqual", "ElementWiseGreaterEqual"),
    BINARY("And", "ElementWiseAnd"),
    BINARY("Or", "ElementWiseOr"),
    BINARY("Xor", "ElementWiseXor"),
    BINARY("BitwiseAnd", "ElementWiseAnd"),
    BINARY("BitwiseOr", "ElementWiseOr"),
    BINARY("BitwiseXor", "ElementWiseXor"),
    {"", "BitShift", map_bit_shift, 2, 2, NULL, 0},
    {"", "PRelu", map_prelu, 2, 2, "Prelu", 0},
    {"", "Pow", map_pow, 2, 2, "ElementWisePower", 0},
    {"", "Mod", map_mod, 2, 2, "ElementWiseMod", 0},
    {"", "Sum", map_variadic, 1, -1, "ElementWiseAdd", 0},
    {"", "Mean", map_variadic, 1, -1, "ElementWiseAdd", 1},
    {"", "Max", map_variadic, 1, -1, "ElementWiseMaximum", 0},
    {"", "Min", map_variadic, 1, -1, "ElementWiseMinimum", 0},
    {"", "Where", map_where, 3, 3, "ElementWiseSelect", 0},
    {NULL},
};
