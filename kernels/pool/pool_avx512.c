/* SPDX-License-Identifier: MIT */
/* pool_avx512.c - the loops of pool_vec.h, compiled for AVX512. */
#define QFK_ISA avx512
#include "pool_vec.h"
