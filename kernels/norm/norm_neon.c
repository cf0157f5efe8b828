/* SPDX-License-Identifier: MIT */
/* norm_neon.c - the loops of norm_vec.h, compiled for NEON. */
#define QFK_ISA neon
#include "norm_vec.h"
