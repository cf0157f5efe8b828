/* SPDX-License-Identifier: MIT */
/* binary_avx2.c - the loops of binary_vec.h, compiled for AVX2. */
#define QFK_ISA avx2
#include "binary_vec.h"
