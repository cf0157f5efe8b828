/* SPDX-License-Identifier: MIT */
/*
 * map_conv.c - convolutions, FULLY_CONNECTED, BATCH_MATMUL and pooling.
 * Weights change from TFLite's OHWI (depthwise 1HWO) to HWIO, with their encodings' axis; they are constants, as a
 * rule, so the Transpose is computed here and now. SAME and VALID become numbers of rows and columns.
 */
#include "emit.h"

#define MAX_STRIDE 65536

typedef struct {
  uint32_t activation;
  int32_t dilation_w, dilation_h; /* fields; -1: none */
} ConvFields;

static const ConvFields conv_fields = {QF_TFL_CONV_ACTIVATION, QF_TFL_CONV_DILATION_W,
                                       QF_TFL_CONV_DILATION_H};
static const ConvFields dwconv_fields = {QF_TFL_DWCONV_ACTIVATION, QF_TFL_DWCONV_DILATION_W,
                                         QF_TFL_DWCONV_DILATION_H};
static const ConvFields transpose_conv_fields = {QF_TFL_CONV_ACTIVATION, -1, -1};

static gboolean get_size(const QfTflNode *n, int32_t field, int64_t def, int32_t *value, GError **error)
{
  int64_t v = field < 0 ? def : qf_tfl_option(n, field, def);
  *value = (int32_t)v;
  return (v >= 1 && v <= MAX_STRIDE) ||
         qf_tfl_fail(n, error, QF_ERROR_FORMAT,
                     "a stride, dilation or filter size of %" G_GINT64_FORMAT "; the file is damaged", v);
}

static gboolean get_strides(const QfTflNode *n, int32_t stride[2], GError **error)
{
  return get_size(n, QF_TFL_CONV_STRIDE_H, 0, &stride[0], error) &&
         get_size(n, QF_TFL_CONV_STRIDE_W, 0, &stride[1], error);
}

/* Rows (or columns) that SAME adds before and after: so many that there are in / stride outputs, rounded up. */
void qf_tfl_same_padding(int64_t in, int64_t filter, int64_t stride, int64_t dilation, int32_t *before,
                         int32_t *after)
{
  int64_t out = (in + stride - 1) / stride;
  int64_t total = MAX((out - 1) * stride + (filter - 1) * dilation + 1 - in, 0);
  *before = (int32_t)MIN(total / 2, G_MAXINT32 / 4);
  *after = (int32_t)MIN(total - total / 2, G_MAXINT32 / 4);
}

static gboolean get_padding(const QfTflNode *n, const QfTensor *in, const int64_t filter[2],
                            const int32_t stride[2], const int32_t dilation[2], int32_t pad[4],
                            GError **error)
{
  int64_t padding = qf_tfl_option_byte(n, QF_TFL_CONV_PADDING, QF_TFL_PADDING_SAME);
  for (int i = 0; i < 2 && padding == QF_TFL_PADDING_SAME; i++)
    qf_tfl_same_padding(in->dims[1 + i], filter[i], stride[i], dilation[i], &pad[2 * i], &pad[2 * i + 1]);
  return padding == QF_TFL_PADDING_SAME || padding == QF_TFL_PADDING_VALID ||
         qf_tfl_fail(n, error, QF_ERROR_FORMAT, "padding %" G_GINT64_FORMAT "; the file is damaged", padding);
}

/* OHWI to HWIO. NULL on error. */
static QfTensor *transpose_weights(QfTflNode *n, QfTensor *weights, GError **error)
{
  g_autofree char *name = g_strconcat(weights->name, "/hwio", NULL);
  QfTensor *out = qf_graph_add_tensor(n->graph, name);
  out->dtype = weights->dtype;
  if (weights->enc.count)
    qf_tensor_set_encoding(n->graph, out, weights->enc.count, 3, weights->enc.entries);
  QfNode *node = qf_graph_new_node(n->graph, "Transpose", name, &weights, 1, &out, 1);
  ((QfTransposeAttrs *)node->attrs)->perm = (QfInts){4, {1, 2, 3, 0}};
  return qf_graph_add_node(node, error) ? out : NULL;
}

/* 1HWO to HW1O: the same bytes. NULL on error. */
static QfTensor *reshape_weights(QfTflNode *n, QfTensor *weights, GError **error)
{
  g_autofree char *name = g_strconcat(weights->name, "/hw1o", NULL);
  QfTensor *out = qf_graph_add_tensor(n->graph, name);
  out->dtype = weights->dtype;
  if (weights->enc.count)
    qf_tensor_set_encoding(n->graph, out, weights->enc.count, 3, weights->enc.entries);
  QfNode *node = qf_graph_new_node(n->graph, "Reshape", name, &weights, 1, &out, 1);
  ((QfReshapeAttrs *)node->attrs)->shape =
      (QfInts){4, {weights->dims[1], weights->dims[2], 1, weights->dims[3]}};
  return qf_graph_add_node(node, error) ? out : NULL;
}

/* Per-axis encodings must run along the output channels. */
static gboolean check_weights(const QfTflNode *n, const QfTensor *w, int32_t axis, GError **error)
{
  return w->enc.count <= 1 || w->enc.axis == axis ||
         qf_tfl_fail(
             n, error, QF_ERROR_UNSUPPORTED,
             "weights quantized along dimension %d, not along the output channels (%d); quantize them again",
             w->enc.axis, axis);
}

/* A 64-bit bias (16-bit activations) in 32 bits, which its values must fit. NULL on error or when there is none. */
static QfTensor *narrow_bias(QfTflNode *n, QfTensor *bias, GError **error)
{
  if (!bias || bias->dtype != QF_DTYPE_INT64)
    return bias;
  const int64_t *values = qf_tensor_data(bias);
  for (int64_t i = 0; values && i < qf_tensor_count(bias); i++)
    if (values[i] < G_MININT32 || values[i] > G_MAXINT32)
      values = NULL;
  if (!values) {
    qf_tfl_fail(n, error, QF_ERROR_UNSUPPORTED, "its 64-bit bias must be constant and fit into 32 bits");
    return NULL;
  }
  g_autofree char *name = g_strconcat(bias->name, "/int32", NULL);
  int64_t count = qf_tensor_count(bias);
  int32_t *narrow = g_new(int32_t, MAX(count, 1));
  for (int64_t i = 0; i < count; i++)
    narrow[i] = (int32_t)values[i];
  return qf_graph_add_constant(n->graph, name, QF_DTYPE_INT32, bias->dims, bias->rank,
                               g_bytes_new_take(narrow, (gsize)count * 4));
}

/* Input, weights and bias of a weighted operator, with what can be wrong with the weights checked. */
static gboolean gather_inputs(QfTflNode *n, QfTensor *data, QfTensor *weights, QfTensor *bias, int32_t rank,
                              int32_t axis, QfTensor *in[3], GError **error)
{
  if (data->rank < 1 || weights->rank != rank || (rank == 4 && data->rank != 4))
    return qf_tfl_fail(n, error, QF_ERROR_SHAPE,
                       "an input with %d dimensions and weights with %d; the file is damaged", data->rank,
                       weights->rank);
  in[0] = data;
  in[1] = weights;
  in[2] = narrow_bias(n, bias, error);
  return (in[2] || !bias) && check_weights(n, weights, axis, error);
}

static gboolean map_conv(QfTflNode *n, GError **error)
{
  const ConvFields *f = n->row->data;
  gboolean depthwise = f == &dwconv_fields;
  QfTensor *in[3];
  if (!gather_inputs(n, n->in[0], n->in[1], n->n_in > 2 ? n->in[2] : NULL, 4, depthwise ? 3 : 0, in, error))
    return FALSE;
  const QfTensor *x = in[0], *w = in[1];
  int64_t filter[] = {w->dims[1], w->dims[2]}, channels = w->dims[3];
  if (channels < 1 || (depthwise && w->dims[0] != 1))
    return qf_tfl_fail(n, error, QF_ERROR_SHAPE, "weights without channels; the file is damaged");
  in[1] = depthwise ? reshape_weights(n, in[1], error) : transpose_weights(n, in[1], error);
  if (!in[1])
    return FALSE;
  gboolean hybrid = qf_tfl_is_hybrid(n, x, in[1]);
  QfNode *node = hybrid ? NULL : qf_tfl_new_node(n, n->row->op, in, 3, n->out, 1);
  QfConv2dAttrs *a = hybrid ? &qf_tfl_new_hybrid(n, in, n->out[0], depthwise, &node)->conv : node->attrs;
  a->group = depthwise ? 1 : (int32_t)MIN(x->dims[3] / channels, G_MAXINT32);
  return get_strides(n, a->stride, error) && get_size(n, f->dilation_h, 1, &a->dilation[0], error) &&
         get_size(n, f->dilation_w, 1, &a->dilation[1], error) &&
         get_padding(n, x, filter, a->stride, a->dilation, a->pad, error) &&
         qf_tfl_set_epilogue(n, f->activation, &a->epi, error) &&
         (hybrid ? qf_tfl_add_raw_node : qf_tfl_add_node)(n, node, error);
}

/* The wanted size says how much of the full result is cut off before and after, or is missing. */
static void fit_transpose_conv(QfConv2dAttrs *a, int i, int64_t in, int64_t filter, int64_t out,
                               gboolean same)
{
  int32_t before = 0, after = 0;
  if (same)
    qf_tfl_same_padding(out, filter, a->stride[i], 1, &before, &after);
  int64_t rest = (in - 1) * a->stride[i] + filter - before - out;
  a->pad[2 * i] = before;
  a->pad[2 * i + 1] = (int32_t)CLAMP(rest, 0, G_MAXINT32 / 4);
  a->output_padding[i] = (int32_t)CLAMP(-rest, 0, G_MAXINT32 / 4);
}

static gboolean add_transpose_conv(QfTflNode *n, QfTensor *const in[3], const int64_t filter[2],
                                   const int64_t size[2], uint32_t activation, gboolean same,
                                   const int32_t stride[2], GError **error)
{
  QfNode *node = qf_tfl_new_node(n, "TransposeConv2d", in, 3, n->out, 1);
  QfConv2dAttrs *a = node->attrs;
  for (int i = 0; i < 2; i++) {
    a->stride[i] = stride[i];
    fit_transpose_conv(a, i, in[0]->dims[1 + i], filter[i], size[i], same);
  }
  return (activation == G_MAXUINT32 || qf_tfl_set_epilogue(n, activation, &a->epi, error)) &&
         qf_tfl_add_node(n, node, error);
}

/* The wanted size: a constant, or, where the model computes it, what the file says the output has. */
static gboolean get_output_size(const QfTflNode *n, QfInts *size, GError **error)
{
  const QfTflTensor *out = &n->scope->file->tensors[qf_flat_at_int(&n->record->outputs, 0, QF_FLAT_I32)];
  gboolean known = out->rank == 4;
  for (int32_t i = 0; known && i < 4; i++)
    known = out->signature[i] >= 1;
  if (qf_tensor_data(n->in[0]) || !known)
    return qf_tfl_get_ints(n, 0, size, error);
  size->n = 4;
  for (int32_t i = 0; i < 4; i++)
    size->v[i] = out->dims[i];
  return TRUE;
}

static gboolean map_transpose_conv(QfTflNode *n, GError **error)
{
  const ConvFields *f = n->row->data;
  QfTensor *in[3];
  QfInts size;
  int32_t stride[2];
  int64_t padding = qf_tfl_option_byte(n, QF_TFL_CONV_PADDING, QF_TFL_PADDING_SAME);
  if (!gather_inputs(n, n->in[2], n->in[1], n->n_in > 3 ? n->in[3] : NULL, 4, 0, in, error) ||
      !get_output_size(n, &size, error) || !get_strides(n, stride, error))
    return FALSE;
  if (size.n != 4 || size.v[1] < 1 || size.v[2] < 1)
    return qf_tfl_fail(n, error, QF_ERROR_SHAPE, "its output size is not that of an image");
  int64_t filter[] = {in[1]->dims[1], in[1]->dims[2]};
  in[1] = transpose_weights(n, in[1], error);
  return in[1] && add_transpose_conv(n, in, filter, &size.v[1], f->activation, padding == QF_TFL_PADDING_SAME,
                                     stride, error);
}

/* MediaPipe's transposed convolution with a bias: input, weights OHWI, bias; its options are three plain int32. */
static gboolean map_transpose_conv_bias(QfTflNode *n, GError **error)
{
  QfFlatVector options = n->record->custom_options;
  options.stride = 4;
  options.count /= 4;
  int64_t padding = qf_flat_at_int(&options, 0, QF_FLAT_I32), w = qf_flat_at_int(&options, 1, QF_FLAT_I32),
          h = qf_flat_at_int(&options, 2, QF_FLAT_I32);
  QfTensor *in[3];
  if (options.count < 3 || padding < 1 || padding > 2 || w < 1 || h < 1 || w > MAX_STRIDE || h > MAX_STRIDE)
    return qf_tfl_fail(n, error, QF_ERROR_FORMAT, "its options are damaged");
  if (!gather_inputs(n, n->in[0], n->in[1], n->in[2], 4, 0, in, error))
    return FALSE;
  int32_t stride[] = {(int32_t)h, (int32_t)w};
  int64_t filter[] = {in[1]->dims[1], in[1]->dims[2]}, size[2];
  for (int i = 0; i < 2; i++)
    size[i] =
        padding == 1 ? in[0]->dims[1 + i] * stride[i] : (in[0]->dims[1 + i] - 1) * stride[i] + filter[i];
  in[1] = transpose_weights(n, in[1], error);
  return in[1] && add_transpose_conv(n, in, filter, size, G_MAXUINT32, padding == 1, stride, error);
}

static gboolean map_fully_connected(QfTflNode *n, GError **error)
{
  QfTensor *in[3];
  int64_t format = qf_tfl_option_byte(n, QF_TFL_FC_WEIGHTS_FORMAT, 0);
  if (format != 0)
    return qf_tfl_fail(n, error, QF_ERROR_UNSUPPORTED,
                       "shuffled weights (format %" G_GINT64_FORMAT
                       ") are not supported; convert the model again without them",
                       format);
  if (!gather_inputs(n, n->in[0], n->in[1], n->n_in > 2 ? n->in[2] : NULL, 2, 0, in, error))
    return FALSE;
  int64_t depth = in[1]->dims[1];
  if (depth < 1)
    return qf_tfl_fail(n, error, QF_ERROR_SHAPE, "weights without inputs; the file is damaged");
  gboolean keep = qf_tfl_option_byte(n, QF_TFL_FC_KEEP_DIMS, 0) != 0;
  if (in[0]->dims[in[0]->rank - 1] != depth && !keep) {
    QfTensor *rows = qf_tfl_temp(n, "rows", in[0]);
    int64_t dims[] = {-1, depth};
    if (!qf_tfl_add_reshape(n, in[0], rows, dims, 2, error))
      return FALSE;
    in[0] = rows;
  }
  if (qf_tfl_is_hybrid(n, in[0], in[1]) && in[0]->dims[in[0]->rank - 1] == depth)
    return qf_tfl_add_hybrid_rows(n, in, keep, qf_tfl_option_byte(n, QF_TFL_FC_ASYMMETRIC, 0) != 0,
                                  QF_TFL_FC_ACTIVATION, error);
  QfNode *node = qf_tfl_new_node(n, "FullyConnected", in, 3, n->out, 1);
  QfFullyConnectedAttrs *a = node->attrs;
  a->keep_dims = keep;
  return qf_tfl_set_epilogue(n, QF_TFL_FC_ACTIVATION, &a->epi, error) && qf_tfl_add_node(n, node, error);
}

/* One matrix of 8-bit weights, in the `tflite` scheme: as the weights [outputs, inputs] of a fully connected layer. NULL: no. */
static QfTensor *hybrid_matrix(QfTflNode *n, GError **error)
{
  QfTensor *x = n->in[0], *w = n->in[1], *out = NULL;
  gboolean swap = qf_tfl_option_byte(n, QF_TFL_MATMUL_ADJ_Y, 0) == 0;
  if (!qf_tfl_is_hybrid(n, x, w) || w->enc.count != 1 || w->rank < 2 || w->rank > x->rank ||
      qf_dims_count(w->dims, w->rank - 2) != 1 || qf_tfl_option_byte(n, QF_TFL_MATMUL_ADJ_X, 0) ||
      x->dims[x->rank - 1] != w->dims[w->rank - 1 - swap] || !x->dims[x->rank - 1])
    return NULL;
  QfInts perm = {2, {1, 0}};
  out = qf_tfl_emit_reshape(n, w, &w->dims[w->rank - 2], 2, NULL, error);
  return swap ? qf_tfl_emit_transpose(n, out, &perm, NULL, error) : out;
}

/* 8-bit weights of float data become float. */
static gboolean map_matmul(QfTflNode *n, GError **error)
{
  QfTensor *in[] = {n->in[0], n->in[1]}, *matrix = hybrid_matrix(n, error);
  if (matrix)
    return qf_tfl_add_hybrid_rows(n, (QfTensor *const[]){in[0], matrix, NULL}, TRUE,
                                  qf_tfl_option_byte(n, QF_TFL_MATMUL_ASYMMETRIC, 0) != 0, G_MAXUINT32,
                                  error);
  for (int i = 0; i < 2; i++) {
    if (!qf_tensor_is_quantized(in[i]) || !qf_dtype_is_float(in[1 - i]->dtype))
      continue;
    QfTensor *real = qf_tfl_temp(n, "real", NULL);
    real->dtype = in[1 - i]->dtype;
    if (!qf_tfl_add_change(n, "Dequantize", in[i], real, error))
      return FALSE;
    in[i] = real;
  }
  QfNode *node = qf_tfl_new_node(n, "MatMul", in, 2, n->out, 1);
  QfMatMulAttrs *a = node->attrs;
  a->transpose_in0 = qf_tfl_option_byte(n, QF_TFL_MATMUL_ADJ_X, 0) != 0;
  a->transpose_in1 = qf_tfl_option_byte(n, QF_TFL_MATMUL_ADJ_Y, 0) != 0;
  return qf_tfl_add_node(n, node, error);
}

static gboolean set_window(const QfTflNode *n, QfPool2dAttrs *a, GError **error)
{
  static const int32_t dilation[] = {1, 1};
  if (!qf_tfl_check_rank(n, 0, 4, error) || !get_strides(n, a->stride, error) ||
      !get_size(n, QF_TFL_POOL_FILTER_H, 0, &a->filter[0], error) ||
      !get_size(n, QF_TFL_POOL_FILTER_W, 0, &a->filter[1], error))
    return FALSE;
  int64_t filter[] = {a->filter[0], a->filter[1]};
  a->count_pad = 0;
  return get_padding(n, n->in[0], filter, a->stride, dilation, a->pad, error);
}

QfTensor *qf_tfl_emit_pool(QfTflNode *n, QfTensor *in, GError **error)
{
  QfTensor *out = qf_tfl_temp(n, "pooled", NULL);
  QfNode *node = qf_tfl_new_node(n, n->row->op, &in, 1, &out, 1);
  return set_window(n, node->attrs, error) && qf_tfl_add_node(n, node, error) ? out : NULL;
}

static gboolean map_pool(QfTflNode *n, GError **error)
{
  QfNode *node = qf_tfl_new_node(n, n->row->op, n->in, 1, n->out, 1);
  QfPool2dAttrs *a = node->attrs;
  QfEpilogue epi = {0};
  if (!qf_tfl_set_epilogue(n, QF_TFL_POOL_ACTIVATION, &epi, error))
    return FALSE;
  a->act = epi.act;
  a->lo = epi.lo;
  a->hi = epi.hi;
  return set_window(n, a, error) && qf_tfl_add_node(n, node, error);
}

const QfTflRow qf_tfl_conv_rows[] = {
    {3, "CONV_2D", map_conv, 2, 3, 1, "Conv2d", &conv_fields},
    {4, "DEPTHWISE_CONV_2D", map_conv, 2, 3, 1, "DepthWiseConv2d", &dwconv_fields},
    {67, "TRANSPOSE_CONV", map_transpose_conv, 3, 4, 1, NULL, &transpose_conv_fields},
    {32, "Convolution2DTransposeBias", map_transpose_conv_bias, 3, 3, 1, NULL, NULL},
    {9, "FULLY_CONNECTED", map_fully_connected, 2, 3, 1, NULL, NULL},
    {126, "BATCH_MATMUL", map_matmul, 2, 2, 1, NULL, NULL},
    {1, "AVERAGE_POOL_2D", map_pool, 1, 1, 1, "PoolAvg2d", NULL},
    {17, "MAX_POOL_2D", map_pool, 1, 1, 1, "PoolMax2d", NULL},
    {0},
};
