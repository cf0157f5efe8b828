/* SPDX-License-Identifier: MIT */
/*
 * product_hvx.h - the loop over the sums of a convolution (conv_hvx.h): 64 or 32 pixels of eight channels, 8-bit values by int8 weights.
 *
 * Of 64 pixels a step is eight packets, each with two vrmpy: all the multipliers there are. The C twin is what a host runs.
 */
#ifndef QFK_CONV_PRODUCT_HVX_H
#define QFK_CONV_PRODUCT_HVX_H

#include "../hvx/hvx.h"
#include "conv_hvx.h"

/* Pixels 0..31 in lo, 32..63 in hi. */
typedef struct {
  HVX_Vector lo[QFK_CONV_HVX_CHANNELS], hi[QFK_CONV_HVX_CHANNELS];
} QfkConvSums;

#if defined(__hexagon__)

/*
 * Each step's operands are loaded while the step before is computed, a packet after their last use or with it. Of the four pairs of
 * weights a, b, c, d the last is loaded in the step itself. What is read beyond the last step is not used.
 */
static inline __attribute__((always_inline)) void qfk_conv_multiply(const QfkConvHvx *p, const uint8_t *base,
                                                                    const int8_t *weights, QfkConvSums *s)
{
  const int32_t *offset = p->offsets;
  const int64_t *w = (const int64_t *)weights + 3;
  const uint8_t *at = base + *offset++;
  HVX_Vector x, y;
  int64_t a = w[-3], b = w[-2], c = w[-1], d;
  int32_t o;
  __asm__ volatile("{ %[x] = vmemu(%[at]+#0) }\n"
                   "{ %[y] = vmemu(%[at]+#1)\n loop0(1f, %[n]) }\n"
                   ".balign 16\n"
                   "1:\n"
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
                     [x] "=&v"(x), [y] "=&v"(y), [a] "+r"(a), [b] "+r"(b), [c] "+r"(c), [d] "=&r"(d),
                     [o] "=&r"(o), [w] "+r"(w), [offset] "+r"(offset), [at] "+r"(at)
                   : [base] "r"(base), [n] "r"(p->steps)
                   : "lc0", "sa0", "memory");
}

/* 32 pixels: half the packets a step, two scalars loaded in each. */
static inline __attribute__((always_inline)) void
qfk_conv_multiply_half(const QfkConvHvx *p, const uint8_t *base, const int8_t *weights, QfkConvSums *s)
{
  const int32_t *offset = p->offsets;
  const int64_t *w = (const int64_t *)weights + 3;
  const uint8_t *at = base + *offset++;
  HVX_Vector x;
  int64_t c = w[-3], a = w[-2], b = w[-1], d;
  int32_t o;
  __asm__ volatile("{ %[x] = vmemu(%[at]+#0)\n loop0(1f, %[n]) }\n"
                   ".balign 16\n"
                   "1:\n"
                   "{ %[l2].w += vrmpy(%[x].ub, %L[a].b)\n %[l3].w += vrmpy(%[x].ub, %H[a].b)\n"
                   "  %[d] = memd(%[w]++#8)\n %[o] = memw(%[offset]++#4) }\n"
                   "{ %[l4].w += vrmpy(%[x].ub, %L[b].b)\n %[l5].w += vrmpy(%[x].ub, %H[b].b)\n"
                   "  %[a] = memd(%[w]+#8)\n %[b] = memd(%[w]+#16) }\n"
                   "{ %[l0].w += vrmpy(%[x].ub, %L[c].b)\n %[l1].w += vrmpy(%[x].ub, %H[c].b)\n"
                   "  %[c] = memd(%[w]++#24)\n %[at] = add(%[base], %[o]) }\n"
                   "{ %[l6].w += vrmpy(%[x].ub, %L[d].b)\n %[l7].w += vrmpy(%[x].ub, %H[d].b)\n"
                   "  %[x] = vmemu(%[at]+#0) }:endloop0\n"
                   : [l0] "+v"(s->lo[0]), [l1] "+v"(s->lo[1]), [l2] "+v"(s->lo[2]), [l3] "+v"(s->lo[3]),
                     [l4] "+v"(s->lo[4]), [l5] "+v"(s->lo[5]), [l6] "+v"(s->lo[6]), [l7] "+v"(s->lo[7]),
                     [x] "=&v"(x), [a] "+r"(a), [b] "+r"(b), [c] "+r"(c), [d] "=&r"(d), [o] "=&r"(o),
                     [w] "+r"(w), [offset] "+r"(offset), [at] "+r"(at)
                   : [base] "r"(base), [n] "r"(p->steps)
                   : "lc0", "sa0", "memory");
}

#else

static inline void qfk_conv_multiply_half(const QfkConvHvx *p, const uint8_t *base, const int8_t *weights,
                                          QfkConvSums *s)
{
  for (int32_t k = 0; k < p->steps; k++, weights += 4 * QFK_CONV_HVX_CHANNELS) {
    const HVX_Vector x = qfk_hvx_load(base + p->offsets[k]);
    for (int i = 0; i < QFK_CONV_HVX_CHANNELS; i++) {
      int32_t w;
      memcpy(&w, weights + 4 * i, sizeof(w));
      s->lo[i] = Q6_Vw_vrmpyacc_VwVubRb(s->lo[i], x, w);
    }
  }
}

static inline void qfk_conv_multiply(const QfkConvHvx *p, const uint8_t *base, const int8_t *weights,
                                     QfkConvSums *s)
{
  QfkConvSums high = {.lo = {s->hi[0], s->hi[1], s->hi[2], s->hi[3], s->hi[4], s->hi[5], s->hi[6], s->hi[7]}};
  qfk_conv_multiply_half(p, base, weights, s);
  qfk_conv_multiply_half(p, base + 128, weights, &high);
  memcpy(s->hi, high.lo, sizeof(s->hi));
}

#endif

#endif
