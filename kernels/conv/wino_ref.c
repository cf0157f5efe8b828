/* SPDX-License-Identifier: MIT */
/*
 * wino_ref.c - the transforms of wino_vec.h: plain C's vectors: four lanes are in every instruction set.
 */
#define LANES 4
#define SUFFIX ref
#include "wino_vec.h"
