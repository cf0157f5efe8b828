/* SPDX-License-Identifier: MIT */
/*
 * contrib.c - operators of the domain com.microsoft that quantizing tools and graph optimisers write. Weights of MatMulNBits stay packed:
 * they become the blocks of BlockQuantMatMul.
 */
#include "quant.h"
#include "kernels/blockquant/format.h"

#include <math.h>
#include <string.h>

#define MS "com.microsoft"

/* a b + bias, where bias may be absent. */
static gboolean finish_product(QfOnnxNode *n, QfTensor *a, QfTensor *b, QfTensor *bias, GError **error)
{
  QfTensor *in[2] = {a, b}, *y = NULL;
  if (!a || !b || !qf_onnx_map_as(n, "MatMul", in, 2, &y, error))
    return FALSE;
  if (bias)
    y = qf_build_apply2(n->b, "ElementWiseAdd", y, bias, qf_onnx_output(n, 0), error);
  return qf_onnx_bind(n, 0, y);
}

/* (A - a_zero) a_scale times (B - b_zero) b_scale; lists go with the columns of B. */
static gboolean map_integer_to_float(QfOnnxNode *n, GError **error)
{
  QfTensor *a = qf_onnx_dequantize_scaled(n, n->in[0], n->in[2], qf_onnx_input(n, 4), -1, 0, NULL, error);
  QfTensor *b = qf_onnx_dequantize_scaled(n, n->in[1], n->in[3], qf_onnx_input(n, 5), -1, 0, NULL, error);
  return finish_product(n, a, b, qf_onnx_input(n, 6), error);
}

/* As MatMulIntegerToFloat, with A rounded to the 256 levels that its own range gives. */
static gboolean map_dynamic_matmul(QfOnnxNode *n, GError **error)
{
  const QfInts none = {0};
  QfTensor *zero = qf_build_scalar(n->b, 0, QF_DTYPE_FLOAT32), *a = n->in[0];
  QfInts axes = none;
  for (axes.n = 0; axes.n < a->rank; axes.n++)
    axes.v[axes.n] = axes.n;
  QfTensor *low = qf_build_reduce(n->b, "ReduceMin", a, &axes, FALSE, NULL, error);
  QfTensor *high = qf_build_reduce(n->b, "ReduceMax", a, &axes, FALSE, NULL, error);
  low = qf_build_apply2(n->b, "ElementWiseMinimum", low, zero, NULL, error);
  high = qf_build_apply2(n->b, "ElementWiseMaximum", high, zero, NULL, error);
  QfTensor *scale = qf_build_apply2(n->b, "ElementWiseSubtract", high, low, NULL, error);
  scale = qf_build_with(n->b, "ElementWiseMultiply", scale, 1.0 / 255, NULL, error);
  if (!scale)
    return FALSE;
  /* where all of A is 0, any scale does */
  scale = qf_build_apply2(n->b, "ElementWiseMaximum", scale, qf_build_scalar(n->b, 1e-30, QF_DTYPE_FLOAT32),
                          NULL, error);
  QfTensor *shift =
      qf_build_apply1(n->b, "ElementWiseRound",
                      qf_build_apply2(n->b, "ElementWiseDivide", low, scale, NULL, error), NULL, error);
  QfTensor *q = qf_build_apply2(n->b, "ElementWiseDivide", a, scale, NULL, error);
  q = qf_build_apply2(n->b, "ElementWiseSubtract", qf_build_apply1(n->b, "ElementWiseRound", q, NULL, error),
                      shift, NULL, error);
  q = qf_build_apply2(n->b, "ElementWiseAdd", qf_build_clamp(n->b, q, 0, 255, NULL, error), shift, NULL,
                      error);
  a = qf_build_apply2(n->b, "ElementWiseMultiply", q, scale, NULL, error);
  QfTensor *b = qf_onnx_dequantize_scaled(n, n->in[1], n->in[2], qf_onnx_input(n, 3), -1, 0, NULL, error);
  return finish_product(n, a, b, qf_onnx_input(n, 4), error);
}

/* Weights [directions, K, N] with a scale a direction, or one a column of each, as LSTM has them: [directions, N, K]. */
static QfTensor *lstm_weights(QfOnnxNode *n, QfTensor *w, uint32_t scale, GError **error)
{
  static const QfInts swap = {3, {0, 2, 1}};
  QfTensor *parts[2] = {qf_onnx_input(n, scale), qf_onnx_input(n, scale + 1)};
  for (int i = 0; i < 2; i++) {
    QfInts shape = {3, {w->dims[0], 1, parts[i]->rank > 1 ? parts[i]->dims[1] : 1}};
    parts[i] = qf_build_cast(n->b, qf_build_reshape(n->b, parts[i], &shape, NULL, error), QF_DTYPE_FLOAT32,
                             NULL, error);
  }
  w = qf_build_apply2(n->b, "ElementWiseSubtract", qf_build_cast(n->b, w, QF_DTYPE_FLOAT32, NULL, error),
                      parts[1], NULL, error);
  return qf_build_transpose(n->b, qf_build_apply2(n->b, "ElementWiseMultiply", w, parts[0], NULL, error),
                            &swap, NULL, error);
}

/* An LSTM of dequantized weights; data and state stay real, so results are nearer to the float model than those that round them. */
static gboolean map_dynamic_lstm(QfOnnxNode *n, GError **error)
{
  QfTensor *in[8] = {n->in[0], NULL, NULL, n->in[3], n->in[4], n->in[5], n->in[6], n->in[7]};
  QfOnnxNode sub = *n;
  for (uint32_t i = 1; i < 3; i++) {
    if (n->in[i]->rank != 3 || !qf_onnx_input(n, 6 + 2 * i) || !qf_onnx_input(n, 7 + 2 * i))
      return qf_onnx_fail(n, error, QF_ERROR_SHAPE,
                          "its weights must be [directions, K, N] with scales and zero points");
    in[i] = lstm_weights(n, n->in[i], 6 + 2 * i, error);
    if (!in[i])
      return FALSE;
  }
  sub.row = qf_onnx_find_row("", "LSTM");
  sub.in = in;
  sub.n_in = 8;
  return sub.row && sub.row->map(&sub, error);
}

/* Attention of dequantized data and weights. */
static gboolean map_quantized_attention(QfOnnxNode *n, GError **error)
{
  QfTensor *in[5] = {NULL, NULL, n->in[2], qf_onnx_input(n, 5), qf_onnx_input(n, 8)};
  QfOnnxNode sub = *n;
  in[0] = qf_onnx_dequantize_scaled(n, n->in[0], n->in[3], qf_onnx_input(n, 6), -1, 0, NULL, error);
  in[1] = qf_onnx_dequantize_scaled(n, n->in[1], n->in[4], qf_onnx_input(n, 7), -1, 0, NULL, error);
  if (!in[0] || !in[1])
    return FALSE;
  sub.row = qf_onnx_find_row(MS, "Attention");
  sub.in = in;
  sub.n_in = 5;
  return sub.row && sub.row->map(&sub, error);
}

/* Bytes of two 4-bit numbers each, the lower half first, as bytes of one; along the last dimension. */
static QfTensor *unpack_halves(QfOnnxNode *n, const QfTensor *t, GError **error)
{
  QfInts dims = qf_build_dims(t);
  const int64_t count = qf_tensor_count(t);
  const uint8_t *from = qf_tensor_data(t);
  dims.v[dims.n - 1] *= 2;
  if (!from || !qf_onnx_charge(n, count / 8, error))
    return NULL;
  uint8_t *to = g_malloc((gsize)count * 2 + 1);
  for (int64_t i = 0; i < 2 * count; i++)
    to[i] = from[i / 2] >> (i % 2 * 4) & 15;
  return qf_graph_add_constant(n->onnx->graph, t->name, QF_DTYPE_UINT8, dims.v, dims.n,
                               g_bytes_new_take(to, (gsize)count * 2));
}

static QfTensor *gather(QfOnnxNode *n, QfTensor *t, QfTensor *indices, int32_t axis, GError **error)
{
  QfTensor *in[2] = {t, indices};
  if (!t)
    return NULL;
  QfNode *node = qf_build_begin(n->b, "Gather", in, 2, NULL);
  ((QfGatherAttrs *)node->attrs)->axis = axis;
  return qf_build_end(n->b, node, error);
}

/* Rows of a quantized table, dequantized when they are read: the table stays integers, with a scale for each block of a row. */
static gboolean map_gather_blocks(QfOnnxNode *n, GError **error)
{
  QfTensor *t = n->in[0], *scales = n->in[2], *zeros = qf_onnx_input(n, 3);
  const gboolean packed = qf_onnx_declared_number(n, 0, 0) == 2 && qf_onnx_int(n, "bits", 4) == 4;
  int32_t axis, along;
  if (!qf_onnx_need_constant(n, 0, error) || !qf_onnx_need_constant(n, 3, error) ||
      !qf_onnx_axis(n, qf_onnx_int(n, "gather_axis", 0), t->rank, &axis, error) ||
      !qf_onnx_axis(n, qf_onnx_int(n, "quantize_axis", 1), t->rank, &along, error))
    return FALSE;
  if (axis == along || along != t->rank - 1 || scales->rank != t->rank)
    return qf_onnx_fail(n, error, QF_ERROR_UNSUPPORTED,
                        "only blocks along the last axis, and another gather_axis, are supported");
  if (packed) {
    t = unpack_halves(n, t, error);
    zeros = t && zeros ? unpack_halves(n, zeros, error) : NULL;
    if (zeros && zeros->dims[along] > scales->dims[along])
      zeros = qf_build_slice(n->b, zeros, along, 0, scales->dims[along], NULL, error);
  }
  if (!zeros && qf_onnx_declared_number(n, 0, 0) == 2)
    zeros = qf_build_scalar(n->b, packed ? 8 : 128, QF_DTYPE_UINT8);
  else if (zeros)
    zeros = gather(n, zeros, n->in[1], axis, error);
  t = gather(n, t, n->in[1], axis, error);
  scales = gather(n, scales, n->in[1], axis, error);
  return t && scales &&
         qf_onnx_bind(n, 0,
                      qf_onnx_dequantize_scaled(n, t, scales, zeros, -1, qf_onnx_int(n, "block_size", 128),
                                                qf_onnx_output(n, 0), error));
}

/* What the attributes and constants of MatMulNBits are, checked against each other. */
static gboolean read_nbits(const QfOnnxNode *n, QfkNbits *w, GError **error)
{
  const QfTensor *b = n->in[1], *scales = n->in[2], *zeros = qf_onnx_input(n, 3);
  const int32_t k = qf_onnx_int(n, "K", 0), rows = qf_onnx_int(n, "N", 0);
  *w = (QfkNbits){.bits = (uint32_t)qf_onnx_int(n, "bits", 4),
                  .block_size = (uint32_t)qf_onnx_int(n, "block_size", 0)};
  if (qf_onnx_input(n, 4))
    return qf_onnx_fail(
        n, error, QF_ERROR_UNSUPPORTED,
        "its input g_idx (columns in another order) is not supported; quantize without act_order");
  for (uint32_t i = 1; i < 4; i++)
    if (!qf_onnx_need_constant(n, i, error))
      return FALSE;
  if (k < 1 || rows < 1 || !qfk_block_nbits(w->bits, w->block_size) || w->block_size > 1 << 20)
    return qf_onnx_fail(
        n, error, QF_ERROR_UNSUPPORTED,
        "weights of %d by %d with %u bits in blocks of %u are not supported: 4 or 8 bits, in blocks of a "
        "power of two from 16",
        rows, k, w->bits, w->block_size);
  const int64_t blocks = (k + w->block_size - 1) / w->block_size, count = blocks * rows;
  const int64_t packed = w->bits == 4 ? (blocks + 1) / 2 * rows : count;
  const gboolean plain = zeros && zeros->dtype == QF_DTYPE_UINT8;
  if (b->dtype != QF_DTYPE_UINT8 || qf_tensor_count(b) != count * w->block_size * w->bits / 8 ||
      scales->dtype != QF_DTYPE_FLOAT32 || qf_tensor_count(scales) != count ||
      (zeros && (plain ? packed : count) != qf_tensor_count(zeros)) ||
      (zeros && !plain && zeros->dtype != QF_DTYPE_FLOAT32))
    return qf_onnx_fail(n, error, QF_ERROR_SHAPE,
                        "its weights, scales or zero points do not have the sizes of %d rows of %d", rows, k);
  w->rows = (size_t)rows;
  w->k = (size_t)k;
  w->codes = qf_tensor_data(b);
  w->scales = qf_tensor_data(scales);
  w->zeros = plain ? qf_tensor_data(zeros) : NULL;
  w->float_zeros = zeros && !plain ? qf_tensor_data(zeros) : NULL;
  return TRUE;
}

static gboolean map_nbits(QfOnnxNode *n, GError **error)
{
  QfTensor *bias = qf_onnx_input(n, 5);
  QfkNbits w;
  if (!read_nbits(n, &w, error))
    return FALSE;
  const QfkBlockDef *format = qfk_block_nbits(w.bits, w.block_size);
  const size_t row = (w.k + format->values - 1) / format->values * format->bytes;
  const int64_t dims[2] = {(int64_t)w.rows, (int64_t)row};
  uint8_t *blocks = g_try_malloc(w.rows * row + 1);
  if (!blocks)
    return qf_onnx_fail(n, error, QF_ERROR_LIMIT, "there is no memory for its weights");
  qfk_block_pack_nbits(&w, blocks);
  QfTensor *packed = qf_graph_add_constant(n->onnx->graph, n->in[1]->name, QF_DTYPE_UINT8, dims, 2,
                                           g_bytes_new_take(blocks, w.rows * row));
  QfTensor *in[3] = {n->in[0], packed, bias};
  QfNode *node = qf_build_begin(n->b, "BlockQuantMatMul", in, 3, qf_onnx_output(n, 0));
  QfBlockQuantMatMulAttrs *a = node->attrs;
  a->format = (int32_t)(format - qfk_block_formats);
  a->in_features = (int32_t)w.k;
  return qf_onnx_bind(n, 0, qf_build_end(n->b, node, error));
}

/* MaxPool on [N,H,W,C]: the Transposes cancel. */
static gboolean map_nhwc_max_pool(QfOnnxNode *n, GError **error)
{
  QfTensor *x = n->in[0], *y = NULL;
  if (x->rank != 4)
    return qf_onnx_fail(n, error, QF_ERROR_SHAPE, "its input has %d dimensions, but [N,H,W,C] is needed",
                        x->rank);
  x = qf_build_channels_first(n->b, x, NULL, error);
  if (!x || !qf_onnx_map_as(n, "MaxPool", &x, 1, &y, error))
    return FALSE;
  return qf_onnx_bind(n, 0, qf_build_channels_last(n->b, y, error));
}

/* Sums of 8-bit integers in 32 bits. */
static gboolean map_reduce_sum_integer(QfOnnxNode *n, GError **error)
{
  const QfDType to = n->in[0]->dtype == QF_DTYPE_UINT8 ? QF_DTYPE_UINT32 : QF_DTYPE_INT32;
  QfTensor *x = qf_build_cast(n->b, n->in[0], to, NULL, error), *y = NULL;
  return x && qf_onnx_map_as(n, "ReduceSum", &x, 1, &y, error) && qf_onnx_bind(n, 0, y);
}

const QfOnnxRow qf_onnx_contrib_rows[] = {
    {MS, "MatMulIntegerToFloat", map_integer_to_float, 4, 7, NULL, 0},
    {MS, "DynamicQuantizeMatMul", map_dynamic_matmul, 3, 5, NULL, 0},
    {MS, "DynamicQuantizeLSTM", map_dynamic_lstm, 3, 12, NULL, 0},
    {MS, "QAttention", map_quantized_attention, 5, 9, NULL, 0},
    {MS, "GatherBlockQuantized", map_gather_blocks, 3, 4, "Gather", 0},
    {MS, "MatMulNBits", map_nbits, 3, 6, "BlockQuantMatMul", 0},
    {MS, "NhwcMaxPool", map_nhwc_max_pool, 1, 1, NULL, 0},
    {MS, "ReduceSumInteger", map_reduce_sum_integer, 1, 1, NULL, 0},
    {NULL},
};
