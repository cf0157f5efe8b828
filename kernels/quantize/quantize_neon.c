/* SPDX-License-Identifier: MIT */
/* quantize_neon.c - the loops of quantize_vec.h, compiled for NEON. */
#define QFK_ISA neon
#include "quantize_vec.h"
