/* SPDX-License-Identifier: MIT */
/*
 * hvx_v68.h - the float intrinsics of HVX v68 that *_hvx_v68.c files use, on Hexagon and on any host.
 *
 * Hexagon computes in qf32 and qf16, which are not IEEE 754: results differ in the last bits. A host computes in float and rounds to
 * half where the name says so; hence a tolerance, and no claim of equal bits. qemu-hexagon 7.2 cannot run them.
 */
#ifndef QFK_HVX_V68_H
#define QFK_HVX_V68_H

#include "hvx.h"

#if !defined(__hexagon__)

#include "../image/half.h"

typedef union {
  HVX_Vector v;
  float f[32];
  uint16_t h[64];
} QfkHvxFloats;

static inline float qfk_hvx_half(uint16_t h)
{
  const uint32_t sign = (uint32_t)(h & 0x8000) << 16, magnitude = h & 0x7fff;
  uint32_t u = magnitude << 13;
  float f;
  u += magnitude >= 0x7c00 ? 0x70000000 : 0x38000000;
  if (magnitude < 0x400) { /* subnormal */
    f = (float)magnitude * 0x1p-24f;
    memcpy(&u, &f, 4);
  }
  u |= sign;
  memcpy(&f, &u, 4);
  return f;
}

#define QFK_HVX_V68(signature, name, ...) QFK_HVX_V68_##signature(name, __VA_ARGS__)
#define QFK_HVX_V68_BODY(lanes, ...)                                                                         \
  for (int i = 0; i < lanes; i++) {                                                                          \
    __VA_ARGS__;                                                                                             \
  }
#define QFK_HVX_V68_V_VV(name, lanes, ...)                                                                   \
  QFK_HVX_FN HVX_Vector name(HVX_Vector va, HVX_Vector vb)                                                   \
  {                                                                                                          \
    QfkHvxFloats r, a = {va}, b = {vb};                                                                      \
    QFK_HVX_V68_BODY(lanes, __VA_ARGS__)                                                                     \
    return r.v;                                                                                              \
  }
#define QFK_HVX_V68_V_V(name, lanes, ...)                                                                    \
  QFK_HVX_FN HVX_Vector name(HVX_Vector va)                                                                  \
  {                                                                                                          \
    QfkHvxFloats r, a = {va};                                                                                \
    QFK_HVX_V68_BODY(lanes, __VA_ARGS__)                                                                     \
    return r.v;                                                                                              \
  }
#define QFK_HVX_V68_V_W(name, lanes, ...)                                                                    \
  QFK_HVX_FN HVX_Vector name(HVX_VectorPair w)                                                               \
  {                                                                                                          \
    QfkHvxFloats r, l = {w.v[0]}, h = {w.v[1]};                                                              \
    QFK_HVX_V68_BODY(lanes, __VA_ARGS__)                                                                     \
    return r.v;                                                                                              \
  }
#define QFK_HVX_V68_W_VV(name, lanes, ...)                                                                   \
  QFK_HVX_FN HVX_VectorPair name(HVX_Vector va, HVX_Vector vb)                                               \
  {                                                                                                          \
    QfkHvxFloats l, h, a = {va}, b = {vb};                                                                   \
    QFK_HVX_V68_BODY(lanes, __VA_ARGS__)                                                                     \
    return (HVX_VectorPair){{l.v, h.v}};                                                                     \
  }
#include "intrinsics_v68.inc"
#undef QFK_HVX_V68

#endif

/* Half and float numbers in all lanes. */
static inline HVX_Vector qfk_hvx_half_splat(uint16_t half)
{
  return Q6_Vh_vsplat_R(half);
}

static inline HVX_Vector qfk_hvx_float_splat(float value)
{
  int32_t bits;
  memcpy(&bits, &value, 4);
  return Q6_V_vsplat_R(bits);
}

/* qf32 sums of 64 lanes: even ones low, odd ones high. */
static inline __attribute__((always_inline)) HVX_VectorPair qfk_hvx_add_products(HVX_VectorPair sums,
                                                                                 HVX_Vector x, HVX_Vector w)
{
  const HVX_VectorPair p = Q6_Wqf32_vmpy_VhfVhf(x, w);
  return Q6_W_vcombine_VV(Q6_Vqf32_vadd_Vqf32Vqf32(Q6_V_hi_W(sums), Q6_V_hi_W(p)),
                          Q6_Vqf32_vadd_Vqf32Vqf32(Q6_V_lo_W(sums), Q6_V_lo_W(p)));
}

#endif
