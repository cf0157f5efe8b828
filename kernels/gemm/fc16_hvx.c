/* SPDX-License-Identifier: MIT */
/*
 * fc16_hvx.c - fully connected layers of 16-bit data for HVX; see fc16_hvx.h.
 */
#include "fc16_hvx.h"
#include "../hvx/memory.h"
#include "../hvx/wide.h"
#include "fc_product_hvx.h"

/* The sum of @n int8 values, whole vectors. */
static int32_t sum_of(const int8_t *x, int32_t n)
{
  const HVX_Vector ones = Q6_Vb_vsplat_R(1);
  HVX_Vector sums = Q6_V_vzero();
  for (int32_t i = 0; i < n; i += 128)
    sums = Q6_Vw_vrmpyacc_VwVbVb(sums, *(const HVX_Vector *)(x + i), ones);
  int32_t sum = 0;
  for (int32_t i = 0; i < 128; i += 4)
    sum += Q6_R_vextract_VR(sums, i);
  return sum;
}

/* High and low bytes as int8, zeros behind them; not a byte beyond the input is read. */
static void take_input(const QfkFc16Hvx *p, const uint16_t *x, int8_t *high, int8_t *low)
{
  const HVX_Vector flip = Q6_Vh_vsplat_R(p->x_flip);
  const int32_t k = p->f.k, all = (p->f.steps * 4 + 127) / 128 * 128;
  int32_t i = 0;
  for (; i + 128 <= k; i += 128) {
    const HVX_Vector v0 = Q6_V_vxor_VV(qfk_hvx_load(x + i), flip);
    const HVX_Vector v1 = Q6_V_vxor_VV(qfk_hvx_load(x + i + 64), flip);
    *(HVX_Vector *)(high + i) = Q6_Vb_vpacko_VhVh(v1, v0);
    *(HVX_Vector *)(low + i) = Q6_Vb_vpacke_VhVh(v1, v0);
  }
  for (; i < all; i++) {
    const uint16_t v = i < k ? x[i] ^ p->x_flip : 0;
    high[i] = (int8_t)(v >> 8);
    low[i] = (int8_t)v;
  }
}

/* What the whole row has in common. */
typedef struct {
  const int8_t *high, *low;
  HVX_Vector less_high, less_low;
  QfkHvxWideOutVectors out;
} Row;

static __attribute__((noinline)) HVX_Vector run_panel(const QfkFc16Hvx *p, int32_t panel, const Row *r)
{
  const QfkFcHvx *f = &p->f;
  const uint8_t *w = f->weights + (size_t)panel * f->steps * 128;
  const HVX_Vector high = ((const HVX_Vector *)f->bias)[panel],
                   low = ((const HVX_Vector *)p->first_low)[panel];
  const HVX_Vector sum_high = qfk_fc_multiply(w, r->high, Q6_Vw_vsub_VwVw(high, r->less_high), f->steps);
  const HVX_Vector sum_low = qfk_fc_multiply(w, r->low, Q6_Vw_vsub_VwVw(low, r->less_low), f->steps);
  const QfkHvxWide x = qfk_hvx_wide_sum(sum_high, sum_low);
  const HVX_Vector v = qfk_hvx_wide_once_lanes(x.high, x.low, ((const HVX_Vector *)f->multiplier)[panel],
                                               ((const HVX_Vector *)f->shift)[panel]);
  return qfk_hvx_wide_bound(v, &r->out);
}

void qfk_fc_s16_hvx(const QfkFc16Hvx *p, const uint16_t *x, uint16_t *y, void *scratch)
{
  const int32_t all = (p->f.steps * 4 + 127) / 128 * 128;
  int8_t *high = scratch, *low = high + all + 128;
  take_input(p, x, high, low);
  const Row r = {high, low, Q6_V_vsplat_R(128 * sum_of(high, all)), Q6_V_vsplat_R(128 * sum_of(low, all)),
                 qfk_hvx_wide_out_vectors(&p->out)};
  for (int32_t panel = 0; panel < p->f.panels; panel += 2) {
    const HVX_Vector v0 = run_panel(p, panel, &r);
    const HVX_Vector v1 = panel + 1 < p->f.panels ? run_panel(p, panel + 1, &r) : v0;
    const int32_t left = 2 * (p->f.n - panel * 32);
    qfk_hvx_store_n((uint8_t *)(y + panel * 32), Q6_Vh_vpacke_VwVw(v1, v0), left < 128 ? left : 128);
  }
}
