/* SPDX-License-Identifier: MIT */
/*
 * reduce.c - reductions, ArgMax, TopK, cumulative sums and OneHot. Axes are constant inputs.
 */
#include "map.h"
#include "../../graph/numbers.h"

static gboolean read_axes(const QfTfNode *n, QfInts *axes, GError **error)
{
  return qf_tf_const_ints(n, 1, axes, error) && qf_tf_axes(n, axes, n->in[0]->rank, error);
}

static gboolean map_reduce(QfTfNode *n, GError **error)
{
  QfInts axes;
  if (!read_axes(n, &axes, error))
    return FALSE;
  if (!axes.n) /* no axes: nothing is reduced */
    return qf_tf_bind(n, 0, n->in[0]);
  gboolean keep = qf_tf_bool(n, "keep_dims", FALSE);
  if (!n->row->arg)
    return qf_tf_bind(n, 0,
                      qf_build_reduce(&n->build, n->row->target, n->in[0], &axes, keep, qf_tf_out(n, 0),
                                      error));
  QfTensor *y = qf_build_cast(&n->build, n->in[0], QF_DTYPE_INT32, NULL, error); /* All, Any: of 0 and 1 */
  y = qf_build_reduce(&n->build, n->row->target, y, &axes, keep, NULL, error);
  return qf_tf_bind(n, 0, qf_build_cast(&n->build, y, QF_DTYPE_BOOL, qf_tf_out(n, 0), error));
}

static gboolean map_arg(QfTfNode *n, GError **error)
{
  int64_t dimension;
  int32_t axis;
  QfDType type;
  if (!qf_tf_const_int(n, 1, &dimension, error) || !qf_tf_axis(n, dimension, n->in[0]->rank, &axis, error) ||
      !qf_tf_type(n, "output_type", QF_DTYPE_INT64, &type, error))
    return FALSE;
  QfNode *node = qf_build_begin(&n->build, n->row->target, n->in, 1, qf_tf_out(n, 0));
  QfAxisAttrs *a = node->attrs;
  a->axis = axis;
  a->dtype = type;
  return qf_tf_bind(n, 0, qf_build_end(&n->build, node, error));
}

static gboolean map_top_k(QfTfNode *n, GError **error)
{
  int64_t k = qf_tf_int(n, "k", 0);
  if (n->n_in > 1 && !qf_tf_const_int(n, 1, &k, error))
    return FALSE;
  if (n->in[0]->rank < 1)
    return qf_build_fail(&n->build, error, QF_ERROR_SHAPE, "its input is a single number");
  QfTensor *out[] = {qf_tf_out(n, 0), qf_tf_out(n, 1)};
  QfNode *node = qf_build_begin_many(&n->build, "TopK", n->in, 1, out, 2);
  QfTopKAttrs *a = node->attrs;
  a->axis = n->in[0]->rank - 1;
  a->k = qf_build_i32(k);
  a->largest = a->sorted = 1;
  return qf_tf_bind(n, 0, qf_build_end(&n->build, node, error)) && qf_tf_bind(n, 1, out[1]);
}

static gboolean map_cumsum(QfTfNode *n, GError **error)
{
  int64_t dimension;
  int32_t axis;
  if (!qf_tf_const_int(n, 1, &dimension, error) || !qf_tf_axis(n, dimension, n->in[0]->rank, &axis, error))
    return FALSE;
  QfNode *node = qf_build_begin(&n->build, "CumulativeSum", n->in, 1, qf_tf_out(n, 0));
  QfAxisAttrs *a = node->attrs;
  a->axis = axis;
  a->exclusive = qf_tf_bool(n, "exclusive", FALSE);
  a->reverse = qf_tf_bool(n, "reverse", FALSE);
  return qf_tf_bind(n, 0, qf_build_end(&n->build, node, error));
}

/* indices == 0..depth-1 along a new dimension, as on or off. */
static gboolean map_one_hot(QfTfNode *n, GError **error)
{
  int64_t depth, axis = qf_tf_int(n, "axis", -1);
  QfTensor *x = n->in[0];
  if (!qf_tf_const_int(n, 1, &depth, error))
    return FALSE;
  axis = axis < 0 ? axis + x->rank + 1 : axis;
  if (axis < 0 || axis > x->rank || x->rank >= QF_MAX_RANK || depth < 1 || depth > 1 << 24)
    return qf_build_fail(&n->build, error, QF_ERROR_SHAPE,
                         "depth %" G_GINT64_FORMAT " or its axis is not possible", depth);
  QfInts open = {.n = x->rank + 1}, line = {.n = x->rank + 1};
  for (int i = 0, k = 0; i < open.n; i++) {
    open.v[i] = i == axis ? 1 : x->dims[k++];
    line.v[i] = i == axis ? depth : 1;
  }
  size_t width = qf_dtype_size(x->dtype);
  if (!qf_build_charge(&n->build, (uint64_t)depth * width, error))
    return FALSE;
  void *numbers = g_malloc0((gsize)depth * width);
  for (int64_t i = 0; i < depth; i++)
    qf_number_store(x->dtype, numbers, i, (double)i);
  QfTensor *range = qf_graph_add_constant(n->build.graph, NULL, x->dtype, line.v, line.n,
                                          g_bytes_new_take(numbers, (gsize)depth * width));
  x = qf_build_reshape(&n->build, x, &open, NULL, error);
  QfTensor *in[] = {qf_build_apply2(&n->build, "ElementWiseEqual", x, range, NULL, error), n->in[2],
                    n->in[3]};
  if (!in[0])
    return FALSE;
  return qf_tf_bind(n, 0,
                    qf_build_end(&n->build,
                                 qf_build_begin(&n->build, "ElementWiseSelect", in, 3, qf_tf_out(n, 0)),
                                 error));
}

const QfTfRow qf_tf_reduce_rows[] = {
    {"Mean", map_reduce, 2, 2, "ReduceMean", 0},
    {"Sum", map_reduce, 2, 2, "ReduceSum", 0},
    {"Max", map_reduce, 2, 2, "ReduceMax", 0},
    {"Min", map_reduce, 2, 2, "ReduceMin", 0},
    {"Prod", map_reduce, 2, 2, "ReduceProd", 0},
    {"All", map_reduce, 2, 2, "ReduceMin", 1},
    {"Any", map_reduce, 2, 2, "ReduceMax", 1},
    {"ArgMax", map_arg, 2, 2, "Argmax", 0},
    {"ArgMin", map_arg, 2, 2, "Argmin", 0},
    {"TopK", map_top_k, 1, 1, "TopK", 0},
    {"TopKV2", map_top_k, 2, 2, "TopK", 0},
    {"Cumsum", map_cumsum, 2, 2, "CumulativeSum", 0},
    {"OneHot", map_one_hot, 4, 4, "ElementWiseSelect", 0},
    {NULL},
};
