/* SPDX-License-Identifier: MIT */
/* quantize.c - the list of quantize.inc. */
#include "quantize_fast.h"

const QfkKernel qfk_quantize_kernels[] = {
#define QFK_KERNEL(function, isa, kind) {#function, isa, kind, (void (*)(void))function},
#include "quantize.inc"
#undef QFK_KERNEL
    {NULL, 0, 0, NULL},
};
