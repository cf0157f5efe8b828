/* SPDX-License-Identifier: MIT */
/*
 * conv16_hvx.c - convolution of 16-bit images for HVX; see conv16_hvx.h. A tile is 32 pixels of 8 channels, the sums of their low and of
 * their high bytes: 16 vectors.
 */
#include "conv16_hvx.h"
#include "../hvx/memory.h"
#include "../hvx/wide.h"
#include "product_hvx.h"

#define CHANNELS QFK_CONV_HVX_CHANNELS
#define PLANES 4 /* of a block: of low and of high bytes, twice */

/* A run: a tile of rows. */
typedef struct {
  const QfkConv16Hvx *p;
  const uint8_t *base; /* the first output pixel in plane 0 of group 0 */
  ptrdiff_t plane;     /* bytes of a plane of the input */
  uint8_t *y;          /* the first output row in plane 0 */
  uint8_t *line;       /* planes of results, when columns are to be dropped */
  int32_t rows;
} Run;

/* Four channels' words to planes of low and of high bytes. */
static inline __attribute__((always_inline)) HVX_VectorPair split(const HVX_Vector *v)
{
  return Q6_Wb_vshuffoe_VbVb(Q6_Vh_vshuffe_VhVh(v[3], v[1]), Q6_Vh_vshuffe_VhVh(v[2], v[0]));
}

static void finish(const QfkConv16Hvx *p, int32_t first, const QfkConvSums *low, const QfkConvSums *high,
                   HVX_Vector *out)
{
  const QfkHvxWideOutVectors o = qfk_hvx_wide_out_vectors(&p->out);
  HVX_Vector v[CHANNELS];
  for (int i = 0; i < CHANNELS; i++) {
    const QfkHvxShifts shifts = qfk_hvx_shifts(p->c.shift[first + i]);
    const QfkHvxWide x = qfk_hvx_wide_sum(high->lo[i], low->lo[i]);
    v[i] = qfk_hvx_wide_bound(qfk_hvx_wide_once(x.high, x.low, Q6_V_vsplat_R(p->c.multiplier[first + i]),
                                                &shifts),
                              &o);
  }
  for (int i = 0; i < 2; i++) {
    const HVX_VectorPair both = split(v + 4 * i);
    out[2 * i] = Q6_V_lo_W(both);
    out[2 * i + 1] = Q6_V_hi_W(both);
  }
}

/* What a block writes: up to four planes @plane bytes apart from @to. */
typedef struct {
  uint8_t *to;
  ptrdiff_t plane;
  int32_t n, pixels;
} Planes;

static void run_pixels(const Run *r, int32_t block, const uint8_t *base, const Planes *out)
{
  const QfkConv16Hvx *p = r->p;
  const int8_t *weights = p->c.weights + (ptrdiff_t)block * p->c.steps * 4 * CHANNELS;
  uint8_t *to = out->to;
  for (int32_t left = 4 * out->pixels; left > 0; left -= 128, base += 128, to += 128) {
    HVX_Vector v[PLANES];
    QfkConvSums low, high;
    for (int i = 0; i < CHANNELS; i++) {
      low.lo[i] = Q6_V_vsplat_R(p->first_low[block * CHANNELS + i]);
      high.lo[i] = Q6_V_vsplat_R(p->first_high[block * CHANNELS + i]);
    }
    qfk_conv_multiply_half(&p->c, base, weights, &low);
    qfk_conv_multiply_half(&p->c, base + r->plane, weights, &high);
    finish(p, block * CHANNELS, &low, &high, v);
    for (int i = 0; i < out->n; i++)
      if (left >= 128)
        qfk_hvx_store(to + i * out->plane, v[i]);
      else
        qfk_hvx_store_n(to + i * out->plane, v[i], left);
  }
}

static void run_block(const Run *r, int32_t group, int32_t block)
{
  const QfkConvHvx *c = &r->p->c;
  const QfkConvShape *s = &c->s;
  const int32_t planes = qfk_d4_planes(s->oc / s->group), gw = c->grid.gw;
  const ptrdiff_t y_plane = (ptrdiff_t)s->oh * s->ow * 4;
  const bool dense = gw == s->ow;
  uint8_t *y = r->y + 2 * (group * planes + 2 * block) * y_plane;
  const Planes out = {dense ? y : r->line,
                      dense ? y_plane : ((ptrdiff_t)c->rows * gw + QFK_CONV_HVX_PIXELS) * 4,
                      planes - 2 * block > 1 ? 4 : 2, r->rows * gw - (gw - s->ow)};
  run_pixels(r, group * c->blocks + block, r->base + 2 * group * c->planes * r->plane, &out);
  for (int32_t i = 0; i < out.n && !dense; i++)
    for (int32_t row = 0; row < r->rows; row++)
      qfk_hvx_copy(y + i * y_plane + (ptrdiff_t)row * s->ow * 4,
                   r->line + i * out.plane + (ptrdiff_t)row * gw * 4, s->ow * 4);
}

void qfk_conv_s16_hvx(const QfkConv16Hvx *p, const uint8_t *x, int32_t y0, uint8_t *y, void *scratch)
{
  const QfkConvHvx *c = &p->c;
  const QfkConvShape *s = &c->s;
  const QfkGridHvx *g = &c->grid;
  const int32_t all = 2 * c->planes * s->group, left = s->oh - y0;
  const ptrdiff_t plane = (ptrdiff_t)g->gh * g->gw * 4;
  const size_t bytes = c->direct ? 0 : ((size_t)g->n_phases * all * plane + QFK_D4_SLACK + 127) / 128 * 128;
  Run r = {p,
           x + (ptrdiff_t)y0 * g->gw * 4,
           plane,
           y + (ptrdiff_t)y0 * s->ow * 4,
           (uint8_t *)scratch + bytes,
           left < c->rows ? left : c->rows};
  for (int32_t phase = 0; phase < g->n_phases && !c->direct; phase++)
    for (int32_t i = 0; i < all; i++)
      qfk_grid_pack_hvx(i % 2 ? &p->high : g, phase, x + (ptrdiff_t)i * s->h * s->w * 4, y0,
                        g->gh - c->rows + r.rows, (uint8_t *)scratch + ((ptrdiff_t)phase * all + i) * plane);
  if (!c->direct)
    r.base = scratch;
  for (int32_t group = 0; group < s->group; group++)
    for (int32_t b = 0; b < c->blocks; b++)
      run_block(&r, group, b);
}
