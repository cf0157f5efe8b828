/* SPDX-License-Identifier: MIT */
/* resize_neon.c - the loops of resize_vec.h, compiled for NEON. */
#define QFK_ISA neon
#include "resize_vec.h"
