/* SPDX-License-Identifier: MIT */
/*
 * wide.h - the `fixed` scheme for sums of 16-bit data in HVX: qfk_once_mul_wide() for words, exactly.
 *
 * A sum x of up to 41 bits is high * 2^16 + the lower half of another word; a multiplier has 22 bits and no sign. Their product is
 * P = T * 2^32 + G * 2^16 + what no rounding sees, and the rounded shift of it is, for shifts from 17 on, two shifts of words. Where
 * shifts are small, T is cut beforehand to what is far outside of 16 bits. 16-bit data are used as unsigned.
 */
#ifndef QFK_HVX_WIDE_H
#define QFK_HVX_WIDE_H

#include "hvx.h"
#include "wide_out.h"

/* ((min(max(T, -most), most) << left) + ((G + half_low) >> right) + half) >> last */
typedef struct {
  int32_t most, left, half_low, right, half, last;
} QfkHvxShifts;

static inline QfkHvxShifts qfk_hvx_shifts(int32_t shift)
{
  if (shift > 32)
    return (QfkHvxShifts){INT32_MAX, 0, 0, 16, 1 << (shift - 33), shift - 32};
  return (QfkHvxShifts){
      shift < 32 ? (1 << 28) >> (32 - shift) : INT32_MAX, 32 - shift, 1 << (shift - 17), shift - 16, 0, 0};
}

/* T and G. */
typedef struct {
  HVX_Vector t, g;
} QfkHvxProduct;

static inline __attribute__((always_inline)) QfkHvxProduct qfk_hvx_wide_product(HVX_Vector high,
                                                                                HVX_Vector low, HVX_Vector m)
{
  const HVX_Vector m_high = Q6_Vuw_vlsr_VuwR(m, 16), part = Q6_Vw_vmpyie_VwVuh(high, m);
  return (
      QfkHvxProduct){Q6_Vw_vmpyieacc_VwVwVuh(Q6_Vw_vmpye_VwVuh(high, m), high, m_high),
                     Q6_Vw_vadd_VwVw(Q6_V_vand_VV(part, Q6_V_vsplat_R(0xffff)), Q6_Vw_vmpye_VwVuh(m, low))};
}

/* (high * 2^16 + low half of @low) * m, one shift for all. */
static inline __attribute__((always_inline)) HVX_Vector qfk_hvx_wide_once(HVX_Vector high, HVX_Vector low,
                                                                          HVX_Vector m, const QfkHvxShifts *s)
{
  const QfkHvxProduct p = qfk_hvx_wide_product(high, low, m);
  const HVX_Vector cut =
      Q6_Vw_vmax_VwVw(Q6_Vw_vmin_VwVw(p.t, Q6_V_vsplat_R(s->most)), Q6_V_vsplat_R(-s->most));
  const HVX_Vector g = Q6_Vw_vasr_VwR(Q6_Vw_vadd_VwVw(p.g, Q6_V_vsplat_R(s->half_low)), s->right);
  return Q6_Vw_vasr_VwR(Q6_Vw_vadd_VwVw(Q6_Vw_vadd_VwVw(Q6_Vw_vasl_VwR(cut, s->left), g),
                                        Q6_V_vsplat_R(s->half)),
                        s->last);
}

/* Likewise, a shift a lane. */
static inline HVX_Vector qfk_hvx_wide_once_lanes(HVX_Vector high, HVX_Vector low, HVX_Vector m,
                                                 HVX_Vector shift)
{
  const QfkHvxProduct p = qfk_hvx_wide_product(high, low, m);
  const HVX_Vector zero = Q6_V_vzero(), one = Q6_V_vsplat_R(1), w32 = Q6_V_vsplat_R(32);
  const HVX_Vector large = Q6_V_vsplat_R(INT32_MAX);
  const HVX_Vector left = Q6_Vw_vmax_VwVw(Q6_Vw_vsub_VwVw(w32, shift), zero);
  const HVX_Vector last = Q6_Vw_vmax_VwVw(Q6_Vw_vsub_VwVw(shift, w32), zero);
  const HVX_Vector right = Q6_Vw_vsub_VwVw(Q6_Vw_vmin_VwVw(shift, w32), Q6_V_vsplat_R(16));
  const HVX_VectorPred above = Q6_Q_vcmp_gt_VwVw(shift, w32);
  const HVX_VectorPred below = Q6_Q_vcmp_gt_VwVw(w32, shift);
  const HVX_Vector most = Q6_V_vmux_QVV(below, Q6_Vw_vasr_VwVw(Q6_V_vsplat_R(1 << 28), left), large);
  const HVX_Vector half_low = Q6_V_vmux_QVV(above, zero, Q6_Vw_vasr_VwR(Q6_Vw_vasl_VwVw(one, right), 1));
  const HVX_Vector half = Q6_Vw_vasr_VwR(Q6_Vw_vasl_VwVw(one, last), 1);
  const HVX_Vector cut = Q6_Vw_vmax_VwVw(Q6_Vw_vmin_VwVw(p.t, most), Q6_Vw_vsub_VwVw(zero, most));
  const HVX_Vector g = Q6_Vw_vasr_VwVw(Q6_Vw_vadd_VwVw(p.g, half_low), right);
  return Q6_Vw_vasr_VwVw(Q6_Vw_vadd_VwVw(Q6_Vw_vadd_VwVw(Q6_Vw_vasl_VwVw(cut, left), g), half), last);
}

/* What a sum of high and of low bytes is: 256 * high + low; below 2^30 each. Its parts as qfk_hvx_wide_once() takes them. */
typedef struct {
  HVX_Vector high, low;
} QfkHvxWide;

static inline __attribute__((always_inline)) QfkHvxWide qfk_hvx_wide_sum(HVX_Vector high, HVX_Vector low)
{
  const HVX_Vector rest = Q6_Vw_vasl_VwR(Q6_V_vand_VV(high, Q6_V_vsplat_R(0xff)), 8);
  const HVX_Vector t = Q6_Vw_vadd_VwVw(rest, low);
  return (QfkHvxWide){Q6_Vw_vadd_VwVw(Q6_Vw_vasr_VwR(high, 8), Q6_Vw_vasr_VwR(t, 16)), t};
}

typedef struct {
  HVX_Vector zero, lo, hi;
} QfkHvxWideOutVectors;

static inline QfkHvxWideOutVectors qfk_hvx_wide_out_vectors(const QfkHvxWideOut *o)
{
  return (QfkHvxWideOutVectors){Q6_V_vsplat_R(o->zero), Q6_V_vsplat_R(o->lo), Q6_V_vsplat_R(o->hi)};
}

/* Words to the output's values, in their lower halves. */
static inline HVX_Vector qfk_hvx_wide_bound(HVX_Vector v, const QfkHvxWideOutVectors *o)
{
  return Q6_Vw_vmin_VwVw(Q6_Vw_vmax_VwVw(Q6_Vw_vadd_VwVw(v, o->zero), o->lo), o->hi);
}

#endif
