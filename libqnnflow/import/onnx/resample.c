/* SPDX-License-Identifier: MIT */
/*
 * resample.c - resampling as linear algebra: a dimension's output is a constant matrix times its input, so any filter is a MatMul, and the
 * nearest pixel a Gather. Used for antialiasing, crops and sizes that scale does not divide. See resample.h.
 */
#include "resample.h"

#include <math.h>

/* One dimension: its sizes, and what is computed of it. */
typedef struct {
  const QfOnnxResample *r;
  int64_t in, out;
  double scale, start, end;
} Line;

static double coordinate(const Line *l, double i)
{
  const double whole = l->scale * (double)l->in, last = (double)(l->in - 1);
  switch (l->r->coordinate) {
  case QF_COORD_ASYMMETRIC: return i / l->scale;
  case QF_COORD_ALIGN_CORNERS: return whole == 1 ? 0 : i * last / (whole - 1);
  case QF_COORD_PYTORCH_HALF_PIXEL: return whole == 1 ? -0.5 : (i + 0.5) / l->scale - 0.5;
  case QF_ONNX_COORD_TF_CROP:
    return whole == 1 ? (l->start + l->end) * last / 2
                      : l->start * last + i * (l->end - l->start) * last / (whole - 1);
  case QF_ONNX_COORD_SYMMETRIC:
    return (double)l->in / 2 * (1 - (double)l->out / whole) + (i + 0.5) / l->scale - 0.5;
  default: return (i + 0.5) / l->scale - 0.5;
  }
}

static gboolean is_outside(const Line *l, double x)
{
  return l->r->coordinate == QF_ONNX_COORD_TF_CROP && !(x >= 0 && x <= (double)(l->in - 1));
}

static int64_t nearest(const Line *l, double x)
{
  static double (*const cut[])(double) = {ceil, floor, floor, ceil};
  static const double shift[] = {-0.5, 0.5, 0, 0};
  const int32_t mode = l->r->nearest;
  return (int64_t)CLAMP(cut[mode](x + shift[mode]), 0, (double)(l->in - 1));
}

/* The filter at distance @d from its centre; Keys' for cubic. */
static double filter(const QfOnnxResample *r, double d)
{
  const double a = r->cubic_a;
  d = fabs(d);
  if (r->interpolation == QF_RESIZE_LINEAR)
    return MAX(1 - d, 0);
  if (d <= 1)
    return ((a + 2) * d - (a + 3)) * d * d + 1;
  return d < 2 ? ((a * d - 5 * a) * d + 8 * a) * d - 4 * a : 0;
}

/* Adds the weights of output @i to row[k * stride]; what lies outside counts as the edge. */
static void fill_weights(const Line *l, int64_t i, float *row, int64_t stride)
{
  const QfOnnxResample *r = l->r;
  const double x = coordinate(l, (double)i), narrow = r->antialias ? MIN(l->scale, 1) : 1;
  const double reach = (r->interpolation == QF_RESIZE_LINEAR ? 1 : 2) / narrow;
  const int64_t first = (int64_t)floor(x - reach), last = (int64_t)ceil(x + reach);
  double sum = 0;
  for (int pass = 0; pass < 2; pass++)
    for (int64_t k = first; k <= last; k++) {
      if (r->exclude_outside && (k < 0 || k >= l->in))
        continue;
      double w = filter(r, ((double)k - x) * narrow);
      if (!pass)
        sum += w;
      else if (sum != 0)
        row[CLAMP(k, 0, l->in - 1) * stride] += (float)(w / sum);
    }
}

/* W [out, in], or its transpose. */
static QfTensor *matrix(QfOnnxNode *n, const Line *l, gboolean transposed)
{
  g_autofree float *w = g_new0(float, l->in * l->out + 1);
  QfInts shape = {2, {transposed ? l->in : l->out, transposed ? l->out : l->in}};
  for (int64_t i = 0; i < l->out; i++)
    if (!is_outside(l, coordinate(l, (double)i)))
      fill_weights(l, i, w + (transposed ? i : i * l->in), transposed ? l->out : 1);
  return qf_build_floats(n->b, &shape, w);
}

static QfTensor *take_nearest(QfOnnxNode *n, QfTensor *x, const Line *l, int32_t axis, GError **error)
{
  g_autofree int64_t *index = g_new(int64_t, l->out + 1);
  for (int64_t i = 0; i < l->out; i++)
    index[i] = nearest(l, coordinate(l, (double)i));
  QfTensor *in[2] = {x, qf_graph_add_constant_copy(n->onnx->graph, NULL, QF_DTYPE_INT64, &l->out, 1, index)};
  QfNode *node = qf_build_begin(n->b, "Gather", in, 2, NULL);
  ((QfGatherAttrs *)node->attrs)->axis = axis;
  return qf_build_end(n->b, node, error);
}

/* The last dimension is multiplied from the right, the one before it from the left, others are brought to the end. */
static QfTensor *multiply(QfOnnxNode *n, QfTensor *x, const Line *l, int32_t axis, GError **error)
{
  if (axis == x->rank - 1)
    return qf_build_apply2(n->b, "MatMul", x, matrix(n, l, TRUE), NULL, error);
  if (axis == x->rank - 2)
    return qf_build_apply2(n->b, "MatMul", matrix(n, l, FALSE), x, NULL, error);
  QfInts perm = {.n = x->rank};
  for (int i = 0; i < x->rank; i++)
    perm.v[i] = i;
  perm.v[axis] = x->rank - 1;
  perm.v[x->rank - 1] = axis;
  QfTensor *y = qf_build_transpose(n->b, x, &perm, NULL, error);
  y = qf_build_apply2(n->b, "MatMul", y, matrix(n, l, TRUE), NULL, error);
  return qf_build_transpose(n->b, y, &perm, NULL, error);
}

/* Where dimension @axis of an output of @rank dimensions lies outside of the input; NULL: nowhere. */
static QfTensor *outside_mask(QfOnnxNode *n, const Line *l, int32_t axis, int32_t rank)
{
  g_autofree uint8_t *mask = g_new0(uint8_t, l->out + 1);
  QfInts shape = {.n = rank};
  gboolean any = FALSE;
  for (int i = 0; i < rank; i++)
    shape.v[i] = i == axis ? l->out : 1;
  for (int64_t i = 0; i < l->out; i++)
    any |= mask[i] = (uint8_t)is_outside(l, coordinate(l, (double)i));
  return any ? qf_graph_add_constant_copy(n->onnx->graph, NULL, QF_DTYPE_BOOL, shape.v, rank, mask) : NULL;
}

QfTensor *qf_onnx_resample(QfOnnxNode *n, QfTensor *x, const QfOnnxResample *r, GError **error)
{
  QfTensor *outside = NULL;
  const int32_t rank = x->rank;
  const QfDType dtype = x->dtype;
  const gboolean rounded = r->interpolation != QF_RESIZE_NEAREST && !qf_dtype_is_float(dtype);
  x = rounded ? qf_build_cast(n->b, x, QF_DTYPE_FLOAT32, NULL, error) : x;
  for (int32_t axis = 0; x && axis < rank; axis++) {
    Line l = {r, x->dims[axis], r->size[axis], r->scale[axis], r->start[axis], r->end[axis]};
    if (l.in == l.out && l.scale == 1 && (l.start == 0 && l.end == 1))
      continue;
    if (l.in < 1 || l.out < 1 || l.in > ((int64_t)1 << 40) / l.out) {
      qf_onnx_fail(n, error, QF_ERROR_LIMIT,
                   "dimension %d of %" G_GINT64_FORMAT " cannot become %" G_GINT64_FORMAT, axis, l.in, l.out);
      return NULL;
    }
    if (!qf_onnx_charge(n, r->interpolation != QF_RESIZE_NEAREST ? l.in * l.out : l.out, error))
      return NULL;
    QfTensor *mask = outside_mask(n, &l, axis, rank);
    outside = mask && outside ? qf_build_apply2(n->b, "ElementWiseOr", outside, mask, NULL, error)
                              : (mask ? mask : outside);
    x = r->interpolation == QF_RESIZE_NEAREST ? take_nearest(n, x, &l, axis, error)
                                              : multiply(n, x, &l, axis, error);
  }
  if (outside && x)
    x = qf_onnx_select(n, outside, qf_build_scalar(n->b, r->extrapolation, x->dtype), x, NULL, error);
  return rounded ? qf_build_cast(n->b, qf_build_apply1(n->b, "ElementWiseRound", x, NULL, error), dtype, NULL,
                                 error)
                 : x;
}
