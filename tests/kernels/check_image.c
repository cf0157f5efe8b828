/* SPDX-License-Identifier: MIT */
/*
 * check_image.c - every set of image row functions through whole conversions: sizes from one pixel up, every arrangement of
 * components, both filters, all types, planar and packed, odd strides, letterboxes.
 */
#include "check.h"
#include "kernels/image/image.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const struct {
  const char *name;
  int32_t n_planes;
  int32_t unit[3], unit_shift[3]; /* bytes of a unit of a row, log2 of its pixels */
  int32_t n_components;
  QfkImageComponent component[3];
} arrangements[] = {
    {"nv12", 2, {1, 2}, {0, 1}, 3, {{0, 0, 1, 0, 0}, {1, 0, 2, 1, 1}, {1, 1, 2, 1, 1}}},
    {"i420", 3, {1, 1, 1}, {0, 1, 1}, 3, {{0, 0, 1, 0, 0}, {1, 0, 1, 1, 1}, {2, 0, 1, 1, 1}}},
    {"uyvy", 1, {4}, {1}, 3, {{0, 1, 2, 0, 0}, {0, 0, 4, 1, 0}, {0, 2, 4, 1, 0}}},
    {"bgr", 1, {3}, {0}, 3, {{0, 2, 3, 0, 0}, {0, 1, 3, 0, 0}, {0, 0, 3, 0, 0}}},
    {"argb", 1, {4}, {0}, 3, {{0, 1, 4, 0, 0}, {0, 2, 4, 0, 0}, {0, 3, 4, 0, 0}}},
    {"gray", 1, {1}, {0}, 1, {{0, 0, 1, 0, 0}}},
};
#define ARRANGEMENTS (int32_t)(sizeof(arrangements) / sizeof(arrangements[0]))

static void make_spec(QfkImageSpec *s, int32_t a, int32_t i, int32_t width, int32_t height)
{
  *s = (QfkImageSpec){.frame_width = width, .frame_height = height, .n_planes = arrangements[a].n_planes};
  s->n_components = arrangements[a].n_components;
  memcpy(s->component, arrangements[a].component, sizeof s->component);
  for (int32_t p = 0; p < s->n_planes; p++) {
    int32_t shift = arrangements[a].unit_shift[p];
    s->row_bytes[p] = ((width + (1 << shift) - 1) >> shift) * arrangements[a].unit[p];
  }
  s->crop[0] = chk_range(0, width - 1);
  s->crop[1] = chk_range(0, height - 1);
  s->crop[2] = chk_range(1, width - s->crop[0]);
  s->crop[3] = chk_range(1, height - s->crop[1]);
  if (i % 3)
    memcpy(s->crop, (int32_t[4]){0, 0, width, height}, sizeof s->crop);
  s->type = (QfkImageType)(i % QFK_IMAGE_TYPES);
  s->planar = i / 6 % 2;
  s->area = i / 12 % 2;
  s->channels = i % 7 ? 3 : 1;
  s->width = chk_range(1, 90);
  s->height = chk_range(1, 12);
  s->fit[2] = i % 5 ? s->width : chk_range(1, s->width);
  s->fit[3] = i % 5 ? s->height : chk_range(1, s->height);
  s->fit[0] = chk_range(0, s->width - s->fit[2]);
  s->fit[1] = chk_range(0, s->height - s->fit[3]);
  s->scale = s->type >= QFK_IMAGE_U16 ? 1 / 64.0 : 1;
  s->offset = s->type == QFK_IMAGE_I8 || s->type == QFK_IMAGE_I16 ? 100 : -3;
  for (int32_t c = 0; c < 3; c++) {
    for (int32_t k = 0; k < 3; k++)
      s->matrix[c][k] = (double)chk_float() * 1.5;
    s->bias[c] = (double)chk_float() * 60;
    s->mean[c] = 10 * c;
    s->std[c] = c == 1 ? -1 : 1; /* a negative one turns the range round */
    s->border[c] = 30;
  }
}

static double element(const uint8_t *p, QfkImageType type)
{
  int32_t v = 0;
  float f = 0;
  memcpy(&v, p, qfk_image_type_size(type));
  memcpy(&f, &v, 4);
  int32_t exponent = v >> 10 & 31, mantissa = v & 1023;
  double half = exponent ? ldexp(1024 + mantissa, exponent - 25) : ldexp(mantissa, -24);
  switch (type) {
  case QFK_IMAGE_F32: return (double)f;
  case QFK_IMAGE_F16: return v & 0x8000 ? -half : half;
  case QFK_IMAGE_I8: return (int8_t)v;
  case QFK_IMAGE_I16: return (int16_t)v;
  default: return v;
  }
}

/* Floats and 16-bit integers to 0.05 of a level of 255, and their own last place; 8-bit integers to one. */
static double tolerance(const QfkImageSpec *s, double want)
{
  double levels = 0.05 / s->scale;
  if (s->type == QFK_IMAGE_F32)
    return levels;
  if (s->type == QFK_IMAGE_F16)
    return levels + fabs(want) / 1024;
  return s->type >= QFK_IMAGE_U16 ? levels + 1 : 1;
}

static bool same(const QfkImageSpec *s, const uint8_t *got, const uint8_t *want)
{
  size_t size = qfk_image_type_size(s->type), n = (size_t)s->width * s->height * s->channels;
  for (size_t i = 0; i < n; i++) {
    double w = element(want + i * size, s->type);
    if (!(fabs(element(got + i * size, s->type) - w) <= tolerance(s, w)))
      return false;
  }
  return true;
}

static void check_one(const QfkImageKernel *k, int32_t a, int32_t i, int32_t width, int32_t height)
{
  QfkImageSpec s;
  QfkImagePlan plan;
  const uint8_t *planes[3] = {NULL};
  int32_t strides[3] = {0};
  make_spec(&s, a, i, width, height);
  for (int32_t p = 0; p < s.n_planes; p++) {
    int32_t rows = height;
    for (int32_t c = 0; c < s.n_components; c++)
      if (s.component[c].plane == p && s.component[c].shift_y)
        rows = (height + 1) / 2;
    strides[p] = s.row_bytes[p] + chk_range(0, 40);
    size_t size = (size_t)strides[p] * (rows - 1) + s.row_bytes[p];
    uint8_t *bytes = chk_alloc(size);
    chk_fill_bytes(bytes, size, i % 4 ? CHK_PLAIN : CHK_EDGE);
    planes[p] = bytes;
  }
  size_t size = (size_t)s.width * s.height * s.channels * qfk_image_type_size(s.type);
  uint8_t *got = chk_alloc(size), *want = chk_alloc_aligned(size);
  qfk_image_plan_init(&plan, &s, k->rows, chk_alloc_aligned(qfk_image_plan_size(&s)));
  qfk_image_convert(&plan, planes, strides, got);
  qfk_image_convert_ref(&s, planes, strides, want);
  bool ok = same(&s, got, want);
  ok &= chk_free_all();
  char name[32];
  snprintf(name, sizeof name, "image_%s", k->isa);
  chk_result(ok, name, "%s %dx%d to %dx%dx%d type %d%s%s", arrangements[a].name, width, height, s.width,
             s.height, s.channels, s.type, s.planar ? " planar" : "", s.area ? " area" : "");
}

void chk_image(void)
{
  int32_t count;
  const QfkImageKernel *kernels = qfk_image_kernels(&count);
  for (int32_t k = 0; k < count; k++) {
    if (!chk_can_run(kernels[k].isa, kernels[k].features))
      continue;
    for (int32_t i = 0; i < 24 * ARRANGEMENTS; i++)
      check_one(&kernels[k], i % ARRANGEMENTS, i / ARRANGEMENTS, i % 4 ? chk_range(1, 300) : chk_range(1, 20),
                chk_range(1, 40));
    for (int32_t a = 0; a < ARRANGEMENTS; a++) /* many bytes between outputs */
      check_one(&kernels[k], a, 7 * a, 2500, 10);
  }
}

typedef struct {
  QfkImagePlan plan;
  const uint8_t *planes[3];
  int32_t strides[3];
  void *tensor;
} Job;

static void run_job(void *arg)
{
  const Job *j = arg;
  qfk_image_convert(&j->plan, j->planes, j->strides, j->tensor);
}

void chk_image_bench(void)
{
  int32_t count;
  const QfkImageKernel *kernels = qfk_image_kernels(&count);
  for (int32_t i = 0; i < 2 * count; i++) {
    const QfkImageKernel *k = &kernels[i / 2];
    Job j = {.strides = {1920, 1920}};
    QfkImageSpec s;
    char name[32];
    if (!chk_can_run(k->isa, k->features))
      continue;
    make_spec(&s, 0, 10, 1920, 1080);
    s.type = QFK_IMAGE_I8;
    s.planar = false;
    s.area = i % 2;
    s.channels = 3;
    s.width = s.height = 224;
    memcpy(s.fit, (int32_t[4]){0, 0, 224, 224}, sizeof s.fit);
    for (int32_t p = 0; p < 2; p++) {
      uint8_t *bytes = chk_alloc_aligned(1920 * 1080);
      chk_fill_bytes(bytes, 1920 * 1080, CHK_PLAIN);
      j.planes[p] = bytes;
    }
    j.tensor = chk_alloc_aligned(224 * 224 * 3);
    qfk_image_plan_init(&j.plan, &s, k->rows, chk_alloc_aligned(qfk_image_plan_size(&s)));
    snprintf(name, sizeof name, "image_%s", k->isa);
    chk_bench_bytes(name, s.area ? "1080p NV12 to 224 s8, area" : "1080p NV12 to 224 s8, bilinear",
                    chk_time(run_job, &j), 1920 * 1080 * 1.5);
    chk_free_all();
  }
}
