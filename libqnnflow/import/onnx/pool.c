/* SPDX-License-Identifier: MIT */
/*
 * pool.c - MaxPool, AveragePool, LpPool, the global ones, MaxUnpool. Rounding up (ceil_mode) becomes padding after the end that a window may
 * reach into but an average does not count.
 */
#include "window.h"

#include <string.h>

/* Adds what ceil_mode needs after the end, so that rounding down gives the wanted size. Returns it through @extra. */
static void pad_for_ceil(const QfOnnxWindow *w, int64_t *extra)
{
  for (int i = 0; i < 3; i++) {
    int64_t padded = w->in[i] + w->pad[2 * i] + w->pad[2 * i + 1];
    int64_t span = MAX(padded - w->extent[i], 0);
    int64_t out = (span + w->stride[i] - 1) / w->stride[i] + 1;
    if ((out - 1) * w->stride[i] >= w->in[i] + w->pad[2 * i])
      out--; /* a window may not start after the end */
    extra[i] = MAX((out - 1) * w->stride[i] - span, 0);
  }
}

/* Zeros that do count in an average, as pixels of the image or volume. */
static QfTensor *pad_with_zeros(QfOnnxNode *n, QfTensor *x, QfOnnxWindow *w, GError **error)
{
  QfNode *node = qf_build_begin(n->b, "Pad", &x, 1, NULL);
  QfPadAttrs *a = node->attrs;
  a->before.n = a->after.n = x->rank;
  for (int i = 1; i < x->rank - 1; i++) {
    const int side = i - 1 + 5 - x->rank;
    a->before.v[i] = w->pad[2 * side];
    a->after.v[i] = w->pad[2 * side + 1];
    w->pad[2 * side] = w->pad[2 * side + 1] = 0;
  }
  return qf_build_end(n->b, node, error);
}

static QfTensor *emit_pool(QfOnnxNode *n, const char *op, QfTensor *x, const QfOnnxWindow *w,
                           gboolean count_pad, GError **error)
{
  if (!x)
    return NULL;
  QfNode *node = qf_build_begin(n->b, op, &x, 1, NULL);
  QfPool2dAttrs *a = node->attrs;
  for (int i = 0; i < 2; i++) {
    a->filter[i] = qf_build_i32(w->kernel[1 + i]);
    a->stride[i] = qf_build_i32(w->stride[1 + i]);
    a->dilation[i] = qf_build_i32(w->dilation[1 + i]);
  }
  for (int i = 0; i < 4; i++)
    a->pad[i] = qf_build_i32(w->pad[2 + i]);
  a->count_pad = count_pad;
  return qf_build_end(n->b, node, error);
}

/* @places: NULL, or where the places of maxima go. */
static QfTensor *emit_volume_pool(QfOnnxNode *n, const char *op, QfTensor *x, const QfOnnxWindow *w,
                                  gboolean count_pad, QfTensor **places, GError **error)
{
  QfTensor *out[2] = {qf_graph_add_tensor(n->onnx->graph, NULL), NULL};
  if (!x)
    return NULL;
  if (places)
    *places = out[1] = qf_graph_add_tensor(n->onnx->graph, NULL);
  QfNode *node = qf_graph_new_node(n->onnx->graph, op, n->name, &x, 1, out, places ? 2 : 1);
  QfPool3dAttrs *a = node->attrs;
  for (int i = 0; i < 3; i++) {
    a->filter[i] = qf_build_i32(w->kernel[i]);
    a->stride[i] = qf_build_i32(w->stride[i]);
    a->dilation[i] = qf_build_i32(w->dilation[i]);
  }
  for (int i = 0; i < 6; i++)
    a->pad[i] = qf_build_i32(w->pad[i]);
  a->count_pad = count_pad;
  return qf_build_end(n->b, node, error);
}

/* Places by column: (w * H + h) * D + d instead of (d * H + h) * W + w, as values and, for the order, dimensions. */
static QfTensor *by_column(QfOnnxNode *n, QfTensor *places, const QfOnnxWindow *w, GError **error)
{
  QfTensor *rest = places, *sum = NULL;
  int64_t weight = w->in[0] * w->in[1];
  for (int i = 2; i >= 0; i--) {
    QfTensor *size = qf_build_scalar(n->b, (double)w->in[i], QF_DTYPE_INT64);
    QfTensor *at = i ? qf_build_apply2(n->b, "ElementWiseMod", rest, size, NULL, error) : rest;
    at = qf_build_apply2(n->b, "ElementWiseMultiply", at,
                         qf_build_scalar(n->b, (double)weight, QF_DTYPE_INT64), NULL, error);
    sum = sum ? qf_build_apply2(n->b, "ElementWiseAdd", sum, at, NULL, error) : at;
    rest = i ? qf_build_apply2(n->b, "ElementWiseFloorDiv", rest, size, NULL, error) : rest;
    weight = i ? weight / MAX(w->in[i - 1], 1) : 1;
  }
  return sum;
}

/* Indices into the whole input, from places within one channel of one image. */
static QfTensor *emit_indices(QfOnnxNode *n, QfTensor *places, const QfOnnxWindow *w, GError **error)
{
  const QfTensor *x = n->in[0];
  const int64_t planes = x->dims[0] * x->dims[1], size = w->in[0] * w->in[1] * w->in[2];
  if (qf_onnx_int(n, "storage_order", 0))
    places = by_column(n, places, w, error);
  places = qf_onnx_from_volume(n, places, x->rank, NULL, error);
  if (!places || planes > 1 << 24)
    return NULL;
  QfInts shape = {.n = x->rank, .v = {x->dims[0], x->dims[1], 1, 1, 1}};
  g_autofree int64_t *first = g_new(int64_t, planes + 1);
  for (int64_t i = 0; i < planes; i++)
    first[i] = i * size;
  QfTensor *base = qf_graph_add_constant_copy(n->onnx->graph, NULL, QF_DTYPE_INT64, shape.v, shape.n, first);
  return qf_build_apply2(n->b, "ElementWiseAdd", places, base, qf_onnx_output(n, 1), error);
}

/* MaxPool and AveragePool; LpPool as p-th root of a sum. arg: LpPool. */
typedef struct {
  QfOnnxWindow w;
  int64_t extra[3]; /* after the end, for ceil_mode */
  gboolean count_pad, volume, places;
} Pool;

static gboolean read_pool(QfOnnxNode *n, Pool *p, GError **error)
{
  const QfTensor *x = n->in[0];
  *p = (Pool){.count_pad = n->row->arg || qf_onnx_int(n, "count_include_pad", 0)};
  if (!qf_onnx_window(n, x, NULL, &p->w, error))
    return FALSE;
  qf_onnx_window_pad(&p->w);
  if (qf_onnx_int(n, "ceil_mode", 0))
    pad_for_ceil(&p->w, p->extra);
  p->places = n->n_out > 1 && n->out_names[1];
  p->volume = x->rank == 5 || p->places;
  return TRUE;
}

static QfTensor *apply_pool(QfOnnxNode *n, Pool *p, QfTensor *x, QfTensor **places, GError **error)
{
  gboolean max = !strcmp(n->row->target, "PoolMax2d"), any = FALSE, padded = FALSE;
  for (int i = 0; i < 3; i++) {
    any |= p->extra[i] > 0;
    padded |= p->w.pad[2 * i] || p->w.pad[2 * i + 1];
  }
  x = x ? p->volume ? qf_onnx_to_volume(n, x, error) : qf_onnx_to_image(n, x, error) : NULL;
  if (x && p->count_pad && any) {
    if (padded)
      x = pad_with_zeros(n, x, &p->w, error);
    p->count_pad = FALSE;
  }
  for (int i = 0; i < 3; i++)
    p->w.pad[2 * i + 1] += p->extra[i];
  if (p->volume)
    return emit_volume_pool(n, max ? "PoolMax3d" : "PoolAvg3d", x, &p->w, p->count_pad, places, error);
  return emit_pool(n, max ? "PoolMax2d" : "PoolAvg2d", x, &p->w, p->count_pad, error);
}

static gboolean map_pool(QfOnnxNode *n, GError **error)
{
  Pool p;
  QfTensor *places = NULL;
  const int32_t rank = n->in[0]->rank;
  if (!read_pool(n, &p, error))
    return FALSE;
  QfTensor *y = apply_pool(n, &p, n->in[0], p.places ? &places : NULL, error);
  if (p.places && (!y || !qf_onnx_bind(n, 1, emit_indices(n, places, &p.w, error))))
    return qf_onnx_fail(n, error, QF_ERROR_LIMIT, "its indices are too many");
  if (p.volume)
    return qf_onnx_bind(n, 0, qf_onnx_from_volume(n, y, rank, qf_onnx_output(n, 0), error));
  return qf_onnx_from_image(n, y, rank, error);
}

/* |x| ^ p, or with @root its p-th root. */
static QfTensor *power(QfOnnxNode *n, QfTensor *x, int32_t p, gboolean root, QfTensor *out, GError **error)
{
  if (!root)
    x = qf_build_apply1(n->b, "ElementWiseAbs", x, NULL, error);
  return qf_build_apply2(n->b, "ElementWisePower", x,
                         qf_build_scalar(n->b, root ? 1.0 / p : p, QF_DTYPE_FLOAT32), out, error);
}

/* The mean over whole windows, zeros beyond the border included, times their size: so pads are made pixels. */
static gboolean map_lp_pool(QfOnnxNode *n, GError **error)
{
  const int32_t rank = n->in[0]->rank, p = qf_onnx_int(n, "p", 2);
  Pool pool;
  if (p < 1)
    return qf_onnx_fail(n, error, QF_ERROR_FORMAT, "p is %d, but must be at least 1", p);
  if (!read_pool(n, &pool, error))
    return FALSE;
  for (int i = 0; i < 3; i++) {
    pool.w.pad[2 * i + 1] += pool.extra[i];
    pool.extra[i] = 0;
  }
  QfTensor *y = power(n, n->in[0], p, FALSE, NULL, error);
  double count = (double)pool.w.kernel[0] * (double)pool.w.kernel[1] * (double)pool.w.kernel[2];
  y = qf_build_with(n->b, "ElementWiseMultiply", apply_pool(n, &pool, y, NULL, error), count, NULL, error);
  y = power(n, y, p, TRUE, NULL, error);
  if (pool.volume)
    return qf_onnx_bind(n, 0, qf_onnx_from_volume(n, y, rank, qf_onnx_output(n, 0), error));
  return qf_onnx_from_image(n, y, rank, error);
}

static gboolean map_global_lp_pool(QfOnnxNode *n, GError **error)
{
  QfTensor *x = n->in[0];
  QfInts axes = {0};
  const int32_t p = qf_onnx_int(n, "p", 2);
  if (p < 1 || x->rank < 3)
    return qf_onnx_fail(n, error, QF_ERROR_FORMAT, "p is %d and its input has %d dimensions", p, x->rank);
  for (int i = 2; i < x->rank; i++)
    axes.v[axes.n++] = i;
  QfTensor *y =
      qf_build_reduce(n->b, "ReduceSum", power(n, x, p, FALSE, NULL, error), &axes, TRUE, NULL, error);
  return qf_onnx_bind(n, 0, power(n, y, p, TRUE, qf_onnx_output(n, 0), error));
}

/* Output size of MaxUnpool by its window; a given one adds zeros behind, or cuts. */
static gboolean unpool_sizes(QfOnnxNode *n, QfInts *inferred, QfInts *given, GError **error)
{
  QfOnnxWindow w;
  QfTensor *x = n->in[0];
  *inferred = qf_build_dims(x);
  if (!qf_onnx_window(n, x, NULL, &w, error) || !qf_onnx_list(n, NULL, 2, given, NULL, error))
    return FALSE;
  for (int i = 2; i < x->rank; i++) {
    const int side = 5 - x->rank + i - 2;
    inferred->v[i] =
        (x->dims[i] - 1) * w.stride[side] + w.kernel[side] - w.pad[2 * side] - w.pad[2 * side + 1];
  }
  int64_t count = qf_dims_count(inferred->v, inferred->n);
  if (count < 1 || count > 1 << 26 || (given->n && given->n != x->rank))
    return qf_onnx_fail(n, error, QF_ERROR_SHAPE,
                        "its output of %" G_GINT64_FORMAT " values, or its output_shape of "
                        "%d dimensions, makes no sense",
                        count, given->n);
  for (int i = 0; i < given->n; i++)
    if (given->v[i] < 1 || given->v[i] > G_MAXINT32 || (i < 2 && given->v[i] != x->dims[i]))
      return qf_onnx_fail(n, error, QF_ERROR_SHAPE, "its output_shape does not fit its input");
  return TRUE;
}

static gboolean map_max_unpool(QfOnnxNode *n, GError **error)
{
  QfInts inferred, given, flat = {1, {qf_tensor_count(n->in[0])}}, one = {1, {1}}, whole = {1, {0}};
  if (!unpool_sizes(n, &inferred, &given, error))
    return FALSE;
  whole.v[0] = qf_dims_count(inferred.v, inferred.n);
  QfTensor *zero = qf_build_reshape(n->b, qf_build_scalar(n->b, 0, n->in[0]->dtype), &one, NULL, error);
  QfNode *fill = qf_build_begin(n->b, "Tile", &zero, 1, NULL);
  ((QfTileAttrs *)fill->attrs)->multiples = whole;
  QfTensor *in[] = {qf_build_end(n->b, fill, error), qf_build_reshape(n->b, n->in[1], &flat, NULL, error),
                    qf_build_reshape(n->b, n->in[0], &flat, NULL, error)};
  if (!in[0] || !in[1] || !in[2])
    return FALSE;
  QfTensor *y = qf_build_end(n->b, qf_build_begin(n->b, "ScatterElements", in, 3, NULL), error);
  y = qf_build_reshape(n->b, y, &inferred, given.n ? NULL : qf_onnx_output(n, 0), error);
  if (!y || !given.n)
    return qf_onnx_bind(n, 0, y);
  QfNode *pad = qf_build_begin(n->b, "Pad", &y, 1, qf_onnx_output(n, 0));
  QfPadAttrs *a = pad->attrs;
  a->before.n = a->after.n = y->rank;
  for (int i = 0; i < y->rank; i++)
    a->after.v[i] = given.v[i] - inferred.v[i];
  return qf_onnx_bind(n, 0, qf_build_end(n->b, pad, error));
}

/* A reduction over all spatial dimensions. arg: channels are last already. */
static gboolean map_global_pool(QfOnnxNode *n, GError **error)
{
  QfTensor *x = n->in[0];
  if (x->rank < 3)
    return qf_onnx_fail(n, error, QF_ERROR_SHAPE,
                        "its input has %d dimensions, but [N,C,spatial...] is needed", x->rank);
  QfNode *node = qf_build_begin(n->b, n->row->target, &x, 1, qf_onnx_output(n, 0));
  QfReduceAttrs *a = node->attrs;
  gboolean last = qf_onnx_int(n, "channels_last", 0) != 0;
  for (int i = 2; i < x->rank; i++)
    a->axes.v[a->axes.n++] = last ? i - 1 : i;
  a->keep_dims = 1;
  return qf_onnx_bind(n, 0, qf_build_end(n->b, node, error));
}

const QfOnnxRow qf_onnx_pool_rows[] = {
    {"", "MaxPool", map_pool, 1, 1, "PoolMax2d", 0},
    {"", "AveragePool", map_pool, 1, 1, "PoolAvg2d", 0},
    {"", "LpPool", map_lp_pool, 1, 1, "PoolAvg2d", 1},
    {"", "GlobalLpPool", map_global_lp_pool, 1, 1, NULL, 0},
    {"", "MaxUnpool", map_max_unpool, 2, 3, NULL, 0},
    {"", "GlobalAveragePool", map_global_pool, 1, 1, "ReduceMean", 0},
    {"", "GlobalMaxPool", map_global_pool, 1, 1, "ReduceMax", 0},
    {NULL},
};
