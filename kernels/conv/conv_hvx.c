/* SPDX-License-Identifier: MIT */
/*
 * conv_hvx.c - convolution for HVX; see conv_hvx.h. A tile is 64 pixels of 8 channels: 16 vectors of sums stay in registers.
 */
#include "conv_hvx.h"
#include "product_hvx.h"
#include "../hvx/memory.h"
#include "../hvx/requant.h"

#define PIXELS QFK_CONV_HVX_PIXELS
#define CHANNELS QFK_CONV_HVX_CHANNELS

/* A run: a tile of rows. */
typedef struct {
  const QfkConvHvx *p;
  const uint8_t *base; /* the first output pixel in plane 0 of group 0 */
  uint8_t *y;          /* the first output row in plane 0 */
  uint8_t *line;       /* two planes of results, when columns are to be dropped */
  int32_t rows;
} Run;

/* What a block of 8 channels does to its sums; the vectors hold one number each. */
typedef struct {
  HVX_Vector bias[CHANNELS], multiplier[CHANNELS];
  const int32_t *shift;
  QfkHvxOutVectors out;
} Block;

static void make_block(Block *b, const QfkConvHvx *p, int32_t block)
{
  for (int i = 0; i < CHANNELS; i++) {
    b->bias[i] = Q6_V_vsplat_R(p->bias[block * CHANNELS + i]);
    b->multiplier[i] = Q6_V_vsplat_R(p->multiplier[block * CHANNELS + i]);
  }
  b->shift = p->shift + block * CHANNELS;
  b->out = qfk_hvx_out_vectors(&p->out);
}

/* 32 pixels of 8 channels, two planes. */
static inline __attribute__((always_inline)) void finish(HVX_Vector *sums, const Block *b, bool shifted,
                                                         HVX_Vector *out)
{
  const HVX_Vector *m = b->multiplier;
  for (int i = 0; i < CHANNELS && shifted; i++)
    sums[i] = qfk_hvx_shift_left(sums[i], b->shift[i]);
  for (int i = 0; i < CHANNELS; i += 4)
    out[i / 4] =
        qfk_hvx_pixels(qfk_hvx_once(sums[i], m[i]), qfk_hvx_once(sums[i + 1], m[i + 1]),
                       qfk_hvx_once(sums[i + 2], m[i + 2]), qfk_hvx_once(sums[i + 3], m[i + 3]), &b->out);
}

/* A vector, or the @n bytes that are left. */
static inline __attribute__((always_inline)) void store_last(uint8_t *to, HVX_Vector v, int32_t n)
{
  if (__builtin_expect(n >= 128, 1))
    qfk_hvx_store(to, v);
  else
    qfk_hvx_store_n(to, v, n);
}

/* What a block writes: planes @plane bytes apart, one or two, from @to. */
typedef struct {
  const QfkConvHvx *p;
  const uint8_t *base;
  const int8_t *weights;
  uint8_t *to;
  ptrdiff_t plane;
  int32_t n_planes, pixels;
} Pixels;

static inline __attribute__((always_inline)) void run_pixels(const Pixels *t, const Block *b, bool shifted)
{
  const uint8_t *base = t->base;
  uint8_t *to = t->to;
  const bool both = t->n_planes > 1;
  const ptrdiff_t plane = t->plane;
  int32_t left = 4 * t->pixels;
  for (; left > 128; left -= 256, base += 256, to += 256) {
    HVX_Vector lo[2], hi[2];
    QfkConvSums s;
    for (int i = 0; i < CHANNELS; i++)
      s.lo[i] = s.hi[i] = b->bias[i];
    qfk_conv_multiply(t->p, base, t->weights, &s);
    finish(s.lo, b, shifted, lo);
    finish(s.hi, b, shifted, hi);
    qfk_hvx_store(to, lo[0]);
    store_last(to + 128, hi[0], left - 128);
    if (both) {
      qfk_hvx_store(to + plane, lo[1]);
      store_last(to + plane + 128, hi[1], left - 128);
    }
  }
  if (left > 0) {
    HVX_Vector lo[2];
    QfkConvSums s;
    for (int i = 0; i < CHANNELS; i++)
      s.lo[i] = b->bias[i];
    qfk_conv_multiply_half(t->p, base, t->weights, &s);
    finish(s.lo, b, shifted, lo);
    store_last(to, lo[0], left);
    if (both)
      store_last(to + plane, lo[1], left);
  }
}

static __attribute__((noinline)) void run_plain(const Pixels *t, const Block *b)
{
  run_pixels(t, b, false);
}

static __attribute__((noinline)) void run_shifted(const Pixels *t, const Block *b)
{
  run_pixels(t, b, true);
}

static void run_block(const Run *r, int32_t group, int32_t block)
{
  const QfkConvHvx *p = r->p;
  const QfkConvShape *s = &p->s;
  const int32_t out_planes = qfk_d4_planes(s->oc / s->group), index = group * p->blocks + block;
  const int32_t plane = group * out_planes + 2 * block;
  const ptrdiff_t y_plane = (ptrdiff_t)s->oh * s->ow * 4, grid_plane = (ptrdiff_t)p->grid.gh * p->grid.gw * 4;
  const bool dense = p->grid.gw == s->ow;
  uint8_t *y = r->y + plane * y_plane;
  const Pixels t = {p,
                    r->base + group * p->planes * grid_plane,
                    p->weights + (ptrdiff_t)index * p->steps * 4 * CHANNELS,
                    dense ? y : r->line,
                    dense ? y_plane : ((ptrdiff_t)p->rows * p->grid.gw + PIXELS) * 4,
                    out_planes - 2 * block > 1 ? 2 : 1,
                    r->rows * p->grid.gw - (p->grid.gw - s->ow)};
  Block b;
  make_block(&b, p, index);
  (p->shifted ? run_shifted : run_plain)(&t, &b);
  for (int32_t i = 0; i < t.n_planes && !dense; i++)
    for (int32_t row = 0; row < r->rows; row++)
      qfk_hvx_copy(y + i * y_plane + (ptrdiff_t)row * s->ow * 4,
                   r->line + i * t.plane + (ptrdiff_t)row * p->grid.gw * 4, s->ow * 4);
}

void qfk_conv_s8_hvx(const QfkConvHvx *p, const uint8_t *x, int32_t y0, uint8_t *y, void *scratch)
{
  const QfkConvShape *s = &p->s;
  const QfkGridHvx *g = &p->grid;
  const int32_t all = p->planes * s->group, left = s->oh - y0;
  const ptrdiff_t plane = (ptrdiff_t)g->gh * g->gw * 4;
  const size_t bytes = p->direct ? 0 : ((size_t)g->n_phases * all * plane + QFK_D4_SLACK + 127) / 128 * 128;
  Run r = {p, x + (ptrdiff_t)y0 * g->gw * 4, y + (ptrdiff_t)y0 * s->ow * 4, (uint8_t *)scratch + bytes,
           left < p->rows ? left : p->rows};
  for (int32_t phase = 0; phase < g->n_phases && !p->direct; phase++)
    for (int32_t i = 0; i < all; i++)
      qfk_grid_pack_hvx(g, phase, x + (ptrdiff_t)i * s->h * s->w * 4, y0, g->gh - p->rows + r.rows,
                        (uint8_t *)scratch + ((ptrdiff_t)phase * all + i) * plane);
  if (!p->direct)
    r.base = scratch;
  for (int32_t group = 0; group < s->group; group++)
    for (int32_t b = 0; b < p->blocks; b++)
      run_block(&r, group, b);
}
