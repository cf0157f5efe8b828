/* SPDX-License-Identifier: MIT */
/* unary_avx512.c - the loops of unary_vec.h, compiled for AVX512. */
#define QFK_ISA avx512
#include "unary_vec.h"
