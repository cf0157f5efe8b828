/* SPDX-License-Identifier: MIT */
/*
 * attr.c - attributes, constant inputs and outputs of one TensorFlow node. See map.h.
 */
#include "map.h"
#include "../../graph/numbers.h"

#include <string.h>

const Tf__AttrValue *qf_tf_attr(const QfTfNode *n, const char *name)
{
  for (size_t i = 0; i < n->p->n_attr; i++)
    if (!strcmp(n->p->attr[i]->key, name))
      return n->p->attr[i]->value;
  return NULL;
}

int64_t qf_tf_int(const QfTfNode *n, const char *name, int64_t def)
{
  const Tf__AttrValue *a = qf_tf_attr(n, name);
  return a ? a->i : def;
}

float qf_tf_float(const QfTfNode *n, const char *name, float def)
{
  const Tf__AttrValue *a = qf_tf_attr(n, name);
  return a ? a->f : def;
}

gboolean qf_tf_bool(const QfTfNode *n, const char *name, gboolean def)
{
  const Tf__AttrValue *a = qf_tf_attr(n, name);
  return a ? a->b != 0 : def;
}

gboolean qf_tf_is(const QfTfNode *n, const char *name, const char *value, const char *def)
{
  const Tf__AttrValue *a = qf_tf_attr(n, name);
  if (!a)
    return !strcmp(value, def);
  return a->s.len == strlen(value) && !memcmp(a->s.data, value, a->s.len);
}

gboolean qf_tf_ints(const QfTfNode *n, const char *name, QfInts *out, GError **error)
{
  const Tf__AttrValue *a = qf_tf_attr(n, name);
  const Tf__ListValue *list = a ? a->list : NULL;
  *out = (QfInts){.n = list ? (int32_t)MIN(list->n_i, QF_MAX_RANK) : 0};
  for (int i = 0; i < out->n; i++)
    out->v[i] = list->i[i];
  return !list || list->n_i <= QF_MAX_RANK ||
         qf_build_fail(&n->build, error, QF_ERROR_UNSUPPORTED,
                       "attribute %s has %zu values, at most %d are supported", name, list->n_i, QF_MAX_RANK);
}

gboolean qf_tf_type(const QfTfNode *n, const char *name, QfDType def, QfDType *out, GError **error)
{
  const Tf__AttrValue *a = qf_tf_attr(n, name);
  const char *type = "";
  *out = a ? qf_tf_dtype(a->type, &type) : def;
  if (qf_dtype_is_float(*out))
    *out = QF_DTYPE_FLOAT32;
  return *out != QF_DTYPE_INVALID ||
         qf_build_fail(&n->build, error, QF_ERROR_UNSUPPORTED, "its type %s is not supported", type);
}

gboolean qf_tf_const_ints(const QfTfNode *n, uint32_t index, QfInts *out, GError **error)
{
  out->n = qf_tensor_get_ints(n->in[index], out->v, QF_MAX_RANK);
  return out->n >= 0 ||
         qf_build_fail(
             &n->build, error, QF_ERROR_UNSUPPORTED,
             "input %u must be a constant list of at most %d integers; freeze the graph with fixed shapes",
             index, QF_MAX_RANK);
}

gboolean qf_tf_const_int(const QfTfNode *n, uint32_t index, int64_t *out, GError **error)
{
  QfInts v;
  if (!qf_tf_const_ints(n, index, &v, error))
    return FALSE;
  *out = v.v[0];
  return v.n == 1 || qf_build_fail(&n->build, error, QF_ERROR_SHAPE, "input %u has %d values in place of one",
                                   index, v.n);
}

gboolean qf_tf_const_real(const QfTfNode *n, uint32_t index, double *out, GError **error)
{
  const QfTensor *t = n->in[index];
  if (!t->data || qf_tensor_count(t) != 1)
    return qf_build_fail(&n->build, error, QF_ERROR_UNSUPPORTED, "input %u must be a constant number", index);
  *out = qf_tensor_get_real(t, 0);
  return TRUE;
}

gboolean qf_tf_axis(const QfTfNode *n, int64_t axis, int32_t rank, int32_t *out, GError **error)
{
  int64_t a = axis < 0 ? axis + rank : axis;
  *out = (int32_t)CLAMP(a, 0, QF_MAX_RANK);
  return (a >= 0 && a < rank) ||
         qf_build_fail(&n->build, error, QF_ERROR_SHAPE,
                       "axis %" G_GINT64_FORMAT " is not one of %d dimensions", axis, rank);
}

gboolean qf_tf_axes(const QfTfNode *n, QfInts *axes, int32_t rank, GError **error)
{
  uint32_t mask = 0;
  for (int i = 0; i < axes->n; i++) {
    int32_t axis;
    if (!qf_tf_axis(n, axes->v[i], rank, &axis, error))
      return FALSE;
    mask |= 1u << axis;
  }
  axes->n = 0;
  for (int i = 0; i < rank; i++)
    if (mask >> i & 1)
      axes->v[axes->n++] = i;
  return TRUE;
}

gboolean qf_tf_need_rank(const QfTfNode *n, uint32_t index, int32_t rank, GError **error)
{
  return n->in[index]->rank == rank ||
         qf_build_fail(&n->build, error, QF_ERROR_SHAPE, "input %u ('%s') has %d dimensions, not %d", index,
                       n->in[index]->name, n->in[index]->rank, rank);
}

QfTensor *qf_tf_out(QfTfNode *n, uint32_t index)
{
  g_autofree char *name = index ? g_strdup_printf("%s:%u", n->build.name, index) : NULL;
  return qf_graph_add_tensor(n->build.graph, name ? name : n->build.name);
}

gboolean qf_tf_bind(QfTfNode *n, uint32_t index, QfTensor *t)
{
  if (n->out->len <= index)
    g_ptr_array_set_size(n->out, (gint)index + 1);
  n->out->pdata[index] = t;
  return t != NULL;
}

QfTensor *qf_tf_make_ints(QfTfNode *n, QfDType dtype, const int64_t *values, int32_t count, gboolean scalar)
{
  uint64_t store[QF_MAX_RANK] = {0};
  int64_t dims[] = {count};
  for (int i = 0; i < count; i++)
    qf_number_store(dtype, store, i, (double)values[i]);
  return qf_graph_add_constant_copy(n->build.graph, n->build.name, dtype, dims, scalar ? 0 : 1, store);
}

gboolean qf_tf_is_nchw(const QfTfNode *n)
{
  return qf_tf_is(n, "data_format", "NCHW", "NHWC");
}

QfTensor *qf_tf_to_nhwc(QfTfNode *n, QfTensor *x, GError **error)
{
  if (x->rank != 4) {
    g_autofree char *dims = qf_dims_to_string(x->dims, x->rank);
    qf_build_fail(&n->build, error, QF_ERROR_UNSUPPORTED,
                  "its input '%s' is %s, but only images of 4 dimensions are supported", x->name, dims);
    return NULL;
  }
  return qf_tf_is_nchw(n) ? qf_build_channels_last(&n->build, x, error) : x;
}

gboolean qf_tf_bind_image(QfTfNode *n, QfTensor *y, GError **error)
{
  return qf_tf_bind(n, 0,
                    qf_tf_is_nchw(n) ? qf_build_channels_first(&n->build, y, qf_tf_out(n, 0), error) : y);
}
