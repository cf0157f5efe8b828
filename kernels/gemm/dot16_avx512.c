/* SPDX-License-Identifier: MIT */
/* dot16_avx512.c - the loops of dot16_vec.h, compiled for AVX-512. */
#define QFK_ISA avx512
#include "dot16_vec.h"
