/* SPDX-License-Identifier: MIT */
/*
 * test-threads.c - the outputs of a model are the same, bit for bit, whatever the number of threads: work is cut into pieces by rows and
 * columns, never within a sum.
 *
 * usage: test-threads MODEL...   Models that are not there are skipped.
 */
#include <glib.h>
#include <qnnflow/session.h>
#include <string.h>

/* Seeded; floats in -1 .. 1, anything else small integers of its size. */
static void fill(const QfTensorDesc *desc, void *data)
{
  guint32 state = 7;
  for (gsize i = 0; i < desc->size_bytes / (desc->dtype == QF_DTYPE_FLOAT32 ? 4 : 1); i++) {
    state = state * 1664525u + 1013904223u;
    if (desc->dtype == QF_DTYPE_FLOAT32)
      ((float *)data)[i] = (float)(gint32)state / 2147483648.0f;
    else
      ((guint8 *)data)[i] = (guint8)(state >> 24);
  }
}

/* All outputs of two runs, one after the other; NULL: the model cannot be run with these inputs. */
static GByteArray *outputs(QfModel *model, guint n_threads)
{
  QfSessionOptions options = {.n_threads = n_threads};
  g_autoptr(GError) error = NULL;
  g_autoptr(QfSession) session = qf_session_new(model, &options, &error);
  GByteArray *all = g_byte_array_new();
  g_assert_no_error(error);
  for (guint i = 0; i < qf_model_n_inputs(model); i++)
    fill(qf_model_input(model, i), qf_session_input_data(session, i));
  for (guint round = 0; round < 2; round++) {
    qf_session_run(session, &error);
    g_assert_no_error(error);
    for (guint i = 0; i < qf_model_n_outputs(model); i++)
      g_byte_array_append(all, qf_session_output_data(session, i),
                          (guint)qf_model_output(model, i)->size_bytes);
  }
  return all;
}

static void test_model(gconstpointer path)
{
  static const guint counts[] = {2, 3, 8};
  g_autoptr(GError) error = NULL;
  if (!g_file_test(path, G_FILE_TEST_EXISTS)) {
    g_test_skip("the model is not there");
    return;
  }
  g_autoptr(QfModel) model = qf_model_load(path, NULL, &error);
  g_assert_no_error(error);
  g_autoptr(GByteArray) one = outputs(model, 1);
  g_assert_cmpuint(one->len, >, 0);
  for (guint k = 0; k < G_N_ELEMENTS(counts); k++) {
    g_autoptr(GByteArray) many = outputs(model, counts[k]);
    g_test_message("%u threads", counts[k]);
    g_assert_cmpmem(one->data, one->len, many->data, many->len);
  }
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  for (int i = 1; i < argc; i++) {
    g_autofree char *base = g_path_get_basename(argv[i]);
    g_autofree char *name = g_strconcat("/threads/", base, NULL);
    g_test_add_data_func(name, argv[i], test_model);
  }
  return g_test_run();
}
