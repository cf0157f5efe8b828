/* SPDX-License-Identifier: MIT */
/*
 * test-pool.c - fork and join: every index once, on a valid thread, whether workers spin or sleep.
 */
#include "libqnnflow/runtime/pool.h"

#include <glib.h>

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
  return g_test_run();
}
