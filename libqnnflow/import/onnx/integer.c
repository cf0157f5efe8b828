/* SPDX-License-Identifier: MIT */
/*
 * integer.c - operators on plain integers with zero points: MatMulInteger and ConvInteger take them off and multiply in int32;
 * DynamicQuantizeLinear finds its scale at run time, so it is written with reductions.
 */
#include "map.h"

/* @t as int32 less its zero point, which may be absent; @shape of a zero point that is a list, n 0: a scalar. */
static QfTensor *centred(QfOnnxNode *n, QfTensor *t, QfTensor *zero, const QfInts *shape, GError **error)
{
  const QfInts scalar = {0};
  t = qf_build_cast(n->b, t, QF_DTYPE_INT32, NULL, error);
  if (!zero || !t)
    return t;
  if (zero->rank == 1)
    zero = qf_build_reshape(n->b, zero, zero->dims[0] == 1 ? &scalar : shape, NULL, error);
  zero = qf_build_cast(n->b, zero, QF_DTYPE_INT32, NULL, error);
  return qf_build_apply2(n->b, "ElementWiseSubtract", t, zero, NULL, error);
}

static gboolean is_list_of(const QfTensor *zero, int64_t count)
{
  return !zero || zero->rank != 1 || zero->dims[0] == 1 || zero->dims[0] == count;
}

/* Zero points are one number, one for each row of A, or one for each column of B. */
static gboolean map_matmul_integer(QfOnnxNode *n, GError **error)
{
  QfTensor *a = n->in[0], *b = n->in[1], *za = qf_onnx_input(n, 2), *zb = qf_onnx_input(n, 3), *y = NULL;
  if (a->rank < 1 || b->rank < 1 || !is_list_of(za, a->rank > 1 ? a->dims[a->rank - 2] : 1) ||
      !is_list_of(zb, b->dims[b->rank - 1]))
    return qf_onnx_fail(n, error, QF_ERROR_SHAPE, "its zero points fit neither its rows nor its columns");
  QfInts rows = {2, {za ? qf_tensor_count(za) : 1, 1}}, columns = {1, {zb ? qf_tensor_count(zb) : 1}};
  QfTensor *in[] = {centred(n, a, za, &rows, error), centred(n, b, zb, &columns, error)};
  if (!in[0] || !in[1] || !qf_onnx_map_as(n, "MatMul", in, 2, &y, error))
    return FALSE;
  return qf_onnx_bind(n, 0, qf_build_cast(n->b, y, QF_DTYPE_INT32, NULL, error));
}

/* The zero point of the weights is one number, or one for each output channel. */
static gboolean map_conv_integer(QfOnnxNode *n, GError **error)
{
  QfTensor *x = n->in[0], *w = n->in[1], *zw = qf_onnx_input(n, 3), *y = NULL;
  if (w->rank < 3 || !is_list_of(zw, w->dims[0]))
    return qf_onnx_fail(n, error, QF_ERROR_SHAPE, "the zero points do not fit the weights");
  QfInts channels = {w->rank, {zw ? qf_tensor_count(zw) : 1, 1, 1, 1, 1, 1, 1, 1}}, none = {0};
  QfTensor *in[] = {centred(n, x, qf_onnx_input(n, 2), &none, error), centred(n, w, zw, &channels, error)};
  if (!in[0] || !in[1] || !qf_onnx_map_as(n, "Conv", in, 2, &y, error))
    return FALSE;
  return qf_onnx_bind(n, 0, y);
}

/* The smallest (or largest) of all values and 0. */
static QfTensor *extreme(QfOnnxNode *n, gboolean largest, GError **error)
{
  QfTensor *x = n->in[0];
  QfInts axes = {.n = x->rank};
  for (int i = 0; i < axes.n; i++)
    axes.v[i] = i;
  QfTensor *y = qf_build_reduce(n->b, largest ? "ReduceMax" : "ReduceMin", x, &axes, FALSE, NULL, error);
  return qf_build_apply2(n->b, largest ? "ElementWiseMaximum" : "ElementWiseMinimum", y,
                         qf_build_scalar(n->b, 0, QF_DTYPE_FLOAT32), NULL, error);
}

static gboolean map_dynamic_quantize(QfOnnxNode *n, GError **error)
{
  QfTensor *low = extreme(n, FALSE, error), *high = extreme(n, TRUE, error);
  QfTensor *levels = qf_build_scalar(n->b, 255, QF_DTYPE_FLOAT32), *zero;
  QfTensor *scale = low ? qf_build_apply2(n->b, "ElementWiseSubtract", high, low, NULL, error) : NULL;
  scale = qf_build_apply2(n->b, "ElementWiseDivide", scale, levels, qf_onnx_output(n, 1), error);
  zero = qf_build_apply2(n->b, "ElementWiseDivide", low, scale, NULL, error);
  zero = qf_build_apply1(n->b, "ElementWiseNeg", zero, NULL, error);
  zero =
      qf_build_clamp(n->b, qf_build_apply1(n->b, "ElementWiseRound", zero, NULL, error), 0, 255, NULL, error);
  QfTensor *y = scale ? qf_build_apply2(n->b, "ElementWiseDivide", n->in[0], scale, NULL, error) : NULL;
  y = qf_build_apply1(n->b, "ElementWiseRound", y, NULL, error);
  y = zero ? qf_build_apply2(n->b, "ElementWiseAdd", y, zero, NULL, error) : NULL;
  y = qf_build_clamp(n->b, y, 0, 255, NULL, error);
  return y && qf_onnx_bind(n, 1, scale) &&
         qf_onnx_bind(n, 2, qf_build_cast(n->b, zero, QF_DTYPE_UINT8, qf_onnx_output(n, 2), error)) &&
         qf_onnx_bind(n, 0, qf_build_cast(n->b, y, QF_DTYPE_UINT8, qf_onnx_output(n, 0), error));
}

const QfOnnxRow qf_onnx_integer_rows[] = {
    {"", "MatMulInteger", map_matmul_integer, 2, 4, NULL, 0},
    {"", "ConvInteger", map_conv_integer, 2, 4, NULL, 0},
    {"", "DynamicQuantizeLinear", map_dynamic_quantize, 1, 1, NULL, 0},
    {NULL},
};
