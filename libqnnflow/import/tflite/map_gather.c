/* SPDX-License-Identifier: MIT */
/*
 * map_gather.c - taking and placing elements by index: gathers, scatters, lookups, one-hot.
 */
#include "emit.h"

static gboolean add_gather(QfTflNode *n, QfTensor *data, QfTensor *indices, int64_t axis, int64_t batch_dims,
                           GError **error)
{
  QfTensor *in[] = {data, indices};
  QfNode *node = qf_tfl_new_node(n, "Gather", in, 2, n->out, 1);
  QfGatherAttrs *a = node->attrs;
  int64_t batch = batch_dims < 0 ? batch_dims + indices->rank : batch_dims;
  if (batch < 0 || batch > indices->rank)
    return qf_tfl_fail(n, error, QF_ERROR_FORMAT,
                       "batch dimensions %" G_GINT64_FORMAT "; the file is damaged", batch_dims);
  a->batch_dims = (int32_t)batch;
  return qf_tfl_axis(n, axis, data->rank, &a->axis, error) && qf_tfl_add_node(n, node, error);
}

static gboolean map_gather(QfTflNode *n, GError **error)
{
  return add_gather(n, n->in[0], n->in[1], qf_tfl_option(n, QF_TFL_GATHER_AXIS, 0),
                    qf_tfl_option(n, QF_TFL_GATHER_BATCH_DIMS, 0), error);
}

static gboolean map_gather_nd(QfTflNode *n, GError **error)
{
  return qf_tfl_add_node(n, qf_tfl_new_node(n, "GatherNd", n->in, 2, n->out, 1), error);
}

/* Zeros of the wanted shape, to which the updates are added: equal indices add up. Narrow types as int32, stored numbers as
 * they are. */
static gboolean map_scatter_nd(QfTflNode *n, GError **error)
{
  QfTensor *updates = n->in[1];
  QfDType dtype = updates->dtype;
  gboolean narrow = dtype != QF_DTYPE_FLOAT32 && dtype != QF_DTYPE_FLOAT64 && dtype != QF_DTYPE_INT32 &&
                    dtype != QF_DTYPE_INT64;
  QfInts shape;
  if (!qf_tfl_get_ints(n, 2, &shape, error))
    return FALSE;
  if (narrow)
    dtype = qf_dtype_is_float(dtype) ? QF_DTYPE_FLOAT32 : QF_DTYPE_INT32;
  updates = qf_tfl_emit_cast(n, updates, dtype, NULL, error);
  QfTensor *zeros = qf_tfl_emit_broadcast(n, qf_tfl_emit_scalar(n, dtype, 0), &shape, NULL, error);
  QfTensor *sum = qf_tfl_emit_scatter(n, zeros, n->in[0], updates, 1, narrow ? NULL : n->out[0], error);
  return sum && (!narrow || qf_tfl_emit_cast(n, sum, n->out[0]->dtype, n->out[0], error) != NULL);
}

/* index == 0..depth-1 ? on : off, along a new dimension. */
static gboolean map_one_hot(QfTflNode *n, GError **error)
{
  const QfTensor *x = n->in[0];
  int64_t depth, option = qf_tfl_option(n, QF_TFL_ONE_HOT_AXIS, 0);
  int32_t axis;
  if (!qf_tfl_get_int(n, 1, &depth, error) || !qf_tfl_axis(n, option, x->rank + 1, &axis, error))
    return FALSE;
  if (depth < 1 || depth > 1 << 24 || x->rank >= QF_MAX_RANK)
    return qf_tfl_fail(n, error, QF_ERROR_UNSUPPORTED, "a depth of %" G_GINT64_FORMAT " over %d dimensions",
                       depth, x->rank);
  int64_t dims[QF_MAX_RANK], classes[QF_MAX_RANK];
  for (int32_t i = 0; i <= x->rank; i++) {
    dims[i] = i < axis ? x->dims[i] : i == axis ? 1 : x->dims[i - 1];
    classes[i] = i == axis ? depth : 1;
  }
  g_autofree int64_t *values = g_new(int64_t, depth);
  for (int64_t i = 0; i < depth; i++)
    values[i] = i;
  QfTensor *wide = qf_graph_add_constant_copy(n->graph, NULL, QF_DTYPE_INT64, classes, x->rank + 1, values);
  QfTensor *typed = qf_tfl_temp(n, "classes", NULL), *index = qf_tfl_temp(n, "index", NULL),
           *hot = qf_tfl_temp(n, "hot", NULL);
  if (!qf_tfl_add_cast(n, wide, typed, x->dtype, error) ||
      !qf_tfl_add_reshape(n, n->in[0], index, dims, x->rank + 1, error))
    return FALSE;
  QfTensor *equal[] = {index, typed}, *select[] = {hot, n->in[2], n->in[3]};
  return qf_tfl_add_node(n, qf_tfl_new_node(n, "ElementWiseEqual", equal, 2, &hot, 1), error) &&
         qf_tfl_add_node(n, qf_tfl_new_node(n, "ElementWiseSelect", select, 3, n->out, 1), error);
}

const QfTflRow qf_tfl_gather_rows[] = {
    {36, "GATHER", map_gather, 2, 2, 1, NULL, NULL},
    {107, "GATHER_ND", map_gather_nd, 2, 2, 1, NULL, NULL},
    {122, "SCATTER_ND", map_scatter_nd, 3, 3, 1, NULL, NULL},
    {85, "ONE_HOT", map_one_hot, 4, 4, 1, NULL, NULL},
    {0},
};
