/* SPDX-License-Identifier: MIT */
/*
 * causal.c - CausalConvWithState: each channel filtered over the past and the present, as a sum of shifted products; and SwiGLU.
 */
#include "map.h"

#include <string.h>

/* The past before the input: k - 1 steps, zeros when none is given. */
static QfTensor *with_past(QfOnnxNode *n, int64_t steps, GError **error)
{
  QfTensor *x = n->in[0], *past = qf_onnx_input(n, 3);
  if (!past) {
    QfNode *node = qf_build_begin(n->b, "Pad", &x, 1, NULL);
    *(QfPadAttrs *)node->attrs = (QfPadAttrs){.before = {3, {0, 0, steps}}, .after = {3, {0, 0, 0}}};
    return qf_build_end(n->b, node, error);
  }
  QfTensor *in[2] = {past, x};
  QfNode *node = qf_build_begin(n->b, "Concat", in, 2, NULL);
  ((QfConcatAttrs *)node->attrs)->axis = 2;
  return qf_build_end(n->b, node, error);
}

static gboolean map_causal(QfOnnxNode *n, GError **error)
{
  static const char *const activations[] = {"none", "silu", "swish", NULL};
  QfTensor *x = n->in[0], *w = n->in[1], *bias = qf_onnx_input(n, 2), *past = qf_onnx_input(n, 3), *y = bias;
  int32_t activation;
  if (!qf_onnx_enum(n, "activation", activations, 0, &activation, error))
    return FALSE;
  if (x->rank != 3 || w->rank != 3 || w->dims[0] != x->dims[1] || w->dims[1] != 1 || w->dims[2] < 1 ||
      w->dims[2] > 4096 || (bias && (bias->rank != 1 || bias->dims[0] != x->dims[1])) ||
      (past && (past->rank != 3 || past->dims[2] != w->dims[2] - 1)))
    return qf_onnx_fail(n, error, QF_ERROR_SHAPE,
                        "it needs an input [N,C,L], weights [C,1,k], a bias [C] and a past [N,C,k-1]");
  const int64_t k = w->dims[2], length = x->dims[2];
  QfInts column = {2, {x->dims[1], 1}};
  QfTensor *all = with_past(n, k - 1, error);
  if (bias)
    y = qf_build_reshape(n->b, bias, &column, NULL, error);
  for (int64_t i = 0; i < k && all; i++) {
    QfTensor *tap =
        qf_build_reshape(n->b, qf_build_slice(n->b, w, 2, i, i + 1, NULL, error), &column, NULL, error);
    QfTensor *part =
        qf_build_apply2(n->b, "ElementWiseMultiply", qf_build_slice(n->b, all, 2, i, i + length, NULL, error),
                        tap, NULL, error);
    y = y ? qf_build_apply2(n->b, "ElementWiseAdd", y, part, NULL, error) : part;
  }
  if (activation)
    y = qf_build_apply1(n->b, "Silu", y, NULL, error);
  if (!qf_onnx_bind(n, 0, y))
    return FALSE;
  return n->n_out < 2 || !n->out_names[1] ||
         qf_onnx_bind(n, 1,
                      qf_build_slice(n->b, all, 2, length, length + k - 1, qf_onnx_output(n, 1), error));
}

/* a * sigmoid(alpha * a) * b */
static gboolean map_swiglu(QfOnnxNode *n, GError **error)
{
  QfTensor *gate =
      qf_build_with(n->b, "ElementWiseMultiply", n->in[0], qf_onnx_float(n, "alpha", 1), NULL, error);
  gate = qf_build_apply2(n->b, "ElementWiseMultiply", n->in[0],
                         qf_build_apply1(n->b, "Sigmoid", gate, NULL, error), NULL, error);
  return qf_onnx_bind(n, 0,
                      qf_build_apply2(n->b, "ElementWiseMultiply", gate, n->in[1], qf_onnx_output(n, 0),
                                      error));
}

const QfOnnxRow qf_onnx_causal_rows[] = {
    {"", "CausalConvWithState", map_causal, 2, 4, NULL, 0},
    {"", "SwiGLU", map_swiglu, 2, 2, NULL, 0},
    {NULL},
};
