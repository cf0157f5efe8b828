/* SPDX-License-Identifier: MIT */
/* norm_avx2.c - the loops of norm_vec.h, compiled for AVX2. */
#define QFK_ISA avx2
#include "norm_vec.h"
