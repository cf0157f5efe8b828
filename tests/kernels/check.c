/* SPDX-License-Identifier: MIT */
/*
 * check.c - the kernel check: kernel-check [--bench [--markdown]] [FAMILY...]. Prints TAP, or tables of times.
 */
#include "check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef CHK_EMULATED
#define CHK_EMULATED 0
#endif

static const ChkFamily families[] = {
#define CHK_FAMILY(name, bench) {#name, chk_##name, bench ? chk_##name##_bench : NULL},
#include "families.inc"
#undef CHK_FAMILY
};
#define N_FAMILIES (sizeof(families) / sizeof(families[0]))

static unsigned n_tests, n_failed;

uint32_t chk_features(void)
{
  return qfk_cpu_features() | CHK_EMULATED;
}

bool chk_can_run(const char *name, uint32_t isa)
{
  if (!(isa & ~chk_features()))
    return true;
  printf("ok %u - %s # SKIP not on this CPU\n", ++n_tests, name);
  return false;
}

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

static bool wanted(const char *name, int n, char **names)
{
  for (int i = 0; i < n; i++)
    if (!strcmp(names[i], name))
      return true;
  return n == 0;
}

int main(int argc, char **argv)
{
  const bool bench = argc > 1 && !strcmp(argv[1], "--bench");
  const bool markdown = bench && argc > 2 && !strcmp(argv[2], "--markdown");
  const int words = 1 + bench + markdown;
  char features[128];
  setvbuf(stdout, NULL, _IOLBF, 0);
  if (!markdown)
    printf("# features: %s\n", qfk_cpu_features_string(chk_features(), features, sizeof(features)));
  for (size_t i = 0; i < N_FAMILIES; i++) {
    if (!wanted(families[i].name, argc - words, argv + words))
      continue;
    if (!bench) {
      printf("# %s\n", families[i].name);
      families[i].check();
    } else if (families[i].bench) {
      chk_bench_begin(families[i].name, markdown);
      families[i].bench();
    }
  }
  if (bench) {
    chk_bench_end();
    return 0;
  }
  printf("1..%u\n", n_tests);
  printf("# %u failed\n", n_failed);
  return n_failed != 0;
}
