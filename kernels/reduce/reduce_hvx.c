/* SPDX-License-Identifier: MIT */
/*
 * reduce_hvx.c - sums, means and extremes for HVX; see reduce_hvx.h. A vector of bytes has sums of words in four vectors, of the bytes 0, 1, 2
 * and 3 of each word; up to 256 rows are added up in halfwords first.
 */
#include "reduce_hvx.h"
#include "../hvx/memory.h"
#include "../hvx/requant.h"

#include <stddef.h>

typedef struct {
  HVX_Vector c[4];
} Words;

static inline Words widen(HVX_Vector even, HVX_Vector odd)
{
  const HVX_VectorPair c02 = Q6_Wuw_vzxt_Vuh(even), c13 = Q6_Wuw_vzxt_Vuh(odd);
  return (Words){{Q6_V_lo_W(c02), Q6_V_lo_W(c13), Q6_V_hi_W(c02), Q6_V_hi_W(c13)}};
}

static inline HVX_Vector best(HVX_Vector a, HVX_Vector b, bool min)
{
  return min ? Q6_Vub_vmin_VubVub(a, b) : Q6_Vub_vmax_VubVub(a, b);
}

/* @rows vectors, @pitch apart; of the last the bytes @mask, others are @none. */
static Words sum_rows(const uint8_t *x, int32_t pitch, int32_t rows, HVX_Vector flip, HVX_Vector mask)
{
  Words sum = {{Q6_V_vzero(), Q6_V_vzero(), Q6_V_vzero(), Q6_V_vzero()}};
  for (int32_t at = 0; at < rows; at += 256) {
    const int32_t end = rows - at < 256 ? rows : at + 256;
    HVX_Vector even = Q6_V_vzero(), odd = Q6_V_vzero();
    for (int32_t r = at; r < end; r++, x += pitch) {
      const HVX_Vector v = Q6_V_vxor_VV(qfk_hvx_load(x), flip);
      const HVX_VectorPair wide = Q6_Wuh_vzxt_Vub(r == rows - 1 ? Q6_V_vand_VV(v, mask) : v);
      even = Q6_Vh_vadd_VhVh(even, Q6_V_lo_W(wide));
      odd = Q6_Vh_vadd_VhVh(odd, Q6_V_hi_W(wide));
    }
    const Words some = widen(even, odd);
    for (int k = 0; k < 4; k++)
      sum.c[k] = Q6_Vw_vadd_VwVw(sum.c[k], some.c[k]);
  }
  return sum;
}

static HVX_Vector best_of_rows(const uint8_t *x, int32_t pitch, int32_t rows, HVX_Vector flip,
                               HVX_Vector mask, bool min)
{
  const HVX_Vector none = min ? Q6_V_vnot_V(mask) : Q6_V_vzero();
  HVX_Vector v = min ? Q6_V_vnot_V(Q6_V_vzero()) : Q6_V_vzero();
  for (int32_t r = 0; r < rows; r++, x += pitch) {
    const HVX_Vector one = Q6_V_vxor_VV(qfk_hvx_load(x), flip);
    v = best(v, r == rows - 1 ? Q6_V_vor_VV(Q6_V_vand_VV(one, mask), none) : one, min);
  }
  return v;
}

static Words gather(const QfkReduceHvx *p, const uint8_t *x, int32_t pitch, int32_t rows, HVX_Vector mask)
{
  const HVX_Vector flip = Q6_Vb_vsplat_R(p->flip);
  if (p->op <= QFK_REDUCE_MEAN)
    return sum_rows(x, pitch, rows, flip, mask);
  const HVX_VectorPair wide =
      Q6_Wuh_vzxt_Vub(best_of_rows(x, pitch, rows, flip, mask, p->op == QFK_REDUCE_MIN));
  return widen(Q6_V_lo_W(wide), Q6_V_hi_W(wide));
}

static inline HVX_Vector join(const QfkReduceHvx *p, HVX_Vector a, HVX_Vector b)
{
  return p->op <= QFK_REDUCE_MEAN  ? Q6_Vw_vadd_VwVw(a, b)
         : p->op == QFK_REDUCE_MAX ? Q6_Vw_vmax_VwVw(a, b)
                                   : Q6_Vw_vmin_VwVw(a, b);
}

/* All words of each vector come together in every word of it. */
static void join_words(const QfkReduceHvx *p, Words *w)
{
  for (int k = 0; k < 4; k++)
    for (int32_t by = 64; by >= 4; by >>= 1)
      w->c[k] = join(p, w->c[k], Q6_V_vror_VR(w->c[k], by));
}

static void join_lanes(const QfkReduceHvx *p, Words *w)
{
  w->c[0] = join(p, join(p, w->c[0], w->c[1]), join(p, w->c[2], w->c[3]));
  w->c[1] = w->c[2] = w->c[3] = w->c[0];
}

static HVX_Vector finish(const QfkReduceHvx *p, Words w)
{
  const QfkHvxOutVectors out = qfk_hvx_out_vectors(&p->out);
  const HVX_Vector less = Q6_V_vsplat_R(p->less), m = Q6_V_vsplat_R(p->m.multiplier);
  for (int k = 0; k < 4; k++) {
    w.c[k] = Q6_Vw_vsub_VwVw(w.c[k], less);
    if (p->m.shift)
      w.c[k] = qfk_hvx_shift_left(w.c[k], p->m.shift);
    w.c[k] = qfk_hvx_once(w.c[k], m);
  }
  return qfk_hvx_pixels(w.c[0], w.c[1], w.c[2], w.c[3], &out);
}

/* Rows of n * inner bytes are vectors one after the other, of the last of which only some bytes count. */
static void reduce_row(const QfkReduceHvx *p, const uint8_t *x, uint8_t *y)
{
  const int32_t bytes = p->n * p->inner, vectors = (bytes + 127) / 128;
  const HVX_Vector mask = Q6_V_vand_QR(Q6_Q_vsetq2_R(bytes - (vectors - 1) * 128), -1);
  Words w = gather(p, x, 128, vectors, mask);
  join_words(p, &w);
  if (p->inner == 1)
    join_lanes(p, &w);
  qfk_hvx_store_n(y, finish(p, w), p->inner);
}

static void reduce_columns(const QfkReduceHvx *p, const uint8_t *x, uint8_t *y, int32_t bytes)
{
  const bool channels = p->kind == QFK_REDUCE_HVX_CHANNELS;
  const HVX_Vector mask = Q6_V_vsplat_R(channels && p->tail < 4 ? (1 << (8 * p->tail)) - 1 : -1);
  Words w = gather(p, x, p->inner, p->n, mask);
  if (channels)
    join_lanes(p, &w);
  qfk_hvx_store_n(y, finish(p, w), bytes);
}

void qfk_reduce_u8_hvx(const QfkReduceHvx *p, const uint8_t *x, uint8_t *y, int32_t unit, int32_t n)
{
  const int32_t end = p->units - unit < n ? p->units : unit + n;
  for (int32_t u = unit; u < end; u++) {
    const int32_t outer = u / p->vectors, at = u % p->vectors * 128;
    const uint8_t *from = x + (ptrdiff_t)outer * p->n * p->inner + at;
    uint8_t *to = y + (ptrdiff_t)outer * p->inner + at;
    if (p->kind <= QFK_REDUCE_HVX_LANES)
      reduce_row(p, from, to);
    else
      reduce_columns(p, from, to, p->inner - at < 128 ? p->inner - at : 128);
  }
}
