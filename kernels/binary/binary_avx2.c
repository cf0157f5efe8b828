/* SPDX-License-Identifier: MIT */
/* binary_avx2.c - the loops of binary_vec.h, compiled for AVX2; those of bytes are in binary_int_avx2.h. */
#define QFK_ISA avx2
#define QFK_INT_ROWS "binary_int_avx2.h"
#include "binary_vec.h"
