/* SPDX-License-Identifier: MIT */
/*
 * window.c - reads and settles the sliding window of convolutions and pools. Values are kept below 2^24, so that the
 * arithmetic on them cannot overflow.
 */
#include "window.h"

#define LIMIT ((int64_t)1 << 24)

static gboolean in_range(const QfOnnxNode *n, const char *attr, int64_t value, int64_t min, GError **error)
{
  if (value >= min && value <= LIMIT)
    return TRUE;
  return qf_onnx_fail(n, error, QF_ERROR_FORMAT, "attribute %s is %" G_GINT64_FORMAT ", outside of %d to %d",
                      attr, value, (int)min, (int)LIMIT);
}

gboolean qf_onnx_spatial(const QfOnnxNode *n, const char *attr, int32_t rank, int64_t def, int64_t *out,
                         gboolean *given, GError **error)
{
  QfInts list;
  if (!qf_onnx_ints(n, attr, &list, error))
    return FALSE;
  if (given)
    *given = list.n > 0;
  out[0] = out[1] = out[2] = def;
  if (!list.n)
    return TRUE;
  if (list.n != rank - 2)
    return qf_onnx_fail(n, error, QF_ERROR_SHAPE,
                        "attribute %s has %d values, but the input has %d spatial dimensions", attr, list.n,
                        rank - 2);
  for (int i = 0; i < list.n; i++) {
    out[3 - list.n + i] = list.v[i];
    if (!in_range(n, attr, list.v[i], 0, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean read_pads(const QfOnnxNode *n, QfOnnxWindow *w, GError **error)
{
  QfInts pads;
  if (!qf_onnx_ints(n, "pads", &pads, error))
    return FALSE;
  if (pads.n && pads.n != 2 * w->spatial)
    return qf_onnx_fail(n, error, QF_ERROR_SHAPE, "attribute pads has %d values, but %d are needed", pads.n,
                        2 * w->spatial);
  for (int i = 0; i < pads.n; i++) {
    int axis = 3 - w->spatial + i % w->spatial;
    if (!in_range(n, "pads", pads.v[i], 0, error))
      return FALSE;
    w->pad[2 * axis + i / w->spatial] = pads.v[i];
  }
  return TRUE;
}

static gboolean settle_sizes(const QfOnnxNode *n, const int64_t *kernel, gboolean given, QfOnnxWindow *w,
                             GError **error)
{
  for (int i = 0; i < 3; i++) {
    if (i < 3 - w->spatial)
      w->kernel[i] = w->stride[i] = w->dilation[i] = 1;
    else if (kernel && given && kernel[i] != w->kernel[i])
      return qf_onnx_fail(n, error, QF_ERROR_SHAPE, "attribute kernel_shape does not fit the weights");
    else if (kernel)
      w->kernel[i] = kernel[i];
    if (!in_range(n, "kernel_shape", w->kernel[i], 1, error) ||
        !in_range(n, "strides", w->stride[i], 1, error) ||
        !in_range(n, "dilations", w->dilation[i], 1, error))
      return FALSE;
    w->extent[i] = (w->kernel[i] - 1) * w->dilation[i] + 1;
  }
  return TRUE;
}

gboolean qf_onnx_window(const QfOnnxNode *n, const QfTensor *x, const int64_t *kernel, QfOnnxWindow *w,
                        GError **error)
{
  static const char *const auto_pads[] = {"NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER", NULL};
  gboolean given = TRUE;
  *w = (QfOnnxWindow){.spatial = x->rank - 2, .in = {1, 1, 1}};
  if (x->rank < 3 || x->rank > 5)
    return qf_onnx_fail(n, error, QF_ERROR_UNSUPPORTED,
                        "its input '%s' has %d dimensions: [N,C] and one to three more are supported",
                        x->name, x->rank);
  for (int i = 2; i < x->rank; i++) {
    w->in[5 - x->rank + i - 2] = x->dims[i];
    if (x->dims[i] > G_MAXINT32)
      return qf_onnx_fail(n, error, QF_ERROR_LIMIT, "its input is too large");
  }
  if (!qf_onnx_enum(n, "auto_pad", auto_pads, QF_AUTO_PAD_NOTSET, &w->auto_pad, error) ||
      !qf_onnx_spatial(n, "kernel_shape", x->rank, 1, w->kernel, &given, error) ||
      !qf_onnx_spatial(n, "strides", x->rank, 1, w->stride, NULL, error) ||
      !qf_onnx_spatial(n, "dilations", x->rank, 1, w->dilation, NULL, error))
    return FALSE;
  if (!given && !kernel)
    return qf_onnx_fail(n, error, QF_ERROR_FORMAT, "attribute kernel_shape is missing");
  return settle_sizes(n, kernel, given, w, error) &&
         (w->auto_pad != QF_AUTO_PAD_NOTSET || read_pads(n, w, error));
}

void qf_onnx_window_pad(QfOnnxWindow *w)
{
  if (w->auto_pad != QF_AUTO_PAD_SAME_UPPER && w->auto_pad != QF_AUTO_PAD_SAME_LOWER)
    return;
  for (int i = 3 - w->spatial; i < 3; i++) {
    int64_t out = (w->in[i] + w->stride[i] - 1) / w->stride[i];
    int64_t total = MAX((out - 1) * w->stride[i] + w->extent[i] - w->in[i], 0);
    int64_t less = total / 2;
    gboolean upper = w->auto_pad == QF_AUTO_PAD_SAME_UPPER;
    w->pad[2 * i] = upper ? less : total - less;
    w->pad[2 * i + 1] = upper ? total - less : less;
  }
}

QfTensor *qf_onnx_to_volume(QfOnnxNode *n, QfTensor *x, GError **error)
{
  QfInts shape = {5, {x->dims[0], 1, 1, 1, x->dims[1]}};
  for (int i = 2; i < x->rank; i++)
    shape.v[6 - x->rank + i - 2] = x->dims[i];
  return qf_build_reshape(n->b, qf_build_channels_last(n->b, x, error), &shape, NULL, error);
}

QfTensor *qf_onnx_from_volume(QfOnnxNode *n, QfTensor *y, int32_t rank, QfTensor *out, GError **error)
{
  if (!y)
    return NULL;
  QfInts shape = {.n = rank, .v = {y->dims[0]}};
  for (int i = 1; i < rank; i++)
    shape.v[i] = y->dims[5 - rank + i];
  return qf_build_channels_first(n->b, qf_build_reshape(n->b, y, &shape, NULL, error), out, error);
}
