/* SPDX-License-Identifier: MIT */
/*
 * reduce.c - what the operators mean that run along axes: reductions, arg min and max, cumulative sum, top k.
 * Numbers: kernels/reduce.
 */
#include "list.h"
#include "infer.h"

static const QfAttrDef reduce_attrs[] = {
    {"axes", QF_ATTR_AXES, offsetof(QfReduceAttrs, axes), 1, 0, NULL},
    {"keep_dims", QF_ATTR_BOOL, offsetof(QfReduceAttrs, keep_dims), 1, 0, NULL},
    {NULL},
};

static const QfAttrDef arg_attrs[] = {
    {"axis", QF_ATTR_AXIS, offsetof(QfAxisAttrs, axis), 1, 0, NULL},
    {"keep_dims", QF_ATTR_BOOL, offsetof(QfAxisAttrs, keep_dims), 1, 0, NULL},
    {"dtype", QF_ATTR_DTYPE, offsetof(QfAxisAttrs, dtype), 1, QF_DTYPE_INT32, NULL},
    {"select_last_index", QF_ATTR_BOOL, offsetof(QfAxisAttrs, last), 1, 0, NULL},
    {NULL},
};

static const QfAttrDef cumsum_attrs[] = {
    {"axis", QF_ATTR_AXIS, offsetof(QfAxisAttrs, axis), 1, 0, NULL},
    {"exclusive", QF_ATTR_BOOL, offsetof(QfAxisAttrs, exclusive), 1, 0, NULL},
    {"reverse", QF_ATTR_BOOL, offsetof(QfAxisAttrs, reverse), 1, 0, NULL},
    {NULL},
};

static const QfAttrDef topk_attrs[] = {
    {"axis", QF_ATTR_AXIS, offsetof(QfTopKAttrs, axis), 1, 0, NULL},
    {"k", QF_ATTR_INT, offsetof(QfTopKAttrs, k), 1, 1, NULL},
    {"largest", QF_ATTR_BOOL, offsetof(QfTopKAttrs, largest), 1, 1, NULL},
    {"sorted", QF_ATTR_BOOL, offsetof(QfTopKAttrs, sorted), 1, 1, NULL},
    {NULL},
};

/* Drops the dimensions of @mask, or makes them 1. */
static gboolean set_reduced(QfNode *node, QfDType dtype, uint32_t mask, gboolean keep, GError **error)
{
  const QfTensor *x = node->inputs[0];
  int64_t dims[QF_MAX_RANK];
  int32_t rank = 0;
  for (int32_t i = 0; i < x->rank; i++)
    if (!(mask >> i & 1))
      dims[rank++] = x->dims[i];
    else if (keep)
      dims[rank++] = 1;
  return qf_infer_set(node, 0, dtype, dims, rank, error);
}

static gboolean infer_reduce(QfNode *node, GError **error)
{
  const QfReduceAttrs *a = node->attrs;
  uint32_t mask;
  if (!qf_infer_begin(node, error) || !qf_infer_axes(&a->axes, node->inputs[0]->rank, &mask, error))
    return FALSE;
  return set_reduced(node, node->inputs[0]->dtype, mask, a->keep_dims, error);
}

static gboolean infer_arg(QfNode *node, GError **error)
{
  const QfAxisAttrs *a = node->attrs;
  if (!qf_infer_begin(node, error) || !qf_infer_axis(a->axis, node->inputs[0]->rank, error))
    return FALSE;
  if (a->dtype != QF_DTYPE_INT32 && a->dtype != QF_DTYPE_INT64)
    return qf_infer_fail(error, QF_ERROR_TYPE, "the index can be int32 or int64, not %s",
                         qf_dtype_name(a->dtype));
  if (!node->inputs[0]->dims[a->axis])
    return qf_infer_fail(error, QF_ERROR_SHAPE, "there is no element along axis %d to choose from", a->axis);
  return set_reduced(node, a->dtype, 1u << a->axis, a->keep_dims, error);
}

static gboolean infer_cumsum(QfNode *node, GError **error)
{
  const QfAxisAttrs *a = node->attrs;
  return qf_infer_begin(node, error) && qf_infer_axis(a->axis, node->inputs[0]->rank, error) &&
         qf_infer_like(node, 0, node->inputs[0], error);
}

static gboolean infer_topk(QfNode *node, GError **error)
{
  const QfTopKAttrs *a = node->attrs;
  if (!qf_infer_begin(node, error) || !qf_infer_axis(a->axis, node->inputs[0]->rank, error))
    return FALSE;
  const QfTensor *x = node->inputs[0];
  int64_t dims[QF_MAX_RANK];
  if (a->k < 0 || a->k > x->dims[a->axis])
    return qf_infer_fail(error, QF_ERROR_SHAPE, "k is %d, but there are %" G_GINT64_FORMAT " along axis %d",
                         a->k, x->dims[a->axis], a->axis);
  for (int32_t i = 0; i < x->rank; i++)
    dims[i] = i == a->axis ? a->k : x->dims[i];
  QfDType index =
      node->outputs[1]->dtype == QF_DTYPE_INT64 ? QF_DTYPE_INT64 : QF_DTYPE_INT32; /* as it wants */
  return qf_infer_set(node, 0, x->dtype, dims, x->rank, error) &&
         qf_infer_set(node, 1, index, dims, x->rank, error);
}

#define REDUCE(Name, text, infer_fn, attrs_t, table, outputs, rule)                                          \
  const QfOpDef qf_op_##Name = {                                                                             \
      .name = #Name,                                                                                         \
      .summary = text,                                                                                       \
      .min_inputs = 1,                                                                                       \
      .max_inputs = 1,                                                                                       \
      .min_outputs = outputs,                                                                                \
      .max_outputs = outputs,                                                                                \
      .attrs_size = sizeof(attrs_t),                                                                         \
      .attrs = table,                                                                                        \
      .move = QF_MOVE_AXES,                                                                                  \
      .quant = rule,                                                                                         \
      .infer = infer_fn,                                                                                     \
  };

REDUCE(ReduceMean, "y = mean over axes", infer_reduce, QfReduceAttrs, reduce_attrs, 1, QF_QUANT_ANY)
REDUCE(ReduceSum, "y = sum over axes", infer_reduce, QfReduceAttrs, reduce_attrs, 1, QF_QUANT_ANY)
REDUCE(ReduceMax, "y = largest over axes", infer_reduce, QfReduceAttrs, reduce_attrs, 1, QF_QUANT_ANY)
REDUCE(ReduceMin, "y = smallest over axes", infer_reduce, QfReduceAttrs, reduce_attrs, 1, QF_QUANT_ANY)
REDUCE(ReduceProd, "y = product over axes", infer_reduce, QfReduceAttrs, reduce_attrs, 1, QF_QUANT_ANY)
REDUCE(ReduceSumSquare, "y = sum of squares over axes", infer_reduce, QfReduceAttrs, reduce_attrs, 1,
       QF_QUANT_ANY)
REDUCE(ReduceL2, "y = root of the sum of squares over axes", infer_reduce, QfReduceAttrs, reduce_attrs, 1,
       QF_QUANT_ANY)
REDUCE(Argmax, "y = index of the largest along axis", infer_arg, QfAxisAttrs, arg_attrs, 1, QF_QUANT_NONE)
REDUCE(Argmin, "y = index of the smallest along axis", infer_arg, QfAxisAttrs, arg_attrs, 1, QF_QUANT_NONE)
REDUCE(CumulativeSum, "y[i] = sum of x[0..i] along axis", infer_cumsum, QfAxisAttrs, cumsum_attrs, 1,
       QF_QUANT_ANY)
REDUCE(CumProd, "y[i] = product of x[0..i] along axis", infer_cumsum, QfAxisAttrs, cumsum_attrs, 1,
       QF_QUANT_ANY)
REDUCE(TopK, "the k largest (or smallest) along axis, and their indices", infer_topk, QfTopKAttrs, topk_attrs,
       2, QF_QUANT_NONE)
