/* SPDX-License-Identifier: MIT */
/*
 * pool_hvx.c - pooling for HVX; see pool_hvx.h. Plane by plane: the grid, 32 output pixels of four channels at a time.
 */
#include "pool_hvx.h"
#include "../hvx/memory.h"
#include "../hvx/requant.h"

#include <stddef.h>

static void take_max(const QfkPoolHvx *p, const uint8_t *grid, uint8_t *to, int32_t n)
{
  const QfkHvxOutVectors out = qfk_hvx_out_vectors(&p->out);
  for (int32_t i = 0; i < n; i += 32, grid += 128, to += 128) {
    HVX_Vector v = qfk_hvx_load(grid + p->offsets[0]);
    for (int32_t k = 1; k < p->taps; k++)
      v = Q6_Vub_vmax_VubVub(v, qfk_hvx_load(grid + p->offsets[k]));
    *(HVX_Vector *)to = qfk_hvx_bound(v, &out);
  }
}

/* Sums of halfwords suffice for 256 bytes. */
static void take_average(const QfkPoolHvx *p, const uint8_t *grid, const int32_t *multiplier, uint8_t *to,
                         int32_t n)
{
  const QfkHvxOutVectors out = qfk_hvx_out_vectors(&p->out);
  const HVX_Vector less = Q6_V_vsplat_R(p->less);
  for (int32_t i = 0; i < n; i += 32, grid += 128, to += 128) {
    const HVX_Vector m = qfk_hvx_load(multiplier + i);
    HVX_Vector even = Q6_V_vzero(), odd = Q6_V_vzero();
    for (int32_t k = 0; k < p->taps; k++) {
      const HVX_VectorPair wide = Q6_Wuh_vzxt_Vub(qfk_hvx_load(grid + p->offsets[k]));
      even = Q6_Vh_vadd_VhVh(even, Q6_V_lo_W(wide));
      odd = Q6_Vh_vadd_VhVh(odd, Q6_V_hi_W(wide));
    }
    const HVX_VectorPair c02 = Q6_Wuw_vzxt_Vuh(even), c13 = Q6_Wuw_vzxt_Vuh(odd);
    *(HVX_Vector *)to = qfk_hvx_pixels(qfk_hvx_once(Q6_Vw_vsub_VwVw(Q6_V_lo_W(c02), less), m),
                                       qfk_hvx_once(Q6_Vw_vsub_VwVw(Q6_V_lo_W(c13), less), m),
                                       qfk_hvx_once(Q6_Vw_vsub_VwVw(Q6_V_hi_W(c02), less), m),
                                       qfk_hvx_once(Q6_Vw_vsub_VwVw(Q6_V_hi_W(c13), less), m), &out);
  }
}

void qfk_pool_u8_hvx(const QfkPoolHvx *p, const uint8_t *x, int32_t y0, uint8_t *y, void *scratch)
{
  const QfkGridHvx *g = &p->grid;
  const QfkPoolShape *s = &p->s;
  const int32_t rows = s->oh - y0 < p->rows ? s->oh - y0 : p->rows;
  const size_t phase_bytes = (size_t)g->gh * g->gw * 4;
  const int32_t pixels = (rows - 1) * g->gw + s->ow;
  uint8_t *line = (uint8_t *)scratch + (g->n_phases * phase_bytes + 511) / 128 * 128;
  uint8_t *between = line + ((size_t)p->rows * g->gw * 4 + 255) / 128 * 128;
  for (int32_t plane = 0; plane < qfk_d4_planes(s->c); plane++, x += (ptrdiff_t)s->h * s->w * 4) {
    for (int32_t phase = 0; phase < g->n_phases; phase++)
      qfk_grid_pack_hvx(g, phase, x, y0, g->gh - p->rows + rows, (uint8_t *)scratch + phase * phase_bytes);
    if (p->max)
      take_max(p, scratch, line, pixels);
    else
      take_average(p, scratch, p->multiplier + (ptrdiff_t)y0 * g->gw, line, pixels);
    qfk_hvx_copy_rows(y + ((ptrdiff_t)plane * s->oh + y0) * s->ow * 4, between, line, s->ow * 4, g->gw * 4,
                      rows);
  }
}
