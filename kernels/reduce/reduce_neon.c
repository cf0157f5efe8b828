/* SPDX-License-Identifier: MIT */
/* reduce_neon.c - the loops of reduce_vec.h, compiled for NEON. */
#define QFK_ISA neon
#include "reduce_vec.h"
