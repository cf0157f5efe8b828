/* SPDX-License-Identifier: MIT */
/*
 * attr.c - reading a node's attributes and constant inputs, with the checks that every operator needs.
 * Numbers that come from the file are never trusted: lists are bounded, indices are resolved against a rank.
 */
#include "map.h"

#include <string.h>

gboolean qf_onnx_fail(const QfOnnxNode *n, GError **error, QfError code, const char *format, ...)
{
  va_list args;
  if (error && *error)
    return FALSE; /* the first error says what happened */
  va_start(args, format);
  g_autofree char *rule = g_strdup_vprintf(format, args);
  va_end(args);
  g_set_error(error, QF_ERROR, code, "%s: node '%s' (%s): %s", n->onnx->file->name, n->name,
              n->proto->op_type, rule);
  return FALSE;
}

const Onnx__AttributeProto *qf_onnx_attr(const QfOnnxNode *n, const char *name)
{
  for (size_t i = 0; i < n->proto->n_attribute; i++)
    if (!strcmp(n->proto->attribute[i]->name, name))
      return n->proto->attribute[i];
  return NULL;
}

int32_t qf_onnx_int(const QfOnnxNode *n, const char *name, int32_t def)
{
  const Onnx__AttributeProto *a = qf_onnx_attr(n, name);
  return a ? qf_build_i32(a->i) : def;
}

float qf_onnx_float(const QfOnnxNode *n, const char *name, float def)
{
  const Onnx__AttributeProto *a = qf_onnx_attr(n, name);
  return a ? a->f : def;
}

char *qf_onnx_string(const QfOnnxNode *n, const char *name, const char *def)
{
  const Onnx__AttributeProto *a = qf_onnx_attr(n, name);
  if (a && !a->s.len)
    return g_strdup(""); /* its data may be NULL */
  return a ? g_strndup((const char *)a->s.data, a->s.len) : g_strdup(def);
}

gboolean qf_onnx_ints(const QfOnnxNode *n, const char *name, QfInts *out, GError **error)
{
  const Onnx__AttributeProto *a = qf_onnx_attr(n, name);
  *out = (QfInts){0};
  if (!a)
    return TRUE;
  if (a->n_ints > QF_MAX_RANK)
    return qf_onnx_fail(n, error, QF_ERROR_FORMAT,
                        "attribute %s has %" G_GSIZE_FORMAT " numbers, at most %d fit", name, a->n_ints,
                        QF_MAX_RANK);
  out->n = (int32_t)a->n_ints;
  for (int i = 0; i < out->n; i++)
    out->v[i] = a->ints[i];
  return TRUE;
}

gboolean qf_onnx_enum(const QfOnnxNode *n, const char *name, const char *const *names, int32_t def,
                      int32_t *out, GError **error)
{
  g_autofree char *value = qf_onnx_string(n, name, NULL);
  *out = def;
  if (!value || !*value)
    return TRUE;
  for (int i = 0; names[i]; i++) {
    if (!strcmp(names[i], value)) {
      *out = i;
      return TRUE;
    }
  }
  g_autofree char *known = g_strjoinv(", ", (char **)names);
  return qf_onnx_fail(n, error, QF_ERROR_UNSUPPORTED, "attribute %s is '%s': supported are %s", name, value,
                      known);
}

QfTensor *qf_onnx_input(const QfOnnxNode *n, uint32_t index)
{
  return index < n->n_in ? n->in[index] : NULL;
}

gboolean qf_onnx_need_constant(const QfOnnxNode *n, uint32_t index, GError **error)
{
  QfTensor *t = qf_onnx_input(n, index);
  if (!t || qf_onnx_is_constant(t) || qf_onnx_demand(n->onnx, t))
    return TRUE;
  return qf_onnx_fail(
      n, error, QF_ERROR_DYNAMIC,
      "input %u ('%s') must be known when the model is loaded, but it is computed at run time; give "
      "all input dimensions, or export the model with fixed shapes and constants folded",
      index, t->name);
}

gboolean qf_onnx_list(const QfOnnxNode *n, const char *attr, uint32_t index, QfInts *out, gboolean *given,
                      GError **error)
{
  const QfTensor *t = qf_onnx_input(n, index);
  if (given)
    *given = t || (attr && qf_onnx_attr(n, attr));
  *out = (QfInts){0};
  if (!t)
    return attr ? qf_onnx_ints(n, attr, out, error) : TRUE;
  if (!qf_onnx_need_constant(n, index, error))
    return FALSE;
  out->n = qf_tensor_get_ints(t, out->v, QF_MAX_RANK);
  if (out->n < 0)
    return qf_onnx_fail(n, error, QF_ERROR_FORMAT, "input %u ('%s') must be a list of at most %d integers",
                        index, t->name, QF_MAX_RANK);
  return TRUE;
}

gboolean qf_onnx_number(const QfOnnxNode *n, uint32_t index, double *value, GError **error)
{
  if (!qf_onnx_need_constant(n, index, error))
    return FALSE;
  const QfTensor *c = qf_onnx_constant(qf_onnx_input(n, index));
  if (!c || qf_tensor_count(c) < 1)
    return TRUE;
  *value = qf_tensor_get_real(c, 0);
  return TRUE;
}

gboolean qf_onnx_axis(const QfOnnxNode *n, int64_t axis, int32_t rank, int32_t *out, GError **error)
{
  if (axis < -(int64_t)rank || axis >= rank)
    return qf_onnx_fail(n, error, QF_ERROR_SHAPE, "axis %" G_GINT64_FORMAT " is outside of %d dimensions",
                        axis, rank);
  *out = (int32_t)(axis < 0 ? axis + rank : axis);
  return TRUE;
}

gboolean qf_onnx_axes(const QfOnnxNode *n, QfInts *axes, int32_t rank, GError **error)
{
  uint32_t mask = 0;
  for (int i = 0; i < axes->n; i++) {
    int32_t axis = 0;
    if (!qf_onnx_axis(n, axes->v[i], rank, &axis, error))
      return FALSE;
    if (mask >> axis & 1)
      return qf_onnx_fail(n, error, QF_ERROR_SHAPE, "axis %d is named twice", axis);
    mask |= 1u << axis;
  }
  axes->n = 0;
  for (int i = 0; i < rank; i++)
    if (mask >> i & 1)
      axes->v[axes->n++] = i;
  return TRUE;
}
