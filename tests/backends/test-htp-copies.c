/* SPDX-License-Identifier: MIT */
/*
 * test-htp-copies.c - the DSP reads and writes tensors where they are: in a session's own memory and in memory of qf_shared_alloc(); only other
 * memory is copied, with the same results.
 *
 * usage: test-htp-copies LIBRARY MODEL
 */
#include "libqnnflow/backends/htp/lower.h"
#include "libqnnflow/backends/shared.h"
#include "libqnnflow/runtime/model.h"

#include <qnnflow/qnnflow.h>
#include <string.h>

static char *library, *path;

static QfModel *load(void)
{
  g_autoptr(GError) error = NULL;
  const QfModelOptions options = {.backend = "htp-sim", .backend_library = library};
  QfModel *model = qf_model_load(path, &options, &error);
  g_assert_no_error(error);
  g_assert_cmpstr(qf_model_backend(model), ==, "htp-sim");
  return model;
}

static gint n_copies(QfModel *model)
{
  const QfHtpUnit *unit = model->unit->handle;
  return g_atomic_int_get(&unit->n_copies);
}

static gboolean is_shared(const void *data)
{
  QfShared *shared = qf_shared_find(data, 1);
  if (shared)
    qf_shared_unref(shared);
  return shared != NULL;
}

static void fill(void *data, size_t size)
{
  for (size_t i = 0; i < size; i++)
    ((uint8_t *)data)[i] = (uint8_t)(i * 31 % 61);
}

static GBytes *run(QfSession *session)
{
  g_autoptr(GError) error = NULL;
  g_assert_true(qf_session_run(session, &error));
  return g_bytes_new(qf_session_output_data(session, 0), qf_session_model(session)->outputs[0].size_bytes);
}

static void test_copies(void)
{
  QfModel *model = load();
  g_autoptr(GError) error = NULL;
  g_autoptr(QfSession) session = qf_session_new(model, NULL, &error);
  const size_t in = model->inputs[0].size_bytes, out = model->outputs[0].size_bytes;
  g_assert_true(is_shared(qf_session_input_data(session, 0)));
  g_assert_true(is_shared(qf_session_output_data(session, 0)));
  fill(qf_session_input_data(session, 0), in);
  g_autoptr(GBytes) own = run(session);
  g_autoptr(GBytes) again = run(session);
  g_assert_true(g_bytes_equal(own, again));
  g_assert_cmpint(n_copies(model), ==, 0);

  /* The caller's, mapped where it lies; not at a block's beginning. */
  uint8_t *mapped = qf_shared_alloc(in + out + 2 * QF_ALIGNMENT);
  uint8_t *mapped_out = mapped + QF_ALIGNMENT + (in + QF_ALIGNMENT - 1) / QF_ALIGNMENT * QF_ALIGNMENT;
  fill(mapped + QF_ALIGNMENT, in);
  g_assert_true(qf_session_bind_input(session, 0, mapped + QF_ALIGNMENT, in, &error));
  g_assert_true(qf_session_bind_output(session, 0, mapped_out,
                                       (size_t)(mapped + in + out + 2 * QF_ALIGNMENT - mapped_out), &error));
  g_autoptr(GBytes) shared = run(session);
  g_assert_true(g_bytes_equal(own, shared));
  g_assert_cmpint(n_copies(model), ==, 0);

  /* Other memory. */
  g_autofree uint8_t *plain_in = g_malloc(in), *plain_out = g_malloc(out);
  fill(plain_in, in);
  g_assert_true(qf_session_bind_input(session, 0, plain_in, in, &error));
  g_assert_true(qf_session_bind_output(session, 0, plain_out, out, &error));
  g_autoptr(GBytes) copied = run(session);
  g_assert_true(g_bytes_equal(own, copied));
  qf_session_bind_input(session, 0, NULL, 0, NULL);
  qf_session_bind_output(session, 0, NULL, 0, NULL);
  qf_shared_free(mapped);
  qf_model_unref(model);
}

/* Sessions come and go, and with them their memory, more than a device can have at a time. */
static void test_many_sessions(void)
{
  QfModel *model = load();
  g_autoptr(GError) error = NULL;
  GBytes *first = NULL;
  const guint n = g_getenv("QF_SANITIZED") ? 10 : 100; /* a run takes seconds there */
  for (guint i = 0; i < n; i++) {
    g_autoptr(QfSession) session = qf_session_new(model, NULL, &error);
    fill(qf_session_input_data(session, 0), model->inputs[0].size_bytes);
    g_autoptr(GBytes) result = run(session);
    first = first ? first : g_bytes_ref(result);
    g_assert_true(g_bytes_equal(first, result));
  }
  g_assert_cmpint(n_copies(model), ==, 0);
  g_bytes_unref(first);
  qf_model_unref(model);
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  library = argv[1];
  path = argv[2];
  g_setenv("QNNFLOW_HTPSIM_MODE", "host", TRUE);
  g_test_add_func("/htp/copies", test_copies);
  g_test_add_func("/htp/copies/many-sessions", test_many_sessions);
  return g_test_run();
}
