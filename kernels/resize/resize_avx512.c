/* SPDX-License-Identifier: MIT */
/* resize_avx512.c - the loops of resize_vec.h, compiled for AVX512. */
#define QFK_ISA avx512
#include "resize_vec.h"
