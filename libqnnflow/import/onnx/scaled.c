/* SPDX-License-Identifier: MIT */
/*
 * scaled.c - quantization written out in real numbers, for what an encoding cannot say: a scale or zero point that only a run
 * knows, one scale a block, one a row of both operands, integers narrower than a byte. See quant.c for the usual way.
 */
#include "quant.h"

#include <string.h>

/* Scale (or zero point) @s broadcast over @t: one number, one for each index of @axis, one for @block of them, or as it is. */
static QfTensor *spread(QfOnnxNode *n, QfTensor *s, const QfTensor *t, int64_t axis, int64_t block,
                        GError **error)
{
  QfInts scalar = {0}, shape = {.n = t->rank};
  int32_t at = 0;
  if (qf_tensor_count(s) == 1)
    return qf_build_reshape(n->b, s, &scalar, NULL, error);
  if (s->rank > 1 && s->rank != t->rank)
    return s; /* leading dimensions broadcast, or shape inference says why not */
  if ((s->rank == 1 || block) && !qf_onnx_axis(n, axis, t->rank, &at, error))
    return NULL;
  for (int i = 0; i < t->rank; i++)
    shape.v[i] = i == at ? s->dims[0] : 1;
  if (s->rank == 1)
    return qf_build_reshape(n->b, s, &shape, NULL, error);
  if (!block)
    return s;
  if (t->rank == QF_MAX_RANK || block < 0 || block > G_MAXINT32 || s->dims[at] > G_MAXINT32 ||
      s->dims[at] * block < t->dims[at]) {
    qf_onnx_fail(n, error, QF_ERROR_SHAPE, "blocks of %" G_GINT64_FORMAT " do not cover its axis", block);
    return NULL;
  }
  QfInts apart = {.n = t->rank + 1}, times = {.n = t->rank + 1}, whole = qf_build_dims(s);
  for (int i = 0; i < apart.n; i++) {
    apart.v[i] = i <= at ? s->dims[i] : i == at + 1 ? 1 : s->dims[i - 1];
    times.v[i] = i == at + 1 ? block : 1;
  }
  whole.v[at] *= block;
  QfTensor *y = qf_build_reshape(n->b, s, &apart, NULL, error);
  if (!y)
    return NULL;
  QfNode *node = qf_build_begin(n->b, "Tile", &y, 1, NULL);
  ((QfTileAttrs *)node->attrs)->multiples = times;
  y = qf_build_reshape(n->b, qf_build_end(n->b, node, error), &whole, NULL, error);
  return y && y->dims[at] > t->dims[at] ? qf_build_slice(n->b, y, at, 0, t->dims[at], NULL, error) : y;
}

QfTensor *qf_onnx_dequantize_scaled(QfOnnxNode *n, QfTensor *t, QfTensor *scale, QfTensor *zero, int64_t axis,
                                    int64_t block, QfTensor *out, GError **error)
{
  scale = spread(n, scale, t, axis, block, error);
  zero = zero ? spread(n, zero, t, axis, block, error) : NULL;
  if (!scale || (error && *error))
    return NULL;
  QfTensor *y = qf_build_cast(n->b, t, QF_DTYPE_FLOAT32, NULL, error);
  zero = qf_build_cast(n->b, zero, QF_DTYPE_FLOAT32, NULL, error);
  if (zero)
    y = qf_build_apply2(n->b, "ElementWiseSubtract", y, zero, NULL, error);
  return qf_build_apply2(n->b, "ElementWiseMultiply", y, scale, out, error);
}

QfTensor *qf_onnx_quantize_scaled(QfOnnxNode *n, QfTensor *x, QfTensor *scale, QfTensor *zero, int64_t axis,
                                  int64_t block, int32_t number, QfTensor *out, GError **error)
{
  const QfDType dtype = qf_onnx_stored_dtype(number);
  int32_t lo, hi;
  if (!qf_onnx_narrow_range(number, &lo, &hi)) {
    int64_t min, max;
    qf_dtype_range(dtype, &min, &max);
    lo = qf_build_i32(min);
    hi = qf_build_i32(max);
  }
  QfOnnxNarrowFloat small;
  const gboolean to_float = qf_onnx_narrow_float(number, &small);
  if (dtype == QF_DTYPE_INVALID || (!to_float && (qf_dtype_is_float(dtype) || qf_dtype_size(dtype) > 2))) {
    const char *name;
    qf_onnx_dtype(number, &name);
    qf_onnx_fail(n, error, QF_ERROR_UNSUPPORTED,
                 "it quantizes to %s: integers of up to 16 bits and floats of up to 8 are supported", name);
    return NULL;
  }
  scale = spread(n, scale, x, axis, block, error);
  zero = zero ? spread(n, zero, x, axis, block, error) : NULL;
  if (!scale || (error && *error))
    return NULL;
  x = qf_build_cast(n->b, x, QF_DTYPE_FLOAT32, NULL, error);
  zero = qf_build_cast(n->b, zero, QF_DTYPE_FLOAT32, NULL, error);
  QfTensor *y = qf_build_apply2(n->b, "ElementWiseDivide", x, scale, NULL, error);
  if (to_float) {
    y = zero ? qf_build_apply2(n->b, "ElementWiseAdd", y, zero, NULL, error) : y;
    return qf_onnx_round_float(n, y, number, out, error);
  }
  y = qf_build_apply1(n->b, "ElementWiseRound", y, NULL, error);
  if (zero)
    y = qf_build_apply2(n->b, "ElementWiseAdd", y, zero, NULL, error);
  return qf_build_cast(n->b, qf_build_clamp(n->b, y, lo, hi, NULL, error), dtype, out, error);
}

/* The type that the file says input @index has: of an initializer or of a graph input; else that of its tensor. */
int32_t qf_onnx_declared_number(const QfOnnxNode *n, uint32_t index, int32_t def)
{
  static const struct {
    QfDType dtype;
    int32_t number;
  } numbers[] = {{QF_DTYPE_UINT8, 2},
                 {QF_DTYPE_INT8, 3},
                 {QF_DTYPE_UINT16, 4},
                 {QF_DTYPE_INT16, 5},
                 {QF_DTYPE_INT32, 6}};
  const Onnx__GraphProto *g = n->onnx->file->model->graph;
  const QfTensor *t = qf_onnx_input(n, index);
  if (!t)
    return def;
  const char *name = n->proto->input[index];
  const Onnx__TensorProto *record = g_hash_table_lookup(n->onnx->initializers, name);
  int32_t number = record ? record->data_type : 0;
  for (size_t i = 0; !number && i < g->n_input; i++)
    if (!strcmp(g->input[i]->name, name) && g->input[i]->type && g->input[i]->type->tensor_type)
      number = g->input[i]->type->tensor_type->elem_type;
  for (guint i = 0; !number && i < G_N_ELEMENTS(numbers); i++)
    if (numbers[i].dtype == t->dtype)
      number = numbers[i].number;
  return number ? number : def;
}
