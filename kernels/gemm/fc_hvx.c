/* SPDX-License-Identifier: MIT */
/*
 * fc_hvx.c - fully connected layers for HVX; see fc_hvx.h.
 *
 * Padding inputs are 0 as int8, so what weights they meet does not matter.
 */
#include "fc_hvx.h"
#include "fc_product_hvx.h"
#include "../hvx/memory.h"
#include "../hvx/requant.h"

/* The input as int8 in scratch, zeros behind it; returns its sum. */
static int32_t take_input(const QfkFcHvx *p, const uint8_t *x, int8_t *to)
{
  const HVX_Vector flip = Q6_Vb_vsplat_R(p->x_flip), ones = Q6_Vb_vsplat_R(1);
  HVX_Vector sums = Q6_V_vzero();
  for (int32_t i = 0; i < p->steps * 4; i += 128) {
    HVX_Vector v = Q6_V_vzero();
    if (i + 128 <= p->k)
      v = Q6_V_vxor_VV(qfk_hvx_load(x + i), flip);
    else /* not a byte beyond the input is read */
      for (int32_t k = i; k < p->k; k++)
        to[k] = (int8_t)(x[k] ^ p->x_flip);
    if (i + 128 <= p->k)
      *(HVX_Vector *)(to + i) = v;
    else
      for (int32_t k = p->k; k < i + 128; k++)
        to[k] = 0;
    sums = Q6_Vw_vrmpyacc_VwVbVb(sums, *(const HVX_Vector *)(to + i), ones);
  }
  int32_t sum = 0;
  for (int32_t i = 0; i < 128; i += 4)
    sum += Q6_R_vextract_VR(sums, i);
  return sum;
}

/* Panel @panel's outputs as words, without zero point. */
static __attribute__((noinline)) HVX_Vector run_panel(const QfkFcHvx *p, int32_t panel, const int8_t *x,
                                                      HVX_Vector less)
{
  const HVX_Vector *bias = (const HVX_Vector *)p->bias + panel;
  HVX_Vector v =
      qfk_fc_multiply(p->weights + (size_t)panel * p->steps * 128, x, Q6_Vw_vsub_VwVw(*bias, less), p->steps);
  if (p->shifted) { /* lane by lane, for shifts differ: such layers are small */
    int32_t lanes[32] __attribute__((aligned(128)));
    *(HVX_Vector *)lanes = v;
    for (int i = 0; i < 32; i++)
      lanes[i] = Q6_R_vextract_VR(qfk_hvx_shift_left(Q6_V_vsplat_R(lanes[i]), p->shift[panel * 32 + i]), 0);
    v = *(const HVX_Vector *)lanes;
  }
  return qfk_hvx_once(v, ((const HVX_Vector *)p->multiplier)[panel]);
}

int32_t qfk_fc_take_hvx(const QfkFcHvx *p, const uint8_t *x, void *scratch)
{
  return (int32_t)((uint32_t)p->w_zero * (uint32_t)take_input(p, x, scratch));
}

void qfk_fc_panels_hvx(const QfkFcHvx *p, int32_t taken, uint8_t *y, const void *scratch)
{
  const QfkHvxOutVectors out = qfk_hvx_out_vectors(&p->out);
  const HVX_Vector less = Q6_V_vsplat_R(taken), zero = Q6_V_vzero();
  for (int32_t panel = 0; panel < p->panels; panel += 4) {
    HVX_Vector v[4] = {zero, zero, zero, zero};
    for (int32_t i = 0; i < 4 && panel + i < p->panels; i++)
      v[i] = run_panel(p, panel + i, scratch, less);
    const HVX_Vector low = Q6_Vh_vpack_VwVw_sat(v[1], v[0]), high = Q6_Vh_vpack_VwVw_sat(v[3], v[2]);
    const int32_t left = p->n - panel * 32;
    qfk_hvx_store_n(y + panel * 32, qfk_hvx_in_order(low, high, &out), left < 128 ? left : 128);
  }
}

void qfk_fc_s8_hvx(const QfkFcHvx *p, const uint8_t *x, uint8_t *y, void *scratch)
{
  qfk_fc_panels_hvx(p, qfk_fc_take_hvx(p, x, scratch), y, scratch);
}
