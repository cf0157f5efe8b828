/* SPDX-License-Identifier: MIT */
/*
 * map_shape.c - other dimensions for the same values, and constants made from a shape.
 */
#include "map.h"

#include <string.h>

/* A shape given in full; where it is not, what the file says of the output. */
static gboolean map_view(QfPt2Node *n, GError **error)
{
  const char *x = qf_pt2_tensor(n, "self"),
             *shape = qf_pt2_arg_shape(n, qf_pt2_arg(n, "size") ? "size" : "shape");
  QfInts known;
  if (!x || !shape || qf_pt2_arg_ints(n, qf_pt2_arg(n, "size") ? "size" : "shape", &known))
    return qf_pt2_reshape_like(n, x, n->out[0], error);
  qf_pt2_emit(n, "Reshape", n->out[0], 2, x, shape);
  return TRUE;
}

static gboolean map_like_output(QfPt2Node *n, GError **error)
{
  return qf_pt2_reshape_like(n, qf_pt2_tensor(n, "self"), n->out[0], error);
}

static gboolean map_unsqueeze(QfPt2Node *n, GError **error)
{
  const int64_t dim = qf_pt2_arg_int(n, "dim", 0);
  qf_pt2_emit(n, "Unsqueeze", n->out[0], 2, qf_pt2_tensor(n, "self"), qf_pt2_const_ints(n->p->emit, &dim, 1));
  return TRUE;
}

/* All dimensions of 1, or those of a list that are 1. */
static gboolean map_squeeze(QfPt2Node *n, GError **error)
{
  const char *x = qf_pt2_tensor(n, "self");
  QfInts dims;
  QfPt2Tensor meta;
  int64_t axes[QF_MAX_RANK];
  uint32_t count = 0;
  if (!qf_pt2_arg_ints(n, "dim", &dims) || !qf_pt2_meta(n, x, &meta))
    return qf_pt2_fail(n, error, QF_ERROR_UNSUPPORTED, "its dimensions must be known");
  for (int i = 0; i < meta.rank; i++) {
    gboolean wanted = !qf_pt2_arg(n, "dim");
    for (int k = 0; k < dims.n; k++)
      wanted |= qf_pt2_dim(dims.v[k], meta.rank) == i;
    if (wanted && meta.dims[i] == 1)
      axes[count++] = i;
  }
  qf_pt2_emit(n, count ? "Squeeze" : "Identity", n->out[0], count ? 2 : 1, x,
              count ? qf_pt2_const_ints(n->p->emit, axes, count) : NULL);
  return TRUE;
}

static gboolean map_permute(QfPt2Node *n, GError **error)
{
  const char *x = qf_pt2_tensor(n, "self");
  const int32_t rank = qf_pt2_rank(n, x);
  QfInts dims;
  if (!qf_pt2_arg_ints(n, "dims", &dims) || dims.n != rank)
    return qf_pt2_fail(n, error, QF_ERROR_FORMAT, "its dimensions do not fit its input");
  for (int i = 0; i < dims.n; i++)
    dims.v[i] = qf_pt2_dim(dims.v[i], rank);
  qf_pt2_permute(n, x, dims.v, (uint32_t)rank, n->out[0]);
  return TRUE;
}

/* Two dimensions swap. data: those of a matrix. */
static gboolean map_transpose(QfPt2Node *n, GError **error)
{
  const char *x = qf_pt2_tensor(n, "self");
  const int32_t rank = qf_pt2_rank(n, x);
  const gboolean matrix = n->row->data != NULL, named = qf_pt2_arg(n, "axis0") != NULL;
  const int64_t a = qf_pt2_dim(matrix ? 0 : qf_pt2_arg_int(n, named ? "axis0" : "dim0", 0), rank),
                b = qf_pt2_dim(matrix ? rank - 1 : qf_pt2_arg_int(n, named ? "axis1" : "dim1", 0), rank);
  int64_t perm[QF_MAX_RANK] = {0, 1, 2, 3, 4, 5, 6, 7};
  if (rank < 0 || (rank && (a < 0 || b < 0 || a >= rank || b >= rank)))
    return qf_pt2_fail(n, error, QF_ERROR_FORMAT, "its dimensions do not fit its input");
  if (rank > 1) {
    perm[a] = b;
    perm[b] = a;
  }
  qf_pt2_permute(n, x, perm, (uint32_t)rank, n->out[0]);
  return TRUE;
}

/* -1 keeps a dimension; new ones may come in front. ONNX broadcasts both ways, so 1 keeps too. */
static gboolean map_expand(QfPt2Node *n, GError **error)
{
  const char *x = qf_pt2_tensor(n, "self"), *shape;
  QfInts size;
  if (!strcmp(n->row->op, "expand_as")) {
    shape = qf_pt2_emit(n, "Shape", NULL, 1, qf_pt2_tensor(n, "other"));
  } else if (qf_pt2_arg_ints(n, "size", &size)) {
    for (int i = 0; i < size.n; i++)
      size.v[i] = size.v[i] == -1 ? 1 : size.v[i];
    shape = qf_pt2_const_ints(n->p->emit, size.v, (uint32_t)size.n);
  } else {
    shape = qf_pt2_emit(n, "Abs", NULL, 1, qf_pt2_arg_shape(n, "size")); /* -1 becomes 1 */
  }
  qf_pt2_emit(n, "Expand", n->out[0], 2, x, shape);
  return TRUE;
}

static gboolean map_repeat(QfPt2Node *n, GError **error)
{
  const char *x = qf_pt2_tensor(n, "self");
  const int32_t rank = qf_pt2_rank(n, x);
  QfInts repeats, axes = {0};
  if (!qf_pt2_arg_ints(n, qf_pt2_arg(n, "dims") ? "dims" : "repeats", &repeats) || rank < 0)
    return qf_pt2_fail(n, error, QF_ERROR_UNSUPPORTED, "how often it repeats must be known");
  for (; repeats.n < rank && repeats.n < QF_MAX_RANK; repeats.n++) { /* tile: missing ones are 1, in front */
    memmove(repeats.v + 1, repeats.v, (size_t)repeats.n * sizeof(*repeats.v));
    repeats.v[0] = 1;
  }
  for (; axes.n < repeats.n - rank; axes.n++)
    axes.v[axes.n] = axes.n;
  if (axes.n)
    x = qf_pt2_emit(n, "Unsqueeze", NULL, 2, x, qf_pt2_const_ints(n->p->emit, axes.v, (uint32_t)axes.n));
  qf_pt2_emit(n, "Tile", n->out[0], 2, x, qf_pt2_const_ints(n->p->emit, repeats.v, (uint32_t)repeats.n));
  return TRUE;
}

/* A dimension of a tensor as an int64 scalar. */
static gboolean map_size(QfPt2Node *n, GError **error)
{
  const int64_t dim = qf_pt2_arg_int(n, "dim", 0);
  const char *shape = qf_pt2_emit(n, "Shape", NULL, 1, qf_pt2_tensor(n, "self"));
  qf_pt2_emit(n, "Gather", n->out[0], 2, shape, qf_pt2_const_number(n->p->emit, QF_PT2_INT64, (double)dim));
  return TRUE;
}

/* full, zeros, ones and what is made like another tensor. data: the value, NULL: the argument fill_value or s. */
static gboolean map_full(QfPt2Node *n, GError **error)
{
  const int32_t type = qf_pt2_type(n, n->out[0]);
  const char *like = qf_pt2_tensor(n, "self"), *value, *shape;
  QfInts size;
  const gboolean scalar = qf_pt2_arg(n, "size") && qf_pt2_arg_ints(n, "size", &size) && !size.n;
  if (!type)
    return qf_pt2_fail(n, error, QF_ERROR_FORMAT, "the file does not say what its output is; save it again");
  value = n->row->data ? qf_pt2_const_number(n->p->emit, type, g_ascii_strtod(n->row->data, NULL))
                       : qf_pt2_operand(n,
                                        qf_pt2_arg(n, "s")       ? "s"
                                        : qf_pt2_arg(n, "value") ? "value"
                                                                 : "fill_value",
                                        type);
  shape = scalar ? NULL : qf_pt2_arg_shape(n, "size");
  if (!shape && like && !scalar)
    shape = qf_pt2_emit(n, "Shape", NULL, 1, like);
  qf_pt2_emit(n, shape ? "Expand" : "Identity", n->out[0], shape ? 2 : 1, value, shape);
  return TRUE;
}

static gboolean map_arange(QfPt2Node *n, GError **error)
{
  const int32_t type = qf_pt2_type(n, n->out[0]);
  const char *start = qf_pt2_operand(n, "start", type), *limit = qf_pt2_operand(n, "end", type),
             *step = qf_pt2_operand(n, "step", type);
  qf_pt2_emit(n, "Range", n->out[0], 3, start ? start : qf_pt2_const_number(n->p->emit, type, 0), limit,
              step ? step : qf_pt2_const_number(n->p->emit, type, 1));
  return TRUE;
}

const QfPt2Row qf_pt2_shape_rows[] = {
    {"view", map_view, NULL},
    {"_unsafe_view", map_view, NULL},
    {"reshape", map_view, NULL},
    {"_reshape_copy", map_view, NULL},
    {"view_copy", map_view, NULL},
    {"flatten", map_like_output, NULL},
    {"unflatten", map_like_output, NULL},
    {"unsqueeze", map_unsqueeze, NULL},
    {"unsqueeze_copy", map_unsqueeze, NULL},
    {"squeeze", map_squeeze, NULL},
    {"squeeze_copy", map_squeeze, NULL},
    {"permute", map_permute, NULL},
    {"permute_copy", map_permute, NULL},
    {"transpose", map_transpose, NULL},
    {"transpose_copy", map_transpose, NULL},
    {"swapaxes", map_transpose, NULL},
    {"t", map_transpose, "matrix"},
    {"numpy_T", map_transpose, "matrix"},
    {"t_copy", map_transpose, "matrix"},
    {"expand", map_expand, NULL},
    {"expand_copy", map_expand, NULL},
    {"expand_as", map_expand, NULL},
    {"repeat", map_repeat, NULL},
    {"tile", map_repeat, NULL},
    {"sym_size", map_size, NULL},
    {"full", map_full, NULL},
    {"full_like", map_full, NULL},
    {"new_full", map_full, NULL},
    {"scalar_tensor", map_full, NULL},
    {"fill", map_full, NULL},
    {"zeros", map_full, "0"},
    {"zeros_like", map_full, "0"},
    {"zero", map_full, "0"},
    {"new_zeros", map_full, "0"},
    {"ones", map_full, "1"},
    {"ones_like", map_full, "1"},
    {"new_ones", map_full, "1"},
    {"arange", map_arange, NULL},
    {NULL},
};
