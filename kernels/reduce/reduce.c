/* SPDX-License-Identifier: MIT */
/* reduce.c - the list of reduce.inc. */
#include "reduce_fast.h"

const QfkKernel qfk_reduce_kernels[] = {
#define QFK_KERNEL(function, isa, kind) {#function, isa, kind, (void (*)(void))function},
#include "reduce.inc"
#undef QFK_KERNEL
    {NULL, 0, 0, NULL},
};
