/* SPDX-License-Identifier: MIT */
/*
 * deform.c - DeformConv: where each weight reads is a grid, so the windows come out of GridSample and the sum out of MatMul.
 */
#include "map.h"

/* Sizes; g: groups of offsets, k: elements of the kernel. */
typedef struct {
  int64_t n, c, h, w, g, k, oh, ow, out, group;
  int64_t kernel[2], stride[2], dilation[2], pad[4]; /* pad: top, left, bottom, right */
} Deform;

static gboolean read_list(const QfOnnxNode *n, const char *name, int count, int64_t def, int64_t *out,
                          GError **error)
{
  QfInts list;
  if (!qf_onnx_ints(n, name, &list, error))
    return FALSE;
  for (int i = 0; i < count; i++) {
    out[i] = list.n == count ? list.v[i] : def;
    if ((list.n && list.n != count) || out[i] < 0 || out[i] > 1 << 24)
      return qf_onnx_fail(n, error, QF_ERROR_FORMAT, "attribute %s must be %d numbers that are not negative",
                          name, count);
  }
  return TRUE;
}

static gboolean read_deform(QfOnnxNode *n, Deform *d, GError **error)
{
  const QfTensor *x = n->in[0], *w = n->in[1], *offset = n->in[2];
  if (x->rank != 4 || w->rank != 4 || offset->rank != 4)
    return qf_onnx_fail(
        n, error, QF_ERROR_UNSUPPORTED,
        "its input has %d dimensions: only images [N,C,H,W] with weights [M,C,KH,KW] are supported", x->rank);
  *d = (Deform){x->dims[0],
                x->dims[1],
                x->dims[2],
                x->dims[3],
                qf_onnx_int(n, "offset_group", 1),
                w->dims[2] * w->dims[3],
                offset->dims[2],
                offset->dims[3],
                w->dims[0],
                qf_onnx_int(n, "group", 1),
                {w->dims[2], w->dims[3]},
                {0},
                {0},
                {0}};
  if (!read_list(n, "strides", 2, 1, d->stride, error) ||
      !read_list(n, "dilations", 2, 1, d->dilation, error) || !read_list(n, "pads", 4, 0, d->pad, error))
    return FALSE;
  gboolean fits = d->g > 0 && d->group > 0 && d->k > 0 && d->k < 1 << 16 && d->h > 0 && d->w > 0 &&
                  d->c % d->g == 0 && d->c % d->group == 0 && d->out % d->group == 0 &&
                  w->dims[1] == d->c / d->group && offset->dims[0] == d->n &&
                  offset->dims[1] == 2 * d->g * d->k;
  const int64_t sizes[2] = {d->h, d->w}, outs[2] = {d->oh, d->ow};
  for (int i = 0; i < 2 && fits; i++) {
    int64_t span = sizes[i] + d->pad[i] + d->pad[2 + i] - d->dilation[i] * (d->kernel[i] - 1) - 1;
    fits = outs[i] < 1 << 20 && d->stride[i] > 0 && span >= 0 && outs[i] == span / d->stride[i] + 1;
  }
  if (fits && !qf_onnx_charge(n, d->k * d->oh * d->ow, error))
    return FALSE;
  if (!fits)
    return qf_onnx_fail(n, error, QF_ERROR_SHAPE,
                        "its weights, offsets, groups and padding do not fit each other");
  return TRUE;
}

/* Where the weights read without offsets along one side, in the grid's coordinates; [1, K, OH, OW]. */
static QfTensor *places(QfOnnxNode *n, const Deform *d, int side)
{
  const int64_t size = side ? d->w : d->h;
  QfInts shape = {4, {1, d->k, d->oh, d->ow}};
  g_autofree float *v = g_new(float, d->k * d->oh * d->ow + 1);
  for (int64_t i = 0; i < d->k * d->oh * d->ow; i++) {
    const int64_t at = side ? i % d->ow : i / d->ow % d->oh, k = i / d->ow / d->oh;
    const int64_t tap = side ? k % d->kernel[1] : k / d->kernel[1];
    const int64_t pixel = at * d->stride[side] - d->pad[side] + tap * d->dilation[side];
    v[i] = (float)((2.0 * (double)pixel + 1) / (double)size - 1);
  }
  return qf_build_floats(n->b, &shape, v);
}

/* Coordinates along one side as [N G, K OH, OW, 1]; @offset is [N G, K, 2, OH, OW] in pixels, height first. */
static QfTensor *coordinates(QfOnnxNode *n, const Deform *d, QfTensor *offset, int side, GError **error)
{
  QfInts own = {4, {d->n * d->g, d->k, d->oh, d->ow}}, column = {4, {d->n * d->g, d->k * d->oh, d->ow, 1}};
  QfTensor *t =
      qf_build_reshape(n->b, qf_build_slice(n->b, offset, 2, side, side + 1, NULL, error), &own, NULL, error);
  t = qf_build_with(n->b, "ElementWiseMultiply", t, 2.0 / (double)(side ? d->w : d->h), NULL, error);
  t = qf_build_apply2(n->b, "ElementWiseAdd", t, places(n, d, side), NULL, error);
  return qf_build_reshape(n->b, t, &column, NULL, error);
}

/* What the weights read: [N G, K OH, OW, C / G]. */
static QfTensor *sample(QfOnnxNode *n, const Deform *d, GError **error)
{
  QfInts image = {4, {d->n * d->g, d->c / d->g, d->h, d->w}},
         pairs = {5, {d->n * d->g, d->k, 2, d->oh, d->ow}};
  QfInts column = {4, {d->n * d->g, d->k * d->oh, d->ow, 1}};
  QfTensor *offset = qf_build_reshape(n->b, n->in[2], &pairs, NULL, error), *mask = qf_onnx_input(n, 4);
  QfTensor *xy[2] = {coordinates(n, d, offset, 1, error), coordinates(n, d, offset, 0, error)};
  if (!xy[0] || !xy[1])
    return NULL;
  QfNode *node = qf_build_begin(n->b, "Concat", xy, 2, NULL);
  ((QfConcatAttrs *)node->attrs)->axis = 3;
  QfTensor *grid = qf_build_end(n->b, node, error),
           *x = qf_build_reshape(n->b, n->in[0], &image, NULL, error);
  QfTensor *in[2] = {qf_build_channels_last(n->b, x, error), grid};
  if (!in[0] || !grid)
    return NULL;
  QfTensor *y = qf_build_end(n->b, qf_build_begin(n->b, "GridSample", in, 2, NULL), error);
  if (mask)
    y = qf_build_apply2(n->b, "ElementWiseMultiply", y, qf_build_reshape(n->b, mask, &column, NULL, error),
                        NULL, error);
  return y;
}

static gboolean map_deform_conv(QfOnnxNode *n, GError **error)
{
  static const QfInts to_rows = {6, {0, 3, 4, 1, 5, 2}}, swap = {3, {1, 0, 2}}, last = {3, {0, 2, 1}};
  Deform d;
  if (!read_deform(n, &d, error))
    return FALSE;
  const int64_t pixels = d.n * d.oh * d.ow, sum = d.c / d.group * d.k;
  QfInts apart = {6, {d.n, d.g, d.k, d.oh, d.ow, d.c / d.g}}, rows = {3, {pixels, d.group, sum}};
  QfInts weights = {3, {d.group, d.out / d.group, sum}}, image = {4, {d.n, d.oh, d.ow, d.out}};
  QfTensor *x = qf_build_reshape(n->b, sample(n, &d, error), &apart, NULL, error);
  x = qf_build_reshape(n->b, qf_build_transpose(n->b, x, &to_rows, NULL, error), &rows, NULL, error);
  x = qf_build_transpose(n->b, x, &swap, NULL, error); /* [group, pixels, sum] */
  QfTensor *w = qf_build_reshape(n->b, n->in[1], &weights, NULL, error);
  QfTensor *y =
      qf_build_apply2(n->b, "MatMul", x, qf_build_transpose(n->b, w, &last, NULL, error), NULL, error);
  y = qf_build_reshape(n->b, qf_build_transpose(n->b, y, &swap, NULL, error), &image, NULL, error);
  if (y && qf_onnx_input(n, 3))
    y = qf_build_apply2(n->b, "ElementWiseAdd", y, n->in[3], NULL, error);
  return qf_onnx_bind(n, 0, qf_build_channels_first(n->b, y, qf_onnx_output(n, 0), error));
}

const QfOnnxRow qf_onnx_deform_rows[] = {
    {"", "DeformConv", map_deform_conv, 3, 5, "GridSample", 0},
    {NULL},
};
