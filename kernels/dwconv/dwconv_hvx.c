/* SPDX-License-Identifier: MIT */
/*
 * dwconv_hvx.c - depthwise convolution for HVX; see dwconv_hvx.h. Plane by plane, in passes over scratch memory: the grid, its four
 * channels, the sums of a channel, its bytes, and the pixels of four channels together.
 */
#include "dwthree_hvx.h"
#include "../hvx/memory.h"
#include "../hvx/requant.h"
#include "parts_hvx.h"

/* Scratch memory of a run. */
typedef struct {
  uint8_t *grid, *parts, *bytes, *pixels;
  HVX_Vector *sums;
} Scratch;

#if defined(__hexagon__)

/*
 * Filters of three rows of up to four taps, seven packets for 128 pixels. Of each row the next vector is loaded once, and gives both the
 * next four bytes of this block and the bytes of the next; two blocks a round, so that nothing has to be moved. The sums of a block
 * are stored while the next is computed: the first three stores of all, before @sums, are of nothing.
 */
static void sum_three(const QfkDwconvHvx *p, const uint8_t *x, const int32_t *w, HVX_Vector *sums, int32_t n)
{
  const uint8_t *x0 = x + p->offsets[0], *x1 = x + p->offsets[1], *x2 = x + p->offsets[2];
  sums -= 3;
  __asm__ volatile(
      "{ v0 = vmemu(%[x0]++#1) }\n{ v2 = vmemu(%[x1]++#1) }\n{ v4 = vmemu(%[x2]++#1) }\n"
      "{ v6 = vmemu(%[x0]++#1) }\n{ v8 = vmemu(%[x1]++#1) }\n"
      "{ v10 = vmemu(%[x2]++#1) }\n{ v1 = valign(v6, v0, #4) }\n"
      "{ loop0(1f, %[n]) }\n"
      ".balign 16\n"
      "1:\n"
      "{ v13:12.w = vrmpy(v1:0.ub, %[w0].b, #0)\nv3 = valign(v8, v2, #4)\nvmem(%[sums]++#1) = v13 }\n"
      "{ v13:12.w += vrmpy(v3:2.ub, %[w1].b, #0)\nv5 = valign(v10, v4, #4)\nvmem(%[sums]++#1) = v14 }\n"
      "{ v13:12.w += vrmpy(v5:4.ub, %[w2].b, #0)\nvmem(%[sums]++#1) = v15 }\n"
      "{ v15:14.w = vrmpy(v1:0.ub, %[w0].b, #1)\nv0 = vmemu(%[x0]++#1) }\n"
      "{ v15:14.w += vrmpy(v3:2.ub, %[w1].b, #1)\nv2 = vmemu(%[x1]++#1) }\n"
      "{ v15:14.w += vrmpy(v5:4.ub, %[w2].b, #1)\nv4 = vmemu(%[x2]++#1) }\n"
      "{ vmem(%[sums]++#1) = v12\nv7 = valign(v0, v6, #4) }\n"
      "{ v13:12.w = vrmpy(v7:6.ub, %[w0].b, #0)\nv9 = valign(v2, v8, #4)\nvmem(%[sums]++#1) = v13 }\n"
      "{ v13:12.w += vrmpy(v9:8.ub, %[w1].b, #0)\nv11 = valign(v4, v10, #4)\nvmem(%[sums]++#1) = v14 }\n"
      "{ v13:12.w += vrmpy(v11:10.ub, %[w2].b, #0)\nvmem(%[sums]++#1) = v15 }\n"
      "{ v15:14.w = vrmpy(v7:6.ub, %[w0].b, #1)\nv6 = vmemu(%[x0]++#1) }\n"
      "{ v15:14.w += vrmpy(v9:8.ub, %[w1].b, #1)\nv8 = vmemu(%[x1]++#1) }\n"
      "{ v15:14.w += vrmpy(v11:10.ub, %[w2].b, #1)\nv10 = vmemu(%[x2]++#1) }\n"
      "{ vmem(%[sums]++#1) = v12\nv1 = valign(v6, v0, #4) }:endloop0\n"
      "{ vmem(%[sums]++#1) = v13 }\n{ vmem(%[sums]++#1) = v14 }\n{ vmem(%[sums]++#1) = v15 }\n"
      : [x0] "+r"(x0), [x1] "+r"(x1), [x2] "+r"(x2), [sums] "+r"(sums)
      : [w0] "r"(w[0]), [w1] "r"(w[1]), [w2] "r"(w[2]), [n] "r"((n + 255) / 256)
      : "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13", "v14", "v15",
        "lc0", "sa0", "memory");
}

#else

static void sum_three(const QfkDwconvHvx *p, const uint8_t *x, const int32_t *w, HVX_Vector *sums, int32_t n)
{
  qfk_dw_sum_any(p, x, w, sums, n);
}

#endif

typedef struct {
  HVX_Vector bias, multiplier;
  int32_t shift;
  QfkHvxOutVectors out;
} Finish;

static inline __attribute__((always_inline)) HVX_Vector scale(HVX_Vector sum, const Finish *f, bool shifted)
{
  const HVX_Vector v = Q6_Vw_vadd_VwVw(sum, f->bias);
  return qfk_hvx_once(shifted ? qfk_hvx_shift_left(v, f->shift) : v, f->multiplier);
}

/* Four vectors of sums to 128 bytes. With stride 1 they are places of the same words; else halves follow each other. */
static inline __attribute__((always_inline)) void finish(const Finish *f, const HVX_Vector *restrict sums,
                                                         HVX_Vector *restrict to, int32_t n, bool halves,
                                                         bool shifted)
{
#pragma GCC unroll 2 /* one block's last steps go beside the next one's products */
  for (int32_t i = 0; i < n; i += 128, sums += 4, to++) {
    const HVX_Vector v0 = scale(sums[0], f, shifted), v1 = scale(sums[1], f, shifted);
    const HVX_Vector v2 = scale(sums[2], f, shifted), v3 = scale(sums[3], f, shifted);
    *to = halves ? qfk_hvx_in_order(Q6_Vh_vsat_VwVw(v1, v0), Q6_Vh_vsat_VwVw(v3, v2), &f->out)
                 : qfk_hvx_pixels(v0, v2, v1, v3, &f->out);
  }
}

static void finish_channel(const QfkDwconvHvx *p, int32_t channel, const HVX_Vector *sums, HVX_Vector *to,
                           int32_t n)
{
  const Finish f = {Q6_V_vsplat_R(p->bias[channel]), Q6_V_vsplat_R(p->multiplier[channel]), p->shift[channel],
                    qfk_hvx_out_vectors(&p->out)};
  const bool halves = p->s.stride[1] == 2;
  if (f.shift)
    finish(&f, sums, to, n, halves, true);
  else if (halves)
    finish(&f, sums, to, n, true, false);
  else
    finish(&f, sums, to, n, false, false);
}

static void run_channel(const QfkDwconvHvx *p, int32_t channel, const Scratch *s, int32_t n)
{
  const int32_t taps = p->taps;
  const int32_t *w = p->weights + (ptrdiff_t)channel * taps;
  const uint8_t *x = s->parts + channel % 4 * qfk_dwconv_hvx_part(p);
  (p->s.stride[1] == 2 ? qfk_dw_sum_second : taps == 3 ? sum_three : qfk_dw_sum_any)(p, x, w, s->sums, n);
  finish_channel(p, channel, s->sums, (HVX_Vector *)(s->bytes + channel % 4 * qfk_dwconv_hvx_pixels(p)), n);
}

static void run_plane(const QfkDwconvHvx *p, int32_t plane, const uint8_t *x, int32_t y0, int32_t rows,
                      uint8_t *y, const Scratch *s)
{
  const QfkGridHvx *g = &p->grid;
  const size_t part = qfk_dwconv_hvx_part(p);
  const int32_t n = (rows * p->pitch + 127) / 128 * 128;
  for (int32_t phase = 0; phase < g->n_phases; phase++)
    qfk_grid_pack_hvx(g, phase, x, y0, g->gh - p->rows + rows, s->grid + (size_t)phase * g->gh * g->gw * 4);
  qfk_dw_part_channels(s->grid, s->parts, part, g->n_phases * g->gh * g->gw);
  for (int32_t i = 0; i < 4; i++)
    run_channel(p, 4 * plane + i, s, n);
  qfk_dw_join_channels(s->bytes, qfk_dwconv_hvx_pixels(p), s->pixels, n);
  qfk_hvx_copy_rows(y, s->bytes, s->pixels, p->s.ow * 4, p->pitch * 4, rows);
}

void qfk_dwconv_s8_hvx(const QfkDwconvHvx *p, const uint8_t *x, int32_t y0, uint8_t *y, void *scratch)
{
  if (p->three.rows) {
    qfk_dwthree_hvx_run(p, x, y0, y, scratch);
    return;
  }
  const size_t part = qfk_dwconv_hvx_part(p), pixels = qfk_dwconv_hvx_pixels(p);
  Scratch s = {.grid = scratch};
  s.parts = s.grid + 4 * (part + 128);
  s.bytes = s.parts + 4 * part;
  s.pixels = s.bytes + 4 * pixels + 128;
  s.sums = (HVX_Vector *)(s.pixels + 4 * pixels) + 3;
  for (int32_t plane = 0; plane < qfk_d4_planes(p->s.c); plane++)
    run_plane(p, plane, x + (ptrdiff_t)plane * p->s.h * p->s.w * 4, y0,
              p->s.oh - y0 < p->rows ? p->s.oh - y0 : p->rows,
              y + ((ptrdiff_t)plane * p->s.oh + y0) * p->s.ow * 4, &s);
}
