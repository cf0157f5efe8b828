/* SPDX-License-Identifier: MIT */
/* pool_neon.c - the loops of pool_vec.h, compiled for NEON. */
#define QFK_ISA neon
#include "pool_vec.h"
