/* SPDX-License-Identifier: MIT */
/*
 * nearest.h - reals to 64-bit integers for every real: beyond the range the nearest end, not a number the lower one. A plain conversion
 * of those is undefined. For the references of kernels on plain integers.
 */
#ifndef QFK_NEAREST_H
#define QFK_NEAREST_H

#include <stdint.h>

static inline int64_t qfk_nearest_i64(double v)
{
  return v >= 0x1p63 ? INT64_MAX : v >= -0x1p63 ? (int64_t)v : INT64_MIN;
}

static inline uint64_t qfk_nearest_u64(double v)
{
  return v >= 0x1p64 ? UINT64_MAX : v > 0 ? (uint64_t)v : 0;
}

#endif
