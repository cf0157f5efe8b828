/* SPDX-License-Identifier: MIT */
/*
 * test_scenesrc.c - qnnscenesrc gives the renderer's bytes, in any stride, with times, truth and a camera's pace.
 */
#include <gst/gst.h>
#include <gst/video/video.h>
#include <glib/gstdio.h>
#include <string.h>

#include "scene.h"

#define W 320
#define H 180

typedef struct {
  guint64 frames;
  guint padding; /* bytes that are added to each row, by the pool that the sink offers */
  QfScene *scene;
} Watch;

/* Compares one buffer with what the renderer gives. */
static void on_frame(GstElement *sink, GstBuffer *buffer, GstPad *pad, gpointer data)
{
  static uint8_t luma[W * H], chroma[W * H / 2];
  Watch *watch = data;
  g_autoptr(GstCaps) caps = gst_pad_get_current_caps(pad);
  GstVideoInfo info;
  GstVideoFrame frame;
  g_assert_true(gst_video_info_from_caps(&info, caps));
  g_assert_cmpint(info.colorimetry.matrix, ==, GST_VIDEO_COLOR_MATRIX_BT709);
  g_assert_cmpint(info.colorimetry.range, ==, GST_VIDEO_COLOR_RANGE_16_235);
  g_assert_true(gst_video_frame_map(&frame, &info, buffer, GST_MAP_READ));
  if (watch->padding)
    g_assert_cmpint(GST_VIDEO_FRAME_PLANE_STRIDE(&frame, 0), >, W);
  qf_scene_render(watch->scene, watch->frames, luma, W, chroma, W);
  for (int y = 0; y < H; y++)
    g_assert_cmpmem(luma + y * W, W,
                    (uint8_t *)GST_VIDEO_FRAME_PLANE_DATA(&frame, 0) +
                        y * GST_VIDEO_FRAME_PLANE_STRIDE(&frame, 0),
                    W);
  for (int y = 0; y < H / 2; y++)
    g_assert_cmpmem(chroma + y * W, W,
                    (uint8_t *)GST_VIDEO_FRAME_PLANE_DATA(&frame, 1) +
                        y * GST_VIDEO_FRAME_PLANE_STRIDE(&frame, 1),
                    W);
  gst_video_frame_unmap(&frame);
  g_assert_cmpuint(GST_BUFFER_OFFSET(buffer), ==, watch->frames);
  g_assert_cmpuint(GST_BUFFER_PTS(buffer), ==, gst_util_uint64_scale(watch->frames, GST_SECOND, 50));
  g_assert_cmpuint(GST_BUFFER_DURATION(buffer), ==, 20 * GST_MSECOND);
  watch->frames++;
}

/* Offers a pool whose rows are wider than the frame. */
static GstPadProbeReturn on_query(GstPad *pad, GstPadProbeInfo *probe, gpointer data)
{
  GstQuery *query = GST_PAD_PROBE_INFO_QUERY(probe);
  Watch *watch = data;
  GstVideoAlignment align;
  GstVideoInfo info;
  GstCaps *caps;
  if (GST_QUERY_TYPE(query) != GST_QUERY_ALLOCATION || !watch->padding)
    return GST_PAD_PROBE_OK;
  gst_query_parse_allocation(query, &caps, NULL);
  g_assert_true(gst_video_info_from_caps(&info, caps));
  gst_video_alignment_reset(&align);
  align.padding_right = watch->padding;
  GstBufferPool *pool = gst_video_buffer_pool_new();
  GstStructure *config = gst_buffer_pool_get_config(pool);
  gst_buffer_pool_config_set_params(config, caps, (guint)info.size, 2, 0);
  gst_buffer_pool_config_add_option(config, GST_BUFFER_POOL_OPTION_VIDEO_META);
  gst_buffer_pool_config_add_option(config, GST_BUFFER_POOL_OPTION_VIDEO_ALIGNMENT);
  gst_buffer_pool_config_set_video_alignment(config, &align);
  g_assert_true(gst_buffer_pool_set_config(pool, config));
  gst_query_add_allocation_pool(query, pool, (guint)info.size, 2, 0);
  gst_query_add_allocation_meta(query, GST_VIDEO_META_API_TYPE, NULL);
  gst_object_unref(pool);
  return GST_PAD_PROBE_HANDLED;
}

/* Plays until the end. Returns whether an error came instead, with its text in @error. */
static gboolean play(GstElement *pipeline, GError **error)
{
  g_autoptr(GstBus) bus = gst_element_get_bus(pipeline);
  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  g_autoptr(GstMessage) message =
      gst_bus_timed_pop_filtered(bus, 30 * GST_SECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  g_assert_nonnull(message);
  gboolean failed = GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR;
  if (failed)
    gst_message_parse_error(message, error, NULL);
  gst_element_set_state(pipeline, GST_STATE_NULL);
  return failed;
}

static GstElement *make_pipeline(const char *source, const char *sink)
{
  g_autofree char *line = g_strdup_printf("qnnscenesrc %s ! video/x-raw,width=%d,height=%d,framerate=50/1 ! "
                                          "fakesink name=sink signal-handoffs=true %s",
                                          source, W, H, sink);
  g_autoptr(GError) error = NULL;
  GstElement *pipeline = gst_parse_launch(line, &error);
  g_assert_no_error(error);
  return gst_object_ref_sink(pipeline);
}

static void run_and_compare(const char *source, guint padding)
{
  g_autoptr(GstElement) pipeline = make_pipeline(source, "");
  g_autoptr(GstElement) sink = gst_bin_get_by_name(GST_BIN(pipeline), "sink");
  g_autoptr(GstPad) pad = gst_element_get_static_pad(sink, "sink");
  Watch watch = {.padding = padding, .scene = qf_scene_new(77, W, H, 6)};
  g_signal_connect(sink, "handoff", G_CALLBACK(on_frame), &watch);
  gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_QUERY_DOWNSTREAM | GST_PAD_PROBE_TYPE_PUSH, on_query, &watch,
                    NULL);
  g_assert_false(play(pipeline, NULL));
  g_assert_cmpuint(watch.frames, ==, 20);
  watch.frames = 0; /* once more: it starts from the first frame again */
  g_assert_false(play(pipeline, NULL));
  g_assert_cmpuint(watch.frames, ==, 20);
  qf_scene_free(watch.scene);
}

static void test_bytes(void)
{
  run_and_compare("seed=77 shot-length=6 num-buffers=20", 0);
}

static void test_padded_rows(void)
{
  run_and_compare("seed=77 shot-length=6 num-buffers=20", 48);
}

static void test_live(void)
{
  g_autoptr(GstElement) pipeline = make_pipeline("is-live=true num-buffers=16", "sync=false");
  gint64 begin = g_get_monotonic_time();
  g_assert_false(play(pipeline, NULL));
  g_assert_cmpint(g_get_monotonic_time() - begin, >=, 15 * 20 * 1000);
}

static void test_truth(void)
{
  g_autofree char *folder = g_dir_make_tmp("qf-scene-XXXXXX", NULL);
  g_autofree char *path = g_build_filename(folder, "truth.jsonl", NULL);
  g_autofree char *source = g_strdup_printf("seed=77 shot-length=6 num-buffers=20 truth=%s", path);
  g_autofree char *text = NULL;
  g_autoptr(GstElement) pipeline = make_pipeline(source, "");
  QfScene *scene = qf_scene_new(77, W, H, 6);
  g_autofree uint8_t *frame = g_malloc(W * H * 3 / 2);
  g_assert_false(play(pipeline, NULL));
  g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
  g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
  g_assert_cmpuint(g_strv_length(lines), >=, 21);
  for (guint n = 0; n < 20; n++) {
    char line[QF_SCENE_TRUTH_BYTES];
    qf_scene_render(scene, n, frame, W, frame + W * H, W);
    qf_scene_truth(scene, line, sizeof line);
    g_assert_cmpstr(lines[n], ==, line);
  }
  qf_scene_free(scene);
  g_unlink(path);
  g_rmdir(folder);
}

static void test_truth_that_cannot_be_written(void)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GstElement) pipeline = make_pipeline("truth=/nowhere/at/all num-buffers=2", "");
  g_assert_true(play(pipeline, &error));
  g_assert_error(error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_OPEN_WRITE);
  g_assert_nonnull(strstr(error->message, "/nowhere/at/all"));
}

int main(int argc, char **argv)
{
  gst_init(&argc, &argv);
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/scenesrc/bytes", test_bytes);
  g_test_add_func("/scenesrc/padded-rows", test_padded_rows);
  g_test_add_func("/scenesrc/live", test_live);
  g_test_add_func("/scenesrc/truth", test_truth);
  g_test_add_func("/scenesrc/truth-that-cannot-be-written", test_truth_that_cannot_be_written);
  return g_test_run();
}
