/* SPDX-License-Identifier: MIT */
/*
 * pool.c - spin, then futex; a share for each thread, and stealing at the end.
 *
 * Every thread has a range of items of its own, the same part of every region, so that what one step leaves in a core's cache
 * the next step finds there. It takes them from the front; who has none left takes from the back of others' ranges.
 * Whoever takes an item by compare-and-swap knows that the region cannot end before it has counted it as done, so function
 * and argument hold still. A worker that wakes late finds no items and does no harm: a join waits for items, never for workers.
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
  _Alignas(64) _Atomic uint64_t range; /* begin << 32 | end of the items that nobody has taken */
  QfPool *pool;
  uint32_t index;
  GThread *thread; /* NULL: the caller's */
} Worker;

struct QfPool {
  _Alignas(64) _Atomic uint32_t done;  /* items finished in this region */
  _Alignas(64) _Atomic uint32_t epoch; /* what sleepers wait on */
  _Atomic uint32_t sleepers;
  _Atomic bool active; /* between begin and end */
  _Atomic bool quit;
  _Alignas(64) QfPoolFunc fn;
  void *arg;
  uint32_t n;
  uint32_t n_threads;
  Worker workers[]; /* [n_threads]; the first is the caller */
};

static inline void relax(void)
{
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

/* Who goes to sleep says so first and then looks for work once more: it sees the work, or we see it. */
static void wake_all(QfPool *p)
{
  if (!atomic_load(&p->sleepers))
    return;
  atomic_fetch_add(&p->epoch, 1);
  syscall(SYS_futex, &p->epoch, FUTEX_WAKE_PRIVATE, G_MAXINT, NULL, NULL, 0);
}

/* Takes an item of @w's, the first or the last. FALSE: none is left. */
static bool take(Worker *w, bool first, uint32_t *item)
{
  uint64_t r = atomic_load_explicit(&w->range, memory_order_acquire);
  for (;;) {
    const uint32_t begin = (uint32_t)(r >> 32), end = (uint32_t)r;
    if (begin >= end)
      return false;
    *item = first ? begin : end - 1;
    if (atomic_compare_exchange_weak_explicit(&w->range, &r, first ? r + (1ull << 32) : r - 1,
                                              memory_order_acq_rel, memory_order_acquire))
      return true;
  }
}

/* Takes and does items until none is left. */
static void do_items(QfPool *p, uint32_t thread)
{
  uint32_t done = 0;
  for (uint32_t i = 0, item; i < p->n_threads; i++)
    while (take(&p->workers[(thread + i) % p->n_threads], i == 0, &item)) {
      p->fn(p->arg, item, thread);
      done++;
    }
  if (done)
    atomic_fetch_add_explicit(&p->done, done, memory_order_release);
}

static inline bool has_work(Worker *w)
{
  const uint64_t r = atomic_load(&w->range);
  return (uint32_t)(r >> 32) < (uint32_t)r || atomic_load(&w->pool->quit);
}

/* Returns when there may be something to do. */
static void wait_for_work(Worker *w)
{
  QfPool *p = w->pool;
  for (uint32_t i = 0;
       i < (atomic_load_explicit(&p->active, memory_order_relaxed) ? SPINS_ACTIVE : SPINS_IDLE); i++) {
    if (has_work(w))
      return;
    relax();
  }
  uint32_t epoch = atomic_load(&p->epoch);
  atomic_fetch_add(&p->sleepers, 1);
  if (!has_work(w))
    syscall(SYS_futex, &p->epoch, FUTEX_WAIT_PRIVATE, epoch, NULL, NULL, 0);
  atomic_fetch_sub(&p->sleepers, 1);
}

static gpointer worker_main(gpointer data)
{
  Worker *w = data;
  while (!atomic_load(&w->pool->quit)) {
    do_items(w->pool, w->index);
    wait_for_work(w);
  }
  return NULL;
}

QfPool *qf_pool_new(uint32_t n_threads)
{
  g_return_val_if_fail(n_threads >= 1, NULL);
  const size_t size = sizeof(QfPool) + n_threads * sizeof(Worker);
  QfPool *p = aligned_alloc(_Alignof(QfPool), size);
  if (!p)
    return NULL;
  memset(p, 0, size);
  p->n_threads = n_threads;
  for (uint32_t i = 0; i < n_threads; i++) { /* all, before a thread looks at them */
    p->workers[i].pool = p;
    p->workers[i].index = i;
  }
  for (uint32_t i = 1; i < n_threads; i++) {
    p->workers[i].thread = g_thread_try_new("qnnflow", worker_main, &p->workers[i], NULL);
    if (!p->workers[i].thread) {
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
  for (uint32_t i = 1; i < p->n_threads && p->workers[i].thread; i++)
    g_thread_join(p->workers[i].thread);
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
  for (uint32_t i = 0; i < p->n_threads; i++) {
    const uint64_t begin = (uint64_t)n * i / p->n_threads, end = (uint64_t)n * (i + 1) / p->n_threads;
    atomic_store(&p->workers[i].range, begin << 32 | end);
  }
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
