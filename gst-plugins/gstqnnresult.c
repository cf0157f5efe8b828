/* SPDX-License-Identifier: MIT */
/*
 * gstqnnresult.c - what becomes of results in qnndecode: metas on the frame, lines in a file, messages on the bus.
 */
#include "gstqnndecode.h"
#include "gstqnnelements.h"
#include <errno.h>
#include <gst/video/video.h>
#include <math.h>

static GQuark detection_type(const QfDetection *d)
{
  static GQuark none;
  gchar name[32];

  if (d->label && *d->label)
    return g_quark_from_string(d->label);
  if (d->class_id >= 0 && d->class_id < 100000) {
    g_snprintf(name, sizeof name, "class %d", d->class_id);
    return g_quark_from_string(name);
  }
  if (!none)
    none = g_quark_from_static_string("object");
  return none;
}

static void attach_detection(GstQnnDecode *self, GstBuffer *frame, const GstVideoInfo *info,
                             const QfDetection *d)
{
  guint x = (guint)MAX(lroundf(d->x), 0), y = (guint)MAX(lroundf(d->y), 0);
  guint right = (guint)MAX(lroundf(d->x + d->width), 0), bottom = (guint)MAX(lroundf(d->y + d->height), 0);
  gdouble width = MAX(GST_VIDEO_INFO_WIDTH(info), 1), height = MAX(GST_VIDEO_INFO_HEIGHT(info), 1);
  GstVideoRegionOfInterestMeta *roi =
      gst_buffer_add_video_region_of_interest_meta_id(frame, detection_type(d), x, y,
                                                      right > x ? right - x : 0, bottom > y ? bottom - y : 0);

  roi->id = (gint)self->next_id++;
  gst_video_region_of_interest_meta_add_param(
      roi, gst_structure_new("detection", "confidence", G_TYPE_DOUBLE, (gdouble)d->score, "label_id",
                             G_TYPE_INT, d->class_id, "x_min", G_TYPE_DOUBLE, d->x / width, "x_max",
                             G_TYPE_DOUBLE, (d->x + d->width) / width, "y_min", G_TYPE_DOUBLE, d->y / height,
                             "y_max", G_TYPE_DOUBLE, (d->y + d->height) / height, NULL));
}

void gst_qnn_decode_attach(GstQnnDecode *self, GstBuffer *frame, const GstVideoInfo *info,
                           GstQnnResults *results)
{
  for (guint i = 0; i < results->results.n_detections; i++)
    attach_detection(self, frame, info, &results->results.detections[i]);
  gst_qnn_buffer_add_result_meta(frame, results);
}

/* One detection or class as a structure of the message. */
static void append_structure(GValue *array, GstStructure *s)
{
  GValue v = G_VALUE_INIT;

  g_value_init(&v, GST_TYPE_STRUCTURE);
  g_value_take_boxed(&v, s);
  gst_value_array_append_and_take_value(array, &v);
}

static void post(GstQnnDecode *self, GstQnnResults *results, GstClockTime pts, const gchar *json)
{
  const QfResults *r = &results->results;
  GstStructure *s = gst_structure_new(GST_QNN_RESULTS_MESSAGE, "frame", G_TYPE_UINT64, results->number, "pts",
                                      G_TYPE_UINT64, pts, "json", G_TYPE_STRING, json, NULL);
  GValue detections = G_VALUE_INIT, classes = G_VALUE_INIT;

  g_value_init(&detections, GST_TYPE_ARRAY);
  g_value_init(&classes, GST_TYPE_ARRAY);
  for (guint i = 0; i < r->n_detections; i++) {
    const QfDetection *d = &r->detections[i];
    append_structure(&detections,
                     gst_structure_new("detection", "label", G_TYPE_STRING, d->label, "class-id", G_TYPE_INT,
                                       d->class_id, "score", G_TYPE_DOUBLE, (gdouble)d->score, "x",
                                       G_TYPE_DOUBLE, (gdouble)d->x, "y", G_TYPE_DOUBLE, (gdouble)d->y,
                                       "width", G_TYPE_DOUBLE, (gdouble)d->width, "height", G_TYPE_DOUBLE,
                                       (gdouble)d->height, NULL));
  }
  for (guint i = 0; i < r->n_classes; i++)
    append_structure(&classes, gst_structure_new("class", "label", G_TYPE_STRING, r->classes[i].label,
                                                 "class-id", G_TYPE_INT, r->classes[i].class_id, "score",
                                                 G_TYPE_DOUBLE, (gdouble)r->classes[i].score, NULL));
  gst_structure_take_value(s, "detections", &detections);
  gst_structure_take_value(s, "classes", &classes);
  gst_element_post_message(GST_ELEMENT(self), gst_message_new_element(GST_OBJECT(self), s));
}

/* A label file that is too short belongs to another model: told once, as the numbers still are right. */
static void warn_without_label(GstQnnDecode *self, const QfResults *r)
{
  gint id = -1;

  for (guint i = 0; i < r->n_detections && id < 0; i++)
    id = r->detections[i].label && *r->detections[i].label ? -1 : r->detections[i].class_id;
  for (guint i = 0; i < r->n_classes && id < 0; i++)
    id = r->classes[i].label && *r->classes[i].label ? -1 : r->classes[i].class_id;
  if (id < 0)
    return;
  self->labels_doubted = TRUE;
  GST_ELEMENT_WARNING(self, RESOURCE, SETTINGS,
                      ("The file of labels has none for class %d. Set the property labels to the file that "
                       "belongs to the model.",
                       id),
                      (NULL));
}

/* Each line is flushed: somebody may be reading along, and a full disk is told at once. */
static gboolean write_line(GstQnnDecode *self, const gchar *json)
{
  if (fprintf(self->json_file, "%s\n", json) >= 0 && fflush(self->json_file) == 0)
    return TRUE;
  GST_ELEMENT_ERROR(self, RESOURCE, WRITE,
                    ("Cannot write results: %s. Set the property json to a file that has room.",
                     g_strerror(errno)),
                    (NULL));
  g_clear_pointer(&self->json_file, fclose);
  return FALSE;
}

gboolean gst_qnn_decode_publish(GstQnnDecode *self, GstQnnResults *results, GstClockTime pts,
                                const gchar *json)
{
  gboolean message;

  if (self->has_labels && !self->labels_doubted)
    warn_without_label(self, &results->results);
  if (self->json_file && !write_line(self, json))
    return FALSE;
  GST_OBJECT_LOCK(self);
  message = self->message;
  GST_OBJECT_UNLOCK(self);
  if (message && json)
    post(self, results, pts, json);
  return TRUE;
}
