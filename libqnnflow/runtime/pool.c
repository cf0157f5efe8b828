/* SPDX-License-Identifier: MIT */
/*
 * pool.c - spin, then futex.
 *
 * All state of a region is one 64-bit ticket: its generation and how many items nobody has taken. Whoever takes an item by
 * compare-and-swap knows that the region cannot end before it has counted it as done, so function and argument hold still.
 * A worker that wakes late finds no items and does no harm: a join waits for items, never for workers.
 */
#include "pool.h"

#include <glib.h>
#include <linux/futex.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SPINS_ACTIVE 100000 /* within an inference: some milliseconds */
#define SPINS_IDLE 1000     /* between them */
#define SPINS_JOIN 4000     /* then give the core away: somebody else may need it to finish our items */

typedef struct {
  QfPool *pool;
  uint32_t index;
  GThread *thread;
} Worker;

struct QfPool {
  _Alignas(64) _Atomic uint64_t ticket; /* generation << 32 | items left to take */
  _Alignas(64) _Atomic uint32_t done;   /* items finished in this region */
  _Alignas(64) _Atomic uint32_t epoch;  /* what sleepers wait on */
  _Atomic uint32_t sleepers;
  _Atomic bool active; /* between begin and end */
  _Atomic bool quit;
  _Alignas(64) QfPoolFunc fn;
  void *arg;
  uint32_t n;
  uint32_t n_threads;
  Worker *workers; /* [n_threads - 1] */
};

static inline void relax(void)
{
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

static void wake_all(QfPool *p)
{
  atomic_fetch_add(&p->epoch, 1);
  if (atomic_load(&p->sleepers))
    syscall(SYS_futex, &p->epoch, FUTEX_WAKE_PRIVATE, G_MAXINT, NULL, NULL, 0);
}

/* Takes and does items until none is left. */
static void do_items(QfPool *p, uint32_t thread)
{
  uint64_t t = atomic_load_explicit(&p->ticket, memory_order_acquire);
  while ((uint32_t)t) {
    if (!atomic_compare_exchange_weak_explicit(&p->ticket, &t, t - 1, memory_order_acq_rel,
                                               memory_order_acquire))
      continue;
    p->fn(p->arg, p->n - (uint32_t)t, thread);
    atomic_fetch_add_explicit(&p->done, 1, memory_order_release);
    t = atomic_load_explicit(&p->ticket, memory_order_acquire);
  }
}

static inline bool has_work(QfPool *p)
{
  return (uint32_t)atomic_load_explicit(&p->ticket, memory_order_acquire) || atomic_load(&p->quit);
}

/* Returns when there may be something to do. */
static void wait_for_work(QfPool *p)
{
  for (uint32_t i = 0;
       i < (atomic_load_explicit(&p->active, memory_order_relaxed) ? SPINS_ACTIVE : SPINS_IDLE); i++) {
    if (has_work(p))
      return;
    relax();
  }
  uint32_t epoch = atomic_load(&p->epoch);
  atomic_fetch_add(&p->sleepers, 1);
  if (!has_work(p))
    syscall(SYS_futex, &p->epoch, FUTEX_WAIT_PRIVATE, epoch, NULL, NULL, 0);
  atomic_fetch_sub(&p->sleepers, 1);
}

static gpointer worker_main(gpointer data)
{
  Worker *w = data;
  while (!atomic_load(&w->pool->quit)) {
    do_items(w->pool, w->index);
    wait_for_work(w->pool);
  }
  return NULL;
}

QfPool *qf_pool_new(uint32_t n_threads)
{
  g_return_val_if_fail(n_threads >= 1, NULL);
  QfPool *p = aligned_alloc(_Alignof(QfPool), sizeof(QfPool));
  if (!p)
    return NULL;
  memset(p, 0, sizeof(*p));
  p->n_threads = n_threads;
  p->workers = g_new0(Worker, n_threads);
  for (uint32_t i = 0; i + 1 < n_threads; i++) {
    Worker *w = &p->workers[i];
    *w = (Worker){p, i + 1, NULL};
    w->thread = g_thread_try_new("qnnflow", worker_main, w, NULL);
    if (!w->thread) {
      qf_pool_free(p);
      return NULL;
    }
  }
  return p;
}

void qf_pool_free(QfPool *p)
{
  if (!p)
    return;
  atomic_store(&p->quit, true);
  wake_all(p);
  for (uint32_t i = 0; i + 1 < p->n_threads && p->workers[i].thread; i++)
    g_thread_join(p->workers[i].thread);
  g_free(p->workers);
  free(p);
}

uint32_t qf_pool_n_threads(const QfPool *p)
{
  return p->n_threads;
}

void qf_pool_run(QfPool *p, uint32_t n, QfPoolFunc fn, void *arg)
{
  if (p->n_threads == 1 || n <= 1) {
    for (uint32_t i = 0; i < n; i++)
      fn(arg, i, 0);
    return;
  }
  p->fn = fn;
  p->arg = arg;
  p->n = n;
  atomic_store_explicit(&p->done, 0, memory_order_relaxed);
  uint64_t generation = (atomic_load_explicit(&p->ticket, memory_order_relaxed) >> 32) + 1;
  atomic_store(&p->ticket, generation << 32 | n);
  wake_all(p);
  do_items(p, 0);
  for (uint32_t i = 0; atomic_load_explicit(&p->done, memory_order_acquire) != n; i++)
    if (i < SPINS_JOIN)
      relax();
    else
      sched_yield();
}

void qf_pool_begin(QfPool *p)
{
  if (p->n_threads == 1)
    return;
  atomic_store(&p->active, true);
  wake_all(p);
}

void qf_pool_end(QfPool *p)
{
  atomic_store(&p->active, false);
}
