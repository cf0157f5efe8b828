/* SPDX-License-Identifier: MIT */
/*
 * gstqnnframe.c - the caps of the original frame inside the caps of the tensors made from it.
 *
 * Every field F of the frame's structure becomes frame-F of the tensor's, lists and ranges included, so the plain caps
 * intersection of the core negotiates through the whole line. Declared in gstqnntensor.h.
 */
#include "gstqnntensor.h"

#define PREFIX "frame-"
#define FEATURES "frame-features"

static gboolean add_prefixed(GQuark id, const GValue *value, gpointer to)
{
  g_autofree gchar *name = g_strconcat(PREFIX, g_quark_to_string(id), NULL);

  gst_structure_set_value(to, name, value);
  return TRUE;
}

GstCaps *gst_qnn_caps_carry_frame(const GstCaps *frame_caps)
{
  GstCaps *out = gst_caps_new_empty();

  for (guint i = 0; i < gst_caps_get_size(frame_caps); i++) {
    const GstStructure *s = gst_caps_get_structure(frame_caps, i);
    const GstCapsFeatures *features = gst_caps_get_features(frame_caps, i);
    GstStructure *o = gst_structure_new(GST_QNN_TENSORS_MEDIA, GST_QNN_FRAME_MEDIA_FIELD, G_TYPE_STRING,
                                        gst_structure_get_name(s), NULL);
    if (features && !gst_caps_features_is_any(features)) {
      g_autofree gchar *text = gst_caps_features_to_string(features);
      gst_structure_set(o, FEATURES, G_TYPE_STRING, text, NULL);
    }
    gst_structure_foreach(s, add_prefixed, o);
    out = gst_caps_merge_structure(out, o);
  }
  return out;
}

static gboolean strip_prefix(GQuark id, const GValue *value, gpointer to)
{
  const gchar *name = g_quark_to_string(id);

  if (g_str_has_prefix(name, PREFIX) && !g_str_equal(name, GST_QNN_FRAME_MEDIA_FIELD) &&
      !g_str_equal(name, FEATURES))
    gst_structure_set_value(to, name + sizeof PREFIX - 1, value);
  return TRUE;
}

GstCaps *gst_qnn_structure_frame_caps(const GstStructure *s)
{
  const gchar *media = gst_structure_get_string(s, GST_QNN_FRAME_MEDIA_FIELD);
  const gchar *features = gst_structure_get_string(s, FEATURES);
  GstStructure *o;
  GstCaps *caps;

  if (!media)
    return NULL;
  o = gst_structure_new_empty(media);
  gst_structure_foreach(s, strip_prefix, o);
  caps = gst_caps_new_full(o, NULL);
  gst_caps_set_features(caps, 0,
                        features ? gst_caps_features_from_string(features) : gst_caps_features_new_any());
  return caps;
}

static gboolean copy_prefixed(GQuark id, const GValue *value, gpointer to)
{
  if (g_str_has_prefix(g_quark_to_string(id), PREFIX))
    gst_structure_id_set_value(to, id, value);
  return TRUE;
}

void gst_qnn_structure_copy_frame(const GstStructure *from, GstStructure *to)
{
  gst_structure_foreach(from, copy_prefixed, to);
}

gboolean gst_qnn_caps_are_tensors(const GstCaps *caps)
{
  return caps && gst_caps_get_size(caps) > 0 &&
         gst_structure_has_name(gst_caps_get_structure(caps, 0), GST_QNN_TENSORS_MEDIA);
}

GstCaps *gst_qnn_caps_filter(GstCaps *caps, GstCaps *filter)
{
  GstCaps *out;

  if (!filter)
    return caps;
  out = gst_caps_intersect_full(filter, caps, GST_CAPS_INTERSECT_FIRST);
  gst_caps_unref(caps);
  return out;
}

gboolean gst_qnn_explain_empty_caps(GstBaseTransform *trans, GstQuery *query, const gchar *message)
{
  GstCaps *answer, *filter;
  g_autoptr(GstCaps) below = NULL;
  g_autofree gchar *offered = NULL, *wanted = NULL;

  if (GST_STATE_TARGET(trans) < GST_STATE_PAUSED)
    return FALSE;
  gst_query_parse_caps_result(query, &answer);
  gst_query_parse_caps(query, &filter);
  if (!answer || !gst_caps_is_empty(answer) || !filter || gst_caps_is_empty(filter))
    return FALSE;
  below = gst_pad_peer_query_caps(trans->srcpad, NULL);
  offered = gst_caps_to_string(filter);
  wanted = gst_caps_to_string(below);
  GST_ELEMENT_WARNING(trans, STREAM, FORMAT, ("%s", message),
                      ("offered from upstream: %s; accepted downstream: %s", offered, wanted));
  return TRUE;
}
