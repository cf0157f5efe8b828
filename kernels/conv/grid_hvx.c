/* SPDX-License-Identifier: MIT */
/*
 * grid_hvx.c - images to grids; see grid_hvx.h. All is whole vectors: what is written too much, the next row or plane overwrites.
 */
#include "grid_hvx.h"
#include "../hvx/memory.h"

#include <stddef.h>

/* Whole vectors, up to 124 bytes more than @n words. */
static inline void fill_words(uint8_t *to, HVX_Vector v, int32_t n)
{
  for (int32_t i = 0; i < n; i += 32)
    qfk_hvx_store(to + 4 * i, v);
}

/* Likewise; every @stride th word. Reads up to 252 bytes beyond the last. */
static inline void copy_words(uint8_t *to, const uint8_t *from, HVX_Vector flip, int32_t n, int32_t stride)
{
  if (stride == 1)
    for (int32_t i = 0; i < n; i += 32)
      qfk_hvx_store(to + 4 * i, Q6_V_vxor_VV(qfk_hvx_load(from + 4 * i), flip));
  else if (stride == 2)
    for (int32_t i = 0; i < n; i += 32) {
      const HVX_VectorPair dealt =
          Q6_W_vdeal_VVR(qfk_hvx_load(from + 8 * i + 128), qfk_hvx_load(from + 8 * i), -4);
      qfk_hvx_store(to + 4 * i, Q6_V_vxor_VV(Q6_V_lo_W(dealt), flip));
    }
  else {
    const int32_t four = Q6_R_vextract_VR(flip, 0);
    for (int32_t i = 0; i < n; i++)
      ((int32_t *)to)[i] = ((const int32_t *)from)[(ptrdiff_t)i * stride] ^ four;
  }
}

static inline int32_t clamp(int32_t v, int32_t lo, int32_t hi)
{
  return v < lo ? lo : v > hi ? hi : v;
}

/* The first grid column or row whose pixel is at @at or beyond. */
static inline int32_t first_from(int32_t at, int32_t phase, int32_t pad, int32_t stride)
{
  const int32_t distance = at - phase + pad;
  return distance <= 0 ? 0 : (distance + stride - 1) / stride;
}

/* Rows go upwards, so each sets right what the one before wrote too much. */
void qfk_grid_pack_hvx(const QfkGridHvx *g, int32_t phase, const uint8_t *x, int32_t y0, int32_t n_rows,
                       uint8_t *to)
{
  const HVX_Vector fill = Q6_Vb_vsplat_R(g->fill), flip = Q6_Vb_vsplat_R(g->flip);
  const uint8_t *at = g->phase[phase];
  const int32_t left = clamp(first_from(0, at[1], g->pad[1], g->stride[1]), 0, g->gw);
  const int32_t end = clamp(first_from(g->w, at[1], g->pad[1], g->stride[1]), left, g->gw);
  const int32_t ix = left * g->stride[1] + at[1] - g->pad[1];
  for (int32_t r = 0; r < n_rows; r++, to += g->gw * 4) {
    const int32_t iy = (y0 + r) * g->stride[0] + at[0] - g->pad[0];
    if (iy < 0 || iy >= g->h) {
      fill_words(to, fill, g->gw);
      continue;
    }
    fill_words(to, fill, left);
    if (end > left)
      copy_words(to + left * 4, x + ((ptrdiff_t)iy * g->w + ix) * 4, flip, end - left, g->stride[1]);
    fill_words(to + end * 4, fill, g->gw - end);
  }
}
