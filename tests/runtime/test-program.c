/* SPDX-License-Identifier: MIT */
/*
 * test-program.c - values, and models that run as programs: what a session says of them, dimensions that change from run to
 * run, bounds. Published cases are in tests/conformance.
 */
#include "libqnnflow/graph/numbers.h"
#include "libqnnflow/import/onnx/onnx.pb-c.h"
#include "libqnnflow/runtime/program/program.h"
#include "tests/import/onnx_build.h"

#include <qnnflow/session.h>
#include <string.h>

static QfValue *floats(const float *values, int64_t n)
{
  g_autoptr(GBytes) bytes = g_bytes_new(values, (size_t)n * sizeof(*values));
  return qf_value_new_tensor(QF_DTYPE_FLOAT32, &n, 1, bytes, NULL);
}

static QfValue *ints(const int64_t *values, int64_t n)
{
  g_autoptr(GBytes) bytes = g_bytes_new(values, (size_t)n * sizeof(*values));
  return qf_value_new_tensor(QF_DTYPE_INT64, &n, 1, bytes, NULL);
}

static QfSession *open_session(GBytes *bytes, const QfModelOptions *options)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(QfModel) model = qf_model_load_bytes(bytes, "test.onnx", options, &error);
  g_assert_no_error(error);
  QfSession *session = qf_session_new(model, &(QfSessionOptions){.n_threads = 1}, &error);
  g_assert_no_error(error);
  return session;
}

static QfSession *open_text(const char *text)
{
  g_autoptr(GBytes) bytes = onnx_build(text);
  return open_session(bytes, NULL);
}

static void check_values(const QfValue *v, const char *what, const double *want, int n)
{
  g_autofree char *text = qf_value_describe(v);
  g_assert_cmpstr(text, ==, what);
  for (int i = 0; i < n; i++)
    g_assert_cmpfloat(qf_number_real(qf_value_dtype(v), qf_value_data(v), i), ==, want[i]);
}

static void test_values(void)
{
  const float x[] = {1, 2};
  g_autoptr(GError) error = NULL;
  g_autoptr(QfValue) a = floats(x, 2), none = qf_value_new_none();
  QfValue *items[] = {a, none};
  g_autoptr(QfValue) s = qf_value_new_sequence(items, 2);
  g_assert_cmpint(qf_value_kind(s), ==, QF_VALUE_SEQUENCE);
  g_assert_cmpuint(qf_value_n_items(s), ==, 2);
  g_assert_true(qf_value_item(s, 0) == a);
  g_assert_null(qf_value_item(s, 2));
  g_assert_null(qf_value_data(none));
  g_autofree char *text = qf_value_describe(s);
  g_assert_cmpstr(text, ==, "sequence of 2");
  g_assert_null(qf_value_new_tensor(QF_DTYPE_FLOAT32, (int64_t[]){3}, 1, qf_value_bytes(a), &error));
  g_assert_error(error, QF_ERROR, QF_ERROR_SHAPE);
  g_clear_error(&error);
  g_assert_null(qf_value_new_tensor(QF_DTYPE_INVALID, (int64_t[]){2}, 1, qf_value_bytes(a), &error));
  g_assert_error(error, QF_ERROR, QF_ERROR_TYPE);
}

static void test_frozen(void)
{
  const float x[] = {-1, 2, 3};
  g_autoptr(GError) error = NULL;
  g_autoptr(QfSession) session = open_text("opset 13; in x f32 3; node Neg x -> y; out y");
  g_assert_false(qf_model_is_dynamic(qf_session_model(session)));
  g_autoptr(QfValue) in = floats(x, 3), wrong = floats(x, 2);
  QfValue *out[1];
  void *bound = qf_session_input_data(session, 0);
  g_assert_true(qf_session_evaluate(session, &in, 1, out, 1, &error));
  check_values(out[0], "float32 3", (double[]){1, -2, -3}, 3);
  qf_value_unref(out[0]);
  g_assert_true(qf_session_input_data(session, 0) == bound);
  g_assert_false(qf_session_evaluate(session, &wrong, 1, out, 1, &error));
  g_assert_error(error, QF_ERROR, QF_ERROR_SHAPE);
  g_assert_null(out[0]);
  g_clear_error(&error);
  g_assert_false(qf_session_evaluate(session, &in, 1, out, 0, &error));
  g_assert_error(error, QF_ERROR, QF_ERROR_ARGUMENT);
}

/* Open dimensions may be others in each evaluation; the session itself stays as it is. */
static void test_open_dimensions(void)
{
  const float x[] = {-1, 2, 3, 4, 5};
  g_autoptr(GError) error = NULL;
  g_autoptr(QfSession) session = open_text("opset 13; in x f32 ?; node Neg x -> y; out y");
  g_assert_false(qf_model_is_dynamic(qf_session_model(session)));
  for (int64_t n = 5; n >= 0; n--) {
    g_autoptr(QfValue) in = floats(x, n);
    g_autofree char *what = g_strdup_printf("float32 %d", (int)n);
    QfValue *out[1];
    gboolean ok = qf_session_evaluate(session, &in, 1, out, 1, &error);
    g_assert_no_error(error);
    g_assert_true(ok);
    check_values(out[0], what, (double[]){1, -2, -3, -4, -5}, (int)n);
    qf_value_unref(out[0]);
  }
  g_assert_cmpint(qf_model_input(qf_session_model(session), 0)->dims[0], ==, 1);
}

static const char positive[] =
    "opset 13; in x f32 ?; w z f32 scalar = 0; w s i64 1 = -1; node Greater x,z -> m; node NonZero m -> i; "
    "node Reshape i,s -> p; node Gather x,p -> y; node ReduceSum y -> t keepdims=0; out y; out t";

static void test_dimensions_change(void)
{
  const float x[] = {1, -2, 3, 0, 5};
  g_autoptr(GError) error = NULL;
  g_autoptr(QfSession) session = open_text(positive);
  const QfModel *model = qf_session_model(session);
  g_assert_true(qf_model_is_dynamic(model));
  g_assert_cmpint(qf_model_input(model, 0)->dims[0], ==, -1);
  g_assert_cmpuint(qf_model_input(model, 0)->size_bytes, ==, 0);
  g_assert_cmpint(qf_model_output(model, 0)->rank, ==, -1);
  g_assert_null(qf_session_output_value(session, 0));
  const struct {
    int64_t from, n;
    const char *what;
    double sum;
  } cases[] = {{0, 5, "float32 3", 9},
               {1, 3, "float32 1", 3},
               {1, 1, "float32 0", 0},
               {0, 5, "float32 3", 9}};
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(QfValue) in = floats(x + cases[i].from, cases[i].n);
    QfValue *out[2];
    gboolean ok = qf_session_evaluate(session, &in, 1, out, 2, &error);
    g_assert_no_error(error);
    g_assert_true(ok);
    check_values(out[0], cases[i].what, NULL, 0);
    check_values(out[1], "float32 scalar", &cases[i].sum, 1);
    qf_value_unref(out[0]);
    qf_value_unref(out[1]);
  }
  g_assert_false(qf_session_run(session, &error));
  g_assert_error(error, QF_ERROR, QF_ERROR_SHAPE);
}

static void test_run(void)
{
  const float x[] = {1, -2, 3};
  const QfInputDims dims = {.name = "x", .rank = 1, .dims = {3}};
  g_autoptr(GError) error = NULL;
  g_autoptr(GBytes) bytes = onnx_build(positive);
  g_autoptr(QfSession) session =
      open_session(bytes, &(QfModelOptions){.backend = "ref", .input_dims = &dims, .n_input_dims = 1});
  g_assert_cmpuint(qf_model_input(qf_session_model(session), 0)->size_bytes, ==, sizeof(x));
  memcpy(qf_session_input_data(session, 0), x, sizeof(x));
  g_assert_true(qf_session_run(session, &error));
  g_autoptr(QfValue) y = qf_session_output_value(session, 0);
  check_values(y, "float32 2", (double[]){1, 3}, 2);
  g_assert_cmpmem(qf_session_output_data(session, 0), 8, qf_value_data(y), 8);
}

static gpointer evaluate_often(gpointer model)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(QfSession) session = qf_session_new(model, &(QfSessionOptions){.n_threads = 2}, &error);
  g_assert_no_error(error);
  float x[40];
  for (int i = 0; i < 40; i++)
    x[i] = (float)(i % 3 - 1);
  for (int64_t n = 1; n < 40; n++) {
    g_autoptr(QfValue) in = floats(x, n);
    const double sum = (double)(n / 3);
    QfValue *out[2];
    g_assert_true(qf_session_evaluate(session, &in, 1, out, 2, &error));
    check_values(out[1], "float32 scalar", &sum, 1);
    qf_value_unref(out[0]);
    qf_value_unref(out[1]);
  }
  return NULL;
}

/* Sessions of one model import from the same records at the same time. */
static void test_threads(void)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GBytes) bytes = onnx_build(positive);
  g_autoptr(QfModel) model = qf_model_load_bytes(bytes, "test.onnx", NULL, &error);
  g_assert_no_error(error);
  GThread *threads[4];
  for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
    threads[i] = g_thread_new("session", evaluate_often, model);
  for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
    g_thread_join(threads[i]);
}

/* A demanded value that differs makes another graph, and more of them than are kept are forgotten, not refused. */
static void test_many_shapes(void)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(QfSession) session =
      open_text("opset 13; in n i64 1; w v f32 1 = 1; node Expand v,n -> y; node Shape y -> s; out s");
  for (int64_t n = 1; n < 4 * QF_PROGRAM_MAX_GRAPHS; n += 3) {
    g_autoptr(QfValue) in = ints(&n, 1);
    QfValue *out;
    g_assert_true(qf_session_evaluate(session, &in, 1, &out, 1, &error));
    check_values(out, "int64 1", (double[]){(double)n}, 1);
    qf_value_unref(out);
  }
}

/* What can be wrong with values is told, not crashed on. */
static void test_bad_values(void)
{
  static const struct {
    const char *model;
    QfError code;
    const char *message;
  } cases[] = {
      {"opset 13; in n i64 1; in x f32 2,3; node Reshape x,n -> y; out y", QF_ERROR_SHAPE, "Reshape"},
      {"opset 13; in n i64 1; w v f32 1 = 1; node SequenceConstruct v -> s; node SequenceAt s,n -> y; out y",
       QF_ERROR_ARGUMENT, "position 7"},
      {"opset 13; in n i64 1; w v f32 4 = 1; node SplitToSequence v,n -> s; node SequenceLength s -> y; out "
       "y",
       QF_ERROR_SHAPE, "add up"},
      {"opset 13; in n i64 1; node NonZero n -> i; node Compress i,n -> y; out y", QF_ERROR_TYPE, "bool"},
  };
  const int64_t n = 7;
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(GError) error = NULL;
    g_autoptr(QfSession) session = open_text(cases[i].model);
    const QfModel *model = qf_session_model(session);
    const float x[6] = {0};
    g_autoptr(GBytes) bytes = g_bytes_new(x, sizeof(x));
    g_autoptr(QfValue) a = ints(&n, 1);
    g_autoptr(QfValue) b = qf_value_new_tensor(QF_DTYPE_FLOAT32, (int64_t[]){2, 3}, 2, bytes, NULL);
    QfValue *in[] = {a, b}, *out;
    g_assert_false(qf_session_evaluate(session, in, qf_model_n_inputs(model), &out, 1, &error));
    g_assert_error(error, QF_ERROR, (gint)cases[i].code);
    g_assert_nonnull(strstr(error->message, cases[i].message));
    g_assert_nonnull(strstr(error->message, "test.onnx"));
    g_assert_null(out);
  }
}

/* The model of @text with the graph of @body as attribute "body" of its node @index. */
static GBytes *with_body(const char *text, size_t index, const char *body)
{
  g_autoptr(GBytes) outer = onnx_build(text), inner = onnx_build(body);
  gsize size;
  const uint8_t *data = g_bytes_get_data(inner, &size);
  Onnx__ModelProto *b = onnx__model_proto__unpack(NULL, size, data);
  g_autofree uint8_t *graph = g_malloc(onnx__graph_proto__get_packed_size(b->graph) + 1);
  gsize graph_size = onnx__graph_proto__pack(b->graph, graph);
  onnx__model_proto__free_unpacked(b, NULL);
  data = g_bytes_get_data(outer, &size);
  Onnx__ModelProto *m = onnx__model_proto__unpack(NULL, size, data);
  Onnx__NodeProto *node = m->graph->node[index];
  Onnx__AttributeProto attribute = ONNX__ATTRIBUTE_PROTO__INIT, *list[] = {&attribute},
                       **old = node->attribute;
  size_t n_old = node->n_attribute;
  attribute.name = (char *)"body";
  attribute.g = (ProtobufCBinaryData){graph_size, graph};
  node->attribute = list;
  node->n_attribute = 1;
  uint8_t *packed = g_malloc(onnx__model_proto__get_packed_size(m));
  gsize packed_size = onnx__model_proto__pack(m, packed);
  node->attribute = old;
  node->n_attribute = n_old;
  onnx__model_proto__free_unpacked(m, NULL);
  return g_bytes_new_take(packed, packed_size);
}

static void test_endless(void)
{
  if (g_getenv("QF_SANITIZED")) {
    g_test_skip("a million turns take minutes under the sanitizers");
    return;
  }
  const float x = 1;
  g_autoptr(GError) error = NULL;
  g_autoptr(GBytes) bytes = with_body("opset 13; in x f32 1; node Loop -,-,x -> y; out y", 0,
                                      "opset 13; in i i64 scalar; in c bool scalar; in s f32 ?; "
                                      "node Optional c -> go; node Optional s -> t; out go; out t");
  g_autoptr(QfSession) session = open_session(bytes, NULL);
  g_assert_true(qf_model_is_dynamic(qf_session_model(session)));
  g_autoptr(QfValue) in = floats(&x, 1);
  QfValue *out;
  g_assert_false(qf_session_evaluate(session, &in, 1, &out, 1, &error));
  g_assert_error(error, QF_ERROR, QF_ERROR_LIMIT);
  g_assert_nonnull(strstr(error->message, "Loop"));
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/program/values", test_values);
  g_test_add_func("/program/frozen", test_frozen);
  g_test_add_func("/program/open-dimensions", test_open_dimensions);
  g_test_add_func("/program/dimensions-change", test_dimensions_change);
  g_test_add_func("/program/run", test_run);
  g_test_add_func("/program/threads", test_threads);
  g_test_add_func("/program/many-shapes", test_many_shapes);
  g_test_add_func("/program/bad-values", test_bad_values);
  g_test_add_func("/program/endless", test_endless);
  return g_test_run();
}
