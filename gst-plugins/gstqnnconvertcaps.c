/* SPDX-License-Identifier: MIT */
/*
 * gstqnnconvertcaps.c - what qnnconvert negotiates: frames to tensors that carry the frame's caps, the converter that
 * fits both, and the pool for frames, which is asked of the element that shows them at the end of the line.
 */
#include "gstqnnconvert.h"

#define GST_CAT_DEFAULT gst_qnn_convert_debug

#define FORMATS                                                                                              \
  "{ NV12, NV21, I420, YUY2, UYVY, RGB, BGR, RGBA, BGRA, ARGB, ABGR, RGBx, BGRx, xRGB, xBGR, GRAY8 }"

static GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS,
                            GST_STATIC_CAPS(GST_VIDEO_CAPS_MAKE(FORMATS)));
static GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS(GST_QNN_TENSORS_MEDIA));

/* A list on purpose: the base class asks downstream for dimensions only while the caps are not fixed. */
#define TYPES GST_QNN_TENSORS_MEDIA ", type=(string){ FLOAT32, UINT8, INT8, FLOAT16, UINT16, INT16 }"

static GstCaps *gst_qnn_convert_transform_caps(GstBaseTransform *trans, GstPadDirection direction,
                                               GstCaps *caps, GstCaps *filter)
{
  g_autoptr(GstCaps) own = NULL, all = NULL;

  if (direction == GST_PAD_SINK) {
    own = gst_caps_from_string(TYPES);
    all = gst_qnn_caps_carry_frame(caps);
    return gst_qnn_caps_filter(gst_caps_intersect(all, own), filter);
  }
  own = gst_pad_get_pad_template_caps(trans->sinkpad);
  all = gst_caps_new_empty();
  for (guint i = 0; i < gst_caps_get_size(caps); i++) {
    GstCaps *frame = gst_qnn_structure_frame_caps(gst_caps_get_structure(caps, i));
    all = gst_caps_merge(all, frame ? frame : gst_caps_ref(own));
  }
  return gst_qnn_caps_filter(gst_caps_intersect_full(all, own, GST_CAPS_INTERSECT_FIRST), filter);
}

/* GStreamer has the same order with and without alpha under different names. */
static QfPixelFormat pixel_format(const GstVideoInfo *info)
{
  static const gchar *const padded[][2] = {{"RGBx", "RGBA"},
                                           {"BGRx", "BGRA"},
                                           {"xRGB", "ARGB"},
                                           {"xBGR", "ABGR"}};
  const gchar *name = GST_VIDEO_INFO_NAME(info);

  for (guint i = 0; i < G_N_ELEMENTS(padded); i++)
    if (g_str_equal(name, padded[i][0]))
      name = padded[i][1];
  return qf_pixel_from_name(name);
}

static void image_from_info(const GstVideoInfo *info, QfImage *image)
{
  static const struct {
    GstVideoColorMatrix from;
    QfColorMatrix to;
  } matrices[] = {{GST_VIDEO_COLOR_MATRIX_BT601, QF_MATRIX_BT601},
                  {GST_VIDEO_COLOR_MATRIX_BT709, QF_MATRIX_BT709},
                  {GST_VIDEO_COLOR_MATRIX_SMPTE240M, QF_MATRIX_BT709},
                  {GST_VIDEO_COLOR_MATRIX_BT2020, QF_MATRIX_BT2020}};

  *image = (QfImage){.format = pixel_format(info),
                     .width = GST_VIDEO_INFO_WIDTH(info),
                     .height = GST_VIDEO_INFO_HEIGHT(info),
                     .full_range = info->colorimetry.range == GST_VIDEO_COLOR_RANGE_0_255};
  for (guint i = 0; i < G_N_ELEMENTS(matrices); i++)
    if (matrices[i].from == info->colorimetry.matrix)
      image->matrix = matrices[i].to;
}

/* mean, std, scale and offset when the properties say nothing; see the section documentation. */
static void default_normalisation(const QfTensorDesc *desc, QfImageTarget *target)
{
  gint64 min, max;
  gboolean eight_bits = qf_dtype_size(desc->dtype) == 1;

  for (gint c = 0; c < 3; c++)
    target->std[c] = qf_dtype_is_float(desc->dtype) || desc->quant.count ? 255 : 1;
  if (qf_dtype_is_float(desc->dtype) || !eight_bits)
    return;
  qf_dtype_range(desc->dtype, &min, &max);
  /* The stored value is the pixel plus the least value of the type, whatever scale and offset make of it. */
  target->scale = 1;
  target->offset = (gint32)-min;
  for (gint c = 0; c < 3; c++)
    target->std[c] = 1;
}

static gboolean set_normalisation(GstQnnConvert *self, const QfTensorDesc *desc, QfImageTarget *target)
{
  g_autofree gchar *mean = gst_qnn_prop_dup(self, &self->mean), *std = gst_qnn_prop_dup(self, &self->std);
  g_autofree gchar *border = gst_qnn_prop_dup(self, &self->border);
  gfloat rgb[3] = {0};
  const gchar *bad = NULL;

  if (desc->quant.count == 1) {
    target->scale = desc->quant.entries[0].scale;
    target->offset = desc->quant.entries[0].offset;
  }
  if (!mean && !std)
    default_normalisation(desc, target);
  if (mean && !gst_qnn_parse_triple(mean, target->mean))
    bad = "mean";
  if (std &&
      (!gst_qnn_parse_triple(std, target->std) || !target->std[0] || !target->std[1] || !target->std[2]))
    bad = "std";
  if (border && !gst_qnn_parse_triple(border, rgb))
    bad = "border";
  if (bad) {
    GST_ELEMENT_ERROR(self, LIBRARY, SETTINGS,
                      ("Property %s must be one number or three like \"123.7,116.8,103.9\"%s.", bad,
                       bad[0] == 's' ? ", none of them 0" : ""),
                      (NULL));
    return FALSE;
  }
  for (gint c = 0; c < 3; c++)
    target->border[c] = (guint8)CLAMP(rgb[c], 0, 255);
  return TRUE;
}

static gboolean set_target(GstQnnConvert *self, QfImageTarget *target)
{
  const QfTensorDesc *desc = &self->tensors->desc[0];
  gint channels;

  if (self->tensors->n != 1) {
    GST_ELEMENT_ERROR(
        self, STREAM, FORMAT,
        ("The model has %u inputs and a video can feed one (\"%s\"; \"%s\" is missing). Feed all of them "
         "from a source of tensors.",
         self->tensors->n, desc[0].name, desc[1].name),
        (NULL));
    return FALSE;
  }
  if (!gst_qnn_tensor_is_image(desc, &target->width, &target->height, &channels, &target->layout)) {
    g_autofree gchar *text = gst_qnn_tensor_to_string(desc);
    GST_ELEMENT_ERROR(
        self, STREAM, FORMAT,
        ("The input \"%s\" of the model, %s, is no image: rank 3 or 4, one of a batch, with 1 or 3 channels "
         "first or last. Use another source for it.",
         desc->name, text),
        (NULL));
    return FALSE;
  }
  target->dtype = desc->dtype;
  GST_OBJECT_LOCK(self);
  target->channels = channels == 1 ? QF_CHANNELS_GRAY : (QfChannelOrder)self->channels;
  target->fit = self->fit;
  target->filter = self->filter;
  GST_OBJECT_UNLOCK(self);
  return set_normalisation(self, desc, target);
}

static gboolean gst_qnn_convert_set_caps(GstBaseTransform *trans, GstCaps *in, GstCaps *out)
{
  GstQnnConvert *self = GST_QNN_CONVERT(trans);
  g_autofree gchar *why = NULL;
  g_autoptr(GError) error = NULL;
  QfImageTarget target = {0};

  GST_INFO_OBJECT(self, "in %" GST_PTR_FORMAT " out %" GST_PTR_FORMAT, in, out);
  g_clear_pointer(&self->converter, qf_image_converter_free);
  g_clear_pointer(&self->tensors, gst_qnn_tensors_unref);
  self->explained = FALSE;
  if (!gst_video_info_from_caps(&self->info, in))
    return FALSE;
  self->tensors = gst_qnn_tensors_from_structure(gst_caps_get_structure(out, 0), &why);
  if (!self->tensors) {
    GST_ELEMENT_ERROR(
        self, STREAM, FORMAT,
        ("Nobody downstream says what tensor to make: %s. Put qnninfer, or such a capsfilter, behind.", why),
        (NULL));
    return FALSE;
  }
  image_from_info(&self->info, &self->image);
  if (!set_target(self, &target))
    return FALSE;
  self->converter = qf_image_converter_new(&self->image, &target, &error);
  if (!self->converter) {
    GST_ELEMENT_ERROR(self, STREAM, FORMAT, ("Cannot convert this video for the model: %s", error->message),
                      (NULL));
    return FALSE;
  }
  GST_OBJECT_LOCK(self);
  g_free(self->kernel);
  self->kernel = g_strdup(qf_image_converter_kernel(self->converter));
  GST_OBJECT_UNLOCK(self);
  return TRUE;
}

static gboolean gst_qnn_convert_query(GstBaseTransform *trans, GstPadDirection direction, GstQuery *query)
{
  GstQnnConvert *self = GST_QNN_CONVERT(trans);
  gboolean ok = GST_BASE_TRANSFORM_CLASS(g_type_class_peek_parent(G_OBJECT_GET_CLASS(self)))
                    ->query(trans, direction, query);

  if (ok && direction == GST_PAD_SINK && GST_QUERY_TYPE(query) == GST_QUERY_CAPS && !self->explained)
    self->explained = gst_qnn_explain_empty_caps(
        trans, query, "No video format suits both the source and the elements behind the decoder.");
  return ok;
}

/* Adds the frames that are held here to what each pool below asks for; a pool of no object tells the number when
 * nobody below has one. */
static void raise_pool_minimum(GstQuery *query, const GstCaps *caps, guint held)
{
  guint n = gst_query_get_n_allocation_pools(query);
  GstVideoInfo info;

  for (guint i = 0; i < n; i++) {
    GstBufferPool *pool;
    guint size, min, max;
    gst_query_parse_nth_allocation_pool(query, i, &pool, &size, &min, &max);
    min += held;
    gst_query_set_nth_allocation_pool(query, i, pool, size, min, max && max < min ? 0 : max);
    if (pool)
      gst_object_unref(pool);
  }
  if (!n && gst_video_info_from_caps(&info, caps))
    gst_query_add_allocation_pool(query, NULL, info.size, held, 0);
}

static gboolean gst_qnn_convert_propose_allocation(GstBaseTransform *trans, GstQuery *decide, GstQuery *query)
{
  GstQnnConvert *self = GST_QNN_CONVERT(trans);
  GstCaps *caps;

  gst_query_parse_allocation(query, &caps, NULL);
  if (!caps)
    return FALSE;
  /* The frame ends up behind the decoder: the same query goes there, through all elements of the line. */
  if (!gst_pad_peer_query(trans->srcpad, query))
    GST_DEBUG_OBJECT(self, "nobody downstream answers for the allocation of frames");
  for (guint i = 0; i < gst_query_get_n_allocation_metas(query);) {
    if (gst_query_parse_nth_allocation_meta(query, i, NULL) == GST_VIDEO_META_API_TYPE)
      i++;
    else
      gst_query_remove_nth_allocation_meta(query, i);
  }
  if (!gst_query_find_allocation_meta(query, GST_VIDEO_META_API_TYPE, NULL))
    gst_query_add_allocation_meta(query, GST_VIDEO_META_API_TYPE, NULL);
  raise_pool_minimum(query, caps, self->frames_held);
  return TRUE;
}

/* Memory comes from the allocator downstream; a pool would be of buffers, and metas differ from frame to frame. */
static gboolean gst_qnn_convert_decide_allocation(GstBaseTransform *trans, GstQuery *query)
{
  while (gst_query_get_n_allocation_pools(query))
    gst_query_remove_nth_allocation_pool(query, 0);
  return TRUE;
}

void gst_qnn_convert_caps_class_init(GstQnnConvertClass *klass)
{
  GstBaseTransformClass *base = GST_BASE_TRANSFORM_CLASS(klass);

  gst_element_class_add_static_pad_template(GST_ELEMENT_CLASS(klass), &sink_template);
  gst_element_class_add_static_pad_template(GST_ELEMENT_CLASS(klass), &src_template);
  base->transform_caps = gst_qnn_convert_transform_caps;
  base->set_caps = gst_qnn_convert_set_caps;
  base->query = gst_qnn_convert_query;
  base->propose_allocation = gst_qnn_convert_propose_allocation;
  base->decide_allocation = gst_qnn_convert_decide_allocation;
}
