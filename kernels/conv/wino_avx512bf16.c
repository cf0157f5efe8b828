/* SPDX-License-Identifier: MIT */
/*
 * wino_avx512bf16.c - the transforms of wino_vec.h to bfloat16: sixteen lanes.
 */
#include <immintrin.h>

#define LANES 16
#define SUFFIX avx512bf16
#ifndef QFK_EMULATED
#define FMA(a, b, c) ((Vec)_mm512_fmadd_ps((__m512)SPLAT(a), (__m512)(b), (__m512)(c)))
#define CLAMP(x, lo, hi) ((Vec)_mm512_min_ps((__m512)(hi), _mm512_max_ps((__m512)(lo), (__m512)(x))))
#define NARROW(to, v) _mm256_storeu_si256((__m256i *)(void *)(to), (__m256i)_mm512_cvtneps_pbh((__m512)(v)))
#endif
#include "wino_vec.h"

TRANSFORMS(bf16, 4, 2)
TRANSFORMS(bf16e2, 2, 2)
