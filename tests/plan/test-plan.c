/* SPDX-License-Identifier: MIT */
/*
 * test-plan.c - the arena plan against its definition: nothing alive together overlaps, offsets are aligned, and the size is close
 * to the largest live set.
 */
#include "libqnnflow/plan/plan.h"

#include <glib.h>

static void check(QfPlanItem *items, guint n, double limit)
{
  size_t total = qf_plan_arena(items, n, 64), bound = qf_plan_lower_bound(items, n, 1);
  for (guint i = 0; i < n; i++) {
    g_assert_cmpuint(items[i].offset_bytes % 64, ==, 0);
    g_assert_cmpuint(items[i].offset_bytes + items[i].size_bytes, <=, total);
    for (guint k = 0; k < i; k++) {
      gboolean alive = items[i].first <= items[k].last && items[k].first <= items[i].last;
      gboolean apart = items[i].offset_bytes + items[i].size_bytes <= items[k].offset_bytes ||
                       items[k].offset_bytes + items[k].size_bytes <= items[i].offset_bytes;
      g_assert_true(!alive || apart);
    }
  }
  g_assert_cmpuint(total, >=, bound);
  g_assert_cmpfloat((double)total, <=, limit * (double)bound + 64);
}

static void test_empty(void)
{
  g_assert_cmpuint(qf_plan_arena(NULL, 0, 64), ==, 0);
  g_assert_cmpuint(qf_plan_lower_bound(NULL, 0, 64), ==, 0);
}

/* A straight network: each tensor lives from its producer to the next step. The optimum is two neighbours. */
static void test_chain(void)
{
  QfPlanItem items[50];
  for (guint i = 0; i < G_N_ELEMENTS(items); i++)
    items[i] = (QfPlanItem){.size_bytes = 64 * (1 + i * 37 % 101), .first = i, .last = i + 1};
  check(items, G_N_ELEMENTS(items), 1.05);
}

static void test_random(void)
{
  for (guint round = 0; round < 200; round++) {
    g_autoptr(GRand) random = g_rand_new_with_seed(round);
    QfPlanItem items[60];
    guint n = (guint)g_rand_int_range(random, 1, 61);
    for (guint i = 0; i < n; i++) {
      guint first = (guint)g_rand_int_range(random, 0, 80);
      items[i] = (QfPlanItem){.size_bytes = (size_t)g_rand_int_range(random, 0, 5000),
                              .first = first,
                              .last = first + (guint)g_rand_int_range(random, 0, 12)};
    }
    check(items, n, 1.3);
  }
}

/* Buffers that pile up until one reads them all, then large ones that meet in pairs: the order of size alone leaves a third unused. */
static void test_pile(void)
{
  QfPlanItem items[32] = {{1997952, 40, 41}, {1937408, 36, 37}, {1937408, 39, 40}, {1700736, 30, 31},
                          {1453056, 31, 32}, {1453056, 32, 39}, {1453056, 33, 34}, {181632, 34, 36}};
  guint n = 8;
  for (guint i = 0; i < 8; i++)
    items[n++] = (QfPlanItem){.size_bytes = 212592, .first = 10 + 2 * i, .last = 30};
  check(items, n, 1.05);
}

/* Two large buffers, then small ones by turns: each lies about the middle of a large one, so that a thread finds its part of it there. */
static void test_settled(void)
{
  QfPlanItem items[12];
  for (guint i = 0; i < G_N_ELEMENTS(items); i++)
    items[i] = (QfPlanItem){.size_bytes = i < 2 ? 1 << 20 : 1 << 18, .first = i, .last = i + 1};
  check(items, G_N_ELEMENTS(items), 1);
  for (guint i = 2; i < G_N_ELEMENTS(items); i++) {
    const size_t middle = items[i].offset_bytes + (1 << 17), large = items[i % 2].offset_bytes;
    g_assert_cmpuint(middle, >=, large + (3 << 17));
    g_assert_cmpuint(middle, <=, large + (5 << 17));
  }
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/plan/empty", test_empty);
  g_test_add_func("/plan/chain", test_chain);
  g_test_add_func("/plan/pile", test_pile);
  g_test_add_func("/plan/random", test_random);
  g_test_add_func("/plan/settled", test_settled);
  return g_test_run();
}
