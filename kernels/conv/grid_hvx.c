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
  if (distance <= 0 || stride == 1) /* there is no instruction for division */
    return distance < 0 ? 0 : distance;
  return stride == 2 ? (distance + 1) >> 1 : (distance + stride - 1) / stride;
}

/* What is in the image: of each row the grid's columns [left, end), from @x. */
typedef struct {
  const uint8_t *x;
  uint8_t *to;
  ptrdiff_t x_row; /* bytes */
  int32_t rows, left, end, gw, stride;
  HVX_Vector fill, flip;
} Inside;

/* Rows of a vector or less, in a few packets each: the padding of both sides is a vector too, over what is not wanted. */
static void pack_narrow(const Inside *in)
{
  const HVX_Vector fill = in->fill, flip = in->flip;
  const uint8_t *x = in->x;
  uint8_t *to = in->to;
  const ptrdiff_t x_row = in->x_row, row = in->gw * 4, left = in->left * 4, end = in->end * 4;
  for (int32_t r = in->rows; r > 0; r--, x += x_row, to += row) {
    qfk_hvx_store(to, fill);
    qfk_hvx_store(to + left, Q6_V_vxor_VV(qfk_hvx_load(x), flip));
    qfk_hvx_store(to + end, fill);
  }
}

static void pack_wide(const Inside *in)
{
  const uint8_t *x = in->x;
  uint8_t *to = in->to;
  for (int32_t r = in->rows; r > 0; r--, x += in->x_row, to += in->gw * 4) {
    if (in->left)
      fill_words(to, in->fill, in->left);
    copy_words(to + in->left * 4, x, in->flip, in->end - in->left, in->stride);
    if (in->end < in->gw)
      fill_words(to + in->end * 4, in->fill, in->gw - in->end);
  }
}

/* Rows go upwards, so each sets right what the one before wrote too much. */
void qfk_grid_pack_hvx(const QfkGridHvx *g, int32_t phase, const uint8_t *x, int32_t y0, int32_t n_rows,
                       uint8_t *to)
{
  const uint8_t *at = g->phase[phase];
  const int32_t first = clamp(first_from(0, at[0], g->pad[0], g->stride[0]) - y0, 0, n_rows);
  const int32_t last = clamp(first_from(g->h, at[0], g->pad[0], g->stride[0]) - y0, first, n_rows);
  const int32_t left = clamp(first_from(0, at[1], g->pad[1], g->stride[1]), 0, g->gw);
  const int32_t end = clamp(first_from(g->w, at[1], g->pad[1], g->stride[1]), left, g->gw);
  const int32_t iy = (y0 + first) * g->stride[0] + at[0] - g->pad[0];
  const int32_t ix = left * g->stride[1] + at[1] - g->pad[1];
  const Inside in = {.x = x + ((ptrdiff_t)iy * g->w + ix) * 4,
                     .to = to + (ptrdiff_t)first * g->gw * 4,
                     .x_row = (ptrdiff_t)g->stride[0] * g->w * 4,
                     .rows = last - first,
                     .left = left,
                     .end = end,
                     .gw = g->gw,
                     .stride = g->stride[1],
                     .fill = Q6_Vb_vsplat_R(g->fill),
                     .flip = Q6_Vb_vsplat_R(g->flip)};
  fill_words(to, in.fill, first * g->gw);
  if (end == left)
    fill_words(in.to, in.fill, in.rows * g->gw);
  else if (g->stride[1] == 1 && g->gw <= 32)
    pack_narrow(&in);
  else
    pack_wide(&in);
  fill_words(to + (ptrdiff_t)last * g->gw * 4, in.fill, (n_rows - last) * g->gw);
}
