/* SPDX-License-Identifier: MIT */
/*
 * blockmm.h - products with weights that stay in blocks: y[r][o] = act(sum over k of x[r][k] * w[o][k] + bias[o] + residual[r][o]).
 *
 * Row o of the weights is a whole number of blocks; of the last one only the values below @k count. The reference sums in double
 * over the exactly decoded weights.
 */
#ifndef QFK_BLOCKQUANT_BLOCKMM_H
#define QFK_BLOCKQUANT_BLOCKMM_H

#include "../epilogue.h"
#include "format.h"

typedef struct {
  const QfkBlockDef *format;
  uint32_t rows, out, k; /* of x and y; of weights and y; of x and the weights */
  size_t row_bytes;      /* from one row of weights to the next */
} QfkBlockMm;

/* Bytes of one row of weights. */
static inline size_t qfk_block_row_bytes(const QfkBlockDef *format, size_t k)
{
  return (k + format->values - 1) / format->values * format->bytes;
}

/* @bias [out] and @residual (as y) may be NULL. Any format. */
void qfk_blockmm_ref(const QfkBlockMm *p, const float *x, const uint8_t *w, const float *bias,
                     const float *residual, const QfkEpilogue *e, float *y);

#endif
