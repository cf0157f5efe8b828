/* SPDX-License-Identifier: MIT */
/*
 * shape.c - operators that change the shape or the order of values and need no arithmetic. Shapes are always known while
 * importing, so Shape and Size give constants, and every shape that a file computes from them is resolved by folding.
 */
#include "map.h"

#include <string.h>

static gboolean map_reshape(QfOnnxNode *n, GError **error)
{
  QfTensor *x = n->in[0];
  QfInts shape;
  if (!qf_onnx_list(n, "shape", 1, &shape, NULL, error))
    return FALSE;
  gboolean allow_zero = qf_onnx_int(n, "allowzero", 0) != 0;
  int64_t count = qf_tensor_count(x), known = 1;
  int open = -1;
  for (int i = 0; i < shape.n; i++) {
    if (shape.v[i] == 0 && !allow_zero && i < x->rank)
      shape.v[i] = x->dims[i];
    if (shape.v[i] < -1 || (shape.v[i] == -1 && open >= 0) || shape.v[i] > G_MAXINT32)
      return qf_onnx_fail(n, error, QF_ERROR_SHAPE, "entry %d of the wanted shape is %" G_GINT64_FORMAT, i,
                          shape.v[i]);
    if (shape.v[i] == -1)
      open = i;
    else if (shape.v[i] && known > ((int64_t)1 << 62) / shape.v[i])
      return qf_onnx_fail(n, error, QF_ERROR_LIMIT, "the wanted shape is too large");
    else
      known *= shape.v[i];
  }
  if (open >= 0)
    shape.v[open] = known ? count / known : 0;
  if ((open >= 0 ? known * shape.v[open] : known) != count) {
    g_autofree char *from = qf_dims_to_string(x->dims, x->rank), *to = qf_dims_to_string(shape.v, shape.n);
    return qf_onnx_fail(n, error, QF_ERROR_SHAPE,
                        "%s cannot be reshaped to %s: the file was exported for other input dimensions", from,
                        to);
  }
  return qf_onnx_bind(n, 0, qf_build_reshape(n->b, x, &shape, qf_onnx_output(n, 0), error));
}

static gboolean map_flatten(QfOnnxNode *n, GError **error)
{
  QfTensor *x = n->in[0];
  int64_t axis = qf_onnx_int(n, "axis", 1);
  if (axis < 0)
    axis += x->rank;
  if (axis < 0 || axis > x->rank)
    return qf_onnx_fail(n, error, QF_ERROR_SHAPE, "axis %" G_GINT64_FORMAT " is outside of %d dimensions",
                        axis, x->rank);
  QfInts shape = {2,
                  {qf_dims_count(x->dims, (int32_t)axis),
                   qf_dims_count(x->dims + axis, x->rank - (int32_t)axis)}};
  return qf_onnx_bind(n, 0, qf_build_reshape(n->b, x, &shape, qf_onnx_output(n, 0), error));
}

static gboolean map_squeeze(QfOnnxNode *n, GError **error)
{
  QfTensor *x = n->in[0];
  QfInts axes, shape = {0};
  gboolean given;
  if (!qf_onnx_list(n, "axes", 1, &axes, &given, error) || !qf_onnx_axes(n, &axes, x->rank, error))
    return FALSE;
  for (int i = 0, k = 0; i < x->rank; i++) {
    gboolean named = k < axes.n && axes.v[k] == i;
    k += named;
    if (named && x->dims[i] != 1)
      return qf_onnx_fail(n, error, QF_ERROR_SHAPE, "dimension %d has size %" G_GINT64_FORMAT ", not 1", i,
                          x->dims[i]);
    if (!(named || (!given && x->dims[i] == 1)))
      shape.v[shape.n++] = x->dims[i];
  }
  return qf_onnx_bind(n, 0, qf_build_reshape(n->b, x, &shape, qf_onnx_output(n, 0), error));
}

static gboolean map_unsqueeze(QfOnnxNode *n, GError **error)
{
  QfTensor *x = n->in[0];
  QfInts axes, shape = {0};
  if (!qf_onnx_list(n, "axes", 1, &axes, NULL, error))
    return FALSE;
  int32_t rank = x->rank + axes.n;
  if (rank > QF_MAX_RANK)
    return qf_onnx_fail(n, error, QF_ERROR_UNSUPPORTED,
                        "its output has %d dimensions, at most %d are supported", rank, QF_MAX_RANK);
  if (!qf_onnx_axes(n, &axes, rank, error))
    return FALSE;
  for (int i = 0, k = 0, d = 0; i < rank; i++) {
    gboolean named = k < axes.n && axes.v[k] == i;
    k += named;
    shape.v[shape.n++] = named ? 1 : x->dims[d++];
  }
  return qf_onnx_bind(n, 0, qf_build_reshape(n->b, x, &shape, qf_onnx_output(n, 0), error));
}

static gboolean map_transpose(QfOnnxNode *n, GError **error)
{
  QfTensor *x = n->in[0];
  QfInts perm;
  uint32_t mask = 0;
  if (!qf_onnx_ints(n, "perm", &perm, error))
    return FALSE;
  for (int i = 0; !qf_onnx_attr(n, "perm") && i < x->rank; i++)
    perm.v[perm.n++] = x->rank - 1 - i;
  for (int i = 0; i < perm.n; i++)
    if (perm.v[i] >= 0 && perm.v[i] < x->rank)
      mask |= 1u << perm.v[i];
  if (perm.n != x->rank || mask != (1u << x->rank) - 1)
    return qf_onnx_fail(n, error, QF_ERROR_SHAPE, "perm is no permutation of the %d dimensions of '%s'",
                        x->rank, x->name);
  if (!x->data && qf_onnx_is_constant(x))
    return qf_onnx_bind(n, 0, qf_onnx_permute_weights(n, x, &perm, error));
  return qf_onnx_bind(n, 0, qf_build_transpose(n->b, x, &perm, qf_onnx_output(n, 0), error));
}

/* The shape that both broadcast to, or n -1. */
static QfInts broadcast(const QfTensor *x, const QfInts *to)
{
  QfInts out = {.n = MAX(x->rank, to->n)};
  for (int i = 0; i < out.n; i++) {
    int xi = i - (out.n - x->rank), ti = i - (out.n - to->n);
    int64_t a = xi < 0 ? 1 : x->dims[xi], b = ti < 0 ? 1 : to->v[ti];
    if (b < 0 || b > G_MAXINT32 || (a != b && a != 1 && b != 1))
      return (QfInts){.n = -1};
    out.v[i] = a == 1 ? b : a;
  }
  return out;
}

static gboolean map_expand(QfOnnxNode *n, GError **error)
{
  QfTensor *x = n->in[0];
  QfInts to;
  if (!qf_onnx_list(n, NULL, 1, &to, NULL, error))
    return FALSE;
  QfInts shape = broadcast(x, &to);
  if (shape.n < 0) {
    g_autofree char *from = qf_dims_to_string(x->dims, x->rank), *want = qf_dims_to_string(to.v, to.n);
    return qf_onnx_fail(n, error, QF_ERROR_SHAPE, "%s cannot be expanded to %s", from, want);
  }
  QfNode *node = qf_build_begin(n->b, "BroadcastTo", &x, 1, qf_onnx_output(n, 0));
  ((QfTileAttrs *)node->attrs)->multiples = shape;
  return qf_onnx_bind(n, 0, qf_build_end(n->b, node, error));
}

static gboolean map_tile(QfOnnxNode *n, GError **error)
{
  QfTensor *x = n->in[0];
  QfInts repeats;
  if (!qf_onnx_list(n, NULL, 1, &repeats, NULL, error))
    return FALSE;
  if (repeats.n != x->rank)
    return qf_onnx_fail(n, error, QF_ERROR_SHAPE, "it repeats %d dimensions, but its input has %d", repeats.n,
                        x->rank);
  for (int i = 0; i < repeats.n; i++)
    if (repeats.v[i] < 0 || repeats.v[i] > G_MAXINT32)
      return qf_onnx_fail(n, error, QF_ERROR_LIMIT, "it repeats dimension %d %" G_GINT64_FORMAT " times", i,
                          repeats.v[i]);
  QfNode *node = qf_build_begin(n->b, "Tile", &x, 1, qf_onnx_output(n, 0));
  ((QfTileAttrs *)node->attrs)->multiples = repeats;
  return qf_onnx_bind(n, 0, qf_build_end(n->b, node, error));
}

static gboolean map_concat(QfOnnxNode *n, GError **error)
{
  int32_t axis;
  for (uint32_t i = 0; i < n->n_in; i++)
    if (!n->in[i])
      return qf_onnx_fail(n, error, QF_ERROR_FORMAT, "input %u is missing", i);
  if (!qf_onnx_axis(n, qf_onnx_int(n, "axis", n->opset < 4 ? 1 : 0), n->in[0]->rank, &axis, error))
    return FALSE;
  if (n->n_in == 1)
    return qf_onnx_bind(n, 0, n->in[0]);
  QfNode *node = qf_build_begin(n->b, "Concat", n->in, n->n_in, qf_onnx_output(n, 0));
  ((QfConcatAttrs *)node->attrs)->axis = axis;
  return qf_onnx_bind(n, 0, qf_build_end(n->b, node, error));
}

static gboolean bind_int64(QfOnnxNode *n, const int64_t *dims, int32_t rank, const int64_t *values)
{
  return qf_onnx_bind(n, 0,
                      qf_graph_add_constant_copy(n->onnx->graph, n->out_names[0], QF_DTYPE_INT64, dims, rank,
                                                 values));
}

static gboolean map_shape(QfOnnxNode *n, GError **error)
{
  const QfTensor *x = n->in[0];
  int64_t start = qf_onnx_int(n, "start", 0), end = qf_onnx_int(n, "end", x->rank);
  start = CLAMP(start < 0 ? start + x->rank : start, 0, x->rank);
  end = CLAMP(end < 0 ? end + x->rank : end, start, x->rank);
  int64_t count = end - start;
  return bind_int64(n, &count, 1, x->dims + start);
}

static gboolean map_size(QfOnnxNode *n, GError **error)
{
  int64_t count = qf_tensor_count(n->in[0]);
  return bind_int64(n, NULL, 0, &count);
}

const QfOnnxRow qf_onnx_shape_rows[] = {
    {"", "Reshape", map_reshape, 1, 2, "Reshape", 0},
    {"", "Flatten", map_flatten, 1, 1, "Reshape", 0},
    {"", "Squeeze", map_squeeze, 1, 2, "Reshape", 0},
    {"", "Unsqueeze", map_unsqueeze, 1, 2, "Reshape", 0},
    {"", "Transpose", map_transpose, 1, 1, "Transpose", 0},
    {"", "Expand", map_expand, 2, 2, "BroadcastTo", 0},
    {"com.microsoft", "ExpandDims", map_unsqueeze, 2, 2, "Reshape", 0},
    {"", "Tile", map_tile, 2, 2, "Tile", 0},
    {"", "Concat", map_concat, 1, -1, "Concat", 0},
    {"", "Shape", map_shape, 1, 1, NULL, 0},
    {"", "Size", map_size, 1, 1, NULL, 0},
    {NULL},
};
