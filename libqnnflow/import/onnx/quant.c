/* SPDX-License-Identifier: MIT */
/*
 * quant.c - QuantizeLinear and DequantizeLinear become nodes with encodings on their integer tensors (offset = -zero_point).
 * Operators that are quantized themselves (QLinearConv, ...) become Dequantize, the float operator, Quantize: the same pattern,
 * which the qdq pass turns into integer operators.
 */
#include "quant.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* Reads scale and zero point as an encoding of a tensor with @dims; @entries must be freed. */
static uint32_t read_encoding(const QfOnnxNode *n, QfTensor *scale, QfTensor *zero, QfScaleOffset **entries,
                              GError **error)
{
  qf_onnx_demand(n->onnx, scale);
  qf_onnx_demand(n->onnx, zero);
  gboolean known = scale && scale->data && (!zero || zero->data);
  int64_t count = scale && scale->data ? qf_tensor_count(scale) : -1;
  if (count < 1 || scale->rank > 1 || count > G_MAXINT32 ||
      (zero && (!zero->data || qf_tensor_count(zero) != count)) || qf_onnx_int(n, "block_size", 0)) {
    qf_onnx_fail(n, error, known ? QF_ERROR_UNSUPPORTED : QF_ERROR_DYNAMIC,
                 "its scale and zero point must be constants, one number or one for each index of an axis");
    return 0;
  }
  *entries = g_new(QfScaleOffset, count);
  for (int64_t i = 0; i < count; i++) {
    double s = qf_tensor_get_real(scale, i), z = zero ? qf_tensor_get_real(zero, i) : 0;
    if (!(s >= 0) || !(s < 1e30) || !(fabs(z) <= 65535)) {
      qf_onnx_fail(n, error, QF_ERROR_FORMAT, "scale %g or zero point %g is out of range", s, z);
      g_clear_pointer(entries, g_free);
      return 0;
    }
    (*entries)[i] =
        (QfScaleOffset){(float)MAX(s, FLT_MIN), -(int32_t)z}; /* a scale of 0 says that all is 0 */
  }
  return (uint32_t)count;
}

/* @t with an encoding: itself, or, as constants may be shared, a twin of the same bytes. */
static QfTensor *encoded(QfOnnxNode *n, QfTensor *t, QfTensor *scale, QfTensor *zero, int64_t axis,
                         GError **error)
{
  g_autofree QfScaleOffset *entries = NULL;
  int32_t at = 0;
  if (!t || qf_dtype_is_float(t->dtype)) {
    qf_onnx_fail(n, error, QF_ERROR_TYPE, "it dequantizes '%s', which holds no integers", t ? t->name : "");
    return NULL;
  }
  uint32_t count = read_encoding(n, scale, zero, &entries, error);
  if (!count || (count > 1 && !qf_onnx_axis(n, axis, t->rank, &at, error)))
    return NULL;
  if (count > 1 && t->dims[at] != count) {
    qf_onnx_fail(n, error, QF_ERROR_SHAPE,
                 "it has %u scales, but axis %d of '%s' has %" G_GINT64_FORMAT " indices", count, at, t->name,
                 t->dims[at]);
    return NULL;
  }
  QfEncoding wanted = {count, at, entries};
  if (t->enc.count && qf_encoding_equal(&t->enc, &wanted))
    return t;
  if (t->data) {
    t = qf_graph_add_shared(n->onnx->graph, t->name, t->dims, t->rank, t);
  } else if (t->enc.count) {
    qf_onnx_fail(n, error, QF_ERROR_UNSUPPORTED,
                 "'%s' is dequantized with another scale than it is quantized with", t->name);
    return NULL;
  }
  qf_onnx_set_encoding(n, t, count, at, entries);
  return t;
}

static QfTensor *quantize(QfOnnxNode *n, QfTensor *x, QfTensor *scale, QfTensor *zero, int64_t axis,
                          QfTensor *out, GError **error)
{
  g_autofree QfScaleOffset *entries = NULL;
  int32_t at = 0, to = qf_onnx_int(n, "output_dtype", 0);
  uint32_t count = x ? read_encoding(n, scale, zero, &entries, error) : 0;
  if (!count || (count > 1 && !qf_onnx_axis(n, axis, x->rank, &at, error)))
    return NULL;
  QfDType dtype = zero ? zero->dtype : to ? qf_onnx_dtype(to, NULL) : QF_DTYPE_UINT8;
  if (dtype == QF_DTYPE_INVALID || qf_dtype_is_float(dtype) || (count > 1 && x->dims[at] != count)) {
    qf_onnx_fail(n, error, QF_ERROR_UNSUPPORTED, "its output type or its number of scales is not supported");
    return NULL;
  }
  x = qf_build_cast(n->b, x, QF_DTYPE_FLOAT32, NULL, error);
  if (!x)
    return NULL;
  out->dtype = dtype;
  qf_tensor_set_encoding(n->onnx->graph, out, count, at, entries);
  QfNode *node = qf_build_begin(n->b, "Quantize", &x, 1, out);
  ((QfCastAttrs *)node->attrs)->dtype = dtype;
  return qf_build_end(n->b, node, error);
}

/* A scale and a zero point that an encoding can hold. */
static gboolean is_plain(const QfTensor *scale, const QfTensor *zero, int64_t block)
{
  return scale && scale->data && scale->rank <= 1 && qf_tensor_count(scale) > 0 && !block &&
         (!zero ||
          (zero->data && !qf_dtype_is_float(zero->dtype) && qf_tensor_count(zero) == qf_tensor_count(scale)));
}

/* @t has an encoding already, which is not that of @scale and @zero. */
static gboolean is_other(const QfTensor *t, const QfTensor *scale, const QfTensor *zero)
{
  gboolean same = t->enc.count == qf_tensor_count(scale);
  for (uint32_t i = 0; same && i < t->enc.count; i++)
    same = t->enc.entries[i].scale == (float)qf_tensor_get_real(scale, i) &&
           t->enc.entries[i].offset == -(zero ? qf_tensor_get_real(zero, i) : 0);
  return t->enc.count && !t->data && !same;
}

static gboolean map_dequantize(QfOnnxNode *n, GError **error)
{
  QfTensor *t = n->in[0], *scale = n->in[1], *zero = qf_onnx_input(n, 2);
  const int64_t axis = qf_onnx_int(n, "axis", 1), block = qf_onnx_int(n, "block_size", 0);
  const gboolean narrow =
      qf_onnx_narrow_bytes(qf_onnx_declared_number(n, 0, 0), 1) > 0; /* float8 is float32 here */
  if (qf_dtype_is_float(t->dtype) ? narrow : !is_plain(scale, zero, block) || is_other(t, scale, zero))
    return qf_onnx_bind(n, 0,
                        qf_onnx_dequantize_scaled(n, t, scale, zero, axis, block, qf_onnx_output(n, 0),
                                                  error));
  t = encoded(n, t, scale, zero, axis, error);
  return qf_onnx_bind(n, 0, qf_onnx_dequantize(n, t, qf_onnx_output(n, 0), error));
}

static gboolean map_quantize(QfOnnxNode *n, GError **error)
{
  QfTensor *scale = n->in[1], *zero = qf_onnx_input(n, 2), *out = qf_onnx_output(n, 0);
  const int64_t axis = qf_onnx_int(n, "axis", 1), block = qf_onnx_int(n, "block_size", 0);
  const int32_t given = qf_onnx_int(n, "output_dtype", 0);
  const int32_t number = qf_onnx_declared_number(n, 2, given ? given : 2);
  if (!is_plain(scale, zero, block) || qf_onnx_dtype(number, NULL) == QF_DTYPE_INVALID)
    return qf_onnx_bind(n, 0,
                        qf_onnx_quantize_scaled(n, n->in[0], scale, zero, axis, block, number, out, error));
  return qf_onnx_bind(n, 0, quantize(n, n->in[0], scale, zero, axis, out, error));
}

/* The int32 bias of a quantized operator counts in steps of input scale times weight scale. */
static QfTensor *bias_of(QfOnnxNode *n, QfTensor *bias, QfTensor *const *in, GError **error)
{
  const QfTensor *x = in[0]->producer->inputs[0], *w = in[1]->producer->inputs[0];
  if (!x->enc.count || !w->enc.count) { /* the operator's inputs 1 and 4 */
    QfTensor *scale = qf_build_apply2(n->b, "ElementWiseMultiply", n->in[1], n->in[4], NULL, error);
    return scale ? qf_onnx_dequantize_scaled(n, bias, scale, NULL, 0, 0, NULL, error) : NULL;
  }
  g_autofree QfScaleOffset *entries = g_new(QfScaleOffset, w->enc.count);
  if (!bias->data || bias->dtype != QF_DTYPE_INT32 || x->enc.count != 1 ||
      (w->enc.count > 1 && (bias->rank != 1 || bias->dims[0] != w->enc.count))) {
    qf_onnx_fail(n, error, QF_ERROR_UNSUPPORTED, "its bias '%s' must be a constant vector of int32",
                 bias->name);
    return NULL;
  }
  for (uint32_t i = 0; i < w->enc.count; i++)
    entries[i] = (QfScaleOffset){MAX(x->enc.entries[0].scale * w->enc.entries[i].scale, FLT_MIN), 0};
  QfTensor *t = qf_graph_add_shared(n->onnx->graph, bias->name, bias->dims, bias->rank, bias);
  qf_tensor_set_encoding(n->onnx->graph, t, w->enc.count, 0, entries);
  return qf_onnx_dequantize(n, t, NULL, error);
}

/*
 * What the inputs of a quantized operator are, in order: q a tensor with scale and zero point, o scale and zero point of the
 * output, b the bias, t a plain tensor, * as many more as there are.
 */
static const char *const layouts[] = {"qo", "qqo", "qqob", "qqbo", "oq*", "tqqo"};
enum { LAYOUT_UNARY, LAYOUT_BINARY, LAYOUT_CONV, LAYOUT_GEMM, LAYOUT_CONCAT, LAYOUT_WHERE };

/* Which axis per-channel weights have. */
static int64_t weight_axis(const QfOnnxNode *n)
{
  return n->row->arg == LAYOUT_CONV || qf_onnx_int(n, "transB", 0) ? 0 : -1;
}

/* Input @at by the scale and zero point that follow it. */
static QfTensor *dequantized(QfOnnxNode *n, uint32_t at, GError **error)
{
  QfTensor *t = qf_onnx_input(n, at), *scale = qf_onnx_input(n, at + 1), *zero = qf_onnx_input(n, at + 2);
  /* A list goes with the rows of the left matrix, and with the columns of the right one or the output channels. */
  const int64_t axis = n->row->arg == LAYOUT_BINARY && !at ? -2 : weight_axis(n);
  if (!t || !scale || (is_plain(scale, zero, 0) && !is_other(t, scale, zero)))
    return qf_onnx_dequantize(n, encoded(n, t, scale, zero, axis, error), NULL, error);
  return qf_onnx_dequantize_scaled(n, t, scale, zero, axis, 0, NULL, error);
}

/* Dequantizes the inputs into @in, which has room for all. Returns their number, -1 on error; @out gets the place of the scale. */
static int32_t dequantize_inputs(QfOnnxNode *n, QfTensor **in, uint32_t *out, GError **error)
{
  const char *layout = layouts[n->row->arg];
  uint32_t at = 0;
  int32_t count = 0;
  for (const char *p = layout; *p && (*p != '*' || at < n->n_in); p += *p != '*' || at >= n->n_in) {
    QfTensor *t = qf_onnx_input(n, at);
    if (*p == 'o') {
      *out = at;
      at += 2;
      continue;
    }
    if (*p == 'q' || *p == '*') {
      t = dequantized(n, at, error);
      at += 3;
    } else {
      t = *p == 'b' && t ? bias_of(n, t, in, error) : t;
      at++;
    }
    if (!t && *p != 'b')
      return -1;
    if (!t && qf_onnx_input(n, at - 1))
      return -1;
    in[count++] = t;
  }
  return count;
}

static gboolean map_qlinear(QfOnnxNode *n, GError **error)
{
  g_autofree QfTensor **in = g_new0(QfTensor *, n->n_in + 4);
  uint32_t out = 0;
  QfTensor *y = NULL;
  const gboolean last = !strcmp(n->row->target, "AveragePool") && qf_onnx_int(n, "channels_last", 0);
  int32_t count = dequantize_inputs(n, in, &out, error);
  if (count < 0)
    return error && *error ? FALSE : qf_onnx_fail(n, error, QF_ERROR_FORMAT, "an input is missing");
  if (last)
    in[0] = qf_build_channels_first(n->b, in[0], NULL, error);
  if (!in[0] || !qf_onnx_map_as(n, n->row->target, in, (uint32_t)count, &y, error))
    return FALSE;
  if (last)
    y = qf_build_channels_last(n->b, y, error);
  if (out >= n->n_in || !n->in[out]) /* QGemm: without an output scale it gives real numbers */
    return qf_onnx_bind(n, 0, y);
  QfTensor *scale = qf_onnx_input(n, out), *zero = qf_onnx_input(n, out + 1), *q = qf_onnx_output(n, 0);
  if (scale && !is_plain(scale, zero, 0))
    q = qf_onnx_quantize_scaled(n, y, scale, zero, n->row->arg == LAYOUT_BINARY ? -2 : 0, 0,
                                qf_onnx_declared_number(n, out + 1, 2), q, error);
  else
    q = quantize(n, y, scale, zero, 0, q, error);
  return qf_onnx_bind(n, 0, q);
}

#define MS "com.microsoft"

const QfOnnxRow qf_onnx_quant_rows[] = {
    {"", "QuantizeLinear", map_quantize, 2, 3, "Quantize", 0},
    {"", "DequantizeLinear", map_dequantize, 2, 3, "Dequantize", 0},
    {MS, "QuantizeLinear", map_quantize, 2, 3, "Quantize", 0},
    {MS, "DequantizeLinear", map_dequantize, 2, 3, "Dequantize", 0},
    {"", "QLinearConv", map_qlinear, 8, 9, "Conv", LAYOUT_CONV},
    {"", "QLinearMatMul", map_qlinear, 8, 8, "MatMul", LAYOUT_BINARY},
    {MS, "QGemm", map_qlinear, 6, 9, "Gemm", LAYOUT_GEMM},
    {MS, "QLinearAdd", map_qlinear, 7, 8, "Add", LAYOUT_BINARY},
    {MS, "QLinearMul", map_qlinear, 7, 8, "Mul", LAYOUT_BINARY},
    {MS, "QLinearConcat", map_qlinear, 5, -1, "Concat", LAYOUT_CONCAT},
    {MS, "QLinearWhere", map_qlinear, 9, 9, "Where", LAYOUT_WHERE},
    {MS, "QLinearSoftmax", map_qlinear, 4, 5, "Softmax", LAYOUT_UNARY},
    {MS, "QLinearSigmoid", map_qlinear, 4, 5, "Sigmoid", LAYOUT_UNARY},
    {MS, "QLinearLeakyRelu", map_qlinear, 4, 5, "LeakyRelu", LAYOUT_UNARY},
    {MS, "QLinearAveragePool", map_qlinear, 4, 5, "AveragePool", LAYOUT_UNARY},
    {MS, "QLinearGlobalAveragePool", map_qlinear, 4, 5, "GlobalAveragePool", LAYOUT_UNARY},
    {MS, "QLinearReduceMean", map_qlinear, 4, 5, "ReduceMean", LAYOUT_UNARY},
    {NULL},
};
