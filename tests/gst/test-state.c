/* SPDX-License-Identifier: MIT */
/*
 * test-state.c - a model that keeps a value from run to run, in qnninfer: each element has its own, a flush and a new stream begin anew,
 * and so does an element that was stopped; being profiled changes nothing.
 */
#include "../import/tflite_build.h"
#include "line.h"

#include <gst/check/gstharness.h>

#define LIST(...) (const int32_t[]){__VA_ARGS__}, sizeof((const int32_t[]){__VA_ARGS__}) / 4

enum { ADD = 0, CALL_ONCE = 129, VAR = 142, READ = 143, ASSIGN = 144, RESOURCE = 13 };

static TbNode *named(const gchar *name)
{
  TbNode *options = tb_table();
  tb_child(options, 1, tb_string(name));
  return options;
}

/* y = sum of all x so far + 100. Returns the path, to be freed. */
static gchar *make_counter(void)
{
  const gfloat hundred = 100;
  gchar *path = g_build_filename(line_dir(), "counter.tflite", NULL);
  TbNode *once = tb_table();
  TbModel m;
  gint32 x, y, handle, old, k;

  tb_model_init(&m);
  x = tb_tensor(&m, "x", 0, LIST(1), NULL, 0);
  y = tb_tensor(&m, "y", 0, LIST(1), NULL, 0);
  handle = tb_tensor(&m, "handle", RESOURCE, NULL, 0, NULL, 0);
  old = tb_tensor(&m, "old", 0, LIST(1), NULL, 0);
  tb_int(once, 0, 4, 1);
  tb_operator(&m, CALL_ONCE, NULL, 0, NULL, 0, once);
  tb_operator(&m, VAR, NULL, 0, LIST(handle), named("sum"));
  tb_operator(&m, READ, LIST(handle), LIST(old), NULL);
  tb_operator(&m, ADD, LIST(old, x), LIST(y), NULL);
  tb_operator(&m, ASSIGN, LIST(handle, y), NULL, 0, NULL);
  tb_next_graph(&m, LIST(x), LIST(y));
  handle = tb_tensor(&m, "handle", RESOURCE, NULL, 0, NULL, 0);
  k = tb_tensor(&m, "hundred", 0, LIST(1), &hundred, 4);
  tb_operator(&m, VAR, NULL, 0, LIST(handle), named("sum"));
  tb_operator(&m, ASSIGN, LIST(handle, k), NULL, 0, NULL);
  g_autoptr(GBytes) bytes = tb_model_finish(&m, NULL, 0, NULL, 0);
  g_assert_true(
      g_file_set_contents(path, g_bytes_get_data(bytes, NULL), (gssize)g_bytes_get_size(bytes), NULL));
  return path;
}

static GstHarness *open_harness(const gchar *path)
{
  g_autofree gchar *text = g_strdup_printf("qnninfer model=%s", path);
  GstHarness *h = gst_harness_new_parse(text);

  gst_harness_set_src_caps_str(h, "neural-network/tensors,type=FLOAT32,dimensions=(int)<<1>>");
  return h;
}

static void push(GstHarness *h, gfloat x, gfloat expected)
{
  GstBuffer *out = gst_harness_push_and_pull(h, gst_buffer_new_memdup(&x, sizeof(x)));
  gfloat y = 0;

  g_assert_nonnull(out);
  g_assert_cmpuint(gst_buffer_extract(out, 0, &y, sizeof(y)), ==, sizeof(y));
  g_assert_cmpfloat(y, ==, expected);
  gst_buffer_unref(out);
}

static void test_streams(void)
{
  g_autofree gchar *path = make_counter();
  GstHarness *a = open_harness(path), *b = open_harness(path);

  push(a, 1, 101);
  push(b, 10, 110);
  push(a, 2, 103);
  push(b, 20, 130);
  push(a, 3, 106);
  gst_harness_teardown(a);
  gst_harness_teardown(b);
  line_assert_no_leaks();
}

static void push_events(GstHarness *h, gboolean flush)
{
  GstSegment segment;

  if (flush) {
    g_assert_true(gst_harness_push_event(h, gst_event_new_flush_start()));
    g_assert_true(gst_harness_push_event(h, gst_event_new_flush_stop(TRUE)));
  } else {
    g_assert_true(gst_harness_push_event(h, gst_event_new_stream_start("another")));
  }
  gst_segment_init(&segment, GST_FORMAT_TIME);
  g_assert_true(gst_harness_push_event(h, gst_event_new_segment(&segment)));
}

static void test_reset(gconstpointer flush)
{
  g_autofree gchar *path = make_counter();
  GstHarness *h = open_harness(path);

  push(h, 1, 101);
  push(h, 1, 102);
  push_events(h, flush != NULL);
  push(h, 5, 105);
  push(h, 5, 110);
  gst_harness_teardown(h);
  line_assert_no_leaks();
}

static void test_restart(void)
{
  g_autofree gchar *path = make_counter();
  GstHarness *h = open_harness(path);

  push(h, 1, 101);
  g_assert_cmpint(gst_element_set_state(h->element, GST_STATE_READY), ==, GST_STATE_CHANGE_SUCCESS);
  gst_harness_play(h);
  gst_harness_set_src_caps_str(h, "neural-network/tensors,type=FLOAT32,dimensions=(int)<<1>>");
  push(h, 1, 101);
  gst_harness_teardown(h);
  line_assert_no_leaks();
}

/* The question for layer times, which makes another session, in the middle of a stream. */
static void test_profiled(void)
{
  g_autofree gchar *path = make_counter();
  GstHarness *h = open_harness(path);
  GstQuery *query = gst_query_new_custom(GST_QUERY_CUSTOM, gst_structure_new("qnnflow-inference", "profile",
                                                                             G_TYPE_BOOLEAN, TRUE, NULL));

  push(h, 1, 101);
  g_assert_true(gst_element_query(h->element, query));
  gst_query_unref(query);
  push(h, 1, 102);
  push(h, 1, 103);
  gst_harness_teardown(h);
  line_assert_no_leaks();
}

int main(int argc, char **argv)
{
  line_init(&argc, &argv);
  g_test_add_func("/state/streams", test_streams);
  g_test_add_data_func("/state/flush", "flush", test_reset);
  g_test_add_data_func("/state/new-stream", NULL, test_reset);
  g_test_add_func("/state/restart", test_restart);
  g_test_add_func("/state/profiled", test_profiled);
  return line_exit(g_test_run());
}
