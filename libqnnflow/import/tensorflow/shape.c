/* SPDX-License-Identifier: MIT */
/*
 * shape.c - operators that give values another shape or order, and what is known from shapes alone: all shapes are fixed here, so
 * Shape, Size and Rank are constants, and the arithmetic on them is computed while importing.
 */
#include "map.h"

#include <string.h>

static gboolean map_reshape(QfTfNode *n, GError **error)
{
  QfInts shape;
  int open = -1;
  int64_t have = qf_tensor_count(n->in[0]), rest = 1;
  if (!qf_tf_const_ints(n, 1, &shape, error))
    return FALSE;
  for (int i = 0; i < shape.n; i++) {
    if (shape.v[i] < -1 || (shape.v[i] == -1 && open >= 0))
      return qf_build_fail(&n->build, error, QF_ERROR_SHAPE, "its shape has a negative number, or -1 twice");
    open = shape.v[i] == -1 ? i : open;
  }
  if (open >= 0) {
    shape.v[open] = 1;
    rest = qf_dims_count(shape.v, shape.n);
    shape.v[open] = rest > 0 ? have / rest : 0;
  }
  if (qf_dims_count(shape.v, shape.n) != have) {
    g_autofree char *text = qf_dims_to_string(shape.v, shape.n);
    return qf_build_fail(&n->build, error, QF_ERROR_SHAPE,
                         "the shape %s does not hold its input's %" G_GINT64_FORMAT " numbers", text, have);
  }
  return qf_tf_bind(n, 0, qf_build_reshape(&n->build, n->in[0], &shape, qf_tf_out(n, 0), error));
}

static gboolean map_squeeze(QfTfNode *n, GError **error)
{
  QfTensor *x = n->in[0];
  QfInts axes, shape = {.n = 0};
  if (!qf_tf_ints(n, "squeeze_dims", &axes, error) || !qf_tf_axes(n, &axes, x->rank, error))
    return FALSE;
  for (int i = 0, k = 0; i < x->rank; i++) {
    gboolean named = k < axes.n && axes.v[k] == i;
    k += named;
    if (named && x->dims[i] != 1)
      return qf_build_fail(&n->build, error, QF_ERROR_SHAPE, "dimension %d cannot be dropped: it is not 1",
                           i);
    if (!(named || (!axes.n && x->dims[i] == 1)))
      shape.v[shape.n++] = x->dims[i];
  }
  return qf_tf_bind(n, 0, qf_build_reshape(&n->build, x, &shape, qf_tf_out(n, 0), error));
}

static gboolean map_expand_dims(QfTfNode *n, GError **error)
{
  QfTensor *x = n->in[0];
  QfInts shape = {.n = x->rank + 1};
  int64_t dimension;
  int32_t axis;
  if (!qf_tf_const_int(n, 1, &dimension, error) || !qf_tf_axis(n, dimension, x->rank + 1, &axis, error))
    return FALSE;
  if (shape.n > QF_MAX_RANK)
    return qf_build_fail(&n->build, error, QF_ERROR_UNSUPPORTED, "more than %d dimensions", QF_MAX_RANK);
  for (int i = 0, k = 0; i < shape.n; i++)
    shape.v[i] = i == axis ? 1 : x->dims[k++];
  return qf_tf_bind(n, 0, qf_build_reshape(&n->build, x, &shape, qf_tf_out(n, 0), error));
}

static gboolean map_transpose(QfTfNode *n, GError **error)
{
  QfInts perm;
  return qf_tf_const_ints(n, 1, &perm, error) &&
         qf_tf_bind(n, 0, qf_build_transpose(&n->build, n->in[0], &perm, qf_tf_out(n, 0), error));
}

/* arg: where the axis is; 0 first, 1 last. */
static gboolean map_concat(QfTfNode *n, GError **error)
{
  uint32_t at = n->row->arg ? n->n_in - 1 : 0, count = n->n_in - 1;
  QfTensor **values = n->row->arg ? n->in : n->in + 1;
  int64_t dimension;
  int32_t axis;
  if (!qf_tf_const_int(n, at, &dimension, error) || !qf_tf_axis(n, dimension, values[0]->rank, &axis, error))
    return FALSE;
  if (count == 1)
    return qf_tf_bind(n, 0, values[0]);
  return qf_tf_bind(n, 0, qf_build_concat(&n->build, values, count, axis, qf_tf_out(n, 0), error));
}

static gboolean map_pack(QfTfNode *n, GError **error)
{
  int32_t axis;
  if (!qf_tf_axis(n, qf_tf_int(n, "axis", 0), n->in[0]->rank + 1, &axis, error))
    return FALSE;
  QfNode *node = qf_build_begin(&n->build, "Pack", n->in, n->n_in, qf_tf_out(n, 0));
  ((QfConcatAttrs *)node->attrs)->axis = axis;
  return qf_tf_bind(n, 0, qf_build_end(&n->build, node, error));
}

static gboolean map_tile(QfTfNode *n, GError **error)
{
  QfInts multiples;
  if (!qf_tf_const_ints(n, 1, &multiples, error))
    return FALSE;
  QfNode *node = qf_build_begin(&n->build, "Tile", n->in, 1, qf_tf_out(n, 0));
  ((QfTileAttrs *)node->attrs)->multiples = multiples;
  return qf_tf_bind(n, 0, qf_build_end(&n->build, node, error));
}

static gboolean broadcast_to(QfTfNode *n, QfTensor *x, const QfInts *shape, GError **error)
{
  if (!x)
    return FALSE;
  QfNode *node = qf_build_begin(&n->build, "BroadcastTo", &x, 1, qf_tf_out(n, 0));
  ((QfTileAttrs *)node->attrs)->multiples = *shape;
  return qf_tf_bind(n, 0, qf_build_end(&n->build, node, error));
}

/* arg: which input is the shape; the other is the value. */
static gboolean map_fill(QfTfNode *n, GError **error)
{
  QfInts shape;
  return qf_tf_const_ints(n, (uint32_t)n->row->arg, &shape, error) &&
         broadcast_to(n, n->in[1 - n->row->arg], &shape, error);
}

/* arg: the number that fills the input's shape. */
static gboolean map_like(QfTfNode *n, GError **error)
{
  QfInts shape = qf_build_dims(n->in[0]);
  return broadcast_to(n, qf_build_scalar(&n->build, n->row->arg, n->in[0]->dtype), &shape, error);
}

static gboolean map_shape(QfTfNode *n, GError **error)
{
  QfDType type;
  if (!qf_tf_type(n, "out_type", QF_DTYPE_INT32, &type, error))
    return FALSE;
  for (uint32_t i = 0; i < n->n_in; i++)
    qf_tf_bind(n, i, qf_tf_make_ints(n, type, n->in[i]->dims, n->in[i]->rank, FALSE));
  return TRUE;
}

/* arg 1: the rank in place of the number of elements. */
static gboolean map_size(QfTfNode *n, GError **error)
{
  QfDType type;
  int64_t value = n->row->arg ? n->in[0]->rank : qf_tensor_count(n->in[0]);
  return qf_tf_type(n, "out_type", QF_DTYPE_INT32, &type, error) &&
         qf_tf_bind(n, 0, qf_tf_make_ints(n, type, &value, 1, TRUE));
}

static gboolean map_range(QfTfNode *n, GError **error)
{
  for (uint32_t i = 0; i < 3; i++)
    if (!n->in[i]->data)
      return qf_build_fail(&n->build, error, QF_ERROR_UNSUPPORTED, "input %u must be a constant", i);
  QfNode *node = qf_build_begin(&n->build, "Range", n->in, 3, qf_tf_out(n, 0));
  return qf_tf_bind(n, 0, qf_build_end(&n->build, node, error));
}

/* The places of what is not zero in a constant, as rows of indices. */
static gboolean map_where(QfTfNode *n, GError **error)
{
  const QfTensor *x = n->in[0];
  if (!x->data || !x->rank)
    return qf_build_fail(
        &n->build, error, QF_ERROR_UNSUPPORTED,
        "it finds as many places as its input has, which must be a constant here; use SelectV2");
  if (!qf_build_charge(&n->build, (uint64_t)qf_tensor_count(x) * (uint64_t)x->rank * sizeof(int64_t), error))
    return FALSE;
  g_autoptr(GArray) rows = g_array_new(FALSE, FALSE, sizeof(int64_t));
  int64_t count = qf_tensor_count(x), found = 0;
  for (int64_t i = 0; i < count; i++) {
    if (qf_tensor_get_real(x, i) == 0)
      continue;
    found++;
    int64_t place[QF_MAX_RANK], rest = i;
    for (int d = x->rank - 1; d >= 0; rest /= x->dims[d], d--)
      place[d] = rest % x->dims[d];
    g_array_append_vals(rows, place, (guint)x->rank);
  }
  int64_t dims[] = {found, x->rank};
  return qf_tf_bind(n, 0,
                    qf_graph_add_constant_copy(n->build.graph, n->build.name, QF_DTYPE_INT64, dims, 2,
                                               rows->data));
}

const QfTfRow qf_tf_shape_rows[] = {
    {"Reshape", map_reshape, 2, 2, "Reshape", 0},
    {"Squeeze", map_squeeze, 1, 1, "Reshape", 0},
    {"ExpandDims", map_expand_dims, 2, 2, "Reshape", 0},
    {"Transpose", map_transpose, 2, 2, "Transpose", 0},
    {"Concat", map_concat, 2, -1, "Concat", 0},
    {"ConcatV2", map_concat, 2, -1, "Concat", 1},
    {"Pack", map_pack, 1, -1, "Pack", 0},
    {"Tile", map_tile, 2, 2, "Tile", 0},
    {"Fill", map_fill, 2, 2, "BroadcastTo", 0},
    {"BroadcastTo", map_fill, 2, 2, "BroadcastTo", 1},
    {"ZerosLike", map_like, 1, 1, "BroadcastTo", 0},
    {"OnesLike", map_like, 1, 1, "BroadcastTo", 1},
    {"Shape", map_shape, 1, 1, NULL, 0},
    {"ShapeN", map_shape, 1, -1, NULL, 0},
    {"Size", map_size, 1, 1, NULL, 0},
    {"Rank", map_size, 1, 1, NULL, 1},
    {"Range", map_range, 3, 3, "Range", 0},
    {"Where", map_where, 1, 1, NULL, 0},
    {NULL},
};
