/* SPDX-License-Identifier: MIT */
/*
 * emit.c - see emit.h. Nodes go through qf_tfl_add_node(), which puts in what quantization needs.
 */
#include "emit.h"

#include "../../graph/numbers.h"

/* An expression that has failed goes on without making nodes, and keeps its first error. */
static gboolean failed(GError **error)
{
  return error && *error;
}

static QfNode *begin(QfTflNode *n, const char *op, QfTensor *const *in, uint32_t n_in, QfTensor **out)
{
  if (!*out)
    *out = qf_tfl_temp(n, op, NULL);
  return qf_tfl_new_node(n, op, in, n_in, out, 1);
}

static QfTensor *finish(QfTflNode *n, QfNode *node, QfTensor *out, GError **error)
{
  return qf_tfl_add_node(n, node, error) ? out : NULL;
}

static QfTensor *emit(QfTflNode *n, const char *op, QfTensor *const *in, uint32_t n_in, QfTensor *out,
                      GError **error)
{
  for (uint32_t i = 0; i < n_in; i++)
    if (!in[i] || failed(error))
      return NULL;
  QfNode *node = begin(n, op, in, n_in, &out);
  return finish(n, node, out, error);
}

QfTensor *qf_tfl_emit1(QfTflNode *n, const char *op, QfTensor *x, QfTensor *out, GError **error)
{
  return emit(n, op, &x, 1, out, error);
}

QfTensor *qf_tfl_emit2(QfTflNode *n, const char *op, QfTensor *a, QfTensor *b, QfTensor *out, GError **error)
{
  QfTensor *in[] = {a, b};
  return emit(n, op, in, 2, out, error);
}

QfTensor *qf_tfl_emit_select(QfTflNode *n, QfTensor *condition, QfTensor *a, QfTensor *b, QfTensor *out,
                             GError **error)
{
  QfTensor *in[] = {condition, a, b};
  return emit(n, "ElementWiseSelect", in, 3, out, error);
}

QfTensor *qf_tfl_emit_reshape(QfTflNode *n, QfTensor *x, const int64_t *dims, int32_t rank, QfTensor *out,
                              GError **error)
{
  if (!x || failed(error))
    return NULL;
  if (rank > QF_MAX_RANK) {
    qf_tfl_fail(n, error, QF_ERROR_UNSUPPORTED, "it needs more than %d dimensions; reshape its inputs",
                QF_MAX_RANK);
    return NULL;
  }
  out = out ? out : qf_tfl_temp(n, "reshaped", x);
  return qf_tfl_add_reshape(n, x, out, dims, rank, error) ? out : NULL;
}

QfTensor *qf_tfl_emit_transpose(QfTflNode *n, QfTensor *x, const QfInts *perm, QfTensor *out, GError **error)
{
  if (!x || failed(error))
    return NULL;
  out = out ? out : qf_tfl_temp(n, "transposed", x);
  QfNode *node = begin(n, "Transpose", &x, 1, &out);
  ((QfTransposeAttrs *)node->attrs)->perm = *perm;
  return finish(n, node, out, error);
}

QfTensor *qf_tfl_emit_broadcast(QfTflNode *n, QfTensor *x, const QfInts *dims, QfTensor *out, GError **error)
{
  if (!x || failed(error))
    return NULL;
  out = out ? out : qf_tfl_temp(n, "broadcast", x);
  QfNode *node = begin(n, "BroadcastTo", &x, 1, &out);
  ((QfTileAttrs *)node->attrs)->multiples = *dims;
  return finish(n, node, out, error);
}

QfTensor *qf_tfl_emit_pad(QfTflNode *n, QfTensor *x, const QfInts *before, const QfInts *after, double value,
                          QfTensor *out, GError **error)
{
  if (!x || failed(error))
    return NULL;
  out = out ? out : qf_tfl_temp(n, "padded", x);
  QfNode *node = begin(n, "Pad", &x, 1, &out);
  QfPadAttrs *a = node->attrs;
  a->before = *before;
  a->after = *after;
  a->scheme = QF_PAD_CONSTANT;
  a->value = (float)value;
  return finish(n, node, out, error);
}

QfTensor *qf_tfl_emit_slice(QfTflNode *n, QfTensor *x, const QfInts *begins, const QfInts *ends,
                            QfTensor *out, GError **error)
{
  if (!x || failed(error))
    return NULL;
  out = out ? out : qf_tfl_temp(n, "part", x);
  QfNode *node = begin(n, "StridedSlice", &x, 1, &out);
  QfStridedSliceAttrs *a = node->attrs;
  a->begin = *begins;
  a->end = *ends;
  a->stride.n = begins->n;
  for (int32_t i = 0; i < begins->n; i++)
    a->stride.v[i] = 1;
  return finish(n, node, out, error);
}

QfTensor *qf_tfl_emit_cast(QfTflNode *n, QfTensor *x, QfDType dtype, QfTensor *out, GError **error)
{
  if (failed(error))
    return NULL;
  if (!x || (!out && x->dtype == dtype))
    return x;
  out = out ? out : qf_tfl_temp(n, "cast", NULL);
  return qf_tfl_add_cast(n, x, out, dtype, error) ? out : NULL;
}

QfTensor *qf_tfl_emit_reduce(QfTflNode *n, const char *op, QfTensor *x, int32_t axis, QfTensor *out,
                             GError **error)
{
  if (!x || failed(error))
    return NULL;
  QfNode *node = begin(n, op, &x, 1, &out);
  QfReduceAttrs *a = node->attrs;
  a->axes = (QfInts){1, {axis}};
  a->keep_dims = 0;
  return finish(n, node, out, error);
}

QfTensor *qf_tfl_emit_gather(QfTflNode *n, QfTensor *x, QfTensor *indices, int32_t axis, int32_t batch_dims,
                             QfTensor *out, GError **error)
{
  QfTensor *in[] = {x, indices};
  if (!x || !indices || failed(error))
    return NULL;
  out = out ? out : qf_tfl_temp(n, "gathered", x);
  QfNode *node = begin(n, "Gather", in, 2, &out);
  QfGatherAttrs *a = node->attrs;
  a->axis = axis;
  a->batch_dims = batch_dims;
  return finish(n, node, out, error);
}

QfTensor *qf_tfl_emit_scatter(QfTflNode *n, QfTensor *data, QfTensor *indices, QfTensor *updates,
                              int32_t reduction, QfTensor *out, GError **error)
{
  QfTensor *in[] = {data, indices, updates};
  if (!data || !indices || !updates || failed(error))
    return NULL;
  out = out ? out : qf_tfl_temp(n, "scattered", data);
  QfNode *node = begin(n, "ScatterNd", in, 3, &out);
  ((QfGatherAttrs *)node->attrs)->reduction = reduction;
  return finish(n, node, out, error);
}

QfTensor *qf_tfl_emit_values(QfTflNode *n, QfDType dtype, const double *values, const int64_t *dims,
                             int32_t rank)
{
  int64_t count = qf_dims_count(dims, rank);
  size_t size = (size_t)count * qf_dtype_size(dtype);
  void *data = g_malloc0(MAX(size, 8));
  for (int64_t i = 0; i < count; i++)
    qf_number_store(dtype, data, i, values[i]);
  return qf_graph_add_constant(n->graph, NULL, dtype, dims, rank, g_bytes_new_take(data, size));
}

QfTensor *qf_tfl_emit_scalar(QfTflNode *n, QfDType dtype, double value)
{
  return qf_tfl_emit_values(n, dtype, &value, NULL, 0);
}

QfTensor *qf_tfl_emit_like(QfTflNode *n, const QfTensor *t, double value)
{
  QfTensor *c = qf_tfl_emit_scalar(n, t->dtype, value);
  if (t->enc.count == 1)
    qf_tensor_set_encoding(n->graph, c, 1, 0, t->enc.entries);
  return c;
}
