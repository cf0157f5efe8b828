/* SPDX-License-Identifier: MIT */
/*
 * fc16_hvx.h - fully connected layers of 16-bit data by int8 weights, one row of input at a time, for HVX.
 *
 * As fc_hvx.h with the same packed weights, once for the high and once for the low bytes of the inputs, both as int8. Bit-exact with
 * qfk_gemm_int_ref() in the `fixed` scheme.
 */
#ifndef QFK_FC16_HVX_H
#define QFK_FC16_HVX_H

#include "../hvx/wide_out.h"
#include "fc_hvx.h"

typedef struct {
  QfkFcHvx
      f; /* as of bytes; its bias is what the sum of high bytes begins with, its shift the wide multiplier's */
  uint16_t x_flip; /* turns the input into high and low bytes of int8 */
  QfkHvxWideOut out;
  const int32_t *first_low; /* [panels * 32], 128-byte aligned */
} QfkFc16Hvx;

/* Sets all but the pointers. FALSE: the kernel does not do this one; see qfk_conv16_hvx_init() for types, and weights fit int8. Weights
 * are [n,k]. */
bool qfk_fc16_hvx_init(QfkFc16Hvx *p, int32_t k, int32_t n, const QfkIntArgs *q, const void *w);

/* Numbers of all are those of qfk_fc_hvx_...(&p->f). */
void qfk_fc16_hvx_pack(const QfkFc16Hvx *p, const QfkIntArgs *q, const void *w, uint8_t *weights,
                       int32_t *first_high, int32_t *first_low, int32_t *multiplier, int32_t *shift);

/* Bytes a run needs, 128-byte aligned. */
size_t qfk_fc16_hvx_scratch(const QfkFc16Hvx *p);

/* One row: @x [k] to @y [n]; no slack is needed. */
void qfk_fc_s16_hvx(const QfkFc16Hvx *p, const uint16_t *x, uint16_t *y, void *scratch);

#endif
