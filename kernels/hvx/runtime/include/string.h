/* SPDX-License-Identifier: MIT */
/* string.h - what kernels and their tests use of it, for Hexagon. */
#ifndef QFK_RT_STRING_H
#define QFK_RT_STRING_H

#include <stddef.h>

void *memcpy(void *to, const void *from, size_t n);
void *memmove(void *to, const void *from, size_t n);
void *memset(void *to, int byte, size_t n);
int memcmp(const void *a, const void *b, size_t n);
int strcmp(const char *a, const char *b);
size_t strlen(const char *s);

#endif
