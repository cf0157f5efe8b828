/* SPDX-License-Identifier: MIT */
/*
 * onnx_nodes.c - the operator tests that the ONNX project publishes (package libonnx-testdata), each a model with inputs and
 * outputs. What the engine does not support is skipped with its message; whatever it accepts must give the published numbers.
 * Shapes and the like, which a model usually has as constants, are graph inputs there: when an input must be known at load
 * time, the inputs are made initializers.
 */
#include "libqnnflow/graph/numbers.h"
#include "libqnnflow/import/onnx/reader.h"

#include <math.h>
#include <qnnflow/session.h>
#include <stdlib.h>
#include <string.h>

#define FOLDER "/usr/lib/python3/dist-packages/onnx/backend/test/data"
/* No fewer may pass than did when this was written: support must not vanish unseen. */
#define MIN_PASSED 925

static const char *backend = "ref";
static guint n_passed;

/* Parts of the names of cases whose published numbers cannot be ours, and why. */
static const struct {
  const char *part, *why;
} exceptions[] = {
    {"downsample_scales_linear_align_corners", "they take a fractional output size, 2.4 pixels wide"},
    {"downsample_scales_cubic_align_corners", "they take a fractional output size, 2.4 pixels wide"},
    {"test_bernoulli", "they are random numbers of another generator"},
    {"test_triu_zero", "a dimension of 0 in the file stands for an open one"},
    {"BFLOAT16", "they keep bfloat16 as integers of other shapes"},
    {"test_operator_add",
     "they add random bytes as float64, beyond the float32 that floats have inside the graph"},
    {NULL, NULL},
};

typedef struct {
  GBytes *bytes;
  QfDType dtype;
  int64_t count;
} Values;

static Onnx__TensorProto *unpack_tensor(const char *path)
{
  g_autofree char *data = NULL;
  gsize size;
  return g_file_get_contents(path, &data, &size, NULL)
             ? onnx__tensor_proto__unpack(NULL, size, (const uint8_t *)data)
             : NULL;
}

/* A tensor file's values; FALSE when there is no such file or its type is none of ours. */
static gboolean read_values(const char *path, Values *v)
{
  g_autoptr(GHashTable) tensors = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)g_bytes_unref);
  QfOnnxFile file = {.name = path, .tensors = tensors};
  Onnx__TensorProto *record = unpack_tensor(path);
  if (!record)
    return FALSE;
  g_autoptr(QfGraph) graph = qf_graph_new(path);
  QfTensor *t = qf_onnx_read_tensor(&file, graph, record, "", NULL);
  onnx__tensor_proto__free_unpacked(record, NULL);
  if (!t)
    return FALSE;
  *v = (Values){g_bytes_ref(t->data), t->dtype, qf_tensor_count(t)};
  return TRUE;
}

static char *value_path(const char *folder, const char *what, uint32_t index)
{
  return g_strdup_printf("%s/test_data_set_0/%s_%u.pb", folder, what, index);
}

/* The model with the inputs from @first on as initializers. */
static GBytes *freeze_inputs(const char *folder, const char *data, gsize size, uint32_t first)
{
  Onnx__ModelProto *m = onnx__model_proto__unpack(NULL, size, (const uint8_t *)data);
  if (!m)
    return g_bytes_new(data, size);
  Onnx__GraphProto *g = m->graph;
  for (uint32_t i = first; i < g->n_input; i++) {
    g_autofree char *path = value_path(folder, "input", i);
    Onnx__TensorProto *t = unpack_tensor(path);
    if (!t)
      continue;
    if (t->name != protobuf_c_empty_string)
      free(t->name);
    t->name = strdup(g->input[i]->name);
    g->initializer = realloc(g->initializer, (g->n_initializer + 1) * sizeof(*g->initializer));
    g->initializer[g->n_initializer++] = t;
  }
  uint8_t *packed = g_malloc(onnx__model_proto__get_packed_size(m));
  gsize packed_size = onnx__model_proto__pack(m, packed);
  onnx__model_proto__free_unpacked(m, NULL);
  return g_bytes_new_take(packed, packed_size);
}

static QfModel *load(const char *folder, uint32_t first, GError **error)
{
  g_autofree char *path = g_build_filename(folder, "model.onnx", NULL), *data = NULL;
  gsize size;
  if (!g_file_get_contents(path, &data, &size, error))
    return NULL;
  QfModelOptions options = {.backend = backend};
  g_autoptr(GBytes) bytes = freeze_inputs(folder, data, size, first);
  return qf_model_load_bytes(bytes, "model.onnx", &options, error);
}

/* Real numbers to a part in a thousand, as the publisher compares them; integers exactly. */
static void compare(const QfTensorDesc *desc, const void *got, const Values *want)
{
  g_assert_cmpstr(qf_dtype_name(desc->dtype), ==, qf_dtype_name(want->dtype));
  g_assert_cmpint(qf_dims_count(desc->dims, desc->rank), ==, want->count);
  if (g_test_failed())
    return;
  double tolerance = want->dtype == QF_DTYPE_FLOAT16 || want->dtype == QF_DTYPE_BFLOAT16 ? 1e-2 : 1e-3;
  const void *data = g_bytes_get_data(want->bytes, NULL);
  for (int64_t i = 0; i < want->count; i++) {
    double a = qf_number_real(desc->dtype, got, i), b = qf_number_real(want->dtype, data, i);
    double limit = qf_dtype_is_float(desc->dtype) ? 1e-6 + tolerance * fabs(b) : 0;
    if (!(fabs(a - b) <= limit) && !(isnan(a) && isnan(b)) && a != b) {
      g_test_message("output %s, element %" G_GINT64_FORMAT ": %g, not %g", desc->name, i, a, b);
      g_test_fail();
      return;
    }
  }
}

static void run_case(const char *folder, QfModel *model)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(QfSession) session = qf_session_new(model, &(QfSessionOptions){.n_threads = 1}, &error);
  g_assert_no_error(error);
  if (!session)
    return;
  for (uint32_t i = 0; i < qf_model_n_inputs(model); i++) {
    g_autofree char *path = value_path(folder, "input", i);
    Values v;
    if (!read_values(path, &v)) {
      g_test_skip("an input is no tensor");
      return;
    }
    g_assert_cmpint(g_bytes_get_size(v.bytes), ==, qf_model_input(model, i)->size_bytes);
    if (!g_test_failed())
      memcpy(qf_session_input_data(session, i), g_bytes_get_data(v.bytes, NULL), g_bytes_get_size(v.bytes));
    g_bytes_unref(v.bytes);
  }
  gboolean ran = qf_session_run(session, &error);
  g_assert_no_error(error);
  g_assert_true(ran);
  for (uint32_t i = 0; i < qf_model_n_outputs(model); i++) {
    g_autofree char *path = value_path(folder, "output", i);
    Values v;
    if (!read_values(path, &v)) {
      g_test_skip("an output is no tensor");
      return;
    }
    compare(qf_model_output(model, i), qf_session_output_data(session, i), &v);
    g_bytes_unref(v.bytes);
  }
  n_passed += !g_test_failed();
}

static void check_case(gconstpointer data)
{
  const char *folder = data;
  g_autofree char *name = g_path_get_basename(folder);
  for (guint i = 0; exceptions[i].part; i++) {
    if (strstr(name, exceptions[i].part)) {
      g_test_skip(exceptions[i].why);
      return;
    }
  }
  const uint32_t tries[] = {G_MAXUINT32, 1, 0};
  g_autoptr(QfModel) model = NULL;
  g_autoptr(GError) error = NULL;
  for (guint i = 0; i < G_N_ELEMENTS(tries) && !model; i++)
    model = load(folder, tries[i], error ? NULL : &error); /* the first refusal is the one that counts */
  if (model)
    run_case(folder, model);
  else if (g_error_matches(error, QF_ERROR, QF_ERROR_UNSUPPORTED))
    g_test_skip(error->message);
  else
    g_assert_no_error(error);
}

static void check_count(void)
{
  g_test_message("%u operator tests pass", n_passed);
  g_assert_cmpuint(n_passed, >=, MIN_PASSED);
}

static int compare_names(gconstpointer a, gconstpointer b)
{
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void add_folder(const char *kind)
{
  g_autofree char *folder = g_build_filename(FOLDER, kind, NULL);
  g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
  g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
  for (const char *name; dir && (name = g_dir_read_name(dir));)
    g_ptr_array_add(names, g_strdup(name));
  g_ptr_array_sort(names, compare_names);
  for (guint i = 0; i < names->len; i++) {
    g_autofree char *path = g_strdup_printf("/onnx/nodes/%s/%s", kind, (char *)names->pdata[i]);
    g_test_add_data_func_full(path, g_build_filename(folder, names->pdata[i], NULL), check_case, g_free);
  }
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_set_nonfatal_assertions();
  if (argc > 1)
    backend = argv[1];
  if (!g_file_test(FOLDER, G_FILE_TEST_IS_DIR)) {
    g_print("1..0 # SKIP the package libonnx-testdata is not installed\n");
    return 0;
  }
  add_folder("node");
  add_folder("pytorch-operator");
  add_folder("pytorch-converted");
  add_folder("simple");
  g_test_add_func("/onnx-count/passed", check_count);
  return g_test_run();
}
