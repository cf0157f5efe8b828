/* SPDX-License-Identifier: MIT */
/* unary_avx2.c - the loops of unary_vec.h, compiled for AVX2. */
#define QFK_ISA avx2
#include "unary_vec.h"
