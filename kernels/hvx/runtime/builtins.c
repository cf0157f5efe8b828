/* SPDX-License-Identifier: MIT */
/*
 * builtins.c - functions that the compiler calls for what Hexagon has no instruction for: division, and one form of memcpy.
 *
 * The names are the compiler's. Nothing is said about division by zero, which C leaves open.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct {
  uint64_t quotient, rest;
} Division;

/* One bit of the quotient at a time, from where the divisor's first bit meets the dividend's. */
static Division divide(uint64_t n, uint64_t d)
{
  Division r = {0, n};
  if (n < d || !d)
    return r;
  for (int shift = __builtin_clzll(d) - __builtin_clzll(n); shift >= 0; shift--) {
    r.quotient <<= 1;
    if (r.rest >= d << shift) {
      r.rest -= d << shift;
      r.quotient |= 1;
    }
  }
  return r;
}

static uint64_t magnitude(int64_t v)
{
  return v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
}

static int64_t with_sign(uint64_t v, int negative)
{
  return (int64_t)(negative ? 0 - v : v);
}

/* DIVISION(letter of the size, unsigned, signed) */
#define DIVISION(mode, u, s)                                                                                 \
  u __hexagon_udiv##mode##3(u n, u d);                                                                       \
  u __hexagon_umod##mode##3(u n, u d);                                                                       \
  s __hexagon_div##mode##3(s n, s d);                                                                        \
  s __hexagon_mod##mode##3(s n, s d);                                                                        \
  u __hexagon_udiv##mode##3(u n, u d)                                                                        \
  {                                                                                                          \
    return (u)divide(n, d).quotient;                                                                         \
  }                                                                                                          \
  u __hexagon_umod##mode##3(u n, u d)                                                                        \
  {                                                                                                          \
    return (u)divide(n, d).rest;                                                                             \
  }                                                                                                          \
  s __hexagon_div##mode##3(s n, s d)                                                                         \
  {                                                                                                          \
    return (s)with_sign(divide(magnitude(n), magnitude(d)).quotient, (n < 0) != (d < 0));                    \
  }                                                                                                          \
  s __hexagon_mod##mode##3(s n, s d)                                                                         \
  {                                                                                                          \
    return (s)with_sign(divide(magnitude(n), magnitude(d)).rest, n < 0);                                     \
  }
DIVISION(si, uint32_t, int32_t)
DIVISION(di, uint64_t, int64_t)

void __hexagon_memcpy_likely_aligned_min32bytes_mult8bytes(void *to, const void *from, size_t n);
void __hexagon_memcpy_likely_aligned_min32bytes_mult8bytes(void *to, const void *from, size_t n)
{
  memcpy(to, from, n);
}
