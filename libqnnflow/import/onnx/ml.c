/* SPDX-License-Identifier: MIT */
/*
 * ml.c - the operators of the domain ai.onnx.ml that are plain arithmetic on rows of features. Trees, support vectors and text are left out.
 */
#include "map.h"

#include <math.h>
#include <string.h>

#define ML "ai.onnx.ml"

/* A list attribute of floats, one number or one for each of @columns; NULL with an error otherwise. @def when it is missing. */
static QfTensor *row_of(QfOnnxNode *n, const char *name, int64_t columns, float def, GError **error)
{
  const Onnx__AttributeProto *a = qf_onnx_attr(n, name);
  if (!a || !a->n_floats)
    return qf_build_scalar(n->b, def, QF_DTYPE_FLOAT32);
  if (a->n_floats != 1 && (int64_t)a->n_floats != columns) {
    qf_onnx_fail(n, error, QF_ERROR_SHAPE,
                 "its attribute %s has %" G_GSIZE_FORMAT " numbers for %" G_GINT64_FORMAT " features", name,
                 a->n_floats, columns);
    return NULL;
  }
  QfInts shape = {1, {(int64_t)a->n_floats}};
  return qf_build_floats(n->b, &shape, a->floats);
}

static int64_t columns_of(const QfTensor *x)
{
  return x->rank ? x->dims[x->rank - 1] : 1;
}

/* (x - offset) * scale */
static gboolean map_scaler(QfOnnxNode *n, GError **error)
{
  QfTensor *x = qf_build_cast(n->b, n->in[0], QF_DTYPE_FLOAT32, NULL, error);
  QfTensor *offset = row_of(n, "offset", columns_of(n->in[0]), 0, error);
  QfTensor *scale = offset ? row_of(n, "scale", columns_of(n->in[0]), 1, error) : NULL;
  x = offset ? qf_build_apply2(n->b, "ElementWiseSubtract", x, offset, NULL, error) : NULL;
  return qf_onnx_bind(n, 0,
                      qf_build_apply2(n->b, "ElementWiseMultiply", x, scale, qf_onnx_output(n, 0), error));
}

/* Rows divided by their largest value, or by the sum of magnitudes, or by their length; a row of zeros stays. */
static gboolean map_normalizer(QfOnnxNode *n, GError **error)
{
  static const char *const norms[] = {"MAX", "L1", "L2", NULL}, *const ops[] = {"ReduceMax", "ReduceSum",
                                                                                "ReduceL2"};
  QfTensor *x = qf_build_cast(n->b, n->in[0], QF_DTYPE_FLOAT32, NULL, error),
           *zero = qf_build_scalar(n->b, 0, QF_DTYPE_FLOAT32);
  int32_t norm;
  if (!x || !qf_onnx_enum(n, "norm", norms, 0, &norm, error))
    return FALSE;
  if (!x->rank)
    return qf_onnx_fail(n, error, QF_ERROR_SHAPE, "its input is a single number, but rows are needed");
  QfInts last = {1, {x->rank - 1}};
  QfTensor *values = norm == 1 ? qf_build_apply1(n->b, "ElementWiseAbs", x, NULL, error) : x;
  QfTensor *sum = values ? qf_build_reduce(n->b, ops[norm], values, &last, TRUE, NULL, error) : NULL;
  QfTensor *none = qf_build_apply2(n->b, "ElementWiseEqual", sum, zero, NULL, error);
  sum = none ? qf_onnx_select(n, none, qf_build_scalar(n->b, 1, QF_DTYPE_FLOAT32), sum, NULL, error) : NULL;
  return qf_onnx_bind(n, 0, qf_build_apply2(n->b, "ElementWiseDivide", x, sum, qf_onnx_output(n, 0), error));
}

/* 1 above the threshold, else 0 */
static gboolean map_binarizer(QfOnnxNode *n, GError **error)
{
  QfTensor *x = n->in[0];
  QfTensor *above =
      qf_build_apply2(n->b, "ElementWiseGreater", qf_build_cast(n->b, x, QF_DTYPE_FLOAT32, NULL, error),
                      qf_build_scalar(n->b, qf_onnx_float(n, "threshold", 0), QF_DTYPE_FLOAT32), NULL, error);
  return qf_onnx_bind(n, 0, qf_build_cast(n->b, above, x->dtype, qf_onnx_output(n, 0), error));
}

/* Columns by their indices; a vector counts as one row. */
static gboolean map_extractor(QfOnnxNode *n, GError **error)
{
  QfTensor *x = n->in[0];
  QfInts row = {2, {1, columns_of(x)}}, list = {1, {qf_tensor_count(n->in[1])}};
  if (x->rank < 2)
    x = qf_build_reshape(n->b, x, &row, NULL, error);
  QfTensor *in[2] = {x, qf_build_reshape(n->b, n->in[1], &list, NULL, error)};
  if (!in[0] || !in[1])
    return FALSE;
  QfNode *node = qf_build_begin(n->b, "Gather", in, 2, qf_onnx_output(n, 0));
  ((QfGatherAttrs *)node->attrs)->axis = x->rank - 1;
  return qf_onnx_bind(n, 0, qf_build_end(n->b, node, error));
}

/* What is missing (NaN, or a number that stands for it) gets a value, one for all or one a column. */
static gboolean map_imputer(QfOnnxNode *n, GError **error)
{
  const float stands = qf_onnx_float(n, "replaced_value_float", NAN);
  QfTensor *x = n->in[0];
  if (!qf_onnx_attr(n, "imputed_value_floats") || x->dtype != QF_DTYPE_FLOAT32)
    return qf_onnx_fail(n, error, QF_ERROR_UNSUPPORTED,
                        "only floats with imputed_value_floats are supported: add a Cast");
  QfTensor *value = row_of(n, "imputed_value_floats", columns_of(x), 0, error);
  QfTensor *missing = isnan(stands)
                          ? qf_build_apply2(n->b, "ElementWiseNotEqual", x, x, NULL, error)
                          : qf_build_apply2(n->b, "ElementWiseEqual", x,
                                            qf_build_scalar(n->b, stands, QF_DTYPE_FLOAT32), NULL, error);
  return value && missing &&
         qf_onnx_bind(n, 0, qf_onnx_select(n, missing, value, x, qf_onnx_output(n, 0), error));
}

/* A list attribute of int64 or of floats as a constant; NULL: there is none. */
static QfTensor *numbers(QfOnnxNode *n, const char *ints, const char *floats)
{
  const Onnx__AttributeProto *a = qf_onnx_attr(n, ints), *f = qf_onnx_attr(n, floats);
  int64_t count = a && a->n_ints ? (int64_t)a->n_ints : f ? (int64_t)f->n_floats : 0;
  if (!count)
    return NULL;
  return a && a->n_ints
             ? qf_graph_add_constant_copy(n->onnx->graph, NULL, QF_DTYPE_INT64, &count, 1, a->ints)
             : qf_graph_add_constant_copy(n->onnx->graph, NULL, QF_DTYPE_FLOAT32, &count, 1, f->floats);
}

/* values[i] for the i whose key the element is, else the default. */
static gboolean map_label_encoder(QfOnnxNode *n, GError **error)
{
  QfTensor *x = n->in[0], *keys = numbers(n, "keys_int64s", "keys_floats");
  QfTensor *values = numbers(n, "values_int64s", "values_floats");
  if (!keys || !values || keys->dims[0] != values->dims[0] || keys->dtype != x->dtype ||
      x->rank >= QF_MAX_RANK)
    return qf_onnx_fail(n, error, QF_ERROR_UNSUPPORTED,
                        "only keys of the input's type and values as int64 or float lists of one length are "
                        "supported, no text");
  const Onnx__AttributeProto *other = qf_onnx_attr(n, "default_int64");
  QfTensor *none = values->dtype == QF_DTYPE_INT64
                       ? qf_build_scalar(n->b, other ? (double)other->i : -1, QF_DTYPE_INT64)
                       : qf_build_scalar(n->b, qf_onnx_float(n, "default_float", -0.0f), QF_DTYPE_FLOAT32);
  QfInts wide = qf_build_dims(x), last = {1, {x->rank}};
  wide.v[wide.n++] = 1;
  QfTensor *hit = qf_build_apply2(n->b, "ElementWiseEqual", qf_build_reshape(n->b, x, &wide, NULL, error),
                                  keys, NULL, error);
  hit = qf_build_cast(n->b, hit, QF_DTYPE_FLOAT32, NULL, error);
  if (!hit)
    return FALSE;
  QfNode *node = qf_build_begin(n->b, "Argmax", &hit, 1, NULL);
  *(QfAxisAttrs *)node->attrs = (QfAxisAttrs){.axis = x->rank, .dtype = QF_DTYPE_INT64};
  QfTensor *in[2] = {values, qf_build_end(n->b, node, error)};
  QfTensor *found = qf_build_reduce(n->b, "ReduceMax", hit, &last, FALSE, NULL, error);
  found = qf_build_cast(n->b, found, QF_DTYPE_BOOL, NULL, error);
  QfTensor *y = in[1] ? qf_build_end(n->b, qf_build_begin(n->b, "Gather", in, 2, NULL), error) : NULL;
  return y && found && qf_onnx_bind(n, 0, qf_onnx_select(n, found, y, none, qf_onnx_output(n, 0), error));
}

/* x coefficients^T + intercepts */
static gboolean map_linear(QfOnnxNode *n, GError **error)
{
  static const char *const none[] = {"NONE", NULL};
  const Onnx__AttributeProto *a = qf_onnx_attr(n, "coefficients");
  QfTensor *x = qf_build_cast(n->b, n->in[0], QF_DTYPE_FLOAT32, NULL, error), *y = NULL;
  const int64_t targets = qf_onnx_int(n, "targets", 1), columns = columns_of(n->in[0]);
  int32_t transform;
  if (!x || !qf_onnx_enum(n, "post_transform", none, 0, &transform, error))
    return FALSE;
  if (x->rank != 2 || targets < 1 || columns < 1 || !a || (int64_t)a->n_floats / columns != targets ||
      (int64_t)a->n_floats % columns)
    return qf_onnx_fail(n, error, QF_ERROR_SHAPE,
                        "it needs rows of features, and as many coefficients for each of %" G_GINT64_FORMAT
                        " targets",
                        targets);
  QfInts shape = {2, {targets, columns}}, swap = {2, {1, 0}};
  QfTensor *w = qf_build_transpose(n->b, qf_build_floats(n->b, &shape, a->floats), &swap, NULL, error);
  QfTensor *in[2] = {x, w}, *bias = row_of(n, "intercepts", targets, 0, error);
  if (!w || !bias || !qf_onnx_map_as(n, "MatMul", in, 2, &y, error))
    return FALSE;
  return qf_onnx_bind(n, 0, qf_build_apply2(n->b, "ElementWiseAdd", y, bias, qf_onnx_output(n, 0), error));
}

const QfOnnxRow qf_onnx_ml_rows[] = {
    {ML, "Scaler", map_scaler, 1, 1, NULL, 0},
    {ML, "Normalizer", map_normalizer, 1, 1, NULL, 0},
    {ML, "Binarizer", map_binarizer, 1, 1, NULL, 0},
    {ML, "ArrayFeatureExtractor", map_extractor, 2, 2, "Gather", 0},
    {ML, "Imputer", map_imputer, 1, 1, NULL, 0},
    {ML, "LabelEncoder", map_label_encoder, 1, 1, NULL, 0},
    {ML, "LinearRegressor", map_linear, 1, 1, NULL, 0},
    {NULL},
};
