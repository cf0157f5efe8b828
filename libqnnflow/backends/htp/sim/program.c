/* SPDX-License-Identifier: MIT */
/*
 * program.c - the program behind a queue: a process of qemu-hexagon, or with QNNFLOW_HTPSIM_MODE=host a thread. The program ends
 * with its queue or, by a pipe, with us; whoever waits for it learns of its end.
 *
 * Settings are read when a queue is made: QNNFLOW_HTPSIM_PROGRAM, _QEMU, _MODE, _VTCM_MB, _THREADS, and _FAULT=NAME[:RUNS] for tests.
 */
#include "sim_host.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROGRAM_NAME "qnnflow-hexagon"
#define END_US 1000000u /* the program has so long to end */

extern char **environ;

static const char *setting(const char *name, const char *otherwise)
{
  const char *value = getenv(name);
  return value && *value ? value : otherwise;
}

static bool is_in_process(void)
{
  return !strcmp(setting("QNNFLOW_HTPSIM_MODE", "qemu"), "host");
}

static const char *const fault_names[] = {"",    "die",     "crash", "hang",
                                          "map", "version", "full",  "garbage"}; /* as QfSimFault */

static int read_fault(QfSimShared *shared)
{
  const char *text = setting("QNNFLOW_HTPSIM_FAULT", "");
  const size_t n = strcspn(text, ":");
  for (uint32_t i = 0; i < sizeof fault_names / sizeof *fault_names; i++)
    if (strlen(fault_names[i]) == n && !strncmp(fault_names[i], text, n)) {
      shared->fault = i;
      shared->fault_after = text[n] ? (uint32_t)atoi(text + n + 1) : 0;
      return QF_RPC_SUCCESS;
    }
  return qf_sim_fail(QF_RPC_EBADPARM, "QNNFLOW_HTPSIM_FAULT=%s: there is no such fault", text);
}

int qf_sim_program_prepare(QfRpcQueue *q)
{
  q->life = -1;
  q->fd = memfd_create("dspqueue", MFD_CLOEXEC);
  if (q->fd < 0 || ftruncate(q->fd, sizeof(QfSimShared)))
    return QF_RPC_ENOMEMORY;
  QfSimShared *s = mmap(NULL, sizeof *s, PROT_READ | PROT_WRITE, MAP_SHARED, q->fd, 0);
  if (s == MAP_FAILED) {
    close(q->fd);
    return QF_RPC_ENOMEMORY;
  }
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  const int n_cpus = sched_getaffinity(0, sizeof cpus, &cpus) ? 1 : CPU_COUNT(&cpus);
  s->magic = QF_SIM_MAGIC;
  s->version = QF_WIRE_VERSION;
  s->host_pid = (uint32_t)getpid();
  s->vtcm_bytes = (uint32_t)atoi(setting("QNNFLOW_HTPSIM_VTCM_MB", "8")) << 20;
  const int threads = atoi(setting("QNNFLOW_HTPSIM_THREADS", "0"));
  s->n_threads = (uint32_t)(threads > 0 ? threads : n_cpus < 4 ? n_cpus : 4);
  s->spins = n_cpus > 1 ? 2000 : 0;
  q->shared = s;
  const int code = read_fault(s);
  q->full = s->fault == QF_SIM_FULL;
  if (code)
    qf_sim_program_end(q);
  return code;
}

int qf_sim_program_find(char *path, size_t size)
{
  if (is_in_process())
    return QF_RPC_SUCCESS;
  Dl_info self;
  const char *named = setting("QNNFLOW_HTPSIM_PROGRAM", NULL);
  if (named) {
    snprintf(path, size, "%s", named);
  } else {
    static const char *const folders[] = {"", "qnnflow/"}; /* where it is built, where it is installed */
    const int known = dladdr((const void *)qf_sim_program_find, &self);
    const char *slash = known ? strrchr(self.dli_fname, '/') : NULL;
    for (uint32_t i = 0; i < 2 && (!i || access(path, R_OK)); i++)
      snprintf(path, size, "%.*s%s" PROGRAM_NAME, slash ? (int)(slash - self.dli_fname + 1) : 0,
               slash ? self.dli_fname : "", folders[i]);
  }
  if (!access(path, R_OK))
    return QF_RPC_SUCCESS;
  return qf_sim_fail(
      QF_RPC_ENOSUCHFILE,
      "the Hexagon program %s is missing: build with clang-19 and lld-19, or set QNNFLOW_HTPSIM_PROGRAM",
      *path ? path : PROGRAM_NAME);
}

static void mark_dead(QfSimShared *s)
{
  __atomic_store_n(&s->dead, 1, __ATOMIC_RELEASE);
  __atomic_store_n(&s->finished, 1, __ATOMIC_RELEASE);
  qf_sim_os_wake(&s->finished);
  qf_sim_os_wake(&s->answer.written);
  qf_sim_os_wake(&s->request.read);
}

static void run_here(void *data)
{
  QfRpcQueue *q = data;
  qf_sim_serve(q->shared, 0);
  mark_dead(q->shared);
}

static void wait_for_process(void *data)
{
  QfRpcQueue *q = data;
  siginfo_t info;
  while (waitid(P_PID, (id_t)q->pid, &info, WEXITED | WNOWAIT) < 0 && errno == EINTR)
    ; /* its number stays taken until the queue closes: it may yet be killed by it */
  mark_dead(q->shared);
}

/* Standard output is the application's; descriptors are moved out of each other's way first. */
static int spawn(QfRpcQueue *q, const char *program, int life)
{
  char qemu[] = "qemu-hexagon", *name = (char *)setting("QNNFLOW_HTPSIM_QEMU", qemu);
  char *argv[] = {name, (char *)program, NULL};
  posix_spawn_file_actions_t files;
  posix_spawnattr_t how;
  sigset_t none, all;
  const int shared = fcntl(q->fd, F_DUPFD_CLOEXEC, 10), end = fcntl(life, F_DUPFD_CLOEXEC, 10);
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&files, 2, 1);
  posix_spawn_file_actions_adddup2(&files, shared, 3);
  posix_spawn_file_actions_adddup2(&files, end, 4);
  posix_spawnattr_init(&how);
  posix_spawnattr_setflags(&how, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  posix_spawnattr_setsigmask(&how, &none);
  posix_spawnattr_setsigdefault(&how, &all);
  const int code = shared < 0 || end < 0 ? errno : posix_spawnp(&q->pid, name, &files, &how, argv, environ);
  posix_spawn_file_actions_destroy(&files);
  posix_spawnattr_destroy(&how);
  if (shared >= 0)
    close(shared);
  if (end >= 0)
    close(end);
  if (code)
    return qf_sim_fail(QF_RPC_ENOSUCHFILE, "%s cannot be started: %s; install qemu-user", name,
                       strerror(code));
  return QF_RPC_SUCCESS;
}

int qf_sim_program_start(QfRpcQueue *q)
{
  char path[4096];
  int life[2] = {-1, -1}, code = q->started ? QF_RPC_EBADSTATE : qf_sim_program_find(path, sizeof path);
  if (code)
    return code;
  if (!is_in_process()) {
    if (pipe2(life, O_CLOEXEC))
      return QF_RPC_ENOMEMORY;
    code = spawn(q, path, life[0]);
    close(life[0]);
    q->life = life[1];
    if (code)
      return code;
  }
  q->thread = qf_sim_os_thread(q->pid ? wait_for_process : run_here, q);
  if (!q->thread) {
    if (q->pid) {
      kill(q->pid, SIGKILL);
      waitpid(q->pid, NULL, 0);
    }
    return QF_RPC_ENOMEMORY;
  }
  q->started = true;
  return QF_RPC_SUCCESS;
}

void qf_sim_program_kill(QfRpcQueue *q)
{
  if (q->started && q->pid && !__atomic_load_n(&q->shared->finished, __ATOMIC_ACQUIRE))
    kill(q->pid, SIGKILL);
}

void qf_sim_program_end(QfRpcQueue *q)
{
  QfSimShared *s = q->shared;
  __atomic_store_n(&s->quit, 1, __ATOMIC_RELEASE);
  qf_sim_os_wake(&s->quit);
  qf_sim_os_wake(&s->request.written);
  qf_sim_os_wake(&s->answer.read);
  if (q->life >= 0)
    close(q->life);
  if (q->started) {
    const uint64_t end = qf_sim_os_now_us() + END_US;
    for (uint64_t now;
         q->pid && !__atomic_load_n(&s->finished, __ATOMIC_ACQUIRE) && (now = qf_sim_os_now_us()) < end;)
      qf_sim_os_wait(&s->finished, 0, (uint32_t)(end - now));
    qf_sim_program_kill(q);
    qf_sim_os_join(q->thread);
    if (q->pid)
      waitpid(q->pid, NULL, 0);
  }
  munmap(s, sizeof *s);
  close(q->fd);
}
