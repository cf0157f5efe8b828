/* SPDX-License-Identifier: MIT */
/*
 * immintrin.h - stands in front of the compiler's own when AVX-512 kernels are built for machines without it: SIMDe gives the
 * intrinsics their meaning on AVX2, and this file those that SIMDe 0.7.4 lacks.
 */
#ifndef QFK_EMULATED_IMMINTRIN_H
#define QFK_EMULATED_IMMINTRIN_H

#include_next <immintrin.h>
#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx512.h>

#include <stdint.h>
#include <string.h>

#undef __m512
#undef __m512i
#define __m512 simde__m512
#define __m512i simde__m512i
#undef __mmask16
#undef __mmask64
#define __mmask16 uint16_t
#define __mmask64 uint64_t

static inline __m512 emu_cvtepi32_ps(__m512i a)
{
  int32_t x[16];
  float y[16];
  memcpy(x, &a, sizeof(x));
  for (int i = 0; i < 16; i++)
    y[i] = (float)x[i];
  __m512 r;
  memcpy(&r, y, sizeof(y));
  return r;
}

static inline __m512i emu_cvtps_epi32(__m512 a)
{
  float x[16];
  int32_t y[16];
  memcpy(x, &a, sizeof(x));
  for (int i = 0; i < 16; i++)
    y[i] = _mm_cvtss_si32(_mm_set_ss(x[i]));
  __m512i r;
  memcpy(&r, y, sizeof(y));
  return r;
}

static inline __m512 emu_maskz_loadu_ps(uint16_t mask, const void *p)
{
  float y[16] = {0};
  for (int i = 0; i < 16; i++)
    if (mask >> i & 1)
      memcpy(&y[i], (const float *)p + i, sizeof(float));
  __m512 r;
  memcpy(&r, y, sizeof(y));
  return r;
}

static inline void emu_mask_storeu_ps(void *p, uint16_t mask, __m512 a)
{
  float x[16];
  memcpy(x, &a, sizeof(x));
  for (int i = 0; i < 16; i++)
    if (mask >> i & 1)
      memcpy((float *)p + i, &x[i], sizeof(float));
}

static inline void emu_mask_storeu_epi8(void *p, uint64_t mask, __m512i a)
{
  uint8_t x[64];
  memcpy(x, &a, sizeof(x));
  for (int i = 0; i < 64; i++)
    if (mask >> i & 1)
      ((uint8_t *)p)[i] = x[i];
}

/* Sums of @count products of X and W each. */
#define EMU_DOT(name, V, lanes, X, W, count)                                                                 \
  static inline V name(V sum, V a, V b)                                                                      \
  {                                                                                                          \
    int32_t s[lanes];                                                                                        \
    X x[lanes * count];                                                                                      \
    W w[lanes * count];                                                                                      \
    memcpy(s, &sum, sizeof(s));                                                                              \
    memcpy(x, &a, sizeof(x));                                                                                \
    memcpy(w, &b, sizeof(w));                                                                                \
    for (int i = 0; i < lanes * count; i++)                                                                  \
      s[i / count] = (int32_t)((uint32_t)s[i / count] + (uint32_t)(x[i] * w[i]));                            \
    memcpy(&sum, s, sizeof(s));                                                                              \
    return sum;                                                                                              \
  }
EMU_DOT(emu_dpwssd, __m512i, 16, int16_t, int16_t, 2)
EMU_DOT(emu_dpwssd_256, __m256i, 8, int16_t, int16_t, 2)
EMU_DOT(emu_dpbusd_256, __m256i, 8, uint8_t, int8_t, 4)

/* As the manual says it: of a pair the second product first, each sum rounded, denormal numbers count as 0. */
static inline __m512 emu_dpbf16_ps(__m512 sum, __m512i a, __m512i b)
{
  float s[16];
  uint16_t x[32], y[32];
  const unsigned mode = _mm_getcsr();
  memcpy(s, &sum, sizeof(s));
  memcpy(x, &a, sizeof(x));
  memcpy(y, &b, sizeof(y));
  _mm_setcsr(mode | 0x8040);
  for (int i = 0; i < 32; i++) {
    const int j = i ^ 1;
    const uint32_t p = (uint32_t)x[j] << 16, q = (uint32_t)y[j] << 16;
    float u, v;
    memcpy(&u, &p, sizeof(u));
    memcpy(&v, &q, sizeof(v));
    __asm__ volatile("mulss %1, %0" : "+x"(u) : "x"(v));
    __asm__ volatile("addss %1, %0" : "+x"(s[j / 2]) : "x"(u));
  }
  _mm_setcsr(mode);
  memcpy(&sum, s, sizeof(s));
  return sum;
}

static inline __m256i emu_cvtneps_pbh(__m512 a)
{
  uint32_t x[16];
  uint16_t y[16];
  memcpy(x, &a, sizeof(x));
  for (int i = 0; i < 16; i++) {
    const uint32_t high = x[i] >> 16, exponent = high & 0x7f80, rest = x[i] & 0xffff;
    if (!exponent)
      y[i] = high & 0x8000;
    else if (exponent == 0x7f80 && (x[i] & 0x7fffff))
      y[i] = high | 0x40;
    else
      y[i] = (uint16_t)(high + (rest > 0x8000 || (rest == 0x8000 && (high & 1))));
  }
  __m256i r;
  memcpy(&r, y, sizeof(y));
  return r;
}

#undef __m512bh
#undef __m256bh
#define __m512bh __m512i
#define __m256bh __m256i
#undef _mm512_dpwssd_epi32
#undef _mm512_dpbf16_ps
#undef _mm512_cvtneps_pbh
#undef _mm256_dpwssd_avx_epi32
#undef _mm256_dpbusd_avx_epi32
#define _mm512_dpwssd_epi32 emu_dpwssd
#define _mm512_dpbf16_ps emu_dpbf16_ps
#define _mm512_cvtneps_pbh emu_cvtneps_pbh
#define _mm256_dpwssd_avx_epi32 emu_dpwssd_256
#define _mm256_dpbusd_avx_epi32 emu_dpbusd_256
#undef _mm256_dpbusd_epi32
#define _mm256_dpbusd_epi32 emu_dpbusd_256

#undef _mm512_madd_epi16 /* SIMDe's name for it means the masked form */
#define _mm512_madd_epi16 simde_mm512_madd_epi16
#undef _mm512_cvtepi32_ps
#undef _mm512_cvtps_epi32
#undef _mm512_maskz_loadu_ps
#undef _mm512_mask_storeu_ps
#undef _mm512_mask_storeu_epi8
#define _mm512_cvtepi32_ps emu_cvtepi32_ps
#define _mm512_cvtps_epi32 emu_cvtps_epi32
#define _mm512_maskz_loadu_ps emu_maskz_loadu_ps
#define _mm512_mask_storeu_ps emu_mask_storeu_ps
#define _mm512_mask_storeu_epi8 emu_mask_storeu_epi8

#endif
