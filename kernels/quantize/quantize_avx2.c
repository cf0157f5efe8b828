/* SPDX-License-Identifier: MIT */
/* quantize_avx2.c - the loops of quantize_vec.h, compiled for AVX2. */
#define QFK_ISA avx2
#include "quantize_vec.h"
