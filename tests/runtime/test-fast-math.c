/* SPDX-License-Identifier: MIT */
/*
 * test-fast-math.c - enable_fast_math from end to end: bfloat16 kernels run and stay near the float32 results, or where the CPU has
 * none the log says so and nothing changes. QF_CPU decides which: "ref" has them in plain C.
 */
#include <qnnflow/qnnflow.h>

#include <math.h>
#include <string.h>

/* The first output for a fixed input, as floats. */
static float *run(const char *path, gboolean fast, gsize *n, char **dump)
{
  g_autoptr(GError) error = NULL;
  const QfModelOptions options = {.backend = "cpu", .enable_fast_math = fast};
  g_autoptr(QfModel) model = qf_model_load(path, &options, &error);
  g_assert_no_error(error);
  g_autoptr(QfSession) session = qf_session_new(model, NULL, &error);
  g_assert_no_error(error);
  g_assert_cmpint(qf_model_input(model, 0)->dtype, ==, QF_DTYPE_FLOAT32);
  float *in = qf_session_input_data(session, 0);
  guint32 state = 1;
  for (gsize i = 0; i < qf_model_input(model, 0)->size_bytes / sizeof(*in); i++) {
    state = state * 1664525 + 1013904223;
    in[i] = (float)(state >> 8) / (1 << 24);
  }
  g_assert_true(qf_session_run(session, &error));
  *n = qf_model_output(model, 0)->size_bytes / sizeof(float);
  *dump = qf_model_dump(model, QF_DUMP_TEXT);
  return g_memdup2(qf_session_output_data(session, 0), *n * sizeof(float));
}

static void test_near(gconstpointer path)
{
  gsize n = 0;
  double errors = 0, squares = 0;
  g_autofree char *exact_dump = NULL, *fast_dump = NULL;
  g_autofree float *exact = run(path, FALSE, &n, &exact_dump), *fast = run(path, TRUE, &n, &fast_dump);
  g_assert_null(strstr(exact_dump, "bf16"));
  g_assert_nonnull(strstr(fast_dump, "bf16"));
  for (gsize i = 0; i < n; i++) {
    const double difference = (double)fast[i] - exact[i];
    errors += difference * difference;
    squares += (double)exact[i] * exact[i];
  }
  const double error = sqrt(errors / squares);
  g_test_message("root mean square of the error, by that of the outputs: %.4f", error);
  g_assert_cmpfloat(error, >, 0);
  g_assert_cmpfloat(error, <, 0.02); /* as qnnflow/model.h has it */
}

static void test_missing(gconstpointer path)
{
  gsize n = 0;
  g_autofree char *exact_dump = NULL, *fast_dump = NULL;
  g_autofree float *exact = run(path, FALSE, &n, &exact_dump);
  g_test_expect_message("qnnflow", G_LOG_LEVEL_MESSAGE, "*fast math is not available*float32 is used*");
  g_autofree float *fast = run(path, TRUE, &n, &fast_dump);
  g_test_assert_expected_messages();
  g_assert_cmpstr(exact_dump, ==, fast_dump);
  g_assert_cmpmem(exact, n * sizeof(float), fast, n * sizeof(float));
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  if (!g_strcmp0(g_getenv("QF_CPU"), "avx2"))
    g_test_add_data_func("/fast-math/missing", argv[1], test_missing);
  else
    g_test_add_data_func("/fast-math/near", argv[1], test_near);
  return g_test_run();
}
