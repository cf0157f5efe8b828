/* SPDX-License-Identifier: MIT */
/*
 * conv.c - Convolution, Deconvolution, InnerProduct, Embed: layers with a matrix of weights. Images go to channels last and
 * weights to HWIO, as the graph has them; the layout pass takes the Transposes away.
 */
#include "map.h"

#include <string.h>

#define MAX_WINDOW ((uint32_t)1 << 24)

typedef struct {
  uint32_t kernel[2], stride[2], dilation[2], pad[2]; /* height, width */
  int64_t group, channels, outputs;
} Window;

/* A size that is given once for both dimensions, for each, or by _h and _w. */
static gboolean pair_of(const QfCaffeLayer *l, const char *what, const uint32_t *list, size_t n, uint32_t def,
                        const uint32_t *hw, uint32_t least, uint32_t out[2], GError **error)
{
  for (int i = 0; i < 2; i++)
    out[i] = hw ? hw[i] : n ? list[n > 1 ? i : 0] : def;
  if (n <= 2 && out[0] >= least && out[1] >= least && out[0] <= MAX_WINDOW && out[1] <= MAX_WINDOW)
    return TRUE;
  return qf_build_fail(&l->build, error, n > 2 ? QF_ERROR_UNSUPPORTED : QF_ERROR_FORMAT,
                       n > 2 ? "%s has %zu values, but only two dimensions are supported"
                             : "%s is missing or out of range (it has %zu values)",
                       what, n);
}

static gboolean read_window(const QfCaffeLayer *l, Window *w, GError **error)
{
  QF_CAFFE_PARAM(a, l, Caffe__ConvolutionParameter, CAFFE__CONVOLUTION_PARAMETER__INIT, convolution_param);
  const uint32_t kernel[] = {a->kernel_h, a->kernel_w}, pad[] = {a->pad_h, a->pad_w},
                 stride[] = {a->stride_h, a->stride_w};
  if (!pair_of(l, "kernel_size", a->kernel_size, a->n_kernel_size, 0,
               a->has_kernel_h && a->has_kernel_w ? kernel : NULL, 1, w->kernel, error) ||
      !pair_of(l, "stride", a->stride, a->n_stride, 1, a->has_stride_h && a->has_stride_w ? stride : NULL, 1,
               w->stride, error) ||
      !pair_of(l, "pad", a->pad, a->n_pad, 0, a->has_pad_h || a->has_pad_w ? pad : NULL, 0, w->pad, error) ||
      !pair_of(l, "dilation", a->dilation, a->n_dilation, 1, NULL, 1, w->dilation, error))
    return FALSE;
  if (a->axis != 1 && a->axis != -3)
    return qf_build_fail(&l->build, error, QF_ERROR_UNSUPPORTED,
                         "axis %d: only 1, the channels, is supported", a->axis);
  w->channels = l->in[0]->rank == 4 ? l->in[0]->dims[1] : 0;
  w->group = a->group;
  w->outputs = a->num_output;
  if ((strstr(l->row->type, "epthwise") || strstr(l->row->type, "DepthWise")) && !a->has_group)
    w->group = w->channels;
  if (l->in[0]->rank == 4 && w->outputs > 0 && w->group > 0 && w->channels % w->group == 0 &&
      w->outputs % w->group == 0)
    return TRUE;
  return qf_build_fail(&l->build, error, QF_ERROR_SHAPE,
                       "it makes %" G_GINT64_FORMAT " channels in %" G_GINT64_FORMAT
                       " groups from a bottom of %" G_GINT64_FORMAT " (an image is needed)",
                       w->outputs, w->group, w->channels);
}

static void set_attrs(QfConv2dAttrs *a, const Window *w)
{
  for (int i = 0; i < 2; i++) {
    a->stride[i] = (int32_t)w->stride[i];
    a->dilation[i] = (int32_t)w->dilation[i];
    a->pad[2 * i] = a->pad[2 * i + 1] = (int32_t)w->pad[i];
  }
  a->group = qf_build_i32(w->group);
}

static gboolean emit(QfCaffeLayer *l, const char *op, QfTensor *weights, const Window *w, GError **error)
{
  QF_CAFFE_PARAM(a, l, Caffe__ConvolutionParameter, CAFFE__CONVOLUTION_PARAMETER__INIT, convolution_param);
  static const QfCaffeSeed bias = {-0.1f, 0.1f};
  QfTensor *in[3] = {weights ? qf_caffe_to_image(l, l->in[0], error) : NULL, weights};
  if (!in[0])
    return FALSE;
  if (a->bias_term) {
    in[2] = qf_caffe_weights(l, 1, "bias", &(QfInts){1, {w->outputs}}, bias, error);
    if (!in[2])
      return FALSE;
  }
  QfNode *node = qf_build_begin(&l->build, op, in, 3, NULL);
  set_attrs(node->attrs, w);
  return qf_caffe_from_image(l, qf_build_end(&l->build, node, error), error);
}

static gboolean map_convolution(QfCaffeLayer *l, GError **error)
{
  static const QfInts hwio = {4, {2, 3, 1, 0}};
  Window w;
  if (!read_window(l, &w, error))
    return FALSE;
  int64_t each = w.channels / w.group;
  QfInts shape = {4, {w.outputs, each, w.kernel[0], w.kernel[1]}};
  QfCaffeSeed seed = qf_caffe_seed_for(each * w.kernel[0] * w.kernel[1]);
  QfTensor *weights = qf_caffe_weights(l, 0, "weights", &shape, seed, error);
  weights = qf_build_transpose(&l->build, weights, &hwio, NULL, error);
  gboolean depthwise = w.group > 1 && each == 1;
  l->build.target = depthwise ? "DepthWiseConv2d" : "Conv2d";
  if (depthwise)
    w.group = 1;
  return emit(l, l->build.target, weights, &w, error);
}

static gboolean map_deconvolution(QfCaffeLayer *l, GError **error)
{
  static const QfInts perm = {5, {3, 4, 1, 0, 2}};
  Window w;
  if (!read_window(l, &w, error))
    return FALSE;
  int64_t each = w.channels / w.group, made = w.outputs / w.group;
  QfInts shape = {5, {w.group, each, made, w.kernel[0], w.kernel[1]}};
  QfInts whole = {4, {w.kernel[0], w.kernel[1], each, w.outputs}};
  QfTensor *weights =
      qf_caffe_weights(l, 0, "weights", &shape, qf_caffe_seed_for(each * w.kernel[0] * w.kernel[1]), error);
  weights = qf_build_transpose(&l->build, weights, &perm, NULL, error);
  return emit(l, "TransposeConv2d", qf_build_reshape(&l->build, weights, &whole, NULL, error), &w, error);
}

/* y = W x + b over everything from the axis on, as one row. */
static gboolean map_inner_product(QfCaffeLayer *l, GError **error)
{
  QF_CAFFE_PARAM(a, l, Caffe__InnerProductParameter, CAFFE__INNER_PRODUCT_PARAMETER__INIT,
                 inner_product_param);
  static const QfCaffeSeed bias = {-0.1f, 0.1f};
  static const QfInts swap = {2, {1, 0}};
  QfTensor *x = l->in[0];
  int32_t axis;
  if (!qf_caffe_axis(l, a->axis, x->rank, FALSE, &axis, error))
    return FALSE;
  int64_t rows = qf_dims_count(x->dims, axis), k = qf_dims_count(x->dims + axis, x->rank - axis),
          m = a->num_output;
  QfInts flat = {2, {rows, k}}, shape = {2, {a->transpose ? k : m, a->transpose ? m : k}},
         out = {axis + 1, {0}};
  for (int i = 0; i < axis; i++)
    out.v[i] = x->dims[i];
  out.v[axis] = m;
  QfTensor *weights = qf_caffe_weights(l, 0, "weights", &shape, qf_caffe_seed_for(k), error);
  if (weights && a->transpose)
    weights = qf_build_transpose(&l->build, weights, &swap, NULL, error);
  QfTensor *in[3] = {weights ? qf_build_reshape(&l->build, x, &flat, NULL, error) : NULL, weights};
  if (in[0] && a->bias_term)
    in[2] = qf_caffe_weights(l, 1, "bias", &(QfInts){1, {m}}, bias, error);
  if (!in[0] || (a->bias_term && !in[2]))
    return FALSE;
  QfTensor *y = axis == 1 ? qf_caffe_out(l, 0) : NULL;
  y = qf_build_end(&l->build, qf_build_begin(&l->build, "FullyConnected", in, 3, y), error);
  return qf_caffe_bind(l, 0, axis == 1 ? y : qf_build_reshape(&l->build, y, &out, qf_caffe_out(l, 0), error));
}

/* Rows of a table, chosen by numbers. */
static gboolean map_embed(QfCaffeLayer *l, GError **error)
{
  QF_CAFFE_PARAM(a, l, Caffe__EmbedParameter, CAFFE__EMBED_PARAMETER__INIT, embed_param);
  QfInts shape = {2, {a->input_dim, a->num_output}}, row = {1, {a->num_output}};
  QfTensor *in[] = {qf_caffe_weights(l, 0, "weights", &shape, (QfCaffeSeed){-1, 1}, error), NULL};
  in[1] = in[0] ? qf_build_cast(&l->build, l->in[0], QF_DTYPE_INT32, NULL, error) : NULL;
  if (!in[1])
    return FALSE;
  QfNode *node = qf_build_begin(&l->build, "Gather", in, 2, a->bias_term ? NULL : qf_caffe_out(l, 0));
  QfTensor *y = qf_build_end(&l->build, node, error);
  if (y && a->bias_term) {
    QfTensor *b = qf_caffe_weights(l, 1, "bias", &row, (QfCaffeSeed){-0.1f, 0.1f}, error);
    y = qf_build_apply2(&l->build, "ElementWiseAdd", y, b, qf_caffe_out(l, 0), error);
  }
  return qf_caffe_bind(l, 0, y);
}

const QfCaffeRow qf_caffe_conv_rows[] = {
    {"Convolution", map_convolution, 1, 1, 1, "Conv2d"},
    {"ConvolutionDepthwise", map_convolution, 1, 1, 1, "DepthWiseConv2d"},
    {"DepthwiseConvolution", map_convolution, 1, 1, 1, "DepthWiseConv2d"},
    {"ConvolutionDepthWise", map_convolution, 1, 1, 1, "DepthWiseConv2d"},
    {"Deconvolution", map_deconvolution, 1, 1, 1, "TransposeConv2d"},
    {"InnerProduct", map_inner_product, 1, 1, 1, "FullyConnected"},
    {"Embed", map_embed, 1, 1, 1, "Gather"},
    {NULL},
};
