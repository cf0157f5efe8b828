/* SPDX-License-Identifier: MIT */
/*
 * pool16_hvx.c - pooling of 16-bit images for HVX; see pool16_hvx.h. Plane by plane: both grids, 32 output pixels of four channels at a
 * time.
 */
#include "pool16_hvx.h"
#include "../hvx/memory.h"
#include "../hvx/wide.h"

#include <stddef.h>

/* A plane: its grids, lines of results. */
typedef struct {
  const uint8_t *low, *high;
  uint8_t *low_line, *high_line;
} Plane;

static void take_max(const QfkPool16Hvx *p, const Plane *x, int32_t n)
{
  const HVX_Vector lo = Q6_Vh_vsplat_R(p->out.lo), hi = Q6_Vh_vsplat_R(p->out.hi);
  const HVX_Vector flip = Q6_Vb_vsplat_R(p->flip);
  for (int32_t i = 0; i < 4 * n; i += 128) {
    HVX_Vector even = lo, odd = lo;
    for (int32_t k = 0; k < p->p.taps; k++) {
      const ptrdiff_t at = p->p.offsets[k] + i;
      const HVX_VectorPair v = Q6_Wb_vshuffoe_VbVb(qfk_hvx_load(x->high + at), qfk_hvx_load(x->low + at));
      even = Q6_Vh_vmax_VhVh(even, Q6_V_lo_W(v));
      odd = Q6_Vh_vmax_VhVh(odd, Q6_V_hi_W(v));
    }
    const HVX_VectorPair both = Q6_Wb_vshuffoe_VbVb(Q6_Vh_vmin_VhVh(odd, hi), Q6_Vh_vmin_VhVh(even, hi));
    *(HVX_Vector *)(x->low_line + i) = Q6_V_lo_W(both);
    *(HVX_Vector *)(x->high_line + i) = Q6_V_vxor_VV(Q6_V_hi_W(both), flip);
  }
}

/* Sums of bytes as halfwords suffice for 256 of them. */
static HVX_VectorPair add(HVX_VectorPair sums, HVX_Vector v)
{
  const HVX_VectorPair wide = Q6_Wuh_vzxt_Vub(v);
  return Q6_W_vcombine_VV(Q6_Vh_vadd_VhVh(Q6_V_hi_W(sums), Q6_V_hi_W(wide)),
                          Q6_Vh_vadd_VhVh(Q6_V_lo_W(sums), Q6_V_lo_W(wide)));
}

/* Two channels: sums of high and of low bytes by turns of both, to their values as halfwords by turns. */
static HVX_Vector average(HVX_Vector high, HVX_Vector low, HVX_Vector less, HVX_Vector m, HVX_Vector shift,
                          const QfkHvxWideOutVectors *out)
{
  const HVX_VectorPair h = Q6_Wuw_vzxt_Vuh(high), l = Q6_Wuw_vzxt_Vuh(low);
  const HVX_Vector x0 = Q6_Vw_vsub_VwVw(Q6_Vw_vadd_VwVw(Q6_Vw_vasl_VwR(Q6_V_lo_W(h), 8), Q6_V_lo_W(l)), less);
  const HVX_Vector x1 = Q6_Vw_vsub_VwVw(Q6_Vw_vadd_VwVw(Q6_Vw_vasl_VwR(Q6_V_hi_W(h), 8), Q6_V_hi_W(l)), less);
  const HVX_Vector v0 = qfk_hvx_wide_once_lanes(Q6_Vw_vasr_VwR(x0, 16), x0, m, shift);
  const HVX_Vector v1 = qfk_hvx_wide_once_lanes(Q6_Vw_vasr_VwR(x1, 16), x1, m, shift);
  return Q6_Vh_vshuffe_VhVh(qfk_hvx_wide_bound(v1, out), qfk_hvx_wide_bound(v0, out));
}

static void take_average(const QfkPool16Hvx *p, const Plane *x, int32_t y0, int32_t n)
{
  const QfkHvxWideOutVectors out = qfk_hvx_wide_out_vectors(&p->out);
  const HVX_Vector less = Q6_V_vsplat_R(p->less), zero = Q6_V_vzero();
  const ptrdiff_t first = (ptrdiff_t)y0 * p->p.grid.gw;
  for (int32_t i = 0; i < 4 * n; i += 128) {
    const HVX_Vector m = qfk_hvx_load(p->p.multiplier + first + i / 4);
    const HVX_Vector shift = qfk_hvx_load(p->shift + first + i / 4);
    HVX_VectorPair high = Q6_W_vcombine_VV(zero, zero), low = high;
    for (int32_t k = 0; k < p->p.taps; k++) {
      high = add(high, qfk_hvx_load(x->high + p->p.offsets[k] + i));
      low = add(low, qfk_hvx_load(x->low + p->p.offsets[k] + i));
    }
    const HVX_Vector even = average(Q6_V_lo_W(high), Q6_V_lo_W(low), less, m, shift, &out);
    const HVX_Vector odd = average(Q6_V_hi_W(high), Q6_V_hi_W(low), less, m, shift, &out);
    const HVX_VectorPair both = Q6_Wb_vshuffoe_VbVb(odd, even);
    *(HVX_Vector *)(x->low_line + i) = Q6_V_lo_W(both);
    *(HVX_Vector *)(x->high_line + i) = Q6_V_hi_W(both);
  }
}

void qfk_pool_u16_hvx(const QfkPool16Hvx *p, const uint8_t *x, int32_t y0, uint8_t *y, void *scratch)
{
  const QfkGridHvx *g = &p->p.grid;
  const QfkPoolShape *s = &p->p.s;
  const int32_t rows = s->oh - y0 < p->p.rows ? s->oh - y0 : p->p.rows, pixels = (rows - 1) * g->gw + s->ow;
  const size_t phase_bytes = (size_t)g->gh * g->gw * 4, half = qfk_pool16_hvx_scratch(p) / 2;
  const size_t grid = (g->n_phases * phase_bytes + 511) / 128 * 128;
  uint8_t *grids[2] = {scratch, (uint8_t *)scratch + half}, *lines[2];
  for (int b = 0; b < 2; b++)
    lines[b] = grids[b] + grid;
  uint8_t *between[2];
  for (int b = 0; b < 2; b++)
    between[b] = lines[b] + ((size_t)p->p.rows * g->gw * 4 + 255) / 128 * 128;
  const Plane plane = {grids[0], grids[1], lines[0], lines[1]};
  for (int32_t i = 0; i < qfk_d4_planes(s->c); i++) {
    for (int b = 0; b < 2; b++, x += (ptrdiff_t)s->h * s->w * 4)
      for (int32_t phase = 0; phase < g->n_phases; phase++)
        qfk_grid_pack_hvx(b ? &p->high : g, phase, x, y0, g->gh - p->p.rows + rows,
                          grids[b] + phase * phase_bytes);
    if (p->p.max)
      take_max(p, &plane, pixels);
    else
      take_average(p, &plane, y0, pixels);
    for (int b = 0; b < 2; b++)
      qfk_hvx_copy_rows(y + ((ptrdiff_t)(2 * i + b) * s->oh + y0) * s->ow * 4, between[b], lines[b],
                        s->ow * 4, g->gw * 4, rows);
  }
}
