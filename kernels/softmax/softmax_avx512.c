/* SPDX-License-Identifier: MIT */
/* softmax_avx512.c - the loops of softmax_vec.h, compiled for AVX512. */
#define QFK_ISA avx512
#include "softmax_vec.h"
