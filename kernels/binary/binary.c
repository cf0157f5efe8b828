/* SPDX-License-Identifier: MIT */
/* binary.c - the list of binary.inc. */
#include "binary_fast.h"

const QfkKernel qfk_binary_kernels[] = {
#define QFK_KERNEL(function, isa, kind) {#function, isa, kind, (void (*)(void))function},
#include "binary.inc"
#undef QFK_KERNEL
    {NULL, 0, 0, NULL},
};
