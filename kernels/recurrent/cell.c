/* SPDX-License-Identifier: MIT */
/* cell.c - the list of cell.inc. */
#include "cell.h"

const QfkKernel qfk_cell_kernels[] = {
#define QFK_KERNEL(function, isa, kind) {#function, isa, kind, (void (*)(void))function},
#include "cell.inc"
#undef QFK_KERNEL
    {NULL, 0, 0, NULL},
};
