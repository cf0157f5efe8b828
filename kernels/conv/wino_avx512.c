/* SPDX-License-Identifier: MIT */
/*
 * wino_avx512.c - the transforms of wino_vec.h: sixteen lanes.
 */
#include <immintrin.h>

#define LANES 16
#define SUFFIX avx512
#ifndef QFK_EMULATED
#define FMA(a, b, c) ((Vec)_mm512_fmadd_ps((__m512)SPLAT(a), (__m512)(b), (__m512)(c)))
#define CLAMP(x, lo, hi) ((Vec)_mm512_min_ps((__m512)(hi), _mm512_max_ps((__m512)(lo), (__m512)(x))))
#endif
#include "wino_vec.h"

TRANSFORMS(f32, 4, 4)
TRANSFORMS(f32e2, 2, 4)
