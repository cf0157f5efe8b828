/* SPDX-License-Identifier: MIT */
/* quantize_avx512.c - the loops of quantize_vec.h, compiled for AVX512. */
#define QFK_ISA avx512
#include "quantize_vec.h"
