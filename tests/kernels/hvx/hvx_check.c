/* SPDX-License-Identifier: MIT */
/*
 * hvx_check.c - the check of HVX kernels: hvx-check [FAMILY...]. Prints TAP.
 */
#include "hvx_check.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
  const char *name;
  void (*check)(void);
} families[] = {
#define CHK_HVX(name) {#name, chk_hvx_##name},
#include "hvx_families.inc"
#undef CHK_HVX
};

static unsigned n_tests, n_failed;

void chk_result(bool ok, const char *kernel, const char *format, ...)
{
  va_list args;
  printf("%s %u - %s ", ok ? "ok" : "not ok", ++n_tests, kernel);
  va_start(args, format);
  vprintf(format, args);
  va_end(args);
  putchar('\n');
  n_failed += !ok;
}

uint8_t *chk_d4_make(const uint8_t *nhwc, int32_t c, int32_t pixels)
{
  uint8_t *d4 = chk_alloc_aligned(qfk_d4_bytes(c, 1, pixels) + QFK_D4_SLACK);
  for (int32_t i = 0; i < qfk_d4_planes(c) * 4; i++)
    for (int32_t p = 0; p < pixels; p++)
      d4[(i / 4 * pixels + p) * 4 + i % 4] = i < c ? nhwc[p * c + i] : (uint8_t)chk_random();
  return d4;
}

bool chk_d4_same(const uint8_t *d4, const uint8_t *nhwc, int32_t c, int32_t pixels)
{
  for (int32_t p = 0; p < pixels; p++)
    for (int32_t i = 0; i < c; i++) {
      const uint8_t got = d4[(i / 4 * pixels + p) * 4 + i % 4];
      if (got == nhwc[p * c + i])
        continue;
      printf("# pixel %d, channel %d: %u instead of %u\n", (int)p, (int)i, got, nhwc[p * c + i]);
      return false;
    }
  return true;
}

uint8_t *chk_d4_make16(const uint16_t *nhwc, int32_t c, int32_t pixels)
{
  uint8_t *d4 = chk_alloc_aligned(2 * qfk_d4_bytes(c, 1, pixels) + QFK_D4_SLACK);
  for (int32_t i = 0; i < qfk_d4_planes(c) * 4; i++)
    for (int32_t p = 0; p < pixels; p++)
      for (int32_t b = 0; b < 2; b++)
        d4[((i / 4 * 2 + b) * pixels + p) * 4 + i % 4] =
            (uint8_t)(i < c ? nhwc[p * c + i] >> (8 * b) : chk_random());
  return d4;
}

bool chk_d4_same16(const uint8_t *d4, const uint16_t *nhwc, int32_t c, int32_t pixels)
{
  for (int32_t p = 0; p < pixels; p++)
    for (int32_t i = 0; i < c; i++) {
      const uint8_t *low = d4 + ((ptrdiff_t)(i / 4) * 2 * pixels + p) * 4 + i % 4;
      const uint16_t got = (uint16_t)(low[0] | low[4 * (ptrdiff_t)pixels] << 8);
      if (got == nhwc[p * c + i])
        continue;
      printf("# pixel %d, channel %d: %u instead of %u\n", (int)p, (int)i, got, nhwc[p * c + i]);
      return false;
    }
  return true;
}

QfkRequant chk_requant16(QfkInt type, int32_t n, int exponent)
{
  QfkFixed *f = chk_alloc_aligned((size_t)n * sizeof(*f));
  for (int32_t i = 0; i < n; i++)
    f[i] = (QfkFixed){chk_range(1 << 21, 1 << 22), 22 - exponent - chk_range(-2, 2)};
  const int32_t least = type == QFK_S16 ? -32768 : 0, cut = chk_range(0, 1) * chk_range(0, 20000);
  return (QfkRequant){.fixed = f,
                      .once = true,
                      .wide = true,
                      .per_channel = true,
                      .zero_point = least + chk_range(0, 65535),
                      .lo = least + cut,
                      .hi = least + 65535 - cut};
}

QfkFixed *chk_multipliers(int32_t n, int exponent)
{
  QfkFixed *f = chk_alloc_aligned((size_t)n * sizeof(*f));
  for (int32_t i = 0; i < n; i++) {
    const int32_t bits = (int32_t)(chk_random() >> 2 | 1u << 29); /* of 31, at least half */
    const int at = exponent + chk_range(-2, 1);
    f[i] = (QfkFixed){at < 0 ? bits >> (-at < 30 ? -at : 30) : bits, at < 0 ? 0 : at};
  }
  return f;
}

QfkRequant chk_requant(QfkInt type, const QfkFixed *fixed, bool per_channel)
{
  const int32_t least = type == QFK_S8 ? -128 : 0, cut = chk_range(0, 1) * chk_range(0, 100);
  return (QfkRequant){.fixed = fixed,
                      .once = true,
                      .per_channel = per_channel,
                      .zero_point = least + chk_range(0, 255),
                      .lo = least + cut,
                      .hi = least + 255 - cut};
}

int main(int argc, char **argv)
{
  for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
    bool wanted = argc == 1;
    for (int k = 1; k < argc; k++)
      wanted |= !strcmp(argv[k], families[i].name);
    if (wanted)
      families[i].check();
  }
  printf("1..%u\n", n_tests);
  printf("# %u failed\n", n_failed);
  return n_failed != 0;
}
