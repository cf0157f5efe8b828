/* SPDX-License-Identifier: MIT */
/*
 * test_onnx.c - small ONNX models of every kind, good and bad: what graph they become, what they compute when all their inputs
 * are constants (the importer folds those), and which error a broken one gives. The models are text; see onnx_build.h.
 */
#include "onnx_build.h"
#include "onnx_cases.h"
#include "libqnnflow/backends/backend.h"
#include "libqnnflow/import/import.h"

#include <math.h>
#include <string.h>

static QfGraph *import_bytes(GBytes *bytes, GError **error)
{
  return qf_import(bytes, "test.onnx", NULL, NULL, qf_ref_evaluate, error);
}

/* The operators of a graph, in order, with a space between. */
static char *operators(const QfGraph *graph)
{
  GString *s = g_string_new(NULL);
  qf_foreach_node (node, graph)
    g_string_append_printf(s, "%s%s", s->len ? " " : "", node->op->name);
  return g_string_free(s, FALSE);
}

static char *describe(const QfTensor *t)
{
  g_autofree char *dims = qf_dims_to_string(t->dims, t->rank);
  return g_strdup_printf("%s %s", qf_dtype_name(t->dtype), dims);
}

static void check_graph(gconstpointer data)
{
  const OnnxGraphCase *c = data;
  g_autoptr(GBytes) bytes = onnx_build(c->model);
  g_autoptr(GError) error = NULL;
  g_autoptr(QfGraph) graph = import_bytes(bytes, &error);
  g_assert_no_error(error);
  if (!graph)
    return;
  g_autofree char *ops = operators(graph);
  g_autofree char *out = describe(graph->outputs->pdata[0]);
  g_assert_cmpstr(ops, ==, c->operators);
  g_assert_cmpstr(out, ==, c->output);
}

static void check_values(gconstpointer data)
{
  const OnnxValueCase *c = data;
  g_autoptr(GBytes) bytes = onnx_build(c->model);
  g_autoptr(GError) error = NULL;
  g_autoptr(QfGraph) graph = import_bytes(bytes, &error);
  g_assert_no_error(error);
  if (!graph)
    return;
  const QfTensor *t = graph->outputs->pdata[0];
  g_autofree char *out = describe(t);
  g_assert_cmpstr(out, ==, c->output);
  g_assert_nonnull(t->data);
  if (!t->data)
    return;
  g_auto(GStrv) wanted = g_strsplit(c->values, " ", -1);
  g_assert_cmpint(g_strv_length(wanted), ==, qf_tensor_count(t));
  for (guint i = 0; wanted[i]; i++) {
    double want = g_ascii_strtod(wanted[i], NULL), got = qf_tensor_get_real(t, i);
    g_assert_cmpfloat_with_epsilon(got, want, 1e-5 * MAX(1, fabs(want)));
  }
}

static void check_error(gconstpointer data)
{
  const OnnxErrorCase *c = data;
  g_autoptr(GBytes) bytes = onnx_build(c->model);
  g_autoptr(GError) error = NULL;
  g_autoptr(QfGraph) graph = import_bytes(bytes, &error);
  g_assert_null(graph);
  g_assert_error(error, QF_ERROR, c->code);
  if (!error || !strstr(error->message, c->message) || !strstr(error->message, "test.onnx")) {
    g_test_message("%s: the message is: %s", c->name, error ? error->message : "none");
    g_test_fail();
  }
}

/* Every prefix of a file, and every file with one byte changed, is either imported or refused; sanitizers watch. */
static void check_damage(gconstpointer data)
{
  const char *model = data;
  g_autoptr(GBytes) whole = onnx_build(model);
  gsize size;
  const uint8_t *from = g_bytes_get_data(whole, &size);
  g_autoptr(GError) none = NULL;
  g_autoptr(QfGraph) good = import_bytes(whole, &none);
  g_assert_no_error(none);
  g_assert_nonnull(good);
  for (gsize cut = 0; cut < size; cut++) {
    g_autoptr(GBytes) part = g_bytes_new_from_bytes(whole, 0, cut);
    g_autoptr(GError) error = NULL;
    g_autoptr(QfGraph) graph = import_bytes(part, &error);
    g_assert_true(graph != NULL || error != NULL);
  }
  for (gsize at = 0; at < size; at++) {
    uint8_t *bytes = g_memdup2(from, size);
    bytes[at] ^= (uint8_t)(1 + at * 37 % 255);
    g_autoptr(GBytes) changed = g_bytes_new_take(bytes, size);
    g_autoptr(GError) error = NULL;
    g_autoptr(QfGraph) graph = import_bytes(changed, &error);
    g_assert_true(graph != NULL || error != NULL);
  }
}

static void check_open_dims(void)
{
  g_autoptr(GBytes) bytes = onnx_build("opset 13; in x f32 ?,3,?; node Relu x -> y; out y");
  const QfInputDims by_name = {"x", 3, {2, 3, 5}}, by_index = {NULL, 3, {1, 3, 7}},
                    wrong = {"x", 3, {1, 4, 5}};
  const struct {
    const QfInputDims *dims;
    const char *want;
  } cases[] = {{&by_name, "float32 2x3x5"}, {&by_index, "float32 1x3x7"}, {&wrong, NULL}, {NULL, NULL}};
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    QfModelOptions options = {.input_dims = cases[i].dims, .n_input_dims = cases[i].dims != NULL};
    g_autoptr(GError) error = NULL;
    g_autoptr(QfGraph) graph = qf_import(bytes, "test.onnx", NULL, &options, qf_ref_evaluate, &error);
    g_autofree char *out = graph ? describe(graph->outputs->pdata[0]) : NULL;
    g_assert_cmpstr(out, ==, cases[i].want);
    if (!cases[i].want) {
      g_assert_error(error, QF_ERROR, QF_ERROR_SHAPE);
      g_assert_nonnull(strstr(error->message, "'x'"));
    }
  }
}

static void check_unknown_content(void)
{
  static const struct {
    const char *bytes;
    gsize size;
    const char *message;
  } cases[] = {{"", 0, "empty"},
               {"hello, world", 12, "no model format"},
               {"\x08\x08\x3a\x7f", 4, "truncated"}};
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(GBytes) bytes = g_bytes_new_static(cases[i].bytes, cases[i].size);
    g_autoptr(GError) error = NULL;
    g_autoptr(QfGraph) graph = import_bytes(bytes, &error);
    g_assert_null(graph);
    g_assert_error(error, QF_ERROR, QF_ERROR_FORMAT);
    g_assert_nonnull(strstr(error->message, cases[i].message));
  }
}

/* What the file leaves open can be seen, by its name. */
static void check_dim_names(void)
{
  g_autoptr(GBytes) bytes = onnx_build("opset 13\nin x f32 ?,3,8,8\nnode Relu x -> y\nout y\n");
  g_autoptr(GError) error = NULL;
  g_autoptr(QfModel) model = qf_model_load_bytes(bytes, "test.onnx", NULL, &error);
  g_assert_no_error(error);
  const QfTensorDesc *d = qf_model_input(model, 0);
  g_assert_cmpstr(d->dim_names[0], ==, "open");
  g_assert_null(d->dim_names[1]);
  g_assert_cmpint(d->dims[0], ==, 1);
}

static void add(const char *group, const char *name, gconstpointer data, GTestDataFunc run)
{
  g_autofree char *path = g_strdup_printf("/onnx/%s/%s", group, name);
  g_test_add_data_func(path, data, run);
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_set_nonfatal_assertions();
  for (const OnnxGraphCase *c = onnx_graph_cases; c->name; c++)
    add("graph", c->name, c, check_graph);
  for (const OnnxValueCase *c = onnx_value_cases; c->name; c++)
    add("values", c->name, c, check_values);
  for (const OnnxErrorCase *c = onnx_error_cases; c->name; c++)
    add("error", c->name, c, check_error);
  for (guint i = 0; onnx_damage_models[i].name; i++)
    add("damage", onnx_damage_models[i].name, onnx_damage_models[i].model, check_damage);
  g_test_add_func("/onnx/open-dims", check_open_dims);
  g_test_add_func("/onnx/dim-names", check_dim_names);
  g_test_add_func("/onnx/unknown-content", check_unknown_content);
  return g_test_run();
}
