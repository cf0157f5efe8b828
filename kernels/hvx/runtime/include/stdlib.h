/* SPDX-License-Identifier: MIT */
/* stdlib.h - what tests use of it, for Hexagon. Memory is never given back. */
#ifndef QFK_RT_STDLIB_H
#define QFK_RT_STDLIB_H

#include <stddef.h>

void abort(void) __attribute__((noreturn));
void exit(int status) __attribute__((noreturn));
int posix_memalign(void **p, size_t alignment, size_t size);
void free(void *p);
int atoi(const char *s);

#endif
