/* SPDX-License-Identifier: MIT */
/*
 * camera-app.c - an application that embeds a pipeline file and reads the detections from the frames.
 * usage: camera-app FILE.gstp [NAME=VALUE...]      e.g. camera-app detection.gstp "source=v4l2src"
 */
#include <gst/video/video.h>
#include <qnnflow/pipeline.h>
#include <string.h>

/* Sees every frame behind the decoder; runs in the streaming thread. */
static GstPadProbeReturn on_frame(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  GstBuffer *frame = GST_PAD_PROBE_INFO_BUFFER(info);
  gpointer at = NULL;
  GstMeta *meta;
  while ((meta = gst_buffer_iterate_meta_filtered(frame, &at, GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE))) {
    GstVideoRegionOfInterestMeta *roi = (GstVideoRegionOfInterestMeta *)meta;
    double confidence = 0;
    gst_structure_get_double(gst_video_region_of_interest_meta_get_param(roi, "detection"), "confidence",
                             &confidence);
    g_print("%.2f s: %s (%.2f) at %u,%u, %u x %u\n", GST_BUFFER_PTS(frame) / 1e9,
            g_quark_to_string(roi->roi_type), confidence, roi->x, roi->y, roi->w, roi->h);
  }
  return GST_PAD_PROBE_OK;
}

int main(int argc, char **argv)
{
  g_autoptr(GError) error = NULL;
  gst_init(&argc, &argv);
  g_autoptr(QfPipeline) file = argc > 1 ? qf_pipeline_load(argv[1], &error) : NULL;
  for (int i = 2; file && i < argc && !error; i++) {
    g_auto(GStrv) pair = g_strsplit(argv[i], "=", 2);
    qf_pipeline_set(file, pair[0], pair[1] ? pair[1] : "", &error);
  }
  g_autofree char *launch = file && !error ? qf_pipeline_launch_string(file, &error) : NULL;
  GstElement *pipeline =
      launch ? gst_parse_launch_full(launch, NULL, GST_PARSE_FLAG_FATAL_ERRORS, &error) : NULL;
  if (!pipeline) {
    g_printerr("%s\n", error ? error->message : "usage: camera-app FILE.gstp [NAME=VALUE...]");
    return 1;
  }
  g_autoptr(GstElement) decode = gst_bin_get_by_name(GST_BIN(pipeline), "decode");
  g_autoptr(GstPad) pad = gst_element_get_static_pad(decode, "src");
  gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER, on_frame, NULL, NULL);
  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  g_autoptr(GstBus) bus = gst_element_get_bus(pipeline);
  g_autoptr(GstMessage) last = gst_bus_timed_pop_filtered(bus, -1, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  gboolean failed = GST_MESSAGE_TYPE(last) == GST_MESSAGE_ERROR;
  if (failed)
    gst_message_parse_error(last, &error, NULL);
  gst_element_set_state(pipeline, GST_STATE_NULL);
  gst_object_unref(pipeline);
  if (failed)
    g_printerr("%s\n", error->message);
  return failed;
}
