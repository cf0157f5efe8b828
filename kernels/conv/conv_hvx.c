/* SPDX-License-Identifier: MIT */
/*
 * conv_hvx.c - convolution for HVX; see conv_hvx.h. A tile is 64 pixels of 8 channels: 16 vectors of sums stay in registers.
 *
 * The loop over the sums is eight packets a step, each with two vrmpy: all the multipliers there are. Its C twin is what a host runs.
 */
#include "conv_hvx.h"
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

/* Pixels 0..31 in lo, 32..63 in hi. */
typedef struct {
  HVX_Vector lo[CHANNELS], hi[CHANNELS];
} Sums;

#if defined(__hexagon__)

/* Each step's operands are loaded while the step before is computed: x and y one packet after their last use, weights with it. */
static inline __attribute__((always_inline)) void multiply(const QfkConvHvx *p, const uint8_t *base,
                                                           const int8_t *weights, Sums *s)
{
  const int32_t *offset = p->offsets;
  const int64_t *w = (const int64_t *)weights;
  const uint8_t *at = base + *offset++;
  HVX_Vector x = qfk_hvx_load(at), y = qfk_hvx_load(at + 128);
  int64_t a = w[0], b = w[1], c = w[2], d;
  int32_t o;
  w += 3;
  __asm__ volatile("{ loop0(1f, %[n]) }\n"
                   ".balign 16\n"
                   "1:\n" /* qfk: conv */
                   "{ %[l0].w += vrmpy(%[x].ub, %L[a].b)\n %[l1].w += vrmpy(%[x].ub, %H[a].b)\n"
                   "  %[d] = memd(%[w]++#8) }\n"
                   "{ %[l2].w += vrmpy(%[x].ub, %L[b].b)\n %[l3].w += vrmpy(%[x].ub, %H[b].b)\n"
                   "  %[o] = memw(%[offset]++#4) }\n"
                   "{ %[l4].w += vrmpy(%[x].ub, %L[c].b)\n %[l5].w += vrmpy(%[x].ub, %H[c].b)\n"
                   "  %[at] = add(%[base], %[o]) }\n"
                   "{ %[l6].w += vrmpy(%[x].ub, %L[d].b)\n %[l7].w += vrmpy(%[x].ub, %H[d].b)\n"
                   "  %[x] = vmemu(%[at]+#0) }\n"
                   "{ %[h0].w += vrmpy(%[y].ub, %L[a].b)\n %[h1].w += vrmpy(%[y].ub, %H[a].b)\n"
                   "  %[a] = memd(%[w]++#8) }\n"
                   "{ %[h2].w += vrmpy(%[y].ub, %L[b].b)\n %[h3].w += vrmpy(%[y].ub, %H[b].b)\n"
                   "  %[b] = memd(%[w]++#8) }\n"
                   "{ %[h4].w += vrmpy(%[y].ub, %L[c].b)\n %[h5].w += vrmpy(%[y].ub, %H[c].b)\n"
                   "  %[c] = memd(%[w]++#8) }\n"
                   "{ %[h6].w += vrmpy(%[y].ub, %L[d].b)\n %[h7].w += vrmpy(%[y].ub, %H[d].b)\n"
                   "  %[y] = vmemu(%[at]+#1) }:endloop0\n"
                   : [l0] "+v"(s->lo[0]), [l1] "+v"(s->lo[1]), [l2] "+v"(s->lo[2]), [l3] "+v"(s->lo[3]),
                     [l4] "+v"(s->lo[4]), [l5] "+v"(s->lo[5]), [l6] "+v"(s->lo[6]), [l7] "+v"(s->lo[7]),
                     [h0] "+v"(s->hi[0]), [h1] "+v"(s->hi[1]), [h2] "+v"(s->hi[2]), [h3] "+v"(s->hi[3]),
                     [h4] "+v"(s->hi[4]), [h5] "+v"(s->hi[5]), [h6] "+v"(s->hi[6]), [h7] "+v"(s->hi[7]),
                     [x] "+v"(x), [y] "+v"(y), [a] "+r"(a), [b] "+r"(b), [c] "+r"(c), [d] "=&r"(d),
                     [o] "=&r"(o), [w] "+r"(w), [offset] "+r"(offset), [at] "+r"(at)
                   : [base] "r"(base), [n] "r"(p->steps)
                   : "lc0", "sa0", "memory");
}

#else

static inline void multiply(const QfkConvHvx *p, const uint8_t *base, const int8_t *weights, Sums *s)
{
  for (int32_t k = 0; k < p->steps; k++, weights += 4 * CHANNELS) {
    const HVX_Vector x = qfk_hvx_load(base + p->offsets[k]), y = qfk_hvx_load(base + p->offsets[k] + 128);
    for (int i = 0; i < CHANNELS; i++) {
      int32_t w;
      memcpy(&w, weights + 4 * i, sizeof(w));
      s->lo[i] = Q6_Vw_vrmpyacc_VwVubRb(s->lo[i], x, w);
      s->hi[i] = Q6_Vw_vrmpyacc_VwVubRb(s->hi[i], y, w);
    }
  }
}

#endif

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

/* @n bytes, up to those of a tile. */
static inline void store_pixels(uint8_t *to, HVX_Vector lo, HVX_Vector hi, int32_t n)
{
  if (n >= 4 * PIXELS) {
    qfk_hvx_store(to, lo);
    qfk_hvx_store(to + 128, hi);
    return;
  }
  qfk_hvx_store_n(to, lo, n < 128 ? n : 128);
  if (n > 128)
    qfk_hvx_store_n(to + 128, hi, n - 128);
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
  for (int32_t left = 4 * t->pixels; left > 0; left -= 4 * PIXELS, base += 4 * PIXELS, to += 4 * PIXELS) {
    HVX_Vector lo[2], hi[2];
    Sums s;
    for (int i = 0; i < CHANNELS; i++)
      s.lo[i] = s.hi[i] = b->bias[i];
    multiply(t->p, base, t->weights, &s);
    finish(s.lo, b, shifted, lo);
    finish(s.hi, b, shifted, hi);
    store_pixels(to, lo[0], hi[0], left);
    if (t->n_planes > 1)
      store_pixels(to + t->plane, lo[1], hi[1], left);
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
  const ptrdiff_t y_plane = (ptrdiff_t)s->oh * s->ow * 4, grid_plane = (ptrdiff_t)p->gh * p->gw * 4;
  const bool dense = p->gw == s->ow;
  uint8_t *y = r->y + plane * y_plane;
  const Pixels t = {p,
                    r->base + group * p->planes * grid_plane,
                    p->weights + (ptrdiff_t)index * p->steps * 4 * CHANNELS,
                    dense ? y : r->line,
                    dense ? y_plane : ((ptrdiff_t)p->rows * p->gw + PIXELS) * 4,
                    out_planes - 2 * block > 1 ? 2 : 1,
                    r->rows * p->gw - (p->gw - s->ow)};
  Block b;
  make_block(&b, p, index);
  (p->shifted ? run_shifted : run_plain)(&t, &b);
  for (int32_t i = 0; i < t.n_planes && !dense; i++)
    for (int32_t row = 0; row < r->rows; row++)
      qfk_hvx_copy(y + i * y_plane + (ptrdiff_t)row * s->ow * 4,
                   r->line + i * t.plane + (ptrdiff_t)row * p->gw * 4, s->ow * 4);
}

/* Whole vectors, up to 124 bytes more than @n words. */
static inline void fill_words(uint8_t *to, HVX_Vector v, int32_t n)
{
  for (int32_t i = 0; i < n; i += 32)
    qfk_hvx_store(to + 4 * i, v);
}

/* Likewise; every @stride th word. Reads up to 252 bytes beyond the last. */
static inline void copy_words(uint8_t *to, const uint8_t *from, HVX_Vector flip, int32_t n, int32_t stride)
{
  if (stride == 1)
    for (int32_t i = 0; i < n; i += 32)
      qfk_hvx_store(to + 4 * i, Q6_V_vxor_VV(qfk_hvx_load(from + 4 * i), flip));
  else if (stride == 2)
    for (int32_t i = 0; i < n; i += 32) {
      const HVX_VectorPair dealt =
          Q6_W_vdeal_VVR(qfk_hvx_load(from + 8 * i + 128), qfk_hvx_load(from + 8 * i), -4);
      qfk_hvx_store(to + 4 * i, Q6_V_vxor_VV(Q6_V_lo_W(dealt), flip));
    }
  else {
    const int32_t four = Q6_R_vextract_VR(flip, 0);
    for (int32_t i = 0; i < n; i++)
      ((int32_t *)to)[i] = ((const int32_t *)from)[(ptrdiff_t)i * stride] ^ four;
  }
}

static inline int32_t clamp(int32_t v, int32_t lo, int32_t hi)
{
  return v < lo ? lo : v > hi ? hi : v;
}

/* The first grid column or row whose pixel is at @at or beyond. */
static inline int32_t first_from(int32_t at, int32_t phase, int32_t pad, int32_t stride)
{
  const int32_t distance = at - phase + pad;
  return distance <= 0 ? 0 : (distance + stride - 1) / stride;
}

/* One plane and phase of the grid, for output rows from @y0. Rows go upwards, so each sets right what the one before wrote too
 * much. */
static void pack_plane(const QfkConvHvx *p, const uint8_t *x, int32_t y0, int32_t n_rows,
                       const uint8_t *phase, uint8_t *to)
{
  const QfkConvShape *s = &p->s;
  const HVX_Vector fill = Q6_Vb_vsplat_R(p->fill), flip = Q6_Vb_vsplat_R(p->x_flip);
  const int32_t left = clamp(first_from(0, phase[1], s->pad[1], s->stride[1]), 0, p->gw);
  const int32_t end = clamp(first_from(s->w, phase[1], s->pad[1], s->stride[1]), left, p->gw);
  const int32_t ix = left * s->stride[1] + phase[1] - s->pad[1];
  for (int32_t r = 0; r < n_rows; r++, to += p->gw * 4) {
    const int32_t iy = (y0 + r) * s->stride[0] + phase[0] - s->pad[0];
    if (iy < 0 || iy >= s->h) {
      fill_words(to, fill, p->gw);
      continue;
    }
    fill_words(to, fill, left);
    if (end > left)
      copy_words(to + left * 4, x + ((ptrdiff_t)iy * s->w + ix) * 4, flip, end - left, s->stride[1]);
    fill_words(to + end * 4, fill, p->gw - end);
  }
}

void qfk_conv_s8_hvx(const QfkConvHvx *p, const uint8_t *x, int32_t y0, uint8_t *y, void *scratch)
{
  const QfkConvShape *s = &p->s;
  const int32_t all = p->planes * s->group, left = s->oh - y0;
  const ptrdiff_t plane = (ptrdiff_t)p->gh * p->gw * 4;
  const size_t grid = p->direct ? 0 : ((size_t)p->n_phases * all * plane + QFK_D4_SLACK + 127) / 128 * 128;
  Run r = {p, x + (ptrdiff_t)y0 * p->gw * 4, y + (ptrdiff_t)y0 * s->ow * 4, (uint8_t *)scratch + grid,
           left < p->rows ? left : p->rows};
  if (!p->direct) {
    for (int32_t phase = 0; phase < p->n_phases; phase++)
      for (int32_t i = 0; i < all; i++)
        pack_plane(p, x + (ptrdiff_t)i * s->h * s->w * 4, y0, p->gh - p->rows + r.rows, p->phase[phase],
                   (uint8_t *)scratch + ((ptrdiff_t)phase * all + i) * plane);
    r.base = scratch;
  }
  for (int32_t g = 0; g < s->group; g++)
    for (int32_t b = 0; b < p->blocks; b++)
      run_block(&r, g, b);
}
