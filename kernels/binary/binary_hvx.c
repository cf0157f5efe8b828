/* SPDX-License-Identifier: MIT */
/*
 * binary_hvx.c - elementwise arithmetic for HVX; see binary_hvx.h. A vector of 128 bytes of each operand becomes two of halfwords, even
 * and odd bytes, and two of words of each of these; narrowing interleaves them again.
 */
#include "binary_hvx.h"
#include "../hvx/memory.h"
#include "../hvx/requant.h"

/* The constants of a run in all lanes. */
typedef struct {
  HVX_Vector a_flip, b_flip, ca, cb, a_zero, b_zero, m;
  int32_t both, a, b, shift, left; /* multipliers as pairs of halfwords; left: of m */
  QfkHvxOutVectors out;
} Constants;

typedef HVX_Vector (*Halves)(const Constants *c, HVX_Vector a, HVX_Vector b);

/* Halfwords (a, b) by turns, by their multipliers. */
static inline HVX_Vector add_halves(const Constants *c, HVX_Vector a, HVX_Vector b)
{
  const HVX_VectorPair turns = Q6_Wh_vshuffoe_VhVh(b, a);
  const HVX_Vector even = Q6_Vw_vdmpyacc_VwVhRh_sat(c->ca, Q6_V_lo_W(turns), c->both);
  const HVX_Vector odd = Q6_Vw_vdmpyacc_VwVhRh_sat(c->ca, Q6_V_hi_W(turns), c->both);
  return Q6_Vh_vasr_VwVwR_sat(odd, even, c->shift);
}

#define CHOOSE(name, choose)                                                                                 \
  static inline HVX_Vector name##_halves(const Constants *c, HVX_Vector a, HVX_Vector b)                     \
  {                                                                                                          \
    const HVX_VectorPair pa = Q6_Ww_vmpy_VhRh(a, c->a), pb = Q6_Ww_vmpy_VhRh(b, c->b);                       \
    const HVX_Vector even =                                                                                  \
        choose(Q6_Vw_vadd_VwVw(Q6_V_lo_W(pa), c->ca), Q6_Vw_vadd_VwVw(Q6_V_lo_W(pb), c->cb));                \
    const HVX_Vector odd =                                                                                   \
        choose(Q6_Vw_vadd_VwVw(Q6_V_hi_W(pa), c->ca), Q6_Vw_vadd_VwVw(Q6_V_hi_W(pb), c->cb));                \
    return Q6_Vh_vasr_VwVwR_sat(odd, even, c->shift);                                                        \
  }
CHOOSE(max, Q6_Vw_vmax_VwVw)
CHOOSE(min, Q6_Vw_vmin_VwVw)

static inline HVX_Vector mul_halves(const Constants *c, HVX_Vector a, HVX_Vector b)
{
  const HVX_VectorPair p = Q6_Ww_vmpy_VhVh(Q6_Vh_vsub_VhVh(a, c->a_zero), Q6_Vh_vsub_VhVh(b, c->b_zero));
  HVX_Vector even = Q6_V_lo_W(p), odd = Q6_V_hi_W(p);
  if (c->left) {
    even = qfk_hvx_shift_left(even, c->left);
    odd = qfk_hvx_shift_left(odd, c->left);
  }
  return Q6_Vh_vsat_VwVw(qfk_hvx_once(odd, c->m), qfk_hvx_once(even, c->m));
}

static inline __attribute__((always_inline)) void run(const Constants *c, const uint8_t *a, const uint8_t *b,
                                                      uint8_t *y, size_t n, Halves halves)
{
  for (size_t i = 0; i < n; i += 128) {
    const HVX_VectorPair wa = Q6_Wuh_vzxt_Vub(Q6_V_vxor_VV(qfk_hvx_load_open(a + i), c->a_flip));
    const HVX_VectorPair wb = Q6_Wuh_vzxt_Vub(Q6_V_vxor_VV(qfk_hvx_load_open(b + i), c->b_flip));
    const HVX_Vector v = qfk_hvx_to_bytes(halves(c, Q6_V_lo_W(wa), Q6_V_lo_W(wb)),
                                          halves(c, Q6_V_hi_W(wa), Q6_V_hi_W(wb)), &c->out);
    if (n - i >= 128)
      qfk_hvx_store(y + i, v);
    else
      qfk_hvx_store_n(y + i, v, (int32_t)(n - i));
  }
}

void qfk_binary_u8_hvx(const QfkBinaryHvx *p, const uint8_t *a, const uint8_t *b, uint8_t *y, size_t n)
{
  const Constants c = {.a_flip = Q6_Vb_vsplat_R(p->a_flip),
                       .b_flip = Q6_Vb_vsplat_R(p->b_flip),
                       .ca = Q6_V_vsplat_R(p->op <= QFK_BINARY_SUB ? p->ca + p->cb : p->ca),
                       .cb = Q6_V_vsplat_R(p->cb),
                       .a_zero = Q6_Vh_vsplat_R(p->a_zero),
                       .b_zero = Q6_Vh_vsplat_R(p->b_zero),
                       .m = Q6_V_vsplat_R(p->m.multiplier),
                       .both = (int32_t)((uint32_t)p->b << 16 | (uint16_t)p->a),
                       .a = (int32_t)((uint32_t)p->a << 16 | (uint16_t)p->a),
                       .b = (int32_t)((uint32_t)p->b << 16 | (uint16_t)p->b),
                       .shift = p->shift,
                       .left = p->m.shift,
                       .out = qfk_hvx_out_vectors(&p->out)};
  if (p->op == QFK_BINARY_MUL)
    run(&c, a, b, y, n, mul_halves);
  else if (p->op == QFK_BINARY_MAX)
    run(&c, a, b, y, n, max_halves);
  else if (p->op == QFK_BINARY_MIN)
    run(&c, a, b, y, n, min_halves);
  else
    run(&c, a, b, y, n, add_halves);
}
