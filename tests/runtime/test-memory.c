/* SPDX-License-Identifier: MIT */
/*
 * test-memory.c - sessions of one model share its packed constants, and loading a file does not keep other forms of them. The model
 * is made here: layers whose weights are much larger than their activations. Memory is what the kernel counts as resident.
 */
#include "libqnnflow/import/native/native.h"

#include <glib/gstdio.h>
#include <qnnflow/qnnflow.h>
#include <stdio.h>
#include <unistd.h>

#define WIDTH 1536
#define LAYERS 4
#define WEIGHTS ((size_t)LAYERS * WIDTH * WIDTH * sizeof(float)) /* 37.7 MB */
#define SESSIONS 8
#define SLACK ((size_t)4 << 20) /* the heap's own */

static char *folder;

static size_t resident(void)
{
  unsigned long size = 0, pages = 0;
  FILE *f = fopen("/proc/self/statm", "r");
  g_assert_nonnull(f);
  g_assert_cmpint(fscanf(f, "%lu %lu", &size, &pages), ==, 2);
  fclose(f);
  return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static QfTensor *add_layer(QfGraph *graph, QfTensor *x, guint i)
{
  const int64_t dims[2] = {WIDTH, WIDTH};
  g_autofree char *name = g_strdup_printf("layer%u", i);
  float *w = g_new(float, WIDTH *WIDTH);
  for (size_t k = 0; k < (size_t)WIDTH * WIDTH; k++)
    w[k] = (float)((k * 7 + i) % 13) * 1e-3f;
  QfTensor *in[2] = {x, qf_graph_add_constant(graph, name, QF_DTYPE_FLOAT32, dims, 2,
                                              g_bytes_new_take(w, WIDTH * WIDTH * sizeof(*w)))};
  QfTensor *y = qf_graph_add_tensor(graph, NULL);
  QfNode *node = qf_graph_new_node(graph, "FullyConnected", name, in, 2, &y, 1);
  g_assert_true(qf_graph_add_node(node, NULL));
  return y;
}

static char *make_model(void)
{
  const int64_t dims[2] = {1, WIDTH};
  g_autoptr(GError) error = NULL;
  char *path = g_build_filename(folder, "large.qnnf", NULL);
  g_autoptr(QfGraph) graph = qf_graph_new("large");
  QfTensor *x = qf_graph_add_tensor(graph, "x");
  qf_tensor_set_shape(x, QF_DTYPE_FLOAT32, dims, 2);
  g_ptr_array_add(graph->inputs, x);
  for (guint i = 0; i < LAYERS; i++)
    x = add_layer(graph, x, i);
  g_ptr_array_add(graph->outputs, x);
  qf_graph_compact(graph);
  qf_native_write(graph, path, &error);
  g_assert_no_error(error);
  return path;
}

static QfSession *run_session(QfModel *model)
{
  g_autoptr(GError) error = NULL;
  QfSession *session = qf_session_new(model, &(QfSessionOptions){.n_threads = 1}, &error);
  g_assert_no_error(error);
  g_assert_true(qf_session_run(session, &error));
  return session;
}

static void check_shared(const char *path)
{
  g_autoptr(GError) error = NULL;
  QfSession *sessions[SESSIONS];
  QfModelStats stats;
  const size_t at_first = resident();
  g_autoptr(QfModel) model = qf_model_load(path, NULL, &error);
  g_assert_no_error(error);
  qf_model_stats(model, &stats);
  g_assert_cmpuint(stats.packed_bytes, >=, WEIGHTS);
  sessions[0] = run_session(model);
  const size_t with_one = resident();
  g_test_message("weights %.1f MB, packed %.1f MB, with one session %.1f MB more than without a model",
                 WEIGHTS / 1e6, stats.packed_bytes / 1e6, ((double)with_one - at_first) / 1e6);
  g_assert_cmpuint(with_one, >, at_first + WEIGHTS / 2); /* the figure is one of this model */
  g_assert_cmpuint(with_one, <, at_first + stats.packed_bytes + stats.arena_bytes + SLACK);
  for (guint i = 1; i < SESSIONS; i++)
    sessions[i] = run_session(model);
  const size_t each = stats.arena_bytes + stats.scratch_bytes + 4 * WIDTH * sizeof(float);
  g_test_message("%d sessions more: %.1f MB", SESSIONS - 1, ((double)resident() - with_one) / 1e6);
  g_assert_cmpuint(resident(), <, with_one + (SESSIONS - 1) * each + SLACK);
  for (guint i = 0; i < SESSIONS; i++)
    qf_session_free(sessions[i]);
}

static void test_packed_here(void)
{
  g_autofree char *path = make_model();
  check_shared(path);
  g_unlink(path);
}

static void test_packed_in_file(void)
{
  g_autoptr(GError) error = NULL;
  g_autofree char *path = make_model(), *packed = g_build_filename(folder, "packed.qnnf", NULL);
  qf_model_convert(path, packed, NULL, &error);
  g_assert_no_error(error);
  check_shared(packed);
  g_unlink(path);
  g_unlink(packed);
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  folder = g_dir_make_tmp("qnnflow-memory-XXXXXX", NULL);
  g_test_add_func("/memory/sessions", test_packed_here);
  g_test_add_func("/memory/sessions-of-a-packed-file", test_packed_in_file);
  const int result = g_test_run();
  g_rmdir(folder);
  g_free(folder);
  return result;
}
