/* SPDX-License-Identifier: MIT */
/*
 * libc.c - the few functions of a C library that kernels, references and tests call on Hexagon, over Linux' system calls.
 *
 * Built with -fno-builtin, or the loops below would become calls of themselves. Division is in builtins.c.
 */
#include "runtime.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { CALL_WRITE = 64, CALL_EXIT_GROUP = 94, CALL_MUNMAP = 215, CALL_MMAP2 = 222, CALL_MPROTECT = 226 };
#define HEAP_CHUNK (1u << 22)
#define LINE 512

void *memcpy(void *to, const void *from, size_t n)
{
  uint8_t *d = to;
  const uint8_t *s = from;
  if (!(((uintptr_t)d | (uintptr_t)s) & 7))
    for (; n >= 8; n -= 8, d += 8, s += 8)
      *(uint64_t *)d = *(const uint64_t *)s;
  for (; n; n--)
    *d++ = *s++;
  return to;
}

void *memmove(void *to, const void *from, size_t n)
{
  uint8_t *d = to;
  const uint8_t *s = from;
  if (d <= s)
    return memcpy(to, from, n);
  while (n--)
    d[n] = s[n];
  return to;
}

void *memset(void *to, int byte, size_t n)
{
  uint8_t *d = to;
  const uint64_t eight = (uint8_t)byte * 0x0101010101010101u;
  for (; n && (uintptr_t)d & 7; n--)
    *d++ = (uint8_t)byte;
  for (; n >= 8; n -= 8, d += 8)
    *(uint64_t *)d = eight;
  for (; n; n--)
    *d++ = (uint8_t)byte;
  return to;
}

int memcmp(const void *a, const void *b, size_t n)
{
  const uint8_t *x = a, *y = b;
  for (; n; n--, x++, y++)
    if (*x != *y)
      return *x - *y;
  return 0;
}

int strcmp(const char *a, const char *b)
{
  for (; *a && *a == *b; a++)
    b++;
  return (uint8_t)*a - (uint8_t)*b;
}

size_t strlen(const char *s)
{
  size_t n = 0;
  while (s[n])
    n++;
  return n;
}

int atoi(const char *s)
{
  int n = 0;
  while (*s >= '0' && *s <= '9')
    n = 10 * n + *s++ - '0';
  return n;
}

static char line[LINE];
static size_t line_used;

static void flush(void)
{
  for (size_t done = 0; done < line_used;) {
    const int32_t n =
        qfk_rt_call(CALL_WRITE, 1, (int32_t)(line + done), (int32_t)(line_used - done), 0, 0, 0);
    if (n <= 0)
      break;
    done += (size_t)n;
  }
  line_used = 0;
}

int putchar(int c)
{
  line[line_used++] = (char)c;
  if (c == '\n' || line_used == LINE)
    flush();
  return c;
}

int puts(const char *s)
{
  while (*s)
    putchar(*s++);
  return putchar('\n');
}

void exit(int status)
{
  flush();
  for (;;)
    qfk_rt_call(CALL_EXIT_GROUP, status, 0, 0, 0, 0, 0);
}

void abort(void)
{
  puts("# aborted");
  exit(134);
}

static void print_number(uint64_t v, unsigned base, int width, char pad)
{
  char text[24];
  int n = 0;
  do
    text[n++] = "0123456789abcdef"[v % base];
  while (v /= base);
  for (; width > n; width--)
    putchar(pad);
  while (n)
    putchar(text[--n]);
}

static void print_signed(int64_t v, int width, char pad)
{
  if (v < 0)
    putchar('-');
  print_number(v < 0 ? 0 - (uint64_t)v : (uint64_t)v, 10, v < 0 ? width - 1 : width, pad);
}

static void print_string(const char *s, int width)
{
  const int n = (int)strlen(s);
  while (*s)
    putchar(*s++);
  for (; width > n; width--) /* to the left, as '-' has it */
    putchar(' ');
}

int vprintf(const char *f, va_list args)
{
  for (; *f; f++) {
    if (*f != '%') {
      putchar(*f);
      continue;
    }
    f += f[1] == '-';
    const char pad = f[1] == '0' ? '0' : ' ';
    const int width = atoi(f + 1);
    while (f[1] >= '0' && f[1] <= '9')
      f++;
    int wide = 0;
    for (; f[1] == 'l' || f[1] == 'z'; f++)
      wide += f[1] == 'l';
    f++;
    if (*f == 's')
      print_string(va_arg(args, const char *), width);
    else if (*f == 'c')
      putchar(va_arg(args, int));
    else if (*f == 'd')
      print_signed(wide > 1 ? va_arg(args, long long) : va_arg(args, int), width, pad);
    else if (*f == 'u' || *f == 'x')
      print_number(wide > 1 ? va_arg(args, unsigned long long) : va_arg(args, unsigned), *f == 'u' ? 10 : 16,
                   width, pad);
    else
      putchar(*f);
  }
  return 0;
}

int printf(const char *format, ...)
{
  va_list args;
  va_start(args, format);
  vprintf(format, args);
  va_end(args);
  return 0;
}

void *mmap(void *at, size_t size, int protection, int flags, int fd, long offset)
{
  const int32_t p = qfk_rt_call(CALL_MMAP2, (int32_t)at, (int32_t)size, protection, flags, fd, offset / 4096);
  return p < 0 && p > -4096 ? MAP_FAILED : (void *)p;
}

int munmap(void *at, size_t size)
{
  return qfk_rt_call(CALL_MUNMAP, (int32_t)at, (int32_t)size, 0, 0, 0, 0);
}

int mprotect(void *at, size_t size, int protection)
{
  return qfk_rt_call(CALL_MPROTECT, (int32_t)at, (int32_t)size, protection, 0, 0, 0);
}

int posix_memalign(void **p, size_t alignment, size_t size)
{
  static uintptr_t next, end;
  uintptr_t at = (next + alignment - 1) & ~(uintptr_t)(alignment - 1);
  if (!next || at + size > end) {
    const size_t chunk = size + alignment > HEAP_CHUNK ? size + alignment : HEAP_CHUNK;
    void *map = mmap(NULL, chunk, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED)
      return 12;
    next = (uintptr_t)map;
    end = next + chunk;
    at = (next + alignment - 1) & ~(uintptr_t)(alignment - 1);
  }
  next = at + size;
  *p = (void *)at;
  return 0;
}

void free(void *p)
{
  (void)p;
}
