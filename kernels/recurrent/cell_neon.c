/* SPDX-License-Identifier: MIT */
/* cell_neon.c - the loops of cell_vec.h, compiled for NEON. */
#define QFK_ISA neon
#include "cell_vec.h"
