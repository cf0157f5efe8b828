/* SPDX-License-Identifier: MIT */
/*
 * map_reduce.c - operators along dimensions: reductions, argmax, cumulative sum, top k, norm of the last dimension.
 */
#include "map.h"

static gboolean get_axes(const QfTflNode *n, QfInts *axes, GError **error)
{
  if (!qf_tfl_get_ints(n, 1, axes, error))
    return FALSE;
  for (int32_t i = 0; i < axes->n; i++) {
    int32_t axis;
    if (!qf_tfl_axis(n, axes->v[i], n->in[0]->rank, &axis, error))
      return FALSE;
    axes->v[i] = axis;
  }
  return TRUE;
}

static gboolean add_reduce(QfTflNode *n, QfTensor *in, QfTensor *out, const QfInts *axes, GError **error)
{
  QfNode *node = qf_tfl_new_node(n, n->row->op, &in, 1, &out, 1);
  QfReduceAttrs *a = node->attrs;
  a->axes = *axes;
  a->keep_dims = qf_tfl_option_byte(n, QF_TFL_REDUCE_KEEP_DIMS, 0) != 0;
  return qf_tfl_add_node(n, node, error);
}

static gboolean map_reduce(QfTflNode *n, GError **error)
{
  QfInts axes;
  if (!get_axes(n, &axes, error))
    return FALSE;
  if (axes.n == 0) /* nothing is reduced, where the graph's operator would reduce everything */
    return qf_tfl_add_reshape(n, n->in[0], n->out[0], n->in[0]->dims, n->in[0]->rank, error);
  return add_reduce(n, n->in[0], n->out[0], &axes, error);
}

/* ANY and ALL are the maximum and minimum of 0 and 1. */
static gboolean map_reduce_bool(QfTflNode *n, GError **error)
{
  QfInts axes;
  if (!get_axes(n, &axes, error))
    return FALSE;
  if (axes.n == 0)
    return qf_tfl_add_reshape(n, n->in[0], n->out[0], n->in[0]->dims, n->in[0]->rank, error);
  QfTensor *number = qf_tfl_temp(n, "number", NULL), *result = qf_tfl_temp(n, "result", NULL);
  return qf_tfl_add_cast(n, n->in[0], number, QF_DTYPE_INT32, error) &&
         add_reduce(n, number, result, &axes, error) &&
         qf_tfl_add_cast(n, result, n->out[0], QF_DTYPE_BOOL, error);
}

static gboolean map_argmax(QfTflNode *n, GError **error)
{
  int64_t axis;
  QfNode *node = qf_tfl_new_node(n, n->row->op, n->in, 1, n->out, 1);
  QfAxisAttrs *a = node->attrs;
  if (!qf_tfl_get_int(n, 1, &axis, error) || !qf_tfl_axis(n, axis, n->in[0]->rank, &a->axis, error))
    return FALSE;
  a->keep_dims = 0;
  a->dtype = n->out[0]->dtype;
  gboolean ordered =
      n->in[0]->enc.count <= 1; /* the scale is positive: the largest integer is the largest number */
  return ordered ? qf_tfl_add_raw_node(n, node, error) : qf_tfl_add_node(n, node, error);
}

static gboolean map_cumsum(QfTflNode *n, GError **error)
{
  int64_t axis;
  QfNode *node = qf_tfl_new_node(n, "CumulativeSum", n->in, 1, n->out, 1);
  QfAxisAttrs *a = node->attrs;
  if (!qf_tfl_get_int(n, 1, &axis, error) || !qf_tfl_axis(n, axis, n->in[0]->rank, &a->axis, error))
    return FALSE;
  a->exclusive = qf_tfl_option_byte(n, QF_TFL_CUMSUM_EXCLUSIVE, 0) != 0;
  a->reverse = qf_tfl_option_byte(n, QF_TFL_CUMSUM_REVERSE, 0) != 0;
  return qf_tfl_add_node(n, node, error);
}

static gboolean map_top_k(QfTflNode *n, GError **error)
{
  int64_t k;
  QfNode *node = qf_tfl_new_node(n, "TopK", n->in, 1, n->out, 2);
  QfTopKAttrs *a = node->attrs;
  if (!qf_tfl_get_int(n, 1, &k, error) || !qf_tfl_axis(n, -1, n->in[0]->rank, &a->axis, error))
    return FALSE;
  a->k = (int32_t)CLAMP(k, -1, G_MAXINT32);
  a->largest = a->sorted = 1;
  return qf_tfl_add_node(n, node, error);
}

static gboolean map_l2_norm(QfTflNode *n, GError **error)
{
  QfTensor *out = n->out[0];
  int32_t axis;
  if (!qf_tfl_axis(n, -1, n->in[0]->rank, &axis, error) ||
      !qf_tfl_split_activation(n, QF_TFL_L2NORM_ACTIVATION, &out, error))
    return FALSE;
  QfNode *node = qf_tfl_new_node(n, "L2Norm", n->in, 1, &out, 1);
  QfNormAttrs *a = node->attrs;
  a->axes = (QfInts){1, {axis}};
  a->epsilon = 1e-6f;
  return qf_tfl_add_node(n, node, error);
}

#define REDUCE(code, name, op)                                                                               \
  {                                                                                                          \
    code, name, map_reduce, 2, 2, 1, op, NULL                                                                \
  }

const QfTflRow qf_tfl_reduce_rows[] = {
    REDUCE(40, "MEAN", "ReduceMean"),
    REDUCE(74, "SUM", "ReduceSum"),
    REDUCE(82, "REDUCE_MAX", "ReduceMax"),
    REDUCE(89, "REDUCE_MIN", "ReduceMin"),
    REDUCE(81, "REDUCE_PROD", "ReduceProd"),
    {91, "REDUCE_ANY", map_reduce_bool, 2, 2, 1, "ReduceMax", NULL},
    {140, "REDUCE_ALL", map_reduce_bool, 2, 2, 1, "ReduceMin", NULL},
    {56, "ARG_MAX", map_argmax, 2, 2, 1, "Argmax", NULL},
    {79, "ARG_MIN", map_argmax, 2, 2, 1, "Argmin", NULL},
    {128, "CUMSUM", map_cumsum, 2, 2, 1, NULL, NULL},
    {48, "TOPK_V2", map_top_k, 2, 2, 2, NULL, NULL},
    {11, "L2_NORMALIZATION", map_l2_norm, 1, 1, 1, NULL, NULL},
    {0},
};
