/* SPDX-License-Identifier: MIT */
/*
 * pool16_hvx_plan.c - plans of pooling 16-bit images for HVX: those of bytes, with wide multipliers. Plain C, for any machine.
 */
#include "pool16_hvx.h"

#define WINDOW 257 /* pixels of a window, from 0 on */

/* The same pooling of bytes. */
static QfkPoolInt as_bytes(const QfkPoolInt *q, const QfkFixed *fixed)
{
  QfkPoolInt b = *q;
  b.type = b.y_type = QFK_U8;
  b.x_zero = b.y_zero = 0;
  b.lo = 0;
  b.hi = 255;
  b.fixed = fixed;
  return b;
}

bool qfk_pool16_hvx_init(QfkPool16Hvx *p, const QfkPoolShape *s, const QfkPoolInt *q, bool max, int32_t rows)
{
  static const QfkFixed any[WINDOW];
  const QfkPoolInt bytes = as_bytes(q, any);
  if (q->type < QFK_U16 || q->y_type < QFK_U16 || (max && q->type != q->y_type) || (!max && !q->fixed) ||
      !qfk_pool_hvx_init(&p->p, s, &bytes, max, rows))
    return false;
  const int32_t zero = qfk_hvx_wide_zero(q->type, q->x_zero);
  /* Averages are of unsigned values, a maximum is of signed ones. */
  p->flip = max == (q->type == QFK_U16) ? 0x80 : 0;
  p->p.grid.fill = max ? 0 : (uint8_t)zero;
  p->high = p->p.grid;
  p->high.flip = p->flip;
  p->high.fill = max ? 0x80 : (uint8_t)(zero >> 8);
  p->less = p->p.taps * zero;
  p->out = (QfkHvxWideOut){max ? 0 : q->y_zero, q->lo, q->hi};
  if (max && q->type == QFK_U16) {
    p->out.lo -= 32768;
    p->out.hi -= 32768;
  }
  for (int32_t d = 1; d <= p->p.taps && !max; d++)
    if (q->fixed[d].multiplier < 0 || q->fixed[d].shift < QFK_HVX_WIDE_LEAST_SHIFT)
      return false;
  return true;
}

void qfk_pool16_hvx_pack(const QfkPool16Hvx *p, const QfkPoolInt *q, int32_t *offsets, int32_t *multiplier,
                         int32_t *shift)
{
  QfkFixed counts[WINDOW];
  const QfkPoolInt bytes = as_bytes(q, counts);
  for (int32_t d = 0; d < WINDOW; d++)
    counts[d] = (QfkFixed){d, 0};
  qfk_pool_hvx_pack(&p->p, &bytes, offsets, multiplier);
  for (size_t i = 0; !p->p.max && i < qfk_pool_hvx_multipliers(&p->p); i++) {
    const QfkFixed f = multiplier[i] ? q->fixed[multiplier[i]] : (QfkFixed){0, QFK_HVX_WIDE_LEAST_SHIFT};
    multiplier[i] = f.multiplier;
    shift[i] = f.shift;
  }
}

/* The grids of a plane, its results, and these without what is dropped. */
size_t qfk_pool16_hvx_scratch(const QfkPool16Hvx *p)
{
  return 2 * ((qfk_pool_hvx_scratch(&p->p) + 127) / 128 * 128);
}
