/* SPDX-License-Identifier: MIT */
/*
 * runtime.h - what a Hexagon program has from its run-time besides the C library's headers in include/: system calls of Linux
 * and the counters that qemu-hexagon keeps.
 */
#ifndef QFK_HVX_RUNTIME_H
#define QFK_HVX_RUNTIME_H

#include <stdint.h>

/* A system call; negative results are errors. */
int32_t qfk_rt_call(int32_t number, int32_t a0, int32_t a1, int32_t a2, int32_t a3, int32_t a4, int32_t a5);

/* Packets executed so far; exact under qemu-hexagon, wraps. (Its control register 20, which the assembler does not name.) */
static inline uint32_t qfk_rt_packets(void)
{
  register uint32_t count __asm__("r0");
  __asm__ volatile(".word 0x6a14c000" : "=r"(count) : : "memory");
  return count;
}

#endif
