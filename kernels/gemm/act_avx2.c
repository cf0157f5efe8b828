/* SPDX-License-Identifier: MIT */
/*
 * act_avx2.c - the activations of act_vec.h: eight lanes.
 */
#include <immintrin.h>

typedef __m256 V;
#define LANES 8
#define SUFFIX avx2
#define SET(x) _mm256_set1_ps(x)
#define LOAD(p) _mm256_loadu_ps(p)
#define STORE(p, v) _mm256_storeu_ps(p, v)
#define FMA(a, b, c) _mm256_fmadd_ps(a, b, c)
#define LARGER(a, b) _mm256_max_ps(a, b)
#define SMALLER(a, b) _mm256_min_ps(a, b)
#define ROUND(x) _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)
#define SCALE(p, n)                                                                                          \
  _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(p), _mm256_slli_epi32(_mm256_cvtps_epi32(n), 23)))
#define IF_NEGATIVE(x, a, b) _mm256_blendv_ps(b, a, x)
#define IF_LESS(x, y, a, b) _mm256_blendv_ps(b, a, _mm256_cmp_ps(x, y, _CMP_LT_OQ))
#define NEGATE(x) _mm256_xor_ps(x, SET(-0.0f))

#include "act_vec.h"
