/* SPDX-License-Identifier: MIT */
/*
 * arg_hvx.c - the index of the extreme for HVX; see reduce_hvx.h. In rows, the largest byte first and then where it is. In columns a word holds
 * byte and index, so that the largest word is the answer: earlier indices have larger numbers, or later ones where the last counts.
 */
#include "../hvx/memory.h"
#include "reduce_hvx.h"

#include <stddef.h>

#define INDEX_BITS 22
#define INDEX_MOST ((1 << INDEX_BITS) - 1)

static HVX_Vector bytes_of(const QfkArgHvx *p, const uint8_t *x, int32_t n)
{
  const HVX_Vector v = Q6_V_vxor_VV(qfk_hvx_load(x), Q6_Vb_vsplat_R(p->flip));
  return n >= 128 ? v : Q6_V_vmux_QVV(Q6_Q_vsetq_R(n), v, Q6_V_vzero());
}

static int32_t largest(HVX_Vector v)
{
  for (int32_t by = 64; by; by >>= 1)
    v = Q6_Vub_vmax_VubVub(v, Q6_V_vror_VR(v, by));
  return Q6_R_vextract_VR(v, 0) & 255;
}

/* Each vector's place is a byte of its own, so equal ones are told apart by a second pass over one vector. */
static int32_t arg_row(const QfkArgHvx *p, const uint8_t *x)
{
  const int32_t vectors = (p->n + 127) / 128;
  HVX_Vector all = Q6_V_vzero();
  for (int32_t i = 0; i < vectors; i++)
    all = Q6_Vub_vmax_VubVub(all, bytes_of(p, x + i * 128, p->n - i * 128));
  const int32_t best = largest(all);
  for (int32_t k = 0; k < vectors; k++) {
    const int32_t i = (p->last ? vectors - 1 - k : k) * 128, n = p->n - i < 128 ? p->n - i : 128;
    if (largest(bytes_of(p, x + i, n)) != best)
      continue;
    for (int32_t j = 0; j < n; j++) {
      const int32_t at = i + (p->last ? n - 1 - j : j);
      if ((x[at] ^ p->flip) == best)
        return at;
    }
  }
  return 0;
}

/* Words of bytes 0 to 3 of each word, with their indices from @index on, @step apart. */
static inline void keep_best(HVX_Vector *best, HVX_Vector v, int32_t index, int32_t step, int32_t lanes)
{
  const HVX_VectorPair wide = Q6_Wuh_vzxt_Vub(v);
  const HVX_VectorPair c02 = Q6_Wuw_vzxt_Vuh(Q6_V_lo_W(wide)), c13 = Q6_Wuw_vzxt_Vuh(Q6_V_hi_W(wide));
  const HVX_Vector c[4] = {Q6_V_lo_W(c02), Q6_V_lo_W(c13), Q6_V_hi_W(c02), Q6_V_hi_W(c13)};
  for (int32_t k = 0; k < lanes; k++)
    best[k] = Q6_Vw_vmax_VwVw(best[k], Q6_Vw_vadd_VwVw(Q6_Vw_vasl_VwR(c[k], INDEX_BITS),
                                                       Q6_V_vsplat_R(index + k * step)));
}

static HVX_Vector index_of(const QfkArgHvx *p, HVX_Vector best)
{
  const HVX_Vector most = Q6_V_vsplat_R(INDEX_MOST), index = Q6_V_vand_VV(best, most);
  return p->last ? index : Q6_Vw_vsub_VwVw(most, index);
}

static void store_words(int32_t *y, HVX_Vector v, int32_t n)
{
  if (n > 0)
    qfk_hvx_store_n(y, v, n < 32 ? n * 4 : 128);
}

/* @n bytes of a vector: in an image 4 a pixel. */
static void arg_columns(const QfkArgHvx *p, const uint8_t *x, int32_t *y, int32_t n)
{
  const bool channels = p->kind == QFK_REDUCE_HVX_CHANNELS;
  const int32_t sign = p->last ? 1 : -1, step = channels ? sign : 0, a_row = channels ? 4 * sign : sign;
  const HVX_Vector flip = Q6_Vb_vsplat_R(p->flip), none = Q6_V_vsplat_R(-1);
  HVX_Vector best[4] = {none, none, none, none};
  int32_t index = p->last ? 0 : INDEX_MOST;
  for (int32_t r = 0; r < p->n - 1; r++, x += p->inner, index += a_row)
    keep_best(best, Q6_V_vxor_VV(qfk_hvx_load(x), flip), index, step, 4);
  keep_best(best, Q6_V_vxor_VV(qfk_hvx_load(x), flip), index, step, channels ? p->tail : 4);
  if (channels) {
    best[0] = Q6_Vw_vmax_VwVw(Q6_Vw_vmax_VwVw(best[0], best[1]), Q6_Vw_vmax_VwVw(best[2], best[3]));
    store_words(y, index_of(p, best[0]), n / 4);
    return;
  }
  for (int k = 0; k < 4; k++)
    best[k] = index_of(p, best[k]);
  const HVX_VectorPair c02 = Q6_W_vshuff_VVR(best[2], best[0], -4),
                       c13 = Q6_W_vshuff_VVR(best[3], best[1], -4);
  const HVX_VectorPair low = Q6_W_vshuff_VVR(Q6_V_lo_W(c13), Q6_V_lo_W(c02), -4),
                       high = Q6_W_vshuff_VVR(Q6_V_hi_W(c13), Q6_V_hi_W(c02), -4);
  store_words(y, Q6_V_lo_W(low), n);
  store_words(y + 32, Q6_V_hi_W(low), n - 32);
  store_words(y + 64, Q6_V_lo_W(high), n - 64);
  store_words(y + 96, Q6_V_hi_W(high), n - 96);
}

void qfk_arg_u8_hvx(const QfkArgHvx *p, const uint8_t *x, int32_t *y, int32_t unit, int32_t n)
{
  const int32_t end = p->units - unit < n ? p->units : unit + n;
  for (int32_t u = unit; u < end; u++) {
    const int32_t outer = u / p->vectors, at = u % p->vectors * 128;
    const uint8_t *from = x + (ptrdiff_t)outer * p->n * p->inner + at;
    if (p->kind == QFK_REDUCE_HVX_ROWS)
      y[u] = arg_row(p, from);
    else
      arg_columns(p, from,
                  y + (p->kind == QFK_REDUCE_HVX_CHANNELS ? at / 4 : (ptrdiff_t)outer * p->inner + at),
                  p->inner - at < 128 ? p->inner - at : 128);
  }
}
