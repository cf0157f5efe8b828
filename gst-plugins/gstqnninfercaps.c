/* SPDX-License-Identifier: MIT */
/*
 * gstqnninfercaps.c - what qnninfer negotiates: the model's inputs and outputs, exact once it is loaded, with the
 * frame's caps passed on both ways; latency; and the answer to qnnprofile.
 */
#include "gstqnnelements.h"
#include "gstqnninfer.h"
#include <gst/video/video.h>

#define GST_CAT_DEFAULT gst_qnn_infer_debug

static GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS(GST_QNN_TENSORS_MEDIA));
static GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS(GST_QNN_TENSORS_MEDIA));

static GstBaseTransformClass *parent_of(GstBaseTransform *trans)
{
  return g_type_class_peek_parent(G_OBJECT_GET_CLASS(trans));
}

/* A reference to what is loaded, or NULL. Queries come from any thread, also while the element stops. */
static GstQnnTensors *tensors_now(GstQnnInfer *self, GstQnnTensors *const *which)
{
  GstQnnTensors *tensors;

  GST_OBJECT_LOCK(self);
  tensors = *which ? gst_qnn_tensors_ref(*which) : NULL;
  GST_OBJECT_UNLOCK(self);
  return tensors;
}

static QfModel *model_now(GstQnnInfer *self)
{
  QfModel *model;

  GST_OBJECT_LOCK(self);
  model = self->loaded ? qf_model_ref(self->loaded) : NULL;
  GST_OBJECT_UNLOCK(self);
  return model;
}

static GstCaps *gst_qnn_infer_transform_caps(GstBaseTransform *trans, GstPadDirection direction,
                                             GstCaps *caps, GstCaps *filter)
{
  GstQnnInfer *self = GST_QNN_INFER(trans);
  g_autoptr(GstQnnTensors) other = tensors_now(self, direction == GST_PAD_SINK ? &self->out : &self->in);
  GstCaps *all = gst_caps_new_empty();

  for (guint i = 0; i < gst_caps_get_size(caps); i++) {
    GstStructure *o = gst_structure_new_empty(GST_QNN_TENSORS_MEDIA);
    if (other)
      gst_qnn_tensors_to_structure(other, o);
    if (direction == GST_PAD_SINK && self->image_width)
      gst_structure_set(o, GST_QNN_IMAGE_WIDTH_FIELD, G_TYPE_INT, self->image_width,
                        GST_QNN_IMAGE_HEIGHT_FIELD, G_TYPE_INT, self->image_height, NULL);
    gst_qnn_structure_copy_frame(gst_caps_get_structure(caps, i), o);
    all = gst_caps_merge_structure(all, o);
  }
  return gst_qnn_caps_filter(all, filter);
}

/* Any tensors are let in, so that the CAPS event can tell what is wrong with them; CAPS queries stay exact. */
static gboolean gst_qnn_infer_accept_caps(GstBaseTransform *trans, GstPadDirection direction, GstCaps *caps)
{
  if (direction == GST_PAD_SINK)
    return gst_qnn_caps_are_tensors(caps);
  return parent_of(trans)->accept_caps(trans, direction, caps);
}

/* What the model keeps from run to run belongs to one stream: a new one, or a jump, begins anew. */
static void forget_state(GstQnnInfer *self)
{
  g_mutex_lock(&self->lock);
  if (self->session)
    qf_session_reset(self->session);
  g_mutex_unlock(&self->lock);
}

static gboolean gst_qnn_infer_sink_event(GstBaseTransform *trans, GstEvent *event)
{
  GstQnnInfer *self = GST_QNN_INFER(trans);

  if (GST_EVENT_TYPE(event) == GST_EVENT_FLUSH_STOP || GST_EVENT_TYPE(event) == GST_EVENT_STREAM_START)
    forget_state(self);
  if (GST_EVENT_TYPE(event) == GST_EVENT_CAPS &&
      self->in) { /* not stopped while this holds the stream lock */
    GstCaps *caps;
    g_autofree gchar *mismatch = NULL;
    gst_event_parse_caps(event, &caps);
    self->explained = FALSE;
    mismatch = gst_qnn_tensors_mismatch(self->in, gst_caps_get_structure(caps, 0));
    if (mismatch) {
      GST_ELEMENT_ERROR(self, STREAM, FORMAT,
                        ("The tensors do not fit the model %s: %s.", qf_model_name(self->loaded), mismatch),
                        ("caps %" GST_PTR_FORMAT, caps));
      gst_event_unref(event);
      return FALSE;
    }
  }
  return parent_of(trans)->sink_event(trans, event);
}

typedef struct {
  QfModel *model; /* keeps the strings of the layers alive */
  QfLayerProfile *layers;
} LayerCopy;

static void layer_copy_free(gpointer data)
{
  LayerCopy *copy = data;

  qf_model_unref(copy->model);
  g_free(copy->layers);
  g_free(copy);
}

static void answer_layers(GstQnnInfer *self, QfModel *model, GstStructure *s)
{
  const QfLayerProfile *layers;
  guint n = 0;
  g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&self->lock);

  layers = self->session ? qf_session_layers(self->session, &n) : NULL;
  if (layers && n) {
    LayerCopy *copy = g_new(LayerCopy, 1);
    g_autoptr(GBytes) bytes = NULL;
    copy->model = qf_model_ref(model);
    copy->layers = g_memdup2(layers, n * sizeof *layers);
    bytes = g_bytes_new_with_free_func(copy->layers, n * sizeof *layers, layer_copy_free, copy);
    gst_structure_set(s, "layers", G_TYPE_BYTES, bytes, NULL);
  }
}

static gboolean answer_inference(GstQnnInfer *self, GstQuery *query)
{
  GstStructure *s = gst_query_writable_structure(query);
  g_autoptr(QfModel) model = model_now(self);
  gboolean profile = FALSE;

  if (!model)
    return FALSE;
  if (gst_structure_get_boolean(s, "profile", &profile) && profile)
    g_atomic_int_set(&self->want_profile, 1);
  GST_OBJECT_LOCK(self);
  gst_structure_set(s, "model", G_TYPE_STRING, qf_model_name(model), "backend", G_TYPE_STRING,
                    qf_model_backend(model), "inferences", G_TYPE_UINT64, self->n_inferences, NULL);
  GST_OBJECT_UNLOCK(self);
  answer_layers(self, model, s);
  return TRUE;
}

/* A pool for frames, not for our tensors: the question passes by, and one more frame is held here meanwhile. */
static gboolean forward_frame_allocation(GstBaseTransform *trans, GstQuery *query, const GstCaps *caps)
{
  gboolean answered = gst_pad_peer_query(trans->srcpad, query);
  guint n = gst_query_get_n_allocation_pools(query);
  GstVideoInfo info;

  for (guint i = 0; i < n; i++) {
    GstBufferPool *pool;
    guint size, min, max;
    gst_query_parse_nth_allocation_pool(query, i, &pool, &size, &min, &max);
    gst_query_set_nth_allocation_pool(query, i, pool, size, min + 1, max && max < min + 1 ? 0 : max);
    if (pool)
      gst_object_unref(pool);
  }
  if (!n && gst_video_info_from_caps(&info, caps)) {
    gst_query_add_allocation_pool(query, NULL, info.size, 1, 0);
    answered = TRUE;
  }
  return answered;
}

static gboolean answer_latency(GstQnnInfer *self, GstQuery *query)
{
  GstClockTime min, max, own;
  gboolean live;

  if (!gst_pad_peer_query(GST_BASE_TRANSFORM_SINK_PAD(self), query))
    return FALSE;
  GST_OBJECT_LOCK(self);
  own = self->latency_ns;
  GST_OBJECT_UNLOCK(self);
  gst_query_parse_latency(query, &live, &min, &max);
  gst_query_set_latency(query, live, min + own, GST_CLOCK_TIME_IS_VALID(max) ? max + own : max);
  return TRUE;
}

static gboolean gst_qnn_infer_query(GstBaseTransform *trans, GstPadDirection direction, GstQuery *query)
{
  GstQnnInfer *self = GST_QNN_INFER(trans);
  GstQueryType type = GST_QUERY_TYPE(query);
  gboolean ok;

  if (direction == GST_PAD_SRC && type == GST_QUERY_LATENCY)
    return answer_latency(self, query);
  if (direction == GST_PAD_SRC && type == GST_QUERY_CUSTOM &&
      gst_structure_has_name(gst_query_get_structure(query), GST_QNN_INFERENCE_QUERY))
    return answer_inference(self, query);
  if (direction == GST_PAD_SINK && type == GST_QUERY_ALLOCATION) {
    GstCaps *caps;
    gst_query_parse_allocation(query, &caps, NULL);
    if (caps && !gst_qnn_caps_are_tensors(caps))
      return forward_frame_allocation(trans, query, caps);
  }
  ok = parent_of(trans)->query(trans, direction, query);
  if (ok && direction == GST_PAD_SINK && type == GST_QUERY_CAPS && !self->explained)
    self->explained =
        gst_qnn_explain_empty_caps(trans, query,
                                   "The tensors offered and the model's inputs have nothing in common.");
  return ok;
}

static gboolean gst_qnn_infer_propose_allocation(GstBaseTransform *trans, GstQuery *decide, GstQuery *query)
{
  GstAllocationParams params;

  gst_qnn_allocation_params_init(&params);
  gst_query_add_allocation_param(query, GST_QNN_INFER(trans)->allocator, &params);
  return TRUE;
}

/* Outputs come from our own allocator: the engine writes them in place. */
static gboolean gst_qnn_infer_decide_allocation(GstBaseTransform *trans, GstQuery *query)
{
  while (gst_query_get_n_allocation_pools(query))
    gst_query_remove_nth_allocation_pool(query, 0);
  return TRUE;
}

static gboolean gst_qnn_infer_set_caps(GstBaseTransform *trans, GstCaps *in, GstCaps *out)
{
  GST_INFO_OBJECT(trans, "in %" GST_PTR_FORMAT " out %" GST_PTR_FORMAT, in, out);
  return TRUE;
}

void gst_qnn_infer_caps_class_init(GstQnnInferClass *klass)
{
  GstBaseTransformClass *base = GST_BASE_TRANSFORM_CLASS(klass);

  gst_element_class_add_static_pad_template(GST_ELEMENT_CLASS(klass), &sink_template);
  gst_element_class_add_static_pad_template(GST_ELEMENT_CLASS(klass), &src_template);
  base->transform_caps = gst_qnn_infer_transform_caps;
  base->accept_caps = gst_qnn_infer_accept_caps;
  base->set_caps = gst_qnn_infer_set_caps;
  base->sink_event = gst_qnn_infer_sink_event;
  base->query = gst_qnn_infer_query;
  base->propose_allocation = gst_qnn_infer_propose_allocation;
  base->decide_allocation = gst_qnn_infer_decide_allocation;
}
