/* SPDX-License-Identifier: MIT */
/*
 * act_avx512.c - the activations of act_vec.h: sixteen lanes.
 */
#include <immintrin.h>

typedef __m512 V;
#define LANES 16
#define SUFFIX avx512
#define SET(x) _mm512_set1_ps(x)
#define LOAD(p) _mm512_loadu_ps(p)
#define STORE(p, v) _mm512_storeu_ps(p, v)
#define FMA(a, b, c) _mm512_fmadd_ps(a, b, c)
#define LARGER(a, b) _mm512_max_ps(a, b)
#define SMALLER(a, b) _mm512_min_ps(a, b)
#define ROUND(x) _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)
#define SCALE(p, n) _mm512_scalef_ps(p, n)
#define IF_NEGATIVE(x, a, b) _mm512_mask_blend_ps(_mm512_movepi32_mask(_mm512_castps_si512(x)), b, a)
#define IF_LESS(x, y, a, b) _mm512_mask_blend_ps(_mm512_cmp_ps_mask(x, y, _CMP_LT_OQ), b, a)
#define NEGATE(x) _mm512_xor_ps(x, SET(-0.0f))

#include "act_vec.h"
