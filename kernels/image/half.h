/* SPDX-License-Identifier: MIT */
/*
 * half.h - float to IEEE 754 binary16, round half to even, where the compiler has no such type.
 */
#ifndef QFK_IMAGE_HALF_H
#define QFK_IMAGE_HALF_H

#include <stdint.h>
#include <string.h>

static inline uint16_t qfk_half_from_float(float value)
{
  uint32_t u;
  memcpy(&u, &value, 4);
  uint32_t sign = (u >> 16) & 0x8000, magnitude = u & 0x7fffffff;
  if (magnitude >= 0x7f800000) /* infinity, NaN */
    return (uint16_t)(sign | 0x7c00 | (magnitude > 0x7f800000 ? 0x200 : 0));
  if (magnitude >= 0x477ff000) /* 65520 and above round to infinity */
    return (uint16_t)(sign | 0x7c00);
  if (magnitude < 0x38800000) { /* subnormal: a multiple of 2^-24, which adding 0.5 rounds to */
    float f;
    memcpy(&f, &magnitude, 4);
    f += 0.5f;
    memcpy(&u, &f, 4);
    return (uint16_t)(sign | (u - 0x3f000000));
  }
  uint32_t odd = (magnitude >> 13) & 1;
  return (uint16_t)(sign | ((magnitude + 0xfff + odd - 0x38000000) >> 13));
}

#endif
