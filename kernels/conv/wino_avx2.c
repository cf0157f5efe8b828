/* SPDX-License-Identifier: MIT */
/*
 * wino_avx2.c - the transforms of wino_vec.h: eight lanes.
 */
#include <immintrin.h>

#define LANES 8
#define SUFFIX avx2
#define FMA(a, b, c) ((Vec)_mm256_fmadd_ps((__m256)SPLAT(a), (__m256)(b), (__m256)(c)))
#define CLAMP(x, lo, hi) ((Vec)_mm256_min_ps((__m256)(hi), _mm256_max_ps((__m256)(lo), (__m256)(x))))
#include "wino_vec.h"

TRANSFORMS(f32, 4, 4)
TRANSFORMS(f32e2, 2, 4)
