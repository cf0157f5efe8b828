/* SPDX-License-Identifier: MIT */
/*
 * onnx_contrib.c - operators of the domain com.microsoft against numbers that ONNX Runtime gives for them (onnx_contrib_cases.c): each is a
 * small model that is loaded and run on ref and on cpu.
 */
#include "onnx_build.h"
#include "onnx_contrib.h"
#include "libqnnflow/graph/numbers.h"

#include <math.h>
#include <qnnflow/session.h>
#include <string.h>

static void fill(const QfTensorDesc *desc, void *data, const char *text)
{
  g_auto(GStrv) words = g_strsplit(text, " ", -1);
  const guint n = g_strv_length(words);
  g_assert_cmpint(qf_dims_count(desc->dims, desc->rank), ==, n);
  for (guint i = 0; i < n; i++)
    qf_number_store(desc->dtype, data, i, g_ascii_strtod(words[i], NULL));
}

/* Integers may be one step away where the case says so: the engine rounds once, ONNX Runtime after each of its steps. */
static void check_output(const ContribCase *c, const QfTensorDesc *desc, const void *data)
{
  g_auto(GStrv) words = g_strsplit(c->output, " ", -1);
  g_autofree char *dims = qf_dims_to_string(desc->dims, desc->rank);
  g_autofree char *type = g_strdup_printf("%s %s", qf_dtype_name(desc->dtype), dims);
  g_assert_cmpstr(type, ==, c->type);
  g_assert_cmpint(qf_dims_count(desc->dims, desc->rank), ==, g_strv_length(words));
  for (guint i = 0; words[i] && !g_test_failed(); i++) {
    double want = g_ascii_strtod(words[i], NULL), got = qf_number_real(desc->dtype, data, i);
    double limit = qf_dtype_is_float(desc->dtype) ? 1e-4 + 1e-4 * fabs(want) : c->steps;
    if (!(fabs(got - want) <= limit)) {
      g_test_message("element %u: %g, not %g", i, got, want);
      g_test_fail();
    }
  }
}

static void run(const ContribCase *c, const char *backend)
{
  g_autoptr(GBytes) bytes = onnx_build(c->model);
  g_autoptr(GError) error = NULL;
  g_autoptr(QfModel) model =
      qf_model_load_bytes(bytes, "test.onnx", &(QfModelOptions){.backend = backend}, &error);
  g_assert_no_error(error);
  if (!model)
    return;
  g_autoptr(QfSession) session = qf_session_new(model, &(QfSessionOptions){.n_threads = 1}, &error);
  g_assert_no_error(error);
  for (uint32_t i = 0; i < qf_model_n_inputs(model); i++)
    fill(qf_model_input(model, i), qf_session_input_data(session, i), c->inputs[i]);
  g_assert_true(qf_session_run(session, &error));
  g_assert_no_error(error);
  check_output(c, qf_model_output(model, 0), qf_session_output_data(session, 0));
}

static void check(gconstpointer data)
{
  run(data, "ref");
  run(data, "cpu");
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_set_nonfatal_assertions();
  for (guint i = 0; contrib_cases[i].name; i++) {
    g_autofree char *path = g_strdup_printf("/onnx-contrib/%s", contrib_cases[i].name);
    g_test_add_data_func(path, &contrib_cases[i], check);
  }
  return g_test_run();
}
