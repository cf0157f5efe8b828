/* SPDX-License-Identifier: MIT */
/*
 * gather.c - what the operators mean that read or write at indices. Negative indices count from the end. Indices that are
 * constant are checked here; at run time one that is out of range reads zero and writes nothing. Numbers: kernels/gather.
 */
#include "list.h"
#include "infer.h"

#define GATHER(member) offsetof(QfGatherAttrs, member)

static const char *const reduction_names[] = {"none", "add", "mul", "max", "min", NULL};
static const QfAttrDef gather_attrs[] = {
    {"axis", QF_ATTR_AXIS, GATHER(axis), 1, 0, NULL},
    {"batch_dims", QF_ATTR_INT, GATHER(batch_dims), 1, 0, NULL},
    {NULL},
};
static const QfAttrDef elements_attrs[] = {
    {"axis", QF_ATTR_AXIS, GATHER(axis), 1, 0, NULL},
    {NULL},
};
static const QfAttrDef nd_attrs[] = {
    {"batch_dims", QF_ATTR_INT, GATHER(batch_dims), 1, 0, NULL},
    {NULL},
};
static const QfAttrDef scatter_attrs[] = {
    {"axis", QF_ATTR_AXIS, GATHER(axis), 1, 0, NULL},
    {"reduction", QF_ATTR_ENUM, GATHER(reduction), 1, 0, reduction_names},
    {NULL},
};
static const QfAttrDef scatter_nd_attrs[] = {
    {"reduction", QF_ATTR_ENUM, GATHER(reduction), 1, 0, reduction_names},
    {NULL},
};

/* Constant indices lie within @limits, which repeat every @period values. */
static gboolean check_indices(const QfTensor *indices, const int64_t *limits, int64_t period, GError **error)
{
  const void *data = qf_tensor_data(indices);
  int64_t n = data ? qf_tensor_count(indices) : 0;
  for (int64_t i = 0; i < n; i++) {
    int64_t v = indices->dtype == QF_DTYPE_INT64 ? ((const int64_t *)data)[i] : ((const int32_t *)data)[i];
    int64_t limit = limits[i % period];
    if (v < -limit || v >= limit)
      return qf_infer_fail(error, QF_ERROR_SHAPE,
                           "index %" G_GINT64_FORMAT " is outside a dimension of %" G_GINT64_FORMAT, v,
                           limit);
  }
  return TRUE;
}

static gboolean check_batch(const QfNode *node, int32_t batch, int32_t limit, GError **error)
{
  const QfTensor *x = node->inputs[0], *indices = node->inputs[1];
  gboolean fits = batch >= 0 && batch <= limit && batch <= x->rank && batch <= indices->rank;
  for (int32_t i = 0; fits && i < batch; i++)
    fits = x->dims[i] == indices->dims[i];
  return fits || qf_infer_fail(error, QF_ERROR_SHAPE,
                               "batch_dims %d does not fit: at most %d leading dimensions, which data and "
                               "indices share",
                               batch, limit);
}

static gboolean infer_gather(QfNode *node, GError **error)
{
  const QfGatherAttrs *a = node->attrs;
  if (!qf_infer_begin(node, error) || !qf_infer_index_type(node, 1, error))
    return FALSE;
  const QfTensor *x = node->inputs[0], *indices = node->inputs[1];
  if (!qf_infer_axis(a->axis, x->rank, error) || !check_batch(node, a->batch_dims, a->axis, error) ||
      !check_indices(indices, &x->dims[a->axis], 1, error))
    return FALSE;
  int64_t dims[2 * QF_MAX_RANK];
  int32_t rank = 0;
  for (int32_t i = 0; i < a->axis; i++)
    dims[rank++] = x->dims[i];
  for (int32_t i = a->batch_dims; i < indices->rank; i++)
    dims[rank++] = indices->dims[i];
  for (int32_t i = a->axis + 1; i < x->rank; i++)
    dims[rank++] = x->dims[i];
  return qf_infer_set(node, 0, x->dtype, dims, rank, error);
}

/* Dimensions of the indices may not exceed the data's, but along axis. */
static gboolean check_elements(const QfNode *node, int32_t axis, GError **error)
{
  const QfTensor *x = node->inputs[0], *indices = node->inputs[1];
  if (!qf_infer_index_type(node, 1, error) || !qf_infer_axis(axis, x->rank, error))
    return FALSE;
  gboolean fits = indices->rank == x->rank;
  for (int32_t i = 0; fits && i < x->rank; i++)
    fits = i == axis || indices->dims[i] <= x->dims[i];
  if (fits)
    return check_indices(indices, &x->dims[axis], 1, error);
  g_autofree char *s0 = qf_dims_to_string(x->dims, x->rank);
  g_autofree char *s1 = qf_dims_to_string(indices->dims, indices->rank);
  return qf_infer_fail(error, QF_ERROR_SHAPE,
                       "indices of %s do not lie within data of %s: ranks must be equal, and no dimension "
                       "larger except axis %d",
                       s1, s0, axis);
}

static gboolean infer_gather_elements(QfNode *node, GError **error)
{
  const QfGatherAttrs *a = node->attrs;
  return qf_infer_begin(node, error) && check_elements(node, a->axis, error) &&
         qf_infer_set(node, 0, node->inputs[0]->dtype, node->inputs[1]->dims, node->inputs[1]->rank, error);
}

static gboolean same_dims(const QfTensor *a, const int64_t *dims, int32_t rank)
{
  gboolean same = a->rank == rank;
  for (int32_t i = 0; same && i < rank; i++)
    same = a->dims[i] == dims[i];
  return same;
}

static gboolean check_reduction(int32_t reduction, GError **error)
{
  return (reduction >= 0 && reduction < (int32_t)G_N_ELEMENTS(reduction_names) - 1) ||
         qf_infer_fail(error, QF_ERROR_FORMAT, "reduction %d is not known", reduction);
}

static gboolean infer_scatter_elements(QfNode *node, GError **error)
{
  const QfGatherAttrs *a = node->attrs;
  if (!qf_infer_begin(node, error) || !check_elements(node, a->axis, error) ||
      !check_reduction(a->reduction, error) || !qf_infer_same_type(node, 0, 2, error))
    return FALSE;
  const QfTensor *indices = node->inputs[1];
  if (!same_dims(node->inputs[2], indices->dims, indices->rank))
    return qf_infer_fail(error, QF_ERROR_SHAPE, "updates (%s) must have the shape of the indices",
                         node->inputs[2]->name);
  return qf_infer_like(node, 0, node->inputs[0], error);
}

/* Index tuples address data from dimension @batch on: shape of what they read. */
static gboolean nd_shape(const QfNode *node, int32_t batch, int64_t *dims, int32_t *rank, GError **error)
{
  const QfTensor *x = node->inputs[0], *indices = node->inputs[1];
  if (!qf_infer_index_type(node, 1, error) || !qf_infer_rank(node, 1, 1, QF_MAX_RANK, error) ||
      !check_batch(node, batch, indices->rank - 1, error))
    return FALSE;
  int64_t tuple = indices->dims[indices->rank - 1];
  if (tuple < 1 || tuple > x->rank - batch)
    return qf_infer_fail(error, QF_ERROR_SHAPE,
                         "index tuples of %" G_GINT64_FORMAT " do not address data of rank %d with %d batch "
                         "dimensions",
                         tuple, x->rank, batch);
  *rank = 0;
  for (int32_t i = 0; i < indices->rank - 1; i++)
    dims[(*rank)++] = indices->dims[i];
  for (int32_t i = batch + (int32_t)tuple; i < x->rank; i++)
    dims[(*rank)++] = x->dims[i];
  return check_indices(indices, &x->dims[batch], tuple, error);
}

static gboolean infer_gather_nd(QfNode *node, GError **error)
{
  const QfGatherAttrs *a = node->attrs;
  int64_t dims[2 * QF_MAX_RANK];
  int32_t rank;
  return qf_infer_begin(node, error) && nd_shape(node, a->batch_dims, dims, &rank, error) &&
         qf_infer_set(node, 0, node->inputs[0]->dtype, dims, rank, error);
}

static gboolean infer_scatter_nd(QfNode *node, GError **error)
{
  const QfGatherAttrs *a = node->attrs;
  int64_t dims[2 * QF_MAX_RANK];
  int32_t rank;
  if (!qf_infer_begin(node, error) || !nd_shape(node, 0, dims, &rank, error) ||
      !check_reduction(a->reduction, error) || !qf_infer_same_type(node, 0, 2, error))
    return FALSE;
  if (!same_dims(node->inputs[2], dims, rank)) {
    g_autofree char *s = qf_dims_to_string(dims, MIN(rank, QF_MAX_RANK));
    return qf_infer_fail(error, QF_ERROR_SHAPE, "updates (%s) must be %s for these indices",
                         node->inputs[2]->name, s);
  }
  return qf_infer_like(node, 0, node->inputs[0], error);
}

#define GATHER_OP(Name, text, inputs, infer_fn, table)                                                       \
  const QfOpDef qf_op_##Name = {                                                                             \
      .name = #Name,                                                                                         \
      .summary = text,                                                                                       \
      .min_inputs = inputs,                                                                                  \
      .max_inputs = inputs,                                                                                  \
      .min_outputs = 1,                                                                                      \
      .max_outputs = 1,                                                                                      \
      .attrs_size = sizeof(QfGatherAttrs),                                                                   \
      .attrs = table,                                                                                        \
      .move = QF_MOVE_FIXED,                                                                                 \
      .quant = QF_QUANT_SAME,                                                                                \
      .infer = infer_fn,                                                                                     \
  };

GATHER_OP(Gather, "y[i.., j.., k..] = x[i.., indices[j..], k..]", 2, infer_gather, gather_attrs)
GATHER_OP(GatherElements, "y[i, j, k] = x[i, indices[i, j, k], k] for axis 1", 2, infer_gather_elements,
          elements_attrs)
GATHER_OP(GatherNd, "y[i..] = x[indices[i.., :]]", 2, infer_gather_nd, nd_attrs)
GATHER_OP(ScatterElements, "y = x; y[i, indices[i, j, k], k] = updates[i, j, k] for axis 1", 3,
          infer_scatter_elements, scatter_attrs)
GATHER_OP(ScatterNd, "y = x; y[indices[i.., :]] = updates[i..]", 3, infer_scatter_nd, scatter_nd_attrs)
