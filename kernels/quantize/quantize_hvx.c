/* SPDX-License-Identifier: MIT */
/*
 * quantize_hvx.c - encodings for HVX; see quantize_hvx.h. Floats are cut to the range, made fixed-point numbers and those steps, with an error
 * that never goes up; the key where the next step begins then says whether it is that one. Other ways, tables are enough.
 */
#include "quantize_hvx.h"
#include "../hvx/lookup.h"
#include "../hvx/memory.h"
#include "../hvx/requant.h"

/* 128 words, in their order. */
typedef struct {
  HVX_Vector v[4];
} Four;

/* Of which @b0 has the least bytes. */
static inline Four words_of(HVX_Vector b0, HVX_Vector b1, HVX_Vector b2, HVX_Vector b3)
{
  const HVX_VectorPair low = Q6_W_vshuff_VVR(b1, b0, -1), high = Q6_W_vshuff_VVR(b3, b2, -1);
  const HVX_VectorPair first = Q6_W_vshuff_VVR(Q6_V_lo_W(high), Q6_V_lo_W(low), -2);
  const HVX_VectorPair last = Q6_W_vshuff_VVR(Q6_V_hi_W(high), Q6_V_hi_W(low), -2);
  return (Four){{Q6_V_lo_W(first), Q6_V_hi_W(first), Q6_V_lo_W(last), Q6_V_hi_W(last)}};
}

/* Words below 256 to bytes. */
static inline HVX_Vector bytes_of(const Four *w)
{
  return Q6_Vb_vpacke_VhVh(Q6_Vh_vpacke_VwVw(w->v[3], w->v[2]), Q6_Vh_vpacke_VwVw(w->v[1], w->v[0]));
}

static inline HVX_Vector key_of(HVX_Vector bits)
{
  return Q6_V_vxor_VV(bits, Q6_V_vand_VV(Q6_Vw_vasr_VwR(bits, 31), Q6_V_vsplat_R(INT32_MAX)));
}

/* Steps above the least value, or one fewer. */
static inline HVX_Vector steps_of(const QfkQuantizeHvx *p, HVX_Vector key)
{
  const HVX_Vector bits =
      key_of(Q6_Vw_vmin_VwVw(Q6_Vw_vmax_VwVw(key, Q6_V_vsplat_R(p->low)), Q6_V_vsplat_R(p->high)));
  const HVX_Vector sign = Q6_Vw_vasr_VwR(bits, 31);
  const HVX_Vector exponent = Q6_V_vand_VV(Q6_Vuw_vlsr_VuwR(bits, 23), Q6_V_vsplat_R(255));
  const HVX_Vector down =
      Q6_Vw_vmin_VwVw(Q6_Vw_vsub_VwVw(Q6_V_vsplat_R(p->top), exponent), Q6_V_vsplat_R(31));
  const HVX_Vector one = Q6_V_vor_VV(Q6_Vw_vasl_VwR(bits, 7), Q6_V_vsplat_R(1 << 30));
  const HVX_Vector size = Q6_Vw_vlsr_VwVw(Q6_V_vand_VV(one, Q6_V_vsplat_R(INT32_MAX)), down);
  const HVX_Vector fixed = Q6_Vw_vsub_VwVw(Q6_V_vxor_VV(size, sign), sign);
  const HVX_Vector steps =
      Q6_Vw_vasr_VwR(Q6_Vw_vadd_VwVw(qfk_hvx_once(fixed, Q6_V_vsplat_R(p->m)), Q6_V_vsplat_R(p->base)), 16);
  return Q6_Vw_vmin_VwVw(Q6_Vw_vmax_VwVw(steps, Q6_V_vzero()), Q6_V_vsplat_R(254));
}

/* @n of 128 elements. */
static inline HVX_Vector encode(const QfkQuantizeHvx *p, const QfkHvxTable *t, const float *x, int32_t n)
{
  const HVX_Vector infinite = Q6_V_vsplat_R(0x7f800000), one = Q6_V_vsplat_R(1);
  Four key, step;
  for (int k = 0; k < 4; k++) {
    key.v[k] = key_of(k * 32 < n ? qfk_hvx_load(x + k * 32) : Q6_V_vzero());
    step.v[k] = steps_of(p, key.v[k]);
  }
  const HVX_Vector at = bytes_of(&step);
  const Four next = words_of(qfk_hvx_look_up(at, t[0]), qfk_hvx_look_up(at, t[1]), qfk_hvx_look_up(at, t[2]),
                             qfk_hvx_look_up(at, t[3]));
  for (int k = 0; k < 4; k++) {
    const HVX_VectorPred below = Q6_Q_vcmp_gt_VwVw(next.v[k], key.v[k]);
    step.v[k] = Q6_V_vmux_QVV(below, step.v[k], Q6_Vw_vadd_VwVw(step.v[k], one));
    step.v[k] = Q6_V_vmux_QVV(Q6_Q_vcmp_gt_VwVw(key.v[k], infinite), Q6_V_vzero(), step.v[k]); /* no number */
  }
  return Q6_V_vxor_VV(bytes_of(&step), Q6_Vb_vsplat_R(p->flip));
}

void qfk_quantize_f32_hvx(const QfkQuantizeHvx *p, const float *x, uint8_t *y, size_t n)
{
  QfkHvxTable t[4];
  for (int k = 0; k < 4; k++)
    t[k] = qfk_hvx_table(p->bytes + k * 256);
  size_t i = 0;
  for (; i + 128 <= n; i += 128)
    qfk_hvx_store(y + i, encode(p, t, x + i, 128));
  if (i < n)
    qfk_hvx_store_n(y + i, encode(p, t, x + i, (int32_t)(n - i)), (int32_t)(n - i));
}

static inline void store_some(void *y, HVX_Vector v, int32_t bytes)
{
  if (bytes >= 128)
    qfk_hvx_store(y, v);
  else if (bytes > 0)
    qfk_hvx_store_n(y, v, bytes);
}

void qfk_dequantize_u8_hvx(const uint8_t *bytes, const uint8_t *x, float *y, size_t n)
{
  QfkHvxTable t[4];
  for (int k = 0; k < 4; k++)
    t[k] = qfk_hvx_table(bytes + k * 256);
  for (size_t i = 0; i < n; i += 128) {
    const HVX_Vector at = qfk_hvx_load(x + i);
    const Four w = words_of(qfk_hvx_look_up(at, t[0]), qfk_hvx_look_up(at, t[1]), qfk_hvx_look_up(at, t[2]),
                            qfk_hvx_look_up(at, t[3]));
    const int32_t left = n - i < 128 ? (int32_t)(n - i) * 4 : 512;
    for (int k = 0; k < 4; k++)
      store_some(y + i + k * 32, w.v[k], left - k * 128);
  }
}

void qfk_widen_u8_hvx(const uint8_t *bytes, const uint8_t *x, uint16_t *y, size_t n)
{
  const QfkHvxTable low = qfk_hvx_table(bytes), high = qfk_hvx_table(bytes + 256);
  for (size_t i = 0; i < n; i += 128) {
    const HVX_Vector at = qfk_hvx_load(x + i);
    const HVX_VectorPair both = Q6_W_vshuff_VVR(qfk_hvx_look_up(at, high), qfk_hvx_look_up(at, low), -1);
    const int32_t left = n - i < 128 ? (int32_t)(n - i) * 2 : 256;
    store_some(y + i, Q6_V_lo_W(both), left);
    store_some(y + i + 64, Q6_V_hi_W(both), left - 128);
  }
}

/* A word of 16 bits, by the multiplier and with the zero point. */
static inline HVX_Vector scaled(const QfkRequantizeHvx *p, HVX_Vector x)
{
  x = Q6_Vw_vsub_VwVw(x, Q6_V_vsplat_R(p->x_zero));
  if (p->m.shift)
    x = qfk_hvx_shift_left(x, p->m.shift);
  return Q6_Vw_vadd_VwVw_sat(qfk_hvx_once(x, Q6_V_vsplat_R(p->m.multiplier)), Q6_V_vsplat_R(p->y_zero));
}

/* 64 elements to halfwords of the output's range. */
static inline HVX_Vector halves_of(const QfkRequantizeHvx *p, const uint16_t *x)
{
  const HVX_Vector v = qfk_hvx_load(x);
  const HVX_VectorPair w = p->x_type == QFK_U16 ? Q6_Wuw_vzxt_Vuh(v) : Q6_Ww_vsxt_Vh(v);
  const HVX_Vector even = scaled(p, Q6_V_lo_W(w)), odd = scaled(p, Q6_V_hi_W(w));
  return p->y_type == QFK_U16 ? Q6_Vuh_vasr_VwVwR_sat(odd, even, 0) : Q6_Vh_vsat_VwVw(odd, even);
}

void qfk_requantize_u16_hvx(const QfkRequantizeHvx *p, const uint16_t *x, void *y, size_t n)
{
  if (p->y_type > QFK_S8) {
    for (size_t i = 0; i < n; i += 64)
      store_some((uint16_t *)y + i, halves_of(p, x + i), n - i < 64 ? (int32_t)(n - i) * 2 : 128);
    return;
  }
  for (size_t i = 0; i < n; i += 128) {
    const HVX_Vector low = halves_of(p, x + i), high = n - i > 64 ? halves_of(p, x + i + 64) : low;
    store_some((uint8_t *)y + i,
               p->y_type == QFK_U8 ? Q6_Vub_vpack_VhVh_sat(high, low) : Q6_Vb_vpack_VhVh_sat(high, low),
               n - i < 128 ? (int32_t)(n - i) : 128);
  }
}
