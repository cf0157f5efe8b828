/* SPDX-License-Identifier: MIT */
/*
 * blockmm_avx512.c - products with weights in blocks: 32 codes are one vector of int16, multiplied and summed by vpdpwssd (VNNI).
 */
#define QFK_ISA avx512
#include <immintrin.h>
#include <stdint.h>

#define HALF(p) half(p)
#define LOAD128(p) _mm_loadu_si128((const __m128i *)(p))
#define LOAD256(p) _mm256_loadu_si256((const __m256i *)(p))

typedef __m512i W;
typedef __m512 F;

static inline float half(const uint8_t *p)
{
  return _mm_cvtss_f32(_mm_cvtph_ps(_mm_cvtsi32_si128(p[0] | p[1] << 8)));
}

static inline W unpack_q4_0(const uint8_t *b)
{
  const __m128i q = LOAD128(b + 2);
  const __m256i both = _mm256_inserti128_si256(_mm256_castsi128_si256(q), _mm_srli_epi16(q, 4), 1);
  return _mm512_cvtepi8_epi16(
      _mm256_sub_epi8(_mm256_and_si256(both, _mm256_set1_epi8(15)), _mm256_set1_epi8(8)));
}

static inline W unpack_q8_0(const uint8_t *b)
{
  return _mm512_cvtepi8_epi16(LOAD256(b + 2));
}

static inline W unpack_q4_k(const uint8_t *b, int g)
{
  const __m256i q = LOAD256(b + 16 + g / 2 * 32);
  return _mm512_cvtepi8_epi16(_mm256_and_si256(g & 1 ? _mm256_srli_epi16(q, 4) : q, _mm256_set1_epi8(15)));
}

static inline W unpack_q6_k(const uint8_t *b, int g)
{
  const int part = g & 3;
  __m256i low = LOAD256(b + g / 4 * 64 + (part & 1) * 32), high = LOAD256(b + 128 + g / 4 * 32);
  low = _mm256_and_si256(part & 2 ? _mm256_srli_epi16(low, 4) : low, _mm256_set1_epi8(15));
  high = _mm256_and_si256(_mm256_srli_epi16(high, 2 * part), _mm256_set1_epi8(3));
  const __m256i q = _mm256_sub_epi8(_mm256_or_si256(low, _mm256_slli_epi16(high, 4)), _mm256_set1_epi8(32));
  const int8_t *scale = (const int8_t *)b + 192 + 2 * g;
  const __m512i scales = _mm512_inserti64x4(_mm512_set1_epi16(scale[0]), _mm256_set1_epi16(scale[1]), 1);
  return _mm512_mullo_epi16(_mm512_cvtepi8_epi16(q), scales);
}

/* Bits of values next to each other share a byte. */
static inline W unpack_nb4(const uint8_t *codes)
{
  const __m128i q = LOAD128(codes), mask = _mm_set1_epi8(15);
  const __m128i low = _mm_and_si128(q, mask), high = _mm_and_si128(_mm_srli_epi16(q, 4), mask);
  return _mm512_cvtepi8_epi16(_mm256_inserti128_si256(_mm256_castsi128_si256(_mm_unpacklo_epi8(low, high)),
                                                      _mm_unpackhi_epi8(low, high), 1));
}

static inline W unpack_nb8(const uint8_t *codes)
{
  return _mm512_cvtepi8_epi16(_mm256_xor_si256(LOAD256(codes), _mm256_set1_epi8(-128)));
}

static inline F zero(void)
{
  return _mm512_setzero_ps();
}

static inline F dot(F f, W w, const int16_t *x, const float *s)
{
  const __m512i sum = _mm512_dpwssd_epi32(_mm512_setzero_si512(), w, _mm512_loadu_si512(x));
  return _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum), _mm512_set1_ps(*s), f);
}

static inline float total(F f)
{
  float lane[16], sum = 0;
  _mm512_storeu_ps(lane, f);
  for (int i = 0; i < 16; i++)
    sum += lane[i];
  return sum;
}

#include "blockmm_eight_x86.h"
#include "blockmm_vec.h"
