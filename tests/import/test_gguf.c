/* SPDX-License-Identifier: MIT */
/*
 * test_gguf.c - GGUF files: both versions and byte orders read alike, damaged ones are refused, tensors decode to what the gguf
 * package gives (../shared/testdata), and a network whose weights stay in blocks computes what decoded ones give.
 */
#include "gguf_build.h"
#include "onnx_build.h"

#include "libqnnflow/tools/npy.h"

#include <qnnflow/qnnflow.h>

#include <glib/gstdio.h>
#include <malloc.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

/* Looks at everything in a file, so that whatever lies outside is found. */
static void touch_all(const QfGguf *g)
{
  for (uint32_t i = 0; i < qf_gguf_n_metadata(g); i++) {
    const QfGgufEntry *e = qf_gguf_metadata(g, i);
    g_autofree char *text = qf_gguf_value_text(g, &e->value, UINT32_MAX);
    g_assert_true(qf_gguf_find_metadata(g, e->key) == e);
    g_assert_nonnull(text);
  }
  for (uint32_t i = 0; i < qf_gguf_n_tensors(g); i++) {
    const QfGgufTensor *t = qf_gguf_tensor(g, i);
    g_autoptr(GBytes) bytes = qf_gguf_tensor_bytes(g, t);
    g_autofree float *values = g_new(float, t->n_values + 1);
    g_assert_true(qf_gguf_find_tensor(g, t->name) == t);
    g_assert_cmpuint(g_bytes_get_size(bytes), ==, t->size_bytes);
    g_assert_true(qf_gguf_decode(g, t, 0, t->n_values, values));
  }
}

static void check_text(const QfGguf *g, const char *key, const char *want)
{
  const QfGgufEntry *e = qf_gguf_find_metadata(g, key);
  g_assert_nonnull(e);
  g_autofree char *text = qf_gguf_value_text(g, &e->value, 8);
  g_assert_cmpstr(text, ==, want);
}

static void test_records(gconstpointer data)
{
  static const char *const texts[][2] = {
      {"general.architecture", "\"sample\""},
      {"n.u8", "200"},
      {"n.i8", "-100"},
      {"n.u16", "60000"},
      {"n.i16", "-30000"},
      {"n.u32", "4000000000"},
      {"n.i32", "-2000000000"},
      {"n.f32", "1.5"},
      {"n.bool", "true"},
      {"n.u64", "18446744073709551614"},
      {"n.i64", "-9223372036854775808"},
      {"n.f64", "-2.25"},
      {"a.strings", "[\"one\", \"\", \"\\357\\277\\275\\\"two\\\"\"]"},
      {"a.nested", "[[1, -2], [false]]"},
      {"general.alignment", "64"},
  };
  const int variant = GPOINTER_TO_INT(data);
  g_autoptr(GBytes) bytes = gb_sample(variant & 1, 2 + variant / 2), plain = gb_sample(FALSE, 3);
  g_autoptr(GError) error = NULL;
  g_autoptr(QfGguf) g = qf_gguf_open_bytes(bytes, "sample", &error),
                    p = qf_gguf_open_bytes(plain, NULL, NULL);
  g_assert_no_error(error);
  g_assert_cmpuint(qf_gguf_version(g), ==, 2 + variant / 2);
  g_assert_cmpint(qf_gguf_is_big_endian(g), ==, variant & 1);
  g_assert_cmpuint(qf_gguf_alignment(g), ==, 64);
  g_assert_cmpuint(qf_gguf_n_metadata(g), ==, G_N_ELEMENTS(texts));
  for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
    check_text(g, texts[i][0], texts[i][1]);
  g_assert_cmpuint(qf_gguf_n_tensors(g), ==, 3);
  const QfGgufTensor *t = qf_gguf_find_tensor(g, "bytes");
  g_assert_cmpstr(t->type, ==, "Q8_0");
  g_assert_cmpint(t->rank, ==, 3);
  g_assert_cmpint(t->dims[0], ==, 2);
  g_assert_cmpint(t->dims[2], ==, 64);
  g_assert_cmpuint(t->offset % 64, ==, 0);
  for (uint32_t i = 0; i < 3; i++) {
    float a[512], b[512];
    g_autoptr(GBytes) x = qf_gguf_tensor_bytes(g, qf_gguf_tensor(g, i)),
                      y = qf_gguf_tensor_bytes(p, qf_gguf_tensor(p, i));
    const uint64_t n = qf_gguf_tensor(g, i)->n_values;
    g_assert_true(g_bytes_equal(x, y));
    g_assert_true(qf_gguf_decode(g, qf_gguf_tensor(g, i), 0, n, a));
    g_assert_true(qf_gguf_decode(p, qf_gguf_tensor(p, i), 0, n, b));
    g_assert_cmpmem(a, n * 4, b, n * 4);
  }
  g_assert_false(qf_gguf_decode(g, t, 16, 32, NULL));
  g_assert_false(qf_gguf_decode(g, t, 0, 160, NULL));
  g_assert_null(qf_gguf_find_tensor(g, "none"));
  g_assert_null(qf_gguf_tensor(g, 3));
  touch_all(g);
}

/* Whatever is cut off, the answer is an error that says so. */
static void test_truncated(void)
{
  g_autoptr(GBytes) bytes = gb_sample(FALSE, 3);
  for (gsize size = 0; size < g_bytes_get_size(bytes); size++) {
    g_autoptr(GBytes) cut = g_bytes_new(g_bytes_get_data(bytes, NULL), size);
    g_autoptr(GError) error = NULL;
    g_autoptr(QfGguf) g = qf_gguf_open_bytes(cut, "cut", &error);
    g_assert_null(g);
    g_assert_error(error, QF_ERROR, QF_ERROR_FORMAT);
    g_assert_nonnull(strstr(error->message, "cut: not a usable GGUF file"));
  }
}

/* Every byte set to a few values: an error, or a file of which everything can be read. */
static void test_flipped(void)
{
  static const uint8_t values[] = {0x00, 0x01, 0x09, 0x7f, 0x80, 0xff};
  g_autoptr(GBytes) bytes = gb_sample(FALSE, 3);
  const gsize size = g_bytes_get_size(bytes);
  uint32_t refused = 0;
  for (gsize at = 0; at < size; at++)
    for (uint32_t v = 0; v < G_N_ELEMENTS(values); v++) {
      uint8_t *copy = g_memdup2(g_bytes_get_data(bytes, NULL), size);
      copy[at] = values[v];
      g_autoptr(GBytes) flipped = g_bytes_new_take(copy, size);
      g_autoptr(GError) error = NULL;
      g_autoptr(QfGguf) g = qf_gguf_open_bytes(flipped, "flipped", &error);
      g_assert_true((g != NULL) == (error == NULL));
      refused += g == NULL;
      if (g)
        touch_all(g);
    }
  g_assert_cmpuint(refused, >, 100);
}

/* One rule broken at a time. */
typedef enum {
  SAME_KEY,
  SAME_NAME,
  BAD_ALIGNMENT,
  ALIGNMENT_TYPE,
  VALUE_TYPE,
  BAD_BOOL,
  EMPTY_KEY,
  KEY_NOT_TEXT,
  DEEP,
  MANY_ITEMS,
  RANK,
  DIMS,
  TENSOR_TYPE,
  REMOVED_TYPE,
  ROW,
  PLACE,
} Breakage;

static const struct {
  Breakage what;
  QfError code;
  const char *message;
} breakages[] = {
    {SAME_KEY, QF_ERROR_FORMAT, "'k' is there twice"},
    {SAME_NAME, QF_ERROR_FORMAT, "'t' is there twice"},
    {BAD_ALIGNMENT, QF_ERROR_FORMAT, "a uint32 that is a power of two"},
    {ALIGNMENT_TYPE, QF_ERROR_FORMAT, "a uint32 that is a power of two"},
    {VALUE_TYPE, QF_ERROR_FORMAT, "value type 13 is unknown"},
    {BAD_BOOL, QF_ERROR_FORMAT, "must be 0 or 1"},
    {EMPTY_KEY, QF_ERROR_FORMAT, "empty, too long or not UTF-8"},
    {KEY_NOT_TEXT, QF_ERROR_FORMAT, "empty, too long or not UTF-8"},
    {DEEP, QF_ERROR_FORMAT, "more than 8 deep"},
    {MANY_ITEMS, QF_ERROR_FORMAT, "does not fit"},
    {RANK, QF_ERROR_FORMAT, "9 dimensions"},
    {DIMS, QF_ERROR_FORMAT, "beyond 2^62 values"},
    {TENSOR_TYPE, QF_ERROR_UNSUPPORTED, "type number 99"},
    {REMOVED_TYPE, QF_ERROR_UNSUPPORTED, "type number 4 "},
    {ROW, QF_ERROR_FORMAT, "no whole number of Q4_0 blocks"},
    {PLACE, QF_ERROR_FORMAT, "behind the end of the file"},
};

static void add_key(GgufBuild *b, const char *key, QfGgufType type, size_t size, uint64_t value)
{
  gb_key(b, key, type);
  gb_number(b, b->metadata, size, value);
}

static void break_metadata(GgufBuild *b, Breakage what)
{
  if (what == SAME_KEY)
    add_key(b, "k", QF_GGUF_UINT8, 1, 1);
  if (what == BAD_ALIGNMENT)
    add_key(b, "general.alignment", QF_GGUF_UINT32, 4, 48);
  if (what == ALIGNMENT_TYPE)
    add_key(b, "general.alignment", QF_GGUF_INT32, 4, 32);
  if (what == VALUE_TYPE)
    add_key(b, "x", QF_GGUF_N_TYPES, 8, 0);
  if (what == BAD_BOOL)
    add_key(b, "x", QF_GGUF_BOOL, 1, 2);
  if (what == EMPTY_KEY || what == KEY_NOT_TEXT)
    add_key(b, what == EMPTY_KEY ? "" : "\xfe", QF_GGUF_BOOL, 1, 1);
  if (what == DEEP || what == MANY_ITEMS) {
    gb_key(b, "x", QF_GGUF_ARRAY);
    for (int i = 0; what == DEEP && i < 9; i++)
      gb_array(b, QF_GGUF_ARRAY, 1);
    gb_array(b, QF_GGUF_UINT64, what == DEEP ? 0 : (uint64_t)1 << 61);
  }
}

static GBytes *broken_file(Breakage what)
{
  static const uint8_t zeros[64];
  const int64_t dims[9] = {
      2, what == DIMS ? (int64_t)1 << 62 : what == PLACE ? 64 : what == ROW ? 33 : 32, 1, 1, 1, 1, 1, 1, 1};
  GgufBuild *b = gb_new(FALSE);
  add_key(b, "k", QF_GGUF_UINT8, 1, 1);
  break_metadata(b, what);
  gb_tensor(b, "t",
            what == TENSOR_TYPE    ? 99
            : what == REMOVED_TYPE ? 4
                                   : 2,
            what == RANK ? 9 : 2, dims, zeros, 36);
  if (what == SAME_NAME)
    gb_tensor(b, "t", 0, 0, dims, zeros, 4);
  return gb_end(b, 3);
}

static void test_broken(void)
{
  for (size_t i = 0; i < G_N_ELEMENTS(breakages); i++) {
    g_autoptr(GBytes) bytes = broken_file(breakages[i].what);
    g_autoptr(GError) error = NULL;
    g_autoptr(QfGguf) g = qf_gguf_open_bytes(bytes, "broken", &error);
    g_assert_null(g);
    g_assert_error(error, QF_ERROR, (int)breakages[i].code);
    if (!strstr(error->message, breakages[i].message))
      g_error("'%s' does not say '%s'", error->message, breakages[i].message);
  }
}

static void test_versions(void)
{
  for (uint32_t version = 0; version < 6; version++) {
    g_autoptr(GBytes) bytes = gb_sample(version % 2, version);
    g_autoptr(GError) error = NULL;
    g_autoptr(QfGguf) g = qf_gguf_open_bytes(bytes, "version", &error);
    g_assert_true((g != NULL) == (version == 2 || version == 3));
    g_assert_true(g || g_error_matches(error, QF_ERROR, QF_ERROR_UNSUPPORTED));
  }
}

/* The smallest records there can be, many of them: what opening allocates is at most 16 times the file. */
static void test_memory(void)
{
  GgufBuild *b = gb_new(FALSE);
  for (int i = 0; i < 20000; i++) {
    g_autofree char *name = g_strdup_printf("%x", i);
    add_key(b, name, QF_GGUF_UINT8, 1, 1);
    gb_tensor(b, name, 24, 0, NULL, (const uint8_t *)"", 1);
  }
  b->data->len = 0; /* the tensors' data counts for nothing here */
  g_byte_array_set_size(b->data, 20000 * 32);
  const size_t head = b->metadata->len + b->tensors->len;
  g_autoptr(GBytes) bytes = gb_end(b, 3);
  g_autoptr(GError) error = NULL;
  const struct mallinfo2 before = mallinfo2();
  g_autoptr(QfGguf) g = qf_gguf_open_bytes(bytes, "many", &error);
  const struct mallinfo2 after = mallinfo2();
  g_assert_no_error(error);
  g_assert_nonnull(g);
  g_assert_cmpuint(after.uordblks + after.hblkhd - before.uordblks - before.hblkhd, <, 16 * head);
}

/* A model that needs a graph is told so. */
static void test_no_graph(void)
{
  g_autoptr(GBytes) bytes = gb_sample(FALSE, 3);
  g_autoptr(GError) error = NULL;
  g_autoptr(QfModel) model = qf_model_load_bytes(bytes, "weights.gguf", NULL, &error);
  g_assert_null(model);
  g_assert_error(error, QF_ERROR, QF_ERROR_UNSUPPORTED);
  g_assert_nonnull(strstr(error->message, "3 tensors, architecture \"sample\""));
  g_assert_nonnull(strstr(error->message, "no graph"));
}

static char *data_path(const char *rest)
{
  const char *given = g_getenv("QF_TESTDATA");
  return given ? g_build_filename(given, rest, NULL)
               : g_build_filename(QF_SOURCE_ROOT, "../shared/testdata", rest, NULL);
}

#define DENSE "models/gguf/gen_ad01_dense_allquants.gguf"

static QfGguf *open_dense(void)
{
  g_autofree char *path = data_path(DENSE);
  g_autoptr(GError) error = NULL;
  if (!g_file_test(path, G_FILE_TEST_EXISTS)) {
    g_test_skip("no ../shared/testdata/" DENSE);
    return NULL;
  }
  QfGguf *g = qf_gguf_open(path, &error);
  g_assert_no_error(error);
  return g;
}

/* Every tensor as gguf.quants.dequantize() gives it, bit for bit. */
static void test_references(void)
{
  g_autoptr(QfGguf) g = open_dense();
  for (uint32_t i = 0; g && i < qf_gguf_n_tensors(g); i++) {
    const QfGgufTensor *t = qf_gguf_tensor(g, i);
    g_autofree char *rest = g_strdup_printf("refs/gguf/gen_ad01_dense_allquants/%s.npy", t->name),
                    *path = data_path(rest);
    g_autofree float *values = g_new(float, t->n_values);
    g_autoptr(GError) error = NULL;
    g_auto(QfNpy) want = {0};
    g_assert_true(qf_npy_read(path, &want, &error));
    g_assert_no_error(error);
    g_assert_cmpint(want.rank, ==, t->rank);
    for (int32_t k = 0; k < t->rank; k++)
      g_assert_cmpint(want.dims[k], ==, t->dims[k]);
    g_assert_true(qf_gguf_decode(g, t, 0, t->n_values, values));
    g_assert_cmpmem(values, t->n_values * 4, want.data, t->n_values * 4);
  }
}

static const char *const layers[] = {"functional_1.12.weight", "functional_1.13.weight",
                                     "functional_1.15.weight"};
#define ROWS 5

static float input_value(int i)
{
  return sinf((float)i * 0.37f) * 2;
}

/* The network on decoded weights, in double. */
static void dense_by_hand(const QfGguf *g, const char *type, double *y)
{
  double x[128];
  for (int r = 0; r < ROWS; r++) {
    for (int i = 0; i < 128; i++)
      x[i] = (double)input_value(r * 128 + i);
    for (int l = 0; l < 3; l++) {
      g_autofree char *name = g_strdup_printf("%s.%s", layers[l], type);
      const QfGgufTensor *t = qf_gguf_find_tensor(g, name);
      g_autofree float *w = g_new(float, t->n_values);
      double out[128];
      g_assert_true(qf_gguf_decode(g, t, 0, t->n_values, w));
      for (int64_t o = 0; o < t->dims[0]; o++) {
        out[o] = 0;
        for (int64_t k = 0; k < 128; k++)
          out[o] += (double)w[o * 128 + k] * x[k];
        out[o] += l == 1 ? (double)(o % 2 ? -0.25f : 0.5f) : 0;
        out[o] = l < 2 && out[o] < 0 ? 0 : out[o];
      }
      memcpy(l < 2 ? x : y + (ptrdiff_t)r * 8, out, (size_t)(l < 2 ? 128 : 8) * sizeof(double));
    }
  }
}

/* Two of three layers as Gemm with a transposed operand, one as an exporter writes it otherwise. */
static GBytes *dense_model(const char *type)
{
  g_autofree char *text = g_strdup_printf("opset 13\n"
                                          "in x f32 %d,128\n"
                                          "in functional_1.12.weight.%s f32 128,128\n"
                                          "in functional_1.13.weight.%s f32 128,128\n"
                                          "in functional_1.15.weight.%s f32 8,128\n"
                                          "node Gemm x,functional_1.12.weight.%s -> a transB=1\n"
                                          "node Relu a -> b\n"
                                          "node Transpose functional_1.13.weight.%s -> t perm=[1,0]\n"
                                          "node MatMul b,t -> c\n"
                                          "w bias f32 128 = 0.5 -0.25\n"
                                          "node Add c,bias -> e\n"
                                          "node Relu e -> d\n"
                                          "node Gemm d,functional_1.15.weight.%s -> y transB=1\n"
                                          "out y\n",
                                          ROWS, type, type, type, type, type, type);
  return onnx_build(text);
}

static double relative_distance(const float *a, const double *b, int n)
{
  double distance = 0, size = 0;
  for (int i = 0; i < n; i++) {
    distance += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
    size += b[i] * b[i];
  }
  return sqrt(distance / size);
}

/* The distance from the float32 network: codes have so many levels on each side of zero; an error of half a step at the
 * block's largest value, which is a few times the usual one, in each of three layers: 4 / levels. */
static const struct {
  const char *type;
  gboolean blocks;
  double levels;
} dense_types[] = {{"f32", FALSE, 1 << 22}, {"f16", FALSE, 2048}, {"bf16", FALSE, 256}, {"q8_0", TRUE, 127},
                   {"q4_0", TRUE, 8},       {"q4_1", TRUE, 8},    {"q5_0", TRUE, 16},   {"q5_1", TRUE, 16}};

static void run_dense(const QfGguf *g, size_t i, const char *backend)
{
  g_autofree char *path = data_path(DENSE);
  g_autoptr(GBytes) bytes = dense_model(dense_types[i].type);
  g_autoptr(GError) error = NULL;
  const QfModelOptions options = {.weights = path, .backend = backend};
  g_autoptr(QfModel) model = qf_model_load_bytes(bytes, "dense", &options, &error);
  g_assert_no_error(error);
  g_assert_cmpuint(qf_model_n_inputs(model), ==, 1);
  g_autofree char *dump = qf_model_dump(model, QF_DUMP_TEXT);
  g_assert_true((strstr(dump, "BlockQuantMatMul") != NULL) == dense_types[i].blocks);
  g_assert_true(!dense_types[i].blocks || !strstr(dump, "FullyConnected"));
  g_assert_true(!dense_types[i].blocks ||
                !strstr(dump, "ElementWiseAdd")); /* the bias is part of the product */
  g_autoptr(QfSession) session = qf_session_new(model, NULL, &error);
  g_assert_no_error(error);
  float *x = qf_session_input_data(session, 0);
  for (int k = 0; k < ROWS * 128; k++)
    x[k] = input_value(k);
  g_assert_true(qf_session_run(session, &error));
  double exact[ROWS * 8], f32[ROWS * 8];
  const float *y = qf_session_output_data(session, 0);
  dense_by_hand(g, dense_types[i].type, exact);
  dense_by_hand(g, "f32", f32);
  const double own = relative_distance(y, exact, ROWS * 8), distance = relative_distance(y, f32, ROWS * 8);
  g_test_message("%s on %s: %.2g from its decoded weights, %.2g from float32", dense_types[i].type, backend,
                 own, distance);
  g_assert_cmpfloat(own, <, 1e-4);
  g_assert_cmpfloat(distance, <, 4 / dense_types[i].levels);
}

static void test_dense(void)
{
  g_autoptr(QfGguf) g = open_dense();
  for (size_t i = 0; g && i < G_N_ELEMENTS(dense_types); i++) {
    run_dense(g, i, "ref");
    run_dense(g, i, "cpu");
  }
}

/* Weights that fit no input, or not its shape, are an error that names both. */
static void test_bind_errors(void)
{
  static const struct {
    const char *model, *message;
  } cases[] = {
      {"opset 13\nin x f32 2,256\nnode Relu x -> y\nout y\n",
       "no input of the model has the name of one of the 3 tensors"},
      {"opset 13\nin blocks f32 2,255\nnode Relu blocks -> y\nout y\n",
       "2x255, but the tensor of that name in the weights is Q4_K 2x256"},
      {"opset 13\nin plain i32 3\nnode Abs plain -> y\nout y\n", "input 'plain' is int32"},
  };
  g_autoptr(GError) error = NULL;
  g_autofree char *path = NULL;
  const int file = g_file_open_tmp("weights-XXXXXX.gguf", &path, &error);
  g_assert_no_error(error);
  close(file);
  g_autoptr(GBytes) weights = gb_sample(FALSE, 3);
  g_assert_true(
      g_file_set_contents(path, g_bytes_get_data(weights, NULL), (gssize)g_bytes_get_size(weights), NULL));
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(GBytes) bytes = onnx_build(cases[i].model);
    const QfModelOptions options = {.weights = path};
    g_autoptr(GError) e = NULL;
    g_autoptr(QfModel) model = qf_model_load_bytes(bytes, "net", &options, &e);
    g_assert_null(model);
    g_assert_nonnull(e);
    if (!strstr(e->message, cases[i].message))
      g_error("'%s' does not say '%s'", e->message, cases[i].message);
  }
  g_unlink(path);
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  for (int i = 0; i < 4; i++) {
    g_autofree char *path = g_strdup_printf("/gguf/records/v%d-%s", 2 + i / 2, i & 1 ? "big" : "little");
    g_test_add_data_func(path, GINT_TO_POINTER(i), test_records);
  }
  g_test_add_func("/gguf/truncated", test_truncated);
  g_test_add_func("/gguf/flipped", test_flipped);
  g_test_add_func("/gguf/broken", test_broken);
  g_test_add_func("/gguf/versions", test_versions);
  g_test_add_func("/gguf/memory", test_memory);
  g_test_add_func("/gguf/no-graph", test_no_graph);
  g_test_add_func("/gguf/references", test_references);
  g_test_add_func("/gguf/dense", test_dense);
  g_test_add_func("/gguf/bind-errors", test_bind_errors);
  return g_test_run();
}
