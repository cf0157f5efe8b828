/* SPDX-License-Identifier: MIT */
/*
 * dwconv16_hvx.c - depthwise convolution of 16-bit images for HVX; see dwconv16_hvx.h. Plane by plane, in passes over scratch memory, of
 * whose arrays there are two: of low bytes and of high ones.
 */
#include "dwconv16_hvx.h"
#include "../hvx/wide.h"
#include "parts_hvx.h"

/* Scratch memory of a run. */
typedef struct {
  uint8_t *grid, *parts[2], *bytes[2], *pixels;
  HVX_Vector *sums[2];
} Scratch;

/* 32 results of a channel, without order. */
static inline HVX_Vector scale(const QfkDwconv16Hvx *p, int32_t channel, const QfkHvxShifts *shifts,
                               const QfkHvxWideOutVectors *out, HVX_Vector low, HVX_Vector high)
{
  const QfkHvxWide x = qfk_hvx_wide_sum(Q6_Vw_vadd_VwVw(high, Q6_V_vsplat_R(p->first_high[channel])),
                                        Q6_Vw_vadd_VwVw(low, Q6_V_vsplat_R(p->first_low[channel])));
  return qfk_hvx_wide_bound(qfk_hvx_wide_once(x.high, x.low, Q6_V_vsplat_R(p->d.multiplier[channel]), shifts),
                            out);
}

/* Four vectors of sums to 128 low and 128 high bytes. With stride 1 they are places 0, 2, 1, 3 of the same words; else each two are even
 * and odd pixels. */
static void finish(const QfkDwconv16Hvx *p, int32_t channel, const Scratch *s, int32_t n)
{
  const QfkHvxShifts shifts = qfk_hvx_shifts(p->d.shift[channel]);
  const QfkHvxWideOutVectors out = qfk_hvx_wide_out_vectors(&p->out);
  const size_t at = channel % 4 * qfk_dwconv_hvx_pixels(&p->d);
  for (int32_t i = 0; i < n; i += 128) {
    HVX_Vector v[4];
    for (int k = 0; k < 4; k++)
      v[k] = scale(p, channel, &shifts, &out, s->sums[0][i / 32 + k], s->sums[1][i / 32 + k]);
    HVX_Vector *low = (HVX_Vector *)(s->bytes[0] + at + i), *high = (HVX_Vector *)(s->bytes[1] + at + i);
    if (p->d.s.stride[1] == 2) {
      const HVX_Vector first = Q6_Vh_vshuffe_VhVh(v[1], v[0]), second = Q6_Vh_vshuffe_VhVh(v[3], v[2]);
      *low = Q6_Vb_vpacke_VhVh(second, first);
      *high = Q6_Vb_vpacko_VhVh(second, first);
    } else {
      const HVX_VectorPair both =
          Q6_Wb_vshuffoe_VbVb(Q6_Vh_vshuffe_VhVh(v[3], v[2]), Q6_Vh_vshuffe_VhVh(v[1], v[0]));
      *low = Q6_V_lo_W(both);
      *high = Q6_V_hi_W(both);
    }
  }
}

static void run_plane(const QfkDwconv16Hvx *p, int32_t plane, const uint8_t *x, int32_t y0, int32_t rows,
                      uint8_t *y, const Scratch *s)
{
  const QfkDwconvHvx *d = &p->d;
  const QfkGridHvx *g = &d->grid;
  const size_t part = qfk_dwconv_hvx_part(d);
  const int32_t n = (rows * d->pitch + 127) / 128 * 128, taps = d->taps;
  for (int b = 0; b < 2; b++) {
    for (int32_t phase = 0; phase < g->n_phases; phase++)
      qfk_grid_pack_hvx(b ? &p->high : g, phase, x + (ptrdiff_t)b * d->s.h * d->s.w * 4, y0,
                        g->gh - d->rows + rows, s->grid + (size_t)phase * g->gh * g->gw * 4);
    qfk_dw_part_channels(s->grid, s->parts[b], part, g->n_phases * g->gh * g->gw);
  }
  for (int32_t i = 0; i < 4; i++) {
    const int32_t *w = d->weights + (ptrdiff_t)(4 * plane + i) * taps;
    for (int b = 0; b < 2; b++)
      (d->s.stride[1] == 2 ? qfk_dw_sum_second : qfk_dw_sum_any)(d, s->parts[b] + i * part, w, s->sums[b], n);
    finish(p, 4 * plane + i, s, n);
  }
  for (int b = 0; b < 2; b++) {
    qfk_dw_join_channels(s->bytes[b], qfk_dwconv_hvx_pixels(d), s->pixels, n);
    qfk_hvx_copy_rows(y + (ptrdiff_t)b * d->s.oh * d->s.ow * 4, s->bytes[b], s->pixels, d->s.ow * 4,
                      d->pitch * 4, rows);
  }
}

void qfk_dwconv_s16_hvx(const QfkDwconv16Hvx *p, const uint8_t *x, int32_t y0, uint8_t *y, void *scratch)
{
  const QfkConvShape *c = &p->d.s;
  const size_t part = qfk_dwconv_hvx_part(&p->d), pixels = qfk_dwconv_hvx_pixels(&p->d);
  Scratch s = {.grid = scratch};
  uint8_t *at = s.grid + 4 * (part + 128);
  for (int b = 0; b < 2; b++, at += 4 * part + 8 * pixels) {
    s.parts[b] = at;
    s.sums[b] = (HVX_Vector *)(at + 4 * part);
    s.bytes[b] = at + 4 * part + 4 * pixels;
  }
  s.pixels = at + 128;
  for (int32_t plane = 0; plane < qfk_d4_planes(c->c); plane++)
    run_plane(p, plane, x + (ptrdiff_t)plane * 2 * c->h * c->w * 4, y0,
              c->oh - y0 < p->d.rows ? c->oh - y0 : p->d.rows,
              y + ((ptrdiff_t)plane * 2 * c->oh + y0) * c->ow * 4, &s);
}
