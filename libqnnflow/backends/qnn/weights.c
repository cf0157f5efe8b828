/* SPDX-License-Identifier: MIT */
/*
 * weights.c - constant integer weights and the bias behind them as the library wants them: the bias in steps of input times weight, kernels
 * in signed bytes.
 *
 * The HTP multiplies by signed bytes. Weights of another zero point that need 9 bits in a channel are rounded anew by somebody: here, so
 * that each such channel keeps the sum of its weights, for neighbours in an image are alike and errors that add up to nothing cancel. Other
 * channels stay as they are. See net.h.
 */
#include "net.h"

#include <math.h>
#include <stdlib.h>

/* How far a weight was moved when it was rounded, for sorting. */
typedef struct {
  double error;
  gsize at;
} Moved;

static int by_error(gconstpointer a, gconstpointer b)
{
  const double x = ((const Moved *)a)->error, y = ((const Moved *)b)->error;
  return (x > y) - (x < y);
}

/* Rounds @n steps @d over @factor; as many are rounded the other way, those nearest to it, as the sum needs. */
static void round_channel(const int32_t *d, gsize n, double factor, int32_t *rounded)
{
  g_autofree Moved *moved = g_new(Moved, n);
  double sum = 0;
  for (gsize i = 0; i < n; i++) {
    rounded[i] = CLAMP((int32_t)rint(d[i] / factor), INT8_MIN, INT8_MAX);
    moved[i] = (Moved){rounded[i] - d[i] / factor, i};
    sum += moved[i].error;
  }
  qsort(moved, n, sizeof(*moved), by_error);
  const int32_t step = sum > 0 ? -1 : 1;
  gsize left = (gsize)rint(fabs(sum));
  for (gsize i = 0; i < n && left; i++) {
    int32_t *r = &rounded[moved[sum > 0 ? n - 1 - i : i].at];
    if (*r + step < INT8_MIN || *r + step > INT8_MAX)
      continue;
    *r += step;
    left--;
  }
}

/* The steps of channel @c of a kernel HWIO, and the factor by which they are too large for a signed byte. */
static double read_channel(const QfTensor *w, gsize c, gsize channels, gsize n, int32_t *d)
{
  const uint8_t *data = qf_tensor_data(w);
  const QfScaleOffset *entry = &w->enc.entries[w->enc.count > 1 ? c : 0];
  int32_t lo = 0, hi = 0;
  for (gsize i = 0; i < n; i++) {
    const uint8_t byte = data[i * channels + c];
    d[i] = (w->dtype == QF_DTYPE_INT8 ? (int8_t)byte : byte) + entry->offset;
    lo = MIN(lo, d[i]);
    hi = MAX(hi, d[i]);
  }
  return MAX(1, MAX(lo / (double)INT8_MIN, hi / (double)INT8_MAX));
}

/* Signed bytes with a scale for each channel. */
static void sign_kernel(QfQnnNet *net, const QfTensor *w, QfQnnTensor *t)
{
  const gsize channels = (gsize)w->dims[w->rank - 1], n = (gsize)qf_tensor_size_bytes(w) / channels;
  g_autofree int32_t *d = g_new(int32_t, n), *rounded = g_new(int32_t, n);
  int8_t *bytes = qf_qnn_net_alloc(net, n * channels);
  QfQnnScaleOffset *entries = qf_qnn_net_alloc(net, channels * sizeof(*entries));
  for (gsize c = 0; c < channels; c++) {
    const double factor = read_channel(w, c, channels, n, d);
    if (factor > 1)
      round_channel(d, n, factor, rounded);
    for (gsize i = 0; i < n; i++)
      bytes[i * channels + c] = (int8_t)(factor > 1 ? rounded[i] : d[i]);
    entries[c].scale = (float)(w->enc.entries[w->enc.count > 1 ? c : 0].scale * factor);
  }
  t->dtype = QF_QNN_SFIXED8;
  t->u.client.data = bytes;
  t->quantize = (QfQnnQuantize){1, QF_QNN_AXIS_SCALE_OFFSET, {.space = {0}}};
  t->quantize.u.axis.axis = w->rank - 1;
  t->quantize.u.axis.count = (uint32_t)channels;
  t->quantize.u.axis.entries = entries;
}

/* Whether the library would have to round: bytes around another zero than the middle. */
static gboolean is_uneven(const QfTensor *w)
{
  const int32_t middle = w->dtype == QF_DTYPE_UINT8 ? -128 : 0;
  gboolean uneven = FALSE;
  for (uint32_t i = 0; i < w->enc.count; i++) {
    if (ABS((int64_t)w->enc.entries[i].offset) > UINT8_MAX)
      return FALSE; /* no zero that a byte can be: for the library to refuse */
    uneven |= w->enc.entries[i].offset != middle;
  }
  return uneven && (w->dtype == QF_DTYPE_UINT8 || w->dtype == QF_DTYPE_INT8);
}

static const QfQnnScaleOffset *encoding_of(const QfQnnTensor *t, uint32_t c)
{
  return t->quantize.kind == QF_QNN_SCALE_OFFSET ? &t->quantize.u.one : &t->quantize.u.axis.entries[c];
}

/* The bias of integers stands for numbers in steps of input times weight. */
static void encode_bias(QfQnnNet *net, const QfNode *node, const QfQnnTensor *weights, QfQnnTensor *bias)
{
  const QfTensor *w = node->inputs[1], *b = node->inputs[2];
  const float scale = node->inputs[0]->enc.entries[0].scale;
  const gboolean one = weights->quantize.kind == QF_QNN_SCALE_OFFSET;
  const uint32_t n = one ? 1 : weights->quantize.u.axis.count;
  if (bias->dtype != QF_QNN_INT32 && bias->dtype != QF_QNN_SFIXED32)
    return;
  QfQnnScaleOffset *entries = qf_qnn_net_alloc(net, n * sizeof(*entries));
  for (uint32_t i = 0; i < n; i++)
    entries[i].scale = scale * encoding_of(weights, i)->scale;
  bias->dtype = QF_QNN_SFIXED32;
  bias->quantize =
      (QfQnnQuantize){1, one ? QF_QNN_SCALE_OFFSET : QF_QNN_AXIS_SCALE_OFFSET, {.one = *entries}};
  if (!one) {
    bias->quantize.u.axis.axis = 0;
    bias->quantize.u.axis.count = n;
    bias->quantize.u.axis.entries = entries;
  }
  if (weights->u.client.data == qf_tensor_data(w) || !b->data)
    return;
  const int32_t *from = qf_tensor_data(b);
  int32_t *to = qf_qnn_net_alloc(net, n * sizeof(*to));
  for (uint32_t i = 0; i < n; i++)
    to[i] = (int32_t)rint(from[i] * (double)w->enc.entries[w->enc.count > 1 ? i : 0].scale /
                          encoding_of(weights, i)->scale);
  bias->u.client.data = to;
}

static gboolean emit(QfQnnNet *net, const QfNode *node, QfQnnNetOp *op, gboolean sign, GString *why)
{
  const QfTensor *x = node->inputs[0], *w = node->inputs[1];
  if (!qf_tensor_is_quantized(x))
    return TRUE;
  if (!qf_tensor_is_quantized(w) || !w->data) {
    g_string_append(why, "its weights are no constant integers");
    return FALSE;
  }
  QfQnnTensor *weights = op->inputs->pdata[1];
  if (sign && is_uneven(w))
    sign_kernel(net, w, weights);
  if (op->inputs->len > 2)
    encode_bias(net, node, weights, op->inputs->pdata[2]);
  return TRUE;
}

gboolean qf_qnn_emit_bias(QfQnnNet *net, const QfNode *node, QfQnnNetOp *op, GString *why)
{
  return emit(net, node, op, FALSE, why);
}

gboolean qf_qnn_emit_kernel(QfQnnNet *net, const QfNode *node, QfQnnNetOp *op, GString *why)
{
  return emit(net, node, op, TRUE, why);
}

/* The library's keeps no dimensions: rows and columns come out, which take the node's shape afterwards. */
gboolean qf_qnn_emit_rows(QfQnnNet *net, const QfNode *node, QfQnnNetOp *op, GString *why)
{
  QfQnnTensor *y = op->outputs->pdata[0];
  if (y->rank != 2) {
    const uint32_t columns = y->dims[y->rank - 1];
    uint32_t n = 1;
    for (uint32_t i = 0; i < y->rank; i++)
      n *= y->dims[i];
    QfQnnTensor *flat = qf_qnn_net_temp(net, y);
    flat->rank = 2;
    flat->dims = qf_qnn_net_alloc(net, 2 * sizeof(*flat->dims));
    flat->dims[0] = n / columns;
    flat->dims[1] = columns;
    op->outputs->pdata[0] = flat;
    QfQnnNetOp *shape = qf_qnn_net_op(net, "Reshape");
    qf_qnn_op_input(shape, flat);
    qf_qnn_op_output(shape, y);
  }
  return emit(net, node, op, FALSE, why);
}
