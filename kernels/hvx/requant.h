/* SPDX-License-Identifier: MIT */
/*
 * requant.h - the `fixed` scheme (kernels/fixed.h) in HVX: 32-bit sums of four channels to a vector of 8-bit pixels.
 *
 * All outputs are computed as uint8: int8 is that with 128 added to zero point and bounds, and 0x80 turned over at the end. The
 * 16-bit saturation before the zero point is added changes nothing, for what it cuts is far outside of 8 bits.
 */
#ifndef QFK_HVX_REQUANT_H
#define QFK_HVX_REQUANT_H

#include "hvx.h"
#include "out.h"

typedef struct {
  HVX_Vector zero, lo, hi, flip;
} QfkHvxOutVectors;

static inline QfkHvxOutVectors qfk_hvx_out_vectors(const QfkHvxOut *o)
{
  return (QfkHvxOutVectors){Q6_Vh_vsplat_R(o->zero), Q6_Vb_vsplat_R(o->lo), Q6_Vb_vsplat_R(o->hi),
                            Q6_Vb_vsplat_R(o->flip)};
}

/* Words by a multiplier: floor((x * m + 2^30) / 2^31). */
static inline HVX_Vector qfk_hvx_once(HVX_Vector x, HVX_Vector m)
{
  return Q6_Vw_vmpyoacc_VwVwVh_s1_rnd_sat_shift(Q6_Vw_vmpye_VwVuh(x, m), x, m);
}

/* x * 2^shift, saturated; shift 0..30. */
static inline HVX_Vector qfk_hvx_shift_left(HVX_Vector x, int32_t shift)
{
  const int32_t most = INT32_MAX >> shift;
  const HVX_Vector cut = Q6_Vw_vmax_VwVw(Q6_Vw_vmin_VwVw(x, Q6_V_vsplat_R(most)), Q6_V_vsplat_R(-most - 1));
  return Q6_Vw_vasl_VwR(cut, shift);
}

/* Bytes within the bounds, in the output's type. */
static inline HVX_Vector qfk_hvx_bound(HVX_Vector bytes, const QfkHvxOutVectors *o)
{
  return Q6_V_vxor_VV(Q6_Vub_vmin_VubVub(Q6_Vub_vmax_VubVub(bytes, o->lo), o->hi), o->flip);
}

/* Halfwords that still lack the zero point to bytes: those of @low, then those of @high. */
static inline HVX_Vector qfk_hvx_in_order(HVX_Vector low, HVX_Vector high, const QfkHvxOutVectors *o)
{
  return qfk_hvx_bound(Q6_Vub_vpack_VhVh_sat(Q6_Vh_vadd_VhVh_sat(high, o->zero),
                                             Q6_Vh_vadd_VhVh_sat(low, o->zero)),
                       o);
}

/* Likewise: even bytes from @even. */
static inline HVX_Vector qfk_hvx_to_bytes(HVX_Vector even, HVX_Vector odd, const QfkHvxOutVectors *o)
{
  return qfk_hvx_bound(Q6_Vub_vsat_VhVh(Q6_Vh_vadd_VhVh_sat(odd, o->zero),
                                        Q6_Vh_vadd_VhVh_sat(even, o->zero)),
                       o);
}

/* Words of four channels, multiplied already, to pixels of four bytes. */
static inline HVX_Vector qfk_hvx_pixels(HVX_Vector c0, HVX_Vector c1, HVX_Vector c2, HVX_Vector c3,
                                        const QfkHvxOutVectors *o)
{
  return qfk_hvx_to_bytes(Q6_Vh_vsat_VwVw(c2, c0), Q6_Vh_vsat_VwVw(c3, c1), o);
}

#endif
