/* SPDX-License-Identifier: MIT */
/*
 * bench-image.c - 1080p NV12 to a 224x224 tensor: our one pass against GStreamer's conversion to RGB alone, in one run.
 *
 * usage: bench-image [turns]. Each in turn converts a few frames, so that a busy machine slows all of them; a turn counts with
 * its fastest frame, and the median of the turns is compared. "hot" converts the same frame again and again, "cold" goes
 * round 48 frames, more than the caches hold. One thread each.
 * Prints a table and, last, the ratio of videoconvertscale to ours, hot.
 */
#include <gst/check/gstharness.h>
#include <gst/video/video.h>
#include <qnnflow/image.h>

#include <stdlib.h>

#define WIDTH 1920
#define HEIGHT 1080
#define SIDE 224
#define FRAMES 48
#define TURN 8

typedef struct {
  GstBuffer *frames[FRAMES];
  GstVideoInfo in, out;
  GstHarness *element;
  GstVideoConverter *library;
  GstBuffer *rgb;
  QfImageConverter *ours[3];
  uint8_t tensor[SIDE * SIDE * 3 * 4];
} Bench;

static void convert_ours(Bench *b, GstBuffer *buffer, int which)
{
  GstVideoFrame f;
  if (!gst_video_frame_map(&f, &b->in, buffer, GST_MAP_READ))
    abort();
  QfImage image = {.format = QF_PIXEL_NV12,
                   .width = WIDTH,
                   .height = HEIGHT,
                   .planes = {GST_VIDEO_FRAME_PLANE_DATA(&f, 0), GST_VIDEO_FRAME_PLANE_DATA(&f, 1)},
                   .strides = {GST_VIDEO_FRAME_PLANE_STRIDE(&f, 0), GST_VIDEO_FRAME_PLANE_STRIDE(&f, 1)}};
  if (!qf_image_convert(b->ours[which], &image, NULL, b->tensor, NULL, NULL))
    abort();
  gst_video_frame_unmap(&f);
}

static void convert_element(Bench *b, GstBuffer *buffer, int which)
{
  if (gst_harness_push(b->element, gst_buffer_ref(buffer)) != GST_FLOW_OK)
    abort();
  gst_buffer_unref(gst_harness_pull(b->element));
}

static void convert_library(Bench *b, GstBuffer *buffer, int which)
{
  GstVideoFrame in, out;
  if (!gst_video_frame_map(&in, &b->in, buffer, GST_MAP_READ) ||
      !gst_video_frame_map(&out, &b->out, b->rgb, GST_MAP_WRITE))
    abort();
  gst_video_converter_frame(b->library, &in, &out);
  gst_video_frame_unmap(&out);
  gst_video_frame_unmap(&in);
}

static const struct {
  const char *name;
  void (*convert)(Bench *b, GstBuffer *buffer, int which);
  int which;
} subjects[] = {
    {"videoconvertscale, to RGB", convert_element, 0},
    {"GstVideoConverter linear 2 taps, to RGB", convert_library, 0},
    {"qnnflow bilinear, to int8 NHWC", convert_ours, 0},
    {"qnnflow bilinear, to float32 NCHW", convert_ours, 1},
    {"qnnflow area, to int8 NHWC", convert_ours, 2},
};

#define SUBJECTS G_N_ELEMENTS(subjects)

static void setup(Bench *b)
{
  gst_video_info_set_format(&b->in, GST_VIDEO_FORMAT_NV12, WIDTH, HEIGHT);
  gst_video_info_set_format(&b->out, GST_VIDEO_FORMAT_RGB, SIDE, SIDE);
  b->in.fps_n = b->out.fps_n = 30;
  for (int i = 0; i < FRAMES; i++) {
    GstMapInfo map;
    b->frames[i] = gst_buffer_new_allocate(NULL, b->in.size, NULL);
    gst_buffer_map(b->frames[i], &map, GST_MAP_WRITE);
    for (gsize k = 0; k < map.size; k++)
      map.data[k] = (uint8_t)(k * 7 + (k >> 9) + (gsize)i);
    gst_buffer_unmap(b->frames[i], &map);
  }
  b->rgb = gst_buffer_new_allocate(NULL, b->out.size, NULL);
  b->library =
      gst_video_converter_new(&b->in, &b->out,
                              gst_structure_new("config", GST_VIDEO_CONVERTER_OPT_RESAMPLER_METHOD,
                                                GST_TYPE_VIDEO_RESAMPLER_METHOD,
                                                GST_VIDEO_RESAMPLER_METHOD_LINEAR,
                                                GST_VIDEO_RESAMPLER_OPT_MAX_TAPS, G_TYPE_INT, 2, NULL));
  b->element = gst_harness_new("videoconvertscale");
  g_autoptr(GstCaps) in = gst_video_info_to_caps(&b->in), out = gst_video_info_to_caps(&b->out);
  gst_harness_set_caps(b->element, gst_caps_ref(in), gst_caps_ref(out));
  const QfImage frame = {.format = QF_PIXEL_NV12,
                         .width = WIDTH,
                         .height = HEIGHT,
                         .matrix = QF_MATRIX_BT709};
  QfImageTarget t = {.dtype = QF_DTYPE_INT8,
                     .width = SIDE,
                     .height = SIDE,
                     .mean = {127.5f, 127.5f, 127.5f},
                     .std = {127.5f, 127.5f, 127.5f},
                     .scale = 1 / 127.5f};
  b->ours[0] = qf_image_converter_new(&frame, &t, NULL);
  t.filter = QF_FILTER_AREA;
  b->ours[2] = qf_image_converter_new(&frame, &t, NULL);
  t.filter = QF_FILTER_BILINEAR;
  t.dtype = QF_DTYPE_FLOAT32;
  t.layout = QF_LAYOUT_NCHW;
  b->ours[1] = qf_image_converter_new(&frame, &t, NULL);
}

static int compare(const void *a, const void *b)
{
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double fastest(Bench *b, guint s, int frames, unsigned *at)
{
  double best = G_MAXDOUBLE;
  for (int i = 0; i < TURN; i++) {
    GstBuffer *frame = b->frames[(*at)++ % (unsigned)frames];
    GstClockTime start = gst_util_get_timestamp();
    subjects[s].convert(b, frame, subjects[s].which);
    double us = (double)(gst_util_get_timestamp() - start) / 1000;
    best = MIN(best, us);
  }
  return best;
}

/* Microseconds of each subject over @n turns on @frames frames. */
static void measure(Bench *b, int n, int frames, double *median)
{
  g_autofree double *times = g_new(double, SUBJECTS *(gsize)n);
  unsigned at = 0;
  for (guint s = 0; s < SUBJECTS; s++)
    fastest(b, s, frames, &at);
  for (int i = 0; i < n; i++)
    for (guint s = 0; s < SUBJECTS; s++)
      times[s * (guint)n + (guint)i] = fastest(b, s, frames, &at);
  for (guint s = 0; s < SUBJECTS; s++) {
    qsort(times + s * (guint)n, (size_t)n, sizeof(double), compare);
    median[s] = times[s * (guint)n + (guint)n / 2];
  }
}

int main(int argc, char **argv)
{
  static Bench b;
  double hot[SUBJECTS], cold[SUBJECTS];
  int n = argc > 1 ? atoi(argv[1]) : 50;
  gst_init(NULL, NULL);
  setup(&b);
  n = CLAMP(n, 1, 100000);
  measure(&b, n, 1, hot);
  measure(&b, n, FRAMES, cold);
  g_print("%dx%d NV12 to %dx%d, one thread, kernel %s, median of %d turns\n", WIDTH, HEIGHT, SIDE, SIDE,
          qf_image_converter_kernel(b.ours[0]), n);
  g_print("%-42s %10s %10s\n", "", "hot us", "cold us");
  for (guint s = 0; s < SUBJECTS; s++)
    g_print("%-42s %10.1f %10.1f\n", subjects[s].name, hot[s], cold[s]);
  g_print("videoconvertscale / qnnflow int8: cold %.2f, hot %.2f\n", cold[0] / cold[2], hot[0] / hot[2]);
  for (guint i = 0; i < 3; i++)
    qf_image_converter_free(b.ours[i]);
  gst_harness_teardown(b.element);
  gst_video_converter_free(b.library);
  gst_buffer_unref(b.rgb);
  for (guint i = 0; i < FRAMES; i++)
    gst_buffer_unref(b.frames[i]);
  return 0;
}
