/* SPDX-License-Identifier: MIT */
/* binary_neon.c - the loops of binary_vec.h, compiled for NEON. */
#define QFK_ISA neon
#include "binary_vec.h"
