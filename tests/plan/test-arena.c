/* SPDX-License-Identifier: MIT */
/*
 * test-arena.c - arenas of real models: within 1.05 of the largest set of tensors that is needed at one time. Arguments are
 * folders that are searched for models; what the engine does not load is passed over, here only arenas are judged.
 */
#include <qnnflow/qnnflow.h>

#include <string.h>

#define LIMIT 1.05

static guint checked;

static void check(const char *path)
{
  g_autoptr(QfModel) model = qf_model_load(path, NULL, NULL);
  QfModelStats stats;
  if (!model)
    return;
  qf_model_stats(model, &stats);
  checked++;
  g_assert_cmpuint(stats.arena_bytes, >=,
                   stats.live_bytes > QF_ALIGNMENT ? stats.live_bytes - QF_ALIGNMENT : 0);
  if ((double)stats.arena_bytes > LIMIT * (double)stats.live_bytes)
    g_error("%s: its arena has %" G_GUINT64_FORMAT " bytes, the largest live set %" G_GUINT64_FORMAT, path,
            stats.arena_bytes, stats.live_bytes);
}

static gboolean is_model(const char *name)
{
  static const char *const suffixes[] = {".onnx", ".tflite", ".pb", ".caffemodel", ".pt2", ".qnnf"};
  for (guint i = 0; i < G_N_ELEMENTS(suffixes); i++)
    if (g_str_has_suffix(name, suffixes[i]))
      return TRUE;
  return FALSE;
}

static void search(const char *folder)
{
  g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
  const char *name;
  while (dir && (name = g_dir_read_name(dir))) {
    g_autofree char *path = g_build_filename(folder, name, NULL);
    if (g_file_test(path, G_FILE_TEST_IS_DIR))
      search(path);
    else if (is_model(name))
      check(path);
  }
}

static void test_folder(gconstpointer folder)
{
  checked = 0;
  if (!g_file_test(folder, G_FILE_TEST_IS_DIR)) {
    g_test_skip("the folder is not there");
    return;
  }
  search(folder);
  g_test_message("%u models", checked);
  g_assert_cmpuint(checked, >, 0);
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_log_set_always_fatal(G_LOG_FATAL_MASK); /* models may be loaded with a warning */
  for (int i = 1; i < argc; i++) {
    g_autofree char *name = g_strdup_printf("/arena/%d", i);
    g_test_add_data_func(name, argv[i], test_folder);
  }
  return g_test_run();
}
