/* SPDX-License-Identifier: MIT */
/**
 * SECTION:element-qnnscenesrc
 *
 * Gives seeded video of moving shapes over changing backgrounds, and the truth about it: a stream to show, test and
 * measure detectors with. Frame n has the same bytes for the same seed, size and shot length everywhere.
 *
 * |[
 * gst-launch-1.0 qnnscenesrc is-live=true ! qnnconvert ! qnninfer model=detector.onnx ! qnndecode ! fakesink
 * gst-launch-1.0 qnnscenesrc seed=7 num-buffers=100 truth=truth.jsonl ! fakesink
 * ]|
 */
#include "gstqnnscenesrc.h"
#include "scene.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <gst/video/video.h>

GST_DEBUG_CATEGORY_STATIC(scene_debug);
#define GST_CAT_DEFAULT scene_debug

struct _GstQnnSceneSrc {
  GstPushSrc parent;
  /* properties */
  guint64 seed;
  guint shot_length;
  gchar *truth;
  /* while running; streaming thread */
  QfScene *scene;
  GstVideoInfo info;
  FILE *truth_file;
  guint64 frame;       /* next to render */
  guint64 since_caps;  /* frames since the frame rate was set */
  GstClockTime origin; /* running time at which it was */
};

enum { PROP_0, PROP_SEED, PROP_SHOT_LENGTH, PROP_TRUTH, PROP_IS_LIVE };

G_DEFINE_TYPE(GstQnnSceneSrc, gst_qnn_scene_src, GST_TYPE_PUSH_SRC)
GST_ELEMENT_REGISTER_DEFINE_WITH_CODE(qnnscenesrc, "qnnscenesrc", GST_RANK_NONE, GST_TYPE_QNN_SCENE_SRC,
                                      GST_DEBUG_CATEGORY_INIT(scene_debug, "qnnscenesrc", 0,
                                                              "generated scenes"))

static GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS,
                            GST_STATIC_CAPS("video/x-raw, format=(string)NV12, width=(int)[64,8192], "
                                            "height=(int)[64,8192], framerate=(fraction)[1/1,1000/1]"));

static void gst_qnn_scene_src_set_property(GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstQnnSceneSrc *self = GST_QNN_SCENE_SRC(object);
  GST_OBJECT_LOCK(self);
  if (id == PROP_SEED)
    self->seed = g_value_get_uint64(value);
  else if (id == PROP_SHOT_LENGTH)
    self->shot_length = g_value_get_uint(value);
  else if (id == PROP_TRUTH) {
    g_free(self->truth);
    self->truth = g_value_dup_string(value);
  }
  GST_OBJECT_UNLOCK(self);
  if (id == PROP_IS_LIVE)
    gst_base_src_set_live(GST_BASE_SRC(self), g_value_get_boolean(value));
  else if (id < PROP_SEED || id > PROP_IS_LIVE)
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
}

static void gst_qnn_scene_src_get_property(GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstQnnSceneSrc *self = GST_QNN_SCENE_SRC(object);
  gboolean live = gst_base_src_is_live(GST_BASE_SRC(self));
  GST_OBJECT_LOCK(self);
  if (id == PROP_SEED)
    g_value_set_uint64(value, self->seed);
  else if (id == PROP_SHOT_LENGTH)
    g_value_set_uint(value, self->shot_length);
  else if (id == PROP_TRUTH)
    g_value_set_string(value, self->truth);
  else if (id == PROP_IS_LIVE)
    g_value_set_boolean(value, live);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
  GST_OBJECT_UNLOCK(self);
}

static void gst_qnn_scene_src_finalize(GObject *object)
{
  g_free(GST_QNN_SCENE_SRC(object)->truth);
  G_OBJECT_CLASS(gst_qnn_scene_src_parent_class)->finalize(object);
}

static gboolean gst_qnn_scene_src_start(GstBaseSrc *src)
{
  GstQnnSceneSrc *self = GST_QNN_SCENE_SRC(src);
  self->frame = self->since_caps = 0;
  self->origin = 0;
  if (!self->truth)
    return TRUE;
  self->truth_file = fopen(self->truth, "we");
  if (!self->truth_file) {
    GST_ELEMENT_ERROR(self, RESOURCE, OPEN_WRITE,
                      ("Cannot write the truth to %s: %s", self->truth, g_strerror(errno)),
                      ("set the property truth to a path that can be written"));
    return FALSE;
  }
  return TRUE;
}

static gboolean gst_qnn_scene_src_stop(GstBaseSrc *src)
{
  GstQnnSceneSrc *self = GST_QNN_SCENE_SRC(src);
  g_clear_pointer(&self->scene, qf_scene_free);
  g_clear_pointer(&self->truth_file, fclose);
  return TRUE;
}

static GstCaps *gst_qnn_scene_src_fixate(GstBaseSrc *src, GstCaps *caps)
{
  caps = gst_caps_make_writable(gst_caps_truncate(caps));
  GstStructure *s = gst_caps_get_structure(caps, 0);
  gst_structure_fixate_field_nearest_int(s, "width", 1280);
  gst_structure_fixate_field_nearest_int(s, "height", 720);
  gst_structure_fixate_field_nearest_fraction(s, "framerate", 30, 1);
  /* What the renderer makes, whatever the size. */
  gst_structure_set(s, "colorimetry", G_TYPE_STRING, "bt709", "chroma-site", G_TYPE_STRING, "jpeg",
                    "pixel-aspect-ratio", GST_TYPE_FRACTION, 1, 1, "interlace-mode", G_TYPE_STRING,
                    "progressive", NULL);
  return GST_BASE_SRC_CLASS(gst_qnn_scene_src_parent_class)->fixate(src, caps);
}

static GstClockTime frame_time(const GstQnnSceneSrc *self, guint64 n)
{
  return self->origin + gst_util_uint64_scale(n, GST_VIDEO_INFO_FPS_D(&self->info) * GST_SECOND,
                                              GST_VIDEO_INFO_FPS_N(&self->info));
}

static gboolean gst_qnn_scene_src_set_caps(GstBaseSrc *src, GstCaps *caps)
{
  GstQnnSceneSrc *self = GST_QNN_SCENE_SRC(src);
  GstVideoInfo info;
  if (!gst_video_info_from_caps(&info, caps))
    return FALSE;
  if (self->since_caps)
    self->origin = frame_time(self, self->since_caps);
  self->since_caps = 0;
  GST_OBJECT_LOCK(self);
  self->info = info;
  GST_OBJECT_UNLOCK(self);
  qf_scene_free(self->scene);
  self->scene =
      qf_scene_new(self->seed, GST_VIDEO_INFO_WIDTH(&info), GST_VIDEO_INFO_HEIGHT(&info), self->shot_length);
  if (!self->scene)
    GST_ELEMENT_ERROR(self, RESOURCE, NO_SPACE_LEFT,
                      ("No memory for a scene of %dx%d", GST_VIDEO_INFO_WIDTH(&info),
                       GST_VIDEO_INFO_HEIGHT(&info)),
                      ("ask for smaller frames"));
  return self->scene != NULL;
}

static gboolean gst_qnn_scene_src_decide_allocation(GstBaseSrc *src, GstQuery *query)
{
  GstQnnSceneSrc *self = GST_QNN_SCENE_SRC(src);
  GstBufferPool *pool = NULL;
  GstCaps *caps = NULL;
  guint size = (guint)GST_VIDEO_INFO_SIZE(&self->info), min = 0, max = 0;
  gboolean offered = gst_query_get_n_allocation_pools(query) > 0;
  if (offered)
    gst_query_parse_nth_allocation_pool(query, 0, &pool, &size, &min, &max);
  size = MAX(size, (guint)GST_VIDEO_INFO_SIZE(&self->info));
  if (!pool)
    pool = gst_video_buffer_pool_new();
  gst_query_parse_allocation(query, &caps, NULL);
  GstStructure *config = gst_buffer_pool_get_config(pool);
  gst_buffer_pool_config_set_params(config, caps, size, min, max);
  if (gst_query_find_allocation_meta(query, GST_VIDEO_META_API_TYPE, NULL))
    gst_buffer_pool_config_add_option(config, GST_BUFFER_POOL_OPTION_VIDEO_META);
  gst_buffer_pool_set_config(pool, config);
  if (offered)
    gst_query_set_nth_allocation_pool(query, 0, pool, size, min, max);
  else
    gst_query_add_allocation_pool(query, pool, size, min, max);
  gst_object_unref(pool);
  return GST_BASE_SRC_CLASS(gst_qnn_scene_src_parent_class)->decide_allocation(src, query);
}

static gboolean write_truth(GstQnnSceneSrc *self)
{
  char line[QF_SCENE_TRUTH_BYTES];
  qf_scene_truth(self->scene, line, sizeof line);
  return fprintf(self->truth_file, "%s\n", line) > 0 && fflush(self->truth_file) == 0;
}

static GstFlowReturn gst_qnn_scene_src_fill(GstPushSrc *src, GstBuffer *buffer)
{
  GstQnnSceneSrc *self = GST_QNN_SCENE_SRC(src);
  GstVideoFrame frame;
  if (!self->scene)
    return GST_FLOW_NOT_NEGOTIATED;
  if (!gst_video_frame_map(&frame, &self->info, buffer, GST_MAP_WRITE)) {
    GST_ELEMENT_ERROR(
        self, RESOURCE, FAILED, ("Cannot write into a buffer of the pool"),
        ("the element downstream offers memory that cannot be mapped: put videoconvert in between"));
    return GST_FLOW_ERROR;
  }
  qf_scene_render(self->scene, self->frame, GST_VIDEO_FRAME_PLANE_DATA(&frame, 0),
                  GST_VIDEO_FRAME_PLANE_STRIDE(&frame, 0), GST_VIDEO_FRAME_PLANE_DATA(&frame, 1),
                  GST_VIDEO_FRAME_PLANE_STRIDE(&frame, 1));
  gst_video_frame_unmap(&frame);
  if (self->truth_file && !write_truth(self)) {
    GST_ELEMENT_ERROR(self, RESOURCE, WRITE,
                      ("Cannot write the truth to %s: %s", self->truth, g_strerror(errno)),
                      ("is the disk full?"));
    return GST_FLOW_ERROR;
  }
  GST_BUFFER_PTS(buffer) = frame_time(self, self->since_caps);
  GST_BUFFER_DTS(buffer) = GST_CLOCK_TIME_NONE;
  GST_BUFFER_DURATION(buffer) = frame_time(self, self->since_caps + 1) - GST_BUFFER_PTS(buffer);
  GST_BUFFER_OFFSET(buffer) = self->frame;
  GST_BUFFER_OFFSET_END(buffer) = self->frame + 1;
  self->frame++;
  self->since_caps++;
  return GST_FLOW_OK;
}

static void gst_qnn_scene_src_get_times(GstBaseSrc *src, GstBuffer *buffer, GstClockTime *start,
                                        GstClockTime *end)
{
  *start = *end = GST_CLOCK_TIME_NONE;
  if (!gst_base_src_is_live(src) || !GST_BUFFER_PTS_IS_VALID(buffer))
    return;
  *start = GST_BUFFER_PTS(buffer);
  *end = *start + GST_BUFFER_DURATION(buffer);
}

static gboolean gst_qnn_scene_src_query(GstBaseSrc *src, GstQuery *query)
{
  GstQnnSceneSrc *self = GST_QNN_SCENE_SRC(src);
  if (GST_QUERY_TYPE(query) != GST_QUERY_LATENCY || !gst_base_src_is_live(src))
    return GST_BASE_SRC_CLASS(gst_qnn_scene_src_parent_class)->query(src, query);
  GST_OBJECT_LOCK(self);
  gint n = GST_VIDEO_INFO_FPS_N(&self->info), d = GST_VIDEO_INFO_FPS_D(&self->info);
  GST_OBJECT_UNLOCK(self);
  if (n <= 0)
    return FALSE;
  /* A frame is pushed when its time has come, late by no more than it takes to render the next one. */
  GstClockTime latency = gst_util_uint64_scale(GST_SECOND, d, n);
  gst_query_set_latency(query, TRUE, latency, GST_CLOCK_TIME_NONE);
  return TRUE;
}

static gboolean gst_qnn_scene_src_is_seekable(GstBaseSrc *src)
{
  return FALSE;
}

static void install_properties(GObjectClass *object_class)
{
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY;
  g_object_class_install_property(object_class, PROP_SEED,
                                  g_param_spec_uint64("seed", "Seed",
                                                      "Which world is shown: every number gives another one",
                                                      0, G_MAXUINT64, 1, flags));
  g_object_class_install_property(object_class, PROP_SHOT_LENGTH,
                                  g_param_spec_uint("shot-length", "Shot length",
                                                    "Frames until the background and all objects change", 1,
                                                    1000000, QF_SCENE_SHOT_LENGTH, flags));
  g_object_class_install_property(
      object_class, PROP_TRUTH,
      g_param_spec_string("truth", "Truth",
                          "File that gets a line of JSON a frame: its objects (none when not set)", NULL,
                          flags));
  g_object_class_install_property(object_class, PROP_IS_LIVE,
                                  g_param_spec_boolean("is-live", "Is live",
                                                       "Give frames at the pace of a camera", FALSE, flags));
}

static void gst_qnn_scene_src_class_init(GstQnnSceneSrcClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS(klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS(klass);
  GstBaseSrcClass *base_class = GST_BASE_SRC_CLASS(klass);
  object_class->set_property = gst_qnn_scene_src_set_property;
  object_class->get_property = gst_qnn_scene_src_get_property;
  object_class->finalize = gst_qnn_scene_src_finalize;
  install_properties(object_class);
  gst_element_class_set_static_metadata(element_class, "Generated scenes", "Source/Video",
                                        "Seeded video of moving shapes with known truth, for detectors",
                                        "the qnnflow authors");
  gst_element_class_add_static_pad_template(element_class, &src_template);
  base_class->start = gst_qnn_scene_src_start;
  base_class->stop = gst_qnn_scene_src_stop;
  base_class->fixate = gst_qnn_scene_src_fixate;
  base_class->set_caps = gst_qnn_scene_src_set_caps;
  base_class->decide_allocation = gst_qnn_scene_src_decide_allocation;
  base_class->get_times = gst_qnn_scene_src_get_times;
  base_class->query = gst_qnn_scene_src_query;
  base_class->is_seekable = gst_qnn_scene_src_is_seekable;
  GST_PUSH_SRC_CLASS(klass)->fill = gst_qnn_scene_src_fill;
}

static void gst_qnn_scene_src_init(GstQnnSceneSrc *self)
{
  self->seed = 1;
  self->shot_length = QF_SCENE_SHOT_LENGTH;
  gst_base_src_set_format(GST_BASE_SRC(self), GST_FORMAT_TIME);
}
