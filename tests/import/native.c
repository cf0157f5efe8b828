/* SPDX-License-Identifier: MIT */
/*
 * native.c - models written as .qnnf files and read again: the graph is the same to the last attribute, so are the results on ref and cpu,
 * and writing what was read gives the same bytes. Then damaged files, and disks without room.
 * Models: those of this repository, samples of each format, those the ONNX tests are made from, and, where present, ../shared/testdata and libonnx-testdata.
 */
#include "libqnnflow/backends/backend.h"
#include "libqnnflow/import/import.h"
#include "libqnnflow/import/native/native.h"
#include "libqnnflow/passes/passes.h"
#include "onnx_build.h"
#include "onnx_cases.h"

#include <glib/gstdio.h>
#include <qnnflow/qnnflow.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define NODES "/usr/lib/python3/dist-packages/onnx/backend/test/data"

static char *folder; /* of the files that are written */

static char *path_of(const char *name)
{
  return g_build_filename(folder, name, NULL);
}

static void assert_same_tensor(const QfTensor *a, const QfTensor *b)
{
  g_assert_true((a == NULL) == (b == NULL));
  if (!a)
    return;
  g_assert_cmpstr(a->name, ==, b->name);
  g_assert_cmpint(a->id, ==, b->id);
  g_assert_cmpint(a->dtype, ==, b->dtype);
  g_assert_cmpint(a->layout, ==, b->layout);
  g_assert_cmpint(a->rank, ==, b->rank);
  g_assert_cmpmem(a->dims, a->rank * sizeof *a->dims, b->dims, b->rank * sizeof *b->dims);
  g_assert_true(qf_encoding_equal(&a->enc, &b->enc));
  g_assert_true((a->data == NULL) == (b->data == NULL));
  if (a->data) {
    g_autoptr(GBytes) ours = qf_tensor_ref_bytes(a), theirs = qf_tensor_ref_bytes(b);
    g_assert_true(g_bytes_equal(ours, theirs));
  }
}

static void assert_same_attribute(const QfNode *a, const QfNode *b, const QfAttrDef *d)
{
  const uint8_t *ours = (const uint8_t *)a->attrs + d->offset,
                *theirs = (const uint8_t *)b->attrs + d->offset;
  const QfInts *list = (const QfInts *)ours, *other = (const QfInts *)theirs;
  gboolean same = TRUE;
  if (qf_native_kind(d) == QF_NATIVE_LIST)
    same = list->n == other->n && !memcmp(list->v, other->v, (size_t)list->n * sizeof *list->v);
  else
    same = !memcmp(ours, theirs, MAX(d->count, 1) * sizeof(int32_t));
  if (!same)
    g_error("node '%s' (%s): attribute %s is another", a->name, a->op->name, d->name);
}

static void assert_same_graph(const QfGraph *a, const QfGraph *b);

static void assert_same_node(const QfNode *a, const QfNode *b)
{
  g_assert_cmpstr(a->name, ==, b->name);
  g_assert_true(a->op == b->op);
  for (const QfAttrDef *d = a->op->attrs; d && d->name; d++)
    assert_same_attribute(a, b, d);
  g_assert_cmpint(a->n_inputs, ==, b->n_inputs);
  g_assert_cmpint(a->n_outputs, ==, b->n_outputs);
  g_assert_cmpint(a->n_subgraphs, ==, b->n_subgraphs);
  for (uint32_t i = 0; i < a->n_inputs; i++)
    assert_same_tensor(a->inputs[i], b->inputs[i]);
  for (uint32_t i = 0; i < a->n_outputs; i++)
    assert_same_tensor(a->outputs[i], b->outputs[i]);
  for (uint32_t i = 0; i < a->n_subgraphs; i++)
    assert_same_graph(a->subgraphs[i], b->subgraphs[i]);
}

static void assert_same_list(const GPtrArray *a, const GPtrArray *b)
{
  g_assert_cmpint(a->len, ==, b->len);
  for (guint i = 0; i < a->len; i++)
    assert_same_tensor(a->pdata[i], b->pdata[i]);
}

static void assert_same_graph(const QfGraph *a, const QfGraph *b)
{
  assert_same_list(a->tensors, b->tensors);
  assert_same_list(a->inputs, b->inputs);
  assert_same_list(a->outputs, b->outputs);
  g_assert_cmpint(a->nodes->len, ==, b->nodes->len);
  for (guint i = 0; i < a->nodes->len; i++)
    assert_same_node(a->nodes->pdata[i], b->nodes->pdata[i]);
  g_assert_cmpint(a->n_states, ==, b->n_states);
  for (uint32_t i = 0; i < a->n_states; i++)
    g_assert_true(a->states[i].initial == b->states[i].initial ||
                  g_bytes_equal(a->states[i].initial, b->states[i].initial));
}

static GBytes *contents(const char *path)
{
  char *data;
  gsize size;
  g_assert_true(g_file_get_contents(path, &data, &size, NULL));
  return g_bytes_new_take(data, size);
}

static QfGraph *read_graph(GBytes *bytes, const char *path, GError **error)
{
  static const QfModelOptions options = {.check_data = TRUE};
  g_autofree char *directory = g_path_get_dirname(path), *name = g_path_get_basename(path);
  return qf_import(bytes, name, directory, &options, qf_ref_evaluate, error);
}

/* Writes @graph, reads it, compares, writes again. */
static void check_graph(const QfGraph *graph)
{
  g_autoptr(GError) error = NULL;
  g_autofree char *first = path_of("first.qnnf"), *second = path_of("second.qnnf");
  qf_native_write(graph, first, &error);
  g_assert_no_error(error);
  g_autoptr(GBytes) bytes = contents(first);
  g_autoptr(QfGraph) again = read_graph(bytes, first, &error);
  g_assert_no_error(error);
  g_assert_cmpint(again->optimized, ==, graph->optimized);
  assert_same_graph(graph, again);
  qf_native_write(again, second, &error);
  g_assert_no_error(error);
  g_autoptr(GBytes) copy = contents(second);
  g_assert_true(g_bytes_equal(bytes, copy));
}

/* Runs @path on inputs of its own making; the outputs one behind the other. NULL: it cannot be loaded. */
static GByteArray *run(const char *path, const char *backend, gboolean no_optimize, GError **error)
{
  QfModelOptions options = {.backend = backend, .no_optimize = no_optimize};
  QfSessionOptions one = {.n_threads = 1};
  g_autoptr(QfModel) model = qf_model_load(path, &options, error);
  g_autoptr(QfSession) session = model ? qf_session_new(model, &one, error) : NULL;
  g_autoptr(GRand) random = g_rand_new_with_seed(7);
  if (!session)
    return NULL;
  for (uint32_t i = 0; i < qf_model_n_inputs(model); i++) {
    const QfTensorDesc *d = qf_model_input(model, i);
    uint8_t *data = qf_session_input_data(session, i);
    for (size_t k = 0; k < d->size_bytes / MAX(qf_dtype_size(d->dtype), 1); k++) {
      if (d->dtype == QF_DTYPE_FLOAT32)
        ((float *)data)[k] = (float)g_rand_double_range(random, -1, 1);
      else if (qf_dtype_size(d->dtype) == 1)
        data[k] = (uint8_t)g_rand_int_range(random, 0, d->dtype == QF_DTYPE_BOOL ? 2 : 256);
    }
  }
  if (!qf_session_run(session, error))
    return NULL;
  GByteArray *out = g_byte_array_new();
  for (uint32_t i = 0; i < qf_model_n_outputs(model); i++)
    g_byte_array_append(out, qf_session_output_data(session, i), qf_model_output(model, i)->size_bytes);
  return out;
}

/* The same results from @path and from the file it is converted to. */
static void check_results(const char *path, gboolean no_optimize)
{
  static const char *const backends[] = {"cpu", "ref"};
  g_autofree char *native = path_of("results.qnnf");
  g_autoptr(GError) error = NULL;
  QfModelOptions options = {.no_optimize = no_optimize};
  QfModelStats stats = {0};
  g_autoptr(QfModel) model = qf_model_load(path, &options, NULL);
  qf_model_convert(path, native, &options, &error);
  g_assert_no_error(error);
  if (model)
    qf_model_stats(model, &stats);
  for (guint b = 0; b < G_N_ELEMENTS(backends); b++) {
    g_autoptr(GError) first = NULL, second = NULL;
    if (stats.macs > (b ? 10000000u : 1000000000u))
      continue;
    g_autoptr(GByteArray) wanted = run(path, backends[b], no_optimize, &first);
    g_autoptr(GByteArray) got = run(native, backends[b], no_optimize, &second);
    if (!wanted) {
      g_assert_null(got);
      g_assert_cmpint(first->code, ==, second->code);
      continue;
    }
    g_assert_no_error(second);
    g_assert_cmpmem(wanted->data, wanted->len, got->data, got->len);
    g_byte_array_unref(g_steal_pointer(&got));
    got = run(native, backends[b], !no_optimize, &second); /* what has been optimised stays so */
    g_assert_no_error(second);
    if (!no_optimize)
      g_assert_cmpmem(wanted->data, wanted->len, got->data, got->len);
  }
}

static gboolean draws_numbers(const QfGraph *graph)
{
  qf_foreach_node (node, graph) {
    if (node->op->random)
      return TRUE;
    for (uint32_t i = 0; i < node->n_subgraphs; i++)
      if (draws_numbers(node->subgraphs[i]))
        return TRUE;
  }
  return FALSE;
}

static void check_model(gconstpointer data)
{
  const char *path = data;
  g_autoptr(GError) error = NULL;
  g_autoptr(GBytes) bytes = contents(path);
  g_autoptr(QfGraph) graph = read_graph(bytes, path, &error);
  if (!graph) {
    g_test_skip(error->message);
    return;
  }
  qf_graph_compact(graph);
  check_graph(graph);
  if (qf_passes_run(graph, FALSE, &error))
    check_graph(graph);
  if (draws_numbers(graph))
    return;
  check_results(path, FALSE);
  check_results(path, TRUE);
}

static void check_built(gconstpointer data)
{
  const OnnxGraphCase *c = data;
  g_autoptr(GBytes) bytes = onnx_build(c->model);
  g_autofree char *path = path_of("built.onnx");
  gsize size;
  const char *text = g_bytes_get_data(bytes, &size);
  g_assert_true(g_file_set_contents(path, text, (gssize)size, NULL));
  check_model(path);
}

static const char sample[] = "opset 13\nin x f32 1,3,8,8\nw k f32 4,3,3,3\nw b f32 4\n"
                             "node Conv x,k,b -> y strides=[2,2]\nnode Relu y -> z\nout z\n";

static GBytes *sample_file(void)
{
  g_autoptr(GBytes) onnx = onnx_build(sample);
  g_autoptr(GError) error = NULL;
  g_autoptr(QfGraph) graph = read_graph(onnx, "sample", &error);
  g_autofree char *path = path_of("sample.qnnf");
  g_assert_no_error(error);
  qf_native_write(graph, path, &error);
  g_assert_no_error(error);
  return contents(path);
}

/* A changed copy, with a right checksum where @sum. */
static GBytes *changed(GBytes *bytes, gsize at, uint8_t mask, gsize size, gboolean sum)
{
  uint8_t *copy = g_memdup2(g_bytes_get_data(bytes, NULL), size);
  QfNativeHeader h = {0};
  copy[at] ^= mask;
  memcpy(&h, copy, MIN(size, sizeof h));
  if (sum && h.structure_size <= size - sizeof h) {
    h.sum = qf_native_structure_sum(copy, h.structure_size);
    memcpy(copy, &h, sizeof h);
  }
  return g_bytes_new_take(copy, size);
}

/* Every byte (every 31st under the sanitizers) changed in eight ways: without a right checksum always an error, with one an error or a graph. */
static void check_damage(void)
{
  g_autoptr(GBytes) whole = sample_file();
  gsize size = g_bytes_get_size(whole);
  const gsize step = g_getenv("QF_SANITIZED") ? 31 : 1;
  for (gsize at = 0; at < size; at += step) {
    for (int bit = 0; bit < 8; bit++) {
      g_autoptr(GBytes) damaged = changed(whole, at, (uint8_t)(1 << bit), size, FALSE);
      g_autoptr(GBytes) signed_one = changed(whole, at, (uint8_t)(1 << bit), size, TRUE);
      g_autoptr(GError) error = NULL, other = NULL;
      g_autoptr(QfGraph) none = read_graph(damaged, "x", &error);
      g_autoptr(QfGraph) maybe = read_graph(signed_one, "x", &other);
      g_assert_null(none);
      g_assert_nonnull(error);
      g_assert_true((maybe == NULL) == (other != NULL));
    }
  }
}

static void check_truncated(void)
{
  g_autoptr(GBytes) whole = sample_file();
  for (gsize size = 8; size < g_bytes_get_size(whole); size++) {
    g_autoptr(GBytes) part = changed(whole, 0, 0, size, FALSE);
    g_autoptr(GError) error = NULL;
    g_autoptr(QfGraph) none = read_graph(part, "x", &error);
    g_assert_null(none);
    g_assert_error(error, QF_ERROR, QF_ERROR_FORMAT);
  }
}

/* Bytes from memory need not be aligned. */
static void check_unaligned(void)
{
  g_autoptr(GBytes) whole = sample_file();
  gsize size = g_bytes_get_size(whole);
  g_autofree uint8_t *memory = g_malloc(size + 1);
  g_autoptr(GError) error = NULL;
  memcpy(memory + 1, g_bytes_get_data(whole, NULL), size);
  g_autoptr(GBytes) odd = g_bytes_new_static(memory + 1, size);
  g_autoptr(QfGraph) a = read_graph(whole, "x", &error), b = read_graph(odd, "x", &error);
  g_assert_no_error(error);
  assert_same_graph(a, b);
}

/* Replaces a string of the same length and signs the file again. */
static void expect_unknown(const char *from, const char *to, const char *message)
{
  g_autoptr(GBytes) whole = sample_file();
  gsize size;
  const char *data = g_bytes_get_data(whole, &size);
  const char *at = memmem(data, size, from, strlen(from));
  g_autoptr(GError) error = NULL;
  g_assert_nonnull(at);
  g_assert_cmpuint(strlen(from), ==, strlen(to));
  memcpy((char *)at, to, strlen(to));
  g_autoptr(GBytes) other = changed(whole, 0, 0, size, TRUE);
  g_autoptr(QfGraph) none = read_graph(other, "x", &error);
  g_assert_null(none);
  g_assert_error(error, QF_ERROR, QF_ERROR_UNSUPPORTED);
  g_assert_nonnull(strstr(error->message, message));
}

static void check_unknown(void)
{
  expect_unknown("Conv2d", "Conv9d", "there is no operator Conv9d");
  expect_unknown("dilation", "dilatiom", "there is no attribute dilatiom");
  expect_unknown("float32", "float33", "has the type float33");
}

static guint count_files(void)
{
  guint n = 0;
  g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
  while (g_dir_read_name(dir))
    n++;
  return n;
}

/* What was there stays there, and nothing else is left, when the file does not fit. */
static void check_full_disk(void)
{
  g_autoptr(GBytes) old = sample_file();
  g_autoptr(GBytes) onnx = onnx_build(sample);
  g_autofree char *path = path_of("sample.qnnf"), *missing = path_of("no/folder.qnnf");
  g_autoptr(GError) error = NULL, full = NULL, none = NULL;
  g_autoptr(QfGraph) graph = read_graph(onnx, "sample", &error);
  struct rlimit before, small;
  guint n = count_files();
  getrlimit(RLIMIT_FSIZE, &before);
  small = before;
  small.rlim_cur = 256;
  signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &small);
  gboolean ok = qf_native_write(graph, path, &error);
  setrlimit(RLIMIT_FSIZE, &before);
  g_assert_false(ok);
  g_assert_error(error, QF_ERROR, QF_ERROR_FILE);
  g_autoptr(GBytes) now = contents(path);
  g_assert_true(g_bytes_equal(old, now));
  g_assert_cmpuint(count_files(), ==, n);
  g_assert_false(qf_native_write(graph, "/dev/full", &full));
  g_assert_error(full, QF_ERROR, QF_ERROR_FILE);
  g_assert_false(qf_native_write(graph, missing, &none));
  g_assert_error(none, QF_ERROR, QF_ERROR_FILE);
}

static GPtrArray *paths; /* of the models found, for as long as the tests run */

static goffset light = G_MAXOFFSET; /* the largest of large nets whose weights are computed */

static void add_models(const char *directory, const char *suffix, goffset largest)
{
  g_autoptr(GDir) dir = g_dir_open(directory, 0, NULL);
  const char *name;
  while (dir && (name = g_dir_read_name(dir))) {
    g_autofree char *path = g_build_filename(directory, name, NULL);
    GStatBuf info;
    if (g_file_test(path, G_FILE_TEST_IS_DIR))
      add_models(path, suffix, strcmp(name, "light") ? largest : MIN(largest, light));
    else if (g_str_has_suffix(name, suffix) && !g_stat(path, &info) && info.st_size <= largest)
      g_ptr_array_add(paths, g_steal_pointer(&path));
  }
}

static int by_text(gconstpointer a, gconstpointer b)
{
  return strcmp(*(char *const *)a, *(char *const *)b);
}

static void find_models(const char *top)
{
  const char *given = g_getenv("QF_TESTDATA");
  g_autofree char *data = given ? g_strdup(given) : g_build_filename(top, "../shared/testdata", NULL);
  g_autofree char *shared = g_build_filename(data, "models", NULL),
                  *own = g_build_filename(top, "models", NULL),
                  *samples = g_build_filename(top, "tests/fuzz/regress", NULL);
  /* Under the sanitizers large models take minutes and touch no other code than small ones. */
  const gboolean sanitized = g_getenv("QF_SANITIZED") != NULL;
  const goffset largest = sanitized ? 200000 : 2000000;
  if (sanitized)
    light = 0;
  paths = g_ptr_array_new_with_free_func(g_free);
  add_models(own, ".onnx", 5 * largest);
  add_models(shared, ".onnx", largest);
  add_models(shared, ".tflite", largest);
  add_models(shared, ".prototxt", largest);
  add_models(samples, "sample", 100000);
  if (!sanitized) /* the test onnx-cases reads them */
    add_models(NODES, ".onnx", 100000);
  g_ptr_array_sort(paths, by_text);
}

/* In memory where that is possible: each file that is written waits for the disk. */
static char *make_folder(void)
{
  g_autoptr(GError) error = NULL;
  char *in_memory = g_strdup("/dev/shm/qnnf-XXXXXX");
  if (g_mkdtemp(in_memory))
    return in_memory;
  g_free(in_memory);
  char *made = g_dir_make_tmp("qnnf-XXXXXX", &error);
  g_assert_no_error(error);
  return made;
}

static void remove_folder(void)
{
  g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
  const char *name;
  while ((name = g_dir_read_name(dir))) {
    g_autofree char *path = path_of(name);
    g_unlink(path);
  }
  g_rmdir(folder);
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  folder = make_folder();
  find_models(argc > 1 ? argv[1] : ".");
  g_test_add_func("/native/damage", check_damage);
  g_test_add_func("/native/truncated", check_truncated);
  g_test_add_func("/native/unaligned", check_unaligned);
  g_test_add_func("/native/unknown", check_unknown);
  g_test_add_func("/native/full-disk", check_full_disk);
  for (const OnnxGraphCase *c = onnx_graph_cases; c->name; c++) {
    g_autofree char *name = g_strdup_printf("/native/built/%s", c->name);
    g_test_add_data_func(name, c, check_built);
  }
  for (guint i = 0; i < paths->len; i++) {
    g_autofree char *name = g_strdup_printf("/native/model%s", (char *)paths->pdata[i]);
    g_test_add_data_func(name, paths->pdata[i], check_model);
  }
  int result = g_test_run();
  remove_folder();
  g_ptr_array_unref(paths);
  g_free(folder);
  return result;
}
