/* SPDX-License-Identifier: MIT */
/* pool_avx2.c - the loops of pool_vec.h, compiled for AVX2. */
#define QFK_ISA avx2
#include "pool_vec.h"
