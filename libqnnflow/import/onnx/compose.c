/* SPDX-License-Identifier: MIT */
/*
 * compose.c - operators that the graph has none for and that are seldom hot, written with comparisons, selections and constants.
 */
#include "quant.h"
#include "../../graph/numbers.h"

#include <math.h>
#include <string.h>

/* A constant matrix of @dtype that is 1 where upper: j - i >= k, lower: j - i <= k, diagonal: j - i == k. */
typedef enum { BAND_LOWER = 0, BAND_UPPER, BAND_DIAGONAL } Band;

static QfTensor *band(QfOnnxNode *n, Band kind, int64_t rows, int64_t columns, int64_t k, QfDType dtype,
                      const char *name, GError **error)
{
  const int64_t dims[2] = {rows, columns};
  k = CLAMP(k, -G_MAXINT32, G_MAXINT32);
  int64_t count = qf_dims_count(dims, 2);
  if (!qf_onnx_charge(n, count, error))
    return NULL;
  char *values = g_malloc0((gsize)count * qf_dtype_size(dtype) + 1);
  for (int64_t i = 0; i < count; i++) {
    int64_t d = i % columns - i / columns;
    gboolean set = kind == BAND_UPPER ? d >= k : kind == BAND_LOWER ? d <= k : d == k;
    qf_number_store(dtype, values, i, set);
  }
  return qf_graph_add_constant(n->onnx->graph, name, dtype, dims, 2,
                               g_bytes_new_take(values, (gsize)count * qf_dtype_size(dtype)));
}

static gboolean map_trilu(QfOnnxNode *n, GError **error)
{
  QfTensor *x = n->in[0];
  QfInts k;
  if (!qf_onnx_list(n, NULL, 1, &k, NULL, error))
    return FALSE;
  if (x->rank < 2)
    return qf_onnx_fail(n, error, QF_ERROR_SHAPE, "its input has %d dimensions, at least 2 are needed",
                        x->rank);
  Band kind = qf_onnx_int(n, "upper", 1) ? BAND_UPPER : BAND_LOWER;
  QfTensor *keep =
      band(n, kind, x->dims[x->rank - 2], x->dims[x->rank - 1], k.n ? k.v[0] : 0, QF_DTYPE_BOOL, NULL, error);
  QfTensor *zero = qf_build_scalar(n->b, 0, x->dtype);
  return qf_onnx_bind(n, 0, qf_onnx_select(n, keep, x, zero, qf_onnx_output(n, 0), error));
}

static gboolean map_eye_like(QfOnnxNode *n, GError **error)
{
  const QfTensor *x = n->in[0];
  const Onnx__AttributeProto *to = qf_onnx_attr(n, "dtype");
  QfDType dtype = to ? qf_onnx_dtype(qf_build_i32(to->i), NULL) : x->dtype;
  if (x->rank != 2 || dtype == QF_DTYPE_INVALID)
    return qf_onnx_fail(n, error, QF_ERROR_SHAPE, "it needs a matrix and a type of numbers");
  if (qf_dtype_is_float(dtype))
    dtype = QF_DTYPE_FLOAT32;
  return qf_onnx_bind(n, 0,
                      band(n, BAND_DIAGONAL, x->dims[0], x->dims[1], qf_onnx_int(n, "k", 0), dtype,
                           n->out_names[0], error));
}

/* x where it is above alpha, else 0 */
static gboolean map_thresholded_relu(QfOnnxNode *n, GError **error)
{
  QfTensor *alpha = qf_build_scalar(n->b, qf_onnx_float(n, "alpha", 1), QF_DTYPE_FLOAT32);
  QfTensor *above = qf_build_apply2(n->b, "ElementWiseGreater", n->in[0], alpha, NULL, error);
  QfTensor *zero = qf_build_scalar(n->b, 0, QF_DTYPE_FLOAT32);
  return qf_onnx_bind(n, 0, qf_onnx_select(n, above, n->in[0], zero, qf_onnx_output(n, 0), error));
}

/* x + bias below -lambd, x - bias above lambd, else 0 */
static gboolean map_shrink(QfOnnxNode *n, GError **error)
{
  QfTensor *x = n->in[0];
  double bias = qf_onnx_float(n, "bias", 0), limit = qf_onnx_float(n, "lambd", 0.5f);
  QfTensor *zero = qf_build_scalar(n->b, 0, QF_DTYPE_FLOAT32), *y = zero;
  for (int side = 0; side < 2; side++) {
    double sign = side ? 1 : -1;
    QfTensor *edge = qf_build_scalar(n->b, sign * limit, QF_DTYPE_FLOAT32);
    QfTensor *beyond =
        qf_build_apply2(n->b, side ? "ElementWiseGreater" : "ElementWiseLess", x, edge, NULL, error);
    QfTensor *moved = qf_build_apply2(n->b, "ElementWiseAdd", x,
                                      qf_build_scalar(n->b, -sign * bias, QF_DTYPE_FLOAT32), NULL, error);
    y = qf_onnx_select(n, beyond, moved, y, side ? qf_onnx_output(n, 0) : NULL, error);
  }
  return qf_onnx_bind(n, 0, y);
}

static gboolean map_is_nan(QfOnnxNode *n, GError **error)
{
  return qf_onnx_bind(n, 0,
                      qf_build_apply2(n->b, "ElementWiseNotEqual", n->in[0], n->in[0], qf_onnx_output(n, 0),
                                      error));
}

static gboolean map_is_inf(QfOnnxNode *n, GError **error)
{
  QfTensor *x = n->in[0], *y = NULL;
  const gboolean sides[] = {qf_onnx_int(n, "detect_negative", 1) != 0,
                            qf_onnx_int(n, "detect_positive", 1) != 0};
  for (int i = 0; i < 2; i++) {
    QfTensor *limit = qf_build_scalar(n->b, i ? INFINITY : -INFINITY, x->dtype);
    QfTensor *hit = sides[i] ? qf_build_apply2(n->b, "ElementWiseEqual", x, limit, NULL, error) : NULL;
    if (sides[i] && !hit)
      return FALSE;
    y = y && hit ? qf_build_apply2(n->b, "ElementWiseOr", y, hit, qf_onnx_output(n, 0), error)
        : hit    ? hit
                 : y;
  }
  if (!y) /* no side is asked for: nothing is */
    y = qf_build_apply2(n->b, "ElementWiseXor", qf_build_cast(n->b, x, QF_DTYPE_BOOL, NULL, error),
                        qf_build_cast(n->b, x, QF_DTYPE_BOOL, NULL, error), qf_onnx_output(n, 0), error);
  return qf_onnx_bind(n, 0, y);
}

/* Where indices, which have a dimension of size 1 at @axis, equal their place along it. */
static QfTensor *equals_place(QfOnnxNode *n, QfTensor *indices, int32_t axis, int64_t depth, GError **error)
{
  QfInts shape = {.n = indices ? indices->rank : 0};
  if (!indices)
    return NULL;
  if (depth < 0 || depth > 1 << 24) {
    qf_onnx_fail(n, error, QF_ERROR_LIMIT, "its depth is %" G_GINT64_FORMAT, depth);
    return NULL;
  }
  g_autofree int64_t *places = g_new(int64_t, depth + 1);
  for (int64_t i = 0; i < depth; i++)
    places[i] = i;
  for (int i = 0; i < shape.n; i++)
    shape.v[i] = i == axis ? depth : 1;
  QfTensor *along =
      qf_graph_add_constant_copy(n->onnx->graph, NULL, QF_DTYPE_INT64, shape.v, shape.n, places);
  return qf_build_apply2(n->b, "ElementWiseEqual", indices, along, NULL, error);
}

/* Indices from the end count from the front then; those outside give no hit. */
static QfTensor *plain_indices(QfOnnxNode *n, QfTensor *indices, int64_t depth, GError **error)
{
  indices = qf_build_cast(n->b, indices, QF_DTYPE_INT64, NULL, error);
  QfTensor *negative = qf_build_apply2(n->b, "ElementWiseLess", indices,
                                       qf_build_scalar(n->b, 0, QF_DTYPE_INT64), NULL, error);
  QfTensor *moved = qf_build_apply2(n->b, "ElementWiseAdd", indices,
                                    qf_build_scalar(n->b, (double)depth, QF_DTYPE_INT64), NULL, error);
  return qf_onnx_select(n, negative, moved, indices, NULL, error);
}

static gboolean map_one_hot(QfOnnxNode *n, GError **error)
{
  double depth = 0;
  int32_t axis, rank = n->in[0]->rank + 1;
  QfInts shape = {.n = rank}, scalar = {0};
  if (!qf_onnx_need_constant(n, 1, error) || !qf_onnx_number(n, 1, &depth, error))
    return FALSE;
  if (rank > QF_MAX_RANK || n->in[2]->rank != 1 || n->in[2]->dims[0] != 2 || !(fabs(depth) < 1e9))
    return qf_onnx_fail(n, error, QF_ERROR_SHAPE, "it needs a depth, and an off and an on value");
  if (!qf_onnx_axis(n, qf_onnx_int(n, "axis", -1), rank, &axis, error))
    return FALSE;
  for (int i = 0; i < rank; i++)
    shape.v[i] = i == axis ? 1 : n->in[0]->dims[i - (i > axis)];
  QfTensor *indices = plain_indices(n, n->in[0], (int64_t)depth, error);
  QfTensor *hit =
      equals_place(n, qf_build_reshape(n->b, indices, &shape, NULL, error), axis, (int64_t)depth, error);
  QfTensor *off =
      qf_build_reshape(n->b, qf_build_slice(n->b, n->in[2], 0, 0, 1, NULL, error), &scalar, NULL, error);
  QfTensor *on =
      qf_build_reshape(n->b, qf_build_slice(n->b, n->in[2], 0, 1, 2, NULL, error), &scalar, NULL, error);
  return qf_onnx_bind(n, 0, qf_onnx_select(n, hit, on, off, qf_onnx_output(n, 0), error));
}

/* 1 at the first largest value along an axis; before opset 13 of all dimensions from it on. */
static gboolean map_hardmax(QfOnnxNode *n, GError **error)
{
  QfTensor *x = n->in[0];
  int32_t axis;
  gboolean flat = n->opset < 13;
  if (!qf_onnx_axis(n, qf_onnx_int(n, "axis", flat ? 1 : -1), x->rank, &axis, error))
    return FALSE;
  QfInts shape = qf_build_dims(x), rows = {2, {qf_dims_count(x->dims, axis), 0}};
  rows.v[1] = qf_dims_count(x->dims + axis, x->rank - axis);
  if (flat) {
    x = qf_build_reshape(n->b, x, &rows, NULL, error);
    axis = 1;
  }
  if (!x)
    return FALSE;
  QfNode *node = qf_build_begin(n->b, "Argmax", &x, 1, NULL);
  *(QfAxisAttrs *)node->attrs = (QfAxisAttrs){.axis = axis, .keep_dims = 1, .dtype = QF_DTYPE_INT64};
  QfTensor *hit = equals_place(n, qf_build_end(n->b, node, error), axis, x->dims[axis], error);
  hit = qf_build_cast(n->b, hit, QF_DTYPE_FLOAT32, NULL, error);
  return qf_onnx_bind(n, 0, qf_build_reshape(n->b, hit, &shape, qf_onnx_output(n, 0), error));
}

/* a * sigmoid(alpha * a) * b */
static gboolean map_swiglu(QfOnnxNode *n, GError **error)
{
  QfTensor *a = n->in[0], *gate = a;
  double alpha = qf_onnx_float(n, "alpha", 1);
  if (alpha != 1)
    gate = qf_build_with(n->b, "ElementWiseMultiply", a, alpha, NULL, error);
  gate = qf_build_apply1(n->b, "Sigmoid", gate, NULL, error);
  gate = qf_build_apply2(n->b, "ElementWiseMultiply", a, gate, NULL, error);
  return qf_onnx_bind(n, 0,
                      qf_build_apply2(n->b, "ElementWiseMultiply", gate, n->in[1], qf_onnx_output(n, 0),
                                      error));
}

/* The same bytes as another type; not of half precision, which the graph keeps as float32. */
static gboolean map_bit_cast(QfOnnxNode *n, GError **error)
{
  const char *name = "";
  QfDType dtype = qf_onnx_dtype(qf_onnx_int(n, "to", 0), &name);
  QfDType from = qf_onnx_dtype(qf_onnx_declared_number(n, 0, 0), NULL);
  gboolean half = from == QF_DTYPE_FLOAT16 || from == QF_DTYPE_BFLOAT16 || dtype == QF_DTYPE_FLOAT16 ||
                  dtype == QF_DTYPE_BFLOAT16;
  if (half || qf_dtype_size(dtype) != qf_dtype_size(n->in[0]->dtype))
    return qf_onnx_fail(
        n, error, QF_ERROR_UNSUPPORTED,
        "it reads the bytes of %s as %s: types of one size are supported, but not half precision",
        qf_dtype_name(n->in[0]->dtype), name);
  QfNode *node = qf_build_begin(n->b, "BitCast", n->in, 1, qf_onnx_output(n, 0));
  ((QfCastAttrs *)node->attrs)->dtype = dtype;
  return qf_onnx_bind(n, 0, qf_build_end(n->b, node, error));
}

const QfOnnxRow qf_onnx_compose_rows[] = {
    {"", "SwiGLU", map_swiglu, 2, 2, NULL, 0},
    {"", "BitCast", map_bit_cast, 1, 1, "BitCast", 0},
    {"", "Trilu", map_trilu, 1, 2, NULL, 0},
    {"com.microsoft", "Trilu", map_trilu, 1, 2, NULL, 0},
    {"", "EyeLike", map_eye_like, 1, 1, NULL, 0},
    {"", "ThresholdedRelu", map_thresholded_relu, 1, 1, NULL, 0},
    {"", "Shrink", map_shrink, 1, 1, NULL, 0},
    {"", "IsNaN", map_is_nan, 1, 1, NULL, 0},
    {"", "IsInf", map_is_inf, 1, 1, NULL, 0},
    {"", "OneHot", map_one_hot, 3, 3, NULL, 0},
    {"", "Hardmax", map_hardmax, 1, 1, NULL, 0},
    {NULL},
};
