/* SPDX-License-Identifier: MIT */
/*
 * sequence.c - what ReverseSequence and Col2Im mean. Numbers: kernels/gather.
 */
#include "list.h"
#include "infer.h"

#define REVERSE(member) offsetof(QfReverseAttrs, member)
#define COL2IM(member) offsetof(QfCol2ImAttrs, member)

static const QfAttrDef reverse_attrs[] = {
    {"time_axis", QF_ATTR_AXIS, REVERSE(time_axis), 1, 0, NULL},
    {"batch_axis", QF_ATTR_AXIS, REVERSE(batch_axis), 1, 1, NULL},
    {NULL},
};

static const QfAttrDef col2im_attrs[] = {
    {"image_shape", QF_ATTR_INTS, COL2IM(image), 1, 0, NULL},
    {"block_shape", QF_ATTR_INTS, COL2IM(block), 1, 0, NULL},
    {"dilations", QF_ATTR_INTS, COL2IM(dilation), 1, 0, NULL},
    {"strides", QF_ATTR_INTS, COL2IM(stride), 1, 0, NULL},
    {"pad_before", QF_ATTR_INTS, COL2IM(pad_before), 1, 0, NULL},
    {"pad_after", QF_ATTR_INTS, COL2IM(pad_after), 1, 0, NULL},
    {NULL},
};

static gboolean infer_reverse(QfNode *node, GError **error)
{
  const QfReverseAttrs *a = node->attrs;
  if (!qf_infer_begin(node, error) || !qf_infer_rank(node, 0, 2, QF_MAX_RANK, error) ||
      !qf_infer_index_type(node, 1, error))
    return FALSE;
  const QfTensor *x = node->inputs[0], *lengths = node->inputs[1];
  if (!qf_infer_axis(a->time_axis, x->rank, error) || !qf_infer_axis(a->batch_axis, x->rank, error))
    return FALSE;
  if (a->time_axis == a->batch_axis || lengths->rank != 1 || lengths->dims[0] != x->dims[a->batch_axis])
    return qf_infer_fail(error, QF_ERROR_SHAPE,
                         "the lengths (%s) must be one for each of the %" G_GINT64_FORMAT
                         " indices of axis %d, which may not be the axis of time",
                         lengths->name, x->dims[a->batch_axis], a->batch_axis);
  return qf_infer_like(node, 0, x, error);
}

/* Windows that fit along dimension @i. */
static gboolean count_columns(const QfCol2ImAttrs *a, int i, int64_t *columns, GError **error)
{
  const QfInts *const lists[] = {&a->image, &a->block, &a->dilation, &a->stride};
  for (int k = 0; k < 4; k++)
    if (lists[k]->n != a->image.n || lists[k]->v[i] < 1 || lists[k]->v[i] > INT32_MAX)
      return qf_infer_fail(error, QF_ERROR_SHAPE,
                           "an image, block, dilation or stride is missing or not positive");
  if (a->pad_before.n != a->image.n || a->pad_after.n != a->image.n || a->pad_before.v[i] < 0 ||
      a->pad_after.v[i] < 0)
    return qf_infer_fail(error, QF_ERROR_SHAPE, "the padding is missing or negative");
  return qf_infer_window("image", a->image.v[i], a->block.v[i], (int32_t)a->stride.v[i],
                         (int32_t)a->dilation.v[i], (int32_t)MIN(a->pad_before.v[i], INT32_MAX),
                         (int32_t)MIN(a->pad_after.v[i], INT32_MAX), columns, error);
}

static gboolean infer_col2im(QfNode *node, GError **error)
{
  const QfCol2ImAttrs *a = node->attrs;
  if (!qf_infer_begin(node, error) || !qf_infer_rank(node, 0, 3, 3, error))
    return FALSE;
  const QfTensor *x = node->inputs[0];
  int64_t dims[QF_MAX_RANK], columns[QF_MAX_RANK];
  if (a->image.n < 1 || a->image.n > QF_MAX_RANK - 2)
    return qf_infer_fail(error, QF_ERROR_SHAPE, "an image of %d dimensions is not possible", a->image.n);
  for (int i = 0; i < a->image.n; i++) {
    if (!count_columns(a, i, &columns[i], error))
      return FALSE;
    dims[2 + i] = a->image.v[i];
  }
  const int64_t block = qf_dims_count(a->block.v, a->block.n), all = qf_dims_count(columns, a->image.n);
  if (block < 1 || x->dims[1] % block || x->dims[2] != all || (!x->enc.count && !qf_dtype_is_float(x->dtype)))
    return qf_infer_fail(error, QF_ERROR_SHAPE,
                         "its input (%s) must be real numbers, a multiple of %" G_GINT64_FORMAT
                         " channels and %" G_GINT64_FORMAT " columns",
                         x->name, block, all);
  dims[0] = x->dims[0];
  dims[1] = x->dims[1] / block;
  return qf_infer_set(node, 0, x->dtype, dims, 2 + a->image.n, error);
}

/* Each column is placed anew for each element of its block. */
static uint64_t col2im_macs(const QfNode *node)
{
  return qf_infer_product((uint64_t)qf_tensor_count(node->inputs[0]), 8);
}

const QfOpDef qf_op_ReverseSequence = {
    .name = "ReverseSequence",
    .summary = "the first lengths[b] steps of time in reverse, for each index b of the batch",
    .min_inputs = 2,
    .max_inputs = 2,
    .min_outputs = 1,
    .max_outputs = 1,
    .attrs_size = sizeof(QfReverseAttrs),
    .attrs = reverse_attrs,
    .move = QF_MOVE_FIXED,
    .quant = QF_QUANT_SAME,
    .infer = infer_reverse,
};

const QfOpDef qf_op_Col2Im = {
    .name = "Col2Im",
    .summary = "columns of windows added up to the image they cover",
    .min_inputs = 1,
    .max_inputs = 1,
    .min_outputs = 1,
    .max_outputs = 1,
    .attrs_size = sizeof(QfCol2ImAttrs),
    .attrs = col2im_attrs,
    .move = QF_MOVE_FIXED,
    .quant = QF_QUANT_ANY,
    .infer = infer_col2im,
    .macs = col2im_macs,
};
