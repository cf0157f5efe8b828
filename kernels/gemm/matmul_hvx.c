/* SPDX-License-Identifier: MIT */
/*
 * matmul_hvx.c - products of two matrices of activations for HVX; see matmul_hvx.h. Four rows by 128 columns at a time: sixteen sums of 32
 * words, to which each step of four k's adds the products of four vectors by four scalars.
 */
#include "matmul_hvx.h"
#include "../copy/d4_hvx.h"
#include "../hvx/memory.h"
#include "../hvx/requant.h"

#include <stddef.h>

#define ROWS 4

/* [k][n] to words of four k's. */
static void pack_rows(const QfkMatmulHvx *p, const uint8_t *b, uint8_t *packed)
{
  for (int32_t k = 0; k < p->k; k += 4, packed += (ptrdiff_t)p->n * 4)
    for (int32_t c = 0; c < p->n; c += 32) {
      HVX_Vector v[4];
      for (int32_t i = 0; i < 4; i++)
        v[i] = qfk_hvx_load(b + (ptrdiff_t)(k + i < p->k ? k + i : k) * p->n + c);
      const HVX_Vector even = Q6_V_lo_W(Q6_W_vshuff_VVR(v[2], v[0], -1)),
                       odd = Q6_V_lo_W(Q6_W_vshuff_VVR(v[3], v[1], -1));
      qfk_hvx_store_n(packed + c * 4, Q6_V_lo_W(Q6_W_vshuff_VVR(odd, even, -1)),
                      p->n - c < 32 ? (p->n - c) * 4 : 128);
    }
}

/* Columns [@c, @c + 32): makes them uint8, and what the left zero point takes off. */
static HVX_Vector finish_columns(const QfkMatmulHvx *p, uint8_t *packed, int32_t c)
{
  const int32_t bytes = p->n - c < 32 ? (p->n - c) * 4 : 128, last = (p->k - 1) / 4;
  const HVX_Vector flip = Q6_Vb_vsplat_R(p->b_flip);
  HVX_Vector sum = Q6_V_vzero();
  packed += c * 4;
  for (int32_t k = 0; k <= last; k++, packed += (ptrdiff_t)p->n * 4) {
    const HVX_Vector v = Q6_V_vxor_VV(qfk_hvx_load(packed), flip);
    const int32_t used = k < last ? 4 : p->k - last * 4;
    sum = Q6_Vuw_vrmpyacc_VuwVubRub(sum, v, (int32_t)(0x01010101u >> (8 * (4 - used))));
    if (p->b_flip)
      qfk_hvx_store_n(packed, v, bytes);
  }
  return Q6_Vw_vsub_VwVw(Q6_V_vsplat_R(p->k * p->a_zero * p->b_zero),
                         Q6_Vw_vmpyi_VwRh(sum, p->a_zero * 0x10001));
}

void qfk_matmul_prepare_hvx(const QfkMatmulHvx *p, const uint8_t *b, uint8_t *packed, int32_t *columns)
{
  if (p->turned)
    qfk_d4_from_nhwc_hvx(b, p->k, p->n, packed);
  else
    pack_rows(p, b, packed);
  for (int32_t c = 0; c < p->n; c += 32)
    *(HVX_Vector *)(columns + c) = finish_columns(p, packed, c);
}

/* A row as uint8, zeros behind it; returns what the right zero point takes off. */
static int32_t copy_row(const QfkMatmulHvx *p, const uint8_t *a, uint8_t *to)
{
  const HVX_Vector flip = Q6_Vb_vsplat_R(p->a_flip), ones = Q6_Vb_vsplat_R(1);
  HVX_Vector sum = Q6_V_vzero();
  for (int32_t i = 0; i < p->k; i += 128) {
    const HVX_Vector v = Q6_V_vxor_VV(qfk_hvx_load(a + i), flip);
    const HVX_Vector own = p->k - i < 128 ? Q6_V_vmux_QVV(Q6_Q_vsetq_R(p->k - i), v, Q6_V_vzero()) : v;
    *(HVX_Vector *)(to + i) = own;
    sum = Q6_Vuw_vrmpyacc_VuwVubVub(sum, own, ones);
  }
  for (int32_t by = 64; by >= 4; by >>= 1)
    sum = Q6_Vw_vadd_VwVw(sum, Q6_V_vror_VR(sum, by));
  return Q6_R_vextract_VR(sum, 0) * p->b_zero;
}

typedef struct {
  HVX_Vector v[ROWS][4];
} Sums;

/* @a: four rows, @pitch apart; @b: a step's words of 128 columns, @step bytes apart; the vectors of a step are @at apart. */
static inline __attribute__((always_inline)) void sum_up(Sums *s, const uint8_t *a, int32_t pitch,
                                                         const uint8_t *b, const int32_t *at, int32_t step,
                                                         int32_t steps)
{
  const int32_t *w0 = (const int32_t *)a, *w1 = (const int32_t *)(a + pitch),
                *w2 = (const int32_t *)(a + 2 * pitch), *w3 = (const int32_t *)(a + 3 * pitch);
  Sums t = *s;
  for (int32_t k = 0; k < steps; k++, b += step) {
    const int32_t r0 = w0[k], r1 = w1[k], r2 = w2[k], r3 = w3[k];
    for (int j = 0; j < 4; j++) {
      const HVX_Vector v = qfk_hvx_load(b + at[j]);
      t.v[0][j] = Q6_Vuw_vrmpyacc_VuwVubRub(t.v[0][j], v, r0);
      t.v[1][j] = Q6_Vuw_vrmpyacc_VuwVubRub(t.v[1][j], v, r1);
      t.v[2][j] = Q6_Vuw_vrmpyacc_VuwVubRub(t.v[2][j], v, r2);
      t.v[3][j] = Q6_Vuw_vrmpyacc_VuwVubRub(t.v[3][j], v, r3);
    }
  }
  *s = t;
}

static HVX_Vector finish(const QfkMatmulHvx *p, const HVX_Vector *sums, const int32_t *columns, int32_t less)
{
  const QfkHvxOutVectors out = qfk_hvx_out_vectors(&p->out);
  const HVX_Vector m = Q6_V_vsplat_R(p->factor.multiplier), row = Q6_V_vsplat_R(less);
  HVX_Vector w[4];
  for (int j = 0; j < 4; j++) {
    w[j] = Q6_Vw_vsub_VwVw(Q6_Vw_vadd_VwVw(sums[j], *(const HVX_Vector *)(columns + j * 32)), row);
    if (p->factor.shift)
      w[j] = qfk_hvx_shift_left(w[j], p->factor.shift);
    w[j] = qfk_hvx_once(w[j], m);
  }
  return qfk_hvx_in_order(Q6_Vh_vpack_VwVw_sat(w[1], w[0]), Q6_Vh_vpack_VwVw_sat(w[3], w[2]), &out);
}

void qfk_matmul_u8_hvx(const QfkMatmulHvx *p, const uint8_t *a, const uint8_t *packed, const int32_t *columns,
                       int32_t row, int32_t rows, uint8_t *y, void *scratch)
{
  const int32_t pitch = (p->k + 127) / 128 * 128, end = p->m - row < rows ? p->m : row + rows;
  for (int32_t first = row; first < end; first += ROWS) {
    const int32_t n = end - first < ROWS ? end - first : ROWS;
    int32_t less[ROWS];
    for (int32_t i = 0; i < ROWS; i++)
      less[i] = copy_row(p, a + (ptrdiff_t)(first + (i < n ? i : 0)) * p->k,
                         (uint8_t *)scratch + (ptrdiff_t)i * pitch);
    for (int32_t c = 0; c < p->n; c += 128) {
      Sums s;
      int32_t at[4];
      for (int j = 0; j < 4; j++) {
        at[j] = c + j * 32 < p->n ? j * 128 : 0;
        for (int i = 0; i < ROWS; i++)
          s.v[i][j] = Q6_V_vzero();
      }
      sum_up(&s, scratch, pitch, packed + c * 4, at, p->n * 4, (p->k + 3) / 4);
      for (int32_t i = 0; i < n; i++)
        qfk_hvx_store_n(y + (ptrdiff_t)(first + i) * p->n + c, finish(p, s.v[i], columns + c, less[i]),
                        p->n - c < 128 ? p->n - c : 128);
    }
  }
}
