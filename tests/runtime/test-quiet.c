/* SPDX-License-Identifier: MIT */
/*
 * test-quiet.c - a run with one thread makes no system call and takes no lock. Calls are forbidden by seccomp in a child; locks are
 * counted by functions that stand before those of the C library and of GLib. Allocation is test-alloc's business.
 */
#include <qnnflow/qnnflow.h>

#include <dlfcn.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static gint locks;

/* Each counts and goes on to the function of the same name behind it. */
#define COUNT_LOCK(type, name, argument)                                                                     \
  type name(argument *lock)                                                                                  \
  {                                                                                                          \
    static type (*next)(argument *);                                                                         \
    if (!next)                                                                                               \
      *(void **)&next = dlsym(RTLD_NEXT, #name);                                                             \
    g_atomic_int_inc(&locks);                                                                                \
    return next(lock);                                                                                       \
  }
COUNT_LOCK(int, pthread_mutex_lock, pthread_mutex_t)
COUNT_LOCK(int, pthread_mutex_trylock, pthread_mutex_t)
COUNT_LOCK(int, pthread_rwlock_rdlock, pthread_rwlock_t)
COUNT_LOCK(int, pthread_rwlock_wrlock, pthread_rwlock_t)
COUNT_LOCK(int, pthread_spin_lock, pthread_spinlock_t)
COUNT_LOCK(void, g_mutex_lock, GMutex)
COUNT_LOCK(gboolean, g_mutex_trylock, GMutex)
COUNT_LOCK(void, g_rec_mutex_lock, GRecMutex)
COUNT_LOCK(void, g_rw_lock_reader_lock, GRWLock)
COUNT_LOCK(void, g_rw_lock_writer_lock, GRWLock)

enum { OK = 0, LOCKED = 10, FAILED, NOT_PERMITTED };

/* From here on the process may only end. */
static gboolean forbid_calls(void)
{
  struct sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
  };
  const struct sock_fprog program = {G_N_ELEMENTS(code), code};
  return !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) &&
         !prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0);
}

/* Runs in a child; its exit status says what happened. */
static void run_quietly(QfSession *session)
{
  if (!qf_session_run(session, NULL) || !qf_session_run(session, NULL))
    _exit(FAILED);
  if (!forbid_calls())
    _exit(NOT_PERMITTED);
  const gint before = g_atomic_int_get(&locks);
  for (guint i = 0; i < 3; i++)
    if (!qf_session_run(session, NULL))
      _exit(FAILED);
  _exit(g_atomic_int_get(&locks) == before ? OK : LOCKED);
}

/* What the child's status is when @what is done with calls forbidden. */
static int status_of(void (*what)(gpointer), gpointer data)
{
  int status = 0;
  const pid_t child = fork();
  g_assert_cmpint(child, >=, 0);
  if (!child) {
    what(data);
    _exit(FAILED);
  }
  g_assert_cmpint(waitpid(child, &status, 0), ==, child);
  return status;
}

static void run_child(gpointer session)
{
  run_quietly(session);
}

static void read_clock(gpointer data)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  if (!forbid_calls())
    _exit(NOT_PERMITTED);
  clock_gettime(CLOCK_MONOTONIC, &t);
  _exit(OK);
}

static void call_system(gpointer data)
{
  if (!forbid_calls())
    _exit(NOT_PERMITTED);
  syscall(SYS_getppid);
  _exit(OK);
}

/* FALSE, having skipped: the test could not tell. */
static gboolean can_tell(void)
{
  int status = status_of(call_system, NULL);
  if (WIFEXITED(status)) {
    g_assert_cmpint(WEXITSTATUS(status), ==, NOT_PERMITTED);
    g_test_skip("seccomp is not permitted here");
    return FALSE;
  }
  status = status_of(read_clock, NULL);
  if (!WIFEXITED(status))
    g_test_skip("reading the clock is a system call on this machine");
  return WIFEXITED(status);
}

static void test_model(gconstpointer path)
{
  g_autoptr(GError) error = NULL;
  GMutex mutex;
  if (!g_file_test(path, G_FILE_TEST_EXISTS)) {
    g_test_skip("the file is not there");
    return;
  }
  if (!can_tell())
    return;
  const gint before = g_atomic_int_get(&locks);
  g_mutex_init(&mutex);
  g_mutex_lock(&mutex);
  g_mutex_unlock(&mutex);
  g_assert_cmpint(g_atomic_int_get(&locks), >, before); /* the counter sees what it is meant to see */
  g_autoptr(QfModel) model = qf_model_load(path, NULL, &error);
  g_assert_no_error(error);
  g_autoptr(QfSession) session =
      qf_session_new(model, &(QfSessionOptions){.n_threads = 1, .profile = TRUE}, &error);
  g_assert_no_error(error);
  const int status = status_of(run_child, session);
  if (WIFSIGNALED(status))
    g_error("%s: a run has made a system call (signal %d)", (const char *)path, WTERMSIG(status));
  g_assert_cmpint(WEXITSTATUS(status), ==, OK);
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  for (int i = 1; i < argc; i++) {
    g_autofree char *base = g_path_get_basename(argv[i]), *directory = g_path_get_dirname(argv[i]);
    g_autofree char *folder = g_path_get_basename(directory),
                    *name = g_strdup_printf("/quiet/%s/%s", folder, base);
    g_test_add_data_func(name, argv[i], test_model);
  }
  return g_test_run();
}
