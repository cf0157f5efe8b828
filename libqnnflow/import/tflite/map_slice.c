/* SPDX-License-Identifier: MIT */
/*
 * map_slice.c - taking parts of tensors and padding them: SLICE, STRIDED_SLICE with its masks, REVERSE_V2, PAD.
 * Everything becomes one StridedSlice with resolved bounds, and a Reshape where dimensions go or come.
 */
#include "map.h"

/* STRIDED_SLICE's bounds as given, entry by entry, and what becomes of them, dimension by dimension. */
typedef struct {
  QfInts begin, end, stride;
  int64_t begin_mask, end_mask, ellipsis_mask, new_axis_mask, shrink_mask;
  gboolean offset; /* end counts from begin */
  QfInts out_begin, out_end, out_stride;
  QfInts shape; /* of the result */
} Slice;

static gboolean add_slice(QfTflNode *n, QfTensor *in, QfTensor *out, const QfInts *begin, const QfInts *end,
                          const QfInts *stride, GError **error)
{
  QfNode *node = qf_tfl_new_node(n, "StridedSlice", &in, 1, &out, 1);
  *(QfStridedSliceAttrs *)node->attrs = (QfStridedSliceAttrs){*begin, *end, *stride};
  return qf_tfl_add_node(n, node, error);
}

static void push(QfInts *list, int64_t value)
{
  if (list->n < QF_MAX_RANK)
    list->v[list->n] = value;
  list->n++;
}

static void keep_dimension(Slice *s, int64_t size)
{
  push(&s->out_begin, 0);
  push(&s->out_end, size);
  push(&s->out_stride, 1);
  push(&s->shape, size);
}

/* Bounds outside the dimension move to its edge; from the edge on, a negative stride ends at -1. */
static int64_t resolve(int64_t value, int64_t size, int64_t stride)
{
  int64_t v = value < 0 ? value + size : value;
  return stride > 0 ? CLAMP(v, 0, size) : CLAMP(v, -1, size - 1);
}

static gboolean slice_dimension(const QfTflNode *n, Slice *s, int32_t entry, int64_t size, GError **error)
{
  int64_t bit = (int64_t)1 << entry, stride = s->stride.v[entry], begin = s->begin.v[entry],
          end = s->end.v[entry];
  if (stride == 0 || stride == G_MININT64)
    return qf_tfl_fail(n, error, QF_ERROR_FORMAT, "a stride of 0; the file is damaged");
  if (s->shrink_mask & bit) {
    begin = begin < 0 ? begin + size : begin;
    if (begin < 0 || begin >= size)
      return qf_tfl_fail(n, error, QF_ERROR_SHAPE,
                         "index %" G_GINT64_FORMAT " is outside a dimension of %" G_GINT64_FORMAT,
                         s->begin.v[entry], size);
    push(&s->out_begin, begin);
    push(&s->out_end, begin + 1);
    push(&s->out_stride, 1);
    return TRUE;
  }
  end = s->offset ? begin + end : end;
  begin = s->begin_mask & bit ? (stride > 0 ? 0 : size - 1) : resolve(begin, size, stride);
  end = s->end_mask & bit ? (stride > 0 ? size : -1) : resolve(end, size, stride);
  int64_t span = stride > 0 ? end - begin : begin - end, step = ABS(stride);
  push(&s->out_begin, begin);
  push(&s->out_end, end);
  push(&s->out_stride, stride);
  push(&s->shape, span > 0 ? (span - 1) / step + 1 : 0);
  return TRUE;
}

static int32_t count_bits(int64_t mask, int32_t n)
{
  int32_t bits = 0;
  for (int32_t i = 0; i < n; i++)
    bits += (mask >> i) & 1;
  return bits;
}

static gboolean resolve_slice(const QfTflNode *n, Slice *s, const QfTensor *x, GError **error)
{
  int32_t entries = s->begin.n, next = 0;
  int32_t fixed = entries - count_bits(s->new_axis_mask & ~s->ellipsis_mask, entries) -
                  count_bits(s->ellipsis_mask, entries);
  if (entries != s->end.n || entries != s->stride.n || fixed > x->rank ||
      count_bits(s->ellipsis_mask, entries) > 1)
    return qf_tfl_fail(n, error, QF_ERROR_SHAPE, "its bounds do not fit %d dimensions", x->rank);
  for (int32_t i = 0; i < entries; i++) {
    int64_t bit = (int64_t)1 << i;
    if (s->ellipsis_mask & bit)
      for (int32_t k = x->rank - fixed; k > 0; k--, next++)
        keep_dimension(s, x->dims[next]);
    else if (s->new_axis_mask & bit)
      push(&s->shape, 1);
    else if (!slice_dimension(n, s, i, x->dims[next++], error))
      return FALSE;
  }
  for (; next < x->rank; next++)
    keep_dimension(s, x->dims[next]);
  return s->shape.n <= QF_MAX_RANK ||
         qf_tfl_fail(n, error, QF_ERROR_UNSUPPORTED, "the result has more than %d dimensions", QF_MAX_RANK);
}

static gboolean map_strided_slice(QfTflNode *n, GError **error)
{
  Slice s = {.begin_mask = qf_tfl_option(n, QF_TFL_SLICE_BEGIN_MASK, 0),
             .end_mask = qf_tfl_option(n, QF_TFL_SLICE_END_MASK, 0),
             .ellipsis_mask = qf_tfl_option(n, QF_TFL_SLICE_ELLIPSIS_MASK, 0),
             .new_axis_mask = qf_tfl_option(n, QF_TFL_SLICE_NEW_AXIS_MASK, 0),
             .shrink_mask = qf_tfl_option(n, QF_TFL_SLICE_SHRINK_MASK, 0),
             .offset = qf_tfl_option_byte(n, QF_TFL_SLICE_OFFSET, 0) != 0};
  if (!qf_tfl_get_ints(n, 1, &s.begin, error) || !qf_tfl_get_ints(n, 2, &s.end, error) ||
      !qf_tfl_get_ints(n, 3, &s.stride, error) || !resolve_slice(n, &s, n->in[0], error))
    return FALSE;
  gboolean same = !(s.shrink_mask || s.new_axis_mask);
  QfTensor *part = same ? n->out[0] : qf_tfl_temp(n, "part", n->out[0]);
  if (!add_slice(n, n->in[0], part, &s.out_begin, &s.out_end, &s.out_stride, error))
    return FALSE;
  return same || qf_tfl_add_reshape(n, part, n->out[0], s.shape.v, s.shape.n, error);
}

static gboolean map_slice(QfTflNode *n, GError **error)
{
  const QfTensor *x = n->in[0];
  QfInts begin, size, end, stride;
  if (!qf_tfl_get_ints(n, 1, &begin, error) || !qf_tfl_get_ints(n, 2, &size, error))
    return FALSE;
  end.n = stride.n = begin.n;
  for (int32_t i = 0; begin.n == x->rank && size.n == x->rank && i < x->rank; i++) {
    int64_t b = begin.v[i], limit = x->dims[i], length = size.v[i] < 0 ? limit - b : size.v[i];
    if (b < 0 || b > limit || length < 0 || length > limit - b)
      return qf_tfl_fail(n, error, QF_ERROR_SHAPE,
                         "%" G_GINT64_FORMAT " elements from %" G_GINT64_FORMAT
                         " on are outside a dimension of %" G_GINT64_FORMAT,
                         length, b, limit);
    end.v[i] = b + length;
    stride.v[i] = 1;
  }
  if (begin.n != x->rank || size.n != x->rank)
    return qf_tfl_fail(n, error, QF_ERROR_SHAPE, "its bounds do not fit %d dimensions", x->rank);
  return add_slice(n, n->in[0], n->out[0], &begin, &end, &stride, error);
}

static gboolean map_reverse(QfTflNode *n, GError **error)
{
  const QfTensor *x = n->in[0];
  Slice s = {0};
  QfInts axes;
  if (!qf_tfl_get_ints(n, 1, &axes, error))
    return FALSE;
  for (int32_t i = 0; i < x->rank; i++)
    keep_dimension(&s, x->dims[i]);
  for (int32_t i = 0; i < axes.n; i++) {
    int32_t axis;
    if (!qf_tfl_axis(n, axes.v[i], x->rank, &axis, error))
      return FALSE;
    s.out_begin.v[axis] = x->dims[axis] - 1;
    s.out_end.v[axis] = -1;
    s.out_stride.v[axis] = -1;
  }
  return add_slice(n, n->in[0], n->out[0], &s.out_begin, &s.out_end, &s.out_stride, error);
}

/* Amounts are a constant [rank, 2]. */
static gboolean get_amounts(const QfTflNode *n, QfPadAttrs *a, GError **error)
{
  const QfTensor *amounts = n->in[1];
  int64_t v[2 * QF_MAX_RANK];
  int32_t rank = n->in[0]->rank;
  if (qf_tensor_get_ints(amounts, v, 2 * QF_MAX_RANK) != 2 * rank || amounts->rank != 2)
    return qf_tfl_fail(n, error, QF_ERROR_UNSUPPORTED,
                       "its amounts must be two constants for each of %d dimensions", rank);
  a->before.n = a->after.n = rank;
  for (int32_t i = 0; i < rank; i++) {
    a->before.v[i] = v[2 * i];
    a->after.v[i] = v[2 * i + 1];
    if (v[2 * i] < 0 || v[2 * i + 1] < 0)
      return qf_tfl_fail(n, error, QF_ERROR_FORMAT, "a negative amount of padding; the file is damaged");
  }
  return TRUE;
}

static gboolean map_pad(QfTflNode *n, GError **error)
{
  const QfTensor *value = n->n_in > 2 ? n->in[2] : NULL;
  QfNode *node = qf_tfl_new_node(n, "Pad", n->in, 1, n->out, 1);
  QfPadAttrs *a = node->attrs;
  if (!get_amounts(n, a, error))
    return FALSE;
  if (value && (!qf_tensor_data(value) || qf_tensor_count(value) != 1))
    return qf_tfl_fail(n, error, QF_ERROR_UNSUPPORTED, "the padding's value must be one constant");
  a->scheme = QF_PAD_CONSTANT;
  a->value = value ? (float)qf_tensor_get_real(value, 0) : 0;
  return qf_tfl_add_node(n, node, error);
}

static gboolean map_mirror_pad(QfTflNode *n, GError **error)
{
  QfNode *node = qf_tfl_new_node(n, "Pad", n->in, 1, n->out, 1);
  QfPadAttrs *a = node->attrs;
  a->scheme = qf_tfl_option_byte(n, QF_TFL_MIRROR_PAD_MODE, 0) ? QF_PAD_SYMMETRIC : QF_PAD_REFLECT;
  return get_amounts(n, a, error) && qf_tfl_add_node(n, node, error);
}

const QfTflRow qf_tfl_slice_rows[] = {
    {45, "STRIDED_SLICE", map_strided_slice, 4, 4, 1, NULL, NULL},
    {65, "SLICE", map_slice, 3, 3, 1, NULL, NULL},
    {105, "REVERSE_V2", map_reverse, 2, 2, 1, NULL, NULL},
    {34, "PAD", map_pad, 2, 2, 1, NULL, NULL},
    {60, "PADV2", map_pad, 3, 3, 1, NULL, NULL},
    {100, "MIRROR_PAD", map_mirror_pad, 2, 2, 1, NULL, NULL},
    {0},
};
