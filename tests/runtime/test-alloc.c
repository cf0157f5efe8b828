/* SPDX-License-Identifier: MIT */
/*
 * test-alloc.c - qf_session_run() makes no heap allocation. The allocator is replaced for the whole process by one that counts.
 */
#include <qnnflow/qnnflow.h>

#include <stdlib.h>

static gint allocations;

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

void *malloc(size_t size)
{
  g_atomic_int_inc(&allocations);
  return __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
  g_atomic_int_inc(&allocations);
  return __libc_calloc(n, size);
}

void *realloc(void *p, size_t size)
{
  g_atomic_int_inc(&allocations);
  return __libc_realloc(p, size);
}

int posix_memalign(void **p, size_t alignment, size_t size)
{
  g_atomic_int_inc(&allocations);
  *p = __libc_memalign(alignment, size);
  return *p ? 0 : 12;
}

static void run_without_allocation(const char *path, guint n_threads)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(QfModel) model = qf_model_load(path, NULL, &error);
  g_assert_no_error(error);
  QfSessionOptions options = {.n_threads = n_threads, .profile = n_threads == 1};
  g_autoptr(QfSession) session = qf_session_new(model, &options, &error);
  g_assert_no_error(error);
  g_usleep(n_threads > 1 ? 100000 : 0); /* a thread that starts allocates its own state */
  gint before = g_atomic_int_get(&allocations);
  g_free(g_malloc(1)); /* the counter must see what it is meant to see */
  g_assert_cmpint(g_atomic_int_get(&allocations), ==, before + 1);
  before = g_atomic_int_get(&allocations);
  for (guint i = 0; i < 3; i++)
    if (!qf_session_run(session, &error))
      g_error("%s", error->message);
  g_assert_cmpint(g_atomic_int_get(&allocations), ==, before);
}

static void test_model(gconstpointer path)
{
  if (!g_file_test(path, G_FILE_TEST_EXISTS)) {
    g_test_skip("the file is not there");
    return;
  }
  run_without_allocation(path, 1);
  run_without_allocation(path, 2);
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  for (int i = 1; i < argc; i++) {
    g_autofree char *base = g_path_get_basename(argv[i]), *directory = g_path_get_dirname(argv[i]);
    g_autofree char *folder = g_path_get_basename(directory),
                    *name = g_strdup_printf("/alloc/%s/%s", folder, base);
    g_test_add_data_func(name, argv[i], test_model);
  }
  return g_test_run();
}
