/* SPDX-License-Identifier: MIT */
/*
 * wino_avx2.c - the transforms of wino_vec.h: eight lanes.
 */
#define LANES 8
#define SUFFIX avx2
#include "wino_vec.h"
