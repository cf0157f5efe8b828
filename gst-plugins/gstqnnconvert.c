/* SPDX-License-Identifier: MIT */
/**
 * SECTION:element-qnnconvert
 *
 * Makes the tensor that the model behind it wants out of each video frame, in one pass: resize, colour, normalise or
 * quantise, layout. Size, type, layout and quantization come by negotiation; nobody types them.
 *
 * |[
 * gst-launch-1.0 videotestsrc num-buffers=30 ! qnnconvert ! 'neural-network/tensors,type=FLOAT32,dimensions=(int)<<1,224,224,3>>' ! fakesink
 * ]|
 *
 * Without mean and std, pixels p of 0..255 become
 *  - for floating point: p / 255;
 *  - for 8-bit integers with a scale and an offset: the whole range of the pixel spread over the whole range of the
 *    type (uint8: p, int8: p - 128), which is what models quantised from 0..1, -1..1 or 0..255 images all mean;
 *  - for 8-bit integers without: the same; for other integers p / 255 in the tensor's scale and offset, or p when it
 *    has none.
 * With mean or std: (p - mean) / std, quantised with the tensor's own scale and offset.
 */
/*
 * gstqnnconvert.c - the element. Negotiation and allocation are in gstqnnconvertcaps.c; each frame leaves here inside
 * the meta of its (last) tensor, never held by this element when it pushes.
 */
#include "gstqnnconvert.h"
#include "gstqnnelements.h"
#include "gstqnnmeta.h"

GST_DEBUG_CATEGORY(gst_qnn_convert_debug);
#define GST_CAT_DEFAULT gst_qnn_convert_debug

G_DEFINE_TYPE(GstQnnConvert, gst_qnn_convert, GST_TYPE_BASE_TRANSFORM)
GST_ELEMENT_REGISTER_DEFINE(qnnconvert, "qnnconvert", GST_RANK_NONE, gst_qnn_convert_get_type())

#define DEFINE_ENUM(function, name, ...)                                                                     \
  static GType function(void)                                                                                \
  {                                                                                                          \
    static gsize type = 0;                                                                                   \
    static const GEnumValue values[] = {__VA_ARGS__, {0, NULL, NULL}};                                       \
    if (g_once_init_enter(&type))                                                                            \
      g_once_init_leave(&type, g_enum_register_static(name, values));                                        \
    return type;                                                                                             \
  }

DEFINE_ENUM(fit_type, "GstQnnFit",
            {QF_FIT_STRETCH, "fill the tensor; the aspect ratio is not kept", "stretch"},
            {QF_FIT_LETTERBOX, "keep the aspect ratio, centred, border around", "letterbox"},
            {QF_FIT_LETTERBOX_TOP, "keep the aspect ratio, at the top left, border beside", "letterbox-top"},
            {QF_FIT_CROP, "keep the aspect ratio, cut off what is outside", "crop"})

DEFINE_ENUM(filter_type, "GstQnnFilter", {QF_FILTER_BILINEAR, "two taps", "bilinear"},
            {QF_FILTER_AREA, "average of the covered pixels when shrinking", "area"})

DEFINE_ENUM(channels_type, "GstQnnChannels", {QF_CHANNELS_RGB, "red, green, blue", "rgb"},
            {QF_CHANNELS_BGR, "blue, green, red", "bgr"})

#define FIELD(f) offsetof(GstQnnConvert, f)
static const GstQnnProp props[] = {
    {"fit", "How a frame of another aspect ratio is put into the tensor", GST_QNN_PROP_ENUM,
     GST_QNN_PROP_READY, FIELD(fit), .def = QF_FIT_STRETCH, .enum_type = fit_type},
    {"filter", "How pixels are sampled", GST_QNN_PROP_ENUM, GST_QNN_PROP_READY, FIELD(filter),
     .def = QF_FILTER_BILINEAR, .enum_type = filter_type},
    {"channel-order", "Order of the three channels in the tensor; tensors of one channel get luma",
     GST_QNN_PROP_ENUM, GST_QNN_PROP_READY, FIELD(channels), .def = QF_CHANNELS_RGB,
     .enum_type = channels_type},
    {"mean",
     "Subtracted from pixels of 0..255: one value, or three in the order of the tensor's channels; empty: by "
     "type of tensor",
     GST_QNN_PROP_STRING, GST_QNN_PROP_READY, FIELD(mean), .def_string = ""},
    {"std",
     "Divides what is left: one value, or three in the order of the tensor's channels; empty: by type of "
     "tensor",
     GST_QNN_PROP_STRING, GST_QNN_PROP_READY, FIELD(std), .def_string = ""},
    {"border", "Colour of the letterbox, 0..255: one value, or \"r,g,b\"", GST_QNN_PROP_STRING,
     GST_QNN_PROP_READY, FIELD(border), .def_string = "0"},
    {"interval", "Every how many frames a tensor is made; the others go on without inference. 1: for each",
     GST_QNN_PROP_UINT, GST_QNN_PROP_PLAYING, FIELD(interval), 1, 100000, 1},
    {"max-in-flight",
     "Tensors that may wait for inference at a time; frames beyond go on without. 0: no limit, the line "
     "blocks",
     GST_QNN_PROP_UINT, GST_QNN_PROP_PLAYING, FIELD(max_in_flight), 0, 1000, 0},
    {"skip-late",
     "When the sink tells that frames are late, let them go on without inference until it keeps up",
     GST_QNN_PROP_BOOL, GST_QNN_PROP_PLAYING, FIELD(skip_late), .def = TRUE},
    {"frames-held",
     "Frames that this element and the queues behind it hold, asked for on top of the sink's pool",
     GST_QNN_PROP_UINT, GST_QNN_PROP_READY, FIELD(frames_held), 0, 1000, 2},
    {"frames", "Frames seen", GST_QNN_PROP_UINT64, GST_QNN_PROP_READONLY, FIELD(n_frames)},
    {"skipped", "Frames that went on without inference", GST_QNN_PROP_UINT64, GST_QNN_PROP_READONLY,
     FIELD(n_skipped)},
    {"average-ns", "Mean time of a conversion, in nanoseconds", GST_QNN_PROP_UINT64, GST_QNN_PROP_READONLY,
     FIELD(average_ns)},
    {"kernel", "The conversion kernel in use", GST_QNN_PROP_STRING, GST_QNN_PROP_READONLY, FIELD(kernel)},
};

/* Busy, late, or not this frame's turn. Called once for each frame. */
static gboolean frame_is_skipped(GstQnnConvert *self, GstBuffer *frame)
{
  GstBaseTransform *trans = GST_BASE_TRANSFORM(self);
  GstClockTime running = GST_CLOCK_TIME_NONE;
  gboolean skip;

  if (trans->segment.format == GST_FORMAT_TIME)
    running = gst_segment_to_running_time(&trans->segment, GST_FORMAT_TIME, GST_BUFFER_PTS(frame));
  GST_OBJECT_LOCK(self);
  skip = self->interval > 1 && self->n_frames % self->interval;
  skip |= self->skip_late && GST_CLOCK_TIME_IS_VALID(running) && GST_CLOCK_TIME_IS_VALID(self->earliest) &&
          running <= self->earliest;
  skip |= self->max_in_flight && (guint)g_atomic_int_get(&self->in_flight) >= self->max_in_flight;
  skip |= GST_BUFFER_FLAG_IS_SET(frame, GST_BUFFER_FLAG_GAP);
  self->n_frames++;
  self->n_skipped += skip;
  GST_OBJECT_UNLOCK(self);
  return skip;
}

static GstMemory *alloc_tensor(GstQnnConvert *self)
{
  GstAllocator *allocator = NULL;
  GstAllocationParams params;
  GstMemory *memory;

  gst_base_transform_get_allocator(GST_BASE_TRANSFORM(self), &allocator, &params);
  params.align |= QF_ALIGNMENT - 1;
  memory = gst_allocator_alloc(allocator ? allocator : self->allocator, self->tensors->desc[0].size_bytes,
                               &params);
  if (allocator)
    gst_object_unref(allocator);
  return memory;
}

static gboolean frame_to_image(const GstVideoFrame *frame, QfImage *image)
{
  gint n = qf_pixel_n_planes(image->format);

  for (gint i = 0; i < n; i++) {
    image->planes[i] = GST_VIDEO_FRAME_PLANE_DATA(frame, i);
    image->strides[i] = GST_VIDEO_FRAME_PLANE_STRIDE(frame, i);
  }
  return image->width == GST_VIDEO_FRAME_WIDTH(frame) && image->height == GST_VIDEO_FRAME_HEIGHT(frame);
}

static gboolean convert(GstQnnConvert *self, GstBuffer *frame, GstMemory *memory, QfGeometry *geometry)
{
  g_autoptr(GError) error = NULL;
  QfImage image = self->image;
  GstVideoFrame mapped;
  GstMapInfo map;
  gboolean ok;

  if (!gst_video_frame_map(&mapped, &self->info, frame, GST_MAP_READ | GST_VIDEO_FRAME_MAP_FLAG_NO_REF)) {
    GST_ELEMENT_ERROR(self, STREAM, FAILED,
                      ("Cannot read a video frame of %" G_GSIZE_FORMAT
                       " bytes: %s %dx%d needs %" G_GSIZE_FORMAT ". Make the source's buffers fit its caps.",
                       gst_buffer_get_size(frame), GST_VIDEO_INFO_NAME(&self->info), image.width,
                       image.height, GST_VIDEO_INFO_SIZE(&self->info)),
                      (NULL));
    return FALSE;
  }
  if (!gst_memory_map(memory, &map, GST_MAP_WRITE)) {
    gst_video_frame_unmap(&mapped);
    GST_ELEMENT_ERROR(self, RESOURCE, WRITE, ("Cannot write to the memory of a tensor."), (NULL));
    return FALSE;
  }
  ok = frame_to_image(&mapped, &image) &&
       qf_image_convert(self->converter, &image, NULL, map.data, geometry, &error);
  gst_memory_unmap(memory, &map);
  gst_video_frame_unmap(&mapped);
  if (!ok)
    GST_ELEMENT_ERROR(self, STREAM, FAILED,
                      ("Cannot convert a video frame: %s",
                       error ? error->message : "its size is not that of the caps"),
                      (NULL));
  return ok;
}

static void tensor_is_done(gpointer self)
{
  g_atomic_int_add(&((GstQnnConvert *)self)->in_flight, -1);
}

/* The tensor of a frame, still without the meta; NULL after an error was posted. */
static GstBuffer *make_tensor(GstQnnConvert *self, GstBuffer *frame, QfGeometry *geometry)
{
  guint64 begin = gst_qnn_now_ns();
  GstMemory *memory = alloc_tensor(self);
  GstBuffer *out;

  if (!memory) {
    GST_ELEMENT_ERROR(self, RESOURCE, NO_SPACE_LEFT,
                      ("No memory for a tensor of %" G_GSIZE_FORMAT " bytes.",
                       self->tensors->desc[0].size_bytes),
                      (NULL));
    return NULL;
  }
  if (!convert(self, frame, memory, geometry)) {
    gst_memory_unref(memory);
    return NULL;
  }
  out = gst_buffer_new();
  gst_buffer_append_memory(out, memory);
  gst_qnn_buffer_add_tensor_meta(out, self->tensors);
  g_atomic_int_inc(&self->in_flight);
  gst_qnn_buffer_add_token(out, GST_OBJECT(self), tensor_is_done);
  GST_OBJECT_LOCK(self);
  self->n_converted++;
  self->total_ns += gst_qnn_now_ns() - begin;
  self->average_ns = self->total_ns / self->n_converted;
  GST_OBJECT_UNLOCK(self);
  return out;
}

static GstFlowReturn gst_qnn_convert_generate_output(GstBaseTransform *trans, GstBuffer **outbuf)
{
  GstQnnConvert *self = GST_QNN_CONVERT(trans);
  GstBuffer *frame = g_steal_pointer(&trans->queued_buf), *out;
  guint64 entry = gst_qnn_now_ns(), number = self->n_frames;
  QfGeometry geometry = {0};
  GstQnnFrameMeta *meta;

  *outbuf = NULL;
  if (!frame)
    return GST_FLOW_OK;
  if (frame_is_skipped(self, frame)) {
    out = gst_buffer_new();
    GST_BUFFER_FLAG_SET(out, GST_BUFFER_FLAG_GAP);
  } else {
    out = make_tensor(self, frame, &geometry);
  }
  if (!out) {
    gst_buffer_unref(frame);
    return GST_FLOW_ERROR;
  }
  gst_buffer_copy_into(out, frame, GST_BUFFER_COPY_TIMESTAMPS, 0, -1);
  if (GST_BUFFER_IS_DISCONT(frame))
    GST_BUFFER_FLAG_SET(out, GST_BUFFER_FLAG_DISCONT);
  meta =
      gst_qnn_buffer_add_frame_meta(out, frame); /* takes our reference: the decoder can be the sole owner */
  meta->geometry = geometry;
  meta->number = number;
  meta->entry_ns = entry;
  *outbuf = out;
  return GST_FLOW_OK;
}

static gboolean gst_qnn_convert_src_event(GstBaseTransform *trans, GstEvent *event)
{
  GstQnnConvert *self = GST_QNN_CONVERT(trans);

  if (GST_EVENT_TYPE(event) == GST_EVENT_QOS) {
    GstClockTimeDiff diff;
    GstClockTime timestamp;
    gst_event_parse_qos(event, NULL, NULL, &diff, &timestamp);
    GST_OBJECT_LOCK(self);
    if (GST_CLOCK_TIME_IS_VALID(timestamp))
      self->earliest = diff > 0 ? timestamp + 2 * diff : GST_CLOCK_TIME_NONE;
    GST_OBJECT_UNLOCK(self);
  }
  return GST_BASE_TRANSFORM_CLASS(gst_qnn_convert_parent_class)->src_event(trans, event);
}

static gboolean gst_qnn_convert_sink_event(GstBaseTransform *trans, GstEvent *event)
{
  GstQnnConvert *self = GST_QNN_CONVERT(trans);

  if (GST_EVENT_TYPE(event) == GST_EVENT_FLUSH_STOP || GST_EVENT_TYPE(event) == GST_EVENT_SEGMENT) {
    GST_OBJECT_LOCK(self);
    self->earliest = GST_CLOCK_TIME_NONE;
    GST_OBJECT_UNLOCK(self);
  }
  return GST_BASE_TRANSFORM_CLASS(gst_qnn_convert_parent_class)->sink_event(trans, event);
}

static gboolean gst_qnn_convert_start(GstBaseTransform *trans)
{
  GstQnnConvert *self = GST_QNN_CONVERT(trans);

  GST_OBJECT_LOCK(self);
  self->n_frames = self->n_skipped = self->n_converted = self->total_ns = self->average_ns = 0;
  self->earliest = GST_CLOCK_TIME_NONE;
  GST_OBJECT_UNLOCK(self);
  self->allocator = gst_qnn_allocator_new(FALSE);
  return TRUE;
}

static gboolean gst_qnn_convert_stop(GstBaseTransform *trans)
{
  GstQnnConvert *self = GST_QNN_CONVERT(trans);

  g_clear_pointer(&self->converter, qf_image_converter_free);
  g_clear_pointer(&self->tensors, gst_qnn_tensors_unref);
  gst_clear_object(&self->allocator);
  return TRUE;
}

/* Never called, as generate_output is ours; but without it the base class takes the element for one that works in
 * place and never asks downstream for an allocator. */
static GstFlowReturn gst_qnn_convert_transform(GstBaseTransform *trans, GstBuffer *in, GstBuffer *out)
{
  return GST_FLOW_NOT_SUPPORTED;
}

static void gst_qnn_convert_finalize(GObject *object)
{
  gst_qnn_props_clear(object, props, G_N_ELEMENTS(props));
  G_OBJECT_CLASS(gst_qnn_convert_parent_class)->finalize(object);
}

static void gst_qnn_convert_class_init(GstQnnConvertClass *klass)
{
  GstBaseTransformClass *base = GST_BASE_TRANSFORM_CLASS(klass);

  GST_DEBUG_CATEGORY_INIT(gst_qnn_convert_debug, "qnnconvert", 0, "video to tensors");
  gst_qnn_props_install(G_OBJECT_CLASS(klass), props, G_N_ELEMENTS(props), 0);
  G_OBJECT_CLASS(klass)->finalize = gst_qnn_convert_finalize;
  gst_element_class_set_static_metadata(
      GST_ELEMENT_CLASS(klass), "Video to tensor", "Filter/Converter/Video/Tensor",
      "Crops, resizes, converts, normalises and quantises video into a model's input", "qnnflow");
  gst_qnn_convert_caps_class_init(klass);
  base->generate_output = gst_qnn_convert_generate_output;
  base->transform = gst_qnn_convert_transform;
  base->src_event = gst_qnn_convert_src_event;
  base->sink_event = gst_qnn_convert_sink_event;
  base->start = gst_qnn_convert_start;
  base->stop = gst_qnn_convert_stop;
  base->passthrough_on_same_caps = FALSE;
}

static void gst_qnn_convert_init(GstQnnConvert *self)
{
  gst_base_transform_set_passthrough(GST_BASE_TRANSFORM(self), FALSE);
  gst_qnn_props_init(self, props, G_N_ELEMENTS(props));
  self->earliest = GST_CLOCK_TIME_NONE;
}
