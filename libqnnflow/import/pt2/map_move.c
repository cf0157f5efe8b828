/* SPDX-License-Identifier: MIT */
/*
 * map_move.c - parts of tensors, tensors put together, values picked by index, borders.
 */
#include "alias.h"

#include <string.h>

/* cat and stack: all in the type of the result. */
static gboolean map_cat(QfPt2Node *n, GError **error)
{
  g_autoptr(GPtrArray) parts = qf_pt2_arg_tensors(n, "tensors");
  const int32_t type = qf_pt2_type(n, n->out[0]);
  const int64_t dim = qf_pt2_arg_int(n, "dim", 0);
  const gboolean stack = !strcmp(n->row->op, "stack");
  for (guint i = 0; i < parts->len; i++) {
    const char *part = qf_pt2_cast(n, parts->pdata[i], type);
    if (!part)
      return qf_pt2_fail(n, error, QF_ERROR_FORMAT, "one of its tensors is missing");
    parts->pdata[i] =
        (char *)(stack ? qf_pt2_emit(n, "Unsqueeze", NULL, 2, part, qf_pt2_const_ints(n->p->emit, &dim, 1))
                       : part);
  }
  Onnx__NodeProto *node =
      qf_pt2_node(n->p->emit, "Concat", n->name, (const char *const *)parts->pdata, parts->len, n->out, 1);
  qf_pt2_attr_int(n->p->emit, node, "axis", dim);
  return TRUE;
}

/* split, chunk and unbind: the sizes are those of the outputs. */
static gboolean map_split(QfPt2Node *n, GError **error)
{
  const char *x = qf_pt2_tensor(n, "self"), *parts[QF_PT2_MAX_OUTPUTS] = {NULL};
  const int32_t rank = qf_pt2_rank(n, x);
  const int64_t dim = qf_pt2_dim(qf_pt2_arg_int(n, "dim", 0), rank);
  const gboolean unbind = !strcmp(n->row->op, "unbind");
  int64_t sizes[QF_PT2_MAX_OUTPUTS];
  for (uint32_t i = 0; i < n->n_out; i++) {
    QfPt2Tensor meta;
    const gboolean known = qf_pt2_meta(n, n->out[i], &meta) && dim >= 0 && (unbind || dim < meta.rank);
    sizes[i] = unbind ? 1 : known ? meta.dims[dim] : -1;
    if (!known || sizes[i] < 0)
      return qf_pt2_fail(n, error, QF_ERROR_UNSUPPORTED, "the sizes of its parts must be known");
    parts[i] = unbind ? qf_pt2_name(n->p->emit, NULL) : n->out[i];
  }
  const char *in[] = {x, qf_pt2_const_ints(n->p->emit, sizes, n->n_out)};
  Onnx__NodeProto *node = qf_pt2_node(n->p->emit, "Split", n->name, in, 2, parts, n->n_out);
  qf_pt2_attr_int(n->p->emit, node, "axis", dim);
  for (uint32_t i = 0; unbind && i < n->n_out; i++)
    qf_pt2_emit(n, "Squeeze", n->out[i], 2, parts[i], qf_pt2_const_ints(n->p->emit, &dim, 1));
  return TRUE;
}

/* @name as a vector of one, @otherwise when it is absent. */
static const char *bound(QfPt2Node *n, const char *name, int64_t otherwise)
{
  const char *value = qf_pt2_arg_shape(n, name);
  return value ? value : qf_pt2_const_ints(n->p->emit, &otherwise, 1);
}

static gboolean map_slice(QfPt2Node *n, GError **error)
{
  qf_pt2_emit(n, "Slice", n->out[0], 5, qf_pt2_tensor(n, "self"), bound(n, "start", 0),
              bound(n, "end", INT64_MAX), bound(n, "dim", 0), bound(n, "step", 1));
  return TRUE;
}

/* length values from start on */
static gboolean map_narrow(QfPt2Node *n, GError **error)
{
  const char *start = bound(n, "start", 0);
  qf_pt2_emit(n, "Slice", n->out[0], 4, qf_pt2_tensor(n, "self"), start,
              qf_pt2_emit(n, "Add", NULL, 2, start, bound(n, "length", 0)), bound(n, "dim", 0));
  return TRUE;
}

/* One index of a dimension, which goes. */
static gboolean map_select(QfPt2Node *n, GError **error)
{
  const char *index = qf_pt2_operand(n, "index", QF_PT2_INT64);
  qf_pt2_emit(n, "Gather", n->out[0], 2, qf_pt2_tensor(n, "self"), index);
  qf_pt2_attr_int(n->p->emit, qf_pt2_last(n), "axis", qf_pt2_arg_int(n, "dim", 0));
  return TRUE;
}

/* A part of a tensor is replaced; select's has a dimension less. */
static gboolean map_scatter_part(QfPt2Node *n, GError **error)
{
  const gboolean select = !strcmp(n->row->op, "select_scatter");
  const char *base = qf_pt2_tensor(n, "self"), *part = qf_pt2_tensor(n, "src");
  int64_t dim, start, end;
  if (!part || !qf_pt2_known_slice(n, base, select, &dim, &start, &end))
    return qf_pt2_fail(n, error, QF_ERROR_UNSUPPORTED, "the part must be known, and without steps");
  if (select)
    part = qf_pt2_emit(n, "Unsqueeze", NULL, 2, part, qf_pt2_const_ints(n->p->emit, &dim, 1));
  qf_pt2_put_slice(n, base, part, dim, start, end, n->out[0]);
  return TRUE;
}

/* The second tensor with type and dimensions of the first. */
static gboolean map_copy(QfPt2Node *n, GError **error)
{
  const char *shape = qf_pt2_emit(n, "Shape", NULL, 1, qf_pt2_tensor(n, "self"));
  qf_pt2_emit(n, "Expand", n->out[0], 2, qf_pt2_cast(n, qf_pt2_tensor(n, "src"), qf_pt2_type(n, n->out[0])),
              shape);
  return TRUE;
}

/* x[i, :, j]: one list of indices is Gather; several in front of all others, of one shape, are GatherND. */
static gboolean map_index(QfPt2Node *n, GError **error)
{
  g_autoptr(GPtrArray) indices = qf_pt2_arg_tensors(n, "indices");
  const char *x = qf_pt2_tensor(n, "self"), *columns[QF_MAX_RANK];
  uint32_t count = 0, first = 0;
  const int64_t last = -1;
  for (guint i = 0; i < indices->len && count < QF_MAX_RANK; i++)
    if (indices->pdata[i]) {
      first = count ? first : i;
      columns[count++] = indices->pdata[i];
      if (qf_pt2_type(n, indices->pdata[i]) == QF_PT2_BOOL)
        return qf_pt2_fail(n, error, QF_ERROR_UNSUPPORTED,
                           "what a mask selects depends on values; use torch.where instead");
    }
  if (count == 1) {
    qf_pt2_emit(n, "Gather", n->out[0], 2, x, columns[0]);
    qf_pt2_attr_int(n->p->emit, qf_pt2_last(n), "axis", first);
    return TRUE;
  }
  if (!count || first || !indices->len || count != indices->len)
    return qf_pt2_fail(n, error, QF_ERROR_UNSUPPORTED,
                       "indices must be of one dimension, or of the first ones");
  const char *shape = NULL;
  for (uint32_t i = 0; i < count; i++) { /* the sum of all, times zero, has the common shape */
    const char *zero = qf_pt2_emit(n, "Sub", NULL, 2, columns[i], columns[i]);
    shape = shape ? qf_pt2_emit(n, "Add", NULL, 2, shape, zero) : zero;
  }
  shape = qf_pt2_emit(n, "Shape", NULL, 1, shape);
  for (uint32_t i = 0; i < count; i++)
    columns[i] = qf_pt2_emit(n, "Unsqueeze", NULL, 2, qf_pt2_emit(n, "Expand", NULL, 2, columns[i], shape),
                             qf_pt2_const_ints(n->p->emit, &last, 1));
  const char *out[] = {qf_pt2_name(n->p->emit, NULL)};
  qf_pt2_attr_int(n->p->emit, qf_pt2_node(n->p->emit, "Concat", n->name, columns, count, out, 1), "axis", -1);
  qf_pt2_emit(n, "GatherND", n->out[0], 2, x, out[0]);
  return TRUE;
}

static gboolean map_flip(QfPt2Node *n, GError **error)
{
  QfInts dims;
  int64_t starts[QF_MAX_RANK], ends[QF_MAX_RANK], steps[QF_MAX_RANK];
  QfPt2Emit *e = n->p->emit;
  if (!qf_pt2_arg_ints(n, "dims", &dims))
    return qf_pt2_fail(n, error, QF_ERROR_UNSUPPORTED, "its dimensions must be known");
  for (int i = 0; i < dims.n; i++) {
    starts[i] = steps[i] = -1;
    ends[i] = INT64_MIN;
  }
  const uint32_t count = (uint32_t)dims.n;
  qf_pt2_emit(n, "Slice", n->out[0], 5, qf_pt2_tensor(n, "self"), qf_pt2_const_ints(e, starts, count),
              qf_pt2_const_ints(e, ends, count), qf_pt2_const_ints(e, dims.v, count),
              qf_pt2_const_ints(e, steps, count));
  return TRUE;
}

/* The end of each dimension goes to its front, one dimension after the other. */
static gboolean map_roll(QfPt2Node *n, GError **error)
{
  const char *x = qf_pt2_tensor(n, "self");
  const int64_t zero = 0, end = INT64_MAX;
  QfInts shifts, dims;
  QfPt2Tensor meta;
  QfPt2Emit *e = n->p->emit;
  if (!qf_pt2_arg_ints(n, "shifts", &shifts) || !qf_pt2_arg_ints(n, "dims", &dims) || !dims.n ||
      dims.n != shifts.n || !qf_pt2_meta(n, x, &meta))
    return qf_pt2_fail(n, error, QF_ERROR_UNSUPPORTED, "its shifts and dimensions must be known");
  for (int i = 0; i < dims.n; i++) {
    const int64_t dim = qf_pt2_dim(dims.v[i], meta.rank),
                  size = dim >= 0 && dim < meta.rank ? meta.dims[dim] : 0;
    if (size < 1)
      return qf_pt2_fail(n, error, QF_ERROR_UNSUPPORTED, "the dimension that it rolls must be known");
    const int64_t cut = size - ((shifts.v[i] % size) + size) % size;
    const char *at = qf_pt2_const_ints(e, &cut, 1), *axis = qf_pt2_const_ints(e, &dim, 1);
    const char *back = qf_pt2_emit(n, "Slice", NULL, 4, x, at, qf_pt2_const_ints(e, &end, 1), axis);
    const char *front = qf_pt2_emit(n, "Slice", NULL, 4, x, qf_pt2_const_ints(e, &zero, 1), at, axis);
    x = qf_pt2_emit(n, "Concat", i == dims.n - 1 ? n->out[0] : NULL, 2, back, front);
    qf_pt2_attr_int(e, qf_pt2_last(n), "axis", dim);
  }
  return TRUE;
}

/* aten lists borders from the last dimension on, before and after; ONNX all befores, then all afters. data: the mode, NULL: an argument */
static gboolean map_pad(QfPt2Node *n, GError **error)
{
  const char *x = qf_pt2_tensor(n, "self"),
             *mode = n->row->data ? n->row->data : qf_pt2_arg_text(n, "mode", "constant");
  const char *name = qf_pt2_arg(n, "pad") ? "pad" : "padding";
  const cJSON *item, *list = qf_pt2_get(qf_pt2_arg(n, name), "as_ints");
  const int32_t rank = qf_pt2_rank(n, x);
  int64_t pads[2 * QF_MAX_RANK] = {0};
  int i = 0;
  if (!list || rank < 0 || cJSON_GetArraySize(list) > 2 * rank || !strcmp(mode, "circular"))
    return qf_pt2_fail(n, error, QF_ERROR_UNSUPPORTED,
                       "its borders must be known, and its mode constant, reflect or replicate");
  cJSON_ArrayForEach(item, list)
  {
    pads[(i % 2 ? rank : 0) + rank - 1 - i / 2] = qf_pt2_int(item, 0);
    i++;
  }
  const gboolean constant = !strcmp(mode, "constant");
  const int32_t type = qf_pt2_type(n, n->out[0]);
  const char *value = constant ? qf_pt2_operand(n, "value", type) : NULL;
  qf_pt2_emit(n, "Pad", n->out[0], 3, x, qf_pt2_const_ints(n->p->emit, pads, 2 * (uint32_t)rank),
              constant && !value ? qf_pt2_const_number(n->p->emit, type, 0) : value);
  qf_pt2_attr_string(n->p->emit, qf_pt2_last(n), "mode", !strcmp(mode, "replicate") ? "edge" : mode);
  return TRUE;
}

static gboolean map_triangle(QfPt2Node *n, GError **error)
{
  const char *diagonal =
      qf_pt2_const_number(n->p->emit, QF_PT2_INT64, (double)qf_pt2_arg_int(n, "diagonal", 0));
  qf_pt2_emit(n, "Trilu", n->out[0], 2, qf_pt2_tensor(n, "self"), diagonal);
  qf_pt2_attr_int(n->p->emit, qf_pt2_last(n), "upper", !strcmp(n->row->op, "triu"));
  return TRUE;
}

const QfPt2Row qf_pt2_move_rows[] = {
    {"cat", map_cat, NULL},
    {"concat", map_cat, NULL},
    {"stack", map_cat, NULL},
    {"split", map_split, NULL},
    {"split_with_sizes", map_split, NULL},
    {"split_copy", map_split, NULL},
    {"split_with_sizes_copy", map_split, NULL},
    {"unsafe_split", map_split, NULL},
    {"chunk", map_split, NULL},
    {"unsafe_chunk", map_split, NULL},
    {"tensor_split", map_split, NULL},
    {"unbind", map_split, NULL},
    {"slice", map_slice, NULL},
    {"slice_copy", map_slice, NULL},
    {"narrow", map_narrow, NULL},
    {"select", map_select, NULL},
    {"select_copy", map_select, NULL},
    {"index", map_index, NULL},
    {"index_select", qf_pt2_map_simple, "Gather self index axis=$dim:0"},
    {"gather", qf_pt2_map_simple, "GatherElements self index axis=$dim:0"},
    {"embedding", qf_pt2_map_simple, "Gather weight indices axis=0"},
    {"scatter", qf_pt2_map_simple, "ScatterElements self index src axis=$dim:0"},
    {"scatter_add", qf_pt2_map_simple, "ScatterElements self index src axis=$dim:0 reduction=add"},
    {"slice_scatter", map_scatter_part, NULL},
    {"select_scatter", map_scatter_part, NULL},
    {"copy", map_copy, NULL},
    {"flip", map_flip, NULL},
    {"roll", map_roll, NULL},
    {"pad", map_pad, NULL},
    {"constant_pad_nd", map_pad, "constant"},
    {"reflection_pad1d", map_pad, "reflect"},
    {"reflection_pad2d", map_pad, "reflect"},
    {"replication_pad1d", map_pad, "replicate"},
    {"replication_pad2d", map_pad, "replicate"},
    {"tril", map_triangle, NULL},
    {"triu", map_triangle, NULL},
    {NULL},
};
