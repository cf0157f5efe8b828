/* SPDX-License-Identifier: MIT */
/* cell_avx512.c - the loops of cell_vec.h, compiled for AVX-512. */
#define QFK_ISA avx512
#include "cell_vec.h"
