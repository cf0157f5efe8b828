/* SPDX-License-Identifier: MIT */
/*
 * slice.c - what the operators mean that cut tensors up, join them and add or take away borders. Numbers: kernels/copy.
 */
#include "list.h"
#include "infer.h"

static const QfAttrDef concat_attrs[] = {
    {"axis", QF_ATTR_AXIS, offsetof(QfConcatAttrs, axis), 1, 0, NULL},
    {NULL},
};
static const QfAttrDef split_attrs[] = {
    {"axis", QF_ATTR_AXIS, offsetof(QfConcatAttrs, axis), 1, 0, NULL},
    {"sizes", QF_ATTR_INTS, offsetof(QfConcatAttrs, sizes), 1, 0, NULL},
    {NULL},
};
static const QfAttrDef slice_attrs[] = {
    {"begin", QF_ATTR_PER_AXIS, offsetof(QfStridedSliceAttrs, begin), 1, 0, NULL},
    {"end", QF_ATTR_PER_AXIS, offsetof(QfStridedSliceAttrs, end), 1, 0, NULL},
    {"stride", QF_ATTR_PER_AXIS, offsetof(QfStridedSliceAttrs, stride), 1, 0, NULL},
    {NULL},
};
static const char *const scheme_names[] = {"constant", "reflect", "symmetric", "edge", NULL};
static const QfAttrDef pad_attrs[] = {
    {"before", QF_ATTR_PER_AXIS, offsetof(QfPadAttrs, before), 1, 0, NULL},
    {"after", QF_ATTR_PER_AXIS, offsetof(QfPadAttrs, after), 1, 0, NULL},
    {"scheme", QF_ATTR_ENUM, offsetof(QfPadAttrs, scheme), 1, QF_PAD_CONSTANT, scheme_names},
    {"pad_constant_value", QF_ATTR_FLOAT, offsetof(QfPadAttrs, value), 1, 0, NULL},
    {NULL},
};

/* Input @index has the dimensions of input 0, but along @axis (-1: everywhere). */
static gboolean check_same_dims(const QfNode *node, uint32_t index, int32_t axis, GError **error)
{
  const QfTensor *x = node->inputs[0], *t = node->inputs[index];
  gboolean same = t->rank == x->rank;
  for (int32_t i = 0; same && i < x->rank; i++)
    same = i == axis || t->dims[i] == x->dims[i];
  if (same)
    return qf_infer_same_type(node, 0, index, error);
  g_autofree char *s0 = qf_dims_to_string(x->dims, x->rank);
  g_autofree char *s1 = qf_dims_to_string(t->dims, t->rank);
  return qf_infer_fail(error, QF_ERROR_SHAPE,
                       "input %u (%s) is %s, input 0 is %s: all dimensions must be equal%s", index, t->name,
                       s1, s0, axis >= 0 ? " except along the axis" : "");
}

static gboolean inputs_present(const QfNode *node, GError **error)
{
  for (uint32_t i = 0; i < node->n_inputs; i++)
    if (!node->inputs[i])
      return qf_infer_fail(error, QF_ERROR_FORMAT, "input %u is absent: fix the model", i);
  return TRUE;
}

static gboolean infer_concat(QfNode *node, GError **error)
{
  const QfConcatAttrs *a = node->attrs;
  if (!qf_infer_begin(node, error) || !inputs_present(node, error) ||
      !qf_infer_axis(a->axis, node->inputs[0]->rank, error))
    return FALSE;
  const QfTensor *x = node->inputs[0];
  int64_t dims[QF_MAX_RANK], sum = 0;
  for (uint32_t i = 0; i < node->n_inputs; i++) {
    if (!check_same_dims(node, i, a->axis, error))
      return FALSE;
    if (__builtin_add_overflow(sum, node->inputs[i]->dims[a->axis], &sum))
      return qf_infer_fail(error, QF_ERROR_LIMIT, "the sum of the sizes along axis %d is too large", a->axis);
  }
  for (int32_t i = 0; i < x->rank; i++)
    dims[i] = i == a->axis ? sum : x->dims[i];
  return qf_infer_set(node, 0, x->dtype, dims, x->rank, error);
}

static gboolean check_split(const QfNode *node, int64_t dim, GError **error)
{
  const QfConcatAttrs *a = node->attrs;
  int64_t sum = 0;
  gboolean fits = a->sizes.n >= 0 && a->sizes.n <= QF_MAX_RANK;
  if (fits && !a->sizes.n)
    fits = dim % node->n_outputs == 0;
  else if (fits) {
    fits = (uint32_t)a->sizes.n == node->n_outputs;
    for (int32_t i = 0; fits && i < a->sizes.n; i++)
      fits = a->sizes.v[i] >= 0 && !__builtin_add_overflow(sum, a->sizes.v[i], &sum);
    fits = fits && sum == dim;
  }
  return fits || qf_infer_fail(error, QF_ERROR_SHAPE,
                               "%" G_GINT64_FORMAT " along axis %d do not split into the %u outputs: sizes "
                               "must be given for each and sum to it, or be equal",
                               dim, a->axis, node->n_outputs);
}

static gboolean infer_split(QfNode *node, GError **error)
{
  const QfConcatAttrs *a = node->attrs;
  if (!qf_infer_begin(node, error) || !qf_infer_axis(a->axis, node->inputs[0]->rank, error))
    return FALSE;
  const QfTensor *x = node->inputs[0];
  int64_t dims[QF_MAX_RANK], dim = x->dims[a->axis];
  if (!check_split(node, dim, error))
    return FALSE;
  for (int32_t i = 0; i < x->rank; i++)
    dims[i] = x->dims[i];
  for (uint32_t i = 0; i < node->n_outputs; i++) {
    dims[a->axis] = a->sizes.n ? a->sizes.v[i] : dim / node->n_outputs;
    if (!qf_infer_set(node, i, x->dtype, dims, x->rank, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean infer_pack(QfNode *node, GError **error)
{
  const QfConcatAttrs *a = node->attrs;
  if (!qf_infer_begin(node, error) || !inputs_present(node, error))
    return FALSE;
  const QfTensor *x = node->inputs[0];
  if (x->rank >= QF_MAX_RANK || !qf_infer_axis(a->axis, x->rank + 1, error))
    return x->rank < QF_MAX_RANK ? FALSE
                                 : qf_infer_fail(error, QF_ERROR_SHAPE, "rank %d cannot grow", x->rank);
  int64_t dims[QF_MAX_RANK];
  for (uint32_t i = 0; i < node->n_inputs; i++)
    if (!check_same_dims(node, i, -1, error))
      return FALSE;
  for (int32_t i = 0; i <= x->rank; i++)
    dims[i] = i == a->axis ? node->n_inputs : x->dims[i - (i > a->axis)];
  return qf_infer_set(node, 0, x->dtype, dims, x->rank + 1, error);
}

static gboolean infer_unpack(QfNode *node, GError **error)
{
  const QfConcatAttrs *a = node->attrs;
  if (!qf_infer_begin(node, error) || !qf_infer_axis(a->axis, node->inputs[0]->rank, error))
    return FALSE;
  const QfTensor *x = node->inputs[0];
  int64_t dims[QF_MAX_RANK];
  if (x->dims[a->axis] != node->n_outputs)
    return qf_infer_fail(error, QF_ERROR_SHAPE,
                         "%" G_GINT64_FORMAT " along axis %d do not unpack into %u outputs", x->dims[a->axis],
                         a->axis, node->n_outputs);
  for (int32_t i = 0; i + 1 < x->rank; i++)
    dims[i] = x->dims[i + (i >= a->axis)];
  for (uint32_t i = 0; i < node->n_outputs; i++)
    if (!qf_infer_set(node, i, x->dtype, dims, x->rank - 1, error))
      return FALSE;
  return TRUE;
}

/* Elements from begin to end by stride; -1 when that is not a valid range within @dim. */
static int64_t slice_count(int64_t begin, int64_t end, int64_t stride, int64_t dim)
{
  if (stride > 0 && begin >= 0 && begin <= dim && end >= 0 && end <= dim)
    return end > begin ? (end - begin - 1) / stride + 1 : 0;
  if (stride < 0 && stride > INT64_MIN && begin >= -1 && begin < dim && end >= -1 && end < dim)
    return begin > end ? (begin - end - 1) / -stride + 1 : 0;
  return -1;
}

static gboolean infer_slice(QfNode *node, GError **error)
{
  const QfStridedSliceAttrs *a = node->attrs;
  if (!qf_infer_begin(node, error))
    return FALSE;
  const QfTensor *x = node->inputs[0];
  int64_t dims[QF_MAX_RANK];
  if (!qf_infer_per_axis("begin", &a->begin, x->rank, error) ||
      !qf_infer_per_axis("end", &a->end, x->rank, error) ||
      !qf_infer_per_axis("stride", &a->stride, x->rank, error))
    return FALSE;
  for (int32_t i = 0; i < x->rank; i++) {
    dims[i] = slice_count(a->begin.v[i], a->end.v[i], a->stride.v[i], x->dims[i]);
    if (dims[i] < 0)
      return qf_infer_fail(error, QF_ERROR_SHAPE,
                           "along dimension %d of size %" G_GINT64_FORMAT ", %" G_GINT64_FORMAT
                           " to %" G_GINT64_FORMAT " by %" G_GINT64_FORMAT " is not a range within it",
                           i, x->dims[i], a->begin.v[i], a->end.v[i], a->stride.v[i]);
  }
  return qf_infer_set(node, 0, x->dtype, dims, x->rank, error);
}

/* How far a mirror can reach: reflection leaves the border pixel out. */
static gboolean check_mirror(int32_t scheme, int64_t dim, int64_t before, int64_t after)
{
  if (scheme == QF_PAD_CONSTANT || (before <= 0 && after <= 0))
    return TRUE;
  if (scheme == QF_PAD_EDGE)
    return dim > 0;
  int64_t reach = scheme == QF_PAD_REFLECT ? dim - 1 : dim;
  return before <= reach && after <= reach;
}

static gboolean infer_pad(QfNode *node, GError **error)
{
  const QfPadAttrs *a = node->attrs;
  if (!qf_infer_begin(node, error))
    return FALSE;
  const QfTensor *x = node->inputs[0];
  const int64_t limit = (int64_t)1 << 40;
  int64_t dims[QF_MAX_RANK];
  if (!qf_infer_per_axis("before", &a->before, x->rank, error) ||
      !qf_infer_per_axis("after", &a->after, x->rank, error))
    return FALSE;
  if (a->scheme < QF_PAD_CONSTANT || a->scheme > QF_PAD_EDGE)
    return qf_infer_fail(error, QF_ERROR_FORMAT, "padding scheme %d is not known", a->scheme);
  for (int32_t i = 0; i < x->rank; i++) {
    int64_t b = a->before.v[i], e = a->after.v[i];
    gboolean fits = b > -limit && b < limit && e > -limit && e < limit && x->dims[i] < limit &&
                    check_mirror(a->scheme, x->dims[i], b, e);
    dims[i] = fits ? x->dims[i] + b + e : -1;
    if (dims[i] < 0 || -b > x->dims[i] || -e > x->dims[i])
      return qf_infer_fail(error, QF_ERROR_SHAPE,
                           "dimension %d of size %" G_GINT64_FORMAT " cannot be padded by %" G_GINT64_FORMAT
                           " and %" G_GINT64_FORMAT " (%s)",
                           i, x->dims[i], b, e, scheme_names[a->scheme]);
  }
  return qf_infer_set(node, 0, x->dtype, dims, x->rank, error);
}

#define SLICE_OP(Name, text, inputs, outputs, infer_fn, attrs_t, table, rule_move, rule_quant)               \
  const QfOpDef qf_op_##Name = {                                                                             \
      .name = #Name,                                                                                         \
      .summary = text,                                                                                       \
      .min_inputs = 1,                                                                                       \
      .max_inputs = inputs,                                                                                  \
      .min_outputs = 1,                                                                                      \
      .max_outputs = outputs,                                                                                \
      .attrs_size = sizeof(attrs_t),                                                                         \
      .attrs = table,                                                                                        \
      .move = rule_move,                                                                                     \
      .quant = rule_quant,                                                                                   \
      .infer = infer_fn,                                                                                     \
  };

SLICE_OP(Concat, "inputs one after the other along axis", -1, 1, infer_concat, QfConcatAttrs, concat_attrs,
         QF_MOVE_AXES, QF_QUANT_ANY)
SLICE_OP(Split, "x cut into parts along axis", 1, -1, infer_split, QfConcatAttrs, split_attrs, QF_MOVE_AXES,
         QF_QUANT_SAME)
SLICE_OP(Pack, "inputs one after the other along a new axis", -1, 1, infer_pack, QfConcatAttrs, concat_attrs,
         QF_MOVE_FIXED, QF_QUANT_ANY)
SLICE_OP(Unpack, "x cut into single parts, without the axis", 1, -1, infer_unpack, QfConcatAttrs,
         concat_attrs, QF_MOVE_FIXED, QF_QUANT_SAME)
SLICE_OP(StridedSlice, "x from begin to end by stride", 1, 1, infer_slice, QfStridedSliceAttrs, slice_attrs,
         QF_MOVE_AXES, QF_QUANT_SAME)
SLICE_OP(Pad, "x with a border on each dimension", 1, 1, infer_pad, QfPadAttrs, pad_attrs, QF_MOVE_AXES,
         QF_QUANT_SAME)
