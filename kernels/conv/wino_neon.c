/* SPDX-License-Identifier: MIT */
/*
 * wino_neon.c - the transforms of wino_vec.h: four lanes.
 */
#define LANES 4
#define SUFFIX neon
#include "wino_vec.h"

TRANSFORMS(f32, 4, 4)
TRANSFORMS(f32e2, 2, 4)
