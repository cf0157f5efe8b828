/* SPDX-License-Identifier: MIT */
/* binary_avx512.c - the loops of binary_vec.h, compiled for AVX512. */
#define QFK_ISA avx512
#include "binary_vec.h"
