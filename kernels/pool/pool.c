/* SPDX-License-Identifier: MIT */
/* pool.c - the list of pool.inc. */
#include "pool_fast.h"

const QfkKernel qfk_pool_kernels[] = {
#define QFK_KERNEL(function, isa, kind) {#function, isa, kind, (void (*)(void))function},
#include "pool.inc"
#undef QFK_KERNEL
    {NULL, 0, 0, NULL},
};
