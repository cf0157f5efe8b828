/* SPDX-License-Identifier: MIT */
/*
 * speech.c - the features of the speech commands networks: DecodeWav, AudioSpectrogram, Mfcc. Each is linear but for a square and a
 * logarithm, so it becomes products with matrices that are computed here, in double.
 */
#include "map.h"

#include <math.h>

#define MAX_WINDOW 16384
#define MAX_FILTERS 1024

/* Sounds come as numbers here, not as a file: an input of samples in -1..1, at the rate that these networks are made for. */
static gboolean map_decode_wav(QfTfNode *n, GError **error)
{
  QfGraph *graph = n->build.graph;
  int64_t dims[] = {qf_tf_int(n, "desired_samples", -1), qf_tf_int(n, "desired_channels", -1)}, rate = 16000;
  for (int i = 0; i < 2; i++)
    dims[i] = dims[i] < 0 ? -1 : dims[i];
  if (dims[1] < 0)
    dims[1] = 1;
  /* a first dimension that is open counts as a batch of one elsewhere: here the number of samples must be given */
  if (dims[0] < 0 && !n->tf->options->n_input_dims)
    return qf_build_fail(&n->build, error, QF_ERROR_SHAPE,
                         "the number of samples is open; give it (--dims=%.80s=16000x1 to tools)",
                         n->build.name);
  if (!qf_import_resolve_dims(graph, n->tf->options, graph->inputs->len, n->build.name, dims, 2, error))
    return FALSE;
  if (qf_dims_count(dims, 2) < 0)
    return qf_build_fail(&n->build, error, QF_ERROR_LIMIT, "it is too large for any memory");
  QfTensor *t = qf_tf_out(n, 0);
  qf_tensor_set_shape(t, QF_DTYPE_FLOAT32, dims, 2);
  g_ptr_array_add(graph->inputs, t);
  return qf_tf_bind(n, 0, t) && qf_tf_bind(n, 1, qf_tf_make_ints(n, QF_DTYPE_INT32, &rate, 1, TRUE));
}

/* Cosines or sines of each frequency, with the window (Hann, periodic) in them: [window, bins]. */
static QfTensor *fourier_matrix(QfTfNode *n, int64_t window, int64_t fft, gboolean sine)
{
  int64_t bins = fft / 2 + 1;
  QfInts shape = {2, {window, bins}};
  g_autofree float *m = g_new(float, window *bins);
  for (int64_t i = 0; i < window; i++) {
    double w = 0.5 - 0.5 * cos(2 * G_PI * (double)i / (double)window);
    for (int64_t k = 0; k < bins; k++) {
      double angle = 2 * G_PI * (double)(i * k % fft) / (double)fft;
      m[i * bins + k] = (float)(w * (sine ? sin(angle) : cos(angle)));
    }
  }
  return qf_build_floats(&n->build, &shape, m);
}

/* The samples of each channel, window by window: [channels, frames, window]. */
static QfTensor *cut_frames(QfTfNode *n, int64_t window, int64_t stride, int64_t frames, GError **error)
{
  static const QfInts swap = {2, {1, 0}};
  const int64_t dims[] = {frames, window};
  g_autofree int32_t *at = g_new(int32_t, frames * window);
  for (int64_t i = 0; i < frames * window; i++)
    at[i] = (int32_t)(i / window * stride + i % window);
  QfTensor *in[] = {qf_build_transpose(&n->build, n->in[0], &swap, NULL, error),
                    qf_graph_add_constant_copy(n->build.graph, NULL, QF_DTYPE_INT32, dims, 2, at)};
  if (!in[0])
    return NULL;
  QfNode *node = qf_build_begin(&n->build, "Gather", in, 2, NULL);
  ((QfGatherAttrs *)node->attrs)->axis = 1;
  return qf_build_end(&n->build, node, error);
}

static gboolean map_spectrogram(QfTfNode *n, GError **error)
{
  int64_t window = qf_tf_int(n, "window_size", 0), stride = qf_tf_int(n, "stride", 0), fft = 1;
  if (!qf_tf_need_rank(n, 0, 2, error))
    return FALSE;
  int64_t samples = n->in[0]->dims[0];
  if (window < 2 || window > MAX_WINDOW || stride < 1 || samples < window || samples > 1 << 24)
    return qf_build_fail(&n->build, error, QF_ERROR_SHAPE,
                         "windows of %" G_GINT64_FORMAT " by %" G_GINT64_FORMAT " in %" G_GINT64_FORMAT
                         " samples are not possible",
                         window, stride, samples);
  while (fft < window)
    fft *= 2;
  int64_t frames = 1 + (samples - window) / stride;
  if (!qf_build_charge(&n->build, (uint64_t)(window * (fft + 2 + frames)) * sizeof(float), error))
    return FALSE;
  QfTensor *x = cut_frames(n, window, stride, frames, error), *part[2];
  for (int i = 0; i < 2; i++) {
    part[i] =
        x ? qf_build_apply2(&n->build, "MatMul", x, fourier_matrix(n, window, fft, i), NULL, error) : NULL;
    part[i] = qf_build_apply2(&n->build, "ElementWiseMultiply", part[i], part[i], NULL, error);
  }
  gboolean squared = qf_tf_bool(n, "magnitude_squared", FALSE);
  QfTensor *y =
      qf_build_apply2(&n->build, "ElementWiseAdd", part[0], part[1], squared ? qf_tf_out(n, 0) : NULL, error);
  if (!squared)
    y = qf_build_apply1(&n->build, "ElementWiseSquareRoot", y, qf_tf_out(n, 0), error);
  return qf_tf_bind(n, 0, y);
}

static double mel(double hertz)
{
  return 1127 * log1p(hertz / 700);
}

/* Triangles on the mel scale: each frequency between the bounds is shared by the two filters whose centres enclose it. */
static QfTensor *mel_matrix(QfTfNode *n, int64_t bins, int64_t filters, double rate, double low, double high)
{
  QfInts shape = {2, {bins, filters}};
  g_autofree float *m = g_new0(float, bins *filters);
  double first = mel(low), step = (mel(high) - first) / (double)(filters + 1),
         hertz = 0.5 * rate / (double)(bins - 1);
  int64_t begin = (int64_t)fmin(1.5 + low / hertz, (double)bins),
          end = (int64_t)fmin(high / hertz, (double)bins);
  for (int64_t i = MAX(begin, 0); i <= MIN(end, bins - 1); i++) {
    double place = (mel((double)i * hertz) - first) / step; /* centre k stands at k + 1 */
    place = fmin(fmax(place, -1), (double)filters + 2);
    int64_t below = (int64_t)floor(place) - 1;
    double share = (double)(below + 2) - place;
    if (below >= 0 && below < filters)
      m[i * filters + below] = (float)share;
    if (below + 1 >= 0 && below + 1 < filters)
      m[i * filters + below + 1] = (float)(1 - share);
  }
  return qf_build_floats(&n->build, &shape, m);
}

static QfTensor *cosine_matrix(QfTfNode *n, int64_t filters, int64_t count)
{
  QfInts shape = {2, {filters, count}};
  g_autofree float *m = g_new(float, filters *count);
  for (int64_t j = 0; j < filters; j++)
    for (int64_t i = 0; i < count; i++)
      m[j * count + i] =
          (float)(sqrt(2.0 / (double)filters) * cos((double)i * G_PI / (double)filters * ((double)j + 0.5)));
  return qf_build_floats(&n->build, &shape, m);
}

static gboolean map_mfcc(QfTfNode *n, GError **error)
{
  double rate, low = qf_tf_float(n, "lower_frequency_limit", 20),
               high = qf_tf_float(n, "upper_frequency_limit", 4000);
  int64_t filters = qf_tf_int(n, "filterbank_channel_count", 40),
          count = qf_tf_int(n, "dct_coefficient_count", 13);
  if (!qf_tf_need_rank(n, 0, 3, error) || !qf_tf_const_real(n, 1, &rate, error))
    return FALSE;
  int64_t bins = n->in[0]->dims[2];
  if (bins < 2 || bins > MAX_WINDOW || filters < 1 || filters > MAX_FILTERS || count < 1 || count > filters ||
      !(rate > 0) || !(low >= 0) || !(high > low))
    return qf_build_fail(&n->build, error, QF_ERROR_FORMAT,
                         "%" G_GINT64_FORMAT " coefficients of %" G_GINT64_FORMAT
                         " filters from %g to %g Hz at %g are not possible",
                         count, filters, low, high, rate);
  if (!qf_build_charge(&n->build, (uint64_t)(filters * (bins + count)) * sizeof(float), error))
    return FALSE;
  QfTensor *y = qf_build_apply1(&n->build, "ElementWiseSquareRoot", n->in[0], NULL, error); /* of squares */
  y = y ? qf_build_apply2(&n->build, "MatMul", y, mel_matrix(n, bins, filters, rate, low, high), NULL, error)
        : NULL;
  y = qf_build_with(&n->build, "ElementWiseMaximum", y, 1e-12, NULL, error);
  y = qf_build_apply1(&n->build, "ElementWiseLog", y, NULL, error);
  return qf_tf_bind(n, 0,
                    y ? qf_build_apply2(&n->build, "MatMul", y, cosine_matrix(n, filters, count),
                                        qf_tf_out(n, 0), error)
                      : NULL);
}

const QfTfRow qf_tf_speech_rows[] = {
    {"DecodeWav", map_decode_wav, 1, 1, NULL, 0},
    {"AudioSpectrogram", map_spectrogram, 1, 1, NULL, 0},
    {"Mfcc", map_mfcc, 2, 2, NULL, 0},
    {NULL},
};
