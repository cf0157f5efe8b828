/* SPDX-License-Identifier: MIT */
/*
 * map_pool.c - windows that slide: max and average pooling, and the adaptive ones whose windows follow from the sizes.
 */
#include "map.h"

#include <string.h>

/* Pooling works on [N, C, ...]; a missing batch is put in front and taken away again. */
typedef struct {
  const char *x;
  gboolean single;
  int spatial;
} Data;

static gboolean begin(QfPt2Node *n, int spatial, Data *d, GError **error)
{
  const int64_t front = 0;
  d->x = qf_pt2_tensor(n, "self");
  d->spatial = spatial;
  d->single = qf_pt2_rank(n, d->x) == spatial + 1;
  if (!d->x)
    return qf_pt2_fail(n, error, QF_ERROR_FORMAT, "it has no input");
  if (d->single)
    d->x = qf_pt2_emit(n, "Unsqueeze", NULL, 2, d->x, qf_pt2_const_ints(n->p->emit, &front, 1));
  return TRUE;
}

static void end(QfPt2Node *n, const Data *d, const char *y)
{
  const int64_t front = 0;
  if (d->single)
    qf_pt2_emit(n, "Squeeze", n->out[0], 2, y, qf_pt2_const_ints(n->p->emit, &front, 1));
}

/* "max_pool2d" -> 2 */
static int spatial_of(const QfPt2Node *n)
{
  const char *digit = strpbrk(n->row->op, "123");
  return digit ? *digit - '0' : 2;
}

static gboolean map_pool(QfPt2Node *n, GError **error)
{
  static const int64_t zeros[3] = {0}, ones[3] = {1, 1, 1};
  const gboolean max = !strcmp(n->row->data, "MaxPool");
  const int spatial = spatial_of(n);
  int64_t kernel[3], stride[3], padding[3], dilation[3], pads[6];
  QfPt2Emit *e = n->p->emit;
  Data d;
  if (!qf_pt2_spread(n, "kernel_size", NULL, spatial, kernel, error) ||
      !qf_pt2_spread(n, "stride", kernel, spatial, stride, error) ||
      !qf_pt2_spread(n, "padding", zeros, spatial, padding, error) ||
      !qf_pt2_spread(n, "dilation", ones, spatial, dilation, error))
    return FALSE;
  if (qf_pt2_arg(n, "divisor_override"))
    return qf_pt2_fail(n, error, QF_ERROR_UNSUPPORTED,
                       "divisor_override is not supported; multiply afterwards instead");
  if (!begin(n, spatial, &d, error))
    return FALSE;
  const char *names[2] = {d.single ? NULL : n->out[0], n->n_out > 1 && !d.single ? n->out[1] : NULL};
  Onnx__NodeProto *node = qf_pt2_node(e, n->row->data, n->name, &d.x, 1, names, names[1] ? 2 : 1);
  for (int i = 0; i < spatial; i++)
    pads[i] = pads[spatial + i] = padding[i];
  qf_pt2_attr_ints(e, node, "kernel_shape", kernel, (uint32_t)spatial);
  qf_pt2_attr_ints(e, node, "strides", stride, (uint32_t)spatial);
  qf_pt2_attr_ints(e, node, "pads", pads, 2 * (uint32_t)spatial);
  qf_pt2_attr_int(e, node, "ceil_mode", qf_pt2_arg_bool(n, "ceil_mode", FALSE));
  if (max)
    qf_pt2_attr_ints(e, node, "dilations", dilation, (uint32_t)spatial);
  else
    qf_pt2_attr_int(e, node, "count_include_pad", qf_pt2_arg_bool(n, "count_include_pad", TRUE));
  end(n, &d, node->output[0]);
  return TRUE;
}

/* [in, out]: column o averages the inputs from floor(o * in / out) to ceil((o + 1) * in / out). */
static const char *averages(QfPt2Node *n, int64_t in, int64_t out, gboolean transposed, GError **error)
{
  const int64_t dims[] = {transposed ? out : in, transposed ? in : out};
  float *w = qf_pt2_take(n, in * out, error);
  for (int64_t o = 0; w && o < out; o++) {
    const int64_t first = o * in / out, last = ((o + 1) * in + out - 1) / out;
    for (int64_t i = first; i < last; i++)
      w[transposed ? o * in + i : i * out + o] = 1 / (float)(last - first);
  }
  return w ? qf_pt2_constant(n->p->emit, NULL, QF_PT2_FLOAT, dims, 2,
                             g_bytes_new_take(w, (gsize)(in * out) * sizeof(float)))
           : NULL;
}

/* Windows of different sizes: a product with the matrix of averages for each dimension. */
static gboolean average_by_products(QfPt2Node *n, const int64_t *in, const int64_t *size, int spatial,
                                    GError **error)
{
  const char *x = qf_pt2_tensor(n, "self");
  for (int i = 0; i < spatial; i++)
    if (in[i] < 1 || in[i] > 4096 || size[i] < 1 || size[i] > 4096)
      return qf_pt2_fail(n, error, QF_ERROR_UNSUPPORTED,
                         "its sizes must be known, and at most 4096; use a fixed pooling instead");
  const char *columns = averages(n, in[spatial - 1], size[spatial - 1], FALSE, error);
  const char *rows = columns && spatial == 2 ? averages(n, in[0], size[0], TRUE, error) : NULL;
  if (!columns || (spatial == 2 && !rows))
    return FALSE;
  x = qf_pt2_emit(n, "MatMul", spatial == 1 ? n->out[0] : NULL, 2, x, columns);
  if (spatial == 2)
    qf_pt2_emit(n, "MatMul", n->out[0], 2, rows, x);
  return TRUE;
}

/* Sizes that divide the input's are windows of one size; a size of 1 is all of it. */
static gboolean map_adaptive(QfPt2Node *n, GError **error)
{
  const int spatial = spatial_of(n);
  const gboolean max = !strcmp(n->row->data, "MaxPool");
  int64_t size[3], kernel[3], from[3];
  QfPt2Tensor meta;
  gboolean whole = TRUE, divides = TRUE;
  Data d;
  if (!qf_pt2_spread(n, "output_size", NULL, spatial, size, error))
    return FALSE;
  const gboolean known = qf_pt2_meta(n, qf_pt2_tensor(n, "self"), &meta) && meta.rank >= spatial;
  for (int i = 0; i < spatial; i++) {
    from[i] = known ? meta.dims[meta.rank - spatial + i] : -1;
    whole = whole && size[i] == 1;
    kernel[i] = size[i] > 0 && from[i] > 0 && from[i] % size[i] == 0 ? from[i] / size[i] : 0;
    divides = divides && kernel[i];
  }
  if (!whole && !divides && !max && spatial < 3)
    return average_by_products(n, from, size, spatial, error);
  if (!begin(n, spatial, &d, error))
    return FALSE;
  if (whole) {
    end(n, &d,
        qf_pt2_emit(n, max ? "GlobalMaxPool" : "GlobalAveragePool", d.single ? NULL : n->out[0], 1, d.x));
    return TRUE;
  }
  if (!divides)
    return qf_pt2_fail(
        n, error, QF_ERROR_UNSUPPORTED,
        "its output size must divide the input's, which must be known; use a fixed pooling instead");
  const char *y = qf_pt2_emit(n, n->row->data, d.single ? NULL : n->out[0], 1, d.x);
  qf_pt2_attr_ints(n->p->emit, qf_pt2_last(n), "kernel_shape", kernel, (uint32_t)spatial);
  qf_pt2_attr_ints(n->p->emit, qf_pt2_last(n), "strides", kernel, (uint32_t)spatial);
  end(n, &d, y);
  return TRUE;
}

const QfPt2Row qf_pt2_pool_rows[] = {
    {"max_pool1d", map_pool, "MaxPool"},
    {"max_pool2d", map_pool, "MaxPool"},
    {"max_pool3d", map_pool, "MaxPool"},
    {"max_pool2d_with_indices", map_pool, "MaxPool"},
    {"max_pool1d_with_indices", map_pool, "MaxPool"},
    {"max_pool3d_with_indices", map_pool, "MaxPool"},
    {"avg_pool1d", map_pool, "AveragePool"},
    {"avg_pool2d", map_pool, "AveragePool"},
    {"avg_pool3d", map_pool, "AveragePool"},
    {"adaptive_avg_pool1d", map_adaptive, "AveragePool"},
    {"adaptive_avg_pool2d", map_adaptive, "AveragePool"},
    {"_adaptive_avg_pool2d", map_adaptive, "AveragePool"},
    {"adaptive_avg_pool3d", map_adaptive, "AveragePool"},
    {"adaptive_max_pool1d", map_adaptive, "MaxPool"},
    {"adaptive_max_pool2d", map_adaptive, "MaxPool"},
    {NULL},
};
