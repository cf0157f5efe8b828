/* SPDX-License-Identifier: MIT */
/*
 * test-elements.c - elements one by one: properties, allocation, QoS, latency, sharing of models.
 */
#include "gstqnnelements.h"
#include "gstqnnmeta.h"
#include "gstqnnmodels.h"
#include "line.h"
#include "tinymodel.h"
#include <gst/check/gstharness.h>
#include <gst/video/video.h>
#include <string.h>

#define VIDEO "video/x-raw,format=NV12,width=64,height=48,framerate=30/1"
#define TENSOR "neural-network/tensors,type=UINT8,dimensions=(int)<<1,8,8,3>>"
#define VIDEO_BYTES (64 * 48 * 3 / 2)

static const gchar *const elements[] = {"qnnconvert", "qnninfer", "qnndecode", "qnnoverlay", "qnnprofile"};

/* Every property says what it is, in a sentence of its own, and starts at its default. */
static void test_properties(void)
{
  for (guint e = 0; e < G_N_ELEMENTS(elements); e++) {
    GstElement *element = gst_element_factory_make(elements[e], NULL);
    guint n;
    GParamSpec **specs = g_object_class_list_properties(G_OBJECT_GET_CLASS(element), &n);
    for (guint i = 0; i < n; i++) {
      GValue value = G_VALUE_INIT;
      if (!g_str_has_prefix(g_type_name(specs[i]->owner_type), "GstQnn"))
        continue;
      g_test_message("%s.%s", elements[e], specs[i]->name);
      g_assert_cmpuint(strlen(g_param_spec_get_blurb(specs[i])), >, 10);
      g_object_get_property(G_OBJECT(element), specs[i]->name, g_value_init(&value, specs[i]->value_type));
      g_assert_true(g_param_value_defaults(specs[i], &value));
      if (specs[i]->flags & G_PARAM_WRITABLE)
        g_object_set_property(G_OBJECT(element), specs[i]->name, &value);
      g_value_unset(&value);
    }
    g_free(specs);
    gst_object_unref(element);
  }
  line_assert_no_leaks();
}

static GstHarness *new_converter(const gchar *properties)
{
  g_autofree gchar *text = g_strdup_printf("qnnconvert %s", properties);
  GstHarness *h = gst_harness_new_parse(text);

  gst_harness_set_sink_caps_str(h, TENSOR);
  gst_harness_set_src_caps_str(h, VIDEO);
  return h;
}

static GstBuffer *video_frame(guint n)
{
  GstBuffer *buffer = gst_buffer_new_allocate(NULL, VIDEO_BYTES, NULL);

  gst_buffer_memset(buffer, 0, 128, VIDEO_BYTES);
  GST_BUFFER_PTS(buffer) = gst_util_uint64_scale(n, GST_SECOND, 30);
  GST_BUFFER_DURATION(buffer) = GST_SECOND / 30;
  return buffer;
}

/* TRUE: the frame went on without a tensor. The frame itself is there in both cases. */
static gboolean push_is_gap(GstHarness *h, guint n, GstBuffer **keep)
{
  GstBuffer *frame = video_frame(n), *out = gst_harness_push_and_pull(h, frame);
  GstQnnFrameMeta *meta = gst_qnn_buffer_get_frame_meta(out);
  gboolean gap = GST_BUFFER_FLAG_IS_SET(out, GST_BUFFER_FLAG_GAP);

  g_assert_nonnull(meta);
  g_assert_true(meta->frame == frame);
  g_assert_cmpuint(meta->number, ==, n);
  g_assert_cmpuint(gst_buffer_get_size(out), ==, gap ? 0 : 192);
  g_assert_cmpuint(GST_BUFFER_PTS(out), ==, gst_util_uint64_scale(n, GST_SECOND, 30));
  if (keep)
    *keep = out;
  else
    gst_buffer_unref(out);
  return gap;
}

static void test_qos(void)
{
  GstHarness *h = new_converter("");
  GstEvent *late = gst_event_new_qos(GST_QOS_TYPE_UNDERFLOW, 1.5, 30 * GST_MSECOND, 66 * GST_MSECOND);

  g_assert_false(push_is_gap(h, 0, NULL));
  g_assert_true(gst_harness_push_upstream_event(h, late)); /* late until 126 ms */
  g_assert_true(push_is_gap(h, 1, NULL));
  g_assert_true(push_is_gap(h, 2, NULL));
  g_assert_true(push_is_gap(h, 3, NULL));
  g_assert_false(push_is_gap(h, 4, NULL));
  late = gst_event_new_qos(GST_QOS_TYPE_UNDERFLOW, 1.5, GST_SECOND, 200 * GST_MSECOND);
  g_assert_true(gst_harness_push_upstream_event(h, late));
  g_assert_true(push_is_gap(h, 5, NULL));
  gst_harness_set(h, "qnnconvert", "skip-late", FALSE, NULL);
  g_assert_false(push_is_gap(h, 6, NULL));
  gst_harness_teardown(h);
  line_assert_no_leaks();
}

static void test_in_flight(void)
{
  GstHarness *h = new_converter("max-in-flight=1");
  GstBuffer *busy;
  guint64 skipped;

  g_assert_false(push_is_gap(h, 0, &busy));
  g_assert_true(push_is_gap(h, 1, NULL));
  g_assert_true(push_is_gap(h, 2, NULL));
  gst_buffer_unref(busy);
  g_assert_false(push_is_gap(h, 3, NULL));
  gst_harness_get(h, "qnnconvert", "skipped", &skipped, NULL);
  g_assert_cmpuint(skipped, ==, 2);
  gst_harness_teardown(h);
  line_assert_no_leaks();
}

/* What integers hold: the pixel itself, or what mean, std, scale and offset make of it. Grey 128 of full range. */
static void test_values(void)
{
  static const struct {
    const gchar *tensor, *properties;
    gint low, high;
  } cases[] = {
      {"type=UINT8", "", 200, 200},
      {"type=INT8", "", 72, 72},
      {"type=UINT8,qscales=(double)<0.0078125>,qoffsets=(int)<-128>", "", 200, 200},
      {"type=INT8,qscales=(double)<0.00390625>,qoffsets=(int)<128>", "", 72, 72},
      {"type=UINT8,qscales=(double)<0.0078125>,qoffsets=(int)<-128>", "mean=127.5 std=127.5", 200, 201},
      {"type=INT8,qscales=(double)<0.5>,qoffsets=(int)<0>", "mean=180", 40, 40},
  };

  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autofree gchar *text = g_strdup_printf("qnnconvert %s", cases[i].properties);
    g_autofree gchar *caps =
        g_strdup_printf("neural-network/tensors,dimensions=(int)<<1,8,8,3>>,%s", cases[i].tensor);
    GstHarness *h = gst_harness_new_parse(text);
    GstBuffer *in = gst_buffer_new_allocate(NULL, 64 * 48 * 3, NULL), *out;
    GstMapInfo map;
    gst_buffer_memset(in, 0, 200, 64 * 48 * 3);
    gst_harness_set_sink_caps_str(h, caps);
    gst_harness_set_src_caps_str(h, "video/x-raw,format=RGB,width=64,height=48,framerate=30/1");
    out = gst_harness_push_and_pull(h, in);
    g_assert_true(gst_buffer_map(out, &map, GST_MAP_READ));
    for (gsize k = 0; k < map.size; k++) {
      gint value = g_str_has_prefix(cases[i].tensor, "type=INT8") ? (gint8)map.data[k] : map.data[k];
      g_assert_cmpint(value, >=, cases[i].low);
      g_assert_cmpint(value, <=, cases[i].high);
    }
    gst_buffer_unmap(out, &map);
    gst_buffer_unref(out);
    gst_harness_teardown(h);
  }
  line_assert_no_leaks();
}

/* The sink's answer to the question for a pool; counts the buffers that came out of it. */
typedef struct {
  GstBufferPool *pool;
  guint n, n_pooled, min;
} SinkPool;

static GstPadProbeReturn answer_allocation(GstPad *pad, GstPadProbeInfo *info, gpointer user)
{
  SinkPool *s = user;
  GstQuery *query = GST_PAD_PROBE_INFO_QUERY(info);
  GstCaps *caps;
  GstVideoInfo video;
  GstStructure *config;

  if (GST_QUERY_TYPE(query) != GST_QUERY_ALLOCATION || !(info->type & GST_PAD_PROBE_TYPE_PUSH))
    return GST_PAD_PROBE_OK;
  gst_query_parse_allocation(query, &caps, NULL);
  g_assert_true(gst_video_info_from_caps(&video, caps));
  if (!s->pool)
    s->pool = gst_video_buffer_pool_new();
  config = gst_buffer_pool_get_config(s->pool);
  gst_buffer_pool_config_set_params(config, caps, (guint)video.size, 3, 0);
  gst_buffer_pool_config_add_option(config, GST_BUFFER_POOL_OPTION_VIDEO_META);
  gst_buffer_pool_set_config(s->pool, config);
  gst_query_add_allocation_pool(query, s->pool, (guint)video.size, 3, 0);
  gst_query_add_allocation_meta(query, GST_VIDEO_META_API_TYPE, NULL);
  return GST_PAD_PROBE_HANDLED;
}

static GstPadProbeReturn look_at_answer(GstPad *pad, GstPadProbeInfo *info, gpointer user)
{
  SinkPool *s = user;
  GstQuery *query = GST_PAD_PROBE_INFO_QUERY(info);

  if (GST_QUERY_TYPE(query) == GST_QUERY_ALLOCATION && gst_query_get_n_allocation_pools(query))
    gst_query_parse_nth_allocation_pool(query, 0, NULL, NULL, &s->min, NULL);
  return GST_PAD_PROBE_OK;
}

static void count_pooled(GstBuffer *buffer, gpointer data)
{
  SinkPool *s = data;

  s->n++;
  s->n_pooled += buffer->pool == s->pool;
}

static void add_probe(GstElement *pipeline, const gchar *name, const gchar *pad, GstPadProbeType type,
                      GstPadProbeCallback probe, gpointer data)
{
  g_autoptr(GstElement) element = gst_bin_get_by_name(GST_BIN(pipeline), name);
  g_autoptr(GstPad) p = gst_element_get_static_pad(element, pad);

  gst_pad_add_probe(p, type, probe, data, NULL);
}

/* Sources write into the sink's pool, through the whole line, and are told how many frames the line holds. */
static void test_allocation(void)
{
  g_autofree gchar *model = tiny_mean_model(line_dir(), 32, 16);
  g_autofree gchar *text = g_strdup_printf("videotestsrc name=source num-buffers=10 ! " VIDEO
                                           " ! queue ! qnnconvert frames-held=5 ! queue ! "
                                           "qnninfer model=%s ! qnndecode ! qnnoverlay ! fakesink name=sink",
                                           model);
  GstElement *pipeline = line_parse(text);
  SinkPool s = {0};
  g_autoptr(LineResult) r = NULL;

  add_probe(pipeline, "sink", "sink", GST_PAD_PROBE_TYPE_QUERY_DOWNSTREAM, answer_allocation, &s);
  add_probe(pipeline, "source", "src", GST_PAD_PROBE_TYPE_QUERY_DOWNSTREAM | GST_PAD_PROBE_TYPE_PULL,
            look_at_answer, &s);
  r = line_run(pipeline, count_pooled, &s);
  g_assert_true(r->eos);
  g_assert_cmpuint(s.n, ==, 10);
  g_assert_cmpuint(s.n_pooled, ==, 10);
  g_assert_cmpuint(s.min, ==, 3 + 5 + 1);
  gst_object_unref(pipeline);
  gst_clear_object(&s.pool);
  line_assert_no_leaks();
}

static GstPadProbeReturn check_slot(GstPad *pad, GstPadProbeInfo *info, gpointer user)
{
  GstMemory *memory = gst_buffer_peek_memory(GST_PAD_PROBE_INFO_BUFFER(info), 0);

  g_assert_cmpstr(memory->allocator->mem_type, ==, "QnnSlot");
  g_hash_table_add(user, memory->allocator);
  return GST_PAD_PROBE_OK;
}

/* The converter writes into memory of the engine element's allocator: one allocator, on both sides of it. */
static void test_slots(void)
{
  g_autofree gchar *model = tiny_mean_model(line_dir(), 32, 16);
  g_autofree gchar *text =
      g_strdup_printf("videotestsrc num-buffers=10 ! qnnconvert name=c ! queue ! qnninfer name=i "
                      "model=%s ! fakesink name=sink",
                      model);
  GstElement *pipeline = line_parse(text);
  g_autoptr(GHashTable) allocators = g_hash_table_new(NULL, NULL);
  g_autoptr(LineResult) r = NULL;

  add_probe(pipeline, "c", "src", GST_PAD_PROBE_TYPE_BUFFER, check_slot, allocators);
  add_probe(pipeline, "i", "src", GST_PAD_PROBE_TYPE_BUFFER, check_slot, allocators);
  r = line_run(pipeline, NULL, NULL);
  g_assert_true(r->eos);
  g_assert_cmpuint(g_hash_table_size(allocators), ==, 1);
  gst_object_unref(pipeline);
  line_assert_no_leaks();
}

/* The latency that is told upstream's is what a run takes, and a little more. */
static void test_latency(void)
{
  g_autofree gchar *model = tiny_mean_model(line_dir(), 32, 16);
  g_autofree gchar *text = g_strdup_printf("qnninfer model=%s", model);
  GstHarness *h = gst_harness_new_parse(text);
  guint64 own;

  gst_harness_set_src_caps_str(h, "neural-network/tensors,type=FLOAT32,dimensions=(int)<<1,3,16,32>>");
  gst_harness_set_upstream_latency(h, 5 * GST_MSECOND);
  gst_harness_get(h, "qnninfer", "latency-ns", &own, NULL);
  g_assert_cmpuint(own, >, 0);
  g_assert_cmpuint(gst_harness_query_latency(h), ==, 5 * GST_MSECOND + own);
  gst_harness_teardown(h);
  line_assert_no_leaks();
}

static void test_sharing(void)
{
  g_autofree gchar *path = tiny_mean_model(line_dir(), 32, 16);
  QfModelOptions plain = {.backend = "auto"}, ref = {.backend = "ref"};
  QfModel *a = gst_qnn_models_acquire(path, &plain, NULL), *b = gst_qnn_models_acquire(path, &plain, NULL);
  QfModel *c = gst_qnn_models_acquire(path, &ref, NULL), *d;

  g_assert_true(a && a == b && c && c != a);
  gst_qnn_models_release(a);
  d = gst_qnn_models_acquire(path, &plain, NULL);
  g_assert_true(d == b);
  gst_qnn_models_release(b);
  gst_qnn_models_release(d);
  gst_qnn_models_release(c);
  /* A file that has changed is another model. */
  a = gst_qnn_models_acquire(path, &plain, NULL);
  g_free(tiny_mean_model(line_dir(), 128, 16));
  b = gst_qnn_models_acquire(path, &plain, NULL);
  g_assert_true(a != b);
  gst_qnn_models_release(a);
  gst_qnn_models_release(b);
}

typedef struct {
  GstPad *sink, *source;
  gint stop;
  guint n;
} Asker;

static gpointer ask_on(gpointer data)
{
  Asker *a = data;

  while (!g_atomic_int_get(&a->stop)) {
    GstQuery *query =
        gst_query_new_custom(GST_QUERY_CUSTOM, gst_structure_new_empty(GST_QNN_INFERENCE_QUERY));
    gst_caps_unref(gst_pad_query_caps(a->sink, NULL));
    gst_pad_query(a->source, query);
    gst_query_unref(query);
    a->n++;
  }
  return NULL;
}

/* Other threads may ask for caps and for the model at any time, also while the element starts and stops. */
static void test_questions(void)
{
  g_autofree gchar *model = tiny_mean_model(line_dir(), 32, 16);
  GstElement *element = gst_element_factory_make("qnninfer", NULL);
  Asker asker = {.sink = gst_element_get_static_pad(element, "sink"),
                 .source = gst_element_get_static_pad(element, "src")};
  GThread *thread;

  g_object_set(element, "model", model, NULL);
  thread = g_thread_new("asker", ask_on, &asker);
  for (guint i = 0; i < 200; i++) {
    g_assert_cmpint(gst_element_set_state(element, GST_STATE_PAUSED), !=, GST_STATE_CHANGE_FAILURE);
    gst_element_set_state(element, GST_STATE_NULL);
  }
  g_atomic_int_set(&asker.stop, 1);
  g_thread_join(thread);
  g_assert_cmpuint(asker.n, >, 10);
  gst_object_unref(asker.sink);
  gst_object_unref(asker.source);
  gst_object_unref(element);
  line_assert_no_leaks();
}

/* What the engine computes is what the buffers hold, for one input and for two. */
static void test_numbers(void)
{
  g_autofree gchar *model = tiny_add_model(line_dir());
  g_autofree gchar *text = g_strdup_printf("qnninfer model=%s", model);
  GstHarness *h = gst_harness_new_parse(text);
  const gfloat a[4] = {1, 2, 3, 4}, b[4] = {10, 20, 30, -40};
  GstBuffer *in = gst_buffer_new(), *out;
  gfloat y[4];

  gst_harness_set_src_caps_str(h, "neural-network/tensors,type=FLOAT32,dimensions=(int)<<1,4>,<1,4>>");
  gst_buffer_append_memory(in, gst_memory_new_wrapped(GST_MEMORY_FLAG_READONLY, (gpointer)a, 16, 0, 16, NULL,
                                                      NULL));
  gst_buffer_append_memory(in, gst_memory_new_wrapped(GST_MEMORY_FLAG_READONLY, (gpointer)b, 16, 0, 16, NULL,
                                                      NULL));
  out = gst_harness_push_and_pull(h, in);
  g_assert_cmpuint(gst_buffer_extract(out, 0, y, 16), ==, 16);
  for (guint i = 0; i < 4; i++)
    g_assert_cmpfloat(y[i], ==, a[i] + b[i]);
  gst_buffer_unref(out);
  gst_harness_teardown(h);
  line_assert_no_leaks();
}

int main(int argc, char **argv)
{
  line_init(&argc, &argv);
  g_test_add_func("/elements/properties", test_properties);
  g_test_add_func("/elements/qos", test_qos);
  g_test_add_func("/elements/in-flight", test_in_flight);
  g_test_add_func("/elements/values", test_values);
  g_test_add_func("/elements/allocation", test_allocation);
  g_test_add_func("/elements/slots", test_slots);
  g_test_add_func("/elements/latency", test_latency);
  g_test_add_func("/elements/sharing", test_sharing);
  g_test_add_func("/elements/questions", test_questions);
  g_test_add_func("/elements/numbers", test_numbers);
  return line_exit(g_test_run());
}
