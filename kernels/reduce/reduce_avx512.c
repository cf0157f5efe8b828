/* SPDX-License-Identifier: MIT */
/* reduce_avx512.c - the loops of reduce_vec.h, compiled for AVX512. */
#define QFK_ISA avx512
#include "reduce_vec.h"
