/* SPDX-License-Identifier: MIT */
/* dot16_avx2.c - the loops of dot16_vec.h, compiled for AVX2. */
#define QFK_ISA avx2
#include "dot16_vec.h"
