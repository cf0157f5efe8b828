/* SPDX-License-Identifier: MIT */
/*
 * parts_hvx.h - steps of depthwise convolution for HVX that data of 8 and 16 bits share: a plane's channels apart and together, and the
 * sums of one channel (dwconv_hvx.h).
 */
#ifndef QFK_DW_PARTS_HVX_H
#define QFK_DW_PARTS_HVX_H

#include "../hvx/memory.h"
#include "dwconv_hvx.h"

/* Four vectors of 32 pixels of four channels to 128 pixels of each channel. */
static inline void qfk_dw_part_channels(const uint8_t *restrict from, uint8_t *restrict to, size_t part,
                                        int32_t n)
{
  for (int32_t i = 0; i < n; i += 128, from += 512, to += 128) {
    const HVX_Vector *v = (const HVX_Vector *)from;
    const HVX_VectorPair low = Q6_W_vdeal_VVR(v[1], v[0], -1), high = Q6_W_vdeal_VVR(v[3], v[2], -1);
    const HVX_VectorPair even = Q6_W_vdeal_VVR(Q6_V_lo_W(high), Q6_V_lo_W(low), -1);
    const HVX_VectorPair odd = Q6_W_vdeal_VVR(Q6_V_hi_W(high), Q6_V_hi_W(low), -1);
    *(HVX_Vector *)to = Q6_V_lo_W(even);
    *(HVX_Vector *)(to + part) = Q6_V_lo_W(odd);
    *(HVX_Vector *)(to + 2 * part) = Q6_V_hi_W(even);
    *(HVX_Vector *)(to + 3 * part) = Q6_V_hi_W(odd);
  }
}

/* And back. */
static inline void qfk_dw_join_channels(const uint8_t *restrict from, size_t part, uint8_t *restrict to,
                                        int32_t n)
{
  for (int32_t i = 0; i < n; i += 128, from += 128, to += 512) {
    const HVX_VectorPair even =
        Q6_W_vshuff_VVR(*(const HVX_Vector *)(from + 2 * part), *(const HVX_Vector *)from, -1);
    const HVX_VectorPair odd =
        Q6_W_vshuff_VVR(*(const HVX_Vector *)(from + 3 * part), *(const HVX_Vector *)(from + part), -1);
    const HVX_VectorPair low = Q6_W_vshuff_VVR(Q6_V_lo_W(odd), Q6_V_lo_W(even), -1);
    const HVX_VectorPair high = Q6_W_vshuff_VVR(Q6_V_hi_W(odd), Q6_V_hi_W(even), -1);
    HVX_Vector *v = (HVX_Vector *)to;
    v[0] = Q6_V_lo_W(low);
    v[1] = Q6_V_hi_W(low);
    v[2] = Q6_V_lo_W(high);
    v[3] = Q6_V_hi_W(high);
  }
}

/* One row of taps: four bytes at @at and the next four, by four weights, at places 0 and 2 of a word, and at 1 and 3. */
#define QFK_DW_TAPS(even, odd, at, w)                                                                        \
  do {                                                                                                       \
    const HVX_VectorPair eight = Q6_W_vcombine_VV(qfk_hvx_load((at) + 4), qfk_hvx_load(at));                 \
    (even) = Q6_Ww_vrmpyacc_WwWubRbI(even, eight, w, 0);                                                     \
    (odd) = Q6_Ww_vrmpyacc_WwWubRbI(odd, eight, w, 1);                                                       \
  } while (0)

/* Sums without the bias, of @n pixels: of each 128 the words' places 0, 2, 1, 3. */
static inline void qfk_dw_sum_any(const QfkDwconvHvx *p, const uint8_t *x, const int32_t *w, HVX_Vector *sums,
                                  int32_t n)
{
  const int32_t taps = p->taps;
  const HVX_Vector zero = Q6_V_vzero();
  for (int32_t i = 0; i < n; i += 128, x += 128, sums += 4) {
    HVX_VectorPair even = Q6_W_vcombine_VV(zero, zero), odd = even;
    for (int32_t k = 0; k < taps; k++)
      QFK_DW_TAPS(even, odd, x + p->offsets[k], w[k]);
    sums[0] = Q6_V_lo_W(even);
    sums[1] = Q6_V_hi_W(even);
    sums[2] = Q6_V_lo_W(odd);
    sums[3] = Q6_V_hi_W(odd);
  }
}

/* Stride 2: of 128 pixels 64 sums, in two vectors: places 0 and 2. */
static inline void qfk_dw_sum_second(const QfkDwconvHvx *p, const uint8_t *x, const int32_t *w,
                                     HVX_Vector *sums, int32_t n)
{
  const int32_t taps = p->taps;
  const HVX_Vector zero = Q6_V_vzero();
  for (int32_t i = 0; i < n; i += 64, x += 128, sums += 2) {
    HVX_VectorPair even = Q6_W_vcombine_VV(zero, zero);
    for (int32_t k = 0; k < taps; k++) {
      const uint8_t *at = x + p->offsets[k];
      even = Q6_Ww_vrmpyacc_WwWubRbI(even, Q6_W_vcombine_VV(qfk_hvx_load(at + 4), qfk_hvx_load(at)), w[k], 0);
    }
    sums[0] = Q6_V_lo_W(even);
    sums[1] = Q6_V_hi_W(even);
  }
}

#endif
