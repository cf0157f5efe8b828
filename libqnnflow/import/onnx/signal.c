/* SPDX-License-Identifier: MIT */
/*
 * signal.c - windows, mel weights, and the Fourier transforms DFT and STFT. Windows and weights are computed at import.
 */
#include "map.h"

#include <math.h>
#include <string.h>

/* A list of numbers of the wanted float type, computed as float32. */
static gboolean check_type(const QfOnnxNode *n, GError **error)
{
  const char *name = "";
  QfDType dtype = qf_onnx_dtype(qf_onnx_int(n, "output_datatype", 1), &name);
  return qf_dtype_is_float(dtype) ||
         qf_onnx_fail(n, error, QF_ERROR_UNSUPPORTED, "its output type %s is not supported: use a float type",
                      name);
}

/* w[i] = c0 - c1 cos(2 pi i / N) + c2 cos(4 pi i / N); a symmetric window has N one smaller. */
static gboolean map_window(QfOnnxNode *n, GError **error)
{
  static const double cosines[][3] = {{0.5, 0.5, 0}, {25.0 / 46, 21.0 / 46, 0}, {0.42, 0.5, 0.08}};
  const double *c = cosines[n->row->arg];
  double size = 0;
  if (!qf_onnx_need_constant(n, 0, error) || !qf_onnx_number(n, 0, &size, error) || !check_type(n, error))
    return FALSE;
  if (!(size >= 0) || size > 1e9)
    return qf_onnx_fail(n, error, QF_ERROR_LIMIT, "its size is %g", size);
  if (!qf_onnx_charge(n, (int64_t)size, error))
    return FALSE;
  QfInts shape = {1, {(int64_t)size}};
  double period = qf_onnx_int(n, "periodic", 1) ? size : size - 1;
  g_autofree float *values = g_new(float, shape.v[0] + 1);
  for (int64_t i = 0; i < shape.v[0]; i++) {
    double turn = period > 0 ? 2 * G_PI * (double)i / period : 0;
    values[i] = (float)(c[0] - c[1] * cos(turn) + c[2] * cos(2 * turn));
  }
  return qf_onnx_bind(n, 0,
                      qf_graph_add_constant_copy(n->onnx->graph, n->out_names[0], QF_DTYPE_FLOAT32, shape.v,
                                                 1, values));
}

static double to_mel(double hertz)
{
  return 2595 * log10(1 + hertz / 700);
}

/* Triangles on the mel scale between neighbouring edges; edges are whole bins of the spectrum. */
static void fill_mel(float *values, int64_t bins, int64_t mels, const int64_t *edge)
{
  for (int64_t m = 0; m < mels; m++) {
    int64_t low = edge[m], centre = edge[m + 1], high = edge[m + 2];
    if (low == centre && centre >= 0 && centre < bins)
      values[centre * mels + m] = 1;
    for (int64_t j = MAX(low, 0); low != centre && j <= MIN(centre, bins - 1); j++)
      values[j * mels + m] = (float)(j - low) / (float)(centre - low);
    for (int64_t j = MAX(centre, 0); high > centre && j < MIN(high, bins); j++)
      values[j * mels + m] = (float)(high - j) / (float)(high - centre);
  }
}

static gboolean map_mel(QfOnnxNode *n, GError **error)
{
  double v[5] = {0};
  for (uint32_t i = 0; i < 5; i++)
    if (!qf_onnx_need_constant(n, i, error) || !qf_onnx_number(n, i, &v[i], error))
      return FALSE;
  if (!check_type(n, error))
    return FALSE;
  if (!(v[0] >= 1 && v[0] <= 1 << 16 && v[1] >= 1 && v[1] <= 1 << 24 && v[2] >= 1 && v[2] < 1e12 &&
        v[3] >= 0 && v[4] >= v[3] && v[4] < 1e12))
    return qf_onnx_fail(n, error, QF_ERROR_SHAPE,
                        "%g mel bands of a DFT of length %g at rate %g from %g to %g Hz are not possible",
                        v[0], v[1], v[2], v[3], v[4]);
  int64_t mels = (int64_t)v[0], length = (int64_t)v[1], bins = length / 2 + 1;
  if (!qf_onnx_charge(n, bins * mels, error))
    return FALSE;
  g_autofree int64_t *edge = g_new(int64_t, mels + 2);
  g_autofree float *values = g_new0(float, bins *mels + 1);
  double low = to_mel(v[3]), step = (to_mel(v[4]) - low) / (double)(mels + 2);
  for (int64_t i = 0; i < mels + 2; i++)
    edge[i] =
        (int64_t)floor((double)(length + 1) * 700 * (pow(10, ((double)i * step + low) / 2595) - 1) / v[2]);
  fill_mel(values, bins, mels, edge);
  QfInts shape = {2, {bins, mels}};
  return qf_onnx_bind(n, 0,
                      qf_graph_add_constant_copy(n->onnx->graph, n->out_names[0], QF_DTYPE_FLOAT32, shape.v,
                                                 2, values));
}

static QfTensor *emit_dft(QfOnnxNode *n, QfTensor *x, QfDftAttrs attrs, QfTensor *out, GError **error)
{
  if (!x)
    return NULL;
  QfNode *node = qf_build_begin(n->b, "DFT", &x, 1, out);
  *(QfDftAttrs *)node->attrs = attrs;
  return qf_build_end(n->b, node, error);
}

/* Opset 17 has the axis as an attribute, 20 as an input; a length left out is the input's own. */
static gboolean map_dft(QfOnnxNode *n, GError **error)
{
  QfTensor *x = n->in[0];
  const gboolean old = n->opset < 20;
  QfDftAttrs a = {.inverse = qf_onnx_int(n, "inverse", 0) != 0,
                  .onesided = qf_onnx_int(n, "onesided", 0) != 0};
  double axis = old ? qf_onnx_int(n, "axis", 1) : -2, length = 0;
  if (!qf_onnx_need_constant(n, 1, error) || !qf_onnx_number(n, 1, &length, error) ||
      !qf_onnx_need_constant(n, 2, error) || !qf_onnx_number(n, 2, &axis, error) ||
      !qf_onnx_axis(n, (int64_t)CLAMP(axis, -1e6, 1e6), x->rank, &a.axis, error))
    return FALSE;
  if (!qf_onnx_input(n, 1))
    length = (double)(a.inverse && a.onesided ? 2 * (x->dims[a.axis] - 1) : x->dims[a.axis]);
  a.length = (int32_t)CLAMP(length, 0, G_MAXINT32);
  return qf_onnx_bind(n, 0, emit_dft(n, x, a, qf_onnx_output(n, 0), error));
}

/* The frames of a signal [N, L, C] as [N, frames, length, C]: a Gather of the places along it. */
static QfTensor *emit_frames(QfOnnxNode *n, QfTensor *x, int64_t step, int64_t length, GError **error)
{
  int64_t frames = 1 + (x->dims[1] - length) / step;
  const int64_t dims[2] = {frames, length};
  if (!qf_onnx_charge(n, frames * length, error))
    return NULL;
  g_autofree int64_t *places = g_new(int64_t, frames * length + 1);
  for (int64_t i = 0; i < frames * length; i++)
    places[i] = i / length * step + i % length;
  QfTensor *in[2] = {x, qf_graph_add_constant_copy(n->onnx->graph, NULL, QF_DTYPE_INT64, dims, 2, places)};
  QfNode *node = qf_build_begin(n->b, "Gather", in, 2, NULL);
  ((QfGatherAttrs *)node->attrs)->axis = 1;
  return qf_build_end(n->b, node, error);
}

static gboolean map_stft(QfOnnxNode *n, GError **error)
{
  QfTensor *x = n->in[0], *window = qf_onnx_input(n, 2);
  double step = 0, length = window ? (double)qf_tensor_count(window) : 0;
  if (!qf_onnx_need_constant(n, 1, error) || !qf_onnx_number(n, 1, &step, error) ||
      !qf_onnx_need_constant(n, 3, error) || !qf_onnx_number(n, 3, &length, error))
    return FALSE;
  QfInts batch = {3, {x->dims[0], x->rank > 1 ? x->dims[1] : 1, 1}};
  if (x->rank == 2)
    x = qf_build_reshape(n->b, x, &batch, NULL, error);
  if (!x)
    return FALSE;
  if (length == 0 && x->rank == 3)
    length = (double)x->dims[1];
  if (x->rank != 3 || !(step >= 1) || !(length >= 1) || length > (double)x->dims[1] ||
      (window && (window->rank != 1 || (double)window->dims[0] != length)))
    return qf_onnx_fail(
        n, error, QF_ERROR_SHAPE,
        "it needs a signal [N,L,1] or [N,L,2], a step above 0, and a frame length within the signal "
        "that is also the window's");
  x = emit_frames(n, x, (int64_t)MIN(step, 1e9), (int64_t)length, error);
  if (x && window) {
    QfInts shape = {2, {window->dims[0], 1}};
    x = qf_build_apply2(n->b, "ElementWiseMultiply", x, qf_build_reshape(n->b, window, &shape, NULL, error),
                        NULL, error);
  }
  QfDftAttrs a = {.axis = 2, .length = (int32_t)length, .onesided = qf_onnx_int(n, "onesided", 1) != 0};
  return qf_onnx_bind(n, 0, emit_dft(n, x, a, qf_onnx_output(n, 0), error));
}

const QfOnnxRow qf_onnx_signal_rows[] = {
    {"", "HannWindow", map_window, 1, 1, NULL, 0},
    {"", "HammingWindow", map_window, 1, 1, NULL, 1},
    {"", "BlackmanWindow", map_window, 1, 1, NULL, 2},
    {"", "MelWeightMatrix", map_mel, 5, 5, NULL, 0},
    {"", "DFT", map_dft, 1, 3, "DFT", 0},
    {"", "STFT", map_stft, 2, 4, "DFT", 0},
    {NULL},
};
