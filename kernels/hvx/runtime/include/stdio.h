/* SPDX-License-Identifier: MIT */
/* stdio.h - what tests use of it, for Hexagon: text to the standard output, flushed line by line. */
#ifndef QFK_RT_STDIO_H
#define QFK_RT_STDIO_H

#include <stdarg.h>
#include <stddef.h>

/* Knows c s d u x z l, %, widths and leading zeros; precisions of strings. */
int printf(const char *format, ...) __attribute__((format(printf, 1, 2)));
int vprintf(const char *format, va_list args);
int putchar(int c);
int puts(const char *s);

#endif
