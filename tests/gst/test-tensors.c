/* SPDX-License-Identifier: MIT */
/*
 * test-tensors.c - tensor caps, the frame inside them, metas and memory slots: what the elements are built of.
 */
#include "gstqnnallocator.h"
#include "gstqnnmeta.h"
#include "gstqnnprop.h"
#include "line.h"
#include <string.h>

static GstQnnTensors *parse(const gchar *text)
{
  g_autoptr(GstCaps) caps = gst_caps_from_string(text);

  g_assert_nonnull(caps);
  return gst_qnn_tensors_from_structure(gst_caps_get_structure(caps, 0), NULL);
}

static void test_round_trip(void)
{
  g_autoptr(GstQnnTensors) t =
      parse(GST_QNN_TENSORS_MEDIA ", types=(string)<UINT8,FLOAT32>, dimensions=(int)<<1,224,224,3>,<1,10>>,"
                                  "names=(string)<a,b>, layouts=(string)<NHWC,ANY>, qscales=(double)<0.5,0>,"
                                  "qoffsets=(int)<-128,0>");
  g_autoptr(GstQnnTensors) again = NULL;
  GstStructure *s = gst_structure_new_empty(GST_QNN_TENSORS_MEDIA);

  g_assert_nonnull(t);
  gst_qnn_tensors_to_structure(t, s);
  again = gst_qnn_tensors_from_structure(s, NULL);
  gst_structure_free(s);
  g_assert_nonnull(again);
  g_assert_cmpuint(again->n, ==, 2);
  g_assert_cmpstr(again->desc[0].name, ==, "a");
  g_assert_cmpint(again->desc[0].dtype, ==, QF_DTYPE_UINT8);
  g_assert_cmpint(again->desc[1].dtype, ==, QF_DTYPE_FLOAT32);
  g_assert_cmpint(again->desc[0].layout, ==, QF_LAYOUT_NHWC);
  g_assert_cmpint(again->desc[0].dims[2], ==, 224);
  g_assert_cmpuint(again->desc[0].quant.count, ==, 1);
  g_assert_cmpfloat(again->desc[0].quant.entries[0].scale, ==, 0.5f);
  g_assert_cmpint(again->desc[0].quant.entries[0].offset, ==, -128);
  g_assert_cmpuint(again->desc[1].quant.count, ==, 0);
  g_assert_cmpuint(again->desc[0].size_bytes, ==, 224 * 224 * 3);
  g_assert_cmpuint(again->desc[1].size_bytes, ==, 40);
}

static void test_nonsense(void)
{
  static const gchar *const bad[] = {
      GST_QNN_TENSORS_MEDIA,
      GST_QNN_TENSORS_MEDIA ", type=FLOAT32",
      GST_QNN_TENSORS_MEDIA ", type=BANANA, dimensions=(int)<<1,2>>",
      GST_QNN_TENSORS_MEDIA ", dimensions=(int)<<1,2>>",
      GST_QNN_TENSORS_MEDIA ", type=FLOAT32, dimensions=(int)<1,2>",
      GST_QNN_TENSORS_MEDIA ", type=FLOAT32, dimensions=(int)<<1,-2>>",
      GST_QNN_TENSORS_MEDIA ", type=FLOAT32, dimensions=(int)<<1,1,1,1,1,1,1,1,1>>",
      GST_QNN_TENSORS_MEDIA ", type=FLOAT32, dimensions=(int)<<2000000000,2000000000,2000000000>>",
      GST_QNN_TENSORS_MEDIA ", type=FLOAT32, dimensions=(string)<\"1:2\">",
  };

  for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
    g_autoptr(GstCaps) caps = gst_caps_from_string(bad[i]);
    g_autofree gchar *why = NULL;
    g_assert_nonnull(caps);
    g_assert_null(gst_qnn_tensors_from_structure(gst_caps_get_structure(caps, 0), &why));
    g_assert_nonnull(why);
  }
}

/* Fixed caps must be a subset of every pad template, or elements with ACCEPT_TEMPLATE pads would refuse them. */
static void test_subset(void)
{
  static const gchar *const names[] = {"qnnconvert", "qnninfer", "qnndecode"};
  g_autoptr(GstCaps) caps = gst_caps_from_string(
      GST_QNN_TENSORS_MEDIA ", type=UINT8, dimensions=(int)<<1,4,4,3>>, frame-media=video/x-raw,"
                            "frame-format=NV12, frame-width=64");

  for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
    GstElementFactory *factory = gst_element_factory_find(names[i]);
    gboolean any = FALSE;
    g_assert_nonnull(factory);
    for (const GList *l = gst_element_factory_get_static_pad_templates(factory); l; l = l->next) {
      g_autoptr(GstCaps) own = gst_static_pad_template_get_caps(l->data);
      any |= gst_caps_is_subset(caps, own);
    }
    gst_object_unref(factory);
    g_assert_true(any);
  }
}

static void test_carry(void)
{
  g_autoptr(GstCaps) frame =
      gst_caps_from_string("video/x-raw, format={NV12,I420}, width=[1,100], height=10; "
                           "video/x-raw(memory:DMABuf), format=NV12");
  g_autoptr(GstCaps) tensors = gst_qnn_caps_carry_frame(frame);
  g_autoptr(GstCaps) back = gst_caps_new_empty();
  g_autoptr(GstCaps) other =
      gst_caps_from_string(GST_QNN_TENSORS_MEDIA ", frame-media=video/x-raw, frame-format=I420,"
                                                 "frame-width=50");
  g_autoptr(GstCaps) both = gst_caps_intersect(tensors, other);
  g_autoptr(GstCaps) one = NULL;

  g_assert_cmpuint(gst_caps_get_size(tensors), ==, 2);
  for (guint i = 0; i < 2; i++)
    back = gst_caps_merge(back, gst_qnn_structure_frame_caps(gst_caps_get_structure(tensors, i)));
  g_assert_true(gst_caps_is_strictly_equal(back, frame));
  /* The core's intersection works inside. */
  g_assert_cmpuint(gst_caps_get_size(both), >=, 1);
  one = gst_qnn_structure_frame_caps(gst_caps_get_structure(both, 0));
  g_assert_cmpstr(gst_structure_get_string(gst_caps_get_structure(one, 0), "format"), ==, "I420");
}

static void assert_mismatch(const gchar *wanted, const gchar *offered, const gchar *word)
{
  g_autoptr(GstQnnTensors) t = parse(wanted);
  g_autoptr(GstCaps) caps = gst_caps_from_string(offered);
  g_autofree gchar *text = gst_qnn_tensors_mismatch(t, gst_caps_get_structure(caps, 0));

  if (!word) {
    g_assert_cmpstr(text, ==, NULL);
    return;
  }
  g_assert_nonnull(text);
  g_test_message("%s", text);
  g_assert_nonnull(strstr(text, word));
}

#define T(rest) GST_QNN_TENSORS_MEDIA ", " rest
static void test_mismatch(void)
{
  const gchar *nchw =
      T("type=FLOAT32, dimensions=(int)<<1,3,4,8>>, layouts=(string)<NCHW>, names=(string)<x>");
  const gchar *scaled = T("type=UINT8, dimensions=(int)<<4>>, qscales=(double)<0.5>, qoffsets=(int)<0>");

  assert_mismatch(nchw, T("type=FLOAT32, dimensions=(int)<<1,3,4,8>>"), NULL);
  assert_mismatch(nchw, T("type=FLOAT32"), NULL);
  assert_mismatch(nchw, T("type=FLOAT32, dimensions=(int)<<1,4,8,3>>"), "transpose");
  assert_mismatch(nchw, T("type=FLOAT32, dimensions=(int)<<1,3,4,8>>, layouts=(string)<NHWC>"),
                  "layout differs");
  assert_mismatch(nchw, T("type=UINT8, dimensions=(int)<<1,3,4,8>>"), "type differs");
  assert_mismatch(nchw, T("type=FLOAT32, dimensions=(int)<<1,3,4,9>>"), "dimensions differ");
  assert_mismatch(nchw, T("type=FLOAT32, dimensions=(int)<<1,3,4,8>,<1>>"), "1 inputs and 2");
  assert_mismatch(T("type=FLOAT32, dimensions=(int)<<4>,<4>>, names=(string)<a,b>"),
                  T("type=FLOAT32, dimensions=(int)<<4>>"), "\"b\" is missing");
  assert_mismatch(scaled, T("type=UINT8, dimensions=(int)<<4>>, qscales=(double)<0.25>, qoffsets=(int)<0>"),
                  "scale and offset differ");
  assert_mismatch(scaled, T("type=UINT8, dimensions=(int)<<4>>"), NULL);
}

static void test_image(void)
{
  static const struct {
    const gchar *caps;
    gint width, height, channels; /* 0: no image */
    QfLayout layout;
  } cases[] = {
      {T("type=UINT8, dimensions=(int)<<1,4,8,3>>"), 8, 4, 3, QF_LAYOUT_NHWC},
      {T("type=UINT8, dimensions=(int)<<1,3,4,8>>"), 8, 4, 3, QF_LAYOUT_NCHW},
      {T("type=UINT8, dimensions=(int)<<4,8,1>>"), 8, 4, 1, QF_LAYOUT_NHWC},
      {T("type=UINT8, dimensions=(int)<<1,3,3,3>>"), 3, 3, 3, QF_LAYOUT_NHWC},
      {T("type=UINT8, dimensions=(int)<<1,1,4,3>>, layouts=(string)<NCHW>"), 3, 4, 1, QF_LAYOUT_NCHW},
      {T("type=UINT8, dimensions=(int)<<2,4,8,3>>"), 0, 0, 0, QF_LAYOUT_ANY},
      {T("type=UINT8, dimensions=(int)<<1,4,8,5>>"), 0, 0, 0, QF_LAYOUT_ANY},
      {T("type=UINT8, dimensions=(int)<<1,10>>"), 0, 0, 0, QF_LAYOUT_ANY},
  };

  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(GstQnnTensors) t = parse(cases[i].caps);
    gint width, height, channels;
    QfLayout layout;
    gboolean is = gst_qnn_tensor_is_image(&t->desc[0], &width, &height, &channels, &layout);
    g_assert_cmpint(is, ==, cases[i].width > 0);
    if (!is)
      continue;
    g_assert_cmpint(width, ==, cases[i].width);
    g_assert_cmpint(height, ==, cases[i].height);
    g_assert_cmpint(channels, ==, cases[i].channels);
    g_assert_cmpint(layout, ==, cases[i].layout);
  }
}

/* More tensors than a buffer has memories share one, at aligned places. */
static void test_many(void)
{
  QfTensorDesc d[20];
  const QfTensorDesc *p[20];
  g_autoptr(GstQnnTensors) t = NULL;

  for (guint i = 0; i < 20; i++) {
    d[i] =
        (QfTensorDesc){.name = "t", .dtype = QF_DTYPE_UINT8, .rank = 1, .dims = {i + 1}, .size_bytes = i + 1};
    p[i] = &d[i];
  }
  t = gst_qnn_tensors_new(p, 20);
  g_assert_cmpuint(t->n_memories, ==, 1);
  for (guint i = 0; i < 20; i++)
    g_assert_cmpuint(t->offset[i], ==, (gsize)i * QF_ALIGNMENT);
  g_assert_cmpuint(t->packed_bytes, ==, 20 * QF_ALIGNMENT);
}

static void count_done(gpointer object)
{
  g_object_set_data(object, "done", GINT_TO_POINTER(GPOINTER_TO_INT(g_object_get_data(object, "done")) + 1));
}

static void test_metas(void)
{
  g_autoptr(GstQnnTensors) t = parse(T("type=UINT8, dimensions=(int)<<4>>"));
  QfDetection detection = {.x = 1, .width = 2, .score = 0.5f, .label = "cat"};
  QfResults results = {.detections = &detection, .n_detections = 1};
  g_autoptr(GstQnnResults) made = gst_qnn_results_new(&results);
  GstBuffer *frame = gst_buffer_new(), *tensor = gst_buffer_new_allocate(NULL, 4, NULL), *copy, *part;
  GstObject *object = g_object_new(gst_qnn_allocator_get_type(), NULL);
  gpointer state = NULL;

  gst_object_ref_sink(object);
  gst_qnn_buffer_add_frame_meta(tensor, gst_buffer_ref(frame))->number = 7;
  gst_qnn_buffer_add_tensor_meta(tensor, t);
  gst_qnn_buffer_add_result_meta(tensor, made);
  gst_qnn_buffer_add_token(tensor, object, count_done);
  copy = gst_buffer_copy(tensor);
  part = gst_buffer_copy_region(tensor, GST_BUFFER_COPY_ALL, 0, 2);
  g_assert_nonnull(gst_qnn_buffer_get_tensor_meta(copy));
  g_assert_null(gst_qnn_buffer_get_tensor_meta(part)); /* it would describe more than is there */
  g_assert_true(gst_qnn_buffer_get_frame_meta(copy)->frame == frame);
  g_assert_cmpuint(gst_qnn_buffer_get_frame_meta(copy)->number, ==, 7);
  g_assert_cmpstr(gst_qnn_buffer_next_result_meta(copy, &state)->results->results.detections[0].label, ==,
                  "cat");
  g_assert_null(gst_qnn_buffer_next_result_meta(copy, &state));
  gst_buffer_unref(copy);
  gst_buffer_unref(part);
  g_assert_null(g_object_get_data(G_OBJECT(object), "done"));
  gst_buffer_unref(tensor);
  g_assert_cmpint(GPOINTER_TO_INT(g_object_get_data(G_OBJECT(object), "done")), ==, 1);
  g_assert_cmpint(GST_MINI_OBJECT_REFCOUNT_VALUE(frame), ==, 1);
  gst_buffer_unref(frame);
  gst_object_unref(object);
  line_assert_no_leaks();
}

static void test_slots(gconstpointer shared)
{
  GstAllocator *allocator = gst_qnn_allocator_new(shared != NULL);
  GstAllocationParams params;
  GstMemory *part, *memory;

  gst_qnn_allocation_params_init(&params);
  for (guint i = 0; i < 100; i++) {
    GstMapInfo map;
    memory = gst_allocator_alloc(allocator, 1000, &params);
    g_assert_true(gst_memory_map(memory, &map, GST_MAP_WRITE));
    g_assert_cmpuint((gsize)map.data % QF_ALIGNMENT, ==, 0);
    g_assert_cmpuint(map.size, ==, 1000);
    memset(map.data, (gint)i, map.size);
    gst_memory_unmap(memory, &map);
    gst_memory_unref(memory);
  }
  g_assert_cmpuint(gst_qnn_allocator_n_slots(GST_QNN_ALLOCATOR(allocator)), ==, 1);
  /* A shared part keeps the slot of the whole. */
  memory = gst_allocator_alloc(allocator, 1000, &params);
  part = gst_memory_share(memory, 100, 50);
  gst_memory_unref(memory);
  memory = gst_allocator_alloc(allocator, 1000, &params);
  g_assert_cmpuint(gst_qnn_allocator_n_slots(GST_QNN_ALLOCATOR(allocator)), ==, 2);
  gst_memory_unref(memory);
  gst_memory_unref(part);
  g_assert_null(gst_allocator_alloc(allocator, G_MAXSIZE - 64, &params));
  gst_object_unref(allocator);
  line_assert_no_leaks();
}

static void test_triple(void)
{
  gfloat v[3];

  g_assert_true(gst_qnn_parse_triple("2.5", v));
  g_assert_cmpfloat(v[2], ==, 2.5f);
  g_assert_true(gst_qnn_parse_triple("1, -2,3e1", v));
  g_assert_cmpfloat(v[1], ==, -2);
  g_assert_cmpfloat(v[2], ==, 30);
  g_assert_true(gst_qnn_parse_triple("<1,2,3>", v));
  g_assert_false(gst_qnn_parse_triple("1,2", v));
  g_assert_false(gst_qnn_parse_triple("1,2,3,4", v));
  g_assert_false(gst_qnn_parse_triple("red", v));
  g_assert_false(gst_qnn_parse_triple("", v));
}

/* The check that the other tests end with sees what it is for. */
static void test_leak_check(void)
{
  GstBuffer *buffer = gst_buffer_new();
  GstElement *element = gst_element_factory_make("qnnprofile", NULL);

  g_assert_cmpuint(line_count_leaks(FALSE), >=, 2);
  gst_buffer_unref(buffer);
  gst_object_unref(element);
  g_assert_cmpuint(line_count_leaks(FALSE), ==, 0);
}

int main(int argc, char **argv)
{
  line_init(&argc, &argv);
  g_test_add_func("/tensors/round-trip", test_round_trip);
  g_test_add_func("/tensors/nonsense", test_nonsense);
  g_test_add_func("/tensors/subset", test_subset);
  g_test_add_func("/tensors/carry", test_carry);
  g_test_add_func("/tensors/mismatch", test_mismatch);
  g_test_add_func("/tensors/image", test_image);
  g_test_add_func("/tensors/many", test_many);
  g_test_add_func("/tensors/metas", test_metas);
  g_test_add_data_func("/tensors/slots", NULL, test_slots);
  g_test_add_data_func("/tensors/slots-shared", "shared", test_slots);
  g_test_add_func("/tensors/leak-check", test_leak_check);
  g_test_add_func("/tensors/triple", test_triple);
  return line_exit(g_test_run());
}
