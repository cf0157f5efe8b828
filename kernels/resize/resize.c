/* SPDX-License-Identifier: MIT */
/* resize.c - the list of resize.inc. */
#include "resize_fast.h"

const QfkKernel qfk_resize_kernels[] = {
#define QFK_KERNEL(function, isa, kind) {#function, isa, kind, (void (*)(void))function},
#include "resize.inc"
#undef QFK_KERNEL
    {NULL, 0, 0, NULL},
};
