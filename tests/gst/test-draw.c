/* SPDX-License-Identifier: MIT */
/*
 * test-draw.c - drawing into frames of every format the overlay takes, read back through GStreamer's own converter.
 */
#include "gstqnndraw.h"
#include "gstqnnmeta.h"
#include "line.h"
#include <gst/check/gstharness.h>
#include <string.h>

#define WIDTH 64
#define HEIGHT 48

static GstBuffer *black_frame(const GstVideoInfo *info)
{
  GstBuffer *buffer = gst_buffer_new_allocate(NULL, GST_VIDEO_INFO_SIZE(info), NULL);
  GstVideoFrame frame;
  GstQnnCanvas canvas;

  g_assert_true(gst_video_frame_map(&frame, info, buffer, GST_MAP_READWRITE));
  gst_qnn_canvas_init(&canvas, &frame);
  gst_qnn_canvas_fill(&canvas, 0, 0, WIDTH, HEIGHT, gst_qnn_canvas_color(&canvas, 0x000000));
  gst_video_frame_unmap(&frame);
  return buffer;
}

/* The frame as 0xRRGGBB at x, y. */
typedef struct {
  guint8 rgb[HEIGHT][WIDTH][3];
} Picture;

static void to_picture(const GstVideoInfo *info, GstBuffer *buffer, Picture *picture)
{
  GstVideoInfo rgb;
  GstBuffer *out;
  GstVideoFrame from, to;
  GstVideoConverter *converter;

  gst_video_info_set_format(&rgb, GST_VIDEO_FORMAT_RGB, WIDTH, HEIGHT);
  out = gst_buffer_new_allocate(NULL, GST_VIDEO_INFO_SIZE(&rgb), NULL);
  converter = gst_video_converter_new((GstVideoInfo *)info, &rgb,
                                      gst_structure_new("o", GST_VIDEO_CONVERTER_OPT_CHROMA_MODE,
                                                        GST_TYPE_VIDEO_CHROMA_MODE,
                                                        GST_VIDEO_CHROMA_MODE_NONE, NULL));
  g_assert_nonnull(converter);
  g_assert_true(gst_video_frame_map(&from, info, buffer, GST_MAP_READ));
  g_assert_true(gst_video_frame_map(&to, &rgb, out, GST_MAP_WRITE));
  gst_video_converter_frame(converter, &from, &to);
  for (gint y = 0; y < HEIGHT; y++)
    memcpy(picture->rgb[y], (guint8 *)to.data[0] + (gsize)y * GST_VIDEO_FRAME_PLANE_STRIDE(&to, 0),
           WIDTH * 3);
  gst_video_frame_unmap(&to);
  gst_video_frame_unmap(&from);
  gst_video_converter_free(converter);
  gst_buffer_unref(out);
}

static void assert_pixel(const Picture *p, gint x, gint y, guint32 rgb, gboolean grey)
{
  for (gint c = 0; c < 3; c++) {
    gint want = (rgb >> (16 - 8 * c)) & 255;
    if (grey)
      want = (gint)(0.299 * ((rgb >> 16) & 255) + 0.587 * ((rgb >> 8) & 255) + 0.114 * (rgb & 255) + 0.5);
    g_assert_cmpint(ABS(p->rgb[y][x][c] - want), <=, 6);
  }
}

static const gchar *const formats[] = {"NV12", "NV21", "I420", "YV12", "YUY2", "UYVY", "RGB",  "BGR",  "RGBA",
                                       "BGRA", "ARGB", "ABGR", "RGBx", "BGRx", "xRGB", "xBGR", "GRAY8"};

/* A box with even corners, and one that lies over two edges. */
static void test_box(void)
{
  for (guint i = 0; i < G_N_ELEMENTS(formats); i++) {
    gboolean grey = g_str_equal(formats[i], "GRAY8");
    GstVideoInfo info;
    GstVideoFrame frame;
    GstQnnCanvas canvas;
    GstBuffer *buffer;
    Picture *p = g_new(Picture, 1);
    gst_video_info_set_format(&info, gst_video_format_from_string(formats[i]), WIDTH, HEIGHT);
    buffer = black_frame(&info);
    g_assert_true(gst_video_frame_map(&frame, &info, buffer, GST_MAP_READWRITE));
    gst_qnn_canvas_init(&canvas, &frame);
    gst_qnn_canvas_box(&canvas, 8, 8, 16, 12, 2, gst_qnn_canvas_color(&canvas, 0xff8020));
    gst_qnn_canvas_box(&canvas, 50, -10, 100, 20, 4, gst_qnn_canvas_color(&canvas, 0x2040ff));
    gst_video_frame_unmap(&frame);
    to_picture(&info, buffer, p);
    assert_pixel(p, 8, 8, 0xff8020, grey);
    assert_pixel(p, 23, 19, 0xff8020, grey);
    assert_pixel(p, 9, 14, 0xff8020, grey);
    assert_pixel(p, 16, 18, 0xff8020, grey);
    assert_pixel(p, 14, 14, 0x000000, grey);
    assert_pixel(p, 6, 6, 0x000000, grey);
    assert_pixel(p, 26, 14, 0x000000, grey);
    assert_pixel(p, 52, 0, 0x2040ff, grey);
    assert_pixel(p, 60, 8, 0x2040ff, grey);
    assert_pixel(p, 60, 2, 0x000000, grey);
    assert_pixel(p, 60, 14, 0x000000, grey);
    gst_buffer_unref(buffer);
    g_free(p);
  }
}

static void test_mask(void)
{
  static const guint8 cells[4] = {0, 1, 2, 0};
  QfMask mask = {.classes = cells, .width = 2, .height = 2, .region = {16, 0, 32, 48}, .n_classes = 3};

  for (guint i = 0; i < G_N_ELEMENTS(formats); i++) {
    gboolean grey = g_str_equal(formats[i], "GRAY8");
    GstVideoInfo info;
    GstVideoFrame frame;
    GstQnnCanvas canvas;
    GstQnnColor colors[3];
    GstBuffer *buffer;
    Picture *p = g_new(Picture, 1);
    gst_video_info_set_format(&info, gst_video_format_from_string(formats[i]), WIDTH, HEIGHT);
    buffer = black_frame(&info);
    g_assert_true(gst_video_frame_map(&frame, &info, buffer, GST_MAP_READWRITE));
    gst_qnn_canvas_init(&canvas, &frame);
    colors[0] = gst_qnn_canvas_color(&canvas, 0xffffff);
    colors[1] = gst_qnn_canvas_color(&canvas, 0xff0000);
    colors[2] = gst_qnn_canvas_color(&canvas, 0x00ff00);
    gst_qnn_canvas_mask(&canvas, &mask, colors, 3, 256);
    gst_video_frame_unmap(&frame);
    to_picture(&info, buffer, p);
    assert_pixel(p, 8, 10, 0x000000, grey);
    assert_pixel(p, 24, 10, 0x000000, grey);
    assert_pixel(p, 40, 10, 0xff0000, grey);
    assert_pixel(p, 24, 40, 0x00ff00, grey);
    assert_pixel(p, 40, 40, 0x000000, grey);
    assert_pixel(p, 56, 10, 0x000000, grey);
    gst_buffer_unref(buffer);
    g_free(p);
  }
}

/* Every glyph but the blank has ink, no two are the same, and where there is room all keep off the corner of their cell. */
static void test_font(void)
{
  for (gint height = 10; height <= 40; height += 6) {
    GstQnnFont *font = gst_qnn_font_new(height);
    gsize size = (gsize)font->width * font->height;
    g_autoptr(GHashTable) seen = g_hash_table_new(g_bytes_hash, g_bytes_equal);
    g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    for (guchar c = 32; c < 127; c++) {
      const guint8 *glyph = gst_qnn_font_glyph(font, c);
      GBytes *bytes = g_bytes_new(glyph, size);
      guint ink = 0;
      for (gsize k = 0; k < size; k++)
        ink += glyph[k] > 127;
      g_assert_cmpint(ink > 0, ==, c != ' ');
      g_ptr_array_add(all, bytes);
      g_assert_true(g_hash_table_add(seen, bytes));
      if (height >= 16)
        g_assert_cmpuint(glyph[0], ==, 0);
    }
    g_assert_true(gst_qnn_font_glyph(font, 200) == gst_qnn_font_glyph(font, '?'));
    gst_qnn_font_free(font);
  }
}

static guint64 sum_of(GstBuffer *buffer)
{
  GstMapInfo map;
  guint64 sum = 0;

  g_assert_true(gst_buffer_map(buffer, &map, GST_MAP_READ));
  for (gsize i = 0; i < map.size; i++)
    sum += map.data[i];
  gst_buffer_unmap(buffer, &map);
  return sum;
}

/* The element draws what metas say, in place, and leaves frames without any alone. */
static void test_element(void)
{
  GstHarness *h = gst_harness_new("qnnoverlay");
  GstBuffer *in, *out;
  GstMemory *memory;
  GstVideoInfo info;
  guint64 before;
  QfKeypoint keypoint = {30, 30, 1};
  QfDetection detection = {
      .x = 8, .y = 20, .width = 20, .height = 20, .n_keypoints = 1, .keypoints = {keypoint}};
  QfClass class = {.score = 0.9f, .class_id = 3, .label = "cat"};
  QfResults results = {.detections = &detection, .n_detections = 1, .classes = &class, .n_classes = 1};

  gst_video_info_set_format(&info, GST_VIDEO_FORMAT_NV12, WIDTH, HEIGHT);
  gst_harness_set_src_caps_str(h, "video/x-raw,format=NV12,width=64,height=48,framerate=30/1");
  in = black_frame(&info);
  before = sum_of(in);
  memory = gst_buffer_peek_memory(in, 0);
  out = gst_harness_push_and_pull(h, in);
  g_assert_true(gst_buffer_peek_memory(out, 0) == memory);
  g_assert_cmpuint(sum_of(out), ==, before);
  gst_buffer_unref(out);

  in = black_frame(&info);
  memory = gst_buffer_peek_memory(in, 0);
  gst_buffer_add_video_region_of_interest_meta(in, "dog", 8, 20, 20, 20);
  out = gst_harness_push_and_pull(h, in);
  g_assert_true(gst_buffer_peek_memory(out, 0) == memory);
  g_assert_cmpuint(sum_of(out), >, before);
  gst_buffer_unref(out);

  in = black_frame(&info);
  gst_qnn_buffer_add_result_meta(in, gst_qnn_results_new(&results));
  gst_qnn_results_unref(gst_qnn_buffer_next_result_meta(in, &(gpointer){NULL})->results);
  out = gst_harness_push_and_pull(h, in);
  g_assert_cmpuint(sum_of(out), >, before);
  gst_buffer_unref(out);
  gst_harness_teardown(h);
  line_assert_no_leaks();
}

int main(int argc, char **argv)
{
  line_init(&argc, &argv);
  g_test_add_func("/draw/box", test_box);
  g_test_add_func("/draw/mask", test_mask);
  g_test_add_func("/draw/font", test_font);
  g_test_add_func("/draw/element", test_element);
  return line_exit(g_test_run());
}
