/* SPDX-License-Identifier: MIT */
/*
 * gstqnnmeta.c - the metas of gstqnnmeta.h: registration, copying, freeing.
 */
#include "gstqnnmeta.h"
#include <string.h>

/* Metas start as zeros: the base structure is set by the core. */
#define DEFINE_META_INIT(Type, name)                                                                         \
  static gboolean name##_init(GstMeta *meta, gpointer params, GstBuffer *buffer)                             \
  {                                                                                                          \
    memset((guint8 *)meta + sizeof(GstMeta), 0, sizeof(Type) - sizeof(GstMeta));                             \
    return TRUE;                                                                                             \
  }

/* An API without tags, and its only implementation. */
#define DEFINE_META_INFO(Type, name, function, transform)                                                    \
  const GstMetaInfo *function(void)                                                                          \
  {                                                                                                          \
    static const GstMetaInfo *info = NULL;                                                                   \
    static const gchar *tags[] = {NULL};                                                                     \
    if (g_once_init_enter(&info)) {                                                                          \
      GType api = gst_meta_api_type_register(#Type "API", tags);                                             \
      const GstMetaInfo *made =                                                                              \
          gst_meta_register(api, #Type, sizeof(Type), name##_init, name##_free, transform);                  \
      g_once_init_leave(&info, made);                                                                        \
    }                                                                                                        \
    return info;                                                                                             \
  }

DEFINE_META_INIT(GstQnnTensorMeta, tensor)

static void tensor_free(GstMeta *meta, GstBuffer *buffer)
{
  gst_qnn_tensors_unref(((GstQnnTensorMeta *)meta)->tensors);
}

static gboolean tensor_transform(GstBuffer *dest, GstMeta *meta, GstBuffer *src, GQuark type, gpointer data)
{
  GstMetaTransformCopy *copy = data;

  /* Part of a tensor is not what the description says. */
  if (!GST_META_TRANSFORM_IS_COPY(type) || copy->region)
    return FALSE;
  gst_qnn_buffer_add_tensor_meta(dest, ((GstQnnTensorMeta *)meta)->tensors);
  return TRUE;
}

DEFINE_META_INFO(GstQnnTensorMeta, tensor, gst_qnn_tensor_meta_get_info, tensor_transform)

DEFINE_META_INIT(GstQnnFrameMeta, frame)

static void frame_free(GstMeta *meta, GstBuffer *buffer)
{
  gst_clear_buffer(&((GstQnnFrameMeta *)meta)->frame);
}

static void frame_copy(GstBuffer *to, const GstQnnFrameMeta *from)
{
  GstQnnFrameMeta *copy = gst_qnn_buffer_add_frame_meta(to, gst_buffer_ref(from->frame));

  copy->geometry = from->geometry;
  copy->index = from->index;
  copy->count = from->count;
  copy->number = from->number;
  copy->entry_ns = from->entry_ns;
}

static gboolean frame_transform(GstBuffer *dest, GstMeta *meta, GstBuffer *src, GQuark type, gpointer data)
{
  if (!GST_META_TRANSFORM_IS_COPY(type))
    return FALSE;
  frame_copy(dest, (GstQnnFrameMeta *)meta);
  return TRUE;
}

DEFINE_META_INFO(GstQnnFrameMeta, frame, gst_qnn_frame_meta_get_info, frame_transform)

DEFINE_META_INIT(GstQnnResultMeta, result)

static void result_free(GstMeta *meta, GstBuffer *buffer)
{
  gst_qnn_results_unref(((GstQnnResultMeta *)meta)->results);
}

static gboolean result_transform(GstBuffer *dest, GstMeta *meta, GstBuffer *src, GQuark type, gpointer data)
{
  if (!GST_META_TRANSFORM_IS_COPY(type))
    return FALSE;
  gst_qnn_buffer_add_result_meta(dest, ((GstQnnResultMeta *)meta)->results);
  return TRUE;
}

DEFINE_META_INFO(GstQnnResultMeta, result, gst_qnn_result_meta_get_info, result_transform)

typedef struct {
  GstMeta meta;
  GstObject *object;
  void (*done)(gpointer object);
} GstQnnTokenMeta;

DEFINE_META_INIT(GstQnnTokenMeta, token)

static void token_free(GstMeta *meta, GstBuffer *buffer)
{
  GstQnnTokenMeta *token = (GstQnnTokenMeta *)meta;

  if (!token->object)
    return;
  token->done(token->object);
  gst_object_unref(token->object);
}

static DEFINE_META_INFO(GstQnnTokenMeta, token, token_get_info, NULL)

    GstQnnTensorMeta *gst_qnn_buffer_get_tensor_meta(GstBuffer *buffer)
{
  return (GstQnnTensorMeta *)gst_buffer_get_meta(buffer, gst_qnn_tensor_meta_get_info()->api);
}

GstQnnFrameMeta *gst_qnn_buffer_get_frame_meta(GstBuffer *buffer)
{
  return (GstQnnFrameMeta *)gst_buffer_get_meta(buffer, gst_qnn_frame_meta_get_info()->api);
}

GstQnnResultMeta *gst_qnn_buffer_next_result_meta(GstBuffer *buffer, gpointer *state)
{
  return (GstQnnResultMeta *)gst_buffer_iterate_meta_filtered(buffer, state,
                                                              gst_qnn_result_meta_get_info()->api);
}

GstQnnTensorMeta *gst_qnn_buffer_add_tensor_meta(GstBuffer *buffer, GstQnnTensors *tensors)
{
  GstQnnTensorMeta *m = (GstQnnTensorMeta *)gst_buffer_add_meta(buffer, gst_qnn_tensor_meta_get_info(), NULL);

  m->tensors = gst_qnn_tensors_ref(tensors);
  return m;
}

GstQnnFrameMeta *gst_qnn_buffer_add_frame_meta(GstBuffer *buffer, GstBuffer *frame)
{
  GstQnnFrameMeta *m = (GstQnnFrameMeta *)gst_buffer_add_meta(buffer, gst_qnn_frame_meta_get_info(), NULL);

  m->frame = frame;
  m->count = 1;
  return m;
}

GstQnnResultMeta *gst_qnn_buffer_add_result_meta(GstBuffer *buffer, GstQnnResults *results)
{
  GstQnnResultMeta *m = (GstQnnResultMeta *)gst_buffer_add_meta(buffer, gst_qnn_result_meta_get_info(), NULL);

  m->results = gst_qnn_results_ref(results);
  return m;
}

void gst_qnn_buffer_copy_frame_meta(GstBuffer *to, GstBuffer *from)
{
  GstQnnFrameMeta *m = gst_qnn_buffer_get_frame_meta(from);

  if (m)
    frame_copy(to, m);
}

void gst_qnn_buffer_add_token(GstBuffer *buffer, GstObject *object, void (*done)(gpointer object))
{
  GstQnnTokenMeta *m = (GstQnnTokenMeta *)gst_buffer_add_meta(buffer, token_get_info(), NULL);

  m->object = gst_object_ref(object);
  m->done = done;
}

GstQnnResults *gst_qnn_results_new(const QfResults *from)
{
  GstQnnResults *r = g_new0(GstQnnResults, 1);
  QfDetection *detections;
  QfClass *classes;

  r->refcount = 1;
  if (!from)
    return r;
  r->inferred = TRUE;
  r->results = *from;
  detections = g_memdup2(from->detections, from->n_detections * sizeof *detections);
  for (guint i = 0; i < from->n_detections; i++)
    detections[i].label = g_intern_string(detections[i].label);
  classes = g_memdup2(from->classes, from->n_classes * sizeof *classes);
  for (guint i = 0; i < from->n_classes; i++)
    classes[i].label = g_intern_string(classes[i].label);
  r->results.detections = detections;
  r->results.classes = classes;
  if (from->mask.classes)
    r->results.mask.classes = g_memdup2(from->mask.classes, (gsize)from->mask.width * from->mask.height);
  return r;
}

GstQnnResults *gst_qnn_results_ref(GstQnnResults *results)
{
  g_atomic_int_inc(&results->refcount);
  return results;
}

void gst_qnn_results_unref(GstQnnResults *results)
{
  if (!results || !g_atomic_int_dec_and_test(&results->refcount))
    return;
  g_free((gpointer)results->results.detections);
  g_free((gpointer)results->results.classes);
  g_free((gpointer)results->results.mask.classes);
  g_free(results);
}
