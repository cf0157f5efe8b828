/* SPDX-License-Identifier: MIT */
/* norm.c - the list of norm.inc. */
#include "norm_fast.h"

const QfkKernel qfk_norm_kernels[] = {
#define QFK_KERNEL(function, isa, kind) {#function, isa, kind, (void (*)(void))function},
#include "norm.inc"
#undef QFK_KERNEL
    {NULL, 0, 0, NULL},
};
