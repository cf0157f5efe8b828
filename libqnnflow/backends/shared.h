/* SPDX-License-Identifier: MIT */
/*
 * shared.h - finding the shared memory (qnnflow/memory.h) that an address lies in, for units that map it by its file descriptor.
 */
#ifndef QF_BACKENDS_SHARED_H
#define QF_BACKENDS_SHARED_H

#include <qnnflow/memory.h>

/* A block; immutable. */
typedef struct {
  void *data;
  size_t size;
  int fd;
} QfShared;

/* The block that holds @size bytes at @data; a new reference: the memory stays as long as it. NULL when there is none. Thread-safe. */
QfShared *qf_shared_find(const void *data, size_t size);
void qf_shared_unref(QfShared *shared);

#endif
