/* SPDX-License-Identifier: MIT */
/* softmax.c - the list of softmax.inc. */
#include "softmax_fast.h"

const QfkKernel qfk_softmax_kernels[] = {
#define QFK_KERNEL(function, isa, kind) {#function, isa, kind, (void (*)(void))function},
#include "softmax.inc"
#undef QFK_KERNEL
    {NULL, 0, 0, NULL},
};
