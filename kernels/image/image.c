/* SPDX-License-Identifier: MIT */
/*
 * image.c - walks the rows of a plan: samples the components of an output row into L1, stores it, fills the border.
 * Every output element is written exactly once. The tables come from image_plan.c, the row functions from an ISA's file.
 */
#include "image.h"

#include <string.h>

static const QfkImageKernel kernels[] = {
#define QFK_IMAGE(isa, features) {#isa, features, &qfk_image_rows_##isa},
#include "image.inc"
#undef QFK_IMAGE
};

const QfkImageKernel *qfk_image_kernels(int32_t *count)
{
  *count = sizeof(kernels) / sizeof(kernels[0]);
  return kernels;
}

const QfkImageKernel *qfk_image_select(uint32_t features)
{
  const QfkImageKernel *best = &kernels[0];
  for (size_t i = 0; i < sizeof(kernels) / sizeof(kernels[0]); i++)
    if ((kernels[i].features & features) == kernels[i].features)
      best = &kernels[i];
  return best;
}

size_t qfk_image_type_size(QfkImageType type)
{
  return type == QFK_IMAGE_F32 ? 4 : type == QFK_IMAGE_U8 || type == QFK_IMAGE_I8 ? 1 : 2;
}

/* Source rows of output row @y and the weight of the second. */
static float bilinear_rows(const QfkImageSpec *s, int32_t y, int32_t shift, int32_t *j0, int32_t *j1)
{
  double at = (s->crop[1] + (y + 0.5) * s->crop[3] / s->fit[3]) / (1 << shift) - 0.5;
  int32_t first = s->crop[1] >> shift, last = (s->crop[1] + s->crop[3] - 1) >> shift;
  at = at < first ? first : at > last ? last : at;
  *j0 = (int32_t)at;
  *j1 = *j0 < last ? *j0 + 1 : last;
  return (float)(at - *j0);
}

static void sample_row(const QfkImagePlan *plan, const uint8_t *const planes[3], const int32_t strides[3],
                       int32_t y)
{
  const QfkImageSpec *s = &plan->spec;
  for (int32_t k = 0; k < s->n_components; k++) {
    const QfkImageComponent *c = &s->component[k];
    int32_t j0, j1;
    float fy = bilinear_rows(s, y, c->shift_y, &j0, &j1);
    const uint8_t *plane = planes[c->plane];
    size_t stride = (size_t)strides[c->plane];
    plan->rows->sample(&plan->taps[k], plane + j0 * stride, plane + j1 * stride, fy, s->fit[2], plan->row[k]);
  }
}

/* The weighted sum of the rows of @plane under output row @y, over the bytes of the crop, into plan->sum. */
static void sum_rows(const QfkImagePlan *plan, int32_t p, const uint8_t *plane, size_t stride, int32_t y,
                     int32_t shift)
{
  const QfkImageSpec *s = &plan->spec;
  double ratio = (double)s->crop[3] / s->fit[3] / (1 << shift), origin = (double)s->crop[1] / (1 << shift);
  int32_t n = s->row_bytes[p];
  if (ratio <= 1) {
    int32_t j0, j1;
    float f = bilinear_rows(s, y, shift, &j0, &j1);
    plan->rows->sum(plan->sum, plane + j0 * stride, n, 1 - f, false);
    if (f > 0)
      plan->rows->sum(plan->sum, plane + j1 * stride, n, f, true);
    return;
  }
  int32_t last = (s->crop[1] + s->crop[3] - 1) >> shift;
  double from = origin + y * ratio, to = origin + (y + 1) * ratio;
  bool add = false;
  for (int32_t j = (int32_t)from; j <= last && j < to; j++) {
    double a = from > j ? from : j, b = to < j + 1 ? to : j + 1;
    plan->rows->sum(plan->sum, plane + j * stride, n, (float)((b - a) / ratio), add);
    add = true;
  }
}

static void average_row(const QfkImageTaps *t, const float *sum, int32_t n, float *dst)
{
  for (int32_t i = 0; i < n; i++) {
    const float *v = sum + (size_t)t->start[i] * t->step + t->offset, *w = t->weight + t->first[i];
    float total = 0;
    for (int32_t k = 0; k < t->count[i]; k++)
      total += v[(size_t)k * t->step] * w[k];
    dst[i] = total;
  }
}

static void area_row(const QfkImagePlan *plan, const uint8_t *const planes[3], const int32_t strides[3],
                     int32_t y)
{
  const QfkImageSpec *s = &plan->spec;
  for (int32_t k = 0; k < s->n_components; k++) {
    const QfkImageComponent *c = &s->component[k];
    if (!k || c->plane != s->component[k - 1].plane)
      sum_rows(plan, c->plane, planes[c->plane], (size_t)strides[c->plane], y, c->shift_y);
    average_row(&plan->taps[k], plan->sum, s->fit[2], plan->row[k]);
  }
}

/* @n elements or pixels of @size bytes with the same value. */
static void fill(const QfkImagePlan *plan, uint8_t *dst, const uint8_t *value, size_t size, size_t n)
{
  if (plan->border_is_byte) {
    memset(dst, value[0], n * size);
    return;
  }
  for (size_t i = 0; i < n; i++)
    memcpy(dst + i * size, value, size);
}

/* Pixels [x, x + n) of row @y. */
static void fill_border(const QfkImagePlan *plan, uint8_t *tensor, int32_t y, int32_t x, size_t n)
{
  const QfkImageSpec *s = &plan->spec;
  size_t size = qfk_image_type_size(s->type), at = (size_t)y * s->width + x;
  if (!n)
    return;
  if (!s->planar) {
    fill(plan, tensor + at * s->channels * size, plan->border, size * s->channels, n);
    return;
  }
  for (int32_t c = 0; c < s->channels; c++)
    fill(plan, tensor + ((size_t)c * s->width * s->height + at) * size, plan->border + c * size, size, n);
}

void qfk_image_convert(const QfkImagePlan *plan, const uint8_t *const planes[3], const int32_t strides[3],
                       void *tensor)
{
  const QfkImageSpec *s = &plan->spec;
  size_t size = qfk_image_type_size(s->type), plane = (size_t)s->width * s->height;
  int32_t right = s->fit[0] + s->fit[2];
  uint8_t *out = tensor;
  for (int32_t y = 0; y < s->height; y++) {
    int32_t fy = y - s->fit[1];
    if (fy < 0 || fy >= s->fit[3]) {
      fill_border(plan, out, y, 0, (size_t)s->width);
      continue;
    }
    fill_border(plan, out, y, 0, (size_t)s->fit[0]);
    (s->area ? area_row : sample_row)(plan, planes, strides, fy);
    size_t at = ((size_t)y * s->width + s->fit[0]) * (s->planar ? 1 : s->channels);
    plan->rows->store[s->type](plan, (const float *const *)plan->row, s->fit[2], out + at * size, plane);
    fill_border(plan, out, y, right, (size_t)(s->width - right));
  }
}
