/* SPDX-License-Identifier: MIT */
/*
 * test_reshape.c - one ONNX file with open batch and length for several shapes: qf_model_reshape() gives the numbers that loading with
 * those dimensions gives, the same model for the same shape, and weights that are shared.
 */
#include "onnx_build.h"

#include "libqnnflow/runtime/model.h"

#include <qnnflow/qnnflow.h>
#include <string.h>

/* A convolution along an open length, its mean, and a product with the batch kept by a computed Reshape. */
static const char model_text[] = "opset 13\n"
                                 "in x f32 ?,3,?\n"
                                 "in bias f32 5\n"
                                 "w k f32 4,3,3\n"
                                 "w m f32 4,5\n"
                                 "w floor f32 5\n"
                                 "w axes i64 1 = 2\n"
                                 "w zero i64 1 = 0\n"
                                 "w tail i64 1 = 4\n"
                                 "node Conv x,k -> c pads=[1,1]\n"
                                 "node ReduceMean c -> r axes=[2] keepdims=1\n"
                                 "node Shape x -> s\n"
                                 "node Gather s,zero -> n\n"
                                 "node Concat n,tail -> shape axis=0\n"
                                 "node Reshape r,shape -> flat\n"
                                 "node MatMul flat,m -> p\n"
                                 "node Max p,floor -> q\n"
                                 "node Add q,bias -> y\n"
                                 "out y\n";

static QfModel *load(GBytes *bytes, int64_t batch, int64_t length)
{
  g_autoptr(GError) error = NULL;
  QfInputDims dims = {"x", 3, {batch, 3, length}};
  QfModelOptions options = {.input_dims = &dims, .n_input_dims = 1};
  QfModel *model = qf_model_load_bytes(bytes, "open", &options, &error);
  g_assert_no_error(error);
  return model;
}

static QfModel *reshape(QfModel *model, int64_t batch, int64_t length)
{
  g_autoptr(GError) error = NULL;
  QfInputDims dims = {"x", 3, {batch, 3, length}};
  QfModel *other = qf_model_reshape(model, &dims, 1, &error);
  g_assert_no_error(error);
  g_assert_cmpint(qf_model_input(other, 0)->dims[0], ==, batch);
  g_assert_cmpint(qf_model_input(other, 0)->dims[2], ==, length);
  g_assert_cmpint(qf_model_output(other, 0)->dims[0], ==, batch);
  return other;
}

static GBytes *run(QfModel *model)
{
  g_autoptr(QfSession) s = qf_session_new(model, NULL, NULL);
  for (uint32_t i = 0; i < qf_model_n_inputs(model); i++) {
    float *x = qf_session_input_data(s, i);
    for (size_t k = 0; k < qf_model_input(model, i)->size_bytes / sizeof(*x); k++)
      x[k] = (float)(k % 7) - 3;
  }
  g_assert_true(qf_session_run(s, NULL));
  return g_bytes_new(qf_session_output_data(s, 0), qf_model_output(model, 0)->size_bytes);
}

static void test_same_numbers(void)
{
  static const int64_t shapes[][2] = {{1, 8}, {4, 8}, {1, 100}, {3, 17}, {1, 8}};
  g_autoptr(GBytes) bytes = onnx_build(model_text);
  g_autoptr(QfModel) first = load(bytes, 1, 8);
  for (guint i = 0; i < G_N_ELEMENTS(shapes); i++) {
    g_autoptr(QfModel) loaded = load(bytes, shapes[i][0], shapes[i][1]);
    g_autoptr(QfModel) reshaped = reshape(first, shapes[i][0], shapes[i][1]);
    g_autoptr(GBytes) a = run(loaded), b = run(reshaped);
    g_assert_true(g_bytes_equal(a, b));
  }
}

/* Also asked of another model of the family, and after the shape was released. */
static void test_cache(void)
{
  g_autoptr(GBytes) bytes = onnx_build(model_text);
  g_autoptr(QfModel) first = load(bytes, 1, 8);
  QfModel *a = reshape(first, 2, 8);
  g_autoptr(QfModel) b = reshape(a, 1, 9), again = reshape(b, 2, 8), back = reshape(b, 1, 8);
  g_assert_true(again == a && back == first && b != a);
  qf_model_unref(a);
  for (int64_t n = 10; n < 30; n++) /* more than are kept */
    qf_model_unref(reshape(first, 1, n));
  g_autoptr(QfModel) other = reshape(first, 1, 9);
  g_assert_true(other != b);
}

/* A model of the family may outlive the one that was loaded. */
static void test_orphan(void)
{
  g_autoptr(GBytes) bytes = onnx_build(model_text);
  QfModel *first = load(bytes, 1, 8);
  g_autoptr(QfModel) a = reshape(first, 2, 8);
  qf_model_unref(first);
  g_autoptr(QfModel) b = reshape(a, 5, 8), c = reshape(b, 5, 8);
  g_autoptr(GBytes) x = run(b), y = run(c);
  g_assert_true(g_bytes_equal(x, y));
}

static const QfTensor *weights(const QfModel *model)
{
  for (guint i = 0; i < model->graph->tensors->len; i++) {
    const QfTensor *t = g_ptr_array_index(model->graph->tensors, i);
    if (!strcmp(t->name, "floor") && t->data)
      return t;
  }
  return NULL;
}

static void test_shared(void)
{
  g_autoptr(GBytes) bytes = onnx_build(model_text);
  g_autoptr(QfModel) first = load(bytes, 1, 8), second = reshape(first, 7, 8);
  g_assert_nonnull(weights(first));
  g_assert_true(qf_tensor_data(weights(first)) == qf_tensor_data(weights(second)));
}

typedef struct {
  const char *name;
  QfInputDims dims;
  QfError code;
  const char *text;
} Wrong;

static const Wrong wrongs[] = {
    {"fixed", {"x", 3, {1, 4, 8}}, QF_ERROR_SHAPE, "do not fit"},
    {"rank", {"x", 2, {1, 3}}, QF_ERROR_SHAPE, "do not fit"},
    {"name", {"z", 3, {1, 3, 8}}, QF_ERROR_ARGUMENT, "does not have"},
    {"fixed-input", {"bias", 1, {6}}, QF_ERROR_SHAPE, "do not fit"},
};

static void test_wrong(gconstpointer data)
{
  const Wrong *w = data;
  g_autoptr(GError) error = NULL;
  g_autoptr(GBytes) bytes = onnx_build(model_text);
  g_autoptr(QfModel) first = load(bytes, 1, 8);
  g_assert_null(qf_model_reshape(first, &w->dims, 1, &error));
  g_assert_error(error, QF_ERROR, (gint)w->code);
  g_assert_nonnull(strstr(error->message, w->text));
}

/* A file without open dimensions only has its own shape. */
static void test_closed(void)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GBytes) bytes = onnx_build("opset 13\nin x f32 2,3\nnode Relu x -> y\nout y\n");
  g_autoptr(QfModel) model = qf_model_load_bytes(bytes, "closed", NULL, &error);
  QfInputDims same = {NULL, 2, {2, 3}}, other = {NULL, 2, {4, 3}};
  g_autoptr(QfModel) again = qf_model_reshape(model, &same, 1, &error);
  g_assert_true(again == model);
  g_assert_null(qf_model_reshape(model, &other, 1, &error));
  g_assert_error(error, QF_ERROR, QF_ERROR_SHAPE);
}

static gpointer reshape_often(gpointer model)
{
  for (int64_t i = 0; i < 40; i++)
    qf_model_unref(reshape(model, 1 + i % 3, 8 + i % 11));
  return NULL;
}

static void test_threads(void)
{
  g_autoptr(GBytes) bytes = onnx_build(model_text);
  g_autoptr(QfModel) first = load(bytes, 1, 8);
  GThread *threads[4];
  for (int i = 0; i < 4; i++)
    threads[i] = g_thread_new("reshape", reshape_often, first);
  for (int i = 0; i < 4; i++)
    g_thread_join(threads[i]);
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/reshape/same-numbers", test_same_numbers);
  g_test_add_func("/reshape/cache", test_cache);
  g_test_add_func("/reshape/orphan", test_orphan);
  g_test_add_func("/reshape/shared", test_shared);
  g_test_add_func("/reshape/closed", test_closed);
  g_test_add_func("/reshape/threads", test_threads);
  for (guint i = 0; i < G_N_ELEMENTS(wrongs); i++) {
    g_autofree char *path = g_strdup_printf("/reshape/wrong/%s", wrongs[i].name);
    g_test_add_data_func(path, &wrongs[i], test_wrong);
  }
  return g_test_run();
}
