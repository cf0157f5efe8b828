/* SPDX-License-Identifier: MIT */
/*
 * dwdot_256.h - dwdot_vec.h for 32 channels; DOT, which has two encodings, is the including file's.
 */
#define NAME(f) f##_256
#define V __m256i
#define BYTES 32
#define REG(v) "x"(v)
#define KEEP false
#define LOAD(p) _mm256_loadu_si256((const __m256i *)(p))
#define STORE(p, v) _mm256_storeu_si256((__m256i *)(p), v)
#define LO8(a, b) _mm256_unpacklo_epi8(a, b)
#define HI8(a, b) _mm256_unpackhi_epi8(a, b)
#define LO16(a, b) _mm256_unpacklo_epi16(a, b)
#define HI16(a, b) _mm256_unpackhi_epi16(a, b)
#define FLOAT(v) _mm256_cvtepi32_ps(v)
#define INTEGER(v) _mm256_cvtps_epi32(v)
#define LOADF(p) _mm256_loadu_ps(p)
#define SETF(x) _mm256_set1_ps(x)
#define MUL(a, b) _mm256_mul_ps(a, b)
#define SMALLER(a, b) _mm256_min_ps(a, b)
#define SET16(x) _mm256_set1_epi16(x)
#define ADD16(a, b) _mm256_add_epi16(a, b)
#define LARGER16(a, b) _mm256_max_epi16(a, b)
#define PACK32(a, b) _mm256_packs_epi32(a, b)
#define PACK16S(a, b) _mm256_packs_epi16(a, b)
#define PACK16U(a, b) _mm256_packus_epi16(a, b)
#include "dwdot_vec.h"
