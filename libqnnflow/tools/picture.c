/* SPDX-License-Identifier: MIT */
/*
 * picture.c - image files through one small GStreamer pipeline that ends in an appsink.
 * The GdkPixbuf decoder reads every format at full chroma resolution, as image libraries of training code do.
 */
#include "picture.h"

#include <gst/app/gstappsink.h>
#include <gst/video/video.h>
#include <string.h>

#define STEP_NS (100 * GST_MSECOND)
#define STEPS 200 /* 20 s in all */

gboolean qf_picture_is_one(const uint8_t *bytes, size_t length)
{
  static const char *const magics[] = {"\x89PNG\r\n", "\xff\xd8\xff", "BM", "GIF8"};
  for (guint i = 0; i < G_N_ELEMENTS(magics); i++)
    if (length > 16 && !memcmp(bytes, magics[i], strlen(magics[i])))
      return TRUE;
  return FALSE;
}

static gboolean copy_sample(GstSample *sample, QfPicture *picture)
{
  GstVideoInfo info;
  GstVideoFrame frame;
  if (!gst_video_info_from_caps(&info, gst_sample_get_caps(sample)) ||
      !gst_video_frame_map(&frame, &info, gst_sample_get_buffer(sample), GST_MAP_READ))
    return FALSE;
  picture->width = info.width;
  picture->height = info.height;
  picture->stride_bytes = info.width * 3;
  picture->rgb = g_malloc((gsize)picture->stride_bytes * info.height);
  const uint8_t *from = GST_VIDEO_FRAME_PLANE_DATA(&frame, 0);
  for (int y = 0; y < info.height; y++)
    memcpy(picture->rgb + (gsize)y * picture->stride_bytes,
           from + (gsize)y * GST_VIDEO_FRAME_PLANE_STRIDE(&frame, 0), picture->stride_bytes);
  gst_video_frame_unmap(&frame);
  return TRUE;
}

/* The first picture. NULL with @why when there is none: a decoder that fails posts an error but ends no stream. */
static GstSample *pull(GstElement *pipeline, GstAppSink *sink, char **why)
{
  g_autoptr(GstBus) bus = gst_element_get_bus(pipeline);
  for (int i = 0; i < STEPS; i++) {
    GstSample *sample = gst_app_sink_try_pull_sample(sink, STEP_NS);
    g_autoptr(GstMessage) message = sample ? NULL : gst_bus_pop_filtered(bus, GST_MESSAGE_ERROR);
    if (sample)
      return sample;
    if (message) {
      g_autoptr(GError) cause = NULL;
      gst_message_parse_error(message, &cause, NULL);
      *why = g_strdup(cause->message);
      return NULL;
    }
  }
  *why = g_strdup("nothing came out in time");
  return NULL;
}

gboolean qf_picture_read(const char *path, QfPicture *picture, GError **error)
{
  g_autoptr(GError) cause = NULL;
  g_autofree char *why = NULL;
  qf_picture_clear(picture);
  gst_init(NULL, NULL);
  g_autoptr(GstElement) pipeline =
      gst_parse_launch("filesrc name=src ! gdkpixbufdec ! videoconvert ! video/x-raw,format=RGB ! "
                       "appsink name=sink sync=false max-buffers=1",
                       &cause);
  if (cause) {
    g_set_error(error, QF_ERROR, QF_ERROR_FILE,
                "%s: no image decoder (%s); install gstreamer1.0-plugins-good", path, cause->message);
    return FALSE;
  }
  g_autoptr(GstElement) src = gst_bin_get_by_name(GST_BIN(pipeline), "src");
  g_autoptr(GstElement) sink = gst_bin_get_by_name(GST_BIN(pipeline), "sink");
  g_object_set(src, "location", path, NULL);
  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  g_autoptr(GstSample) sample = pull(pipeline, GST_APP_SINK(sink), &why);
  gboolean ok = sample && copy_sample(sample, picture);
  gst_element_set_state(pipeline, GST_STATE_NULL);
  if (!ok)
    g_set_error(error, QF_ERROR, QF_ERROR_FORMAT, "%s: not a picture that can be decoded (%s)", path, why);
  return ok;
}

void qf_picture_clear(QfPicture *picture)
{
  g_free(picture->rgb);
  *picture = (QfPicture){0};
}
