/* SPDX-License-Identifier: MIT */
/*
 * reduce.c - reductions, arg-reductions, Softmax, CumSum, TopK. Axes moved from attributes to inputs over the opsets; both are
 * read here.
 */
#include "map.h"

#include <string.h>

/* The axes of a reduction; none given means all, or with noop_with_empty_axes none (n -1). */
static gboolean reduce_axes(const QfOnnxNode *n, QfInts *axes, GError **error)
{
  int32_t rank = n->in[0]->rank;
  if (!qf_onnx_list(n, "axes", 1, axes, NULL, error))
    return FALSE;
  if (axes->n)
    return qf_onnx_axes(n, axes, rank, error);
  axes->n = qf_onnx_int(n, "noop_with_empty_axes", 0) ? -1 : rank;
  for (int i = 0; i < axes->n; i++)
    axes->v[i] = i;
  return TRUE;
}

static gboolean map_reduce(QfOnnxNode *n, GError **error)
{
  QfInts axes;
  if (!reduce_axes(n, &axes, error))
    return FALSE;
  if (axes.n <= 0)
    return qf_onnx_bind(n, 0, n->in[0]);
  return qf_onnx_bind(n, 0,
                      qf_build_reduce(n->b, n->row->target, n->in[0], &axes,
                                      qf_onnx_int(n, "keepdims", 1) != 0, qf_onnx_output(n, 0), error));
}

/* ReduceL1, ReduceLogSum, ReduceLogSumExp from a sum: target is applied before, arg names what is applied after. */
static gboolean map_reduce_sum_of(QfOnnxNode *n, GError **error)
{
  QfInts axes;
  if (!reduce_axes(n, &axes, error))
    return FALSE;
  QfTensor *x = n->in[0];
  if (n->row->target)
    x = qf_build_apply1(n->b, n->row->target, x, NULL, error);
  if (axes.n > 0)
    x = qf_build_reduce(n->b, "ReduceSum", x, &axes, qf_onnx_int(n, "keepdims", 1) != 0,
                        n->row->arg ? NULL : qf_onnx_output(n, 0), error);
  if (n->row->arg)
    x = qf_build_apply1(n->b, "ElementWiseLog", x, qf_onnx_output(n, 0), error);
  return qf_onnx_bind(n, 0, x);
}

/* log(sum(exp(x - m))) + m, with m the maximum so that nothing overflows. */
static gboolean map_log_sum_exp(QfOnnxNode *n, GError **error)
{
  QfInts axes;
  if (!reduce_axes(n, &axes, error))
    return FALSE;
  if (axes.n <= 0)
    return qf_onnx_bind(n, 0, n->in[0]);
  QfTensor *m = qf_build_reduce(n->b, "ReduceMax", n->in[0], &axes, TRUE, NULL, error);
  QfTensor *x = qf_build_apply2(n->b, "ElementWiseSubtract", n->in[0], m, NULL, error);
  x = qf_build_apply1(n->b, "ElementWiseExp", x, NULL, error);
  x = qf_build_reduce(n->b, "ReduceSum", x, &axes, TRUE, NULL, error);
  x = qf_build_apply1(n->b, "ElementWiseLog", x, NULL, error);
  gboolean keep = qf_onnx_int(n, "keepdims", 1) != 0;
  x = qf_build_apply2(n->b, "ElementWiseAdd", x, m, keep ? qf_onnx_output(n, 0) : NULL, error);
  if (!x || keep)
    return qf_onnx_bind(n, 0, x);
  QfInts shape = {0};
  for (int i = 0, k = 0; i < x->rank; i++) {
    if (k < axes.n && axes.v[k] == i)
      k++;
    else
      shape.v[shape.n++] = x->dims[i];
  }
  return qf_onnx_bind(n, 0, qf_build_reshape(n->b, x, &shape, qf_onnx_output(n, 0), error));
}

static gboolean map_arg(QfOnnxNode *n, GError **error)
{
  int32_t axis;
  if (!qf_onnx_axis(n, qf_onnx_int(n, "axis", 0), n->in[0]->rank, &axis, error))
    return FALSE;
  QfNode *node = qf_build_begin(n->b, n->row->target, n->in, 1, qf_onnx_output(n, 0));
  QfAxisAttrs *a = node->attrs;
  a->axis = axis;
  a->keep_dims = qf_onnx_int(n, "keepdims", 1) != 0;
  a->dtype = QF_DTYPE_INT64;
  a->last = qf_onnx_int(n, "select_last_index", 0) != 0;
  return qf_onnx_bind(n, 0, qf_build_end(n->b, node, error));
}

static QfTensor *emit_softmax(QfOnnxNode *n, QfTensor *x, int32_t axis, QfTensor *out, GError **error)
{
  if (!x)
    return NULL;
  QfNode *node = qf_build_begin(n->b, n->row->target, &x, 1, out);
  QfAxisAttrs *a = node->attrs;
  a->axis = axis;
  a->beta = 1;
  return qf_build_end(n->b, node, error);
}

/* Before opset 13 all dimensions from the axis on were one. */
static gboolean map_softmax(QfOnnxNode *n, GError **error)
{
  QfTensor *x = n->in[0];
  gboolean flat = n->opset < 13;
  int32_t axis = qf_onnx_int(n, "axis", flat ? 1 : -1);
  if (!(flat && axis == x->rank) && !qf_onnx_axis(n, axis, MAX(x->rank, 1), &axis, error))
    return FALSE;
  int64_t inner = axis < x->rank ? qf_dims_count(x->dims + axis, x->rank - axis) : 1;
  int64_t outer = qf_dims_count(x->dims, MIN(axis, x->rank));
  gboolean simple = axis < x->rank && (!flat || inner == x->dims[axis]);
  if (simple)
    return qf_onnx_bind(n, 0, emit_softmax(n, x, axis, qf_onnx_output(n, 0), error));
  QfInts rows = {2, {outer, inner}}, shape = qf_build_dims(x);
  QfTensor *y = emit_softmax(n, qf_build_reshape(n->b, x, &rows, NULL, error), 1, NULL, error);
  return qf_onnx_bind(n, 0, qf_build_reshape(n->b, y, &shape, qf_onnx_output(n, 0), error));
}

static gboolean map_cumsum(QfOnnxNode *n, GError **error)
{
  QfInts list;
  int32_t axis;
  if (!qf_onnx_list(n, NULL, 1, &list, NULL, error) ||
      !qf_onnx_axis(n, list.n ? list.v[0] : 0, n->in[0]->rank, &axis, error))
    return FALSE;
  QfNode *node = qf_build_begin(n->b, n->row->target, n->in, 1, qf_onnx_output(n, 0));
  QfAxisAttrs *a = node->attrs;
  a->axis = axis;
  a->exclusive = qf_onnx_int(n, "exclusive", 0) != 0;
  a->reverse = qf_onnx_int(n, "reverse", 0) != 0;
  return qf_onnx_bind(n, 0, qf_build_end(n->b, node, error));
}

static gboolean map_topk(QfOnnxNode *n, GError **error)
{
  QfInts k;
  int32_t axis;
  if (!qf_onnx_axis(n, qf_onnx_int(n, "axis", -1), n->in[0]->rank, &axis, error) ||
      !qf_onnx_list(n, NULL, 1, &k, NULL, error))
    return FALSE;
  int64_t count = qf_onnx_input(n, 1) ? (k.n ? k.v[0] : 0) : qf_onnx_int(n, "k", 0);
  if (n->n_out != 2)
    return qf_onnx_fail(n, error, QF_ERROR_FORMAT, "it needs two outputs, values and indices");
  QfTensor *out[] = {qf_onnx_output(n, 0), qf_onnx_output(n, 1)};
  out[1]->dtype = QF_DTYPE_INT64;
  n->b->named = TRUE;
  QfNode *node = qf_graph_new_node(n->onnx->graph, "TopK", n->name, n->in, 1, out, 2);
  QfTopKAttrs *a = node->attrs;
  a->axis = axis;
  a->k = qf_build_i32(count);
  a->largest = qf_onnx_int(n, "largest", 1) != 0;
  a->sorted = qf_onnx_int(n, "sorted", 1) != 0;
  n->out[1] = out[1];
  return qf_onnx_bind(n, 0, qf_build_end(n->b, node, error));
}

#define REDUCE(op, target)                                                                                   \
  {                                                                                                          \
    "", op, map_reduce, 1, 2, target, 0                                                                      \
  }

const QfOnnxRow qf_onnx_reduce_rows[] = {
    REDUCE("ReduceMean", "ReduceMean"),
    REDUCE("ReduceSum", "ReduceSum"),
    REDUCE("ReduceMax", "ReduceMax"),
    REDUCE("ReduceMin", "ReduceMin"),
    REDUCE("ReduceProd", "ReduceProd"),
    REDUCE("ReduceSumSquare", "ReduceSumSquare"),
    REDUCE("ReduceL2", "ReduceL2"),
    {"", "ReduceL1", map_reduce_sum_of, 1, 2, "ElementWiseAbs", 0},
    {"", "ReduceLogSum", map_reduce_sum_of, 1, 2, NULL, 1},
    {"", "ReduceLogSumExp", map_log_sum_exp, 1, 2, NULL, 0},
    {"", "ArgMax", map_arg, 1, 1, "Argmax", 0},
    {"", "ArgMin", map_arg, 1, 1, "Argmin", 0},
    {"", "Softmax", map_softmax, 1, 1, "Softmax", 0},
    {"", "LogSoftmax", map_softmax, 1, 1, "LogSoftmax", 0},
    {"", "CumSum", map_cumsum, 2, 2, "CumulativeSum", 0},
    {"", "CumProd", map_cumsum, 2, 2, "CumProd", 0},
    {"", "TopK", map_topk, 1, 2, "TopK", 0},
    {NULL},
};
