/* SPDX-License-Identifier: MIT */
/*
 * wino_avx512.c - the transforms of wino_vec.h: sixteen lanes.
 */
#define LANES 16
#define SUFFIX avx512
#include "wino_vec.h"
