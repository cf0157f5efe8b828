/* SPDX-License-Identifier: MIT */
/*
 * resize_hvx.c - resampling for HVX; see resize_hvx.h. An output row is the mean of two input rows, halfwords of the even and the odd
 * channels apart, and then of the pixels to the left and right, each fetched 32 at a time.
 */
#include "resize_hvx.h"
#include "../hvx/memory.h"
#include "../hvx/requant.h"

#include <stddef.h>

/* 32 words of @line: pieces [@first, @last). */
static inline HVX_Vector fetch(const QfkResizeHvx *p, int32_t first, int32_t last, const uint8_t *line)
{
  HVX_Vector all = Q6_V_vzero();
  for (int32_t i = first; i < last; i++) {
    const HVX_Vector *network = (const HVX_Vector *)(p->network + (size_t)i * 256);
    const HVX_Vector from = qfk_hvx_load(line + (ptrdiff_t)p->piece[i].base * 4);
    const HVX_Vector v =
        p->piece[i].closer ? Q6_V_vrdelta_VV(from, network[0]) : Q6_V_vdelta_VV(from, network[0]);
    all = Q6_V_vor_VV(all, Q6_V_vand_VV(v, network[1]));
  }
  return all;
}

static inline void store_some(uint8_t *to, HVX_Vector v, int32_t n)
{
  if (n >= 128)
    qfk_hvx_store(to, v);
  else
    qfk_hvx_store_n(to, v, n);
}

static void nearest_row(const QfkResizeHvx *p, const uint8_t *x, uint8_t *y)
{
  for (int32_t v = 0; v * 32 < p->ow; v++)
    store_some(y + v * 128, fetch(p, p->first[v], p->first[v + 1], x), (p->ow - v * 32) * 4);
}

/* Two rows in 2^-7 of a step: even channels to @even, odd ones to @odd. */
static void mean_of_rows(const QfkResizeHvx *p, const uint8_t *x0, const uint8_t *x1, int32_t weight,
                         uint8_t *even, uint8_t *odd)
{
  const HVX_Vector flip = Q6_Vb_vsplat_R(p->flip), one = Q6_Vb_vsplat_R(128), half = Q6_Vh_vsplat_R(128);
  const HVX_Vector w = Q6_Vh_vsplat_R(weight);
  for (int32_t i = 0; i < p->w * 4; i += 128) {
    const HVX_Vector p0 = Q6_V_vxor_VV(qfk_hvx_load(x0 + i), flip);
    const HVX_Vector p1 = Q6_V_vxor_VV(qfk_hvx_load(x1 + i), flip);
    const HVX_VectorPair base = Q6_Wuh_vmpy_VubVub(p0, one), more = Q6_Wh_vsub_VubVub(p1, p0);
    const HVX_Vector e = Q6_Vh_vmpy_VhVh_s1_rnd_sat(Q6_Vh_vmpyi_VhVh(Q6_V_lo_W(more), half), w);
    const HVX_Vector o = Q6_Vh_vmpy_VhVh_s1_rnd_sat(Q6_Vh_vmpyi_VhVh(Q6_V_hi_W(more), half), w);
    *(HVX_Vector *)(even + i) = Q6_Vh_vadd_VhVh(Q6_V_lo_W(base), e);
    *(HVX_Vector *)(odd + i) = Q6_Vh_vadd_VhVh(Q6_V_hi_W(base), o);
  }
}

static inline HVX_Vector between(HVX_Vector left, HVX_Vector right, HVX_Vector weight)
{
  return Q6_Vh_vadd_VhVh(left, Q6_Vh_vmpy_VhVh_s1_rnd_sat(Q6_Vh_vsub_VhVh(right, left), weight));
}

static inline HVX_Vector to_pixels(const QfkResizeHvx *p, HVX_Vector even, HVX_Vector odd,
                                   const QfkHvxOutVectors *out)
{
  if (p->same)
    return qfk_hvx_bound(Q6_Vub_vasr_VhVhR_rnd_sat(odd, even, 7), out);
  const HVX_Vector less = Q6_Vh_vsplat_R(p->less), m = Q6_V_vsplat_R(p->m);
  const HVX_VectorPair c02 = Q6_Ww_vsxt_Vh(Q6_Vh_vsub_VhVh(even, less));
  const HVX_VectorPair c13 = Q6_Ww_vsxt_Vh(Q6_Vh_vsub_VhVh(odd, less));
  return qfk_hvx_pixels(qfk_hvx_once(Q6_V_lo_W(c02), m), qfk_hvx_once(Q6_V_lo_W(c13), m),
                        qfk_hvx_once(Q6_V_hi_W(c02), m), qfk_hvx_once(Q6_V_hi_W(c13), m), out);
}

static void linear_row(const QfkResizeHvx *p, const uint8_t *even, const uint8_t *odd, uint8_t *y)
{
  const QfkHvxOutVectors out = qfk_hvx_out_vectors(&p->out);
  const int32_t vectors = (p->ow + 31) / 32;
  for (int32_t v = 0; v < vectors; v++) {
    const int32_t *left = p->first + v, *right = left + vectors;
    const HVX_Vector w = qfk_hvx_load(p->weight + v * 32);
    const HVX_Vector e = between(fetch(p, left[0], left[1], even), fetch(p, right[0], right[1], even), w);
    const HVX_Vector o = between(fetch(p, left[0], left[1], odd), fetch(p, right[0], right[1], odd), w);
    store_some(y + v * 128, to_pixels(p, e, o, &out), (p->ow - v * 32) * 4);
  }
}

void qfk_resize_u8_hvx(const QfkResizeHvx *p, const uint8_t *x, int32_t y0, uint8_t *y, void *scratch)
{
  const int32_t end = p->oh - y0 < p->rows ? p->oh : y0 + p->rows;
  uint8_t *even = scratch, *odd = even + qfk_resize_hvx_scratch(p) / 2;
  for (int32_t plane = 0; plane < qfk_d4_planes(p->c); plane++, x += (ptrdiff_t)p->h * p->w * 4)
    for (int32_t row = y0; row < end; row++) {
      const QfkResizeRow *r = &p->row[row];
      const uint8_t *x0 = x + (ptrdiff_t)r->at[0] * p->w * 4, *x1 = x + (ptrdiff_t)r->at[1] * p->w * 4;
      uint8_t *to = y + ((ptrdiff_t)plane * p->oh + row) * p->ow * 4;
      if (p->nearest) {
        nearest_row(p, x0, to);
      } else {
        mean_of_rows(p, x0, x1, r->weight, even, odd);
        linear_row(p, even, odd, to);
      }
    }
}
