/* SPDX-License-Identifier: MIT */
/*
 * slice.c - operators that take parts: Slice, StridedSlice with its masks, Split, Unpack, Gather, Pad, Reverse.
 */
#include "map.h"

/* begin, end and stride of each dimension of the input, and the shape of the result. */
typedef struct {
  QfInts begin, end, stride, shape;
} Cut;

static QfTensor *emit_cut(QfTfNode *n, QfTensor *x, const Cut *c, QfTensor *out, GError **error)
{
  QfNode *node = qf_build_begin(&n->build, "StridedSlice", &x, 1, out);
  QfStridedSliceAttrs *a = node->attrs;
  a->begin = c->begin;
  a->end = c->end;
  a->stride = c->stride;
  return qf_build_end(&n->build, node, error);
}

static gboolean map_slice(QfTfNode *n, GError **error)
{
  Cut c = {0};
  QfInts begin, size;
  QfTensor *x = n->in[0];
  if (!qf_tf_const_ints(n, 1, &begin, error) || !qf_tf_const_ints(n, 2, &size, error))
    return FALSE;
  if (begin.n != x->rank || size.n != x->rank)
    return qf_build_fail(&n->build, error, QF_ERROR_SHAPE, "begin and size must have %d numbers", x->rank);
  c.begin.n = c.end.n = c.stride.n = x->rank;
  for (int i = 0; i < x->rank; i++) {
    int64_t length = size.v[i] == -1 ? x->dims[i] - begin.v[i] : size.v[i];
    if (begin.v[i] < 0 || length < 0 || begin.v[i] > x->dims[i] || length > x->dims[i] - begin.v[i])
      return qf_build_fail(&n->build, error, QF_ERROR_SHAPE,
                           "dimension %d has too few for its begin and size", i);
    c.begin.v[i] = begin.v[i];
    c.end.v[i] = begin.v[i] + length;
    c.stride.v[i] = 1;
  }
  return qf_tf_bind(n, 0, emit_cut(n, x, &c, qf_tf_out(n, 0), error));
}

/* One dimension that is cut by begin, end and stride; masks say "from the end of it". */
static void cut_dimension(Cut *c, int d, int64_t dim, int64_t begin, int64_t end, int64_t stride,
                          gboolean open_begin, gboolean open_end)
{
  int64_t low = stride > 0 ? 0 : -1, high = stride > 0 ? dim : dim - 1;
  begin = open_begin ? (stride > 0 ? low : high) : CLAMP(begin < 0 ? begin + dim : begin, low, high);
  end = open_end ? (stride > 0 ? high : low) : CLAMP(end < 0 ? end + dim : end, low, high);
  int64_t span = stride > 0 ? end - begin : begin - end, by = stride > 0 ? stride : -stride;
  int64_t count = span > 0 ? (span - 1) / by + 1 : 0;
  c->begin.v[d] = begin;
  c->end.v[d] = count ? end : begin;
  c->stride.v[d] = stride;
  c->shape.v[c->shape.n++] = count;
}

typedef struct {
  QfInts begin, end, stride;
  int64_t begin_mask, end_mask, ellipsis, new_axis, shrink;
} Spec;

/* Reads the specification entry by entry; @d counts the input's dimensions, c->shape the result's. */
static gboolean apply_spec(const QfTfNode *n, const Spec *s, Cut *c, GError **error)
{
  const QfTensor *x = n->in[0];
  int used = 0, d = 0;
  for (int i = 0; i < s->begin.n; i++)
    used += !(s->new_axis >> i & 1) && !(s->ellipsis >> i & 1);
  gboolean spread = FALSE;
  for (int i = 0; i < s->begin.n; i++) {
    int more = s->ellipsis >> i & 1 ? x->rank - used : 0;
    if (c->shape.n + MAX(more, 1) > QF_MAX_RANK ||
        (!more && d >= x->rank && !(s->new_axis >> i & 1) && !(s->ellipsis >> i & 1)))
      return qf_build_fail(&n->build, error, QF_ERROR_SHAPE, "it cuts more dimensions than its input has");
    if (s->ellipsis >> i & 1) {
      spread = TRUE;
      for (int k = 0; k < more; k++, d++)
        cut_dimension(c, d, x->dims[d], 0, 0, 1, TRUE, TRUE);
    } else if (s->new_axis >> i & 1) {
      c->shape.v[c->shape.n++] = 1;
    } else if (s->shrink >> i & 1) {
      int64_t at = s->begin.v[i] < 0 ? s->begin.v[i] + x->dims[d] : s->begin.v[i];
      if (at < 0 || at >= x->dims[d])
        return qf_build_fail(&n->build, error, QF_ERROR_SHAPE,
                             "index %" G_GINT64_FORMAT " is outside of dimension %d", s->begin.v[i], d);
      cut_dimension(c, d, x->dims[d], at, at + 1, 1, FALSE, FALSE);
      c->shape.n--;
      d++;
    } else {
      if (!s->stride.v[i] || s->stride.v[i] < -G_MAXINT32 || s->stride.v[i] > G_MAXINT32)
        return qf_build_fail(&n->build, error, QF_ERROR_FORMAT, "stride %" G_GINT64_FORMAT " is not possible",
                             s->stride.v[i]);
      cut_dimension(c, d, x->dims[d], s->begin.v[i], s->end.v[i], s->stride.v[i], s->begin_mask >> i & 1,
                    s->end_mask >> i & 1);
      d++;
    }
  }
  for (; !spread && d < x->rank && c->shape.n < QF_MAX_RANK; d++)
    cut_dimension(c, d, x->dims[d], 0, 0, 1, TRUE, TRUE);
  c->begin.n = c->end.n = c->stride.n = d;
  return d == x->rank ||
         qf_build_fail(&n->build, error, QF_ERROR_SHAPE, "its numbers do not fit its input's dimensions");
}

static gboolean map_strided_slice(QfTfNode *n, GError **error)
{
  Cut c = {0};
  Spec s = {.begin_mask = qf_tf_int(n, "begin_mask", 0),
            .end_mask = qf_tf_int(n, "end_mask", 0),
            .ellipsis = qf_tf_int(n, "ellipsis_mask", 0),
            .new_axis = qf_tf_int(n, "new_axis_mask", 0),
            .shrink = qf_tf_int(n, "shrink_axis_mask", 0)};
  if (!qf_tf_const_ints(n, 1, &s.begin, error) || !qf_tf_const_ints(n, 2, &s.end, error) ||
      !qf_tf_const_ints(n, 3, &s.stride, error))
    return FALSE;
  s.new_axis &= ~s.ellipsis;
  s.shrink &= ~s.ellipsis & ~s.new_axis;
  if (s.end.n != s.begin.n || s.stride.n != s.begin.n || (s.ellipsis & (s.ellipsis - 1)))
    return qf_build_fail(&n->build, error, QF_ERROR_FORMAT,
                         "its begin, end and strides are of unlike length, or it has two ellipses");
  if (!apply_spec(n, &s, &c, error))
    return FALSE;
  QfTensor *y = emit_cut(n, n->in[0], &c, NULL, error);
  return qf_tf_bind(n, 0, qf_build_reshape(&n->build, y, &c.shape, qf_tf_out(n, 0), error));
}

/* What a part costs besides its numbers: a few bytes of the file can ask for very many. */
#define PART_BYTES 1024

/* The sizes of the parts, of which one may be -1: what the others leave. NULL when they do not fill the axis. */
static int64_t *part_sizes(const QfTfNode *n, int64_t whole, int64_t parts, const QfTensor *sizes,
                           GError **error)
{
  g_autofree int64_t *list = g_new(int64_t, parts + 1);
  int64_t open = -1, rest = whole;
  gboolean fits = TRUE;
  for (int64_t i = 0; i < parts; i++) {
    list[i] = sizes ? (int64_t)qf_tensor_get_real(sizes, i) : whole / parts;
    fits = fits && list[i] >= -1 && list[i] <= whole && (list[i] >= 0 || open < 0);
    if (list[i] < 0)
      open = i;
    else
      rest = fits ? rest - list[i] : 0;
  }
  if (open >= 0)
    list[open] = rest;
  if (fits && (open < 0 ? rest == 0 : rest >= 0))
    return g_steal_pointer(&list);
  qf_build_fail(&n->build, error, QF_ERROR_SHAPE, "its parts do not fill the axis");
  return NULL;
}

/* @sizes NULL: equal parts. */
static gboolean split(QfTfNode *n, QfTensor *x, int32_t axis, int64_t parts, const QfTensor *sizes,
                      GError **error)
{
  int64_t at = 0;
  if (!qf_build_charge(&n->build, (uint64_t)parts * PART_BYTES, error))
    return FALSE;
  g_autofree int64_t *size = part_sizes(n, x->dims[axis], parts, sizes, error);
  for (int64_t i = 0; size && i < parts; at += size[i++]) {
    QfTensor *y =
        parts == 1 ? x
                   : qf_build_slice(&n->build, x, axis, at, at + size[i], qf_tf_out(n, (uint32_t)i), error);
    if (!qf_tf_bind(n, (uint32_t)i, y))
      return FALSE;
  }
  return size != NULL;
}

/* Split(axis, x) and SplitV(x, sizes, axis), by arg. */
static gboolean map_split(QfTfNode *n, GError **error)
{
  QfTensor *x = n->in[n->row->arg ? 0 : 1];
  const QfTensor *sizes = n->row->arg ? n->in[1] : NULL;
  int64_t dimension, parts = qf_tf_int(n, "num_split", 1);
  int32_t axis;
  if (!qf_tf_const_int(n, n->row->arg ? 2 : 0, &dimension, error) ||
      !qf_tf_axis(n, dimension, x->rank, &axis, error))
    return FALSE;
  if (parts < 1 || parts > MAX(x->dims[axis], 1) + 64 || (!sizes && x->dims[axis] % parts) ||
      (sizes && (!sizes->data || qf_tensor_count(sizes) != parts)))
    return qf_build_fail(&n->build, error, QF_ERROR_SHAPE,
                         "%" G_GINT64_FORMAT " parts of axis %d are not possible", parts, axis);
  return split(n, x, axis, parts, sizes, error);
}

static gboolean map_unpack(QfTfNode *n, GError **error)
{
  QfTensor *x = n->in[0];
  int32_t axis;
  if (!qf_tf_axis(n, qf_tf_int(n, "axis", 0), x->rank, &axis, error))
    return FALSE;
  QfInts shape = {.n = 0};
  for (int i = 0; i < x->rank; i++)
    if (i != axis)
      shape.v[shape.n++] = x->dims[i];
  if (qf_tf_int(n, "num", x->dims[axis]) != x->dims[axis] || x->dims[axis] > 1 << 16)
    return qf_build_fail(&n->build, error, QF_ERROR_SHAPE, "axis %d does not have as many parts as it gives",
                         axis);
  if (!qf_build_charge(&n->build, (uint64_t)x->dims[axis] * PART_BYTES, error))
    return FALSE;
  for (int64_t i = 0; i < x->dims[axis]; i++) {
    QfTensor *y = qf_build_slice(&n->build, x, axis, i, i + 1, NULL, error);
    if (!qf_tf_bind(n, (uint32_t)i, qf_build_reshape(&n->build, y, &shape, qf_tf_out(n, (uint32_t)i), error)))
      return FALSE;
  }
  return TRUE;
}

static gboolean map_gather(QfTfNode *n, GError **error)
{
  int64_t dimension = 0, batch = qf_tf_int(n, "batch_dims", 0);
  int32_t axis;
  if (n->n_in > 2 && !qf_tf_const_int(n, 2, &dimension, error))
    return FALSE;
  if (!qf_tf_axis(n, dimension, n->in[0]->rank, &axis, error))
    return FALSE;
  QfNode *node = qf_build_begin(&n->build, "Gather", n->in, 2, qf_tf_out(n, 0));
  QfGatherAttrs *a = node->attrs;
  a->axis = axis;
  a->batch_dims = qf_build_i32(batch < 0 ? batch + n->in[1]->rank : batch);
  return qf_tf_bind(n, 0, qf_build_end(&n->build, node, error));
}

static gboolean map_gather_nd(QfTfNode *n, GError **error)
{
  QfNode *node = qf_build_begin(&n->build, "GatherNd", n->in, 2, qf_tf_out(n, 0));
  return qf_tf_bind(n, 0, qf_build_end(&n->build, node, error));
}

/* paddings is [rank, 2]; arg 1: MirrorPad. */
static gboolean map_pad(QfTfNode *n, GError **error)
{
  QfTensor *x = n->in[0];
  const QfTensor *pads = n->in[1];
  double value = 0;
  if (n->n_in > 2 && !qf_tf_const_real(n, 2, &value, error))
    return FALSE;
  if (!pads->data || pads->rank != 2 || pads->dims[0] != x->rank || pads->dims[1] != 2)
    return qf_build_fail(&n->build, error, QF_ERROR_UNSUPPORTED,
                         "its paddings must be a constant of two numbers for each dimension");
  QfNode *node = qf_build_begin(&n->build, "Pad", &x, 1, qf_tf_out(n, 0));
  QfPadAttrs *a = node->attrs;
  a->before.n = a->after.n = x->rank;
  for (int i = 0; i < x->rank; i++) {
    a->before.v[i] = (int64_t)qf_tensor_get_real(pads, 2 * i);
    a->after.v[i] = (int64_t)qf_tensor_get_real(pads, 2 * i + 1);
  }
  a->value = (float)value;
  a->scheme = !n->row->arg                                  ? QF_PAD_CONSTANT
              : qf_tf_is(n, "mode", "SYMMETRIC", "REFLECT") ? QF_PAD_SYMMETRIC
                                                            : QF_PAD_REFLECT;
  return qf_tf_bind(n, 0, qf_build_end(&n->build, node, error));
}

static gboolean map_reverse(QfTfNode *n, GError **error)
{
  QfTensor *x = n->in[0];
  QfInts axes;
  Cut c = {0};
  if (!qf_tf_const_ints(n, 1, &axes, error) || !qf_tf_axes(n, &axes, x->rank, error))
    return FALSE;
  for (int i = 0, k = 0; i < x->rank; i++) {
    gboolean back = k < axes.n && axes.v[k] == i;
    k += back;
    cut_dimension(&c, i, x->dims[i], 0, 0, back ? -1 : 1, TRUE, TRUE);
  }
  c.begin.n = c.end.n = c.stride.n = x->rank;
  return qf_tf_bind(n, 0, emit_cut(n, x, &c, qf_tf_out(n, 0), error));
}

const QfTfRow qf_tf_slice_rows[] = {
    {"Slice", map_slice, 3, 3, "StridedSlice", 0},
    {"StridedSlice", map_strided_slice, 4, 4, "StridedSlice", 0},
    {"Split", map_split, 2, 2, "StridedSlice", 0},
    {"SplitV", map_split, 3, 3, "StridedSlice", 1},
    {"Unpack", map_unpack, 1, 1, NULL, 0},
    {"Gather", map_gather, 2, 2, "Gather", 0},
    {"GatherV2", map_gather, 3, 3, "Gather", 0},
    {"GatherNd", map_gather_nd, 2, 2, "GatherNd", 0},
    {"Pad", map_pad, 2, 2, "Pad", 0},
    {"PadV2", map_pad, 3, 3, "Pad", 0},
    {"MirrorPad", map_pad, 2, 2, "Pad", 1},
    {"ReverseV2", map_reverse, 2, 2, "StridedSlice", 0},
    {NULL},
};
