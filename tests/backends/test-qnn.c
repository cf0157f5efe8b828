/* SPDX-License-Identifier: MIT */
/*
 * test-qnn.c - the backend over QNN libraries, on a fake one: parts and numbers, what a library refuses, every way in which it fails,
 * settings, contexts that are kept, damaged and of another model.
 */
#include "tests/import/onnx_build.h"

#include <dlfcn.h>
#include <glib/gstdio.h>
#include <math.h>
#include <qnnflow/qnnflow.h>
#include <string.h>

static char *library;

static const char chain[] = "opset 13\nin x f32 2,3\nnode Relu x -> a\nnode Abs a -> b\nnode Relu b -> "
                            "c\nnode Neg c -> d\nnode Abs d -> y\n"
                            "out y\n";

static QfModel *load(const char *text, const QfModelOptions *more, GError **error)
{
  g_autoptr(GBytes) bytes = onnx_build(text);
  QfModelOptions options = more ? *more : (QfModelOptions){0};
  options.backend = "qnn";
  options.backend_library = library;
  options.no_optimize = TRUE;
  return qf_model_load_bytes(bytes, "net.onnx", &options, error);
}

static gboolean run(QfModel *model, float *y, GError **error)
{
  static const float x[] = {-3, -1, 0, 1, 2, 4};
  g_autoptr(QfSession) session = qf_session_new(model, NULL, error);
  memcpy(qf_session_input_data(session, 0), x, sizeof(x));
  if (!qf_session_run(session, error))
    return FALSE;
  memcpy(y, qf_session_output_data(session, 0), sizeof(x));
  return TRUE;
}

static void check(QfModel *model)
{
  static const float expected[] = {0, 0, 0, 1, 2, 4};
  float y[6];
  g_autoptr(GError) error = NULL;
  g_assert_true(run(model, y, &error));
  g_assert_no_error(error);
  g_assert_cmpmem(y, sizeof(y), expected, sizeof(expected));
}

static int *counter(const char *name)
{
  void *handle = dlopen(library, RTLD_NOW);
  int *n = handle ? dlsym(handle, name) : NULL;
  g_assert_nonnull(n);
  dlclose(handle);
  return n;
}

/* With so little work in each part, none is worth a call, but the whole model is when it is one part. */
static void test_parts(void)
{
  g_autoptr(GError) error = NULL;
  QfModelStats stats;
  g_autoptr(QfModel) model =
      load("opset 13\nin x f32 2,3\nnode Relu x -> a\nnode Abs a -> y\nout y\n", NULL, &error);
  g_assert_no_error(error);
  qf_model_stats(model, &stats);
  g_assert_cmpuint(stats.n_parts, ==, 1);
  g_assert_cmpuint(stats.n_fallback, ==, 0);
  check(model);
  g_assert_cmpint(*counter("fake_qnn_contexts"), ==, 1);
  g_clear_pointer(&model, qf_model_unref);
  g_assert_cmpint(*counter("fake_qnn_contexts"), ==, 0);
}

static void test_refused(void)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(QfModel) model = load(chain, NULL, &error);
  g_autofree char *text = qf_model_explain(model);
  g_assert_no_error(error);
  g_assert_nonnull(
      strstr(text, "(ElementWiseNeg) on cpu: FAKE refuses ElementWiseNeg: a fake message (error 3110)"));
  g_assert_nonnull(strstr(text, "4 nodes on cpu: too little work"));
  check(model);
  g_assert_null(load(chain, &(QfModelOptions){.fallback = "none"}, &error));
  g_assert_error(error, QF_ERROR, QF_ERROR_UNSUPPORTED);
}

/* What the library does wrong, what the message says, and whether the CPU may take over. */
static const struct {
  const char *fault, *message;
  gboolean loads;
} faults[] = {
    {"no-finalize",
     "the graph cannot be finalized: a fake message (error 1002). Its log: first 1; op 7 does not fit", TRUE},
    {"refuse-abs", "refuses ElementWiseAbs", TRUE},
};

static void test_fault(gconstpointer data)
{
  const guint i = GPOINTER_TO_UINT(data);
  const char *text = "opset 13\nin x f32 2,3\nnode Relu x -> a\nnode Abs a -> y\nout y\n";
  g_autoptr(GError) error = NULL;
  g_setenv("QF_FAKE_QNN", faults[i].fault, TRUE);
  g_autoptr(QfModel) model = load(text, NULL, NULL);
  g_assert_nonnull(model);
  g_autofree char *why = qf_model_explain(model);
  g_assert_nonnull(strstr(why, faults[i].message));
  check(model);
  g_assert_null(load(text, &(QfModelOptions){.fallback = "none"}, &error));
  g_assert_nonnull(strstr(error->message, faults[i].message));
  g_unsetenv("QF_FAKE_QNN");
  g_clear_pointer(&model, qf_model_unref);
  g_assert_cmpint(*counter("fake_qnn_contexts"), ==, 0);
}

static void test_execute(void)
{
  float y[6];
  g_autoptr(GError) error = NULL;
  g_autoptr(QfModel) model = load("opset 13\nin x f32 2,3\nnode Relu x -> y\nout y\n", NULL, NULL);
  g_setenv("QF_FAKE_QNN", "no-execute", TRUE);
  g_assert_false(run(model, y, &error));
  g_unsetenv("QF_FAKE_QNN");
  g_assert_error(error, QF_ERROR, QF_ERROR_DEVICE);
  g_assert_nonnull(strstr(error->message, "net.onnx: running it failed: a fake message (error 6031)"));
  check(model); /* and it goes on when the library does */
}

/* A library under another name is loaded anew. */
static void test_library(gconstpointer data)
{
  const char *const *row = data;
  g_autofree char *folder = g_dir_make_tmp("qnnflow-XXXXXX", NULL),
                  *path = g_build_filename(folder, "libOther.so", NULL);
  g_autofree char *bytes = NULL;
  gsize size;
  g_autoptr(GError) error = NULL;
  g_autoptr(GBytes) model = onnx_build(chain);
  g_assert_true(g_file_get_contents(library, &bytes, &size, NULL) &&
                g_file_set_contents(path, bytes, (gssize)size, NULL));
  g_setenv("QF_FAKE_QNN", row[0], TRUE);
  g_assert_null(qf_model_load_bytes(model, "net.onnx",
                                    &(QfModelOptions){.backend = "qnn", .backend_library = path}, &error));
  g_unsetenv("QF_FAKE_QNN");
  g_assert_error(error, QF_ERROR, QF_ERROR_DEVICE);
  g_assert_nonnull(strstr(error->message, row[1]));
  g_unlink(path);
  g_rmdir(folder);
}

static void test_missing(void)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GBytes) model = onnx_build(chain);
  g_assert_null(
      qf_model_load_bytes(model, "net.onnx",
                          &(QfModelOptions){.backend = "qnn", .backend_library = "/nowhere/libQnnHtp.so"},
                          &error));
  g_assert_error(error, QF_ERROR, QF_ERROR_DEVICE);
}

static void test_settings(gconstpointer data)
{
  const char *const *row = data;
  g_autofree char *path = NULL;
  g_autoptr(GError) error = NULL;
  g_close(g_file_open_tmp("qnnflow-XXXXXX.json", &path, NULL), NULL);
  g_assert_true(g_file_set_contents(path, row[0], -1, NULL));
  g_autoptr(QfModel) model = load(chain, &(QfModelOptions){.backend_config = path}, &error);
  if (row[1]) {
    g_assert_null(model);
    g_assert_nonnull(strstr(error->message, row[1]));
  } else {
    g_assert_no_error(error);
  }
  g_unlink(path);
}

/* Memory that can be shared is made known once for each slot; the library reads and writes it where it lies. Anything else, a library
 * that cannot, and one that refuses: by address. */
static void test_memory(gconstpointer data)
{
  static const float x[] = {-3, -1, 0, 1, 2, 4}, expected[] = {0, 0, 0, 1, 2, 4};
  const char *const *row = data;
  const gboolean handles = !strcmp(row[0], "memory");
  float plain[6];
  void *slots[4];
  g_autoptr(GError) error = NULL;
  g_setenv("QF_FAKE_QNN", row[0], TRUE);
  g_autoptr(QfModel) model = load("opset 13\nin x f32 2,3\nnode Relu x -> y\nout y\n", NULL, &error);
  g_assert_true(qf_model_maps_memory(model));
  g_autoptr(QfSession) session = qf_session_new(model, NULL, &error);
  const int before = *counter("fake_qnn_registrations"), used = *counter("fake_qnn_by_handle");
  for (guint i = 0; i < G_N_ELEMENTS(slots); i++)
    g_assert_nonnull(slots[i] = qf_shared_alloc(sizeof(x)));
  for (guint i = 0; i < 30; i++) {
    void *in = slots[i % 3], *out = i % 2 ? (void *)plain : slots[3];
    memcpy(in, x, sizeof(x));
    memset(out, 1, sizeof(x));
    g_assert_true(qf_session_bind_input(session, 0, in, sizeof(x), &error) &&
                  qf_session_bind_output(session, 0, out, sizeof(x), &error));
    g_assert_true(qf_session_run(session, &error));
    g_assert_cmpmem(out, sizeof(x), expected, sizeof(x));
  }
  g_assert_cmpint(*counter("fake_qnn_registrations") - before, ==, handles ? 4 : 0);
  g_assert_cmpint(*counter("fake_qnn_by_handle") - used, ==, handles ? 45 : 0);
  for (guint i = 0; i < G_N_ELEMENTS(slots); i++)
    qf_shared_free(slots[i]);
  for (guint i = 0; i < 200; i++) { /* slots that come and go: handles do not pile up */
    void *in = qf_shared_alloc(sizeof(x));
    memcpy(in, x, sizeof(x));
    g_assert_true(qf_session_bind_input(session, 0, in, sizeof(x), &error) &&
                  qf_session_run(session, &error));
    g_assert_cmpmem(plain, sizeof(x), expected, sizeof(x));
    g_assert_true(qf_session_bind_input(session, 0, NULL, 0, &error));
    qf_shared_free(in);
  }
  g_assert_cmpint(*counter("fake_qnn_registered"), <=, 64);
  g_unsetenv("QF_FAKE_QNN");
  g_clear_pointer(&session, qf_session_free);
  g_clear_pointer(&model, qf_model_unref);
  g_assert_cmpint(*counter("fake_qnn_registered"), ==, 0);
}

/* htp takes the vendor's library where that finds a device, else our kernels; without either, the message names both. */
static void test_route(void)
{
  static const char text[] = "opset 13\nin x f32 2,3\nnode Relu x -> y\nout y\n";
  g_autoptr(GBytes) bytes = onnx_build(text);
  g_autoptr(GError) error = NULL, neither = NULL;
  g_autofree char *told = NULL;
  QfModelOptions options = {.backend = "htp", .backend_library = library, .no_optimize = TRUE};
  g_setenv("QNNFLOW_EMULATOR_IS_DEVICE", "1", TRUE);
  g_autoptr(QfModel) model = qf_model_load_bytes(bytes, "net.onnx", &options, &error);
  g_assert_no_error(error);
  g_assert_cmpstr(qf_model_backend(model), ==, "qnn");
  check(model);
  options.backend_library = NULL;
  if (!qf_model_load_bytes(bytes, "net.onnx", &options, &neither)) {
    g_assert_error(neither, QF_ERROR, QF_ERROR_DEVICE);
    g_assert_nonnull(strstr(neither->message, "libQnnHtp.so"));
    g_assert_nonnull(strstr(neither->message, "libcdsprpc.so"));
  }
  g_unsetenv("QNNFLOW_EMULATOR_IS_DEVICE");
  told = qf_device_diagnose("htp", library, &error);
  g_assert_nonnull(strstr(told, "the vendor's library"));
  g_assert_nonnull(strstr(told, "our kernels over FastRPC"));
}

/* What the unit measures: nothing, the whole, each node. What is left of a step's time is the call. */
static void test_profile(void)
{
  static const struct {
    const char *level;
    guint n;
    struct {
      const char *op;
      double us; /* of a run; 0: what is left */
    } rows[3];
  } levels[] = {{"off", 1, {{"ElementWiseAbs", 0}}},
                {"basic", 2, {{"Graph", 2000}, {"Call", 0}}},
                {"detailed", 3, {{"Relu", 200}, {"ElementWiseAbs", 200}, {"Call", 0}}}};
  for (guint i = 0; i < G_N_ELEMENTS(levels); i++) {
    g_autofree char *json = g_strdup_printf("{\"profiling_level\": \"%s\"}", levels[i].level), *path = NULL;
    g_autoptr(GError) error = NULL;
    uint32_t n;
    g_close(g_file_open_tmp("qnnflow-XXXXXX.json", &path, NULL), NULL);
    g_assert_true(g_file_set_contents(path, json, -1, NULL));
    g_autoptr(QfModel) model = load("opset 13\nin x f32 2,3\nnode Relu x -> a\nnode Abs a -> y\nout y\n",
                                    &(QfModelOptions){.backend_config = path}, &error);
    g_assert_no_error(error);
    g_autoptr(QfSession) session = qf_session_new(model, &(QfSessionOptions){.profile = TRUE}, &error);
    for (guint k = 0; k < 3; k++)
      g_assert_true(qf_session_run(session, &error));
    const QfLayerProfile *layers = qf_session_layers(session, &n);
    g_assert_cmpuint(n, ==, levels[i].n);
    for (guint k = 0; k < n; k++) {
      g_assert_cmpstr(layers[k].op, ==, levels[i].rows[k].op);
      g_assert_cmpuint(layers[k].runs, ==, 3);
      g_assert_cmpstr(layers[k].unit, ==, "qnn");
      if (levels[i].rows[k].us > 0)
        g_assert_cmpfloat((double)layers[k].total_ns / 3e3, ==, levels[i].rows[k].us);
    }
    g_unlink(path);
  }
  g_assert_cmpint(*counter("fake_qnn_profiles"), ==, 0);
}

/* Folder for contexts, and the settings that name it. */
typedef struct {
  char *folder, *settings;
} Cache;

static char *only_file(const Cache *c)
{
  g_autoptr(GDir) dir = g_dir_open(c->folder, 0, NULL);
  const char *name = g_dir_read_name(dir);
  return name ? g_build_filename(c->folder, name, NULL) : NULL;
}

static int graphs_built_for(const Cache *c)
{
  static const char text[] = "opset 13\nin x f32 2,3\nnode Relu x -> a\nnode Abs a -> y\nout y\n";
  g_autoptr(GError) error = NULL;
  const int before = *counter("fake_qnn_built");
  g_autoptr(QfModel) model = load(text, &(QfModelOptions){.backend_config = c->settings}, &error);
  g_assert_no_error(error);
  check(model);
  return *counter("fake_qnn_built") - before;
}

static void test_cache(void)
{
  Cache c = {.folder = g_dir_make_tmp("qnnflow-XXXXXX", NULL)};
  g_autofree char *json = g_strdup_printf("{\"context_cache\": \"%s\"}", c.folder), *bytes = NULL;
  gsize size;
  c.settings = g_build_filename(c.folder, "..", "qnnflow-test-cache.json", NULL);
  g_assert_true(g_file_set_contents(c.settings, json, -1, NULL));
  g_assert_cmpint(graphs_built_for(&c), ==, 1);
  g_assert_cmpint(graphs_built_for(&c), ==, 0); /* from the file */
  g_autofree char *file = only_file(&c);
  g_assert_true(g_file_get_contents(file, &bytes, &size, NULL));
  for (gsize at = 0; at < size; at += MAX(size / 23, 1)) { /* a flipped byte anywhere */
    bytes[at] ^= 1;
    g_assert_true(g_file_set_contents(file, bytes, (gssize)size, NULL));
    g_assert_cmpint(graphs_built_for(&c), ==, 1);
    bytes[at] ^= 1;
  }
  g_assert_true(g_file_set_contents(file, bytes, (gssize)size / 2, NULL)); /* cut short */
  g_assert_cmpint(graphs_built_for(&c), ==, 1);
  g_assert_cmpint(graphs_built_for(&c), ==, 0);
  g_unlink(file);
  g_unlink(c.settings);
  g_rmdir(c.folder);
  g_free(c.folder);
  g_free(c.settings);
  g_assert_cmpint(*counter("fake_qnn_contexts"), ==, 0);
}

int main(int argc, char **argv)
{
  static const char *const libraries[][2] = {{"old", "version 1.40 of the QNN interface"},
                                             {"hole", "of the QNN interface, 2.x is needed"},
                                             {"no-interface", "it is no QNN backend"}};
  static const char *const memories[] = {"memory", "memory,no-map", "none"};
  static const char *const settings[][2] = {
      {"{\"soc_model\": 43, \"perf_profile\": \"burst\", \"fp16_relaxed_precision\": false}", NULL},
      {"{\"soc\": 43}", "there is no setting \"soc\"; there are: soc_model"},
      {"{\"O\": 7}", "\"O\" must be a whole number from 1 to 3"},
      {"{\"perf_profile\": \"fast\"}", "\"perf_profile\" must be \"default\", \"burst\""},
      {"[1]", "no JSON object"}};
  g_test_init(&argc, &argv, NULL);
  g_assert_cmpint(argc, ==, 2);
  library = argv[1];
  g_test_add_func("/qnn/parts", test_parts);
  g_test_add_func("/qnn/refused", test_refused);
  g_test_add_func("/qnn/execute", test_execute);
  g_test_add_func("/qnn/missing", test_missing);
  g_test_add_func("/qnn/cache", test_cache);
  g_test_add_func("/qnn/profile", test_profile);
  g_test_add_func("/qnn/route", test_route);
  for (guint i = 0; i < G_N_ELEMENTS(memories); i++) {
    g_autofree char *path = g_strconcat("/qnn/memory/", memories[i], NULL);
    g_test_add_data_func(path, &memories[i], test_memory);
  }
  for (guint i = 0; i < G_N_ELEMENTS(faults); i++) {
    g_autofree char *path = g_strconcat("/qnn/fault/", faults[i].fault, NULL);
    g_test_add_data_func(path, GUINT_TO_POINTER(i), test_fault);
  }
  for (guint i = 0; i < G_N_ELEMENTS(libraries); i++) {
    g_autofree char *path = g_strconcat("/qnn/library/", libraries[i][0], NULL);
    g_test_add_data_func(path, libraries[i], test_library);
  }
  for (guint i = 0; i < G_N_ELEMENTS(settings); i++) {
    g_autofree char *path = g_strdup_printf("/qnn/settings/%u", i);
    g_test_add_data_func(path, settings[i], test_settings);
  }
  return g_test_run();
}
