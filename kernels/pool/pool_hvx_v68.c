/* SPDX-License-Identifier: MIT */
/*
 * pool_hvx_v68.c - pooling of half floats for HVX v68; see pool_hvx_v68.h. Plane by plane, 64 output pixels at a time.
 */
#include "pool_hvx_v68.h"
#include "../hvx/hvx_v68.h"
#include "../hvx/memory.h"

#define LEAST 0xfc00 /* minus infinity */
#define ONE 0x3c00

static HVX_Vector take_max(const QfkPlaneV68 *p, const uint16_t *in, int32_t oy, int32_t ox)
{
  HVX_Vector v = qfk_hvx_half_splat(LEAST);
  for (int32_t k = 0; k < p->kh * p->kw; k++)
    v = Q6_Vhf_vmax_VhfVhf(v, qfk_hvx_load(qfk_plane_v68_tap(p, in, oy, k / p->kw, k % p->kw) + ox));
  return v;
}

static HVX_Vector take_average(const QfkPlaneV68 *p, const uint16_t *in, int32_t oy, int32_t ox,
                               const float *inverse)
{
  const HVX_Vector zero = Q6_V_vzero(), none = Q6_Vqf32_vadd_VsfVsf(zero, zero);
  HVX_VectorPair sums = Q6_W_vcombine_VV(none, none);
  for (int32_t k = 0; k < p->kh * p->kw; k++)
    sums = qfk_hvx_add_products(sums, qfk_hvx_load(qfk_plane_v68_tap(p, in, oy, k / p->kw, k % p->kw) + ox),
                                qfk_hvx_half_splat(ONE));
  const HVX_Vector even = Q6_Vqf32_vadd_VsfVsf(qfk_hvx_load(inverse), zero);
  const HVX_Vector odd = Q6_Vqf32_vadd_VsfVsf(qfk_hvx_load(inverse + 32), zero);
  return Q6_Vhf_equals_Wqf32(Q6_W_vcombine_VV(Q6_Vqf32_vmpy_Vqf32Vqf32(Q6_V_hi_W(sums), odd),
                                              Q6_Vqf32_vmpy_Vqf32Vqf32(Q6_V_lo_W(sums), even)));
}

void qfk_pool_f16_hvx_v68(const QfkPoolHvxV68 *p, const uint16_t *x, uint16_t *y, void *scratch)
{
  const QfkPoolShape *s = &p->s;
  const QfkPlaneV68 plane = qfk_pool_hvx_v68_plane(s);
  for (int32_t c = 0; c < s->c; c++, x += (ptrdiff_t)s->h * s->w) {
    const float *inverse = p->inverse;
    qfk_plane_v68_pack(&plane, x, p->max ? LEAST : 0, scratch);
    for (int32_t oy = 0; oy < s->oh; oy++, y += s->ow)
      for (int32_t ox = 0; ox < s->ow; ox += 64) {
        const int32_t left = 2 * (s->ow - ox);
        HVX_Vector v;
        if (p->max)
          v = take_max(&plane, scratch, oy, ox);
        else {
          v = take_average(&plane, scratch, oy, ox, inverse);
          inverse += 64;
        }
        qfk_hvx_store_n((uint8_t *)(y + ox), v, left < 128 ? left : 128);
      }
  }
}
