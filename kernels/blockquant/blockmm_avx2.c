/* SPDX-License-Identifier: MIT */
/*
 * blockmm_avx2.c - products with weights in blocks: codes widened to int16, multiplied in pairs (vpmaddwd). Q6_K's scales of
 * 16 values are multiplied into the codes, which stay within 32 * 128.
 */
#define QFK_ISA avx2
#include <immintrin.h>
#include <stdint.h>

#define HALF(p) half(p)
#define LOAD128(p) _mm_loadu_si128((const __m128i *)(p))
#define LOAD256(p) _mm256_loadu_si256((const __m256i *)(p))

typedef struct {
  __m256i a, b;
} W;
typedef __m256 F;

static inline float half(const uint8_t *p)
{
  return _cvtsh_ss((unsigned short)(p[0] | p[1] << 8));
}

static inline W widen(__m128i a, __m128i b)
{
  return (W){_mm256_cvtepi8_epi16(a), _mm256_cvtepi8_epi16(b)};
}

/* Bytes as 16-bit words: their lower halves. */
static inline __m256i low_half(const uint8_t *p)
{
  return _mm256_and_si256(_mm256_cvtepu8_epi16(LOAD128(p)), _mm256_set1_epi16(15));
}

static inline __m256i high_half(const uint8_t *p)
{
  return _mm256_srli_epi16(_mm256_cvtepu8_epi16(LOAD128(p)), 4);
}

static inline W unpack_q4_0(const uint8_t *b)
{
  const __m256i eight = _mm256_set1_epi16(8);
  return (W){_mm256_sub_epi16(low_half(b + 2), eight), _mm256_sub_epi16(high_half(b + 2), eight)};
}

static inline W unpack_q8_0(const uint8_t *b)
{
  return widen(LOAD128(b + 2), LOAD128(b + 18));
}

static inline W unpack_q4_k(const uint8_t *b, int g)
{
  const uint8_t *q = b + 16 + g / 2 * 32;
  return g & 1 ? (W){high_half(q), high_half(q + 16)} : (W){low_half(q), low_half(q + 16)};
}

/* Word @i of each half, everywhere. */
static inline __m256i spread_word(__m256i words, int i)
{
  return _mm256_shuffle_epi8(words, _mm256_set1_epi16((short)((2 * i + 1) << 8 | 2 * i)));
}

static inline W unpack_q6_k(const uint8_t *b, int g)
{
  const int part = g & 3;
  const __m256i two = _mm256_set1_epi8(3);
  __m256i low = LOAD256(b + g / 4 * 64 + (part & 1) * 32), high = LOAD256(b + 128 + g / 4 * 32);
  low = _mm256_and_si256(part & 2 ? _mm256_srli_epi16(low, 4) : low, _mm256_set1_epi8(15));
  high = _mm256_and_si256(_mm256_srli_epi16(high, 2 * part), two);
  const __m256i q = _mm256_sub_epi8(_mm256_or_si256(low, _mm256_slli_epi16(high, 4)), _mm256_set1_epi8(32));
  const W w = widen(_mm256_castsi256_si128(q), _mm256_extracti128_si256(q, 1));
  const __m256i all = _mm256_cvtepi8_epi16(LOAD128(b + 192)); /* scales: eight in each half */
  const __m256i eight =
      g < 4 ? _mm256_permute2x128_si256(all, all, 0) : _mm256_permute2x128_si256(all, all, 0x11);
  return (W){_mm256_mullo_epi16(w.a, spread_word(eight, 2 * part)),
             _mm256_mullo_epi16(w.b, spread_word(eight, 2 * part + 1))};
}

/* Bits of values next to each other share a byte. */
static inline W unpack_nb4(const uint8_t *codes)
{
  const __m128i q = LOAD128(codes), mask = _mm_set1_epi8(15);
  const __m128i low = _mm_and_si128(q, mask), high = _mm_and_si128(_mm_srli_epi16(q, 4), mask);
  return widen(_mm_unpacklo_epi8(low, high), _mm_unpackhi_epi8(low, high));
}

static inline W unpack_nb8(const uint8_t *codes)
{
  const __m128i flip = _mm_set1_epi8(-128);
  return widen(_mm_xor_si128(LOAD128(codes), flip), _mm_xor_si128(LOAD128(codes + 16), flip));
}

static inline F zero(void)
{
  return _mm256_setzero_ps();
}

static inline F dot(F f, W w, const int16_t *x, const float *s)
{
  const __m256i sum =
      _mm256_add_epi32(_mm256_madd_epi16(w.a, LOAD256(x)), _mm256_madd_epi16(w.b, LOAD256(x + 16)));
  return _mm256_fmadd_ps(_mm256_cvtepi32_ps(sum), _mm256_broadcast_ss(s), f);
}

#define total total8

#include "blockmm_eight_x86.h"
#include "blockmm_vec.h"
