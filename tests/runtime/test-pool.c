/* SPDX-License-Identifier: MIT */
/*
 * test-pool.c - fork and join: every index once, on a valid thread, whether workers spin or sleep; and asleep they cost nothing.
 */
#include "libqnnflow/runtime/pool.h"

#include <glib.h>
#include <sys/resource.h>

typedef struct {
  gint hits[1000];
  gint bad_threads;
  guint n_threads;
} Counts;

static void count(void *arg, uint32_t index, uint32_t thread)
{
  Counts *c = arg;
  g_atomic_int_inc(&c->hits[index]);
  if (thread >= c->n_threads)
    g_atomic_int_inc(&c->bad_threads);
}

static void run_all(guint n_threads, guint gap_us)
{
  QfPool *pool = qf_pool_new(n_threads);
  g_assert_nonnull(pool);
  g_assert_cmpuint(qf_pool_n_threads(pool), ==, n_threads);
  for (guint round = 0; round < 200; round++) {
    Counts c = {.n_threads = n_threads};
    guint n = round * 7 % 1000;
    qf_pool_begin(pool);
    qf_pool_run(pool, n, count, &c);
    qf_pool_run(pool, n, count, &c);
    qf_pool_end(pool);
    if (gap_us)
      g_usleep(gap_us);
    for (guint i = 0; i < G_N_ELEMENTS(c.hits); i++)
      g_assert_cmpint(c.hits[i], ==, i < n ? 2 : 0);
    g_assert_cmpint(c.bad_threads, ==, 0);
  }
  qf_pool_free(pool);
}

static void test_pool(gconstpointer data)
{
  run_all(GPOINTER_TO_UINT(data), 0);
  run_all(GPOINTER_TO_UINT(data), 500);
}

typedef struct {
  gint owner[64]; /* thread + 1 of each index */
} Owners;

static void note_owner(void *arg, uint32_t index, uint32_t thread)
{
  Owners *o = arg;
  o->owner[index] = (gint)thread + 1;
  g_usleep(100);
}

/* Each half is begun by one thread, and what the other did of it is its end. */
static void test_shares(void)
{
  QfPool *pool = qf_pool_new(2);
  for (guint round = 0; round < 20; round++) {
    Owners o = {{0}};
    qf_pool_begin(pool);
    qf_pool_run(pool, G_N_ELEMENTS(o.owner), note_owner, &o);
    qf_pool_end(pool);
    for (guint half = 0; half < 2; half++)
      for (guint i = 1, changes = 0; i < G_N_ELEMENTS(o.owner) / 2; i++) {
        changes += o.owner[32 * half + i] != o.owner[32 * half + i - 1];
        g_assert_cmpuint(changes, <=, 1);
      }
  }
  qf_pool_free(pool);
}

static guint64 cpu_us(void)
{
  struct rusage u;
  getrusage(RUSAGE_SELF, &u);
  return ((guint64)u.ru_utime.tv_sec + (guint64)u.ru_stime.tv_sec) * G_USEC_PER_SEC +
         (guint64)u.ru_utime.tv_usec + (guint64)u.ru_stime.tv_usec;
}

/* Between runs threads sleep: a second of waiting costs next to nothing. Spinning would cost three seconds. */
static void test_idle(void)
{
  QfPool *pool = qf_pool_new(4);
  Counts c = {.n_threads = 4};
  qf_pool_begin(pool);
  qf_pool_run(pool, 100, count, &c);
  qf_pool_end(pool);
  g_usleep(50000); /* until all have gone to sleep */
  guint64 before = cpu_us();
  g_usleep(G_USEC_PER_SEC);
  guint64 spent = cpu_us() - before;
  g_test_message("%u us of CPU time in an idle second", (guint)spent);
  g_assert_cmpuint(spent, <, 20000);
  qf_pool_free(pool);
}

static void test_free_null(void)
{
  qf_pool_free(NULL);
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/pool/free-null", test_free_null);
  g_test_add_data_func("/pool/1", GUINT_TO_POINTER(1), test_pool);
  g_test_add_data_func("/pool/2", GUINT_TO_POINTER(2), test_pool);
  g_test_add_data_func("/pool/5", GUINT_TO_POINTER(5), test_pool);
  g_test_add_func("/pool/shares", test_shares);
  g_test_add_func("/pool/idle", test_idle);
  return g_test_run();
}
