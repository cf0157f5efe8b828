/* SPDX-License-Identifier: MIT */
/*
 * memory.h - memory that units beside the CPU can map as well: what lies in it need not be copied for them.
 *
 * From a dmabuf heap where the system has one that this user may open, else a file in memory. All functions are thread-safe.
 */
#ifndef QNNFLOW_MEMORY_H
#define QNNFLOW_MEMORY_H

#include <qnnflow/error.h>
#include <stddef.h>

G_BEGIN_DECLS

/* Zeroed, aligned to a page; NULL when it cannot be had. Free with qf_shared_free(). */
QF_API void *qf_shared_alloc(size_t size_bytes);

/* NULL does nothing. Units that still have the memory mapped keep it to themselves. */
QF_API void qf_shared_free(void *data);

G_END_DECLS

#endif
