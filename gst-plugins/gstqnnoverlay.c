/* SPDX-License-Identifier: MIT */
/**
 * SECTION:element-qnnoverlay
 *
 * Draws results into the frame, in place: boxes with labels (of any GstVideoRegionOfInterestMeta), classes, masks and
 * key points (of qnndecode).
 *
 * |[
 * gst-launch-1.0 videotestsrc num-buffers=30 ! qnnconvert ! qnninfer model=model.onnx ! qnndecode ! qnnoverlay ! fakesink
 * ]|
 */
/*
 * gstqnnoverlay.c - the element. A frame with nothing to draw is never mapped, so never copied when it is shared.
 */
#include "gstqnndraw.h"
#include "gstqnnelements.h"
#include "gstqnnmeta.h"
#include "gstqnnprop.h"

GST_DEBUG_CATEGORY_STATIC(gst_qnn_overlay_debug);
#define GST_CAT_DEFAULT gst_qnn_overlay_debug

G_DECLARE_FINAL_TYPE(GstQnnOverlay, gst_qnn_overlay, GST, QNN_OVERLAY, GstBaseTransform)

#define FORMATS                                                                                              \
  "{ NV12, NV21, I420, YV12, YUY2, UYVY, RGB, BGR, RGBA, BGRA, ARGB, ABGR, RGBx, BGRx, xRGB, xBGR, GRAY8 }"

static GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS,
                            GST_STATIC_CAPS(GST_VIDEO_CAPS_MAKE(FORMATS)));
static GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS,
                            GST_STATIC_CAPS(GST_VIDEO_CAPS_MAKE(FORMATS)));

/* Told apart easily, on dark and on light; class n has colour n % 16. */
static const guint32 palette[] = {0x2ecc40, 0xff4136, 0x0a84ff, 0xffdc00, 0xb10dc9, 0xff851b,
                                  0x39cccc, 0xf012be, 0x01ff70, 0x85144b, 0x7fdbff, 0x3d9970,
                                  0xffb3ba, 0x8d6e63, 0xc0ca33, 0x5c6bc0};
#define N_COLORS G_N_ELEMENTS(palette)

struct _GstQnnOverlay {
  GstBaseTransform parent;

  guint line_width, text_size;
  gboolean labels, scores;
  gdouble mask_opacity;

  GstVideoInfo info;
  GstQnnFont *font;
};

G_DEFINE_TYPE(GstQnnOverlay, gst_qnn_overlay, GST_TYPE_BASE_TRANSFORM)
GST_ELEMENT_REGISTER_DEFINE(qnnoverlay, "qnnoverlay", GST_RANK_NONE, gst_qnn_overlay_get_type())

#define FIELD(f) offsetof(GstQnnOverlay, f)
static const GstQnnProp props[] = {
    {"line-width", "Thickness of boxes, in pixels; 0: by the height of the frame", GST_QNN_PROP_UINT,
     GST_QNN_PROP_READY, FIELD(line_width), 0, 100, 0},
    {"text-size", "Height of text, in pixels; 0: by the height of the frame", GST_QNN_PROP_UINT,
     GST_QNN_PROP_READY, FIELD(text_size), 0, 256, 0},
    {"labels", "Write the label at each box", GST_QNN_PROP_BOOL, GST_QNN_PROP_PLAYING, FIELD(labels),
     .def = TRUE},
    {"scores", "Write the score behind the label", GST_QNN_PROP_BOOL, GST_QNN_PROP_PLAYING, FIELD(scores),
     .def = TRUE},
    {"mask-opacity", "How much masks cover, 0..1", GST_QNN_PROP_DOUBLE, GST_QNN_PROP_PLAYING,
     FIELD(mask_opacity), 0, 1, 0.45},
};

/* What one frame is drawn with. */
typedef struct {
  GstQnnCanvas canvas;
  const GstQnnFont *font;
  GstQnnColor colors[N_COLORS];
  GstQnnColor black, white;
  gint line;
  gboolean labels, scores;
  guint mask_alpha;
} Brush;

static void brush_init(GstQnnOverlay *self, Brush *b, GstVideoFrame *frame)
{
  gst_qnn_canvas_init(&b->canvas, frame);
  for (guint i = 0; i < N_COLORS; i++)
    b->colors[i] = gst_qnn_canvas_color(&b->canvas, palette[i]);
  b->black = gst_qnn_canvas_color(&b->canvas, 0x000000);
  b->white = gst_qnn_canvas_color(&b->canvas, 0xffffff);
  b->font = self->font;
  GST_OBJECT_LOCK(self);
  b->line = self->line_width ? (gint)self->line_width : MAX(2, b->canvas.height / 300);
  b->labels = self->labels;
  b->scores = self->scores;
  b->mask_alpha = (guint)(self->mask_opacity * 256);
  GST_OBJECT_UNLOCK(self);
}

/* Text on a bar of a class's colour, black or white, whichever reads better. */
static void draw_caption(const Brush *b, gint x, gint y, guint color, const gchar *text)
{
  guint32 rgb = palette[color % N_COLORS];
  guint luma = (299 * ((rgb >> 16) & 255) + 587 * ((rgb >> 8) & 255) + 114 * (rgb & 255)) / 1000;
  gint width = b->font->width * (gint)strlen(text) + 2;

  x = CLAMP(x, 0, MAX(b->canvas.width - width, 0));
  y = CLAMP(y, 0, MAX(b->canvas.height - b->font->height, 0));
  gst_qnn_canvas_fill(&b->canvas, x, y, width, b->font->height, b->colors[color % N_COLORS]);
  gst_qnn_canvas_text(&b->canvas, b->font, x + 1, y, text, luma > 128 ? b->black : b->white);
}

static void format_caption(const Brush *b, gchar *text, gsize size, const gchar *label, gdouble score)
{
  if (b->scores && score >= 0)
    g_snprintf(text, size, "%s %.2f", label, score);
  else
    g_strlcpy(text, label, size);
}

static void draw_region(const Brush *b, GstVideoRegionOfInterestMeta *roi)
{
  GstStructure *s = gst_video_region_of_interest_meta_get_param(roi, "detection");
  const gchar *label = g_quark_to_string(roi->roi_type);
  gdouble score = -1;
  gint class_id = (gint)(roi->roi_type & 0x7fff);
  gchar text[96];

  if (s) {
    gst_structure_get_double(s, "confidence", &score);
    gst_structure_get_int(s, "label_id", &class_id);
  }
  gst_qnn_canvas_box(&b->canvas, (gint)roi->x, (gint)roi->y, (gint)roi->w, (gint)roi->h, b->line,
                     b->colors[(guint)class_id % N_COLORS]);
  if (!b->labels || !label)
    return;
  format_caption(b, text, sizeof text, label, score);
  draw_caption(b, (gint)roi->x, (gint)roi->y - b->font->height, (guint)class_id, text);
}

static void draw_classes(const Brush *b, const QfResults *r)
{
  gchar text[96], name[32];

  for (guint i = 0; i < r->n_classes; i++) {
    const gchar *label = r->classes[i].label;
    if (!label) {
      g_snprintf(name, sizeof name, "class %d", r->classes[i].class_id);
      label = name;
    }
    format_caption(b, text, sizeof text, label, r->classes[i].score);
    draw_caption(b, b->line, b->line + (gint)i * b->font->height, (guint)r->classes[i].class_id, text);
  }
}

static void draw_keypoints(const Brush *b, const QfDetection *d, gfloat least)
{
  for (guint i = 0; i < d->n_keypoints && i < QF_MAX_KEYPOINTS; i++)
    if (d->keypoints[i].score >= least)
      gst_qnn_canvas_disc(&b->canvas, (gint)d->keypoints[i].x, (gint)d->keypoints[i].y, b->line + 1,
                          b->colors[(guint)(d->class_id + 1) % N_COLORS]);
}

static void draw_results(const Brush *b, const QfResults *r)
{
  if (r->mask.classes && b->mask_alpha)
    gst_qnn_canvas_mask(&b->canvas, &r->mask, b->colors, N_COLORS, b->mask_alpha);
  for (guint i = 0; i < r->n_detections; i++)
    draw_keypoints(b, &r->detections[i], 0.2f);
  draw_classes(b, r);
}

static gboolean anything_to_draw(GstBuffer *buffer)
{
  gpointer state = NULL;
  GstQnnResultMeta *m;

  if (gst_buffer_get_video_region_of_interest_meta(buffer))
    return TRUE;
  while ((m = gst_qnn_buffer_next_result_meta(buffer, &state))) {
    const QfResults *r = &m->results->results;
    if (r->n_detections || r->n_classes || r->mask.classes)
      return TRUE;
  }
  return FALSE;
}

static GstFlowReturn gst_qnn_overlay_transform_ip(GstBaseTransform *trans, GstBuffer *buffer)
{
  GstQnnOverlay *self = GST_QNN_OVERLAY(trans);
  GstVideoRegionOfInterestMeta *roi;
  GstQnnResultMeta *m;
  GstVideoFrame frame;
  gpointer state = NULL;
  Brush brush;

  if (!anything_to_draw(buffer))
    return GST_FLOW_OK;
  if (!gst_video_frame_map(&frame, &self->info, buffer,
                           GST_MAP_READWRITE | GST_VIDEO_FRAME_MAP_FLAG_NO_REF)) {
    GST_ELEMENT_ERROR(self, STREAM, FAILED,
                      ("Cannot write to a video frame of %" G_GSIZE_FORMAT
                       " bytes; its caps need %" G_GSIZE_FORMAT ".",
                       gst_buffer_get_size(buffer), GST_VIDEO_INFO_SIZE(&self->info)),
                      (NULL));
    return GST_FLOW_ERROR;
  }
  brush_init(self, &brush, &frame);
  while ((m = gst_qnn_buffer_next_result_meta(buffer, &state)))
    draw_results(&brush, &m->results->results);
  state = NULL;
  while ((roi = (GstVideoRegionOfInterestMeta *)
              gst_buffer_iterate_meta_filtered(buffer, &state, GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE)))
    draw_region(&brush, roi);
  gst_video_frame_unmap(&frame);
  return GST_FLOW_OK;
}

static gboolean gst_qnn_overlay_set_caps(GstBaseTransform *trans, GstCaps *in, GstCaps *out)
{
  GstQnnOverlay *self = GST_QNN_OVERLAY(trans);

  if (!gst_video_info_from_caps(&self->info, in))
    return FALSE;
  g_clear_pointer(&self->font, gst_qnn_font_free);
  self->font = gst_qnn_font_new(self->text_size ? (gint)self->text_size : MAX(12, self->info.height / 45));
  return TRUE;
}

/* Frames stay what they are here: whoever shows them says where they should lie. */
static gboolean gst_qnn_overlay_propose_allocation(GstBaseTransform *trans, GstQuery *decide, GstQuery *query)
{
  return gst_pad_peer_query(trans->srcpad, query);
}

static gboolean gst_qnn_overlay_stop(GstBaseTransform *trans)
{
  g_clear_pointer(&GST_QNN_OVERLAY(trans)->font, gst_qnn_font_free);
  return TRUE;
}

static void gst_qnn_overlay_class_init(GstQnnOverlayClass *klass)
{
  GstBaseTransformClass *base = GST_BASE_TRANSFORM_CLASS(klass);
  GstElementClass *element = GST_ELEMENT_CLASS(klass);

  GST_DEBUG_CATEGORY_INIT(gst_qnn_overlay_debug, "qnnoverlay", 0, "draws results");
  gst_qnn_props_install(G_OBJECT_CLASS(klass), props, G_N_ELEMENTS(props), 0);
  gst_element_class_set_static_metadata(element, "Results overlay", "Filter/Editor/Video",
                                        "Draws boxes, labels, masks and key points into video", "qnnflow");
  gst_element_class_add_static_pad_template(element, &sink_template);
  gst_element_class_add_static_pad_template(element, &src_template);
  base->set_caps = gst_qnn_overlay_set_caps;
  base->transform_ip = gst_qnn_overlay_transform_ip;
  base->propose_allocation = gst_qnn_overlay_propose_allocation;
  base->stop = gst_qnn_overlay_stop;
  base->passthrough_on_same_caps = FALSE;
}

static void gst_qnn_overlay_init(GstQnnOverlay *self)
{
  gst_base_transform_set_in_place(GST_BASE_TRANSFORM(self), TRUE);
  gst_qnn_props_init(self, props, G_N_ELEMENTS(props));
}
