/* SPDX-License-Identifier: MIT */
/*
 * map_reduce.c - along dimensions: sums, means, extremes and where they are, softmax, running sums, order.
 */
#include "map.h"

#include <string.h>

/* The dimensions in @name as a tensor; NULL: all of them. */
static gboolean get_axes(QfPt2Node *n, const char *name, const char **axes, GError **error)
{
  QfInts dims;
  if (!qf_pt2_arg_ints(n, name, &dims))
    return qf_pt2_fail(n, error, QF_ERROR_UNSUPPORTED, "its dimensions must be known");
  *axes = dims.n ? qf_pt2_const_ints(n->p->emit, dims.v, (uint32_t)dims.n) : NULL;
  return TRUE;
}

static const char *reduce(QfPt2Node *n, const char *op, const char *x, const char *axes, gboolean keep,
                          const char *out)
{
  out = qf_pt2_emit(n, op, out, 2, x, axes);
  qf_pt2_attr_int(n->p->emit, qf_pt2_last(n), "keepdims", keep);
  return out;
}

/* In the type of the result, where aten says one. data: the ONNX operator. */
static gboolean map_reduce(QfPt2Node *n, GError **error)
{
  const char *axes, *x = qf_pt2_tensor(n, "self");
  if (!get_axes(n, "dim", &axes, error))
    return FALSE;
  reduce(n, n->row->data, qf_pt2_cast(n, x, qf_pt2_type(n, n->out[0])), axes,
         qf_pt2_arg_bool(n, "keepdim", FALSE), n->out[0]);
  return TRUE;
}

/* any and all, as the largest and the smallest of 0 and 1. */
static gboolean map_truth(QfPt2Node *n, GError **error)
{
  const char *axes, *x = qf_pt2_cast(n, qf_pt2_tensor(n, "self"), QF_PT2_BOOL);
  if (!get_axes(n, "dim", &axes, error))
    return FALSE;
  x = qf_pt2_emit(n, "Cast", NULL, 1, x);
  qf_pt2_attr_int(n->p->emit, qf_pt2_last(n), "to", QF_PT2_INT64);
  x = reduce(n, n->row->data, x, axes, qf_pt2_arg_bool(n, "keepdim", FALSE), NULL);
  qf_pt2_emit(n, "Cast", n->out[0], 1, x);
  qf_pt2_attr_int(n->p->emit, qf_pt2_last(n), "to", QF_PT2_BOOL);
  return TRUE;
}

static gboolean map_softmax(QfPt2Node *n, GError **error)
{
  const char *x = qf_pt2_cast(n, qf_pt2_tensor(n, "self"), qf_pt2_type(n, n->out[0]));
  qf_pt2_emit(n, n->row->data, n->out[0], 1, x);
  qf_pt2_attr_int(n->p->emit, qf_pt2_last(n), "axis", qf_pt2_arg_int(n, "dim", -1));
  return TRUE;
}

/* max.dim and min.dim give values and indices; without a dimension only the value of all; with another tensor the larger. */
static gboolean map_extreme(QfPt2Node *n, GError **error)
{
  const gboolean max = !strcmp(n->row->op, "max");
  const char *x = qf_pt2_tensor(n, "self"), *other = qf_pt2_tensor(n, "other"), *axes;
  const gboolean keep = qf_pt2_arg_bool(n, "keepdim", FALSE);
  if (other) {
    qf_pt2_emit(n, max ? "Max" : "Min", n->out[0], 2, x, other);
    return TRUE;
  }
  if (!get_axes(n, "dim", &axes, error))
    return FALSE;
  reduce(n, max ? "ReduceMax" : "ReduceMin", x, axes, keep, n->out[0]);
  if (n->n_out > 1 && n->out[1]) {
    qf_pt2_emit(n, max ? "ArgMax" : "ArgMin", n->out[1], 1, x);
    qf_pt2_attr_int(n->p->emit, qf_pt2_last(n), "axis", qf_pt2_arg_int(n, "dim", 0));
    qf_pt2_attr_int(n->p->emit, qf_pt2_last(n), "keepdims", keep);
  }
  return TRUE;
}

/* Without a dimension the index counts all values. */
static gboolean map_arg(QfPt2Node *n, GError **error)
{
  const int64_t flat = -1;
  const gboolean all = !qf_pt2_arg(n, "dim");
  const char *x = qf_pt2_tensor(n, "self");
  if (all)
    x = qf_pt2_reshape(n, x, &flat, 1, NULL);
  qf_pt2_emit(n, n->row->data, n->out[0], 1, x);
  qf_pt2_attr_int(n->p->emit, qf_pt2_last(n), "axis", all ? 0 : qf_pt2_arg_int(n, "dim", 0));
  qf_pt2_attr_int(n->p->emit, qf_pt2_last(n), "keepdims", !all && qf_pt2_arg_bool(n, "keepdim", FALSE));
  return TRUE;
}

/* Mean of squared differences from the mean, over count - correction; std: its root. */
static gboolean map_variance(QfPt2Node *n, GError **error)
{
  const char *axes, *x = qf_pt2_tensor(n, "self");
  const gboolean keep = qf_pt2_arg_bool(n, "keepdim", FALSE), root = !strcmp(n->row->op, "std");
  const double correction = qf_pt2_arg_float(n, "correction", qf_pt2_arg_bool(n, "unbiased", TRUE));
  QfInts dims;
  QfPt2Tensor meta;
  double count = 1;
  if (!get_axes(n, "dim", &axes, error) || !qf_pt2_arg_ints(n, "dim", &dims) || !qf_pt2_meta(n, x, &meta))
    return FALSE;
  for (int i = 0; i < (dims.n ? dims.n : meta.rank); i++) {
    const int64_t dim = dims.n ? qf_pt2_dim(dims.v[i], meta.rank) : i;
    count *= dim >= 0 && dim < meta.rank ? (double)meta.dims[dim] : -1;
  }
  if (count <= correction)
    return qf_pt2_fail(n, error, QF_ERROR_UNSUPPORTED,
                       "the number of values that it covers must be known, and enough");
  const char *d = qf_pt2_emit(n, "Sub", NULL, 2, x, reduce(n, "ReduceMean", x, axes, TRUE, NULL));
  const char *sum = reduce(n, "ReduceSum", qf_pt2_emit(n, "Mul", NULL, 2, d, d), axes, keep, NULL);
  sum = qf_pt2_emit(n, "Div", root ? NULL : n->out[0], 2, sum, qf_pt2_number(n, count - correction));
  if (root)
    qf_pt2_emit(n, "Sqrt", n->out[0], 1, sum);
  return TRUE;
}

/* Sums of absolute values (1), their squares' root (2), or the largest (infinity). */
static gboolean map_norm(QfPt2Node *n, GError **error)
{
  const char *axes, *x = qf_pt2_tensor(n, "self");
  const double p = qf_pt2_arg_float(n, qf_pt2_arg(n, "ord") ? "ord" : "p", 2);
  if (p != 1 && p != 2)
    return qf_pt2_fail(n, error, QF_ERROR_UNSUPPORTED, "its order is %g, only 1 and 2 are supported", p);
  if (!get_axes(n, "dim", &axes, error))
    return FALSE;
  reduce(n, p == 1 ? "ReduceL1" : "ReduceL2", x, axes, qf_pt2_arg_bool(n, "keepdim", FALSE), n->out[0]);
  return TRUE;
}

static gboolean map_cumsum(QfPt2Node *n, GError **error)
{
  const char *x = qf_pt2_cast(n, qf_pt2_tensor(n, "self"), qf_pt2_type(n, n->out[0]));
  qf_pt2_emit(n, "CumSum", n->out[0], 2, x,
              qf_pt2_const_number(n->p->emit, QF_PT2_INT64, (double)qf_pt2_arg_int(n, "dim", 0)));
  return TRUE;
}

/* topk, and sort as the top of all. */
static gboolean map_topk(QfPt2Node *n, GError **error)
{
  const char *x = qf_pt2_tensor(n, "self");
  const gboolean sort = !strcmp(n->row->op, "sort");
  const int64_t dim = qf_pt2_arg_int(n, "dim", -1);
  QfPt2Tensor meta;
  if (!qf_pt2_meta(n, x, &meta) || qf_pt2_dim(dim, meta.rank) < 0 || qf_pt2_dim(dim, meta.rank) >= meta.rank)
    return qf_pt2_fail(n, error, QF_ERROR_FORMAT, "its dimension does not fit its input");
  const int64_t k = sort ? meta.dims[qf_pt2_dim(dim, meta.rank)] : qf_pt2_arg_int(n, "k", 1);
  if (k < 1)
    return qf_pt2_fail(n, error, QF_ERROR_UNSUPPORTED, "how many values it gives must be known");
  const char *in[] = {x, qf_pt2_const_ints(n->p->emit, &k, 1)};
  Onnx__NodeProto *node = qf_pt2_node(n->p->emit, "TopK", n->name, in, 2, n->out, 2);
  qf_pt2_attr_int(n->p->emit, node, "axis", dim);
  qf_pt2_attr_int(n->p->emit, node, "largest",
                  sort ? qf_pt2_arg_bool(n, "descending", FALSE) : qf_pt2_arg_bool(n, "largest", TRUE));
  return TRUE;
}

const QfPt2Row qf_pt2_reduce_rows[] = {
    {"sum", map_reduce, "ReduceSum"},
    {"mean", map_reduce, "ReduceMean"},
    {"amax", map_reduce, "ReduceMax"},
    {"amin", map_reduce, "ReduceMin"},
    {"prod", map_reduce, "ReduceProd"},
    {"logsumexp", map_reduce, "ReduceLogSumExp"},
    {"any", map_truth, "ReduceMax"},
    {"all", map_truth, "ReduceMin"},
    {"max", map_extreme, NULL},
    {"min", map_extreme, NULL},
    {"argmax", map_arg, "ArgMax"},
    {"argmin", map_arg, "ArgMin"},
    {"var", map_variance, NULL},
    {"std", map_variance, NULL},
    {"norm", map_norm, NULL},
    {"linalg_vector_norm", map_norm, NULL},
    {"softmax", map_softmax, "Softmax"},
    {"_softmax", map_softmax, "Softmax"},
    {"log_softmax", map_softmax, "LogSoftmax"},
    {"_log_softmax", map_softmax, "LogSoftmax"},
    {"cumsum", map_cumsum, NULL},
    {"topk", map_topk, NULL},
    {"sort", map_topk, NULL},
    {NULL},
};
