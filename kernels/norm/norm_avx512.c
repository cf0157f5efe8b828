/* SPDX-License-Identifier: MIT */
/* norm_avx512.c - the loops of norm_vec.h, compiled for AVX512. */
#define QFK_ISA avx512
#include "norm_vec.h"
