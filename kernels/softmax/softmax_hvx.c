/* SPDX-License-Identifier: MIT */
/*
 * softmax_hvx.c - Softmax for HVX; see softmax_hvx.h. A row three times: its maximum; the exponentials' three bytes by table, and their sums;
 * the products with the row's one multiplier. What lies behind the row counts as zero.
 */
#include "softmax_hvx.h"
#include "../hvx/memory.h"
#include "../hvx/requant.h"
#include "../unary/lookup_hvx.h"

#include <stddef.h>

static inline HVX_Vector first(HVX_Vector v, int32_t n)
{
  return n >= 128 ? v : Q6_V_vmux_QVV(Q6_Q_vsetq_R(n), v, Q6_V_vzero());
}

static int32_t largest(const QfkSoftmaxHvx *p, const uint8_t *x, int32_t n)
{
  const HVX_Vector flip = Q6_Vb_vsplat_R(p->x_flip);
  HVX_Vector max = Q6_V_vzero();
  for (int32_t i = 0; i < n; i += 128)
    max = Q6_Vub_vmax_VubVub(max, first(Q6_V_vxor_VV(qfk_hvx_load(x + i), flip), n - i));
  for (int32_t by = 64; by; by >>= 1)
    max = Q6_Vub_vmax_VubVub(max, Q6_V_vror_VR(max, by));
  return Q6_R_vextract_VR(max, 0) & 255;
}

static int64_t sum_of(HVX_Vector words)
{
  int64_t sum = 0;
  for (int32_t i = 0; i < 128; i += 4)
    sum += (uint32_t)Q6_R_vextract_VR(words, i);
  return sum;
}

/* The three bytes of each exponential to @to [3][size]; returns the sum of all. */
static int64_t exponentials(const QfkSoftmaxHvx *p, const uint8_t *x, int32_t n, int32_t max, uint8_t *to,
                            int32_t size)
{
  const HVX_Vector flip = Q6_Vb_vsplat_R(p->x_flip), top = Q6_Vb_vsplat_R(max), ones = Q6_Vb_vsplat_R(1);
  int64_t sum = 0;
  for (int32_t i = 0; i < n; i += 128)
    *(HVX_Vector *)(to + i) = Q6_Vb_vsub_VbVb(top, Q6_V_vxor_VV(qfk_hvx_load(x + i), flip));
  for (int32_t k = 2; k >= 0; k--) { /* the distances lie where the least byte will */
    uint8_t *bytes = to + (ptrdiff_t)k * size;
    HVX_Vector words = Q6_V_vzero();
    qfk_lookup_u8_hvx(p->bytes + k * 256, to, bytes, (size_t)size);
    for (int32_t i = 0; i < n; i += 128) {
      HVX_Vector *v = (HVX_Vector *)(bytes + i);
      *v = first(*v, n - i);
      words = Q6_Vuw_vrmpyacc_VuwVubVub(words, *v, ones);
    }
    sum += sum_of(words) << (8 * k);
  }
  return sum;
}

static void finish(const QfkSoftmaxHvx *p, const uint8_t *bytes, int32_t size, HVX_Vector m, uint8_t *y,
                   int32_t n)
{
  const QfkHvxOutVectors out = qfk_hvx_out_vectors(&p->out);
  for (int32_t i = 0; i < n; i += 128) {
    const HVX_Vector b0 = *(const HVX_Vector *)(bytes + i), b1 = *(const HVX_Vector *)(bytes + size + i);
    const HVX_Vector b2 = *(const HVX_Vector *)(bytes + 2 * (ptrdiff_t)size + i);
    const HVX_VectorPair low = Q6_Wb_vshuffoe_VbVb(b1, b0), high = Q6_Wb_vshuffoe_VbVb(Q6_V_vzero(), b2);
    const HVX_VectorPair even = Q6_Wh_vshuffoe_VhVh(Q6_V_lo_W(high), Q6_V_lo_W(low));
    const HVX_VectorPair odd = Q6_Wh_vshuffoe_VhVh(Q6_V_hi_W(high), Q6_V_hi_W(low));
    const HVX_Vector v =
        qfk_hvx_pixels(qfk_hvx_once(Q6_V_lo_W(even), m), qfk_hvx_once(Q6_V_lo_W(odd), m),
                       qfk_hvx_once(Q6_V_hi_W(even), m), qfk_hvx_once(Q6_V_hi_W(odd), m), &out);
    qfk_hvx_store_n(y + i, v, n - i < 128 ? n - i : 128);
  }
}

void qfk_softmax_u8_hvx(const QfkSoftmaxHvx *p, const uint8_t *x, int32_t rows, int32_t n, uint8_t *y,
                        void *scratch)
{
  const int32_t size = (n + 127) / 128 * 128;
  for (int32_t r = 0; r < rows && n > 0; r++, x += n, y += n) {
    const int64_t sum = exponentials(p, x, n, largest(p, x, n), scratch, size);
    finish(p, scratch, size, Q6_V_vsplat_R(qfk_softmax_fixed(p->q, sum).multiplier), y, n);
  }
}
