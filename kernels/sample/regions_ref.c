/* SPDX-License-Identifier: MIT */
/*
 * regions_ref.c - regions of interest: RoiAlign, MaxRoiPool, CropAndResize, in plain C. See sample.h.
 */
#include "sample.h"

#include <math.h>

static float limit(float v, float lo, float hi)
{
  return v > lo ? (v < hi ? v : hi) : lo; /* NaN: lo */
}

static const float *image_of(const QfkRegions *p, const float *x, float index)
{
  return x + (int64_t)limit(index, 0, (float)(p->n - 1)) * p->h * p->w * p->c;
}

/* What is between four pixels. */
typedef struct {
  int64_t at[4];
  float weight[4];
} Between;

static Between between(const QfkRegions *p, float y, float x)
{
  const int64_t y0 = (int64_t)y, x0 = (int64_t)x;
  const int64_t y1 = y0 + 1 < p->h ? y0 + 1 : y0, x1 = x0 + 1 < p->w ? x0 + 1 : x0;
  const float ty = y - (float)y0, tx = x - (float)x0;
  return (Between){{(y0 * p->w + x0) * p->c, (y0 * p->w + x1) * p->c, (y1 * p->w + x0) * p->c,
                    (y1 * p->w + x1) * p->c},
                   {(1 - ty) * (1 - tx), (1 - ty) * tx, ty * (1 - tx), ty * tx}};
}

/* Takes one sample into the bin @out; a pixel beyond the edge of the image counts as 0. */
static void take(const QfkRegions *p, const float *image, float y, float x, bool first, float *out)
{
  bool outside = !(y >= -1 && y <= (float)p->h && x >= -1 && x <= (float)p->w);
  Between b = {0};
  if (!outside)
    b = between(p, limit(y, 0, (float)(p->h - 1)), limit(x, 0, (float)(p->w - 1)));
  for (int64_t c = 0; c < p->c; c++) {
    float v = 0;
    for (int k = 0; k < 4 && !outside; k++) {
      const float part = b.weight[k] * image[b.at[k] + c];
      v = !p->max ? v + part : !k || part > v ? part : v;
    }
    out[c] = first ? v : p->max ? (v > out[c] ? v : out[c]) : out[c] + v;
  }
}

typedef struct {
  float y, x, step_y, step_x; /* the box's corner, and the size of a bin */
  int32_t ny, nx;             /* samples a bin */
} Bins;

static int32_t sample_count(const QfkRegions *p, float step)
{
  return p->samples > 0 ? p->samples : (int32_t)limit(ceilf(step), 1, 256);
}

static void align_bin(const QfkRegions *p, const float *image, const Bins *b, int64_t oy, int64_t ox,
                      float *out)
{
  for (int32_t j = 0; j < b->ny; j++)
    for (int32_t i = 0; i < b->nx; i++)
      take(p, image, b->y + ((float)oy + ((float)j + 0.5f) / (float)b->ny) * b->step_y,
           b->x + ((float)ox + ((float)i + 0.5f) / (float)b->nx) * b->step_x, !i && !j, out);
  for (int64_t c = 0; c < p->c && !p->max; c++)
    out[c] /= (float)(b->ny * b->nx);
}

void qfk_roi_align_f32_ref(const QfkRegions *p, const float *x, const float *boxes, const float *index,
                           float *y)
{
  const float shift = p->half_pixel ? 0.5f : 0, least = p->half_pixel ? -INFINITY : 1;
  for (int64_t r = 0; r < p->count; r++, boxes += 4) {
    Bins b = {.x = boxes[0] * p->scale - shift, .y = boxes[1] * p->scale - shift};
    b.step_x = fmaxf(boxes[2] * p->scale - shift - b.x, least) / (float)p->out_w;
    b.step_y = fmaxf(boxes[3] * p->scale - shift - b.y, least) / (float)p->out_h;
    b.nx = sample_count(p, b.step_x);
    b.ny = sample_count(p, b.step_y);
    for (int64_t oy = 0; oy < p->out_h; oy++)
      for (int64_t ox = 0; ox < p->out_w; ox++, y += p->c)
        align_bin(p, image_of(p, x, index[r]), &b, oy, ox, y);
  }
}

/* The pixels of bin @i along a side: from, to. */
static void pixels(float start, float size, int64_t i, int64_t bins, int64_t n, int64_t *from, int64_t *to)
{
  const float step = size / (float)bins;
  *from = (int64_t)limit(floorf((float)i * step) + start, 0, (float)n);
  *to = (int64_t)limit(ceilf((float)(i + 1) * step) + start, 0, (float)n);
}

static void pool_bin(const QfkRegions *p, const float *image, const float *box, int64_t oy, int64_t ox,
                     float *out)
{
  const float x = roundf(box[1] * p->scale), y = roundf(box[2] * p->scale);
  const float w = fmaxf(roundf(box[3] * p->scale) - x + 1, 1),
              h = fmaxf(roundf(box[4] * p->scale) - y + 1, 1);
  int64_t x0, x1, y0, y1;
  pixels(x, w, ox, p->out_w, p->w, &x0, &x1);
  pixels(y, h, oy, p->out_h, p->h, &y0, &y1);
  for (int64_t c = 0; c < p->c; c++)
    out[c] = y0 < y1 && x0 < x1 ? -INFINITY : 0;
  for (int64_t j = y0; j < y1; j++)
    for (int64_t i = x0; i < x1; i++)
      for (int64_t c = 0; c < p->c; c++)
        out[c] = fmaxf(out[c], image[(j * p->w + i) * p->c + c]);
}

void qfk_roi_pool_f32_ref(const QfkRegions *p, const float *x, const float *boxes, float *y)
{
  for (int64_t r = 0; r < p->count; r++, boxes += 5)
    for (int64_t oy = 0; oy < p->out_h; oy++)
      for (int64_t ox = 0; ox < p->out_w; ox++, y += p->c)
        pool_bin(p, image_of(p, x, boxes[0]), boxes, oy, ox, y);
}

/* Where output pixel @i of @out lies between the edges @a and @b of an image side of @n pixels. */
static float crop_position(float a, float b, int64_t i, int64_t out, int64_t n)
{
  const float side = (float)(n - 1);
  return out > 1 ? a * side + (float)i * ((b - a) * side / (float)(out - 1)) : 0.5f * (a + b) * side;
}

void qfk_roi_crop_f32_ref(const QfkRegions *p, const float *x, const float *boxes, const float *index,
                          float *y)
{
  for (int64_t r = 0; r < p->count; r++, boxes += 4)
    for (int64_t oy = 0; oy < p->out_h; oy++)
      for (int64_t ox = 0; ox < p->out_w; ox++, y += p->c) {
        const float *image = image_of(p, x, index[r]);
        float fy = crop_position(boxes[0], boxes[2], oy, p->out_h, p->h);
        float fx = crop_position(boxes[1], boxes[3], ox, p->out_w, p->w);
        bool inside = fy >= 0 && fy <= (float)(p->h - 1) && fx >= 0 && fx <= (float)(p->w - 1);
        Between b =
            inside ? between(p, p->nearest ? roundf(fy) : fy, p->nearest ? roundf(fx) : fx) : (Between){0};
        for (int64_t c = 0; c < p->c; c++) {
          y[c] = inside ? 0 : p->extra;
          for (int k = 0; k < 4 && inside; k++)
            y[c] += b.weight[k] * image[b.at[k] + c];
        }
      }
}
