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

/* Two source rows and the weight of the second. */
typedef struct {
  int32_t j0, j1;
  float f;
} RowPair;

static inline RowPair bilinear_rows(const QfkImagePlan *plan, int32_t y, int32_t shift)
{
  static const double unit[] = {1, 0.5, 0.25};
  const QfkImageSpec *s = &plan->spec;
  double at = (s->crop[1] + (y + 0.5) * plan->row_ratio) * unit[shift] - 0.5;
  int32_t first = s->crop[1] >> shift, last = (s->crop[1] + s->crop[3] - 1) >> shift;
  at = at < first ? first : at > last ? last : at;
  RowPair r = {.j0 = (int32_t)at};
  r.j1 = r.j0 < last ? r.j0 + 1 : last;
  r.f = (float)(at - r.j0);
  return r;
}

static int32_t shift_of(const QfkImagePlan *plan, int32_t p)
{
  return plan->spec.component[plan->plane[p].first].shift_y;
}

/* @pairs has the rows of this output row for each plane, and gets those of the next. */
static void sample_row(const QfkImagePlan *plan, const uint8_t *const planes[3], const int32_t strides[3],
                       int32_t y, RowPair *pairs)
{
  const QfkImageSpec *s = &plan->spec;
  for (int32_t p = 0; p < s->n_planes; p++) {
    int32_t k = plan->plane[p].first;
    ptrdiff_t stride = strides[p];
    RowPair now = pairs[p];
    if (!plan->plane[p].count)
      continue;
    pairs[p] = bilinear_rows(plan, y + 1, shift_of(plan, p)); /* clamped, so past the last it is the last */
    plan->rows->sample(&plan->taps[k], plan->plane[p].count, planes[p] + now.j0 * stride,
                       planes[p] + now.j1 * stride, now.f, s->fit[2], (pairs[p].j0 - now.j0) * stride,
                       &plan->row[k]);
  }
}

/* The weighted sum of the rows of @plane under output row @y, over all bytes of a row, into plan->sum. */
static void sum_rows(const QfkImagePlan *plan, int32_t p, const uint8_t *plane, ptrdiff_t stride, int32_t y,
                     int32_t shift)
{
  const QfkImageSpec *s = &plan->spec;
  double ratio = plan->row_ratio / (1 << shift), origin = (double)s->crop[1] / (1 << shift);
  float *w = plan->row_weight;
  int32_t rows = 0, from;
  if (ratio <= 1) {
    RowPair r = bilinear_rows(plan, y, shift);
    from = r.j0;
    w[rows++] = 1 - r.f;
    if (r.j1 > r.j0)
      w[rows++] = r.f;
  } else {
    int32_t last = (s->crop[1] + s->crop[3] - 1) >> shift;
    double top = origin + y * ratio, bottom = origin + (y + 1) * ratio;
    from = (int32_t)top;
    for (int32_t j = from; j <= last && j < bottom; j++) {
      double a = top > j ? top : j, b = bottom < j + 1 ? bottom : j + 1;
      w[rows++] = (float)((b - a) / ratio);
    }
  }
  plan->rows->sum(plan->sum, plane + from * stride, stride, w, rows, s->row_bytes[p]);
}

static void area_row(const QfkImagePlan *plan, const uint8_t *const planes[3], const int32_t strides[3],
                     int32_t y)
{
  for (int32_t p = 0; p < plan->spec.n_planes; p++) {
    int32_t first = plan->plane[p].first, count = plan->plane[p].count;
    if (count)
      sum_rows(plan, p, planes[p], strides[p], y, shift_of(plan, p));
    for (int32_t k = first; k < first + count; k++)
      plan->rows->average(&plan->taps[k], plan->sum, plan->spec.fit[2], plan->row[k]);
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
  RowPair pairs[3];
  for (int32_t p = 0; p < s->n_planes; p++)
    pairs[p] = bilinear_rows(plan, 0, shift_of(plan, p));
  for (int32_t y = 0; y < s->height; y++) {
    int32_t fy = y - s->fit[1];
    if (fy < 0 || fy >= s->fit[3]) {
      fill_border(plan, out, y, 0, (size_t)s->width);
      continue;
    }
    if (s->fit[0])
      fill_border(plan, out, y, 0, (size_t)s->fit[0]);
    if (s->area)
      area_row(plan, planes, strides, fy);
    else
      sample_row(plan, planes, strides, fy, pairs);
    size_t at = ((size_t)y * s->width + s->fit[0]) * (s->planar ? 1 : s->channels);
    plan->rows->store[s->type](plan, (const float *const *)plan->row, s->fit[2], out + at * size, plane);
    if (right < s->width)
      fill_border(plan, out, y, right, (size_t)(s->width - right));
  }
}
