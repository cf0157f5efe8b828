/* SPDX-License-Identifier: MIT */
/*
 * shape.c - layers that move, cut and count values: Concat, Slice, Reshape, Permute, ... on Caffe's dimensions; the layout pass
 * moves the Transposes of images through them.
 */
#include "map.h"

static gboolean map_concat(QfCaffeLayer *l, GError **error)
{
  QF_CAFFE_PARAM(a, l, Caffe__ConcatParameter, CAFFE__CONCAT_PARAMETER__INIT, concat_param);
  int32_t axis;
  if (!qf_caffe_axis(l, a->has_concat_dim ? (int64_t)a->concat_dim : a->axis, l->in[0]->rank, FALSE, &axis,
                     error))
    return FALSE;
  if (l->n_in == 1)
    return qf_caffe_bind(l, 0, l->in[0]);
  return qf_caffe_bind(l, 0, qf_build_concat(&l->build, l->in, l->n_in, axis, qf_caffe_out(l, 0), error));
}

static gboolean map_slice(QfCaffeLayer *l, GError **error)
{
  QF_CAFFE_PARAM(a, l, Caffe__SliceParameter, CAFFE__SLICE_PARAMETER__INIT, slice_param);
  int32_t axis;
  QfTensor *x = l->in[0];
  if (!qf_caffe_axis(l, a->has_slice_dim ? (int64_t)a->slice_dim : a->axis, x->rank, FALSE, &axis, error))
    return FALSE;
  int64_t size = x->dims[axis], at = 0;
  if (a->n_slice_point ? a->n_slice_point + 1 != l->n_out : size % l->n_out != 0)
    return qf_build_fail(&l->build, error, QF_ERROR_SHAPE,
                         "%zu slice points (or equal parts of %" G_GINT64_FORMAT ") do not make %u tops",
                         a->n_slice_point, size, l->n_out);
  for (uint32_t i = 0; i < l->n_out; i++) {
    int64_t end = !a->n_slice_point ? at + size / l->n_out : i + 1 < l->n_out ? a->slice_point[i] : size;
    if (end <= at || end > size)
      return qf_build_fail(&l->build, error, QF_ERROR_SHAPE,
                           "slice points must ascend and lie within the %" G_GINT64_FORMAT " of axis %d",
                           size, axis);
    if (!qf_caffe_bind(l, i, qf_build_slice(&l->build, x, axis, at, end, qf_caffe_out(l, i), error)))
      return FALSE;
    at = end;
  }
  return TRUE;
}

static gboolean map_flatten(QfCaffeLayer *l, GError **error)
{
  QF_CAFFE_PARAM(a, l, Caffe__FlattenParameter, CAFFE__FLATTEN_PARAMETER__INIT, flatten_param);
  QfTensor *x = l->in[0];
  int32_t first, last;
  if (!qf_caffe_axis(l, a->axis, x->rank, FALSE, &first, error) ||
      !qf_caffe_axis(l, a->end_axis, x->rank, FALSE, &last, error))
    return FALSE;
  QfInts shape = {.n = 0};
  for (int i = 0; i < x->rank; i++)
    if (i > first && i <= last)
      shape.v[shape.n - 1] *= x->dims[i];
    else
      shape.v[shape.n++] = x->dims[i];
  return qf_caffe_bind(l, 0, qf_build_reshape(&l->build, x, &shape, qf_caffe_out(l, 0), error));
}

/* The part [axis, axis + num_axes) of the shape is replaced; 0 keeps a dimension, -1 is what is left. */
static gboolean map_reshape(QfCaffeLayer *l, GError **error)
{
  QF_CAFFE_PARAM(a, l, Caffe__ReshapeParameter, CAFFE__RESHAPE_PARAMETER__INIT, reshape_param);
  static Caffe__BlobShape none = CAFFE__BLOB_SHAPE__INIT;
  const Caffe__BlobShape *wanted = a->shape ? a->shape : &none;
  QfTensor *x = l->in[0];
  int32_t axis, open = -1;
  if (!qf_caffe_axis(l, a->axis, x->rank, TRUE, &axis, error))
    return FALSE;
  int32_t end = a->num_axes < 0 || a->num_axes > x->rank - axis ? x->rank : axis + a->num_axes;
  if ((int64_t)wanted->n_dim + axis + x->rank - end > QF_MAX_RANK)
    return qf_build_fail(&l->build, error, QF_ERROR_UNSUPPORTED, "more than %d dimensions are wanted",
                         QF_MAX_RANK);
  QfInts shape = {.n = 0};
  for (int i = 0; i < axis; i++)
    shape.v[shape.n++] = x->dims[i];
  for (size_t i = 0; i < wanted->n_dim; i++) {
    int64_t d = wanted->dim[i];
    if (d < -1 || (d == -1 && open >= 0) || (d == 0 && axis + (int)i >= x->rank))
      return qf_build_fail(&l->build, error, QF_ERROR_SHAPE, "dimension %zu cannot be %" G_GINT64_FORMAT, i,
                           d);
    open = d == -1 ? shape.n : open;
    shape.v[shape.n++] = d == -1 ? 1 : d == 0 ? x->dims[axis + (int)i] : d;
  }
  for (int i = end; i < x->rank; i++)
    shape.v[shape.n++] = x->dims[i];
  int64_t have = qf_tensor_count(x), rest = qf_dims_count(shape.v, shape.n);
  if (open >= 0 && rest > 0 && have % rest == 0)
    shape.v[open] = have / rest;
  if (qf_dims_count(shape.v, shape.n) != have)
    return qf_build_fail(&l->build, error, QF_ERROR_SHAPE,
                         "the wanted dimensions do not hold its bottom's %" G_GINT64_FORMAT " numbers", have);
  return qf_caffe_bind(l, 0, qf_build_reshape(&l->build, x, &shape, qf_caffe_out(l, 0), error));
}

/* The dimensions that are not named keep their order behind the named ones. */
static gboolean map_permute(QfCaffeLayer *l, GError **error)
{
  QF_CAFFE_PARAM(a, l, Caffe__PermuteParameter, CAFFE__PERMUTE_PARAMETER__INIT, permute_param);
  QfTensor *x = l->in[0];
  QfInts perm = {.n = 0};
  uint32_t seen = 0;
  for (size_t i = 0; i < a->n_order; i++) {
    if (a->order[i] >= (uint32_t)x->rank || seen >> a->order[i] & 1)
      return qf_build_fail(&l->build, error, QF_ERROR_FORMAT,
                           "its order names dimension %u, twice or outside of its bottom's %d", a->order[i],
                           x->rank);
    seen |= 1u << a->order[i];
    perm.v[perm.n++] = a->order[i];
  }
  for (int i = 0; i < x->rank; i++)
    if (!(seen >> i & 1))
      perm.v[perm.n++] = i;
  return qf_caffe_bind(l, 0, qf_build_transpose(&l->build, x, &perm, qf_caffe_out(l, 0), error));
}

static gboolean map_tile(QfCaffeLayer *l, GError **error)
{
  QF_CAFFE_PARAM(a, l, Caffe__TileParameter, CAFFE__TILE_PARAMETER__INIT, tile_param);
  QfTensor *x = l->in[0];
  int32_t axis;
  if (!qf_caffe_axis(l, a->axis, x->rank, FALSE, &axis, error))
    return FALSE;
  if (a->tiles < 1)
    return qf_build_fail(&l->build, error, QF_ERROR_FORMAT, "tiles is %d, but must be above 0", a->tiles);
  QfNode *node = qf_build_begin(&l->build, "Tile", &x, 1, qf_caffe_out(l, 0));
  QfTileAttrs *t = node->attrs;
  t->multiples.n = x->rank;
  for (int i = 0; i < x->rank; i++)
    t->multiples.v[i] = i == axis ? a->tiles : 1;
  return qf_caffe_bind(l, 0, qf_build_end(&l->build, node, error));
}

/* The k largest of a dimension, as values and as numbers of their places. */
static gboolean top_k(QfCaffeLayer *l, QfTensor *x, int32_t axis, uint32_t k, QfTensor *out[2],
                      GError **error)
{
  if (!x)
    return FALSE;
  QfTensor *made[2] = {qf_graph_add_tensor(l->build.graph, NULL), qf_graph_add_tensor(l->build.graph, NULL)};
  QfNode *node = qf_build_begin_many(&l->build, "TopK", &x, 1, made, 2);
  QfTopKAttrs *a = node->attrs;
  a->axis = axis;
  a->k = qf_build_i32(k);
  a->largest = a->sorted = 1;
  out[0] = qf_build_end(&l->build, node, error);
  out[1] = out[0] ? qf_build_cast(&l->build, made[1], QF_DTYPE_FLOAT32, NULL, error) : NULL;
  return out[1] != NULL;
}

/* Without an axis: of everything behind the first dimension, [N, 1 or 2, k]: numbers, and values if wanted. */
static gboolean map_argmax(QfCaffeLayer *l, GError **error)
{
  QF_CAFFE_PARAM(a, l, Caffe__ArgMaxParameter, CAFFE__ARG_MAX_PARAMETER__INIT, argmax_param);
  QfTensor *x = l->in[0], *y[2];
  int32_t axis;
  if (a->has_axis)
    return qf_caffe_axis(l, a->axis, x->rank, FALSE, &axis, error) && top_k(l, x, axis, a->top_k, y, error) &&
           qf_caffe_bind(l, 0, y[a->out_max_val ? 0 : 1]);
  if (x->rank < 1)
    return qf_build_fail(&l->build, error, QF_ERROR_SHAPE, "its bottom is a single number");
  QfInts rows = {3, {x->dims[0], 1, qf_tensor_count(x) / MAX(x->dims[0], 1)}}, shape = {.n = MAX(x->rank, 3)};
  for (int i = 0; i < shape.n; i++)
    shape.v[i] = i == 0 ? x->dims[0] : i == 1 && a->out_max_val ? 2 : i == 2 ? a->top_k : 1;
  if (!top_k(l, qf_build_reshape(&l->build, x, &rows, NULL, error), 2, a->top_k, y, error))
    return FALSE;
  QfTensor *both[] = {y[1], y[0]};
  QfTensor *z = a->out_max_val ? qf_build_concat(&l->build, both, 2, 1, NULL, error) : y[1];
  return qf_caffe_bind(l, 0, qf_build_reshape(&l->build, z, &shape, qf_caffe_out(l, 0), error));
}

static gboolean map_reduction(QfCaffeLayer *l, GError **error)
{
  QF_CAFFE_PARAM(a, l, Caffe__ReductionParameter, CAFFE__REDUCTION_PARAMETER__INIT, reduction_param);
  static const char *const ops[] = {NULL, "ReduceSum", "ReduceSum", "ReduceSumSquare", "ReduceMean"};
  QfTensor *x = l->in[0];
  QfInts axes = {0};
  int32_t axis;
  if (!qf_caffe_axis(l, a->axis, x->rank, FALSE, &axis, error))
    return FALSE;
  if (a->operation < 1 || a->operation >= (int)G_N_ELEMENTS(ops))
    return qf_build_fail(&l->build, error, QF_ERROR_UNSUPPORTED, "operation %d is not known",
                         (int)a->operation);
  for (int i = axis; i < x->rank; i++)
    axes.v[axes.n++] = i;
  if (a->operation == CAFFE__REDUCTION_PARAMETER__REDUCTION_OP__ASUM)
    x = qf_build_apply1(&l->build, "ElementWiseAbs", x, NULL, error);
  gboolean scaled = a->coeff != 1;
  QfTensor *y = qf_build_reduce(&l->build, ops[a->operation], x, &axes, FALSE,
                                scaled ? NULL : qf_caffe_out(l, 0), error);
  if (scaled)
    y = qf_build_with(&l->build, "ElementWiseMultiply", y, a->coeff, qf_caffe_out(l, 0), error);
  return qf_caffe_bind(l, 0, y);
}

/* Rows of the first bottom, chosen by the second. */
static gboolean map_batch_reindex(QfCaffeLayer *l, GError **error)
{
  QfTensor *in[] = {l->in[0], qf_build_cast(&l->build, l->in[1], QF_DTYPE_INT32, NULL, error)};
  if (!in[1])
    return FALSE;
  return qf_caffe_bind(l, 0,
                       qf_build_end(&l->build, qf_build_begin(&l->build, "Gather", in, 2, qf_caffe_out(l, 0)),
                                    error));
}

/* Cuts the first bottom to the size of the second, from the axis on. */
static gboolean map_crop(QfCaffeLayer *l, GError **error)
{
  QF_CAFFE_PARAM(a, l, Caffe__CropParameter, CAFFE__CROP_PARAMETER__INIT, crop_param);
  QfTensor *x = l->in[0];
  const QfTensor *like = l->in[1];
  int32_t axis;
  if (!qf_caffe_axis(l, a->axis, x->rank, FALSE, &axis, error))
    return FALSE;
  if (like->rank != x->rank || (a->n_offset > 1 && a->n_offset != (size_t)(x->rank - axis)))
    return qf_build_fail(&l->build, error, QF_ERROR_SHAPE,
                         "%zu offsets for %d dimensions, or bottoms of unlike rank", a->n_offset,
                         x->rank - axis);
  QfNode *node = qf_build_begin(&l->build, "StridedSlice", &x, 1, qf_caffe_out(l, 0));
  QfStridedSliceAttrs *s = node->attrs;
  s->begin.n = s->end.n = s->stride.n = x->rank;
  for (int i = 0; i < x->rank; i++) {
    int64_t offset = i < axis || !a->n_offset ? 0 : a->offset[a->n_offset > 1 ? i - axis : 0];
    int64_t size = i < axis ? x->dims[i] : like->dims[i];
    if (offset + size > x->dims[i])
      return qf_build_fail(&l->build, error, QF_ERROR_SHAPE,
                           "dimension %d has %" G_GINT64_FORMAT ", too few to cut %" G_GINT64_FORMAT
                           " at %" G_GINT64_FORMAT " out of it",
                           i, x->dims[i], size, offset);
    s->begin.v[i] = offset;
    s->end.v[i] = offset + size;
    s->stride.v[i] = 1;
  }
  return qf_caffe_bind(l, 0, qf_build_end(&l->build, node, error));
}

/* A learned blob as it is. */
static gboolean map_parameter(QfCaffeLayer *l, GError **error)
{
  const Caffe__BlobShape *wanted = l->p->parameter_param ? l->p->parameter_param->shape : NULL;
  QfInts shape = {.n = wanted ? (int32_t)MIN(wanted->n_dim, QF_MAX_RANK) : 0};
  if (!wanted || wanted->n_dim > QF_MAX_RANK)
    return qf_build_fail(&l->build, error, QF_ERROR_FORMAT, "it has no shape, or more than %d dimensions",
                         QF_MAX_RANK);
  for (int i = 0; i < shape.n; i++)
    shape.v[i] = wanted->dim[i];
  return qf_caffe_bind(l, 0, qf_caffe_weights(l, 0, "values", &shape, (QfCaffeSeed){-1, 1}, error));
}

const QfCaffeRow qf_caffe_shape_rows[] = {
    {"Concat", map_concat, 1, -1, 1, "Concat"},
    {"Slice", map_slice, 1, 1, -1, NULL},
    {"Flatten", map_flatten, 1, 1, 1, "Reshape"},
    {"Reshape", map_reshape, 1, 1, 1, "Reshape"},
    {"Permute", map_permute, 1, 1, 1, "Transpose"},
    {"Tile", map_tile, 1, 1, 1, "Tile"},
    {"ArgMax", map_argmax, 1, 1, 1, "TopK"},
    {"Reduction", map_reduction, 1, 1, 1, NULL},
    {"BatchReindex", map_batch_reindex, 2, 2, 1, "Gather"},
    {"Crop", map_crop, 2, 2, 1, "StridedSlice"},
    {"Parameter", map_parameter, 0, 0, 1, NULL},
    {NULL},
};
