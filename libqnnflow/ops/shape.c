/* SPDX-License-Identifier: MIT */
/*
 * shape.c - what the operators mean that change dimensions or the order of values and compute nothing.
 * Cutting and joining are in slice.c. Numbers: kernels/copy and kernels/transpose.
 */
#include "list.h"
#include "infer.h"

static const QfAttrDef reshape_attrs[] = {
    {"shape", QF_ATTR_INTS, offsetof(QfReshapeAttrs, shape), 1, 0, NULL},
    {NULL},
};
static const QfAttrDef transpose_attrs[] = {
    {"perm", QF_ATTR_PERM, offsetof(QfTransposeAttrs, perm), 1, 0, NULL},
    {NULL},
};
static const QfAttrDef tile_attrs[] = {
    {"multiples", QF_ATTR_PER_AXIS, offsetof(QfTileAttrs, multiples), 1, 0, NULL},
    {NULL},
};
static const QfAttrDef broadcast_attrs[] = {
    {"shape", QF_ATTR_PER_AXIS, offsetof(QfTileAttrs, multiples), 1, 0, NULL},
    {NULL},
};

static gboolean bad_shape(const QfTensor *x, const QfInts *shape, GError **error)
{
  g_autofree char *from = qf_dims_to_string(x->dims, x->rank);
  g_autofree char *to = qf_dims_to_string(shape->v, CLAMP(shape->n, 0, QF_MAX_RANK));
  return qf_infer_fail(error, QF_ERROR_SHAPE,
                       "%s cannot become %s: the numbers of elements must be equal, and one dimension may be "
                       "open",
                       from, to);
}

static gboolean infer_reshape(QfNode *node, GError **error)
{
  const QfInts *shape = &((const QfReshapeAttrs *)node->attrs)->shape;
  if (!qf_infer_begin(node, error))
    return FALSE;
  const QfTensor *x = node->inputs[0];
  int64_t dims[QF_MAX_RANK] = {0}, known, count = qf_tensor_count(x);
  int32_t open = -1;
  if (shape->n < 0 || shape->n > QF_MAX_RANK)
    return bad_shape(x, shape, error);
  for (int32_t i = 0; i < shape->n; i++) {
    dims[i] = shape->v[i];
    if (dims[i] != -1)
      continue;
    if (open >= 0)
      return bad_shape(x, shape, error);
    open = i;
    dims[i] = 1;
  }
  known = qf_dims_count(dims, shape->n);
  if (open >= 0) {
    if (known <= 0 || count % known)
      return bad_shape(x, shape, error);
    dims[open] = count / known;
  } else if (known != count)
    return bad_shape(x, shape, error);
  return qf_infer_set(node, 0, x->dtype, dims, shape->n, error);
}

static gboolean infer_transpose(QfNode *node, GError **error)
{
  const QfInts *perm = &((const QfTransposeAttrs *)node->attrs)->perm;
  if (!qf_infer_begin(node, error) || !qf_infer_per_axis("perm", perm, node->inputs[0]->rank, error))
    return FALSE;
  const QfTensor *x = node->inputs[0];
  int64_t dims[QF_MAX_RANK];
  uint32_t seen = 0;
  for (int32_t i = 0; i < perm->n; i++) {
    int64_t p = perm->v[i];
    if (p < 0 || p >= x->rank || (seen >> p & 1))
      return qf_infer_fail(error, QF_ERROR_SHAPE,
                           "perm must name each of the %d dimensions once, but entry %d is %" G_GINT64_FORMAT,
                           x->rank, i, p);
    seen |= 1u << p;
    dims[i] = x->dims[p];
  }
  return qf_infer_set(node, 0, x->dtype, dims, x->rank, error);
}

static gboolean infer_shape(QfNode *node, GError **error)
{
  if (!qf_infer_begin(node, error))
    return FALSE;
  int64_t n = node->inputs[0]->rank;
  QfDType dtype = node->outputs[0]->dtype;
  if (dtype != QF_DTYPE_INVALID && dtype != QF_DTYPE_INT32 && dtype != QF_DTYPE_INT64)
    return qf_infer_fail(error, QF_ERROR_TYPE, "a shape can be int32 or int64, not %s", qf_dtype_name(dtype));
  return qf_infer_set(node, 0, QF_DTYPE_INT64, &n, 1, error);
}

static gboolean infer_tile(QfNode *node, GError **error)
{
  const QfInts *m = &((const QfTileAttrs *)node->attrs)->multiples;
  if (!qf_infer_begin(node, error) || !qf_infer_per_axis("multiples", m, node->inputs[0]->rank, error))
    return FALSE;
  const QfTensor *x = node->inputs[0];
  int64_t dims[QF_MAX_RANK];
  for (int32_t i = 0; i < m->n; i++)
    if (m->v[i] < 0 || __builtin_mul_overflow(x->dims[i], m->v[i], &dims[i]))
      return qf_infer_fail(error, QF_ERROR_SHAPE,
                           "%" G_GINT64_FORMAT " repetitions along dimension %d are not possible", m->v[i],
                           i);
  return qf_infer_set(node, 0, x->dtype, dims, x->rank, error);
}

static gboolean infer_broadcast_to(QfNode *node, GError **error)
{
  const QfInts *shape = &((const QfTileAttrs *)node->attrs)->multiples;
  if (!qf_infer_begin(node, error))
    return FALSE;
  const QfTensor *x = node->inputs[0];
  gboolean fits = shape->n >= x->rank && shape->n <= QF_MAX_RANK;
  for (int32_t i = 0; fits && i < shape->n; i++) {
    int32_t j = i - (shape->n - x->rank);
    fits = shape->v[i] >= 0 && (j < 0 || x->dims[j] == 1 || x->dims[j] == shape->v[i]);
  }
  if (!fits) {
    g_autofree char *from = qf_dims_to_string(x->dims, x->rank);
    g_autofree char *to = qf_dims_to_string(shape->v, CLAMP(shape->n, 0, QF_MAX_RANK));
    return qf_infer_fail(
        error, QF_ERROR_SHAPE,
        "%s does not broadcast to %s: dimensions, counted from the right, must be equal or 1", from, to);
  }
  return qf_infer_set(node, 0, x->dtype, shape->v, shape->n, error);
}

#define SHAPE_OP(Name, text, infer_fn, attrs_t, table, rule_move, rule_quant)                                \
  const QfOpDef qf_op_##Name = {                                                                             \
      .name = #Name,                                                                                         \
      .summary = text,                                                                                       \
      .min_inputs = 1,                                                                                       \
      .max_inputs = 1,                                                                                       \
      .min_outputs = 1,                                                                                      \
      .max_outputs = 1,                                                                                      \
      .attrs_size = sizeof(attrs_t),                                                                         \
      .attrs = table,                                                                                        \
      .move = rule_move,                                                                                     \
      .quant = rule_quant,                                                                                   \
      .infer = infer_fn,                                                                                     \
  };

SHAPE_OP(Reshape, "the same values in order, other dimensions", infer_reshape, QfReshapeAttrs, reshape_attrs,
         QF_MOVE_FIXED, QF_QUANT_SAME)
SHAPE_OP(Transpose, "dimension i of y is dimension perm[i] of x", infer_transpose, QfTransposeAttrs,
         transpose_attrs, QF_MOVE_FIXED, QF_QUANT_SAME)
SHAPE_OP(Tile, "x repeated along each dimension", infer_tile, QfTileAttrs, tile_attrs, QF_MOVE_AXES,
         QF_QUANT_SAME)
SHAPE_OP(BroadcastTo, "x repeated along dimensions of size 1", infer_broadcast_to, QfTileAttrs,
         broadcast_attrs, QF_MOVE_AXES, QF_QUANT_SAME)

const QfOpDef qf_op_Shape = {
    .name = "Shape",
    .summary = "the dimensions of x as integers",
    .min_inputs = 1,
    .max_inputs = 1,
    .min_outputs = 1,
    .max_outputs = 1,
    .move = QF_MOVE_FIXED,
    .quant = QF_QUANT_NONE,
    .infer = infer_shape,
    .shape_only = TRUE,
};
