/* SPDX-License-Identifier: MIT */
/*
 * conv_hvx_v68.c - convolution of half floats for HVX v68; see conv_hvx_v68.h. Four output channels at a time share what is loaded.
 */
#include "conv_hvx_v68.h"
#include "../hvx/hvx_v68.h"
#include "../hvx/memory.h"

#define CHANNELS 4

/* 64 pixels from column @ox of row @oy, output channels @oc to @oc + n. */
static void run_pixels(const QfkConvHvxV68 *p, const QfkPlaneV68 *plane, const uint16_t *in, int32_t oc,
                       int n, int32_t oy, int32_t ox, uint16_t *y)
{
  const QfkConvShape *s = &p->s;
  const int32_t cg = s->c / s->group, taps = s->kh * s->kw, left = 2 * (s->ow - ox);
  const HVX_Vector zero = Q6_V_vzero();
  HVX_VectorPair sums[CHANNELS];
  for (int i = 0; i < CHANNELS; i++) {
    const HVX_Vector first = Q6_Vqf32_vadd_VsfVsf(qfk_hvx_float_splat(p->bias[oc + (i < n ? i : 0)]), zero);
    sums[i] = Q6_W_vcombine_VV(first, first);
  }
  const uint16_t *w = p->weights + (ptrdiff_t)oc * cg * taps;
  for (int32_t ic = 0; ic < cg; ic++, in += qfk_plane_v68_size(plane))
    for (int32_t tap = 0; tap < taps; tap++, w++) {
      const HVX_Vector x = qfk_hvx_load(qfk_plane_v68_tap(plane, in, oy, tap / s->kw, tap % s->kw) + ox);
      for (int i = 0; i < CHANNELS; i++)
        sums[i] = qfk_hvx_add_products(sums[i], x, qfk_hvx_half_splat(w[(i < n ? i : 0) * cg * taps]));
    }
  for (int i = 0; i < n; i++) {
    const HVX_Vector v =
        Q6_Vhf_vmin_VhfVhf(Q6_Vhf_vmax_VhfVhf(Q6_Vhf_equals_Wqf32(sums[i]), qfk_hvx_half_splat(p->lo)),
                           qfk_hvx_half_splat(p->hi));
    uint16_t *to = y + ((ptrdiff_t)(oc + i) * s->oh + oy) * s->ow + ox;
    qfk_hvx_store_n((uint8_t *)to, v, left < 128 ? left : 128);
  }
}

void qfk_conv_f16_hvx_v68(const QfkConvHvxV68 *p, const uint16_t *x, uint16_t *y, void *scratch)
{
  const QfkConvShape *s = &p->s;
  const QfkPlaneV68 plane = qfk_conv_hvx_v68_plane(s);
  const int32_t cg = s->c / s->group, og = s->oc / s->group;
  for (int32_t g = 0; g < s->group; g++) {
    for (int32_t i = 0; i < cg; i++, x += (ptrdiff_t)s->h * s->w)
      qfk_plane_v68_pack(&plane, x, 0, (uint16_t *)scratch + i * qfk_plane_v68_size(&plane));
    for (int32_t oc = 0; oc < og; oc += CHANNELS)
      for (int32_t oy = 0; oy < s->oh; oy++)
        for (int32_t ox = 0; ox < s->ow; ox += 64)
          run_pixels(p, &plane, scratch, g * og + oc, og - oc < CHANNELS ? og - oc : CHANNELS, oy, ox, y);
  }
}
