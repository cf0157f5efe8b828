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

/* Where an operand's vectors come from: one after the other, or always the same; and whether only the first of four bytes counts. */
typedef struct {
  const uint8_t *at;
  int32_t step;
  bool lane;
} Operand;

static inline HVX_Vector load(const Operand *o, size_t i)
{
  const HVX_Vector v = qfk_hvx_load_open(o->at + (o->step ? i : 0));
  if (!o->lane)
    return v;
  const HVX_Vector one = Q6_V_vand_VV(v, Q6_V_vsplat_R(255)), two = Q6_V_vor_VV(one, Q6_Vw_vasl_VwR(one, 8));
  return Q6_V_vor_VV(two, Q6_Vw_vasl_VwR(two, 16));
}

static inline __attribute__((always_inline)) void run(const Constants *c, Operand a, Operand b, uint8_t *y,
                                                      size_t n, Halves halves)
{
  for (size_t i = 0; i < n; i += 128) {
    const HVX_VectorPair wa = Q6_Wuh_vzxt_Vub(Q6_V_vxor_VV(load(&a, i), c->a_flip));
    const HVX_VectorPair wb = Q6_Wuh_vzxt_Vub(Q6_V_vxor_VV(load(&b, i), c->b_flip));
    const HVX_Vector v = qfk_hvx_to_bytes(halves(c, Q6_V_lo_W(wa), Q6_V_lo_W(wb)),
                                          halves(c, Q6_V_hi_W(wa), Q6_V_hi_W(wb)), &c->out);
    if (n - i >= 128)
      qfk_hvx_store(y + i, v);
    else
      qfk_hvx_store_n(y + i, v, (int32_t)(n - i));
  }
}

static Constants constants_of(const QfkBinaryHvx *p)
{
  return (Constants){.a_flip = Q6_Vb_vsplat_R(p->a_flip),
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
}

static inline __attribute__((always_inline)) void run_any(QfkBinaryOp op, const Constants *c, Operand a,
                                                          Operand b, uint8_t *y, size_t n)
{
  if (op == QFK_BINARY_MUL)
    run(c, a, b, y, n, mul_halves);
  else if (op == QFK_BINARY_MAX)
    run(c, a, b, y, n, max_halves);
  else if (op == QFK_BINARY_MIN)
    run(c, a, b, y, n, min_halves);
  else
    run(c, a, b, y, n, add_halves);
}

void qfk_binary_u8_hvx(const QfkBinaryHvx *p, const uint8_t *a, const uint8_t *b, uint8_t *y, size_t n)
{
  const Constants c = constants_of(p);
  run_any(p->op, &c, (Operand){a, 128, false}, (Operand){b, 128, false}, y, n);
}

/* The operand of one row; @spread holds what repeats. */
static Operand operand_of(const uint8_t *at, QfkSpread how, HVX_Vector *spread)
{
  uint32_t word = 0;
  if (how == QFK_SPREAD_NONE || how == QFK_SPREAD_LANE)
    return (Operand){at, 128, how == QFK_SPREAD_LANE};
  if (how == QFK_SPREAD_BYTE)
    word = at[0] * 0x01010101u;
  else
    memcpy(&word, at, sizeof(word));
  *spread = Q6_V_vsplat_R((int32_t)word);
  return (Operand){(const uint8_t *)spread, 0, false};
}

void qfk_binary_rows_u8_hvx(const QfkBinaryHvx *p, const QfkBinaryRowsHvx *r, const uint8_t *a,
                            const uint8_t *b, uint8_t *y, int32_t row, int32_t n_rows)
{
  const Constants c = constants_of(p);
  const int32_t end = r->rows - row < n_rows ? r->rows : row + n_rows;
  HVX_Vector spread[2];
  for (int32_t i = row; i < end; i++)
    run_any(p->op, &c, operand_of(a + (ptrdiff_t)i * r->a_row, r->a, &spread[0]),
            operand_of(b + (ptrdiff_t)i * r->b_row, r->b, &spread[1]), y + (ptrdiff_t)i * r->n, (size_t)r->n);
}
