/* SPDX-License-Identifier: MIT */
/*
 * bench.c - the shortest of many times (on a shared machine the median measures the neighbours), beside what the machine's units can do
 * at the same time.
 */
#include "check.h"

#include <stdio.h>
#include <time.h>

#define SECONDS 0.06
#define SECONDS_ROW 0.2  /* long enough for a good moment of a shared machine */
#define SECONDS_MOST 1.2 /* of a row that is below its limit: a moment may have been a bad one */

static double now(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

double chk_time(void (*fn)(void *arg), void *arg)
{
  double best = 1e9;
  fn(arg);
  for (double end = now() + SECONDS; now() < end;) {
    double start = now();
    fn(arg);
    double t = now() - start;
    best = t < best ? t : best;
  }
  return best;
}

static bool markdown, head_due;
static struct {
  const char *what;
  double least, worst;
  char where[80];
  unsigned n, n_under;
} limits[CHK_N_LIMITS] = {
    [CHK_LIMIT_F32] = {"float GEMM, 1x1 layers of resnet50", 0.90, 1e9, "", 0, 0},
    [CHK_LIMIT_INT] = {"u8 x s8, layers of resnet50", 0.85, 1e9, "", 0, 0},
    [CHK_LIMIT_DEPTHWISE] = {"depthwise, of loads and stores", 0.60, 1e9, "", 0, 0},
};

void chk_bench_begin(const char *family, bool as_markdown)
{
  markdown = as_markdown;
  head_due = true;
  if (!markdown)
    printf("# %s\n", family);
}

static void print_row(const ChkBenchRow *row, double seconds, double reference)
{
  const double rate = row->macs / seconds * 1e-9, peak = row->macs / reference * 1e-9;
  if (markdown && head_due)
    printf("\n| kernel | shape | us | GMAC/s | %s | share |\n|---|---|---|---|---|---|\n",
           row->walk ? "loads and stores alone" : "peak of the units");
  head_due = false;
  printf(markdown ? "| %s | %s | %.1f | %.1f | %.1f | %.2f |\n"
                  : "%-28s %-42s %10.1f us %8.1f GMAC/s, limit %8.1f: %5.2f\n",
         row->kernel, row->shape, seconds * 1e6, rate, peak, reference / seconds);
}

static bool is_below(const ChkBenchRow *row, double share)
{
  return row->limit != CHK_LIMIT_NONE && share < limits[row->limit].least;
}

static void note_limit(const ChkBenchRow *row, double share)
{
  if (row->limit == CHK_LIMIT_NONE)
    return;
  limits[row->limit].n++;
  limits[row->limit].n_under += is_below(row, share);
  if (share >= limits[row->limit].worst)
    return;
  limits[row->limit].worst = share;
  snprintf(limits[row->limit].where, sizeof(limits[0].where), "%s, %s", row->kernel, row->shape);
}

#define BURST 200e-6 /* of the kernel, before the peak is measured once more */

void chk_bench(const ChkBenchRow *row, void (*fn)(void *arg), void *arg)
{
  const double calls = row->calls > 0 ? row->calls : 1;
  double best = 1e9, reference = 1e9, macs = 0;
  void (*loop)(void) = row->walk ? NULL : chk_peak_loop(row->unit, row->isa, &macs);
  const bool bounded = row->walk || loop;
  fn(arg);
  for (double begin = now();
       now() < begin + SECONDS_ROW ||
       (bounded && is_below(row, reference / (best / calls)) && now() < begin + SECONDS_MOST);) {
    double start = now(), burst = start + BURST;
    do {
      start = now();
      fn(arg);
      const double t = now() - start;
      best = t < best ? t : best;
    } while (now() < burst);
    start = now();
    if (row->walk)
      chk_walk(row->walk);
    else if (loop)
      loop();
    double t = now() - start;
    if (loop)
      t *= row->macs / macs;
    reference = t < reference ? t : reference;
  }
  if (!bounded)
    reference = 0;
  print_row(row, best / calls, reference);
  if (reference > 0) /* else there is nothing to compare with */
    note_limit(row, reference / (best / calls));
}

void chk_bench_end(void)
{
  if (markdown)
    putchar('\n');
  for (int i = 1; i < CHK_N_LIMITS; i++)
    if (limits[i].n)
      printf("%s%s %s: at least %.0f %%; worst %.0f %% (%s); %u of %u below\n", markdown ? "- " : "# ",
             limits[i].n_under ? "no:" : "yes:", limits[i].what, 100 * limits[i].least, 100 * limits[i].worst,
             limits[i].where, limits[i].n_under, limits[i].n);
}

void chk_bench_bytes(const char *kernel, const char *shape, double seconds, double bytes)
{
  printf("%-28s %-42s %10.1f us %8.1f GB/s\n", kernel, shape, seconds * 1e6, bytes / seconds * 1e-9);
}
