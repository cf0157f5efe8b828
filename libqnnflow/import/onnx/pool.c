/* SPDX-License-Identifier: MIT */
/*
 * pool.c - MaxPool, AveragePool and the global ones. Rounding up (ceil_mode) becomes padding after the end that a window may
 * reach into but an average does not count.
 */
#include "window.h"

/* Adds what ceil_mode needs after the end, so that rounding down gives the wanted size. Returns it through @extra. */
static void pad_for_ceil(const QfOnnxWindow *w, int64_t *extra)
{
  for (int i = 0; i < 2; i++) {
    int64_t padded = w->in[i] + w->pad[2 * i] + w->pad[2 * i + 1];
    int64_t span = MAX(padded - w->extent[i], 0);
    int64_t out = (span + w->stride[i] - 1) / w->stride[i] + 1;
    if ((out - 1) * w->stride[i] >= w->in[i] + w->pad[2 * i])
      out--; /* a window may not start after the end */
    extra[i] = MAX((out - 1) * w->stride[i] - span, 0);
  }
}

/* Zeros that do count in an average, as pixels of the image. */
static QfTensor *pad_with_zeros(QfOnnxNode *n, QfTensor *x, QfOnnxWindow *w, GError **error)
{
  QfNode *node = qf_onnx_begin(n, "Pad", &x, 1, NULL);
  QfPadAttrs *a = node->attrs;
  a->before = (QfInts){4, {0, w->pad[0], w->pad[2], 0}};
  a->after = (QfInts){4, {0, w->pad[1], w->pad[3], 0}};
  for (int i = 0; i < 4; i++)
    w->pad[i] = 0;
  return qf_onnx_end(n, node, error);
}

static QfTensor *emit_pool(QfOnnxNode *n, QfTensor *x, const QfOnnxWindow *w, gboolean count_pad,
                           GError **error)
{
  QfNode *node = qf_onnx_begin(n, n->row->target, &x, 1, NULL);
  QfPool2dAttrs *a = node->attrs;
  for (int i = 0; i < 2; i++) {
    a->filter[i] = qf_onnx_i32(w->kernel[i]);
    a->stride[i] = qf_onnx_i32(w->stride[i]);
    a->dilation[i] = qf_onnx_i32(w->dilation[i]);
  }
  for (int i = 0; i < 4; i++)
    a->pad[i] = qf_onnx_i32(w->pad[i]);
  a->count_pad = count_pad;
  return qf_onnx_end(n, node, error);
}

static gboolean map_pool(QfOnnxNode *n, GError **error)
{
  QfOnnxWindow w;
  int64_t extra[2] = {0, 0};
  if (!qf_onnx_window(n, n->in[0], NULL, &w, error))
    return FALSE;
  qf_onnx_window_pad(&w);
  if (qf_onnx_int(n, "ceil_mode", 0))
    pad_for_ceil(&w, extra);
  gboolean count_pad = qf_onnx_int(n, "count_include_pad", 0);
  QfTensor *x = qf_onnx_to_image(n, n->in[0], error);
  if (x && count_pad && (extra[0] || extra[1])) {
    if (w.pad[0] || w.pad[1] || w.pad[2] || w.pad[3])
      x = pad_with_zeros(n, x, &w, error);
    count_pad = FALSE;
  }
  w.pad[1] += extra[0];
  w.pad[3] += extra[1];
  QfTensor *y = x ? emit_pool(n, x, &w, count_pad, error) : NULL;
  return qf_onnx_from_image(n, y, n->in[0]->rank, error);
}

/* A reduction over all spatial dimensions. arg: channels are last already. */
static gboolean map_global_pool(QfOnnxNode *n, GError **error)
{
  QfTensor *x = n->in[0];
  if (x->rank < 3)
    return qf_onnx_fail(n, error, QF_ERROR_SHAPE,
                        "its input has %d dimensions, but [N,C,spatial...] is needed", x->rank);
  QfNode *node = qf_onnx_begin(n, n->row->target, &x, 1, qf_onnx_output(n, 0));
  QfReduceAttrs *a = node->attrs;
  gboolean last = qf_onnx_int(n, "channels_last", 0) != 0;
  for (int i = 2; i < x->rank; i++)
    a->axes.v[a->axes.n++] = last ? i - 1 : i;
  a->keep_dims = 1;
  return qf_onnx_bind(n, 0, qf_onnx_end(n, node, error));
}

const QfOnnxRow qf_onnx_pool_rows[] = {
    {"", "MaxPool", map_pool, 1, 1, "PoolMax2d", 0},
    {"", "AveragePool", map_pool, 1, 1, "PoolAvg2d", 0},
    {"", "GlobalAveragePool", map_global_pool, 1, 1, "ReduceMean", 0},
    {"", "GlobalMaxPool", map_global_pool, 1, 1, "ReduceMax", 0},
    {NULL},
};
