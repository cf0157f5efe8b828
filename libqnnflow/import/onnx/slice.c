/* SPDX-License-Identifier: MIT */
/*
 * slice.c - taking parts and putting parts: Slice, Split, Gather, Scatter, Pad, Crop. Negative and clamped positions are
 * resolved here, so that the graph only has plain ones.
 */
#include "map.h"

#include <string.h>

/* The positions that ONNX's clamping gives for one dimension. */
static void clamp_range(int64_t dim, int64_t *step, int64_t *begin, int64_t *end)
{
  int64_t low = *step < 0 ? -1 : 0, high = *step < 0 ? dim - 1 : dim;
  int64_t b = *begin < 0 ? MAX(*begin, -dim - 1) + dim : *begin;
  int64_t e = *end < 0 ? MAX(*end, -dim - 1) + dim : *end;
  if (dim == 0) {
    *begin = *end = 0;
    *step = 1;
    return;
  }
  *begin = CLAMP(b, 0, high);
  *end = CLAMP(e, low, high);
}

static gboolean read_slice(const QfOnnxNode *n, QfInts *starts, QfInts *ends, QfInts *axes, QfInts *steps,
                           GError **error)
{
  if (!qf_onnx_list(n, "starts", 1, starts, NULL, error) || !qf_onnx_list(n, "ends", 2, ends, NULL, error) ||
      !qf_onnx_list(n, "axes", 3, axes, NULL, error) || !qf_onnx_list(n, NULL, 4, steps, NULL, error))
    return FALSE;
  if (starts->n != ends->n || (axes->n && axes->n != starts->n) || (steps->n && steps->n != starts->n))
    return qf_onnx_fail(n, error, QF_ERROR_SHAPE, "starts, ends, axes and steps differ in length");
  return TRUE;
}

static gboolean map_slice(QfOnnxNode *n, GError **error)
{
  QfTensor *x = n->in[0];
  QfInts starts, ends, axes, steps;
  if (!read_slice(n, &starts, &ends, &axes, &steps, error))
    return FALSE;
  QfInts zero = {.n = x->rank}, one = {.n = x->rank}, dims = qf_build_dims(x);
  for (int i = 0; i < x->rank; i++)
    one.v[i] = 1;
  for (int i = 0; i < starts.n; i++) {
    int32_t axis;
    if (!qf_onnx_axis(n, axes.n ? axes.v[i] : i, x->rank, &axis, error))
      return FALSE;
    int64_t step = steps.n ? CLAMP(steps.v[i], -G_MAXINT32, G_MAXINT32) : 1;
    if (!step)
      return qf_onnx_fail(n, error, QF_ERROR_FORMAT, "a step is 0");
    clamp_range(x->dims[axis], &step, &starts.v[i], &ends.v[i]);
    zero.v[axis] = starts.v[i];
    dims.v[axis] = ends.v[i];
    one.v[axis] = step;
  }
  QfNode *node = qf_build_begin(n->b, "StridedSlice", &x, 1, qf_onnx_output(n, 0));
  *(QfStridedSliceAttrs *)node->attrs = (QfStridedSliceAttrs){zero, dims, one};
  return qf_onnx_bind(n, 0, qf_build_end(n->b, node, error));
}

/* Where each part of a Split ends; the sizes come from an attribute, an input, or are equal (the last one smaller). */
static int64_t *split_sizes(const QfOnnxNode *n, int64_t dim, GError **error)
{
  const Onnx__AttributeProto *attr = qf_onnx_attr(n, "split");
  const QfTensor *t = qf_onnx_input(n, 1);
  g_autofree int64_t *sizes = g_new0(int64_t, n->n_out + 1);
  int64_t equal = (dim + n->n_out - 1) / n->n_out, total = 0;
  gboolean wrong = attr && !t && attr->n_ints != n->n_out;
  if (!qf_onnx_need_constant(n, 1, error))
    return NULL;
  wrong = wrong || (t && qf_tensor_get_ints(t, sizes, (int32_t)n->n_out) != (int32_t)n->n_out);
  for (uint32_t i = 0; i < n->n_out && !wrong; i++) {
    if (!t)
      sizes[i] = attr ? attr->ints[i] : MIN(equal, dim - total);
    wrong = sizes[i] < 0 || sizes[i] > dim - total;
    total += sizes[i];
  }
  if (wrong || total != dim) {
    qf_onnx_fail(n, error, QF_ERROR_SHAPE, "its sizes do not sum up to the %" G_GINT64_FORMAT " of the axis",
                 dim);
    return NULL;
  }
  return g_steal_pointer(&sizes);
}

/* Few parts are one Split; more than its list holds are slices. */
static gboolean map_split(QfOnnxNode *n, GError **error)
{
  QfTensor *x = n->in[0];
  int32_t axis;
  if (!qf_onnx_axis(n, qf_onnx_int(n, "axis", 0), x->rank, &axis, error))
    return FALSE;
  g_autofree int64_t *sizes = split_sizes(n, x->dims[axis], error);
  if (!sizes)
    return FALSE;
  if (n->n_out > QF_MAX_RANK) {
    int64_t at = 0;
    for (uint32_t i = 0; i < n->n_out; at += sizes[i++]) {
      n->out[i] = qf_build_slice(n->b, x, axis, at, at + sizes[i], qf_onnx_output(n, i), error);
      if (!n->out[i])
        return FALSE;
    }
    return TRUE;
  }
  for (uint32_t i = 0; i < n->n_out; i++)
    n->out[i] = qf_onnx_output(n, i);
  QfNode *node = qf_graph_new_node(n->onnx->graph, "Split", n->name, &x, 1, n->out, n->n_out);
  QfConcatAttrs *a = node->attrs;
  a->axis = axis;
  a->sizes.n = (int32_t)n->n_out;
  memcpy(a->sizes.v, sizes, n->n_out * sizeof(*sizes));
  return qf_build_end(n->b, node, error) != NULL;
}

/* Gather, GatherElements, Scatter, ScatterElements: operators with an axis. */
static gboolean map_gather(QfOnnxNode *n, GError **error)
{
  static const char *const reductions[] = {"none", "add", "mul", "max", "min", NULL};
  QfTensor *in[3] = {n->in[0], n->in[1], qf_onnx_input(n, 2)};
  int32_t axis, reduction;
  if (!qf_onnx_axis(n, qf_onnx_int(n, "axis", 0), in[0]->rank, &axis, error) ||
      !qf_onnx_enum(n, "reduction", reductions, 0, &reduction, error))
    return FALSE;
  QfNode *node = qf_build_begin(n->b, n->row->target, in, n->n_in, qf_onnx_output(n, 0));
  QfGatherAttrs *a = node->attrs;
  a->axis = axis;
  a->reduction = reduction;
  return qf_onnx_bind(n, 0, qf_build_end(n->b, node, error));
}

static gboolean map_gather_nd(QfOnnxNode *n, GError **error)
{
  static const char *const reductions[] = {"none", "add", "mul", "max", "min", NULL};
  int32_t reduction;
  if (!qf_onnx_enum(n, "reduction", reductions, 0, &reduction, error))
    return FALSE;
  QfNode *node = qf_build_begin(n->b, n->row->target, n->in, n->n_in, qf_onnx_output(n, 0));
  QfGatherAttrs *a = node->attrs;
  a->batch_dims = qf_onnx_int(n, "batch_dims", 0);
  a->reduction = reduction;
  return qf_onnx_bind(n, 0, qf_build_end(n->b, node, error));
}

/* Amounts for each dimension, from 2 x axes numbers. */
static gboolean read_pad(const QfOnnxNode *n, QfInts *before, QfInts *after, GError **error)
{
  int32_t rank = n->in[0]->rank;
  const QfTensor *t = qf_onnx_input(n, 1);
  const Onnx__AttributeProto *attr = qf_onnx_attr(n, qf_onnx_attr(n, "pads") ? "pads" : "paddings");
  int64_t values[2 * QF_MAX_RANK] = {0};
  QfInts axes;
  if (!qf_onnx_need_constant(n, 1, error) || !qf_onnx_list(n, NULL, 3, &axes, NULL, error))
    return FALSE;
  int32_t count = t      ? qf_tensor_get_ints(t, values, 2 * QF_MAX_RANK)
                  : attr ? (int32_t)MIN(attr->n_ints, 99)
                         : -1;
  int32_t named = axes.n ? axes.n : rank;
  if (count != 2 * named)
    return qf_onnx_fail(n, error, QF_ERROR_SHAPE, "it needs a begin and an end pad for each dimension");
  for (int i = 0; !t && i < count; i++)
    values[i] = attr->ints[i];
  before->n = after->n = rank;
  for (int i = 0; i < named; i++) {
    int32_t axis;
    if (!qf_onnx_axis(n, axes.n ? axes.v[i] : i, rank, &axis, error))
      return FALSE;
    before->v[axis] = CLAMP(values[i], -G_MAXINT32, G_MAXINT32);
    after->v[axis] = CLAMP(values[i + named], -G_MAXINT32, G_MAXINT32);
  }
  return TRUE;
}

/* The input repeats in all directions: a Gather along each padded dimension. */
static QfTensor *pad_wrapped(QfOnnxNode *n, QfTensor *x, const QfInts *before, const QfInts *after,
                             GError **error)
{
  for (int axis = 0; x && axis < before->n; axis++) {
    const int64_t size = x->dims[axis];
    int64_t out = 0;
    if (!before->v[axis] && !after->v[axis])
      continue;
    if (__builtin_add_overflow(before->v[axis], after->v[axis], &out) ||
        __builtin_add_overflow(out, size, &out) || size < 1 || out < 0 || out > 1 << 26) {
      qf_onnx_fail(n, error, QF_ERROR_SHAPE,
                   "dimension %d of %" G_GINT64_FORMAT " cannot be padded like that", axis, size);
      return NULL;
    }
    if (!qf_onnx_charge(n, out, error))
      return NULL;
    g_autofree int64_t *index = g_new(int64_t, out + 1);
    for (int64_t i = 0; i < out; i++)
      index[i] = ((i - before->v[axis]) % size + size) % size;
    QfTensor *in[2] = {x, qf_graph_add_constant_copy(n->onnx->graph, NULL, QF_DTYPE_INT64, &out, 1, index)};
    QfNode *node = qf_build_begin(n->b, "Gather", in, 2, NULL);
    ((QfGatherAttrs *)node->attrs)->axis = axis;
    x = qf_build_end(n->b, node, error);
  }
  return x;
}

static gboolean map_pad(QfOnnxNode *n, GError **error)
{
  static const char *const modes[] = {"constant", "reflect", "symmetric", "edge", "wrap", NULL};
  enum { WRAP = 4 };
  QfInts before = {0}, after = {0};
  int32_t scheme;
  double value = qf_onnx_float(n, "value", 0);
  if (!qf_onnx_enum(n, "mode", modes, QF_PAD_CONSTANT, &scheme, error) ||
      !read_pad(n, &before, &after, error) || !qf_onnx_number(n, 2, &value, error))
    return FALSE;
  if (n->in[0]->enc.count == 1) /* the file's number is a stored one, the graph's a real one */
    value = (value + n->in[0]->enc.entries[0].offset) * (double)n->in[0]->enc.entries[0].scale;
  if (scheme == WRAP)
    return qf_onnx_bind(n, 0, pad_wrapped(n, n->in[0], &before, &after, error));
  QfNode *node = qf_build_begin(n->b, "Pad", n->in, 1, qf_onnx_output(n, 0));
  *(QfPadAttrs *)node->attrs = (QfPadAttrs){before, after, scheme, (float)value};
  return qf_onnx_bind(n, 0, qf_build_end(n->b, node, error));
}

/* Crop (opset 1): border left, top, right, bottom; with scale the size that is kept from the left and top border on. */
static gboolean map_crop(QfOnnxNode *n, GError **error)
{
  QfTensor *x = n->in[0];
  QfInts border, scale;
  if (!qf_onnx_ints(n, "border", &border, error) || !qf_onnx_ints(n, "scale", &scale, error))
    return FALSE;
  if (x->rank != 4 || border.n != 4 || (scale.n && scale.n != 2))
    return qf_onnx_fail(n, error, QF_ERROR_SHAPE,
                        "it needs an input [N,C,H,W], four borders, and two sizes or none");
  int64_t end[2];
  for (int i = 0; i < 2; i++) {
    int64_t begin = border.v[1 - i], dim = x->dims[2 + i];
    if (begin < 0 || begin > dim || border.v[3 - i] < 0 || border.v[3 - i] > dim)
      return qf_onnx_fail(n, error, QF_ERROR_SHAPE, "a border lies outside of the image");
    end[i] = scale.n ? begin + CLAMP(scale.v[i], 0, dim) : dim - border.v[3 - i];
    if (end[i] < begin || end[i] > dim)
      return qf_onnx_fail(n, error, QF_ERROR_SHAPE, "nothing is left of the image");
  }
  QfNode *node = qf_build_begin(n->b, "StridedSlice", &x, 1, qf_onnx_output(n, 0));
  *(QfStridedSliceAttrs *)node->attrs = (QfStridedSliceAttrs){
      .begin = {4, {0, 0, border.v[1], border.v[0]}},
      .end = {4, {x->dims[0], x->dims[1], end[0], end[1]}},
      .stride = {4, {1, 1, 1, 1}},
  };
  return qf_onnx_bind(n, 0, qf_build_end(n->b, node, error));
}

const QfOnnxRow qf_onnx_slice_rows[] = {
    {"", "Slice", map_slice, 1, 5, "StridedSlice", 0},
    {"", "Split", map_split, 1, 2, "Split", 0},
    {"", "Gather", map_gather, 2, 2, "Gather", 0},
    {"", "GatherElements", map_gather, 2, 2, "GatherElements", 0},
    {"", "Scatter", map_gather, 3, 3, "ScatterElements", 0},
    {"", "ScatterElements", map_gather, 3, 3, "ScatterElements", 0},
    {"", "GatherND", map_gather_nd, 2, 2, "GatherNd", 0},
    {"", "ScatterND", map_gather_nd, 3, 3, "ScatterNd", 0},
    {"", "Pad", map_pad, 1, 4, "Pad", 0},
    {"com.microsoft", "Pad", map_pad, 2, 3, "Pad", 0},
    {"", "Crop", map_crop, 1, 1, "StridedSlice", 0},
    {NULL},
};
