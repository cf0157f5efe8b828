/* SPDX-License-Identifier: MIT */
/*
 * quantize_vec.h - the conversions of quantize.h for one scale as loops the compiler vectorises; included once an instruction set with
 * QFK_ISA defined. The same bits as the reference.
 */
#include "quantize_fast.h"

#define CAT2(a, b) a##_##b
#define CAT(a, b) CAT2(a, b)
#define NAME(f) CAT(f, QFK_ISA)

static inline float clamp_f32(float f, float lo, float hi)
{
  f = f > lo ? f : lo; /* NaN becomes lo */
  return f > hi ? hi : f;
}

#define CONVERSIONS(T, t, min, max)                                                                          \
  void NAME(qfk_quantize_##t)(const QfkLinear *p, const void *from, void *to, size_t n)                      \
  {                                                                                                          \
    const float *restrict x = from;                                                                          \
    const float scale = p->scale, lo = (float)(min - p->zero), hi = (float)(max - p->zero);                  \
    T *restrict y = to;                                                                                      \
    const int32_t zero = p->zero;                                                                            \
    for (size_t i = 0; i < n; i++)                                                                           \
      y[i] = (T)((int32_t)rintf(clamp_f32(x[i] / scale, lo, hi)) + zero);                                    \
  }                                                                                                          \
  void NAME(qfk_dequantize_##t)(const QfkLinear *p, const void *from, void *to, size_t n)                    \
  {                                                                                                          \
    const T *restrict x = from;                                                                              \
    float *restrict y = to;                                                                                  \
    const float scale = p->scale;                                                                            \
    const int32_t zero = p->zero;                                                                            \
    for (size_t i = 0; i < n; i++)                                                                           \
      y[i] = (float)((int32_t)x[i] - zero) * scale;                                                          \
  }

CONVERSIONS(uint8_t, u8, 0, 255)
CONVERSIONS(int8_t, s8, -128, 127)
CONVERSIONS(uint16_t, u16, 0, 65535)
CONVERSIONS(int16_t, s16, -32768, 32767)
