/* SPDX-License-Identifier: MIT */
/* reduce_avx2.c - the loops of reduce_vec.h, compiled for AVX2. */
#define QFK_ISA avx2
#include "reduce_vec.h"
