/* SPDX-License-Identifier: MIT */
/* unary.c - the list of unary.inc. */
#include "unary_fast.h"

const QfkKernel qfk_unary_kernels[] = {
#define QFK_KERNEL(function, isa, kind) {#function, isa, kind, (void (*)(void))function},
#include "unary.inc"
#undef QFK_KERNEL
    {NULL, 0, 0, NULL},
};
