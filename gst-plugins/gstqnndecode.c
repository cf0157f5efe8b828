/* SPDX-License-Identifier: MIT */
/**
 * SECTION:element-qnndecode
 *
 * Makes results out of a model's outputs: boxes, classes, masks, key points. Hands on the original frame with the
 * results attached, in the frame's own pixels; or, when downstream takes application/x-json (or the tensors came
 * without a frame), one line of JSON for each inference.
 *
 * |[
 * gst-launch-1.0 videotestsrc num-buffers=30 ! qnnconvert ! qnninfer model=model.onnx ! qnndecode ! application/x-json ! fakesink
 * ]|
 *
 * On the frame: a GstVideoRegionOfInterestMeta for each detection (type: the label; parameter "detection": confidence,
 * label_id, x_min, x_max, y_min, y_max of 0..1), and a GstQnnResultMeta with everything.
 */
/*
 * gstqnndecode.c - negotiation and streaming. It makes no buffer of its own for frames: it must be the frame's last
 * holder when it hands it on. What becomes of results is in gstqnnresult.c.
 */
#include "gstqnndecode.h"
#include "gstqnnelements.h"
#include <gst/video/video.h>
#include <string.h>

GST_DEBUG_CATEGORY_STATIC(gst_qnn_decode_debug);
#define GST_CAT_DEFAULT gst_qnn_decode_debug

G_DEFINE_TYPE(GstQnnDecode, gst_qnn_decode, GST_TYPE_BASE_TRANSFORM)
GST_ELEMENT_REGISTER_DEFINE(qnndecode, "qnndecode", GST_RANK_NONE, gst_qnn_decode_get_type())

static GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS(GST_QNN_TENSORS_MEDIA));
static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE(
    "src", GST_PAD_SRC, GST_PAD_ALWAYS,
    GST_STATIC_CAPS(GST_VIDEO_CAPS_MAKE_WITH_FEATURES("ANY", GST_VIDEO_FORMATS_ALL) "; " GST_QNN_JSON_MEDIA));

#define FIELD(f) offsetof(GstQnnDecode, f)
static const GstQnnProp props[] = {
    {"decoder",
     "How outputs are read: auto (from their names and shapes) or one of `qnnflow devices`' list of decoders",
     GST_QNN_PROP_STRING, GST_QNN_PROP_PLAYING, FIELD(name), .def_string = "auto"},
    {"labels", "File of labels, one a line; empty: results have numbers only", GST_QNN_PROP_STRING,
     GST_QNN_PROP_PLAYING, FIELD(labels), .def_string = ""},
    {"threshold", "Least score that is reported, 0..1; 0: the decoder's own, mostly 0.5", GST_QNN_PROP_DOUBLE,
     GST_QNN_PROP_PLAYING, FIELD(threshold), 0, 1, 0},
    {"iou-threshold",
     "Overlap (intersection over union, 0..1) above which the lesser box is dropped; 0: 0.45",
     GST_QNN_PROP_DOUBLE, GST_QNN_PROP_PLAYING, FIELD(iou_threshold), 0, 1, 0},
    {"max-results", "Results of a frame, at most; 0: 100 boxes, 5 classes", GST_QNN_PROP_UINT,
     GST_QNN_PROP_PLAYING, FIELD(max_results), 0, 10000, 0},
    {"params", "The decoder's own settings, \"key=value,key=value\"; empty: its defaults",
     GST_QNN_PROP_STRING, GST_QNN_PROP_PLAYING, FIELD(params), .def_string = ""},
    {"hold", "For how many frames without inference the last results are attached again; 0: for none",
     GST_QNN_PROP_UINT, GST_QNN_PROP_PLAYING, FIELD(hold), 0, 100000, 0},
    {"json", "File to which each result is written, one line of JSON each; empty: none", GST_QNN_PROP_STRING,
     GST_QNN_PROP_READY, FIELD(json_path), .def_string = ""},
    {"message", "Post each result on the bus, as an element message \"" GST_QNN_RESULTS_MESSAGE "\"",
     GST_QNN_PROP_BOOL, GST_QNN_PROP_PLAYING, FIELD(message), .def = FALSE},
    {"active-decoder", "The decoder in use, once tensors have come", GST_QNN_PROP_STRING,
     GST_QNN_PROP_READONLY, FIELD(active)},
    {"average-ns", "Mean time of decoding one inference, in nanoseconds", GST_QNN_PROP_UINT64,
     GST_QNN_PROP_READONLY, FIELD(average_ns)},
};

static GstCaps *frames_of_tensors(GstBaseTransform *trans, GstCaps *caps)
{
  GstCaps *all = gst_caps_new_empty();

  for (guint i = 0; i < gst_caps_get_size(caps); i++) {
    GstCaps *frame = gst_qnn_structure_frame_caps(gst_caps_get_structure(caps, i));
    /* No frame named may mean not known yet: fixate_caps judges, as this runs for queries too. */
    all = gst_caps_merge(all, frame ? frame : gst_pad_get_pad_template_caps(trans->srcpad));
  }
  return gst_caps_merge(all, gst_caps_new_empty_simple(GST_QNN_JSON_MEDIA));
}

static GstCaps *tensors_of_frames(GstCaps *caps)
{
  GstCaps *all = gst_caps_new_empty();

  for (guint i = 0; i < gst_caps_get_size(caps); i++) {
    if (gst_structure_has_name(gst_caps_get_structure(caps, i), GST_QNN_JSON_MEDIA)) {
      all = gst_caps_merge(all, gst_caps_new_empty_simple(GST_QNN_TENSORS_MEDIA));
    } else {
      g_autoptr(GstCaps) one = gst_caps_copy_nth(caps, i);
      all = gst_caps_merge(all, gst_qnn_caps_carry_frame(one));
    }
  }
  return all;
}

static GstCaps *gst_qnn_decode_transform_caps(GstBaseTransform *trans, GstPadDirection direction,
                                              GstCaps *caps, GstCaps *filter)
{
  GstCaps *all = direction == GST_PAD_SINK ? frames_of_tensors(trans, caps) : tensors_of_frames(caps);

  return gst_qnn_caps_filter(all, filter);
}

/* Called for a real CAPS event, never for a query: tensors without a frame can only become text. */
static GstCaps *gst_qnn_decode_fixate_caps(GstBaseTransform *trans, GstPadDirection direction, GstCaps *caps,
                                           GstCaps *other)
{
  if (direction == GST_PAD_SINK &&
      !gst_structure_has_field(gst_caps_get_structure(caps, 0), GST_QNN_FRAME_MEDIA_FIELD)) {
    g_autoptr(GstCaps) text = gst_caps_new_empty_simple(GST_QNN_JSON_MEDIA);
    GstCaps *both = gst_caps_intersect(other, text);
    gst_caps_unref(other);
    other = both;
  }
  return gst_caps_is_empty(other) ? other : gst_caps_fixate(gst_caps_truncate(other));
}

/* Makes the decoder for the tensors of the caps with the settings of now. */
static gboolean open_decoder(GstQnnDecode *self)
{
  g_autofree gchar *name = gst_qnn_prop_dup(self, &self->name),
                   *labels = gst_qnn_prop_dup(self, &self->labels);
  g_autofree gchar *params = gst_qnn_prop_dup(self, &self->params);
  g_autofree const QfTensorDesc **outputs = g_new(const QfTensorDesc *, self->tensors->n);
  g_autoptr(GError) error = NULL;
  QfDecoderConfig config = {.labels_path = labels,
                            .params = params,
                            .input_width = self->image_width,
                            .input_height = self->image_height};

  self->used_serial = g_atomic_int_get(&self->serial);
  self->has_labels = labels != NULL;
  self->labels_doubted = FALSE;
  GST_OBJECT_LOCK(self);
  config.threshold = (gfloat)self->threshold;
  config.iou_threshold = (gfloat)self->iou_threshold;
  config.max_results = self->max_results;
  GST_OBJECT_UNLOCK(self);
  for (guint i = 0; i < self->tensors->n; i++)
    outputs[i] = &self->tensors->desc[i];
  g_clear_pointer(&self->decoder, qf_decoder_free);
  self->decoder = qf_decoder_new(name ? name : "auto", &config, outputs, self->tensors->n, &error);
  if (!self->decoder) {
    GST_ELEMENT_ERROR(self, STREAM, DECODE, ("%s", error->message), ("decoder=%s labels=%s", name, labels));
    return FALSE;
  }
  GST_OBJECT_LOCK(self);
  g_free(self->active);
  self->active = g_strdup(qf_decoder_name(self->decoder));
  GST_OBJECT_UNLOCK(self);
  return TRUE;
}

static gboolean gst_qnn_decode_set_caps(GstBaseTransform *trans, GstCaps *in, GstCaps *out)
{
  GstQnnDecode *self = GST_QNN_DECODE(trans);
  const GstStructure *s = gst_caps_get_structure(in, 0);
  g_autofree gchar *why = NULL;

  GST_INFO_OBJECT(self, "in %" GST_PTR_FORMAT " out %" GST_PTR_FORMAT, in, out);
  self->caps_suit = TRUE;
  self->text = gst_structure_has_name(gst_caps_get_structure(out, 0), GST_QNN_JSON_MEDIA);
  gst_caps_replace(&self->frame_caps, self->text ? NULL : out);
  self->image_width = self->image_height = 0;
  gst_structure_get_int(s, GST_QNN_IMAGE_WIDTH_FIELD, &self->image_width);
  gst_structure_get_int(s, GST_QNN_IMAGE_HEIGHT_FIELD, &self->image_height);
  g_clear_pointer(&self->tensors, gst_qnn_tensors_unref);
  self->tensors = gst_qnn_tensors_from_structure(s, &why);
  if (!self->tensors) {
    GST_ELEMENT_ERROR(self, STREAM, FORMAT, ("Cannot decode these tensors: %s.", why), (NULL));
    return FALSE;
  }
  return open_decoder(self);
}

/* Says what the core's "not-negotiated" hides. */
static void explain_refused_caps(GstBaseTransform *trans, const GstCaps *incaps)
{
  g_autoptr(GstCaps) frame = gst_qnn_structure_frame_caps(gst_caps_get_structure(incaps, 0));
  g_autoptr(GstCaps) below = gst_pad_peer_query_caps(trans->srcpad, NULL);
  g_autofree gchar *has = frame ? gst_caps_to_string(frame) : g_strdup("none, so only text can be made");
  g_autofree gchar *wants = gst_caps_to_string(below);

  GST_ELEMENT_ERROR(
      trans, STREAM, FORMAT,
      ("The video frame does not fit what is behind the decoder. Put a videoconvert between, or feed tensors "
       "from qnnconvert."),
      ("frame: %s; downstream accepts: %s", has, wants));
}

static gboolean gst_qnn_decode_sink_event(GstBaseTransform *trans, GstEvent *event)
{
  GstQnnDecode *self = GST_QNN_DECODE(trans);
  GstBaseTransformClass *parent = GST_BASE_TRANSFORM_CLASS(gst_qnn_decode_parent_class);
  g_autoptr(GstCaps) caps = NULL;
  GstCaps *borrowed;
  gboolean ok;

  if (GST_EVENT_TYPE(event) == GST_EVENT_FLUSH_STOP) {
    g_ptr_array_set_size(self->pending, 0);
    g_clear_pointer(&self->last, gst_qnn_results_unref);
  }
  if (GST_EVENT_TYPE(event) != GST_EVENT_CAPS)
    return parent->sink_event(trans, event);
  gst_event_parse_caps(event, &borrowed);
  caps = gst_caps_ref(borrowed);
  self->caps_suit = FALSE;
  ok = parent->sink_event(trans, event);
  if (!ok && !self->caps_suit && !GST_PAD_IS_FLUSHING(trans->srcpad))
    explain_refused_caps(trans, caps);
  return ok;
}

static gboolean gst_qnn_decode_query(GstBaseTransform *trans, GstPadDirection direction, GstQuery *query)
{
  if (direction == GST_PAD_SINK && GST_QUERY_TYPE(query) == GST_QUERY_ALLOCATION) {
    GstCaps *caps;
    gst_query_parse_allocation(query, &caps, NULL);
    /* About the frame, which we hand on: the next one knows. About tensors: any memory will do, and the elements behind
     * have nothing to do with it. */
    return caps && !gst_qnn_caps_are_tensors(caps) && !GST_QNN_DECODE(trans)->text &&
           gst_pad_peer_query(trans->srcpad, query);
  }
  return GST_BASE_TRANSFORM_CLASS(gst_qnn_decode_parent_class)->query(trans, direction, query);
}

static gboolean bad_buffer(GstQnnDecode *self, GstBuffer *buffer)
{
  GST_ELEMENT_ERROR(self, STREAM, DECODE,
                    ("A buffer of %" G_GSIZE_FORMAT
                     " bytes in %u memories does not hold the %u tensors that its caps "
                     "name. Send whole tensors, one memory each.",
                     gst_buffer_get_size(buffer), gst_buffer_n_memory(buffer), self->tensors->n),
                    (NULL));
  return FALSE;
}

/* The address of each tensor of a mapped buffer; @maps[i] is of memory i. FALSE: they are not all there. */
static gboolean tensor_addresses(const GstQnnTensors *t, const GstMapInfo *maps, guint n_maps,
                                 const void **data)
{
  gsize at = 0;

  for (guint i = 0; i < t->n; i++) {
    gboolean separate = n_maps == t->n;
    const GstMapInfo *map = &maps[separate ? i : 0];
    gsize offset = separate ? 0 : t->packed_bytes ? t->offset[i] : at;
    if (offset > map->size || t->desc[i].size_bytes > map->size - offset)
      return FALSE;
    data[i] = map->data + offset;
    at += t->desc[i].size_bytes;
  }
  return TRUE;
}

static gboolean run_decoder(GstQnnDecode *self, GstBuffer *buffer, const QfGeometry *geometry,
                            QfResults *results)
{
  GstMapInfo maps[GST_QNN_MAX_MEMORIES];
  GstMemory *memory[GST_QNN_MAX_MEMORIES];
  g_autofree const void **data = g_new(const void *, self->tensors->n);
  guint n = gst_buffer_n_memory(buffer), mapped = 0;
  gboolean ok;

  if (n != self->tensors->n && n != 1)
    return bad_buffer(self, buffer);
  for (; mapped < n && mapped < GST_QNN_MAX_MEMORIES; mapped++) {
    memory[mapped] = gst_buffer_peek_memory(buffer, mapped);
    if (!gst_memory_map(memory[mapped], &maps[mapped], GST_MAP_READ))
      break;
  }
  ok = mapped == n && tensor_addresses(self->tensors, maps, n, data);
  if (ok)
    qf_decoder_run(self->decoder, data, geometry, results);
  else
    bad_buffer(self, buffer);
  while (mapped--)
    gst_memory_unmap(memory[mapped], &maps[mapped]);
  return ok;
}

/* The results of one tensor buffer; NULL after an error was posted. */
static GstQnnResults *decode(GstQnnDecode *self, GstBuffer *in, const GstQnnFrameMeta *meta)
{
  guint64 begin = gst_qnn_now_ns();
  GstQnnResults *made;
  QfResults results;

  if (g_atomic_int_get(&self->serial) != self->used_serial && !open_decoder(self))
    return NULL;
  if (!run_decoder(self, in, meta && meta->geometry.width ? &meta->geometry : NULL, &results))
    return NULL;
  made = gst_qnn_results_new(&results);
  made->number = meta ? meta->number : self->n_buffers;
  made->entry_ns = meta ? meta->entry_ns : 0;
  GST_OBJECT_LOCK(self);
  self->n_decoded++;
  self->total_ns += gst_qnn_now_ns() - begin;
  self->average_ns = self->total_ns / self->n_decoded;
  GST_OBJECT_UNLOCK(self);
  return made;
}

/* What a frame without inference gets: the last results while they are held, else none. */
static GstQnnResults *results_of_gap(GstQnnDecode *self, const GstQnnFrameMeta *meta)
{
  guint hold;
  GstQnnResults *made;

  GST_OBJECT_LOCK(self);
  hold = self->hold;
  GST_OBJECT_UNLOCK(self);
  made = gst_qnn_results_new(self->last && self->age++ < hold ? &self->last->results : NULL);
  made->inferred = FALSE;
  made->number = meta ? meta->number : self->n_buffers;
  made->entry_ns = meta ? meta->entry_ns : 0;
  return made;
}

/* Takes the tensor buffer; gives the frame with nothing else holding it, writable without a copy of pixels. */
static GstBuffer *take_frame(GstBuffer *in, const GstQnnFrameMeta *meta)
{
  GstBuffer *frame = gst_buffer_ref(meta->frame), *copy;

  gst_buffer_unref(in); /* frees the meta and its reference */
  if (gst_buffer_is_writable(frame))
    return frame;
  /* Shared, by a tee: a new buffer with the same memories; the parent stays out of its pool meanwhile. */
  copy = gst_buffer_copy(frame);
  gst_buffer_add_parent_buffer_meta(copy, frame);
  gst_buffer_unref(frame);
  return copy;
}

static GstFlowReturn output_text(GstQnnDecode *self, GstBuffer *in, const gchar *json, GstBuffer **outbuf)
{
  if (json) {
    gchar *line = g_strconcat(json, "\n", NULL);
    *outbuf = gst_buffer_new_wrapped(line, strlen(line));
    gst_buffer_copy_into(*outbuf, in, GST_BUFFER_COPY_TIMESTAMPS, 0, -1);
  }
  gst_buffer_unref(in);
  return GST_FLOW_OK;
}

static GstFlowReturn output_frame(GstQnnDecode *self, GstBuffer *in, const GstQnnFrameMeta *meta,
                                  GstBuffer **outbuf)
{
  GstVideoInfo info;

  if (!meta) {
    gst_buffer_unref(in);
    GST_ELEMENT_ERROR(
        self, STREAM, FAILED,
        ("A tensor came without its video frame. An element between qnnconvert and qnndecode dropped the "
         "metas; take it out, or ask for application/x-json."),
        (NULL));
    return GST_FLOW_ERROR;
  }
  if (meta->index + 1 < meta->count) { /* more tensors of this frame follow */
    gst_buffer_unref(in);
    return GST_FLOW_OK;
  }
  *outbuf = take_frame(in, meta);
  if (!gst_video_info_from_caps(&info, self->frame_caps))
    gst_video_info_init(&info);
  for (guint i = 0; i < self->pending->len; i++)
    gst_qnn_decode_attach(self, *outbuf, &info, g_ptr_array_index(self->pending, i));
  g_ptr_array_set_size(self->pending, 0);
  return GST_FLOW_OK;
}

static GstFlowReturn gst_qnn_decode_generate_output(GstBaseTransform *trans, GstBuffer **outbuf)
{
  GstQnnDecode *self = GST_QNN_DECODE(trans);
  GstBuffer *in = g_steal_pointer(&trans->queued_buf);
  GstQnnFrameMeta *meta;
  GstQnnResults *results;
  g_autofree gchar *json = NULL;
  gboolean gap;

  *outbuf = NULL;
  if (!in)
    return GST_FLOW_OK;
  meta = gst_qnn_buffer_get_frame_meta(in);
  gap = !gst_buffer_get_size(in) && GST_BUFFER_FLAG_IS_SET(in, GST_BUFFER_FLAG_GAP);
  results = gap ? results_of_gap(self, meta) : decode(self, in, meta);
  if (!results) {
    gst_buffer_unref(in);
    return GST_FLOW_ERROR;
  }
  self->n_buffers++;
  if (!gap) {
    if (self->text || self->json_file || self->message)
      json = qf_results_to_json(&results->results, results->number, GST_BUFFER_PTS(in));
    if (!gst_qnn_decode_publish(self, results, GST_BUFFER_PTS(in), json)) {
      gst_qnn_results_unref(results);
      gst_buffer_unref(in);
      return GST_FLOW_ERROR;
    }
    g_clear_pointer(&self->last, gst_qnn_results_unref);
    self->last = gst_qnn_results_ref(results);
    self->age = 0;
  }
  if (self->text) {
    gst_qnn_results_unref(results);
    return output_text(self, in, json, outbuf);
  }
  g_ptr_array_add(self->pending, results);
  return output_frame(self, in, meta, outbuf);
}

static gboolean gst_qnn_decode_start(GstBaseTransform *trans)
{
  GstQnnDecode *self = GST_QNN_DECODE(trans);
  g_autofree gchar *path = gst_qnn_prop_dup(self, &self->json_path);

  self->n_buffers = self->n_decoded = self->total_ns = 0;
  self->next_id = 0;
  if (path && !(self->json_file = fopen(path, "w"))) {
    GST_ELEMENT_ERROR(
        self, RESOURCE, OPEN_WRITE,
        ("Cannot write results to \"%s\": %s. Set the property json to a file that can be written.", path,
         g_strerror(errno)),
        (NULL));
    return FALSE;
  }
  return TRUE;
}

static gboolean gst_qnn_decode_stop(GstBaseTransform *trans)
{
  GstQnnDecode *self = GST_QNN_DECODE(trans);

  g_clear_pointer(&self->decoder, qf_decoder_free);
  g_clear_pointer(&self->tensors, gst_qnn_tensors_unref);
  g_clear_pointer(&self->last, gst_qnn_results_unref);
  gst_clear_caps(&self->frame_caps);
  g_ptr_array_set_size(self->pending, 0);
  g_clear_pointer(&self->json_file, fclose);
  return TRUE;
}

static void gst_qnn_decode_finalize(GObject *object)
{
  g_ptr_array_unref(GST_QNN_DECODE(object)->pending);
  gst_qnn_props_clear(object, props, G_N_ELEMENTS(props));
  G_OBJECT_CLASS(gst_qnn_decode_parent_class)->finalize(object);
}

/* No transform function on purpose: the base class then makes no pool and asks the sink nothing about tensors. */
static void gst_qnn_decode_class_init(GstQnnDecodeClass *klass)
{
  GstBaseTransformClass *base = GST_BASE_TRANSFORM_CLASS(klass);
  GstElementClass *element = GST_ELEMENT_CLASS(klass);

  GST_DEBUG_CATEGORY_INIT(gst_qnn_decode_debug, "qnndecode", 0, "tensors to results");
  gst_qnn_props_install(G_OBJECT_CLASS(klass), props, G_N_ELEMENTS(props), FIELD(serial));
  G_OBJECT_CLASS(klass)->finalize = gst_qnn_decode_finalize;
  gst_element_class_set_static_metadata(element, "Tensors to results", "Filter/Analyzer/Tensor/Video",
                                        "Reads a model's outputs and attaches results to the original frame",
                                        "qnnflow");
  gst_element_class_add_static_pad_template(element, &sink_template);
  gst_element_class_add_static_pad_template(element, &src_template);
  base->transform_caps = gst_qnn_decode_transform_caps;
  base->fixate_caps = gst_qnn_decode_fixate_caps;
  base->set_caps = gst_qnn_decode_set_caps;
  base->generate_output = gst_qnn_decode_generate_output;
  base->query = gst_qnn_decode_query;
  base->sink_event = gst_qnn_decode_sink_event;
  base->start = gst_qnn_decode_start;
  base->stop = gst_qnn_decode_stop;
  base->passthrough_on_same_caps = FALSE;
}

static void gst_qnn_decode_init(GstQnnDecode *self)
{
  gst_base_transform_set_passthrough(GST_BASE_TRANSFORM(self), FALSE);
  gst_qnn_props_init(self, props, G_N_ELEMENTS(props));
  self->pending = g_ptr_array_new_with_free_func((GDestroyNotify)gst_qnn_results_unref);
}
