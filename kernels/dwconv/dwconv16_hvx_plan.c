/* SPDX-License-Identifier: MIT */
/*
 * dwconv16_hvx_plan.c - plans of depthwise convolutions of 16-bit images for HVX: those of bytes, and what becomes of zero points. Plain
 * C, for any machine.
 */
#include "dwconv16_hvx.h"

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

bool qfk_dwconv16_hvx_init(QfkDwconv16Hvx *p, const QfkConvShape *s, const QfkIntArgs *q, const void *w,
                           int32_t rows)
{
  static const QfkFixed one = {1 << 30, 0};
  const QfkIntArgs bytes = as_bytes(q, &one);
  const QfkRequant *r = &q->requant;
  *p =
      (QfkDwconv16Hvx){.zero = qfk_hvx_wide_zero(q->x_type, q->x_zero), .out = {r->zero_point, r->lo, r->hi}};
  if (!qfk_hvx_wide_can(r, q->x_type, q->y_type, s->oc) ||
      (int64_t)s->kh * s->kw * 255 >= QFK_HVX_WIDE_WEIGHTS || !qfk_dwconv_hvx_init(&p->d, s, &bytes, w, rows))
    return false;
  p->d.three = (QfkDwthreeHvx){0};
  p->d.grid.fill = (uint8_t)p->zero;
  p->high = p->d.grid;
  p->high.fill = (uint8_t)(p->zero >> 8);
  p->high.flip = q->x_type == QFK_S16 ? 0x80 : 0;
  return true;
}

void qfk_dwconv16_hvx_pack(const QfkDwconv16Hvx *p, const QfkIntArgs *q, const void *w, int32_t *offsets,
                           int32_t *weights, int32_t *first_low, int32_t *first_high, int32_t *multiplier,
                           int32_t *shift)
{
  static const QfkFixed one = {1 << 30, 0};
  const QfkIntArgs bytes = as_bytes(q, &one);
  QfkDwconvHvx ones = p->d;
  ones.grid.fill = 1; /* for which the bias is the weights' sum with its sign changed */
  qfk_dwconv_hvx_pack(&ones, &bytes, w, offsets, weights, first_low, multiplier, shift);
  for (int32_t c = 0; c < (int32_t)qfk_dwconv_hvx_channels(&p->d); c++) {
    const QfkFixed f = c < p->d.s.c ? q->requant.fixed[q->requant.per_channel ? c : 0]
                                    : (QfkFixed){0, QFK_HVX_WIDE_LEAST_SHIFT};
    const int64_t first = (q->bias && c < p->d.s.c ? q->bias[c] : 0) + (int64_t)p->zero * first_low[c];
    first_low[c] = (int32_t)(first & 255);
    first_high[c] = (int32_t)(first >> 8);
    multiplier[c] = f.multiplier;
    shift[c] = f.shift;
  }
}

/* Of low and of high bytes each: the four parts, the sums of a channel, results of four channels; and what one plane of bytes needs. */
size_t qfk_dwconv16_hvx_scratch(const QfkDwconv16Hvx *p)
{
  const size_t part = qfk_dwconv_hvx_part(&p->d), pixels = qfk_dwconv_hvx_pixels(&p->d);
  return 4 * (part + 128) + 2 * (4 * part + 4 * pixels + 4 * pixels) + 4 * pixels + 1024;
}
