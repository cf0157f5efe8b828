/* SPDX-License-Identifier: MIT */
/*
 * test-unit.c - qnninfer on a unit beside the CPU, here a fake QNN library: what runs where is told, a unit that fails while running
 * gives way to the CPU with a warning and without a lost buffer, or ends the stream when the CPU is not wanted.
 */
#include "line.h"
#include "tinymodel.h"

#include <gst/check/gstharness.h>
#include <string.h>

#define N 96 /* 1x3x4x8 */

static const gchar *library;

static GstHarness *open_harness(const gchar *more, GstBus **bus)
{
  g_autofree gchar *path = tiny_relu_model(line_dir());
  g_autofree gchar *text =
      g_strdup_printf("qnninfer model=%s backend=qnn backend-library=%s %s", path, library, more);
  GstHarness *h = gst_harness_new_parse(text);

  *bus = gst_bus_new();
  gst_element_set_bus(h->element, *bus);
  gst_harness_set_src_caps_str(h, "neural-network/tensors,type=FLOAT32,dimensions=(int)<<1,3,4,8>>");
  return h;
}

static GstBuffer *ramp(void)
{
  gfloat x[N];

  for (gint i = 0; i < N; i++)
    x[i] = (gfloat)(i - N / 2);
  return gst_buffer_new_memdup(x, sizeof(x));
}

static void check(GstBuffer *out)
{
  gfloat y[N];

  g_assert_nonnull(out);
  g_assert_cmpuint(gst_buffer_extract(out, 0, y, sizeof(y)), ==, sizeof(y));
  for (gint i = 0; i < N; i++)
    g_assert_cmpfloat(y[i], ==, (gfloat)MAX(i - N / 2, 0));
  gst_buffer_unref(out);
}

static void check_property(GstHarness *h, const gchar *name, const gchar *part)
{
  g_autofree gchar *text = NULL;
  GstElement *element = gst_harness_find_element(h, "qnninfer");

  g_object_get(element, name, &text, NULL);
  g_assert_nonnull(strstr(text, part));
  gst_object_unref(element);
}

/* The text of the only message of @type. */
static void check_message(GstBus *bus, GstMessageType type, const gchar *part)
{
  g_autoptr(GstMessage) message = gst_bus_pop_filtered(bus, type);
  g_autoptr(GError) error = NULL;

  g_assert_nonnull(message);
  if (type == GST_MESSAGE_WARNING)
    gst_message_parse_warning(message, &error, NULL);
  else
    gst_message_parse_error(message, &error, NULL);
  g_assert_nonnull(strstr(error->message, part));
  g_assert_null(gst_bus_pop_filtered(bus, type));
}

static void finish(GstHarness *h, GstBus *bus)
{
  gst_bus_set_flushing(bus, TRUE);
  gst_harness_teardown(h);
  gst_object_unref(bus);
  line_assert_no_leaks();
}

static void test_runs(void)
{
  GstBus *bus;
  GstHarness *h = open_harness("", &bus);

  check(gst_harness_push_and_pull(h, ramp()));
  check_property(h, "active-backend", "qnn");
  check_property(h, "placement", "qnn: 1 of 1 nodes");
  finish(h, bus);
}

static void test_falls_back(void)
{
  GstBus *bus;
  GstHarness *h = open_harness("", &bus);

  check(gst_harness_push_and_pull(h, ramp()));
  g_setenv("QF_FAKE_QNN", "no-execute", TRUE);
  check(gst_harness_push_and_pull(h, ramp()));
  check_property(h, "active-backend", "cpu");
  check_message(bus, GST_MESSAGE_WARNING,
                "running it failed: a fake message (error 6031). The model runs on the CPU from now on.");
  check(gst_harness_push_and_pull(h, ramp()));
  g_unsetenv("QF_FAKE_QNN");
  finish(h, bus);
}

static void test_gives_up(void)
{
  GstBus *bus;
  GstHarness *h = open_harness("fallback=none", &bus);

  check(gst_harness_push_and_pull(h, ramp()));
  g_setenv("QF_FAKE_QNN", "no-execute", TRUE);
  g_assert_cmpint(gst_harness_push(h, ramp()), ==, GST_FLOW_ERROR);
  g_unsetenv("QF_FAKE_QNN");
  check_message(bus, GST_MESSAGE_ERROR, "running it failed: a fake message (error 6031)");
  finish(h, bus);
}

int main(int argc, char **argv)
{
  line_init(&argc, &argv);
  g_assert_cmpint(argc, ==, 2);
  library = argv[1];
  g_test_add_func("/unit/runs", test_runs);
  g_test_add_func("/unit/falls-back", test_falls_back);
  g_test_add_func("/unit/gives-up", test_gives_up);
  return line_exit(g_test_run());
}
