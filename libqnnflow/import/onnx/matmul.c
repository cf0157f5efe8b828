/* SPDX-License-Identifier: MIT */
/*
 * matmul.c - Gemm and MatMul: to FullyConnected with [out, in] weights when the second operand is a constant matrix, else to
 * MatMul. Biases of MatMul are separate Adds, which the fuse pass joins.
 */
#include "map.h"

#include <string.h>

static const QfInts swap = {2, {1, 0}};

static QfTensor *emit_matmul(QfOnnxNode *n, QfTensor *a, QfTensor *b, gboolean transpose_a,
                             gboolean transpose_b, QfTensor *out, GError **error)
{
  QfTensor *in[] = {a, b};
  if (!a || !b)
    return NULL;
  QfNode *node = qf_build_begin(n->b, "MatMul", in, 2, out);
  QfMatMulAttrs *attrs = node->attrs;
  attrs->transpose_in0 = transpose_a;
  attrs->transpose_in1 = transpose_b;
  return qf_build_end(n->b, node, error);
}

/* @w is [in, out], or [out, in] when @transposed. */
static QfTensor *emit_fc(QfOnnxNode *n, QfTensor *x, QfTensor *w, gboolean transposed, QfTensor *bias,
                         gboolean keep_dims, QfTensor *out, GError **error)
{
  if (w && !transposed)
    w = qf_onnx_permute_weights(n, w, &swap, error);
  QfTensor *in[] = {x, w, bias};
  if (!x || !w)
    return NULL;
  QfNode *node = qf_build_begin(n->b, "FullyConnected", in, 3, out);
  ((QfFullyConnectedAttrs *)node->attrs)->keep_dims = keep_dims;
  return qf_build_end(n->b, node, error);
}

/* A bias that FullyConnected can take: one constant for each of @m outputs, as a vector. NULL without an error: none. */
static QfTensor *as_bias(QfOnnxNode *n, QfTensor *c, int64_t m, float beta, GError **error)
{
  QfInts shape = {1, {m}};
  gboolean vector = c && qf_onnx_is_constant(c) && qf_tensor_count(c) == m && c->rank >= 1 && c->rank <= 2 &&
                    c->dims[c->rank - 1] == m;
  if (!vector || beta != 1)
    return NULL;
  if (c->rank == 1 || c->data)
    return qf_build_reshape(n->b, c, &shape, NULL, error);
  return NULL; /* Dequantize of [1, m]: left to an Add */
}

static gboolean check_matrix(const QfOnnxNode *n, const QfTensor *t, GError **error)
{
  return t->rank == 2 || qf_onnx_fail(n, error, QF_ERROR_SHAPE,
                                      "input '%s' has %d dimensions, but must be a matrix", t->name, t->rank);
}

/* alpha * A' * B' + beta * C */
static QfTensor *emit_gemm(QfOnnxNode *n, QfTensor *out, GError **error)
{
  QfTensor *a = n->in[0], *b = n->in[1], *c = qf_onnx_input(n, 2), *y;
  gboolean transpose_a = qf_onnx_int(n, "transA", 0) != 0, transpose_b = qf_onnx_int(n, "transB", 0) != 0;
  float alpha = qf_onnx_float(n, "alpha", 1), beta = qf_onnx_float(n, "beta", 1);
  GError *e = NULL;
  if (a->rank == 1 && b->rank == 2) /* seen in old exports */
    a = qf_build_reshape(n->b, a, &(QfInts){2, {1, a->dims[0]}}, NULL, error);
  if (!a || !check_matrix(n, a, error) || !check_matrix(n, b, error))
    return NULL;
  if (qf_onnx_is_constant(b)) {
    QfTensor *bias = alpha == 1 ? as_bias(n, c, b->dims[transpose_b ? 0 : 1], beta, &e) : NULL;
    if (e) {
      g_propagate_error(error, e);
      return NULL;
    }
    if (transpose_a)
      a = qf_build_transpose(n->b, a, &swap, NULL, error);
    y = emit_fc(n, a, b, transpose_b, bias, FALSE, bias || (!c && alpha == 1) ? out : NULL, error);
    c = bias ? NULL : c;
  } else {
    y = emit_matmul(n, a, b, transpose_a, transpose_b, !c && alpha == 1 ? out : NULL, error);
  }
  if (alpha != 1)
    y = qf_build_with(n->b, "ElementWiseMultiply", y, alpha, c ? NULL : out, error);
  if (!c)
    return y;
  if (beta != 1)
    c = qf_build_with(n->b, "ElementWiseMultiply", c, beta, NULL, error);
  return qf_build_apply2(n->b, "ElementWiseAdd", y, c, out, error);
}

static gboolean map_gemm(QfOnnxNode *n, GError **error)
{
  g_autofree char *activation = qf_onnx_string(n, "activation", "");
  if (!*activation)
    return qf_onnx_bind(n, 0, emit_gemm(n, qf_onnx_output(n, 0), error));
  const float params[] = {qf_onnx_float(n, "activation_alpha", 0), qf_onnx_float(n, "activation_beta", 0)};
  uint32_t n_params = qf_onnx_attr(n, "activation_beta") ? 2 : qf_onnx_attr(n, "activation_alpha") ? 1 : 0;
  QfTensor *y = emit_gemm(n, NULL, error);
  return y && qf_onnx_bind(n, 0,
                           qf_onnx_activate(n, activation, params, n_params, y, qf_onnx_output(n, 0), error));
}

/* Vectors are matrices of one row or one column, whose dimension goes again afterwards. */
static QfTensor *matmul_vectors(QfOnnxNode *n, GError **error)
{
  QfTensor *a = n->in[0], *b = n->in[1];
  QfInts row = {2, {1, a->dims[0]}}, column = {2, {b->dims[0], 1}};
  gboolean is_row = a->rank == 1, is_column = b->rank == 1;
  if (is_row)
    a = qf_build_reshape(n->b, a, &row, NULL, error);
  if (is_column)
    b = qf_build_reshape(n->b, b, &column, NULL, error);
  QfTensor *y = emit_matmul(n, a, b, FALSE, FALSE, NULL, error);
  if (!y)
    return NULL;
  QfInts shape = {0};
  for (int i = 0; i < y->rank; i++)
    if (!(is_row && i == y->rank - 2) && !(is_column && i == y->rank - 1))
      shape.v[shape.n++] = y->dims[i];
  return qf_build_reshape(n->b, y, &shape, qf_onnx_output(n, 0), error);
}

/* FusedMatMul's transBatch: the matrices' rows come before the leading dimensions. */
static QfTensor *rows_inward(QfOnnxNode *n, const char *attr, QfTensor *t, GError **error)
{
  QfInts perm = {.n = t->rank};
  if (!qf_onnx_int(n, attr, 0) || t->rank < 3)
    return t;
  for (int i = 0; i < t->rank; i++)
    perm.v[i] = i < t->rank - 2 ? i + 1 : i == t->rank - 2 ? 0 : i;
  return qf_build_transpose(n->b, t, &perm, NULL, error);
}

static gboolean map_matmul(QfOnnxNode *n, GError **error)
{
  QfTensor *a = rows_inward(n, "transBatchA", n->in[0], error),
           *b = rows_inward(n, "transBatchB", n->in[1], error);
  if (!a || !b)
    return FALSE;
  gboolean transpose_a = qf_onnx_int(n, "transA", 0) != 0, transpose_b = qf_onnx_int(n, "transB", 0) != 0;
  float alpha = qf_onnx_float(n, "alpha", 1);
  if (a->rank < 1 || b->rank < 1)
    return qf_onnx_fail(n, error, QF_ERROR_SHAPE, "its inputs may not be scalars");
  if (a->rank == 1 || b->rank == 1)
    return qf_onnx_bind(n, 0, matmul_vectors(n, error));
  QfTensor *y, *out = alpha == 1 ? qf_onnx_output(n, 0) : NULL;
  if (b->rank == 2 && qf_onnx_is_constant(b) && !transpose_a && qf_dtype_is_float(a->dtype))
    y = emit_fc(n, a, b, transpose_b, NULL, TRUE, out, error);
  else
    y = emit_matmul(n, a, b, transpose_a, transpose_b, out, error);
  if (alpha != 1)
    y = qf_build_with(n->b, "ElementWiseMultiply", y, alpha, qf_onnx_output(n, 0), error);
  return qf_onnx_bind(n, 0, y);
}

const QfOnnxRow qf_onnx_matmul_rows[] = {
    {"", "Gemm", map_gemm, 2, 3, "FullyConnected", 0},
    {"com.microsoft", "FusedGemm", map_gemm, 2, 3, "FullyConnected", 0},
    {"", "MatMul", map_matmul, 2, 2, "MatMul", 0},
    {"com.microsoft", "FusedMatMul", map_matmul, 2, 2, "MatMul", 0},
    {"com.microsoft", "TransposeMatMul", map_matmul, 2, 2, "MatMul", 0},
    {NULL},
};
