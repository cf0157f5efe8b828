/* SPDX-License-Identifier: MIT */
/*
 * list.h - the list of a family's kernels that share one signature: <family>.inc has a line each, best first within a kind.
 *
 *   #define QFK_KERNEL(function, isa, kind) ...
 * The list is included for declarations, for selection, by the check and by the benchmark. Lines of other machines vanish.
 */
#ifndef QFK_LIST_H
#define QFK_LIST_H

#include "common.h"

typedef struct {
  const char *name;
  uint32_t isa;           /* bits that the CPU must have */
  int32_t kind;           /* the family's own */
  void (*function)(void); /* to be cast to the family's signature */
} QfkKernel;

/* The first kernel of that kind in a list that ends with a NULL name which @features allow; NULL: there is none. */
static inline const QfkKernel *qfk_kernel_find(const QfkKernel *list, uint32_t features, int32_t kind)
{
  for (; list->name; list++)
    if (list->kind == kind && (list->isa & features) == list->isa)
      return list;
  return NULL;
}

#endif
