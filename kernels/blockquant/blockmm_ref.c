/* SPDX-License-Identifier: MIT */
/*
 * blockmm_ref.c - the reference: decodes a block, multiplies it with some rows of x, and so on along the row of weights.
 */
#include "blockmm.h"

#define ROWS 16 /* of x that share a decoded block */

static void add_block(const float *w, uint32_t n, const float *x, size_t x_stride, uint32_t rows, double *sum)
{
  for (uint32_t r = 0; r < rows; r++)
    for (uint32_t i = 0; i < n; i++)
      sum[r] += (double)w[i] * (double)x[r * x_stride + i];
}

void qfk_blockmm_ref(const QfkBlockMm *p, const float *x, const uint8_t *w, const float *bias,
                     const float *residual, const QfkEpilogue *e, float *y)
{
  const uint32_t step = p->format->values;
  for (uint32_t o = 0; o < p->out; o++)
    for (uint32_t r0 = 0; r0 < p->rows; r0 += ROWS) {
      const uint32_t rows = p->rows - r0 < ROWS ? p->rows - r0 : ROWS;
      const uint8_t *block = w + o * p->row_bytes;
      double sum[ROWS] = {0};
      for (uint32_t k = 0; k < p->k; k += step, block += p->format->bytes) {
        float values[QFK_BLOCK_MAX_VALUES];
        p->format->decode(block, values);
        add_block(values, p->k - k < step ? p->k - k : step, x + (size_t)r0 * p->k + k, p->k, rows, sum);
      }
      for (uint32_t r = 0; r < rows; r++) {
        const size_t at = (size_t)(r0 + r) * p->out + o;
        const double v = sum[r] + (double)(bias ? bias[o] : 0) + (double)(residual ? residual[at] : 0);
        y[at] = qfk_act_scalar(e, (float)v, o);
      }
    }
}
