/* SPDX-License-Identifier: MIT */
/* cell_avx2.c - the loops of cell_vec.h, compiled for AVX2. */
#define QFK_ISA avx2
#include "cell_vec.h"
