/* SPDX-License-Identifier: MIT */
/*
 * softmax_columns_hvx.c - Softmax along values that lie apart, for HVX; see softmax_hvx.h. 128 columns at a time, or 32 pixels of all channels:
 * the maximum, the exponentials' three bytes by table and their sums as words, the multipliers by long division, and the products.
 */
#include "../hvx/lookup.h"
#include "../hvx/memory.h"
#include "../hvx/requant.h"
#include "softmax_hvx.h"

#include <stddef.h>

/* Of the bytes 0, 1, 2 and 3 of each word. */
typedef struct {
  HVX_Vector c[4];
} Words;

/* The lanes of the last row that count. */
static HVX_Vector mask_of(const QfkSoftmaxColumnsHvx *p, int32_t row)
{
  const bool cut = p->tail && p->tail < 4 && row == p->n - 1;
  return Q6_V_vsplat_R(cut ? (1 << (8 * p->tail)) - 1 : -1);
}

static HVX_Vector largest(const QfkSoftmaxColumnsHvx *p, const uint8_t *x)
{
  const HVX_Vector flip = Q6_Vb_vsplat_R(p->x_flip);
  HVX_Vector max = Q6_V_vzero();
  for (int32_t r = 0; r < p->n; r++, x += p->inner)
    max = Q6_Vub_vmax_VubVub(max, Q6_V_vand_VV(Q6_V_vxor_VV(qfk_hvx_load(x), flip), mask_of(p, r)));
  if (!p->tail)
    return max;
  max = Q6_Vub_vmax_VubVub(max, Q6_Vuw_vlsr_VuwR(max, 8));
  max = Q6_V_vand_VV(Q6_Vub_vmax_VubVub(max, Q6_Vuw_vlsr_VuwR(max, 16)), Q6_V_vsplat_R(255));
  max = Q6_V_vor_VV(max, Q6_Vw_vasl_VwR(max, 8));
  return Q6_V_vor_VV(max, Q6_Vw_vasl_VwR(max, 16));
}

static inline Words words_of(const HVX_Vector *bytes)
{
  const HVX_VectorPair low = Q6_Wb_vshuffoe_VbVb(bytes[1], bytes[0]);
  const HVX_VectorPair high = Q6_Wb_vshuffoe_VbVb(Q6_V_vzero(), bytes[2]);
  const HVX_VectorPair even = Q6_Wh_vshuffoe_VhVh(Q6_V_lo_W(high), Q6_V_lo_W(low));
  const HVX_VectorPair odd = Q6_Wh_vshuffoe_VhVh(Q6_V_hi_W(high), Q6_V_hi_W(low));
  return (Words){{Q6_V_lo_W(even), Q6_V_lo_W(odd), Q6_V_hi_W(even), Q6_V_hi_W(odd)}};
}

/* The three bytes of each exponential to @to [n][3]; returns the sums. */
static Words exponentials(const QfkSoftmaxColumnsHvx *p, const uint8_t *x, HVX_Vector max, HVX_Vector *to)
{
  const HVX_Vector flip = Q6_Vb_vsplat_R(p->x_flip);
  const QfkHvxTable t0 = qfk_hvx_table(p->bytes), t1 = qfk_hvx_table(p->bytes + 256),
                    t2 = qfk_hvx_table(p->bytes + 512);
  Words sum = {{Q6_V_vzero(), Q6_V_vzero(), Q6_V_vzero(), Q6_V_vzero()}};
  for (int32_t r = 0; r < p->n; r++, x += p->inner, to += 3) {
    const HVX_Vector far = Q6_Vb_vsub_VbVb(max, Q6_V_vxor_VV(qfk_hvx_load(x), flip)), mask = mask_of(p, r);
    to[0] = Q6_V_vand_VV(qfk_hvx_look_up(far, t0), mask);
    to[1] = Q6_V_vand_VV(qfk_hvx_look_up(far, t1), mask);
    to[2] = Q6_V_vand_VV(qfk_hvx_look_up(far, t2), mask);
    const Words w = words_of(to);
    for (int k = 0; k < 4; k++)
      sum.c[k] = Q6_Vw_vadd_VwVw(sum.c[k], w.c[k]);
  }
  return sum;
}

/* qfk_softmax_fixed() of 32 sums, which are below 2^31: the numerator's bits above 31 are the rest to begin with, the others come in one at a
 * time. */
static HVX_Vector multiplier_of(const QfkSoftmaxColumnsHvx *p, HVX_Vector sum)
{
  const HVX_Vector low31 = Q6_V_vsplat_R(INT32_MAX), one = Q6_V_vsplat_R(1);
  const HVX_Vector low =
      Q6_Vw_vadd_VwVw(Q6_V_vsplat_R((int32_t)(p->inverse & INT32_MAX)), Q6_Vuw_vlsr_VuwR(sum, 1));
  HVX_Vector rest = Q6_Vw_vadd_VwVw(Q6_V_vsplat_R((int32_t)(p->inverse >> 31)), Q6_Vuw_vlsr_VuwR(low, 31));
  HVX_Vector bits = Q6_Vw_vasl_VwR(low, 1), m = Q6_V_vzero();
  const HVX_VectorPred fits = Q6_Q_vcmp_gt_VuwVuw(sum, rest);
  const HVX_Vector less_one = Q6_Vw_vsub_VwVw(sum, one);
  for (int i = 0; i < 31; i++) {
    rest = Q6_V_vor_VV(Q6_Vw_vasl_VwR(rest, 1), Q6_Vuw_vlsr_VuwR(bits, 31));
    bits = Q6_Vw_vasl_VwR(bits, 1);
    m = Q6_Vw_vasl_VwR(m, 1);
    const HVX_VectorPred more = Q6_Q_vcmp_gt_VuwVuw(rest, less_one);
    rest = Q6_V_vmux_QVV(more, Q6_Vw_vsub_VwVw(rest, sum), rest);
    m = Q6_V_vmux_QVV(more, Q6_V_vor_VV(m, one), m);
  }
  return Q6_V_vmux_QVV(fits, m, low31);
}

static void multipliers(const QfkSoftmaxColumnsHvx *p, Words *w)
{
  if (p->tail) {
    const HVX_Vector all =
        Q6_Vw_vadd_VwVw(Q6_Vw_vadd_VwVw(w->c[0], w->c[1]), Q6_Vw_vadd_VwVw(w->c[2], w->c[3]));
    w->c[0] = w->c[1] = w->c[2] = w->c[3] = multiplier_of(p, all);
  } else {
    for (int k = 0; k < 4; k++)
      w->c[k] = multiplier_of(p, w->c[k]);
  }
}

/* @bytes of 128. */
static void one_unit(const QfkSoftmaxColumnsHvx *p, const uint8_t *x, uint8_t *y, int32_t bytes,
                     HVX_Vector *scratch)
{
  const QfkHvxOutVectors out = qfk_hvx_out_vectors(&p->out);
  Words m = exponentials(p, x, largest(p, x), scratch);
  multipliers(p, &m);
  for (int32_t r = 0; r < p->n; r++, y += p->inner) {
    const Words w = words_of(scratch + (ptrdiff_t)r * 3);
    qfk_hvx_store_n(y,
                    qfk_hvx_pixels(qfk_hvx_once(w.c[0], m.c[0]), qfk_hvx_once(w.c[1], m.c[1]),
                                   qfk_hvx_once(w.c[2], m.c[2]), qfk_hvx_once(w.c[3], m.c[3]), &out),
                    bytes);
  }
}

void qfk_softmax_columns_u8_hvx(const QfkSoftmaxColumnsHvx *p, const uint8_t *x, uint8_t *y, int32_t unit,
                                int32_t n, void *scratch)
{
  const int32_t end = p->units - unit < n ? p->units : unit + n;
  for (int32_t u = unit; u < end; u++) {
    const int32_t at = u % p->vectors * 128;
    const ptrdiff_t from = (ptrdiff_t)(u / p->vectors) * p->n * p->inner + at;
    one_unit(p, x + from, y + from, p->inner - at < 128 ? p->inner - at : 128, scratch);
  }
}
