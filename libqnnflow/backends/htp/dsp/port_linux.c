/* SPDX-License-Identifier: MIT */
/*
 * port_linux.c - the Hexagon program under qemu-hexagon: main(), and Linux' system calls as they are there. File descriptor 3 is the memory
 * shared with the host, 4 the end of a pipe that nobody writes to: when it closes, the host is gone.
 *
 * The host's memory is opened through /proc/PID/fd; so no descriptors need to be sent.
 */
#include "sim.h"

#include "kernels/hvx/runtime/runtime.h"

#include <stdlib.h>
#include <sys/mman.h>

enum {
  CALL_OPENAT = 56,
  CALL_LLSEEK = 62,
  CALL_CLOSE = 57,
  CALL_READ = 63,

  CALL_FUTEX = 98,
  CALL_CLOCK_GETTIME = 113
};
enum { FUTEX_WAIT = 0, FUTEX_WAKE = 1, SHARED = 1, AT_FDCWD = -100, READ_WRITE = 2, SEEK_END = 2 };
/* CLONE_VM, FS, FILES, SIGHAND, THREAD, SYSVSEM */
#define THREAD_FLAGS (0x100u | 0x200u | 0x400u | 0x800u | 0x10000u | 0x40000u)
#define STACK_BYTES (512u << 10)
#define SHARED_FD 3
#define LIFE_FD 4

int32_t qf_rt_clone(uint32_t flags, void *stack_end, void (*fn)(void *), void *arg);

void qf_sim_os_wait(uint32_t *word, uint32_t value, uint32_t timeout_us)
{
  const struct {
    int32_t s, ns;
  } timeout = {(int32_t)(timeout_us / 1000000), (int32_t)(timeout_us % 1000000 * 1000)};
  qfk_rt_call(CALL_FUTEX, (int32_t)word, FUTEX_WAIT, (int32_t)value, (int32_t)&timeout, 0, 0);
}

void qf_sim_os_wake(uint32_t *word)
{
  qfk_rt_call(CALL_FUTEX, (int32_t)word, FUTEX_WAKE, INT32_MAX, 0, 0, 0);
}

uint64_t qf_sim_os_now_us(void)
{
  struct {
    int32_t s, ns;
  } t = {0, 0};
  qfk_rt_call(CALL_CLOCK_GETTIME, 1, (int32_t)&t, 0, 0, 0, 0);
  return (uint64_t)(uint32_t)t.s * 1000000 + (uint32_t)t.ns / 1000;
}

static char *put_text(char *at, const char *s)
{
  while (*s)
    *at++ = *s++;
  return at;
}

static char *put_number(char *at, uint32_t v)
{
  char digits[12];
  int n = 0;
  do
    digits[n++] = (char)('0' + v % 10);
  while (v /= 10);
  while (n)
    *at++ = digits[--n];
  return at;
}

void *qf_sim_os_map(uint32_t host_pid, int32_t fd, uint32_t size_bytes)
{
  char path[64];
  *put_number(put_text(put_number(put_text(path, "/proc/"), host_pid), "/fd/"), (uint32_t)fd) = 0;
  const int32_t own = qfk_rt_call(CALL_OPENAT, AT_FDCWD, (int32_t)path, READ_WRITE, 0, 0, 0);
  if (own < 0)
    return NULL;
  int64_t end = 0;
  const int32_t no_end = qfk_rt_call(CALL_LLSEEK, own, 0, 0, (int32_t)&end, SEEK_END, 0);
  void *p = no_end || end >= size_bytes /* touching what a file lacks would be the end of us */
                ? mmap(NULL, size_bytes, PROT_READ | PROT_WRITE, SHARED, own, 0)
                : MAP_FAILED;
  qfk_rt_call(CALL_CLOSE, own, 0, 0, 0, 0, 0);
  return p == MAP_FAILED ? NULL : p;
}

void qf_sim_os_unmap(void *memory, uint32_t size_bytes)
{
  munmap(memory, size_bytes);
}

void *qf_sim_os_alloc(uint32_t size_bytes)
{
  void *p =
      mmap(NULL, size_bytes ? size_bytes : 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return p == MAP_FAILED ? NULL : p;
}

void qf_sim_os_free(void *memory, uint32_t size_bytes)
{
  munmap(memory, size_bytes ? size_bytes : 1);
}

uintptr_t qf_sim_os_thread(void (*fn)(void *arg), void *arg)
{
  uint8_t *stack = qf_sim_os_alloc(STACK_BYTES);
  if (!stack)
    return 0;
  if (qf_rt_clone(THREAD_FLAGS, stack + STACK_BYTES, fn, arg) > 0)
    return (uintptr_t)stack;
  qf_sim_os_free(stack, STACK_BYTES);
  return 0;
}

void qf_sim_os_join(uintptr_t thread)
{
  (void)thread; /* the program's end is theirs */
}

uint32_t qf_sim_os_packets(void)
{
  return qfk_rt_packets();
}

/* Ends the program with the host. */
static void watch_host(void *arg)
{
  (void)arg;
  uint8_t byte;
  while (qfk_rt_call(CALL_READ, LIFE_FD, (int32_t)&byte, 1, 0, 0, 0) > 0)
    ;
  exit(0);
}

int main(void)
{
  QfSimShared *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, SHARED, SHARED_FD, 0);
  if (shared == MAP_FAILED || shared->magic != QF_SIM_MAGIC || shared->version != QF_WIRE_VERSION)
    return 2;
  if (!qf_sim_os_thread(watch_host, NULL))
    return 3;
  return qf_sim_serve(shared, __HEXAGON_ARCH__);
}
