/* SPDX-License-Identifier: MIT */
/*
 * data.c - random and edge data, guarded memory, comparisons.
 */
#include "check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define GUARD 64
#define PATTERN 0xa5
#define UNSET 0xff /* NaN as a float of any size: nothing may depend on it */
#define MAX_BLOCKS 64

static uint64_t state = 0x9e3779b97f4a7c15u;

uint32_t chk_random(void)
{
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return (uint32_t)(state >> 32);
}

int32_t chk_range(int32_t lo, int32_t hi)
{
  return lo + (int32_t)(chk_random() % (uint32_t)(hi - lo + 1));
}

float chk_float(void)
{
  return (float)(int32_t)chk_random() * (1.0f / 2147483648.0f);
}

void chk_fill_f32(float *p, size_t n, ChkFill fill)
{
  static const float edge[] = {0.0f,   -0.0f,  1e-40f,  -1e-42f, 1.17549435e-38f,
                               1e-20f, 100.0f, -100.0f, 1.0f,    -1.0f};
  for (size_t i = 0; i < n; i++)
    p[i] = fill == CHK_EDGE && chk_random() % 2 ? edge[chk_random() % (sizeof(edge) / sizeof(edge[0]))]
                                                : chk_float();
}

void chk_fill_bytes(void *p, size_t n, ChkFill fill)
{
  static const uint8_t edge[] = {0, 127, 128, 255, 1, 254};
  uint8_t *b = p;
  for (size_t i = 0; i < n; i++)
    b[i] = fill == CHK_EDGE && chk_random() % 8 ? edge[chk_random() % sizeof(edge)] : (uint8_t)chk_random();
}

void chk_fill_s16(int16_t *p, size_t n, int32_t lo, int32_t hi, ChkFill fill)
{
  for (size_t i = 0; i < n; i++)
    p[i] = (int16_t)(fill == CHK_EDGE && chk_random() % 8 ? (chk_random() % 2 ? lo : hi) : chk_range(lo, hi));
}

static struct {
  uint8_t *map, *data;
  size_t map_size, size;
  void *aligned;
} blocks[MAX_BLOCKS];
static unsigned n_blocks;

void *chk_alloc(size_t size)
{
  const size_t page = (size_t)sysconf(_SC_PAGESIZE), body = (size + GUARD + page - 1) / page * page;
  if (n_blocks == MAX_BLOCKS)
    abort();
  uint8_t *map = mmap(NULL, body + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (map == MAP_FAILED || mprotect(map + body, page, PROT_NONE))
    abort();
  memset(map, PATTERN, body - size);
  memset(map + body - size, UNSET, size);
  blocks[n_blocks].map = map;
  blocks[n_blocks].map_size = body + page;
  blocks[n_blocks].data = map + body - size;
  blocks[n_blocks].size = size;
  return blocks[n_blocks++].data;
}

void *chk_alloc_aligned(size_t size)
{
  if (n_blocks == MAX_BLOCKS)
    abort();
  void *p = NULL;
  if (posix_memalign(&p, 128, size + 256))
    abort();
  blocks[n_blocks++].aligned = p;
  return memset(p, 0, size + 256);
}

bool chk_free_all(void)
{
  bool ok = true;
  for (unsigned i = 0; i < n_blocks; i++) {
    for (const uint8_t *p = blocks[i].map; p < blocks[i].data; p++)
      ok &= *p == PATTERN;
    if (blocks[i].map)
      munmap(blocks[i].map, blocks[i].map_size);
    free(blocks[i].aligned);
    memset(&blocks[i], 0, sizeof(blocks[i]));
  }
  n_blocks = 0;
  if (!ok)
    printf("# bytes before a buffer were written\n");
  return ok;
}

bool chk_same(const void *a, const void *b, size_t n)
{
  const uint8_t *x = a, *y = b;
  for (size_t i = 0; i < n; i++)
    if (x[i] != y[i]) {
      printf("# byte %zu of %zu: %u instead of %u\n", i, n, x[i], y[i]);
      return false;
    }
  return true;
}

bool chk_close(const float *a, const float *b, size_t n, float rel_tol, float abs_tol)
{
  for (size_t i = 0; i < n; i++) {
    if ((isnan(a[i]) && isnan(b[i])) || a[i] == b[i] || fabsf(a[i] - b[i]) <= abs_tol + rel_tol * fabsf(b[i]))
      continue;
    printf("# value %zu of %zu: %.9g instead of %.9g\n", i, n, a[i], b[i]);
    return false;
  }
  return true;
}
