/* SPDX-License-Identifier: MIT */
/*
 * dwtile_ref.c - depthwise tile kernels in plain C.
 */
#include "dwtile.h"

void qfk_dw_f32_any_ref(const QfkDwTile *t)
{
  for (uint32_t i = 0; i < t->n; i++)
    for (uint32_t c = 0; c < t->c; c++) {
      const float *x = (const float *)t->x + (ptrdiff_t)i * t->pixel + c, *w = (const float *)t->w + c;
      float acc = ((const float *)t->bias)[c];
      for (uint32_t ky = 0; ky < t->rows; ky++)
        for (uint32_t kx = 0; kx < t->cols; kx++)
          acc += x[(ptrdiff_t)ky * t->row + (ptrdiff_t)kx * t->col] *
                 w[(ptrdiff_t)ky * t->w_row + (ptrdiff_t)kx * t->w_col];
      const size_t at = i * (size_t)t->out + c;
      acc += t->res ? t->res[at] : 0;
      ((float *)t->y)[at] = acc < t->lo ? t->lo : acc > t->hi ? t->hi : acc;
    }
}

#define LANES 4

void qfk_dw_s16_any_ref(const QfkDwTile *t)
{
  const uint32_t pairs = (t->rows + 1) / 2;
  for (uint32_t i = 0; i < t->n; i++)
    for (uint32_t c = 0; c < t->c; c++) {
      const int16_t *x = (const int16_t *)t->x + (ptrdiff_t)i * t->pixel + c;
      const int16_t *w =
          (const int16_t *)t->w + (size_t)(c / LANES) * t->cols * pairs * 2 * LANES + c % LANES * 2;
      int32_t acc = ((const int32_t *)t->bias)[c];
      for (uint32_t kx = 0; kx < t->cols; kx++)
        for (uint32_t ky = 0; ky < t->rows; ky++)
          acc += x[(ptrdiff_t)ky * t->row + (ptrdiff_t)kx * t->col] *
                 w[(kx * pairs + ky / 2) * 2 * LANES + ky % 2];
      float y = fminf(fmaxf((float)acc * t->scale[c], t->lo), t->hi);
      ((uint8_t *)t->y)[(size_t)i * t->c + c] = (uint8_t)((int32_t)lrintf(y) + t->zero_point);
    }
}
