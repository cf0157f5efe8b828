/* SPDX-License-Identifier: MIT */
/*
 * test-many.c - passes over models whose nodes are all outputs: what is looked through in lists grows with the model, not with its
 * square. Counted by a function that stands before GLib's, as times would depend on the machine.
 */
#include "libqnnflow/passes/passes.h"

static guint64 looked;

gboolean g_ptr_array_find(GPtrArray *array, gconstpointer needle, guint *index)
{
  for (guint i = 0; i < array->len; i++) {
    looked++;
    if (array->pdata[i] != needle)
      continue;
    if (index)
      *index = i;
    return TRUE;
  }
  return FALSE;
}

/* Entries looked at in the lists of a model of @n nodes. */
static guint64 count(guint n)
{
  const int64_t dims[2] = {1, 4};
  g_autoptr(GError) error = NULL;
  g_autoptr(QfGraph) graph = qf_graph_new("many");
  QfTensor *x = qf_graph_add_tensor(graph, "x");
  qf_tensor_set_shape(x, QF_DTYPE_FLOAT32, dims, 2);
  g_ptr_array_add(graph->inputs, x);
  for (guint i = 0; i < n; i++) {
    QfTensor *y = qf_graph_add_tensor(graph, NULL);
    QfNode *node = qf_graph_new_node(graph, i % 2 ? "ElementWiseExp" : "ElementWiseNeg", NULL, &x, 1, &y, 1);
    g_assert_true(qf_graph_add_node(node, &error));
    g_ptr_array_add(graph->outputs, y);
    x = y;
  }
  looked = 0;
  g_assert_true(qf_graph_is_input(graph, graph->inputs->pdata[0]));
  g_assert_cmpuint(looked, ==, 1); /* the counter sees what the engine looks through */
  g_assert_true(qf_passes_run(graph, FALSE, &error));
  g_assert_cmpuint(graph->nodes->len, ==, n);
  return looked;
}

static void test_outputs(void)
{
  const guint64 few = count(500), many = count(2000);
  g_test_message("500 nodes: %" G_GUINT64_FORMAT " entries, 2000 nodes: %" G_GUINT64_FORMAT, few, many);
  g_assert_cmpuint(many, <=, 6 * few + 60000);
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/many/outputs", test_outputs);
  return g_test_run();
}
