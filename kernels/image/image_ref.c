/* SPDX-License-Identifier: MIT */
/*
 * image_ref.c - the formula of <qnnflow/image.h> in double precision, one output element at a time, from the spec alone.
 * Slow on purpose: it shares no table and no rounding with the kernels it judges.
 */
#include "half.h"
#include "image.h"

#include <math.h>

typedef struct {
  int32_t first, last; /* samples of the plane that the crop touches */
  double from, to;     /* source interval of the output, in samples */
  double centre;       /* source position of the output's centre, clamped */
} Span;

static double clamp(double v, double lo, double hi)
{
  return v < lo ? lo : v > hi ? hi : v;
}

static Span span_of(int32_t origin, int32_t size, int32_t fit, int32_t i, int32_t shift)
{
  double sub = 1 << shift, ratio = (double)size / fit;
  Span s = {.first = origin >> shift, .last = (origin + size - 1) >> shift};
  s.from = (origin + i * ratio) / sub;
  s.to = (origin + (i + 1) * ratio) / sub;
  s.centre = clamp((origin + (i + 0.5) * ratio) / sub - 0.5, s.first, s.last);
  return s;
}

/* The weight of sample @k for the output of @s. */
static double weight_of(const Span *s, int32_t k, bool area)
{
  double length = s->to - s->from;
  if (!area || length <= 1) {
    double d = fabs(k - s->centre);
    return d < 1 ? 1 - d : 0;
  }
  double a = s->from > k ? s->from : k, b = s->to < k + 1 ? s->to : k + 1;
  return b > a ? (b - a) / length : 0;
}

static double sample(const QfkImageSpec *spec, const QfkImageComponent *comp, const uint8_t *plane,
                     int32_t stride, int32_t x, int32_t y)
{
  Span sx = span_of(spec->crop[0], spec->crop[2], spec->fit[2], x, comp->shift_x);
  Span sy = span_of(spec->crop[1], spec->crop[3], spec->fit[3], y, comp->shift_y);
  double total = 0, weights = 0;
  int32_t y0 = (int32_t)fmin(floor(sy.from), floor(sy.centre)), y1 = (int32_t)fmax(sy.to, sy.centre + 1);
  int32_t x0 = (int32_t)fmin(floor(sx.from), floor(sx.centre)), x1 = (int32_t)fmax(sx.to, sx.centre + 1);
  for (int32_t j = y0 < sy.first ? sy.first : y0; j <= y1 && j <= sy.last; j++) {
    double wy = weight_of(&sy, j, spec->area);
    const uint8_t *row = plane + (size_t)j * stride + comp->offset;
    for (int32_t i = x0 < sx.first ? sx.first : x0; wy > 0 && i <= x1 && i <= sx.last; i++) {
      double w = wy * weight_of(&sx, i, spec->area);
      total += w * row[(size_t)i * comp->step];
      weights += w;
    }
  }
  return total / weights;
}

void qfk_image_quantize_ref(const QfkImageSpec *spec, int32_t c, double rgb, void *dst)
{
  static const double lo[] = {
      [QFK_IMAGE_U8] = 0, [QFK_IMAGE_I8] = -128, [QFK_IMAGE_U16] = 0, [QFK_IMAGE_I16] = -32768};
  static const double hi[] = {
      [QFK_IMAGE_U8] = 255, [QFK_IMAGE_I8] = 127, [QFK_IMAGE_U16] = 65535, [QFK_IMAGE_I16] = 32767};
  double v = (rgb - spec->mean[c]) / spec->std[c];
  if (spec->type == QFK_IMAGE_F32) {
    float f = (float)v;
    memcpy(dst, &f, sizeof f);
  } else if (spec->type == QFK_IMAGE_F16) {
    uint16_t h = qfk_half_from_float((float)v);
    memcpy(dst, &h, sizeof h);
  } else {
    int32_t q = (int32_t)clamp(nearbyint(v / spec->scale) - spec->offset, lo[spec->type], hi[spec->type]);
    memcpy(dst, &q, qfk_image_type_size(spec->type)); /* little endian */
  }
}

static double channel_of(const QfkImageSpec *spec, const double *comp, int32_t c)
{
  double v = spec->bias[c];
  for (int32_t k = 0; k < spec->n_components; k++)
    v += spec->matrix[c][k] * comp[k];
  return clamp(v, 0, 255);
}

void qfk_image_convert_ref(const QfkImageSpec *spec, const uint8_t *const planes[3], const int32_t strides[3],
                           void *tensor)
{
  size_t size = qfk_image_type_size(spec->type), n = (size_t)spec->width * spec->height;
  for (size_t at = 0; at < n; at++) {
    int32_t x = (int32_t)(at % spec->width) - spec->fit[0], y = (int32_t)(at / spec->width) - spec->fit[1];
    bool inside = x >= 0 && x < spec->fit[2] && y >= 0 && y < spec->fit[3];
    double comp[3];
    for (int32_t k = 0; inside && k < spec->n_components; k++) {
      int32_t p = spec->component[k].plane;
      comp[k] = sample(spec, &spec->component[k], planes[p], strides[p], x, y);
    }
    for (int32_t c = 0; c < spec->channels; c++) {
      double rgb = inside ? channel_of(spec, comp, c) : spec->border[c];
      size_t index = spec->planar ? c * n + at : at * spec->channels + c;
      qfk_image_quantize_ref(spec, c, rgb, (uint8_t *)tensor + index * size);
    }
  }
}
