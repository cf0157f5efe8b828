/* SPDX-License-Identifier: MIT */
/*
 * memory.h - aligned memory, and the large pages of packed constants.
 */
#ifndef QF_RUNTIME_MEMORY_H
#define QF_RUNTIME_MEMORY_H

#include <stddef.h>

typedef struct QfLower QfLower;

/* Zeroed memory aligned to QF_ALIGNMENT, never NULL for size 0; NULL when it cannot be had. Free with qf_aligned_free(). */
void *qf_aligned_alloc(size_t size_bytes);
void qf_aligned_free(void *memory);

/* Before the first packed constant: counts what there is to pack. */
void qf_lower_begin(QfLower *lower);
/* Gives back what no packed constant has taken. */
void qf_lower_trim(QfLower *lower);

#endif
