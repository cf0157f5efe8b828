/* SPDX-License-Identifier: MIT */
/*
 * wino_ref.c - the transforms of wino_vec.h: plain C's vectors: four lanes are in every instruction set.
 */
#define LANES 4
#define SUFFIX ref
#include "wino_vec.h"

TRANSFORMS(f32, 4, 4)
TRANSFORMS(f32e2, 2, 4)
TRANSFORMS(bf16, 4, 2)
TRANSFORMS(bf16e2, 2, 2)
