/* SPDX-License-Identifier: MIT */
/* dot16_neon.c - the loops of dot16_vec.h, compiled for NEON. */
#define QFK_ISA neon
#include "dot16_vec.h"
