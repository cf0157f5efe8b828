/* SPDX-License-Identifier: MIT */
/*
 * constant.c - operators that make tensors from nothing: Constant, ConstantOfShape, Range.
 */
#include "map.h"

#include <string.h>

/* What a file may blow up from a few bytes, at once and in all: VGG-19 without its numbers asks for 411 and 575 MB. */
#define MAX_FILL_BYTES ((int64_t)480 << 20)
#define MAX_FILLS_BYTES ((int64_t)1 << 30)

static QfTensor *own_float(QfOnnxNode *n, QfTensor *t, GError **error)
{
  return t && qf_dtype_is_float(t->dtype) && t->dtype != QF_DTYPE_FLOAT64
             ? qf_build_cast(n->b, t, QF_DTYPE_FLOAT32, NULL, error)
             : t;
}

static gboolean map_constant(QfOnnxNode *n, GError **error)
{
  static const char *const names[] = {"value_float", "value_floats", "value_int", "value_ints"};
  const Onnx__AttributeProto *a = qf_onnx_attr(n, "value");
  QfGraph *g = n->onnx->graph;
  if (a && a->t)
    return qf_onnx_bind(n, 0,
                        own_float(n, qf_onnx_read_tensor(n->onnx->file, g, a->t, n->out_names[0], error),
                                  error));
  for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
    gboolean is_int = i >= 2, list = i & 1;
    a = qf_onnx_attr(n, names[i]);
    if (!a)
      continue;
    const void *values =
        is_int ? (list ? (const void *)a->ints : &a->i) : (list ? (const void *)a->floats : &a->f);
    int64_t count = (int64_t)(is_int ? a->n_ints : a->n_floats);
    return qf_onnx_bind(n, 0,
                        qf_graph_add_constant_copy(g, n->out_names[0],
                                                   is_int ? QF_DTYPE_INT64 : QF_DTYPE_FLOAT32, &count, list,
                                                   values));
  }
  return qf_onnx_fail(n, error, QF_ERROR_UNSUPPORTED, "its value is neither a tensor nor numbers");
}

/* @count times @size bytes, by doubling. */
static char *repeat(const void *value, gsize size, gsize count)
{
  gsize total = size * count, done = MIN(size, total);
  char *bytes = g_try_malloc(total + 1);
  if (bytes)
    memcpy(bytes, value, done);
  for (; bytes && done < total; done = MIN(2 * done, total))
    memcpy(bytes + done, bytes, MIN(done, total - done));
  return bytes;
}

static gboolean map_constant_of_shape(QfOnnxNode *n, GError **error)
{
  const Onnx__AttributeProto *a = qf_onnx_attr(n, "value");
  QfGraph *g = n->onnx->graph;
  QfTensor *value;
  QfInts shape;
  if (!qf_onnx_list(n, NULL, 0, &shape, NULL, error))
    return FALSE;
  value = a && a->t ? own_float(n, qf_onnx_read_tensor(n->onnx->file, g, a->t, NULL, error), error)
                    : qf_build_scalar(n->b, 0, QF_DTYPE_FLOAT32);
  if (!value)
    return FALSE;
  int64_t count = qf_dims_count(shape.v, shape.n), size = (int64_t)qf_dtype_size(value->dtype);
  int64_t left = MAX_FILLS_BYTES - (int64_t)MIN(g->folded_bytes, MAX_FILLS_BYTES);
  if (count < 0 || count > MIN(left, MAX_FILL_BYTES) / size)
    return qf_onnx_fail(n, error, QF_ERROR_LIMIT, "its shape is negative or too large");
  if (qf_tensor_count(value) != 1 || !value->data)
    return qf_onnx_fail(n, error, QF_ERROR_FORMAT, "its value is not a single number");
  char *bytes = repeat(qf_tensor_data(value), (gsize)size, (gsize)count);
  if (!bytes)
    return qf_onnx_fail(n, error, QF_ERROR_LIMIT, "there is no memory for its output");
  g->folded_bytes += (uint64_t)(count * size);
  return qf_onnx_bind(n, 0,
                      qf_graph_add_constant(g, n->out_names[0], value->dtype, shape.v, shape.n,
                                            g_bytes_new_take(bytes, (gsize)(count * size))));
}

static gboolean map_range(QfOnnxNode *n, GError **error)
{
  for (uint32_t i = 0; i < 3; i++)
    if (!qf_onnx_need_constant(n, i, error))
      return FALSE;
  QfNode *node = qf_build_begin(n->b, "Range", n->in, 3, qf_onnx_output(n, 0));
  return qf_onnx_bind(n, 0, qf_build_end(n->b, node, error));
}

const QfOnnxRow qf_onnx_constant_rows[] = {
    {"", "Constant", map_constant, 0, 0, NULL, 0},
    {"", "ConstantOfShape", map_constant_of_shape, 1, 1, NULL, 0},
    {"", "Range", map_range, 3, 3, "Range", 0},
    {NULL},
};
