/* SPDX-License-Identifier: MIT */
/*
 * pool.c - what a fork and join costs: nothing to do, as many items as threads, with pauses before it from none to milliseconds.
 *
 * usage: pool [--markdown] [THREADS]   Within an inference workers spin; between inferences they sleep, and the first fork wakes them.
 */
#include "libqnnflow/runtime/pool.h"

#include <glib.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SAMPLES 400

typedef struct {
  _Atomic uint32_t here;
  uint32_t due;
} Meeting;

static double now_us(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}

static void nothing(void *arg, uint32_t index, uint32_t thread) {}

/* As many items as threads, and none ends before all have begun: every thread is there. */
static void meet(void *arg, uint32_t index, uint32_t thread)
{
  Meeting *m = arg;
  atomic_fetch_add(&m->here, 1);
  while (atomic_load(&m->here) < m->due)
    ;
}

/* Busy, so that the core's clock and the pool's spinning are as in an inference; asleep would be another thing. */
static void pass(double us)
{
  for (double end = now_us() + us; now_us() < end;)
    ;
}

static int by_value(const void *a, const void *b)
{
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

typedef struct {
  const char *name;
  double gap_us;    /* busy before the measured fork */
  guint regions;    /* measured together; the time is of one */
  gboolean between; /* the gap lies between two inferences, not in one */
} Case;

static const Case cases[] = {
    {"back to back", 0, 1000, FALSE},
    {"10 us after the last", 10, 1, FALSE},
    {"100 us after the last", 100, 1, FALSE},
    {"1 ms after the last", 1000, 1, FALSE},
    {"first of a run, back to back", 0, 1, TRUE},
    {"first of a run, 5 ms later", 5000, 1, TRUE},
};

/* Microseconds of a region, sorted. */
static void measure(QfPool *pool, const Case *c, gboolean all, double *us)
{
  const guint n = qf_pool_n_threads(pool);
  Meeting m = {0};
  qf_pool_begin(pool);
  for (guint i = 0; i < SAMPLES; i++) {
    if (c->between)
      qf_pool_end(pool);
    pass(c->gap_us);
    if (c->between)
      qf_pool_begin(pool);
    double start = now_us();
    for (guint k = 0; k < c->regions; k++) {
      m.due += n;
      qf_pool_run(pool, n, all ? meet : nothing, &m);
    }
    us[i] = (now_us() - start) / c->regions;
  }
  qf_pool_end(pool);
  qsort(us, SAMPLES, sizeof *us, by_value);
}

int main(int argc, char **argv)
{
  const gboolean markdown = argc > 1 && !strcmp(argv[1], "--markdown");
  const guint n_threads = argc > 1 + markdown ? (guint)MAX(atoi(argv[1 + markdown]), 1) : 2;
  g_autofree double *us = g_new(double, 2 * SAMPLES);
  QfPool *pool = qf_pool_new(n_threads);

  if (!pool)
    return 1;
  printf(markdown ? "| fork and join, %u threads | all take part: median us | p99 us | nothing to do: median "
                    "us | p99 us "
                    "|\n|---|---|---|---|---|\n"
                  : "%u threads: median and p99 us          all take part          nothing to do\n",
         n_threads);
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    measure(pool, &cases[i], TRUE, us);
    measure(pool, &cases[i], FALSE, us + SAMPLES);
    printf(markdown ? "| %s | %.2f | %.2f | %.2f | %.2f |\n" : "%-30s %10.2f %10.2f %10.2f %10.2f\n",
           cases[i].name, us[SAMPLES / 2], us[SAMPLES * 99 / 100], us[SAMPLES + SAMPLES / 2],
           us[SAMPLES + SAMPLES * 99 / 100]);
  }
  qf_pool_free(pool);
  return 0;
}
