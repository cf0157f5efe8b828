/* SPDX-License-Identifier: MIT */
/*
 * replay.c - runs files through a fuzz target without a fuzzer: one line a file with the CPU time that it took.
 * usage: replay-TARGET FILE|DIR...      exit status 1: a file took more than 2 seconds (10 with sanitizers), or all together 512 MB
 */
#include "fuzz.h"

#include <stdio.h>
#include <sys/resource.h>
#include <time.h>

#if defined(__SANITIZE_ADDRESS__)
#define MAX_SECONDS 10.
#define MAX_BYTES ((uint64_t)2 << 30)
#else
#define MAX_SECONDS 2.
#define MAX_BYTES ((uint64_t)512 << 20)
#endif

static double cpu_seconds(void)
{
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int replay_file(const char *path)
{
  g_autofree char *data = NULL;
  g_autoptr(GError) error = NULL;
  gsize size;
  if (!g_file_get_contents(path, &data, &size, &error)) {
    fprintf(stderr, "%s\n", error->message);
    return 1;
  }
  double start = cpu_seconds();
  LLVMFuzzerTestOneInput((const uint8_t *)data, size);
  double seconds = cpu_seconds() - start;
  gboolean slow = seconds > MAX_SECONDS;
  printf("%s %s: %zu bytes, %.3f s\n", slow ? "SLOW" : "ok", path, size, seconds);
  return slow;
}

static int replay(const char *path)
{
  g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
  const char *name;
  int failed = 0;
  if (!dir)
    return replay_file(path);
  while ((name = g_dir_read_name(dir))) {
    g_autofree char *child = g_build_filename(path, name, NULL);
    failed += replay(child);
  }
  return failed;
}

int main(int argc, char **argv)
{
  int failed = 0;
  struct rusage use;
  for (int i = 1; i < argc; i++)
    failed += replay(argv[i]);
  getrusage(RUSAGE_SELF, &use);
  printf("largest: %.1f MB\n", (double)use.ru_maxrss / 1024);
  return failed || (uint64_t)use.ru_maxrss * 1024 > MAX_BYTES;
}
