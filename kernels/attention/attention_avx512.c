/* SPDX-License-Identifier: MIT */
/* attention_avx512.c - the loops of attention_vec.h, compiled for AVX-512. */
#define QFK_ISA avx512
#include "attention_vec.h"
