/* SPDX-License-Identifier: MIT */
/*
 * pool_hvx_plan.c - offsets of the taps in the grid and multipliers of pixels, for HVX. Plain C, for any machine.
 *
 * Padding is the zero point for averages, so that it adds nothing; for a maximum it is the least byte.
 */
#include "pool_hvx.h"

static int32_t tap_phase(const QfkPoolShape *s, int d, int32_t k)
{
  return k * s->dilation[d] % s->stride[d];
}

static int32_t tap_shift(const QfkPoolShape *s, int d, int32_t k)
{
  return k * s->dilation[d] / s->stride[d];
}

static bool add_phases(QfkPoolHvx *p)
{
  QfkGridHvx *g = &p->grid;
  const QfkPoolShape *s = &p->s;
  if (s->stride[0] > 255 || s->stride[1] > 255)
    return false;
  for (int32_t k = 0; k < p->taps; k++) {
    const int32_t y = tap_phase(s, 0, k / s->kw), x = tap_phase(s, 1, k % s->kw);
    if (qfk_grid_find(g, y, x) < g->n_phases)
      continue;
    if (g->n_phases == QFK_GRID_HVX_PHASES)
      return false;
    g->phase[g->n_phases][0] = (uint8_t)y;
    g->phase[g->n_phases++][1] = (uint8_t)x;
  }
  return true;
}

/* How many pixels the average of an output pixel is of. */
static int32_t divisor(const QfkPoolShape *s, int32_t oy, int32_t ox)
{
  const QfkPoolWindow wy =
      qfk_pool_window(oy, s->h, s->kh, s->stride[0], s->dilation[0], s->pad[0], s->pad[1]);
  const QfkPoolWindow wx =
      qfk_pool_window(ox, s->w, s->kw, s->stride[1], s->dilation[1], s->pad[2], s->pad[3]);
  if (s->count_pad)
    return wy.count_padded * wx.count_padded;
  return wy.last > wy.first && wx.last > wx.first ? (wy.last - wy.first) * (wx.last - wx.first) : 0;
}

static bool multipliers_fit(const QfkPoolHvx *p, const QfkPoolInt *q)
{
  if (!q->fixed)
    return false;
  for (int32_t y = 0; y < p->s.oh; y++)
    for (int32_t x = 0; x < p->s.ow; x++) {
      const int32_t d = divisor(&p->s, y, x);
      if (!d || q->fixed[d].shift)
        return false;
    }
  return true;
}

bool qfk_pool_hvx_init(QfkPoolHvx *p, const QfkPoolShape *s, const QfkPoolInt *q, bool max, int32_t rows)
{
  const uint8_t flip = qfk_hvx_flip(q->type);
  if (q->type > QFK_S8 || q->y_type > QFK_S8 || s->kh > 256 || s->kw > 256 || s->kh * s->kw > 256 ||
      (max && q->type != q->y_type))
    return false;
  *p = (QfkPoolHvx){.s = *s,
                    .rows = rows,
                    .taps = s->kh * s->kw,
                    .max = max,
                    .out = qfk_hvx_out(q->y_type, max ? 0 : q->y_zero, q->lo, q->hi)};
  p->s.n = 1;
  p->grid = (QfkGridHvx){.h = s->h,
                         .w = s->w,
                         .stride = {s->stride[0], s->stride[1]},
                         .pad = {s->pad[0], s->pad[2]},
                         .gh = rows + tap_shift(s, 0, s->kh - 1),
                         .gw = s->ow + tap_shift(s, 1, s->kw - 1),
                         .flip = flip,
                         .fill = max ? 0 : (uint8_t)(q->x_zero + flip)};
  p->less = p->taps * p->grid.fill;
  return add_phases(p) && (max || multipliers_fit(p, q));
}

size_t qfk_pool_hvx_multipliers(const QfkPoolHvx *p)
{
  return (size_t)p->s.oh * p->grid.gw + 32;
}

void qfk_pool_hvx_pack(const QfkPoolHvx *p, const QfkPoolInt *q, int32_t *offsets, int32_t *multiplier)
{
  const QfkPoolShape *s = &p->s;
  const QfkGridHvx *g = &p->grid;
  for (int32_t k = 0; k < p->taps; k++) {
    const int32_t ky = k / s->kw, kx = k % s->kw;
    const int32_t phase = qfk_grid_find(g, tap_phase(s, 0, ky), tap_phase(s, 1, kx));
    offsets[k] = ((phase * g->gh + tap_shift(s, 0, ky)) * g->gw + tap_shift(s, 1, kx)) * 4;
  }
  for (size_t i = 0; !p->max && i < qfk_pool_hvx_multipliers(p); i++) {
    const int32_t y = (int32_t)(i / g->gw), x = (int32_t)(i % g->gw);
    multiplier[i] = y < s->oh && x < s->ow ? q->fixed[divisor(s, y, x)].multiplier : 0;
  }
}

/* The grid of a plane, its results, and these without what is dropped. */
size_t qfk_pool_hvx_scratch(const QfkPoolHvx *p)
{
  const size_t pixels = (size_t)p->rows * p->grid.gw;
  return ((size_t)p->grid.n_phases * p->grid.gh * p->grid.gw * 4 + 511) / 128 * 128 + 2 * (pixels * 4 + 512);
}
