/* SPDX-License-Identifier: MIT */
/*
 * map_stablehlo.c - operators of StableHLO that converters leave in a file: arithmetic, moves with fixed bounds, and composites,
 * which are the graph that they decompose into. Lists are of int64, and shapes stand in the outputs' records.
 */
#include "emit.h"

#include <math.h>

static gboolean done(const QfTensor *t)
{
  return t != NULL;
}

static gboolean get_list(const QfTflNode *n, uint32_t field, int32_t count, QfInts *list, GError **error)
{
  QfFlatVector v = qf_flat_get_vector(&n->record->options, field, 8);
  list->n = (int32_t)MIN(v.count, QF_MAX_RANK);
  for (int32_t i = 0; i < list->n; i++)
    list->v[i] = qf_flat_at_int(&v, (uint32_t)i, QF_FLAT_I64);
  return (v.count <= QF_MAX_RANK && list->n == count) ||
         qf_tfl_fail(n, error, QF_ERROR_SHAPE, "a list of %u for %d dimensions; the file is damaged", v.count,
                     count);
}

/* The shape that the file gives for output 0. */
static gboolean get_shape(const QfTflNode *n, QfInts *dims, GError **error)
{
  const QfTflTensor *x = &n->scope->file->tensors[qf_flat_at_int(&n->record->outputs, 0, QF_FLAT_I32)];
  dims->n = x->rank;
  for (int32_t i = 0; i < x->rank; i++)
    if ((dims->v[i] = x->signature[i]) < 0)
      return qf_tfl_fail(n, error, QF_ERROR_DYNAMIC,
                         "the shape of its output is open; export the model with fixed shapes");
  return TRUE;
}

static gboolean map_unary(QfTflNode *n, GError **error)
{
  return done(qf_tfl_emit1(n, n->row->op, n->in[0], n->out[0], error));
}

static gboolean map_binary(QfTflNode *n, GError **error)
{
  return done(qf_tfl_emit2(n, n->row->op, n->in[0], n->in[1], n->out[0], error));
}

static gboolean map_select(QfTflNode *n, GError **error)
{
  return done(qf_tfl_emit_select(n, n->in[0], n->in[1], n->in[2], n->out[0], error));
}

static gboolean map_convert(QfTflNode *n, GError **error)
{
  return done(qf_tfl_emit_cast(n, n->in[0], n->out[0]->dtype, n->out[0], error));
}

static gboolean map_clamp(QfTflNode *n, GError **error)
{
  QfTensor *above = qf_tfl_emit2(n, "ElementWiseMaximum", n->in[1], n->in[0], NULL, error);
  return done(qf_tfl_emit2(n, "ElementWiseMinimum", above, n->in[2], n->out[0], error));
}

/* sign(x) * |x|^(1/3) */
static gboolean map_cbrt(QfTflNode *n, GError **error)
{
  QfTensor *third = qf_tfl_emit_scalar(n, n->in[0]->dtype, 1.0 / 3);
  QfTensor *size = qf_tfl_emit1(n, "ElementWiseAbs", n->in[0], NULL, error);
  QfTensor *root = qf_tfl_emit2(n, "ElementWisePower", size, third, NULL, error);
  QfTensor *sign = qf_tfl_emit1(n, "ElementWiseSign", n->in[0], NULL, error);
  return done(qf_tfl_emit2(n, "ElementWiseMultiply", root, sign, n->out[0], error));
}

static gboolean map_compare(QfTflNode *n, GError **error)
{
  static const char *const ops[] = {"ElementWiseEqual",   "ElementWiseNotEqual",  "ElementWiseGreaterEqual",
                                    "ElementWiseGreater", "ElementWiseLessEqual", "ElementWiseLess"};
  int64_t direction = qf_tfl_option(n, QF_TFL_COMPARE_DIRECTION, 0);
  if (direction < 0 || direction >= (int64_t)G_N_ELEMENTS(ops))
    return qf_tfl_fail(n, error, QF_ERROR_FORMAT, "comparison %" G_GINT64_FORMAT "; the file is damaged",
                       direction);
  return done(qf_tfl_emit2(n, ops[direction], n->in[0], n->in[1], n->out[0], error));
}

static gboolean map_reshape(QfTflNode *n, GError **error)
{
  QfInts dims;
  return get_shape(n, &dims, error) &&
         done(qf_tfl_emit_reshape(n, n->in[0], dims.v, dims.n, n->out[0], error));
}

static gboolean map_transpose(QfTflNode *n, GError **error)
{
  QfInts perm;
  return get_list(n, 0, n->in[0]->rank, &perm, error) &&
         done(qf_tfl_emit_transpose(n, n->in[0], &perm, n->out[0], error));
}

/* Input dimension i becomes dimension list[i] of the output; the others are new. */
static gboolean map_broadcast(QfTflNode *n, GError **error)
{
  const QfTensor *x = n->in[0];
  QfInts dims, list;
  int64_t wide[QF_MAX_RANK] = {1, 1, 1, 1, 1, 1, 1, 1}, last = -1;
  if (!get_shape(n, &dims, error) || !get_list(n, 0, x->rank, &list, error))
    return FALSE;
  for (int32_t i = 0; i < list.n; last = list.v[i++]) {
    if (list.v[i] <= last || list.v[i] >= dims.n)
      return qf_tfl_fail(n, error, QF_ERROR_UNSUPPORTED,
                         "dimensions that change places; transpose them before");
    wide[list.v[i]] = x->dims[i];
  }
  QfTensor *apart = qf_tfl_emit_reshape(n, n->in[0], wide, dims.n, NULL, error);
  return done(qf_tfl_emit_broadcast(n, apart, &dims, n->out[0], error));
}

static gboolean map_concatenate(QfTflNode *n, GError **error)
{
  int64_t axis = qf_flat_get_int(&n->record->options, 0, QF_FLAT_I64, 0);
  QfNode *node = qf_tfl_new_node(n, "Concat", n->in, n->n_in, n->out, 1);
  for (uint32_t i = 0; i < n->n_in; i++)
    if (!n->in[i])
      return qf_tfl_fail(n, error, QF_ERROR_FORMAT, "input %u is missing; the file is damaged", i);
  return qf_tfl_axis(n, axis, n->in[0]->rank, &((QfConcatAttrs *)node->attrs)->axis, error) &&
         qf_tfl_add_node(n, node, error);
}

static gboolean map_slice(QfTflNode *n, GError **error)
{
  QfNode *node = qf_tfl_new_node(n, "StridedSlice", n->in, 1, n->out, 1);
  QfStridedSliceAttrs *a = node->attrs;
  const QfTensor *x = n->in[0];
  if (!get_list(n, 0, x->rank, &a->begin, error) || !get_list(n, 1, x->rank, &a->end, error) ||
      !get_list(n, 2, x->rank, &a->stride, error))
    return FALSE;
  for (int32_t i = 0; i < x->rank; i++)
    if (a->begin.v[i] < 0 || a->end.v[i] < a->begin.v[i] || a->end.v[i] > x->dims[i] || a->stride.v[i] < 1)
      return qf_tfl_fail(n, error, QF_ERROR_SHAPE, "its bounds are outside dimension %d", i);
  return qf_tfl_add_node(n, node, error);
}

static gboolean map_pad(QfTflNode *n, GError **error)
{
  QfInts before, after, inside;
  int32_t rank = n->in[0]->rank;
  if (!get_list(n, 0, rank, &before, error) || !get_list(n, 1, rank, &after, error) ||
      !get_list(n, 2, rank, &inside, error))
    return FALSE;
  for (int32_t i = 0; i < rank; i++)
    if (inside.v[i] || ABS(before.v[i]) > G_MAXINT32 || ABS(after.v[i]) > G_MAXINT32)
      return qf_tfl_fail(n, error, QF_ERROR_UNSUPPORTED,
                         "padding between elements is not supported; DILATE is");
  if (!qf_tensor_data(n->in[1]) || qf_tensor_count(n->in[1]) != 1)
    return qf_tfl_fail(n, error, QF_ERROR_UNSUPPORTED, "the padding's value must be one constant");
  return done(
      qf_tfl_emit_pad(n, n->in[0], &before, &after, qf_tensor_get_real(n->in[1], 0), n->out[0], error));
}

/* 0, 1, 2, ... along one dimension: a constant. */
static gboolean map_iota(QfTflNode *n, GError **error)
{
  QfInts dims;
  int32_t axis;
  if (!get_shape(n, &dims, error) ||
      !qf_tfl_axis(n, qf_flat_get_int(&n->record->options, 0, QF_FLAT_I64, 0), dims.n, &axis, error))
    return FALSE;
  int64_t count = dims.v[axis], column[QF_MAX_RANK] = {1, 1, 1, 1, 1, 1, 1, 1};
  if (count > 1 << 22)
    return qf_tfl_fail(n, error, QF_ERROR_LIMIT, "more than 2^22 numbers");
  g_autofree double *values = g_new0(double, count + 1);
  for (int64_t i = 0; i < count; i++)
    values[i] = (double)i;
  column[axis] = count;
  QfTensor *line = qf_tfl_emit_values(n, n->out[0]->dtype, values, column, dims.n);
  return done(qf_tfl_emit_broadcast(n, line, &dims, n->out[0], error));
}

#define UNARY(code, name, op)                                                                                \
  {                                                                                                          \
    code, "STABLEHLO_" name, map_unary, 1, 1, 1, op, NULL                                                    \
  }
#define BINARY(code, name, op)                                                                               \
  {                                                                                                          \
    code, "STABLEHLO_" name, map_binary, 2, 2, 1, op, NULL                                                   \
  }

const QfTflRow qf_tfl_stablehlo_rows[] = {
    UNARY(162, "LOGISTIC", "Sigmoid"),
    BINARY(163, "ADD", "ElementWiseAdd"),
    BINARY(164, "DIVIDE", "ElementWiseDivide"),
    BINARY(165, "MULTIPLY", "ElementWiseMultiply"),
    BINARY(166, "MAXIMUM", "ElementWiseMaximum"),
    {167, "STABLEHLO_RESHAPE", map_reshape, 1, 1, 1, NULL, NULL},
    {168, "STABLEHLO_CLAMP", map_clamp, 3, 3, 1, NULL, NULL},
    {169, "STABLEHLO_CONCATENATE", map_concatenate, 1, -1, 1, NULL, NULL},
    {170, "STABLEHLO_BROADCAST_IN_DIM", map_broadcast, 1, 1, 1, NULL, NULL},
    {172, "STABLEHLO_SLICE", map_slice, 1, 1, 1, NULL, NULL},
    UNARY(175, "ABS", "ElementWiseAbs"),
    BINARY(176, "AND", "ElementWiseAnd"),
    UNARY(177, "COSINE", "ElementWiseCos"),
    UNARY(178, "EXPONENTIAL", "ElementWiseExp"),
    UNARY(179, "FLOOR", "ElementWiseFloor"),
    UNARY(180, "LOG", "ElementWiseLog"),
    BINARY(181, "MINIMUM", "ElementWiseMinimum"),
    UNARY(182, "NEGATE", "ElementWiseNeg"),
    BINARY(183, "OR", "ElementWiseOr"),
    BINARY(184, "POWER", "ElementWisePower"),
    BINARY(185, "REMAINDER", "ElementWiseFmod"),
    UNARY(186, "RSQRT", "ElementWiseRsqrt"),
    {187, "STABLEHLO_SELECT", map_select, 3, 3, 1, NULL, NULL},
    BINARY(188, "SUBTRACT", "ElementWiseSubtract"),
    UNARY(189, "TANH", "Tanh"),
    {191, "STABLEHLO_COMPARE", map_compare, 2, 2, 1, NULL, NULL},
    {192, "STABLEHLO_CONVERT", map_convert, 1, 1, 1, NULL, NULL},
    {195, "STABLEHLO_PAD", map_pad, 2, 2, 1, NULL, NULL},
    {196, "STABLEHLO_IOTA", map_iota, 0, 0, 1, NULL, NULL},
    {202, "STABLEHLO_TRANSPOSE", map_transpose, 1, 1, 1, NULL, NULL},
    BINARY(207, "SHIFT_LEFT", "BitShiftLeft"),
    {208, "STABLEHLO_CBRT", map_cbrt, 1, 1, 1, NULL, NULL},
    {0},
};
