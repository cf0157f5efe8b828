/* SPDX-License-Identifier: MIT */
/*
 * dwdot_avx512.c - 3x3 depthwise convolution of bytes with AVX-512 VNNI: 64 channels at a time, what is left 32.
 */
#include "dwtile.h"

#include <immintrin.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 4")
#define DOT(acc, x, w) _mm256_dpbusd_epi32(acc, x, w)
#include "dwdot_256.h"

#undef NAME
#undef V
#undef BYTES
#undef REG
#undef KEEP
#undef LOAD
#undef STORE
#undef LO8
#undef HI8
#undef LO16
#undef HI16
#undef DOT
#undef FLOAT
#undef INTEGER
#undef LOADF
#undef SETF
#undef MUL
#undef SMALLER
#undef SET16
#undef ADD16
#undef LARGER16
#undef PACK32
#undef PACK16S
#undef PACK16U

#define NAME(f) f##_512
#define V __m512i
#define BYTES 64
#define REG(v) "v"(v)
#define KEEP true
#define LOAD(p) _mm512_loadu_si512(p)
#define STORE(p, v) _mm512_storeu_si512(p, v)
#define LO8(a, b) _mm512_unpacklo_epi8(a, b)
#define HI8(a, b) _mm512_unpackhi_epi8(a, b)
#define LO16(a, b) _mm512_unpacklo_epi16(a, b)
#define HI16(a, b) _mm512_unpackhi_epi16(a, b)
#define DOT(acc, x, w) _mm512_dpbusd_epi32(acc, x, w)
#define FLOAT(v) _mm512_cvtepi32_ps(v)
#define INTEGER(v) _mm512_cvtps_epi32(v)
#define LOADF(p) _mm512_loadu_ps(p)
#define SETF(x) _mm512_set1_ps(x)
#define MUL(a, b) _mm512_mul_ps(a, b)
#define SMALLER(a, b) _mm512_min_ps(a, b)
#define SET16(x) _mm512_set1_epi16(x)
#define ADD16(a, b) _mm512_add_epi16(a, b)
#define LARGER16(a, b) _mm512_max_epi16(a, b)
#define PACK32(a, b) _mm512_packs_epi32(a, b)
#define PACK16S(a, b) _mm512_packs_epi16(a, b)
#define PACK16U(a, b) _mm512_packus_epi16(a, b)
#include "dwdot_vec.h"

INLINE void channels(const QfkDwTile *t, const unsigned stride)
{
  uint32_t c = 0;
  for (; c + 64 <= t->c; c += 64)
    row_512(t, stride, true, c);
  for (; c + 32 <= t->c; c += 32)
    row_256(t, stride, true, c);
  if (c < t->c)
    row_256(t, stride, false, c);
}

void qfk_dw_dot_3x3s1_avx512vnni(const QfkDwTile *t)
{
  channels(t, 1);
}

void qfk_dw_dot_3x3s2_avx512vnni(const QfkDwTile *t)
{
  channels(t, 2);
}
