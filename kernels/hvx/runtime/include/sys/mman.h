/* SPDX-License-Identifier: MIT */
/* mman.h - memory maps, for Hexagon. */
#ifndef QFK_RT_MMAN_H
#define QFK_RT_MMAN_H

#include <stddef.h>

#define PROT_NONE 0
#define PROT_READ 1
#define PROT_WRITE 2
#define MAP_PRIVATE 2
#define MAP_ANONYMOUS 32
#define MAP_FAILED ((void *)-1)
/* @offset counts bytes, a multiple of 4096. */
void *mmap(void *at, size_t size, int protection, int flags, int fd, long offset);
int munmap(void *at, size_t size);
int mprotect(void *at, size_t size, int protection);

#endif
