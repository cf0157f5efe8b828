/* SPDX-License-Identifier: MIT */
/*
 * wino_neonbf16.c - the transforms of wino_vec.h to bfloat16: four lanes.
 */
#define LANES 4
#define SUFFIX neonbf16
#define NARROW(to, v)                                                                                        \
  vst1_bf16((bfloat16_t *)(void *)(to), vcvt_bf16_f32(qfk_bf16_flush_neon((float32x4_t)(v))))
#include "wino_vec.h"

TRANSFORMS(bf16, 4, 2)
TRANSFORMS(bf16e2, 2, 2)
