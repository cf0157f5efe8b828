/* SPDX-License-Identifier: MIT */
/*
 * test-image.c - frames to tensors: every format, fit, filter, type and kernel against the formula in double precision,
 * and the formula against numbers worked out by hand.
 *
 * Planes end at a page that must not be touched, tensors stand between guard bytes at odd addresses.
 */
#include <qnnflow/image.h>

#include "libqnnflow/image/formats.h"

#include <math.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define GUARD 67 /* odd: tensors are unaligned */

typedef struct {
  QfImage image;
  void *map[3];
  size_t map_size[3];
} Frame;

static int32_t rows_of(const QfPixelInfo *info, int p, int32_t height)
{
  for (int k = 0; k < 3; k++)
    if (info->component[k].plane == p && info->component[k].shift_y)
      return (height + 1) / 2;
  return height;
}

/* Random bytes; plane ends touch a page without access. */
static void frame_init(Frame *f, QfPixelFormat format, int32_t width, int32_t height, int32_t padding)
{
  const QfPixelInfo *info = qf_pixel_info(format);
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  *f = (Frame){.image = {.format = format, .width = width, .height = height}};
  for (int p = 0; p < info->n_planes; p++) {
    int32_t bytes = qf_pixel_row_bytes(info, p, width), stride = bytes + padding,
            rows = rows_of(info, p, height);
    size_t size = (size_t)stride * (rows - 1) + bytes; /* the last row has no padding */
    f->map_size[p] = (size + 2 * page - 1) / page * page;
    f->map[p] = mmap(NULL, f->map_size[p], PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    g_assert_true(f->map[p] != MAP_FAILED);
    uint8_t *end = (uint8_t *)f->map[p] + f->map_size[p] - page, *data = end - size;
    g_assert_cmpint(mprotect(end, page, PROT_NONE), ==, 0);
    for (size_t i = 0; i < size; i++)
      data[i] = (uint8_t)(g_test_rand_int() >> 8);
    f->image.planes[p] = data;
    f->image.strides[p] = stride;
  }
}

static void frame_clear(Frame *f)
{
  for (int p = 0; p < 3; p++)
    if (f->map[p])
      munmap(f->map[p], f->map_size[p]);
}

static double element(const void *tensor, QfDType dtype, size_t i)
{
  const uint8_t *at = (const uint8_t *)tensor + i * qf_dtype_size(dtype);
  union {
    float f;
    uint16_t u16;
    int16_t i16;
  } u;
  memcpy(&u, at, MIN(qf_dtype_size(dtype), 4));
  if (dtype == QF_DTYPE_FLOAT16) {
    int exponent = (u.u16 >> 10) & 31, mantissa = u.u16 & 1023;
    double v = exponent ? ldexp(1024 + mantissa, exponent - 25) : ldexp(mantissa, -24);
    return u.u16 & 0x8000 ? -v : v;
  }
  return dtype == QF_DTYPE_FLOAT32  ? u.f
         : dtype == QF_DTYPE_UINT8  ? at[0]
         : dtype == QF_DTYPE_INT8   ? (int8_t)at[0]
         : dtype == QF_DTYPE_UINT16 ? u.u16
                                    : u.i16;
}

/* The stated bound is one level of 255; what is allowed here is what the kernels promise, which is far less. */
static double tolerance(const QfImageTarget *t, int c, double expected)
{
  double levels = 0.05 / (t->std[c] ? t->std[c] : 1);
  switch (t->dtype) {
  case QF_DTYPE_FLOAT32: return levels + 1e-6 * fabs(expected);
  case QF_DTYPE_FLOAT16: return levels + fabs(expected) / 1024;
  case QF_DTYPE_UINT8:
  case QF_DTYPE_INT8: return 1;
  default: return levels / (t->scale ? t->scale : 1) + 1;
  }
}

static void compare(const void *got, const void *want, const QfImageTarget *t, const char *what)
{
  int channels = t->channels == QF_CHANNELS_GRAY ? 1 : 3;
  size_t n = (size_t)t->width * t->height, total = n * channels;
  for (size_t i = 0; i < total; i++) {
    int c = t->layout == QF_LAYOUT_NCHW ? (int)(i / n) : (int)(i % channels);
    double a = element(got, t->dtype, i), b = element(want, t->dtype, i);
    if (!(fabs(a - b) <= tolerance(t, c, b)))
      g_error("%s: element %zu is %g, must be %g", what, i, a, b);
  }
}

typedef void (*Convert)(gpointer user, void *tensor);

/* Runs @convert between guards and compares. */
static void check_into(Convert convert, gpointer user, const QfImageTarget *t, const void *want,
                       const char *what)
{
  size_t size =
      (size_t)t->width * t->height * (t->channels == QF_CHANNELS_GRAY ? 1 : 3) * qf_dtype_size(t->dtype);
  g_autofree uint8_t *memory = g_malloc(size + 2 * GUARD);
  memset(memory, 0xa5, size + 2 * GUARD);
  convert(user, memory + GUARD);
  for (size_t i = 0; i < GUARD; i++)
    if (memory[i] != 0xa5 || memory[GUARD + size + i] != 0xa5)
      g_error("%s: wrote outside the tensor", what);
  compare(memory + GUARD, want, t, what);
}

typedef struct {
  QfImageConverter *converter;
  const Frame *frame;
  const QfRect *crop;
  const QfkImagePlan *plan;
} Run;

static void run_api(gpointer user, void *tensor)
{
  Run *r = user;
  GError *error = NULL;
  gboolean ok = qf_image_convert(r->converter, &r->frame->image, r->crop, tensor, NULL, &error);
  g_assert_no_error(error);
  g_assert_true(ok);
}

static void run_plan(gpointer user, void *tensor)
{
  Run *r = user;
  qfk_image_convert(r->plan, r->frame->image.planes, r->frame->image.strides, tensor);
}

/* One frame into one target: the converter, then each kernel, against the reference. */
static void check_case(const Frame *f, const QfImageTarget *t, const QfRect *crop)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(QfImageConverter) converter = qf_image_converter_new(&f->image, t, &error);
  g_assert_no_error(error);
  g_autofree char *what = g_strdup_printf("%s %dx%d to %s %dx%d, fit %d, filter %d, layout %d, channels %d",
                                          qf_pixel_name(f->image.format), f->image.width, f->image.height,
                                          qf_dtype_name(t->dtype), t->width, t->height, t->fit, t->filter,
                                          t->layout, t->channels);
  size_t size = (size_t)t->width * t->height * 3 * qf_dtype_size(t->dtype);
  g_autofree void *scratch = g_malloc(size), *want = g_malloc(size);
  Run run = {.converter = converter, .frame = f, .crop = crop};
  run_api(&run, scratch);
  const QfkImageSpec *spec = qf_image_converter_spec(converter);
  qfk_image_convert_ref(spec, f->image.planes, f->image.strides, want);
  check_into(run_api, &run, t, want, what);
  int32_t count;
  const QfkImageKernel *kernels = qfk_image_kernels(&count);
  for (int32_t i = 0; i < count; i++) {
    if ((kernels[i].features & qfk_cpu_features()) != kernels[i].features)
      continue;
    QfkImagePlan plan;
    void *memory = g_aligned_alloc(1, qfk_image_plan_size(spec), 64);
    qfk_image_plan_init(&plan, spec, kernels[i].rows, memory);
    g_autofree char *name = g_strdup_printf("%s, kernel %s", what, kernels[i].isa);
    run.plan = &plan;
    check_into(run_plan, &run, t, want, name);
    g_aligned_free(memory);
  }
}

static const QfDType dtypes[] = {QF_DTYPE_FLOAT32, QF_DTYPE_FLOAT16, QF_DTYPE_UINT8,
                                 QF_DTYPE_INT8,    QF_DTYPE_UINT16,  QF_DTYPE_INT16};

static QfImageTarget random_target(int i)
{
  QfDType dtype = dtypes[i % G_N_ELEMENTS(dtypes)];
  QfImageTarget t = {.dtype = dtype,
                     .layout = (i / 6) % 2 ? QF_LAYOUT_NCHW : QF_LAYOUT_NHWC,
                     .channels = (QfChannelOrder)((i / 12) % 3),
                     .filter = (QfFilter)((i / 36) % 2),
                     .fit = (QfFit)((i / 72) % 4),
                     .width = g_test_rand_int_range(1, 70),
                     .height = g_test_rand_int_range(1, 40),
                     .border = {114, (uint8_t)(i % 2 ? 114 : 9), 114}};
  gboolean wide = dtype == QF_DTYPE_UINT16 || dtype == QF_DTYPE_INT16;
  if (i % 3) { /* else the defaults */
    for (int c = 0; c < 3; c++) {
      t.mean[c] = 100 + 20 * (float)c;
      t.std[c] = 50 + 10 * (float)c;
    }
    t.scale = wide ? 1 / 8192.0f : 0.03f;
    t.offset = dtype == QF_DTYPE_UINT8 ? -128 : dtype == QF_DTYPE_UINT16 ? -30000 : 3;
  }
  return t;
}

static void test_all(gconstpointer data)
{
  QfPixelFormat format = (QfPixelFormat)GPOINTER_TO_INT(data);
  for (int i = 0; i < 288; i++) {
    Frame f;
    gboolean small = i % 5 == 0;
    frame_init(&f, format, g_test_rand_int_range(1, small ? 12 : 260),
               g_test_rand_int_range(1, small ? 12 : 120), g_test_rand_int_range(0, 70));
    f.image.matrix = (QfColorMatrix)(i % 3);
    f.image.full_range = (i / 2) % 2;
    QfImageTarget t = random_target(i);
    QfRect crop = {g_test_rand_int_range(-3, f.image.width), g_test_rand_int_range(-3, f.image.height),
                   g_test_rand_int_range(4, 200), g_test_rand_int_range(4, 200)};
    check_case(&f, &t, i % 4 == 3 ? &crop : NULL);
    frame_clear(&f);
  }
}

/* Full-size frames, where the shuffles need many blocks. */
static void test_large(void)
{
  static const struct {
    QfPixelFormat format;
    int32_t width, height, out_width, out_height;
  } cases[] = {
      {QF_PIXEL_NV12, 1920, 1080, 224, 224}, {QF_PIXEL_RGBA, 1920, 1080, 224, 56},
      {QF_PIXEL_RGB, 1919, 541, 321, 64},    {QF_PIXEL_ARGB, 4096, 64, 33, 20},
      {QF_PIXEL_NV12, 640, 360, 1280, 99},   {QF_PIXEL_YUY2, 3840, 90, 224, 41},
  };
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    Frame f;
    frame_init(&f, cases[i].format, cases[i].width, cases[i].height, (int32_t)i);
    for (int filter = 0; filter < 2; filter++) {
      QfImageTarget t = {.dtype = QF_DTYPE_INT8,
                         .width = cases[i].out_width,
                         .height = cases[i].out_height,
                         .filter = (QfFilter)filter,
                         .mean = {127.5f, 127.5f, 127.5f},
                         .std = {127.5f, 127.5f, 127.5f},
                         .scale = 1 / 127.5f};
      check_case(&f, &t, NULL);
    }
    frame_clear(&f);
  }
}

/* Known colours, worked out from the standards' definitions by hand. */
static void test_colors(void)
{
  static const struct {
    QfColorMatrix matrix;
    gboolean full;
    uint8_t y, cb, cr;
    uint8_t rgb[3];
  } cases[] = {
      {QF_MATRIX_BT601, FALSE, 16, 128, 128, {0, 0, 0}},
      {QF_MATRIX_BT601, FALSE, 235, 128, 128, {255, 255, 255}},
      {QF_MATRIX_BT601, FALSE, 81, 90, 240, {254, 0, 0}},
      {QF_MATRIX_BT709, FALSE, 63, 102, 240, {255, 1, 0}},
      {QF_MATRIX_BT709, FALSE, 32, 240, 118, {1, 0, 255}},
      {QF_MATRIX_BT2020, FALSE, 74, 97, 240, {255, 0, 0}},
      {QF_MATRIX_BT601, TRUE, 76, 85, 255, {254, 0, 0}},
      {QF_MATRIX_BT601, TRUE, 255, 128, 128, {255, 255, 255}},
  };
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    uint8_t yuy2[] = {cases[i].y, cases[i].cb, cases[i].y, cases[i].cr}, out[6];
    QfImage frame = {.format = QF_PIXEL_YUY2,
                     .width = 2,
                     .height = 1,
                     .matrix = cases[i].matrix,
                     .full_range = cases[i].full,
                     .planes = {yuy2},
                     .strides = {4}};
    QfImageTarget t = {.dtype = QF_DTYPE_UINT8, .width = 2, .height = 1};
    g_autoptr(QfImageConverter) c = qf_image_converter_new(&frame, &t, NULL);
    g_assert_true(qf_image_convert(c, &frame, NULL, out, NULL, NULL));
    for (int k = 0; k < 6; k++)
      g_assert_cmpint(abs(out[k] - cases[i].rgb[k % 3]), <=, 1);
  }
}

static void test_exact(void)
{
  /* Same size and no arithmetic: bytes come through; BGR order swaps them. */
  uint8_t rgb[2 * 3 * 3], out[18];
  for (int i = 0; i < 18; i++)
    rgb[i] = (uint8_t)(i * 13);
  QfImage frame = {.format = QF_PIXEL_RGB, .width = 2, .height = 3, .planes = {rgb}, .strides = {6}};
  QfImageTarget t = {.dtype = QF_DTYPE_UINT8, .width = 2, .height = 3};
  g_autoptr(QfImageConverter) same = qf_image_converter_new(&frame, &t, NULL);
  g_assert_true(qf_image_convert(same, &frame, NULL, out, NULL, NULL));
  g_assert_cmpmem(out, 18, rgb, 18);
  t.channels = QF_CHANNELS_BGR;
  t.layout = QF_LAYOUT_NCHW;
  g_autoptr(QfImageConverter) swapped = qf_image_converter_new(&frame, &t, NULL);
  g_assert_true(qf_image_convert(swapped, &frame, NULL, out, NULL, NULL));
  for (int i = 0; i < 18; i++)
    g_assert_cmpint(out[i], ==, rgb[(i % 6) * 3 + 2 - i / 6]);
  /* Two to one: bilinear and area both give the mean; halves round to even. */
  uint8_t gray[] = {10, 21, 30, 41}, one;
  QfImage line = {.format = QF_PIXEL_GRAY8, .width = 2, .height = 2, .planes = {gray}, .strides = {2}};
  for (int filter = 0; filter < 2; filter++) {
    QfImageTarget g = {.dtype = QF_DTYPE_UINT8,
                       .channels = QF_CHANNELS_GRAY,
                       .width = 1,
                       .height = 1,
                       .filter = (QfFilter)filter};
    g_autoptr(QfImageConverter) c = qf_image_converter_new(&line, &g, NULL);
    g_assert_true(qf_image_convert(c, &line, NULL, &one, NULL, NULL));
    g_assert_cmpint(one, ==, 26); /* 25.5 */
  }
}

static void test_geometry(void)
{
  static const struct {
    QfFit fit;
    QfRect crop, want_crop, want_fit;
  } cases[] = {
      {QF_FIT_STRETCH, {0, 0, 1920, 1080}, {0, 0, 1920, 1080}, {0, 0, 224, 224}},
      {QF_FIT_LETTERBOX, {0, 0, 1920, 1080}, {0, 0, 1920, 1080}, {0, 49, 224, 126}},
      {QF_FIT_LETTERBOX_TOP, {0, 0, 1920, 1080}, {0, 0, 1920, 1080}, {0, 0, 224, 126}},
      {QF_FIT_CROP, {0, 0, 1920, 1080}, {420, 0, 1080, 1080}, {0, 0, 224, 224}},
      {QF_FIT_LETTERBOX, {100, 50, 300, 700}, {100, 50, 300, 700}, {64, 0, 96, 224}},
      {QF_FIT_CROP, {100, 50, 300, 701}, {100, 250, 300, 300}, {0, 0, 224, 224}},
      {QF_FIT_LETTERBOX, {0, 0, 1920, 1}, {0, 0, 1920, 1}, {0, 111, 224, 1}},
      {QF_FIT_STRETCH, {-10, -20, 60, 70}, {0, 0, 50, 50}, {0, 0, 224, 224}},
      {QF_FIT_STRETCH, {1900, 1000, 600, 700}, {1900, 1000, 20, 80}, {0, 0, 224, 224}},
  };
  Frame f;
  frame_init(&f, QF_PIXEL_NV12, 1920, 1080, 0);
  g_autofree void *tensor = g_malloc(224 * 224 * 3);
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    QfImageTarget t = {.dtype = QF_DTYPE_UINT8, .width = 224, .height = 224, .fit = cases[i].fit};
    g_autoptr(QfImageConverter) c = qf_image_converter_new(&f.image, &t, NULL);
    QfGeometry g;
    g_assert_true(qf_image_convert(c, &f.image, &cases[i].crop, tensor, &g, NULL));
    g_assert_cmpmem(&g.crop, sizeof g.crop, &cases[i].want_crop, sizeof g.crop);
    g_assert_cmpmem(&g.fit, sizeof g.fit, &cases[i].want_fit, sizeof g.fit);
    g_assert_cmpint(g.frame_width, ==, 1920);
    g_assert_cmpint(g.height, ==, 224);
  }
  frame_clear(&f);
}

/* A converter that saw other crops gives what a fresh one gives. */
static void test_crops(void)
{
  Frame f;
  frame_init(&f, QF_PIXEL_NV12, 333, 251, 11);
  for (int filter = 0; filter < 2; filter++) {
    QfImageTarget t = {.dtype = QF_DTYPE_UINT8,
                       .width = 61,
                       .height = 47,
                       .fit = QF_FIT_LETTERBOX,
                       .filter = (QfFilter)filter};
    g_autoptr(QfImageConverter) kept = qf_image_converter_new(&f.image, &t, NULL);
    for (int i = 0; i < 60; i++) {
      QfRect crop = {g_test_rand_int_range(0, 330), g_test_rand_int_range(0, 250),
                     g_test_rand_int_range(1, 333), g_test_rand_int_range(1, 251)};
      uint8_t a[61 * 47 * 3], b[61 * 47 * 3];
      g_autoptr(QfImageConverter) fresh = qf_image_converter_new(&f.image, &t, NULL);
      g_assert_true(qf_image_convert(kept, &f.image, i % 7 ? &crop : NULL, a, NULL, NULL));
      g_assert_true(qf_image_convert(fresh, &f.image, i % 7 ? &crop : NULL, b, NULL, NULL));
      g_assert_cmpmem(a, sizeof a, b, sizeof b);
    }
  }
  frame_clear(&f);
}

static void expect_error(const QfImage *frame, const QfImageTarget *t, QfError code, const char *part)
{
  g_autoptr(GError) error = NULL;
  g_assert_null(qf_image_converter_new(frame, t, &error));
  g_assert_error(error, QF_ERROR, (gint)code);
  g_assert_nonnull(strstr(error->message, part));
}

static void test_bad(void)
{
  const QfImage ok = {.format = QF_PIXEL_NV12, .width = 64, .height = 48};
  const QfImageTarget target = {.dtype = QF_DTYPE_UINT8, .width = 8, .height = 8};
  QfImage f = ok;
  QfImageTarget t = target;
#define BAD(field, value, code, part)                                                                        \
  field = value;                                                                                             \
  expect_error(&f, &t, code, part);                                                                          \
  f = ok;                                                                                                    \
  t = target
  BAD(f.format, QF_PIXEL_INVALID, QF_ERROR_ARGUMENT, "pixel format");
  BAD(f.format, (QfPixelFormat)99, QF_ERROR_ARGUMENT, "pixel format");
  BAD(f.width, 0, QF_ERROR_ARGUMENT, "0x48");
  BAD(f.height, 40000, QF_ERROR_ARGUMENT, "32768");
  BAD(f.matrix, (QfColorMatrix)7, QF_ERROR_ARGUMENT, "matrix");
  BAD(t.dtype, QF_DTYPE_INT32, QF_ERROR_UNSUPPORTED, "int32");
  BAD(t.width, -1, QF_ERROR_ARGUMENT, "-1x8");
  BAD(t.fit, (QfFit)9, QF_ERROR_ARGUMENT, "fit 9");
  BAD(t.std[1], NAN, QF_ERROR_ARGUMENT, "channel 1");
  BAD(t.scale, -1, QF_ERROR_ARGUMENT, "scale");
  BAD(t.offset, 1 << 20, QF_ERROR_ARGUMENT, "offset");
#undef BAD
  uint8_t out[8 * 8 * 3] = {7};
  g_autoptr(GError) error = NULL;
  g_autoptr(QfImageConverter) c = qf_image_converter_new(&ok, &target, NULL);
  g_assert_false(qf_image_convert(c, &ok, NULL, out, NULL, &error)); /* no planes */
  g_assert_error(error, QF_ERROR, QF_ERROR_ARGUMENT);
  g_clear_error(&error);
  Frame real;
  frame_init(&real, QF_PIXEL_NV12, 64, 48, 0);
  g_assert_false(qf_image_convert(c, &real.image, &(QfRect){64, 0, 9, 9}, out, NULL, &error));
  g_assert_error(error, QF_ERROR, QF_ERROR_ARGUMENT);
  g_clear_error(&error);
  real.image.strides[1] = 63;
  g_assert_false(qf_image_convert(c, &real.image, NULL, out, NULL, &error));
  g_assert_nonnull(strstr(error->message, "stride 63"));
  g_assert_cmpint(out[0], ==, 7);
  frame_clear(&real);
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  for (int i = QF_PIXEL_NV12; i < QF_N_PIXELS; i++) {
    g_autofree char *path = g_strdup_printf("/image/reference/%s", qf_pixel_name((QfPixelFormat)i));
    g_assert_cmpint(qf_pixel_from_name(qf_pixel_name((QfPixelFormat)i)), ==, i);
    g_test_add_data_func(path, GINT_TO_POINTER(i), test_all);
  }
  g_test_add_func("/image/reference/large", test_large);
  g_test_add_func("/image/colors", test_colors);
  g_test_add_func("/image/exact", test_exact);
  g_test_add_func("/image/geometry", test_geometry);
  g_test_add_func("/image/crops", test_crops);
  g_test_add_func("/image/bad", test_bad);
  return g_test_run();
}
