/* SPDX-License-Identifier: MIT */
/*
 * infer.c - the shared rules of shape inference. See infer.h.
 */
#include "infer.h"

#include <float.h>
#include <math.h>
#include <string.h>

gboolean qf_infer_fail(GError **error, QfError code, const char *format, ...)
{
  va_list args;
  va_start(args, format);
  g_autofree char *text = g_strdup_vprintf(format, args);
  va_end(args);
  g_set_error_literal(error, QF_ERROR, code, text);
  return FALSE;
}

QfTensor *qf_infer_in(const QfNode *node, uint32_t index)
{
  return index < node->n_inputs ? node->inputs[index] : NULL;
}

#define MAX_OFFSET (1 << 30) /* so that its sum with a value fits int32, and it can be negated */

/* All of them at once, as integers: weights have many, and they are looked at after every pass. Bits of floats above 0 that are finite are
 * those of 1 up to FLT_MAX. */
static gboolean is_sound(const QfEncoding *e)
{
  const float largest = FLT_MAX;
  uint32_t most, bad = 0;
  memcpy(&most, &largest, sizeof(most));
  for (uint32_t i = 0; i < e->count; i++) {
    uint32_t scale;
    memcpy(&scale, &e->entries[i].scale, sizeof(scale));
    bad |= (scale - 1 >= most) | ((uint32_t)e->entries[i].offset + MAX_OFFSET > 2u * MAX_OFFSET);
  }
  return !bad;
}

gboolean qf_infer_encoding(const QfTensor *t, const int64_t *dims, int32_t rank, GError **error)
{
  const QfEncoding *e = &t->enc;
  if (e->count > 1 && (e->axis < 0 || e->axis >= rank || dims[e->axis] != e->count))
    return qf_infer_fail(
        error, QF_ERROR_TYPE,
        "%s has %u scales along dimension %d, but must have one for each index of one of its "
        "%d dimensions: quantize the model again",
        t->name, e->count, e->axis, rank);
  if (is_sound(e))
    return TRUE;
  for (uint32_t i = 0; i < e->count; i++)
    if (!(e->entries[i].scale > 0) || !isfinite(e->entries[i].scale))
      return qf_infer_fail(error, QF_ERROR_TYPE,
                           "scale %u of %s is %g, but must be above 0: quantize the model again", i, t->name,
                           (double)e->entries[i].scale);
  for (uint32_t i = 0; i < e->count; i++)
    if (e->entries[i].offset < -MAX_OFFSET || e->entries[i].offset > MAX_OFFSET)
      return qf_infer_fail(error, QF_ERROR_TYPE,
                           "offset %u of %s is %d, but must be within 2^30: quantize the model again", i,
                           t->name, e->entries[i].offset);
  return TRUE;
}

gboolean qf_infer_begin(const QfNode *node, GError **error)
{
  const QfOpDef *op = node->op;
  if (node->n_inputs < (uint32_t)op->min_inputs || (op->max_inputs >= 0 && node->n_inputs > op->max_inputs))
    return qf_infer_fail(error, QF_ERROR_FORMAT, "it takes %d to %d inputs, but has %u: fix the model",
                         op->min_inputs, op->max_inputs, node->n_inputs);
  if (node->n_outputs < (uint32_t)op->min_outputs ||
      (op->max_outputs >= 0 && node->n_outputs > op->max_outputs))
    return qf_infer_fail(error, QF_ERROR_FORMAT, "it gives %d to %d outputs, but has %u: fix the model",
                         op->min_outputs, op->max_outputs, node->n_outputs);
  for (uint32_t i = 0; i < node->n_inputs; i++) {
    const QfTensor *t = node->inputs[i];
    if (!t) {
      if (i < (uint32_t)op->min_inputs)
        return qf_infer_fail(error, QF_ERROR_FORMAT, "input %u is required but absent: fix the model", i);
      continue;
    }
    if (t->rank < 0 || t->rank > QF_MAX_RANK || t->dtype == QF_DTYPE_INVALID)
      return qf_infer_fail(error, QF_ERROR_SHAPE,
                           "the shape or type of input %u (%s) is not known: give the model's input "
                           "dimensions, and make it before it is used",
                           i, t->name);
    if (qf_dims_count(t->dims, t->rank) < 0)
      return qf_infer_fail(error, QF_ERROR_SHAPE,
                           "input %u (%s) has an open or impossible dimension: give the model's input "
                           "dimensions",
                           i, t->name);
    if (!qf_infer_encoding(t, t->dims, t->rank, error))
      return FALSE;
  }
  for (uint32_t i = 0; i < node->n_outputs; i++)
    if (!node->outputs[i])
      return qf_infer_fail(error, QF_ERROR_FORMAT, "output %u is absent: give it a name", i);
  return TRUE;
}

gboolean qf_infer_set(QfNode *node, uint32_t index, QfDType dtype, const int64_t *dims, int32_t rank,
                      GError **error)
{
  QfTensor *t = node->outputs[index];
  if (rank < 0 || rank > QF_MAX_RANK)
    return qf_infer_fail(error, QF_ERROR_SHAPE, "output %u would have rank %d; at most %d are possible",
                         index, rank, QF_MAX_RANK);
  int64_t count = qf_dims_count(dims, rank), bytes;
  if (t->dtype == QF_DTYPE_INVALID)
    t->dtype = dtype;
  if (t->dtype != dtype &&
      (node->op->quant == QF_QUANT_NONE || node->op->quant == QF_QUANT_SAME || !t->enc.count))
    return qf_infer_fail(error, QF_ERROR_TYPE,
                         "output %u (%s) is declared as %s, but the operator gives %s: add a Cast", index,
                         t->name, qf_dtype_name(t->dtype), qf_dtype_name(dtype));
  if (count < 0 || __builtin_mul_overflow(count, (int64_t)qf_dtype_size(t->dtype), &bytes) ||
      bytes > (int64_t)1 << 46) {
    g_autofree char *s = qf_dims_to_string(dims, rank);
    return qf_infer_fail(error, QF_ERROR_LIMIT,
                         "output %u would be %s of %s, which cannot be addressed: use a smaller shape", index,
                         s, qf_dtype_name(t->dtype));
  }
  if (!qf_infer_encoding(t, dims, rank, error))
    return FALSE;
  t->rank = rank;
  for (int32_t i = 0; i < QF_MAX_RANK; i++)
    t->dims[i] = i < rank ? dims[i] : 0;
  return TRUE;
}

gboolean qf_infer_like(QfNode *node, uint32_t index, const QfTensor *like, GError **error)
{
  return qf_infer_set(node, index, like->dtype, like->dims, like->rank, error);
}

gboolean qf_infer_rank(const QfNode *node, uint32_t index, int32_t min, int32_t max, GError **error)
{
  const QfTensor *t = node->inputs[index];
  if (t->rank >= min && t->rank <= max)
    return TRUE;
  g_autofree char *s = qf_dims_to_string(t->dims, t->rank);
  if (min == max)
    return qf_infer_fail(error, QF_ERROR_SHAPE, "input %u (%s) must have rank %d, but is %s: reshape it",
                         index, t->name, min, s);
  return qf_infer_fail(error, QF_ERROR_SHAPE, "input %u (%s) must have rank %d to %d, but is %s: reshape it",
                       index, t->name, min, max, s);
}

gboolean qf_infer_axis(int32_t axis, int32_t rank, GError **error)
{
  if (axis >= 0 && axis < rank)
    return TRUE;
  return qf_infer_fail(error, QF_ERROR_SHAPE, "axis %d is not one of the %d dimensions: correct the axis",
                       axis, rank);
}

gboolean qf_infer_axes(const QfInts *axes, int32_t rank, uint32_t *mask, GError **error)
{
  *mask = 0;
  if (axes->n < 0 || axes->n > rank)
    return qf_infer_fail(error, QF_ERROR_SHAPE, "%d axes are given for %d dimensions: correct the axes",
                         axes->n, rank);
  for (int32_t i = 0; i < axes->n; i++) {
    int64_t a = axes->v[i];
    if (a < 0 || a >= rank || (*mask >> a & 1))
      return qf_infer_fail(error, QF_ERROR_SHAPE,
                           "axis %" G_GINT64_FORMAT " is repeated or not one of the %d dimensions: correct "
                           "the axes",
                           a, rank);
    *mask |= 1u << a;
  }
  if (!axes->n)
    *mask = (1u << rank) - 1;
  return TRUE;
}

gboolean qf_infer_per_axis(const char *what, const QfInts *list, int32_t rank, GError **error)
{
  if (list->n == rank)
    return TRUE;
  return qf_infer_fail(error, QF_ERROR_SHAPE, "%s has %d values, but %d dimensions need one each", what,
                       list->n, rank);
}

gboolean qf_infer_window(const char *what, int64_t in, int64_t filter, int32_t stride, int32_t dilation,
                         int32_t before, int32_t after, int64_t *out, GError **error)
{
  if (stride < 1 || dilation < 1 || before < 0 || after < 0 || filter < 1)
    return qf_infer_fail(error, QF_ERROR_SHAPE,
                         "along the %s, filter %" G_GINT64_FORMAT ", stride %d, dilation %d must be at least "
                         "1 and padding %d, %d at least 0: correct the attributes",
                         what, filter, stride, dilation, before, after);
  int64_t span, padded;
  if (__builtin_mul_overflow(filter - 1, (int64_t)dilation, &span) ||
      __builtin_add_overflow(in, (int64_t)before + after, &padded) || span >= padded)
    return qf_infer_fail(error, QF_ERROR_SHAPE,
                         "along the %s, a filter of %" G_GINT64_FORMAT " with dilation %d does not fit an "
                         "input of %" G_GINT64_FORMAT " padded by %d and %d: use a larger input",
                         what, filter, dilation, in, before, after);
  *out = (padded - span - 1) / stride + 1;
  return TRUE;
}

static gboolean broadcast_one(const QfTensor *t, uint32_t index, int64_t *dims, int32_t rank, GError **error)
{
  for (int32_t i = 0; i < t->rank; i++) {
    int64_t *d = &dims[rank - t->rank + i];
    if (*d == 1)
      *d = t->dims[i];
    else if (t->dims[i] != 1 && t->dims[i] != *d) {
      g_autofree char *s = qf_dims_to_string(t->dims, t->rank);
      g_autofree char *o = qf_dims_to_string(dims, rank);
      return qf_infer_fail(error, QF_ERROR_SHAPE,
                           "input %u (%s) of %s does not broadcast with %s: dimensions, counted from the "
                           "right, must be equal or 1",
                           index, t->name, s, o);
    }
  }
  return TRUE;
}

gboolean qf_infer_broadcast(const QfNode *node, uint32_t first, int64_t *dims, int32_t *rank, GError **error)
{
  *rank = 0;
  for (uint32_t i = first; i < node->n_inputs; i++)
    if (node->inputs[i])
      *rank = MAX(*rank, node->inputs[i]->rank);
  for (int32_t i = 0; i < QF_MAX_RANK; i++)
    dims[i] = 1;
  for (uint32_t i = first; i < node->n_inputs; i++)
    if (node->inputs[i] && !broadcast_one(node->inputs[i], i, dims, *rank, error))
      return FALSE;
  return TRUE;
}

gboolean qf_infer_same_type(const QfNode *node, uint32_t a, uint32_t b, GError **error)
{
  const QfTensor *x = node->inputs[a], *y = node->inputs[b];
  if (x->dtype == y->dtype || (x->enc.count && y->enc.count))
    return TRUE;
  return qf_infer_fail(error, QF_ERROR_TYPE,
                       "inputs %u (%s) and %u (%s) are %s and %s, but must have one type: add a Cast", a,
                       x->name, b, y->name, qf_dtype_name(x->dtype), qf_dtype_name(y->dtype));
}

gboolean qf_infer_numbers(const QfNode *node, uint32_t index, QfNumbers numbers, GError **error)
{
  static const char *const names[] = {"float", "float or quantized", "bool or an integer"};
  const QfTensor *t = node->inputs[index];
  const gboolean is_float = !t->enc.count && qf_dtype_is_float(t->dtype);
  const gboolean fits[] = {is_float, is_float || t->enc.count, !is_float && !t->enc.count};
  return fits[numbers] ||
         qf_infer_fail(error, QF_ERROR_TYPE, "input %u (%s) must be %s, but is %s: add a Cast", index,
                       t->name, names[numbers], qf_dtype_name(t->dtype));
}

gboolean qf_infer_index_type(const QfNode *node, uint32_t index, GError **error)
{
  const QfTensor *t = node->inputs[index];
  if (t->dtype == QF_DTYPE_INT32 || t->dtype == QF_DTYPE_INT64)
    return TRUE;
  return qf_infer_fail(error, QF_ERROR_TYPE, "input %u (%s) must be int32 or int64, but is %s: add a Cast",
                       index, t->name, qf_dtype_name(t->dtype));
}

gboolean qf_infer_channels(const QfNode *node, uint32_t index, const char *what, int64_t count,
                           GError **error)
{
  const QfTensor *t = qf_infer_in(node, index);
  if (!t || qf_tensor_count(t) == count)
    return TRUE;
  g_autofree char *s = qf_dims_to_string(t->dims, t->rank);
  return qf_infer_fail(error, QF_ERROR_SHAPE,
                       "the %s (%s) is %s, but %" G_GINT64_FORMAT " values, one per channel, are needed",
                       what, t->name, s, count);
}

gboolean qf_infer_activation(int32_t act, float lo, float hi, GError **error)
{
  if (act < 0 || act >= QF_N_ACTS)
    return qf_infer_fail(error, QF_ERROR_FORMAT, "activation %d is not one of the %d known", act, QF_N_ACTS);
  if (act == QF_ACT_CLAMP && !(lo <= hi))
    return qf_infer_fail(error, QF_ERROR_FORMAT, "the clamp's limits %g to %g are not ordered", lo, hi);
  return TRUE;
}

gboolean qf_infer_epilogue(const QfNode *node, const QfEpilogue *epi, int64_t channels, GError **error)
{
  if (!qf_infer_activation(epi->act, epi->lo, epi->hi, error))
    return FALSE;
  const QfTensor *out = node->outputs[0], *residual = qf_infer_in(node, 3);
  uint32_t expected = 3 + (epi->residual ? 1 : 0) + (epi->act == QF_ACT_PRELU ? 1 : 0);
  if ((expected > 3 && node->n_inputs != expected) || node->n_inputs > expected)
    return qf_infer_fail(error, QF_ERROR_FORMAT, "it has %u inputs, but bias, residual and slope make %u",
                         node->n_inputs, expected);
  if (epi->residual) {
    gboolean same = residual && residual->rank == out->rank;
    for (int32_t i = 0; same && i < out->rank; i++)
      same = residual->dims[i] == out->dims[i];
    if (!same)
      return qf_infer_fail(error, QF_ERROR_SHAPE,
                           "the residual input does not have the output's shape: add it with an "
                           "ElementWiseAdd of its own");
  }
  if (epi->act != QF_ACT_PRELU)
    return TRUE;
  if (!qf_infer_in(node, expected - 1))
    return qf_infer_fail(error, QF_ERROR_FORMAT, "the slope of the PRelu is absent");
  return qf_infer_channels(node, expected - 1, "slope", channels, error);
}

uint64_t qf_infer_product(uint64_t a, uint64_t b)
{
  uint64_t p;
  return __builtin_mul_overflow(a, b, &p) ? UINT64_MAX : p;
}
