/* SPDX-License-Identifier: MIT */
/*
 * input.c - the inputs of a net, in each of the ways that Caffe has had: input with input_dim or input_shape, Input layers, and
 * data layers, whose images come from outside here. Caffe reshapes nets at will, so the caller's dimensions replace the file's.
 */
#include "map.h"

#include <string.h>

/* Layers that read data sets. Of their tops only those that another layer reads become inputs (labels do not). */
static const char *const data_layers[] = {"Data",       "ImageData",     "HDF5Data",
                                          "MemoryData", "WindowData",    "DummyData",
                                          "VideoData",  "AnnotatedData", NULL};

gboolean qf_caffe_is_input_layer(const Caffe__LayerParameter *p)
{
  return p->type && (!strcmp(p->type, "Input") || g_strv_contains(data_layers, p->type));
}

static gboolean is_given(const QfCaffe *caffe, const char *name)
{
  const QfModelOptions *o = caffe->options;
  uint32_t index = caffe->graph->inputs->len;
  for (uint32_t i = 0; i < o->n_input_dims; i++)
    if (o->input_dims[i].name ? !strcmp(o->input_dims[i].name, name) : i == index)
      return TRUE;
  return FALSE;
}

/* @rank -1: the file does not say. */
static QfTensor *add_input(QfCaffe *caffe, const char *name, int64_t *dims, int32_t rank, GError **error)
{
  const QfModelOptions *o = caffe->options;
  if (is_given(caffe, name)) {
    for (uint32_t i = 0; i < o->n_input_dims; i++)
      if (o->input_dims[i].name ? !strcmp(o->input_dims[i].name, name) : i == caffe->graph->inputs->len)
        rank = rank < 0 ? CLAMP(o->input_dims[i].rank, 0, QF_MAX_RANK) : rank;
    for (int i = 0; i < rank; i++)
      dims[i] = -1;
  } else if (rank < 0) {
    rank = 4;
    dims[0] = dims[1] = dims[2] = dims[3] = -1;
  }
  for (int i = 0; i < rank; i++)
    dims[i] = dims[i] > 0 ? dims[i] : -1;
  if (!qf_import_resolve_dims(caffe->graph, o, caffe->graph->inputs->len, name, dims, rank, error))
    return NULL;
  if (qf_dims_count(dims, rank) < 0) {
    g_set_error(error, QF_ERROR, QF_ERROR_LIMIT, "%s: input '%s' is too large for any memory",
                caffe->file->name, name);
    return NULL;
  }
  QfTensor *t = qf_graph_add_tensor(caffe->graph, name);
  qf_tensor_set_shape(t, QF_DTYPE_FLOAT32, dims, rank);
  t->layout = rank == 4 ? QF_LAYOUT_NCHW : QF_LAYOUT_ANY;
  g_ptr_array_add(caffe->graph->inputs, t);
  if (!g_hash_table_insert(caffe->values, (gpointer)name, t)) {
    g_set_error(error, QF_ERROR, QF_ERROR_FORMAT, "%s: input '%s' is there twice", caffe->file->name, name);
    return NULL;
  }
  return t;
}

/* FALSE when it has too many dimensions. A missing shape gives @rank -1. */
static gboolean copy_shape(const QfCaffe *caffe, const char *name, const Caffe__BlobShape *shape,
                           int64_t *dims, int32_t *rank, GError **error)
{
  *rank = shape ? (int32_t)MIN(shape->n_dim, QF_MAX_RANK) : -1;
  if (shape && shape->n_dim > QF_MAX_RANK) {
    g_set_error(error, QF_ERROR, QF_ERROR_UNSUPPORTED, "%s: input '%s' has more than %d dimensions",
                caffe->file->name, name, QF_MAX_RANK);
    return FALSE;
  }
  for (int i = 0; i < *rank; i++)
    dims[i] = shape->dim[i];
  return TRUE;
}

gboolean qf_caffe_add_net_inputs(QfCaffe *caffe, GError **error)
{
  const Caffe__NetParameter *net = caffe->file->net;
  for (size_t i = 0; i < net->n_input; i++) {
    int64_t dims[QF_MAX_RANK];
    int32_t rank;
    const Caffe__BlobShape *shape = i < net->n_input_shape ? net->input_shape[i] : NULL;
    if (!copy_shape(caffe, net->input[i], shape, dims, &rank, error))
      return FALSE;
    if (!shape && 4 * i + 4 <= net->n_input_dim) {
      rank = 4;
      for (int k = 0; k < 4; k++)
        dims[k] = net->input_dim[4 * i + (size_t)k];
    }
    if (!add_input(caffe, net->input[i], dims, rank, error))
      return FALSE;
  }
  return TRUE;
}

gboolean qf_caffe_add_input_layer(QfCaffe *caffe, const Caffe__LayerParameter *p, GError **error)
{
  const Caffe__InputParameter *in = p->input_param;
  gboolean late = strcmp(p->type, "Input") != 0;
  for (size_t i = 0; i < p->n_top; i++) {
    int64_t dims[QF_MAX_RANK];
    int32_t rank;
    size_t n = in ? in->n_shape : 0;
    const Caffe__BlobShape *shape = i < n ? in->shape[i] : n == 1 ? in->shape[0] : NULL;
    if (late)
      g_hash_table_insert(caffe->pending, p->top[i], (gpointer)p);
    else if (!copy_shape(caffe, p->top[i], shape, dims, &rank, error) ||
             !add_input(caffe, p->top[i], dims, rank, error))
      return FALSE;
  }
  return TRUE;
}

/* Old-style dimensions: a list each, one entry for all tops or one a top. */
static int64_t old_dim(const uint32_t *list, size_t n, size_t top)
{
  return !n ? -1 : list[top < n ? top : 0];
}

/* What a data layer says about the dimensions of top @top; -1 where it says nothing. */
static gboolean data_shape(const QfCaffe *caffe, const Caffe__LayerParameter *p, size_t top, int64_t *dims,
                           int32_t *rank, GError **error)
{
  const Caffe__MemoryDataParameter *m = p->memory_data_param;
  const Caffe__DummyDataParameter *d = p->dummy_data_param;
  int64_t crop = p->transform_param && p->transform_param->crop_size ? p->transform_param->crop_size : -1;
  if (d && d->n_shape)
    return copy_shape(caffe, p->top[top], d->shape[top < d->n_shape ? top : 0], dims, rank, error);
  *rank = 4;
  dims[0] = m ? (int64_t)m->batch_size : d ? old_dim(d->num, d->n_num, top) : -1;
  dims[1] = m ? (int64_t)m->channels : d ? old_dim(d->channels, d->n_channels, top) : -1;
  dims[2] = m ? (int64_t)m->height : d ? old_dim(d->height, d->n_height, top) : crop;
  dims[3] = m ? (int64_t)m->width : d ? old_dim(d->width, d->n_width, top) : crop;
  return TRUE;
}

QfTensor *qf_caffe_late_input(QfCaffe *caffe, const char *name, GError **error)
{
  int64_t dims[QF_MAX_RANK];
  int32_t rank = -1;
  const Caffe__LayerParameter *p = g_hash_table_lookup(caffe->pending, name);
  size_t top = 0;
  while (p && strcmp(p->top[top], name))
    top++;
  if (p && !data_shape(caffe, p, top, dims, &rank, error))
    return NULL;
  gboolean known = p && rank > 0, given = is_given(caffe, name);
  for (int i = 1; i < rank; i++)
    known = known && dims[i] > 0;
  return known || given ? add_input(caffe, name, dims, rank, error) : NULL;
}
