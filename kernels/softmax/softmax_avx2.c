/* SPDX-License-Identifier: MIT */
/* softmax_avx2.c - the loops of softmax_vec.h, compiled for AVX2. */
#define QFK_ISA avx2
#include "softmax_vec.h"
