/* SPDX-License-Identifier: MIT */
/*
 * winoi_ref.c - the transforms of winoi_vec.h: eight lanes, plain vectors.
 */
#define LANES 8
#define SUFFIX ref
#include "winoi_vec.h"
