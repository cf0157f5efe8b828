/* SPDX-License-Identifier: MIT */
/*
 * map_shape.c - operators that change shapes or put tensors together: reshape, transpose, concatenation, packing,
 * splitting, filling. What they take from constants has been computed by the time they are mapped.
 */
#include "map.h"

static gboolean get_option_ints(const QfTflNode *n, uint32_t field, QfInts *values, GError **error)
{
  QfFlatVector v = qf_flat_get_vector(&n->record->options, field, 4);
  values->n = (int32_t)MIN(v.count, QF_MAX_RANK);
  for (int32_t i = 0; i < values->n; i++)
    values->v[i] = qf_flat_at_int(&v, i, QF_FLAT_I32);
  return v.count <= QF_MAX_RANK ||
         qf_tfl_fail(n, error, QF_ERROR_FORMAT, "a list of %u dimensions; the file is damaged", v.count);
}

static gboolean map_reshape(QfTflNode *n, GError **error)
{
  QfInts shape;
  gboolean given = n->n_in > 1 && n->in[1];
  if (!(given ? qf_tfl_get_ints(n, 1, &shape, error)
              : get_option_ints(n, QF_TFL_RESHAPE_SHAPE, &shape, error)))
    return FALSE;
  if (qf_tfl_is_complex(n, 0) && shape.n < QF_MAX_RANK)
    shape.v[shape.n++] = 2;
  return qf_tfl_add_reshape(n, n->in[0], n->out[0], shape.v, shape.n, error);
}

/* Without a list every dimension of one goes. */
static gboolean map_squeeze(QfTflNode *n, GError **error)
{
  const QfTensor *x = n->in[0];
  QfInts drop, shape = {0};
  gboolean gone[QF_MAX_RANK] = {FALSE};
  if (!get_option_ints(n, QF_TFL_SQUEEZE_DIMS, &drop, error))
    return FALSE;
  for (int32_t i = 0; i < drop.n; i++) {
    int32_t axis;
    if (!qf_tfl_axis(n, drop.v[i], x->rank, &axis, error))
      return FALSE;
    gone[axis] = TRUE;
  }
  for (int32_t i = 0; i < x->rank; i++)
    if (drop.n ? !gone[i] : x->dims[i] != 1)
      shape.v[shape.n++] = x->dims[i];
  return qf_tfl_add_reshape(n, n->in[0], n->out[0], shape.v, shape.n, error);
}

static gboolean map_expand_dims(QfTflNode *n, GError **error)
{
  const QfTensor *x = n->in[0];
  QfInts shape = {0};
  int64_t value;
  int32_t axis;
  if (!qf_tfl_get_int(n, 1, &value, error) || !qf_tfl_axis(n, value, x->rank + 1, &axis, error))
    return FALSE;
  if (x->rank >= QF_MAX_RANK)
    return qf_tfl_fail(n, error, QF_ERROR_UNSUPPORTED, "more than %d dimensions", QF_MAX_RANK);
  for (int32_t i = 0; i <= x->rank; i++)
    shape.v[shape.n++] = i < axis ? x->dims[i] : i == axis ? 1 : x->dims[i - 1];
  return qf_tfl_add_reshape(n, n->in[0], n->out[0], shape.v, shape.n, error);
}

static gboolean map_transpose(QfTflNode *n, GError **error)
{
  QfNode *node = qf_tfl_new_node(n, "Transpose", n->in, 1, n->out, 1);
  return qf_tfl_get_ints(n, 1, &((QfTransposeAttrs *)node->attrs)->perm, error) &&
         qf_tfl_add_node(n, node, error);
}

/* The graph's operator gives int64. */
static gboolean map_shape(QfTflNode *n, GError **error)
{
  QfTensor *wide = qf_tfl_temp(n, "int64", NULL);
  QfDType dtype = n->out[0]->dtype;
  if (dtype == QF_DTYPE_INT64)
    return qf_tfl_add_unary(n, "Shape", n->in[0], n->out[0], error);
  return qf_tfl_add_unary(n, "Shape", n->in[0], wide, error) &&
         qf_tfl_add_cast(n, wide, n->out[0], dtype, error);
}

static gboolean map_rank(QfTflNode *n, GError **error)
{
  int64_t rank = n->in[0]->rank;
  QfTensor *wide = qf_tfl_const_ints(n, "int64", &rank, 1), *scalar = qf_tfl_temp(n, "scalar", NULL);
  return qf_tfl_add_reshape(n, wide, scalar, NULL, 0, error) &&
         qf_tfl_add_cast(n, scalar, n->out[0], n->out[0]->dtype, error);
}

static gboolean check_all_inputs(const QfTflNode *n, GError **error)
{
  for (uint32_t i = 0; i < n->n_in; i++)
    if (!n->in[i])
      return qf_tfl_fail(n, error, QF_ERROR_FORMAT, "input %u is missing; the file is damaged", i);
  return TRUE;
}

static gboolean map_concat(QfTflNode *n, GError **error)
{
  QfTensor *out = n->out[0];
  int32_t axis;
  if (!check_all_inputs(n, error) ||
      !qf_tfl_axis(n, qf_tfl_option(n, QF_TFL_CONCAT_AXIS, 0), n->in[0]->rank, &axis, error) ||
      !qf_tfl_split_activation(n, QF_TFL_CONCAT_ACTIVATION, &out, error))
    return FALSE;
  QfNode *node = qf_tfl_new_node(n, "Concat", n->in, n->n_in, &out, 1);
  ((QfConcatAttrs *)node->attrs)->axis = axis;
  return qf_tfl_add_node(n, node, error);
}

static gboolean map_pack(QfTflNode *n, GError **error)
{
  int32_t axis;
  if (!check_all_inputs(n, error) ||
      !qf_tfl_axis(n, qf_tfl_option(n, QF_TFL_PACK_AXIS, 0), n->in[0]->rank + 1, &axis, error))
    return FALSE;
  QfNode *node = qf_tfl_new_node(n, "Pack", n->in, n->n_in, n->out, 1);
  ((QfConcatAttrs *)node->attrs)->axis = axis;
  return qf_tfl_add_node(n, node, error);
}

static gboolean map_unpack(QfTflNode *n, GError **error)
{
  int32_t axis;
  if (!qf_tfl_axis(n, qf_tfl_option(n, QF_TFL_PACK_AXIS, 0), n->in[0]->rank, &axis, error))
    return FALSE;
  QfNode *node = qf_tfl_new_node(n, "Unpack", n->in, 1, n->out, n->n_out);
  ((QfConcatAttrs *)node->attrs)->axis = axis;
  return qf_tfl_add_node(n, node, error);
}

static gboolean add_split(QfTflNode *n, QfTensor *in, int64_t axis, const QfInts *sizes, GError **error)
{
  QfNode *node = qf_tfl_new_node(n, "Split", &in, 1, n->out, n->n_out);
  QfConcatAttrs *a = node->attrs;
  a->sizes = *sizes;
  return qf_tfl_axis(n, axis, in->rank, &a->axis, error) && qf_tfl_add_node(n, node, error);
}

static gboolean map_split(QfTflNode *n, GError **error)
{
  QfInts equal = {0};
  int64_t axis;
  return qf_tfl_get_int(n, 0, &axis, error) && add_split(n, n->in[1], axis, &equal, error);
}

/* One size may be -1: the rest. */
static gboolean map_split_v(QfTflNode *n, GError **error)
{
  QfTensor *in = n->in[0];
  QfInts sizes;
  int64_t value, rest;
  int32_t axis, open = -1;
  if (!qf_tfl_get_ints(n, 1, &sizes, error) || !qf_tfl_get_int(n, 2, &value, error) ||
      !qf_tfl_axis(n, value, in->rank, &axis, error))
    return FALSE;
  rest = in->dims[axis];
  for (int32_t i = 0; i < sizes.n; i++) {
    if (sizes.v[i] < 0)
      open = i;
    else if (sizes.v[i] <= rest)
      rest -= sizes.v[i];
    else
      return qf_tfl_fail(n, error, QF_ERROR_SHAPE, "its parts are together longer than dimension %d", axis);
  }
  if (open >= 0)
    sizes.v[open] = rest;
  return add_split(n, in, axis, &sizes, error);
}

static gboolean add_broadcast(QfTflNode *n, QfTensor *in, QfTensor *out, const QfInts *dims, GError **error)
{
  QfNode *node = qf_tfl_new_node(n, "BroadcastTo", &in, 1, &out, 1);
  ((QfTileAttrs *)node->attrs)->multiples = *dims;
  return qf_tfl_add_node(n, node, error);
}

static gboolean map_broadcast_to(QfTflNode *n, GError **error)
{
  QfInts dims;
  return qf_tfl_get_ints(n, 1, &dims, error) && add_broadcast(n, n->in[0], n->out[0], &dims, error);
}

static gboolean map_fill(QfTflNode *n, GError **error)
{
  QfInts dims;
  return qf_tfl_get_ints(n, 0, &dims, error) && add_broadcast(n, n->in[1], n->out[0], &dims, error);
}

static gboolean map_zeros_like(QfTflNode *n, GError **error)
{
  static const int64_t zero;
  QfInts dims = {n->in[0]->rank, {0}};
  for (int32_t i = 0; i < dims.n; i++)
    dims.v[i] = n->in[0]->dims[i];
  QfTensor *value = qf_tfl_const_ints(n, "zero", &zero, 1), *typed = qf_tfl_temp(n, "typed_zero", NULL),
           *scalar = qf_tfl_temp(n, "scalar", NULL);
  if (qf_tensor_is_quantized(n->out[0]))
    return qf_tfl_fail(n, error, QF_ERROR_UNSUPPORTED, "on quantized data it is not supported");
  return qf_tfl_add_cast(n, value, typed, n->out[0]->dtype, error) &&
         qf_tfl_add_reshape(n, typed, scalar, NULL, 0, error) &&
         add_broadcast(n, scalar, n->out[0], &dims, error);
}

static gboolean map_tile(QfTflNode *n, GError **error)
{
  QfNode *node = qf_tfl_new_node(n, "Tile", n->in, 1, n->out, 1);
  return qf_tfl_get_ints(n, 1, &((QfTileAttrs *)node->attrs)->multiples, error) &&
         qf_tfl_add_node(n, node, error);
}

static gboolean map_range(QfTflNode *n, GError **error)
{
  return qf_tfl_add_node(n, qf_tfl_new_node(n, "Range", n->in, 3, n->out, 1), error);
}

const QfTflRow qf_tfl_shape_rows[] = {
    {22, "RESHAPE", map_reshape, 1, 2, 1, NULL, NULL},
    {43, "SQUEEZE", map_squeeze, 1, 1, 1, NULL, NULL},
    {70, "EXPAND_DIMS", map_expand_dims, 2, 2, 1, NULL, NULL},
    {39, "TRANSPOSE", map_transpose, 2, 2, 1, NULL, NULL},
    {77, "SHAPE", map_shape, 1, 1, 1, NULL, NULL},
    {110, "RANK", map_rank, 1, 1, 1, NULL, NULL},
    {2, "CONCATENATION", map_concat, 1, -1, 1, NULL, NULL},
    {83, "PACK", map_pack, 1, -1, 1, NULL, NULL},
    {88, "UNPACK", map_unpack, 1, 1, -1, NULL, NULL},
    {49, "SPLIT", map_split, 2, 2, -1, NULL, NULL},
    {102, "SPLIT_V", map_split_v, 3, 3, -1, NULL, NULL},
    {130, "BROADCAST_TO", map_broadcast_to, 2, 2, 1, NULL, NULL},
    {94, "FILL", map_fill, 2, 2, 1, NULL, NULL},
    {93, "ZEROS_LIKE", map_zeros_like, 1, 1, 1, NULL, NULL},
    {69, "TILE", map_tile, 2, 2, 1, NULL, NULL},
    {96, "RANGE", map_range, 3, 3, 1, NULL, NULL},
    {0},
};
