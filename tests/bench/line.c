/* SPDX-License-Identifier: MIT */
/*
 * line.c - what a line costs beside the engine: CPU time a frame from 1920x1080 NV12 to a tensor and back to metadata.
 *
 * usage: line [MODEL]   MODEL: any classifier that qnninfer takes; default: one made here, float32 1x3x224x224 in,
 *                       whose own run is next to nothing. Prints a table; the last word is the figure in milliseconds.
 *
 * Frames come ready made out of an appsrc (8 of them in turn, 25 MB, so that they are not all in the nearest cache),
 * one thread does everything, and what the engine takes by itself is taken off. CPU time is that of the process.
 */
#include "../gst/tinymodel.h"
#include "gstqnnelements.h"
#include <gst/app/gstappsrc.h>
#include <gst/video/video.h>
#include <qnnflow/session.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#define N_FRAMES 8
#define WARM_UP 50
#define MEASURED 500

static GstBuffer *frames[N_FRAMES];
static guint n_pushed;
static guint64 cpu_begin_ns, cpu_end_ns;

static guint64 cpu_ns(void)
{
  struct rusage u;

  getrusage(RUSAGE_SELF, &u);
  return ((guint64)u.ru_utime.tv_sec + (guint64)u.ru_stime.tv_sec) * 1000000000u +
         ((guint64)u.ru_utime.tv_usec + (guint64)u.ru_stime.tv_usec) * 1000u;
}

static void need_data(GstAppSrc *source, guint length, gpointer data)
{
  GstBuffer *buffer;

  if (n_pushed == WARM_UP)
    cpu_begin_ns = cpu_ns();
  if (n_pushed == WARM_UP + MEASURED) {
    cpu_end_ns = cpu_ns();
    gst_app_src_end_of_stream(source);
    return;
  }
  buffer = gst_buffer_copy(frames[n_pushed % N_FRAMES]);
  GST_BUFFER_PTS(buffer) = n_pushed++ * GST_SECOND / 30;
  gst_app_src_push_buffer(source, buffer);
}

static void make_frames(const GstVideoInfo *info)
{
  guint32 state = 1;

  for (guint i = 0; i < N_FRAMES; i++) {
    GstMapInfo map;
    frames[i] = gst_buffer_new_allocate(NULL, GST_VIDEO_INFO_SIZE(info), NULL);
    gst_buffer_map(frames[i], &map, GST_MAP_WRITE);
    for (gsize k = 0; k < map.size; k++) {
      state = state * 1664525u + 1013904223u;
      map.data[k] = (guint8)(state >> 24);
    }
    gst_buffer_unmap(frames[i], &map);
  }
}

/* Runs a line behind the source; CPU milliseconds a frame. */
static gdouble measure_line(const gchar *rest, GstCaps *caps)
{
  g_autofree gchar *text =
      g_strdup_printf("appsrc name=source format=time block=false max-buffers=1 ! %s", rest);
  g_autoptr(GError) error = NULL;
  GstElement *pipeline = gst_parse_launch_full(text, NULL, GST_PARSE_FLAG_FATAL_ERRORS, &error);
  GstAppSrcCallbacks callbacks = {.need_data = need_data};
  g_autoptr(GstElement) source = NULL;
  g_autoptr(GstBus) bus = NULL;
  g_autoptr(GstMessage) message = NULL;

  if (!pipeline) {
    fprintf(stderr, "line: %s\n", error->message);
    exit(1);
  }
  n_pushed = 0;
  source = gst_bin_get_by_name(GST_BIN(pipeline), "source");
  bus = gst_element_get_bus(pipeline);
  gst_app_src_set_caps(GST_APP_SRC(source), caps);
  gst_app_src_set_callbacks(GST_APP_SRC(source), &callbacks, NULL, NULL);
  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  message = gst_bus_timed_pop_filtered(bus, 120 * GST_SECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  if (!message || GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
    if (message)
      gst_message_parse_error(message, &error, NULL);
    fprintf(stderr, "line: %s\n", error ? error->message : "no end within 120 s");
    exit(1);
  }
  gst_element_set_state(pipeline, GST_STATE_NULL);
  gst_object_unref(pipeline);
  return (gdouble)(cpu_end_ns - cpu_begin_ns) / MEASURED / 1e6;
}

/* The engine by itself; CPU milliseconds a run. Its own clock would count the time that others take from us. */
static gdouble measure_engine(const gchar *path)
{
  QfSessionOptions options = {.n_threads = 1};
  g_autoptr(GError) error = NULL;
  g_autoptr(QfModel) model = qf_model_load(path, NULL, &error);
  g_autoptr(QfSession) session = model ? qf_session_new(model, &options, &error) : NULL;
  guint64 begin = 0;

  if (!session) {
    fprintf(stderr, "line: %s\n", error->message);
    exit(1);
  }
  for (guint i = 0; i < WARM_UP + MEASURED; i++) {
    if (i == WARM_UP)
      begin = cpu_ns();
    qf_session_run(session, NULL);
  }
  return (gdouble)(cpu_ns() - begin) / MEASURED / 1e6;
}

/* The default model in a folder of its own. */
static gchar *own_model(gchar **dir)
{
  *dir = g_dir_make_tmp("qnnflow-XXXXXX", NULL);
  return tiny_mean_model(*dir, 224, 224);
}

int main(int argc, char **argv)
{
  GstVideoInfo info;
  g_autoptr(GstCaps) caps = NULL;
  g_autofree gchar *dir = NULL, *model = NULL, *line = NULL;
  gdouble line_ms, engine_ms, source_ms;

  gst_init(&argc, &argv);
  GST_ELEMENT_REGISTER(qnnconvert, NULL);
  GST_ELEMENT_REGISTER(qnninfer, NULL);
  GST_ELEMENT_REGISTER(qnndecode, NULL);
  model = argc > 1 ? g_strdup(argv[1]) : own_model(&dir);
  gst_video_info_set_format(&info, GST_VIDEO_FORMAT_NV12, 1920, 1080);
  info.fps_n = 30;
  info.fps_d = 1;
  caps = gst_video_info_to_caps(&info);
  make_frames(&info);
  line = g_strdup_printf("qnnconvert ! qnninfer threads=1 model=\"%s\" ! qnndecode ! fakesink sync=false",
                         model);
  source_ms = measure_line("fakesink sync=false", caps);
  line_ms = measure_line(line, caps);
  engine_ms = measure_engine(model);
  for (guint i = 0; i < N_FRAMES; i++)
    gst_buffer_unref(frames[i]);
  if (dir) {
    remove(model);
    remove(dir);
  }
  printf("1920x1080 NV12 to metadata, %d frames, CPU milliseconds a frame\n", MEASURED);
  printf("  %-44s %8.4f\n", "source and sink alone", source_ms);
  printf("  %-44s %8.4f\n", "source ! qnnconvert ! qnninfer ! qnndecode", line_ms);
  printf("  %-44s %8.4f\n", "a run of the engine alone", engine_ms);
  printf("  %-44s %8.4f\n", "everything in the line but the engine", line_ms - engine_ms);
  return 0;
}
