/* SPDX-License-Identifier: MIT */
/*
 * port_host.c - the program as a thread of the host's own process: for sanitizers, fuzzing and debuggers. Kernels run over what their
 * instructions mean (kernels/hvx/hvx.h). Also compiled into the simulator for its own side of the queues.
 */
#include "sim.h"

#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

void qf_sim_os_wait(uint32_t *word, uint32_t value, uint32_t timeout_us)
{
  const struct timespec timeout = {timeout_us / 1000000, timeout_us % 1000000 * 1000};
  syscall(SYS_futex, word, FUTEX_WAIT, value, &timeout, NULL, 0);
}

void qf_sim_os_wake(uint32_t *word)
{
  syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

uint64_t qf_sim_os_now_us(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

void *qf_sim_os_map(uint32_t host_pid, int32_t fd, uint32_t size_bytes)
{
  (void)host_pid;
  const off_t end = lseek(fd, 0, SEEK_END);
  if (end >= 0 && end < (off_t)size_bytes) /* touching what a file lacks would be the end of us */
    return NULL;
  void *p = mmap(NULL, size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  return p == MAP_FAILED ? NULL : p;
}

void qf_sim_os_unmap(void *memory, uint32_t size_bytes)
{
  munmap(memory, size_bytes);
}

void *qf_sim_os_alloc(uint32_t size_bytes)
{
  void *p;
  if (posix_memalign(&p, QF_DSP_ALIGNMENT, size_bytes ? size_bytes : 1))
    return NULL;
  return memset(p, 0, size_bytes);
}

void qf_sim_os_free(void *memory, uint32_t size_bytes)
{
  (void)size_bytes;
  free(memory);
}

typedef struct {
  void (*fn)(void *);
  void *arg;
  pthread_t thread;
} Thread;

static void *thread_main(void *data)
{
  Thread *t = data;
  t->fn(t->arg);
  return NULL;
}

uintptr_t qf_sim_os_thread(void (*fn)(void *arg), void *arg)
{
  Thread *t = malloc(sizeof *t);
  if (!t)
    return 0;
  t->fn = fn;
  t->arg = arg;
  if (pthread_create(&t->thread, NULL, thread_main, t)) {
    free(t);
    return 0;
  }
  return (uintptr_t)t;
}

void qf_sim_os_join(uintptr_t thread)
{
  Thread *t = (Thread *)thread;
  pthread_join(t->thread, NULL);
  free(t);
}

uint32_t qf_sim_os_packets(void)
{
  return 0;
}
