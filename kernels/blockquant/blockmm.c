/* SPDX-License-Identifier: MIT */
/* blockmm.c - the list of blockmm.inc. */
#include "blockmm_fast.h"

const QfkKernel qfk_blockmm_kernels[] = {
#define QFK_KERNEL(function, isa, kind) {#function, isa, kind, (void (*)(void))function},
#define QFK_ROWS(function, isa) {#function, isa, QFK_BLOCKMM_ROWS, (void (*)(void))function},
#include "blockmm.inc"
#undef QFK_KERNEL
#undef QFK_ROWS
    {NULL, 0, 0, NULL},
};

const QfkKernel *qfk_blockmm_find(const QfkBlockMm *p, uint32_t features)
{
  const QfkKernel *k = NULL;
  if (p->k % QFK_BLOCKMM_GROUP == 0 && p->k % p->format->values == 0)
    k = qfk_kernel_find(qfk_blockmm_kernels, features, (int32_t)(p->format - qfk_block_formats));
  return k ? k : qfk_kernel_find(qfk_blockmm_kernels, features, QFK_BLOCKMM_ANY);
}

QfkBlockRowsFunc qfk_blockmm_rows(const QfkKernel *kernel)
{
  const QfkKernel *k = qfk_blockmm_kernels;
  while (k->kind != QFK_BLOCKMM_ROWS || k->isa != kernel->isa)
    k++;
  return (QfkBlockRowsFunc)k->function;
}
