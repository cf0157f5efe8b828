/* SPDX-License-Identifier: MIT */
/*
 * conv16_hvx_plan.c - plans of convolutions of 16-bit images for HVX: those of bytes, and what becomes of zero points. For any machine.
 *
 * A sum of (x - zero) * w + bias begins with bias - zero * sum(w), of which the low byte goes to the low bytes' sum.
 */
#include "conv16_hvx.h"

#include <string.h>

/* The same convolution of bytes. */
static QfkIntArgs as_bytes(const QfkIntArgs *q, const QfkFixed *one)
{
  QfkIntArgs b = *q;
  b.x_type = b.y_type = QFK_U8;
  b.x_zero = 0;
  b.bias = NULL;
  b.requant = (QfkRequant){.fixed = one, .once = true, .hi = 255};
  return b;
}

static bool sums_fit(const QfkConvShape *s, const QfkIntArgs *q, const void *w)
{
  const int32_t n = s->kh * s->kw * (s->c / s->group);
  for (int32_t oc = 0; oc < s->oc; oc++) {
    int64_t sum = 0;
    for (int32_t i = 0; i < n; i++) {
      const int32_t v = qfk_load_int(w, q->w_type, (size_t)i * s->oc + oc) - (q->w_zero ? q->w_zero[oc] : 0);
      sum += v < 0 ? -v : v;
    }
    if (sum >= QFK_HVX_WIDE_WEIGHTS)
      return false;
  }
  return true;
}

bool qfk_conv16_hvx_init(QfkConv16Hvx *p, const QfkConvShape *s, const QfkIntArgs *q, const void *w,
                         int32_t rows)
{
  static const QfkFixed one = {1 << 30, 0};
  const QfkIntArgs bytes = as_bytes(q, &one);
  const QfkRequant *r = &q->requant;
  *p = (QfkConv16Hvx){.zero = qfk_hvx_wide_zero(q->x_type, q->x_zero), .out = {r->zero_point, r->lo, r->hi}};
  if (!qfk_hvx_wide_can(r, q->x_type, q->y_type, s->oc) || !qfk_conv_hvx_init(&p->c, s, &bytes, w, rows))
    return false;
  QfkConvHvx *c = &p->c;
  if (q->x_type == QFK_S16 && c->direct) { /* its high bytes are to be turned over */
    c->direct = false;
    c->grid.gh = rows;
  }
  c->grid.fill = (uint8_t)p->zero;
  p->high = c->grid;
  p->high.fill = (uint8_t)(p->zero >> 8);
  p->high.flip = q->x_type == QFK_S16 ? 0x80 : 0;
  return !w || sums_fit(s, q, w);
}

void qfk_conv16_hvx_fill_offsets(const QfkConv16Hvx *p, const int32_t *rests, int32_t *offsets)
{
  const int32_t plane = p->c.grid.gh * p->c.grid.gw * 4;
  qfk_conv_hvx_fill_offsets(&p->c, rests, offsets);
  for (int32_t step = 0; step < p->c.steps; step++)
    offsets[step] += offsets[step] / plane * plane; /* planes of high bytes lie between */
}

void qfk_conv16_hvx_pack(const QfkConv16Hvx *p, const QfkIntArgs *q, const void *w, const int32_t *rests,
                         int32_t *offsets, int8_t *weights, int32_t *first_low, int32_t *first_high,
                         int32_t *multiplier, int32_t *shift)
{
  const QfkConvHvx *c = &p->c;
  const int32_t og = c->s.oc / c->s.group;
  static const QfkFixed one = {1 << 30, 0};
  const QfkIntArgs bytes = as_bytes(q, &one);
  QfkConvHvx ones = *c;
  ones.grid.fill = 1; /* for which the bias is the weights' sum with its sign changed */
  qfk_conv_hvx_pack(&ones, &bytes, w, rests, offsets, weights, first_low, multiplier, shift);
  memset(first_high, 0, qfk_conv_hvx_channels(c) * sizeof(*first_high));
  memset(multiplier, 0, qfk_conv_hvx_channels(c) * sizeof(*multiplier));
  qfk_conv16_hvx_fill_offsets(p, rests, offsets);
  for (size_t i = 0; i < qfk_conv_hvx_channels(c); i++)
    shift[i] = QFK_HVX_WIDE_LEAST_SHIFT;
  for (int32_t oc = 0; oc < c->s.oc; oc++) {
    const int32_t slot = oc / og * c->blocks * QFK_CONV_HVX_CHANNELS + oc % og;
    const QfkFixed f = q->requant.fixed[q->requant.per_channel ? oc : 0];
    const int64_t first = (q->bias ? q->bias[oc] : 0) + (int64_t)p->zero * first_low[slot];
    first_low[slot] = (int32_t)(first & 255);
    first_high[slot] = (int32_t)(first >> 8);
    multiplier[slot] = f.multiplier;
    shift[slot] = f.shift;
  }
}

size_t qfk_conv16_hvx_scratch(const QfkConv16Hvx *p)
{
  const QfkGridHvx *g = &p->c.grid;
  const size_t plane = (size_t)g->gh * (size_t)g->gw * 4;
  const size_t grid =
      p->c.direct ? 0 : (size_t)g->n_phases * p->c.planes * p->c.s.group * 2 * plane + QFK_D4_SLACK;
  const size_t pixels = (size_t)p->c.rows * g->gw + QFK_CONV_HVX_PIXELS;
  return (grid + 127) / 128 * 128 + 4 * (pixels * 4 + 127) / 128 * 128 + 128;
}
