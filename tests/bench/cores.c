/* SPDX-License-Identifier: MIT */
/*
 * cores.c - how much multiplication a number of threads gets done right now. On a shared machine a virtual core may for a while be half
 * a real one, or two of them be one; who compares times must know.
 *
 * usage: cores THREADS   For every line of input, a line with the rate of all threads together. Takes about a millisecond.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define MOST_THREADS 64
#define STEPS 200000

typedef float Vector __attribute__((vector_size(16)));

#ifdef __aarch64__
#define REGISTER(v) "+w"(v)
#else
#define REGISTER(v) "+x"(v)
#endif

static atomic_uint here;
static unsigned due;

static double now(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Ten chains of multiplications, independent of each other: as much as a core's units can do. */
static double multiply(void)
{
  Vector a = {1, 1, 1, 1}, b = a, c = a, d = a, e = a, f = a, g = a, h = a, i = a, j = a;
  const Vector m = {0.999999f, 1.000001f, 0.999999f, 1.000001f};
  double start = now();
  for (int k = 0; k < STEPS; k++) {
    a *= m, b *= m, c *= m, d *= m, e *= m, f *= m, g *= m, h *= m, i *= m, j *= m;
    __asm__ volatile(""
                     : REGISTER(a), REGISTER(b), REGISTER(c), REGISTER(d), REGISTER(e), REGISTER(f),
                       REGISTER(g), REGISTER(h), REGISTER(i), REGISTER(j));
  }
  return STEPS / (now() - start);
}

static void *meet(void *rate)
{
  atomic_fetch_add(&here, 1);
  while (atomic_load(&here) < due)
    ;
  *(double *)rate = multiply();
  return NULL;
}

int main(int argc, char **argv)
{
  const unsigned n = argc > 1 ? (unsigned)atoi(argv[1]) : 2;
  char line[64];
  if (n < 1 || n > MOST_THREADS)
    return 2;
  while (fgets(line, sizeof(line), stdin)) {
    pthread_t threads[MOST_THREADS];
    double rates[MOST_THREADS], sum = 0;
    due += n;
    for (unsigned i = 1; i < n; i++)
      if (pthread_create(&threads[i], NULL, meet, &rates[i]))
        return 1;
    meet(&rates[0]);
    for (unsigned i = 1; i < n; i++)
      pthread_join(threads[i], NULL);
    for (unsigned i = 0; i < n; i++)
      sum += rates[i];
    printf("%.0f\n", sum);
    fflush(stdout);
  }
  return 0;
}
