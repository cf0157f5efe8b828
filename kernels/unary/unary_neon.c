/* SPDX-License-Identifier: MIT */
/* unary_neon.c - the loops of unary_vec.h, compiled for NEON. */
#define QFK_ISA neon
#include "unary_vec.h"
