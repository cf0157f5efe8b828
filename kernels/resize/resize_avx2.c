/* SPDX-License-Identifier: MIT */
/* resize_avx2.c - the loops of resize_vec.h, compiled for AVX2. */
#define QFK_ISA avx2
#include "resize_vec.h"
