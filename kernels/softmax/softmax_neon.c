/* SPDX-License-Identifier: MIT */
/* softmax_neon.c - the loops of softmax_vec.h, compiled for NEON. */
#define QFK_ISA neon
#include "softmax_vec.h"
