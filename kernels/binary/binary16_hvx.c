/* SPDX-License-Identifier: MIT */
/*
 * binary16_hvx.c - elementwise arithmetic of 16-bit images for HVX; see binary16_hvx.h. Low and high bytes are interleaved to halfwords of
 * even and of odd elements, and these become words whose lower halves are the operands.
 */
#include "binary16_hvx.h"
#include "../hvx/memory.h"
#include "../hvx/wide.h"

/* The constants of a run in all lanes. */
typedef struct {
  HVX_Vector a, b, ca_high, ca_low, cb_high, cb_low, a_zero, b_zero, m, half, rest;
  int32_t shift;
  QfkHvxShifts shifts;
  QfkHvxWideOutVectors out;
} Constants;

typedef HVX_Vector (*Words)(const Constants *c, HVX_Vector a, HVX_Vector b);

/* The lower half of @x by @m: in units of 2^18, and the rest. */
typedef struct {
  HVX_Vector high, low;
} Parts;

static inline __attribute__((always_inline)) Parts times(HVX_Vector m, HVX_Vector x, const Constants *c)
{
  return (Parts){Q6_Vw_vasr_VwR(Q6_Vw_vmpye_VwVuh(m, x), 2), Q6_V_vand_VV(Q6_Vw_vmpyie_VwVuh(m, x), c->rest)};
}

static inline __attribute__((always_inline)) HVX_Vector shifted(HVX_Vector high, HVX_Vector low,
                                                                const Constants *c)
{
  return Q6_Vw_vasr_VwR(Q6_Vw_vadd_VwVw(high, Q6_Vw_vasr_VwR(low, 18)), c->shift);
}

static inline HVX_Vector add_words(const Constants *c, HVX_Vector a, HVX_Vector b)
{
  const Parts x = times(c->a, a, c), y = times(c->b, b, c);
  return shifted(Q6_Vw_vadd_VwVw(Q6_Vw_vadd_VwVw(x.high, y.high), c->ca_high),
                 Q6_Vw_vadd_VwVw(Q6_Vw_vadd_VwVw(x.low, y.low), c->ca_low), c);
}

#define CHOOSE(name, choose)                                                                                 \
  static inline HVX_Vector name##_words(const Constants *c, HVX_Vector a, HVX_Vector b)                      \
  {                                                                                                          \
    const Parts x = times(c->a, a, c), y = times(c->b, b, c);                                                \
    return choose(shifted(Q6_Vw_vadd_VwVw(x.high, c->ca_high), Q6_Vw_vadd_VwVw(x.low, c->ca_low), c),        \
                  shifted(Q6_Vw_vadd_VwVw(y.high, c->cb_high), Q6_Vw_vadd_VwVw(y.low, c->cb_low), c));       \
  }
CHOOSE(max, Q6_Vw_vmax_VwVw)
CHOOSE(min, Q6_Vw_vmin_VwVw)

/* (a - zero) * b - (a - zero) * zero, parted at 2^16. */
static inline HVX_Vector mul_words(const Constants *c, HVX_Vector a, HVX_Vector b)
{
  const HVX_Vector d = Q6_Vw_vsub_VwVw(Q6_V_vand_VV(a, c->half), c->a_zero);
  const HVX_Vector low = Q6_Vw_vsub_VwVw(Q6_V_vand_VV(Q6_Vw_vmpyie_VwVuh(d, b), c->half),
                                         Q6_V_vand_VV(Q6_Vw_vmpyie_VwVuh(d, c->b_zero), c->half));
  const HVX_Vector high = Q6_Vw_vsub_VwVw(Q6_Vw_vmpye_VwVuh(d, b), Q6_Vw_vmpye_VwVuh(d, c->b_zero));
  return qfk_hvx_wide_once(Q6_Vw_vadd_VwVw(high, Q6_Vw_vasr_VwR(low, 16)), low, c->m, &c->shifts);
}

static inline __attribute__((always_inline)) HVX_Vector halves(const Constants *c, HVX_Vector a, HVX_Vector b,
                                                               Words words)
{
  const HVX_Vector even = words(c, a, b), odd = words(c, Q6_Vuw_vlsr_VuwR(a, 16), Q6_Vuw_vlsr_VuwR(b, 16));
  return Q6_Vh_vshuffe_VhVh(qfk_hvx_wide_bound(odd, &c->out), qfk_hvx_wide_bound(even, &c->out));
}

static inline HVX_VectorPair take(const uint8_t *low, int32_t bytes, HVX_Vector flip)
{
  return Q6_Wb_vshuffoe_VbVb(Q6_V_vxor_VV(qfk_hvx_load(low + bytes), flip), qfk_hvx_load(low));
}

static inline void store_some(uint8_t *to, HVX_Vector v, int32_t n)
{
  if (n >= 128)
    qfk_hvx_store(to, v);
  else
    qfk_hvx_store_n(to, v, n);
}

void qfk_binary_u16_hvx(const QfkBinary16Hvx *p, const uint8_t *a, const uint8_t *b, uint8_t *y,
                        int32_t planes, int32_t bytes)
{
  const bool mul = p->op == QFK_BINARY_MUL;
  const Constants c = {.a = Q6_V_vsplat_R(p->a),
                       .b = Q6_V_vsplat_R(p->b),
                       .ca_high = Q6_V_vsplat_R(p->ca.high),
                       .ca_low = Q6_V_vsplat_R(p->ca.low),
                       .cb_high = Q6_V_vsplat_R(p->cb.high),
                       .cb_low = Q6_V_vsplat_R(p->cb.low),
                       .a_zero = Q6_V_vsplat_R(p->a_zero),
                       .b_zero = Q6_V_vsplat_R(p->b_zero),
                       .m = Q6_V_vsplat_R(p->m.multiplier),
                       .half = Q6_V_vsplat_R(0xffff),
                       .rest = Q6_V_vsplat_R(0x3ffff),
                       .shift = mul ? 0 : p->shift - 18,
                       .shifts = qfk_hvx_shifts(mul ? p->m.shift : QFK_HVX_WIDE_LEAST_SHIFT),
                       .out = qfk_hvx_wide_out_vectors(&p->out)};
  const HVX_Vector a_flip = Q6_Vb_vsplat_R(p->a_flip), b_flip = Q6_Vb_vsplat_R(p->b_flip);
  const Words words = mul                       ? mul_words
                      : p->op == QFK_BINARY_MAX ? max_words
                      : p->op == QFK_BINARY_MIN ? min_words
                                                : add_words;
  for (int32_t plane = 0; plane < planes; plane++, a += 2 * bytes, b += 2 * bytes, y += 2 * bytes)
    for (int32_t i = 0; i < bytes; i += 128) {
      const HVX_VectorPair x = take(a + i, bytes, a_flip), z = take(b + i, bytes, b_flip);
      const HVX_Vector even = halves(&c, Q6_V_lo_W(x), Q6_V_lo_W(z), words);
      const HVX_Vector odd = halves(&c, Q6_V_hi_W(x), Q6_V_hi_W(z), words);
      const HVX_VectorPair both = Q6_Wb_vshuffoe_VbVb(odd, even);
      store_some(y + i, Q6_V_lo_W(both), bytes - i);
      store_some(y + bytes + i, Q6_V_hi_W(both), bytes - i);
    }
}
