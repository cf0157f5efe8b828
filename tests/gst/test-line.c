/* SPDX-License-Identifier: MIT */
/*
 * test-line.c - whole lines: who decides what, which memory arrives, what metas say, and what events do.
 */
#include "gstqnnelements.h"
#include "gstqnnmeta.h"
#include "line.h"
#include "tinymodel.h"
#include <gst/app/gstappsrc.h>
#include <gst/video/video.h>
#include <string.h>

#define SOURCE "videotestsrc name=source num-buffers=12 ! "

/* A launch line with every MEAN and BOXES replaced by a model file. Free with g_free(). */
static gchar *with_models(const gchar *line)
{
  static gchar *mean, *boxes;
  g_autoptr(GString) s = g_string_new(line);

  if (!mean) {
    mean = tiny_mean_model(line_dir(), 32, 16);
    boxes = tiny_boxes_model(line_dir(), 32, 16);
  }
  g_string_replace(s, "MEAN", mean, 0);
  g_string_replace(s, "BOXES", boxes, 0);
  return g_string_free(g_steal_pointer(&s), FALSE);
}

static LineResult *run(const gchar *line, LineBufferFunc func, gpointer data)
{
  g_autofree gchar *text = with_models(line);

  g_test_message("%s", line);
  return line_run_text(text, func, data);
}

static guint64 get_uint64(GstElement *pipeline, const gchar *element, const gchar *property)
{
  g_autoptr(GstElement) e = gst_bin_get_by_name(GST_BIN(pipeline), element);
  guint64 value = 0;

  g_assert_nonnull(e);
  g_object_get(e, property, &value, NULL);
  return value;
}

/* Every frame arrives, in the memory it was made in, without a copy of a tensor; nobody types a size. */
static void test_identity(void)
{
  static const gchar *const lines[] = {
      SOURCE
      "video/x-raw,format=NV12,width=320,height=240 ! qnnconvert ! qnninfer name=i model=MEAN ! qnndecode ! "
      "fakesink name=sink",
      SOURCE
      "qnnconvert ! qnninfer name=i model=BOXES ! qnndecode ! qnnoverlay ! qnnprofile table=false ! fakesink "
      "name=sink",
      SOURCE "video/x-raw,format=I420 ! queue ! qnnconvert ! queue ! qnninfer name=i model=BOXES ! queue ! "
             "qnndecode ! "
             "qnnoverlay ! queue ! qnnprofile table=false ! fakesink name=sink",
      SOURCE
      "video/x-raw,format=RGB,width=161,height=99 ! qnnconvert fit=letterbox ! identity ! qnninfer name=i "
      "model=BOXES ! tee ! qnndecode ! fakesink name=sink",
      /* A cascade: after the decoder it is video again. */
      SOURCE
      "qnnconvert ! qnninfer name=i model=BOXES ! qnndecode ! qnnconvert ! qnninfer model=MEAN ! qnndecode ! "
      "qnnoverlay ! fakesink name=sink",
  };

  for (guint i = 0; i < G_N_ELEMENTS(lines); i++) {
    g_autofree gchar *text = with_models(lines[i]);
    GstElement *pipeline = line_parse(text);
    g_autoptr(LineResult) r = line_run(pipeline, NULL, NULL);
    g_test_message("%s", lines[i]);
    g_assert_cmpstr(r->error, ==, NULL);
    g_assert_true(r->eos);
    g_assert_cmpuint(r->n_buffers, ==, 12);
    g_assert_cmpuint(r->n_same_memory, ==, 12);
    g_assert_cmpuint(get_uint64(pipeline, "i", "inferences"), ==, 12);
    g_assert_cmpuint(get_uint64(pipeline, "i", "copies"), ==, 0);
    gst_object_unref(pipeline);
    line_assert_no_leaks();
  }
}

typedef struct {
  gchar *first;
  GstVideoFormat format;
  guint n, n_rois, n_results, n_inferred, n_writable;
  GstVideoRegionOfInterestMeta roi; /* of the last buffer, the first box */
  gdouble confidence;
  QfClass best;
} Seen;

static void look(GstBuffer *buffer, gpointer data)
{
  Seen *seen = data;
  GstVideoRegionOfInterestMeta *roi = gst_buffer_get_video_region_of_interest_meta(buffer);
  GstQnnResultMeta *m;
  gpointer state = NULL;

  seen->n++;
  seen->n_writable += gst_buffer_is_writable(buffer) && gst_buffer_is_all_memory_writable(buffer);
  if (roi) {
    GstStructure *s = gst_video_region_of_interest_meta_get_param(roi, "detection");
    seen->roi = *roi;
    seen->n_rois += gst_buffer_get_n_meta(buffer, GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE);
    g_assert_nonnull(s);
    g_assert_true(gst_structure_get_double(s, "confidence", &seen->confidence));
  }
  while ((m = gst_qnn_buffer_next_result_meta(buffer, &state))) {
    seen->n_results++;
    seen->n_inferred += m->results->inferred;
    if (m->results->results.n_classes)
      seen->best = m->results->results.classes[0];
  }
}

/* Boxes come out in the frame's own pixels: the model's left half is the frame's, whatever the fit. */
static void test_boxes(void)
{
  static const struct {
    const gchar *options;
    guint x, y, w, h;
  } cases[] = {
      {"", 0, 0, 160, 240},
      /* 320x240 in 32x16 is 21 by 16, 5 from the left: 16 columns end (16 - 5) / 21 into the frame */
      {"fit=letterbox", 0, 0, 168, 240},
      /* at the left: 16 of 21 columns */
      {"fit=letterbox-top", 0, 0, 244, 240},
      /* 320x160 of the frame, 40 from the top */
      {"fit=crop", 0, 40, 160, 160},
  };

  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    Seen seen = {0};
    g_autofree gchar *line =
        g_strdup_printf(SOURCE "video/x-raw,format=NV12,width=320,height=240 ! qnnconvert %s ! "
                               "qnninfer model=BOXES ! qnndecode threshold=0.7 ! fakesink name=sink",
                        cases[i].options);
    g_autoptr(LineResult) r = run(line, look, &seen);
    g_assert_true(r->eos);
    g_assert_cmpuint(seen.n_rois, ==, 12);
    g_assert_cmpuint(seen.n_results, ==, 12);
    g_assert_cmpuint(seen.n_writable, ==, 12);
    g_assert_cmpfloat_with_epsilon(seen.confidence, 0.8, 1e-6);
    g_assert_cmpint(ABS((gint)seen.roi.x - (gint)cases[i].x), <=, 2);
    g_assert_cmpint(ABS((gint)seen.roi.y - (gint)cases[i].y), <=, 2);
    g_assert_cmpint(ABS((gint)seen.roi.w - (gint)cases[i].w), <=, 4);
    g_assert_cmpint(ABS((gint)seen.roi.h - (gint)cases[i].h), <=, 2);
  }
}

/* What the network sees is the colour of the stream, in the order and range it was asked for. */
static void test_colours(void)
{
  static const struct {
    const gchar *pattern, *options;
    gint best;
    gdouble score; /* of the best; means of channels end as they are, or by softmax when beyond 0..1 */
  } cases[] = {
      {"red", "", 0, 1},
      {"green", "", 1, 1},
      {"blue", "", 2, 1},
      {"red", "channel-order=bgr", 2, 1},
      {"green", "std=510", 1, 0.5},
  };

  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    for (guint k = 0; k < 3; k++) {
      static const gchar *const formats[] = {"RGB", "BGRx", "NV12"};
      Seen seen = {0};
      g_autofree gchar *line = g_strdup_printf(
          "videotestsrc num-buffers=2 pattern=%s ! video/x-raw,format=%s,width=64,height=64 ! "
          "qnnconvert %s ! qnninfer model=MEAN ! qnndecode decoder=classification ! fakesink name=sink",
          cases[i].pattern, formats[k], cases[i].options);
      g_autoptr(LineResult) r = run(line, look, &seen);
      g_assert_true(r->eos);
      g_assert_cmpint(seen.best.class_id, ==, cases[i].best);
      g_assert_cmpfloat_with_epsilon(seen.best.score, cases[i].score, 0.02);
    }
  }
}

/* Frames without inference reach the sink too, with the last results when they are held. */
static void test_interval(void)
{
  Seen seen = {0}, held = {0};
  g_autoptr(LineResult) r =
      run(SOURCE "qnnconvert interval=3 ! qnninfer model=BOXES ! qnndecode threshold=0.7 ! "
                 "fakesink name=sink",
          look, &seen);
  g_autoptr(LineResult) s =
      run(SOURCE "qnnconvert interval=4 ! qnninfer model=BOXES ! qnndecode threshold=0.7 hold=2 ! "
                 "fakesink name=sink",
          look, &held);

  g_assert_true(r->eos && s->eos);
  g_assert_cmpuint(r->n_same_memory, ==, 12);
  g_assert_cmpuint(seen.n_results, ==, 12);
  g_assert_cmpuint(seen.n_inferred, ==, 4);
  g_assert_cmpuint(seen.n_rois, ==, 4);
  g_assert_cmpuint(s->n_same_memory, ==, 12);
  g_assert_cmpuint(held.n_inferred, ==, 3);
  g_assert_cmpuint(held.n_rois, ==, 9);
}

static void first_line(GstBuffer *buffer, gpointer data)
{
  Seen *seen = data;
  GstMapInfo map;

  seen->n++;
  if (seen->first || !gst_buffer_map(buffer, &map, GST_MAP_READ))
    return;
  seen->first = g_strndup((gchar *)map.data, map.size);
  gst_buffer_unmap(buffer, &map);
}

/* JSON for who takes it, in a file, and on the bus; all the same. */
static void test_text(void)
{
  Seen seen = {0};
  g_autofree gchar *path = g_build_filename(line_dir(), "results.jsonl", NULL);
  g_autofree gchar *line =
      g_strdup_printf(SOURCE "qnnconvert ! qnninfer model=BOXES ! qnndecode message=true json=%s ! "
                             "application/x-json ! fakesink name=sink",
                      path);
  g_autoptr(LineResult) r = run(line, first_line, &seen);
  g_autofree gchar *file = NULL;
  g_auto(GStrv) lines = NULL;

  g_assert_true(r->eos);
  g_assert_cmpuint(seen.n, ==, 12);
  g_assert_cmpuint(r->results->len, ==, 12);
  g_assert_true(g_file_get_contents(path, &file, NULL, NULL));
  lines = g_strsplit(file, "\n", -1);
  g_assert_cmpuint(g_strv_length(lines), ==, 13);
  for (guint i = 0; i < 12; i++)
    g_assert_cmpstr(lines[i], ==, g_ptr_array_index(r->results, i));
  g_assert_true(g_str_has_suffix(seen.first, "\n"));
  seen.first[strlen(seen.first) - 1] = 0;
  g_assert_cmpstr(seen.first, ==, lines[0]);
  g_assert_nonnull(strstr(lines[0], "\"detections\":[{"));
  g_free(seen.first);
}

/* A sink that takes only one format decides for the source, through the whole line. */
static void look_format(GstBuffer *buffer, gpointer data)
{
  ((Seen *)data)->n++;
}

static void test_upstream(void)
{
  static const gchar *const formats[] = {"BGRA", "NV12", "I420", "RGB", "GRAY8"};

  for (guint i = 0; i < G_N_ELEMENTS(formats); i++) {
    Seen seen = {0};
    g_autofree gchar *line =
        g_strdup_printf(SOURCE "qnnconvert ! qnninfer model=MEAN ! qnndecode ! "
                               "video/x-raw,format=%s,width=200,height=100 ! fakesink name=sink",
                        formats[i]);
    g_autoptr(LineResult) r = run(line, look_format, &seen);
    g_assert_cmpstr(r->error, ==, NULL);
    g_assert_cmpuint(r->n_same_memory, ==, 12);
  }
}

/* A tee before the converter: the other branch keeps its frames as they were. */
static void test_tee(void)
{
  Seen seen = {0};
  g_autoptr(LineResult) r = run(
      "videotestsrc name=source num-buffers=12 ! video/x-raw,format=NV12 ! tee name=t ! queue ! qnnconvert ! "
      "qnninfer model=BOXES ! qnndecode threshold=0.7 ! fakesink name=sink t. ! queue ! fakesink",
      look, &seen);

  g_assert_cmpstr(r->error, ==, NULL);
  g_assert_cmpuint(r->n_same_memory, ==, 12);
  g_assert_cmpuint(seen.n_rois, ==, 12);
}

static void count_memory(GstBuffer *buffer, gpointer data)
{
  guint *n = data;

  g_assert_cmpuint(gst_buffer_n_memory(buffer), ==, 3);
  for (guint i = 0; i < 3; i++) {
    GstMapInfo map;
    GstMemory *memory = gst_buffer_peek_memory(buffer, i);
    g_assert_true(gst_memory_map(memory, &map, GST_MAP_READ));
    g_assert_cmpuint((gsize)map.data % QF_ALIGNMENT, ==, 0);
    gst_memory_unmap(memory, &map);
  }
  g_assert_cmpuint(gst_qnn_buffer_get_tensor_meta(buffer)->tensors->n, ==, 3);
  (*n)++;
}

/* Outputs: one aligned memory each, described on the buffer. */
static void test_outputs(void)
{
  guint n = 0;
  g_autoptr(LineResult) r =
      run(SOURCE "qnnconvert ! qnninfer model=BOXES ! fakesink name=sink", count_memory, &n);

  g_assert_cmpstr(r->error, ==, NULL);
  g_assert_cmpuint(n, ==, 12);
}

/* Size and format change in the middle; no frame is lost, boxes follow. */
typedef struct {
  GstElement *filter;
  guint sizes[2]; /* frames seen of 160x120 and of 640x480 */
} Change;

static void change_size(GstBuffer *buffer, gpointer data)
{
  Change *change = data;
  GstVideoRegionOfInterestMeta *roi = gst_buffer_get_video_region_of_interest_meta(buffer);

  g_assert_nonnull(roi);
  if (++change->sizes[roi->w > 100] != 5)
    return;
  gst_util_set_object_arg(G_OBJECT(change->filter), "caps",
                          roi->w > 100 ? "video/x-raw,format=RGB,width=640,height=480"
                                       : "video/x-raw,format=I420,width=640,height=480");
}

#define SHORT_QUEUE "queue max-size-buffers=2 ! "
static void test_renegotiation(void)
{
  g_autofree gchar *text =
      with_models("videotestsrc name=source num-buffers=60 ! capsfilter name=filter "
                  "caps=video/x-raw,format=NV12,width=160,height=120 ! " SHORT_QUEUE
                  "qnnconvert ! " SHORT_QUEUE "qnninfer model=BOXES ! " SHORT_QUEUE
                  "qnndecode threshold=0.7 ! qnnoverlay ! qnnprofile table=false ! fakesink name=sink");
  GstElement *pipeline = line_parse(text);
  Change change = {.filter = gst_bin_get_by_name(GST_BIN(pipeline), "filter")};
  g_autoptr(LineResult) r = line_run(pipeline, change_size, &change);

  g_assert_cmpstr(r->error, ==, NULL);
  g_assert_true(r->eos);
  g_assert_cmpuint(r->n_same_memory, ==, 60);
  g_assert_cmpuint(change.sizes[0], >=, 5);
  g_assert_cmpuint(change.sizes[1], >=, 30);
  g_assert_cmpuint(change.sizes[0] + change.sizes[1], ==, 60);
  gst_clear_object(&change.filter);
  gst_object_unref(pipeline);
  line_assert_no_leaks();
}

/* Three flushing seeks; then the line still ends, with frames from the last one. */
static void test_flush(void)
{
  g_autofree gchar *text =
      with_models("videotestsrc name=source num-buffers=100000 ! queue ! qnnconvert ! qnninfer "
                  "model=BOXES ! queue ! qnndecode hold=5 ! qnnoverlay ! fakesink name=sink");
  GstElement *pipeline = line_parse(text);
  Seen seen = {0};
  g_autoptr(LineResult) r = NULL;

  gst_element_set_state(pipeline, GST_STATE_PAUSED);
  g_assert_cmpint(gst_element_get_state(pipeline, NULL, NULL, 5 * GST_SECOND), ==, GST_STATE_CHANGE_SUCCESS);
  for (guint i = 1; i <= 3; i++) {
    g_assert_true(gst_element_seek(pipeline, 1, GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH, GST_SEEK_TYPE_SET,
                                   i * GST_SECOND, GST_SEEK_TYPE_SET, (i + 1) * GST_SECOND));
    g_assert_cmpint(gst_element_get_state(pipeline, NULL, NULL, 5 * GST_SECOND), ==,
                    GST_STATE_CHANGE_SUCCESS);
  }
  r = line_run(pipeline, look, &seen);
  g_assert_true(r->eos);
  g_assert_cmpuint(seen.n, >=, 25);
  gst_object_unref(pipeline);
  line_assert_no_leaks();
}

/* Start and stop five times. */
static void test_restart(void)
{
  g_autofree gchar *text = with_models(
      "videotestsrc name=source ! qnnconvert ! qnninfer name=i model=BOXES ! qnndecode ! fakesink name=sink");
  GstElement *pipeline = line_parse(text);

  for (guint i = 0; i < 5; i++) {
    gst_element_set_state(pipeline, GST_STATE_PLAYING);
    g_assert_cmpint(gst_element_get_state(pipeline, NULL, NULL, 5 * GST_SECOND), ==,
                    GST_STATE_CHANGE_SUCCESS);
    g_assert_cmpuint(get_uint64(pipeline, "i", "inferences"), >, 0);
    gst_element_set_state(pipeline, i % 2 ? GST_STATE_READY : GST_STATE_NULL);
  }
  gst_element_set_state(pipeline, GST_STATE_NULL);
  gst_object_unref(pipeline);
  line_assert_no_leaks();
}

/* A live line: latency is declared, and no frame is thrown away for it. */
static void test_live(void)
{
  g_autofree gchar *text =
      with_models("videotestsrc name=source is-live=true num-buffers=10 ! qnnconvert ! qnninfer "
                  "name=i model=MEAN ! qnndecode ! fakesink name=sink sync=true qos=true");
  GstElement *pipeline = line_parse(text);
  g_autoptr(LineResult) r = line_run(pipeline, NULL, NULL);

  g_assert_true(r->eos);
  g_assert_cmpuint(r->n_buffers, ==, 10);
  g_assert_cmpuint(get_uint64(pipeline, "i", "latency-ns"), >, 0);
  g_assert_cmpuint(get_uint64(pipeline, "i", "latency-ns"), >=, get_uint64(pipeline, "i", "last-ns"));
  gst_object_unref(pipeline);
  line_assert_no_leaks();
}

/* The report: frames, layers by name, all formats. */
static void test_profile(void)
{
  g_autofree gchar *json = g_build_filename(line_dir(), "p.json", NULL), *html = NULL, *csv = NULL;
  g_autofree gchar *line = NULL;
  static const gchar *const suffix[] = {"json", "html", "csv"};
  g_autoptr(LineResult) r = NULL;

  html = g_build_filename(line_dir(), "p.html", NULL);
  csv = g_build_filename(line_dir(), "p.csv", NULL);
  line = g_strdup_printf(SOURCE
                         "qnnconvert ! qnninfer model=MEAN ! qnndecode ! qnnoverlay ! qnnprofile table=false "
                         "json=%s html=%s csv=%s ! fakesink name=sink",
                         json, html, csv);
  r = run(line, NULL, NULL);
  g_assert_cmpstr(r->error, ==, NULL);
  for (guint i = 0; i < 3; i++) {
    g_autofree gchar *name = g_strdup_printf("p.%s", suffix[i]);
    g_autofree gchar *path = g_build_filename(line_dir(), name, NULL), *text = NULL;
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    g_assert_nonnull(strstr(text, "GlobalAveragePool"));
    if (i == 0)
      g_assert_nonnull(strstr(text, "\"frames\""));
  }
}

int main(int argc, char **argv)
{
  line_init(&argc, &argv);
  g_test_add_func("/line/identity", test_identity);
  g_test_add_func("/line/boxes", test_boxes);
  g_test_add_func("/line/colours", test_colours);
  g_test_add_func("/line/interval", test_interval);
  g_test_add_func("/line/text", test_text);
  g_test_add_func("/line/upstream", test_upstream);
  g_test_add_func("/line/tee", test_tee);
  g_test_add_func("/line/outputs", test_outputs);
  g_test_add_func("/line/renegotiation", test_renegotiation);
  g_test_add_func("/line/flush", test_flush);
  g_test_add_func("/line/restart", test_restart);
  g_test_add_func("/line/live", test_live);
  g_test_add_func("/line/profile", test_profile);
  return line_exit(g_test_run());
}
