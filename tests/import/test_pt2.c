/* SPDX-License-Identifier: MIT */
/*
 * test_pt2.c - archives of torch.export.save(): a network computes what it should, damaged archives are refused, and messages say
 * what is missing. Networks made by PyTorch itself are in pt2_models.py.
 */
#include "pt2_build.h"

#include "libqnnflow/import/import.h"
#include "libqnnflow/import/pt2/archive.h"

#include <qnnflow/qnnflow.h>

#include <math.h>
#include <string.h>

static QfModel *load(const char *text, GError **error)
{
  g_autoptr(GBytes) bytes = pt2_build(text);
  return qf_model_load_bytes(bytes, "net", NULL, error);
}

static const float *run(QfModel *model, QfSession **session, const float *x, int n)
{
  g_autoptr(GError) error = NULL;
  *session = qf_session_new(model, NULL, &error);
  g_assert_no_error(error);
  memcpy(qf_session_input_data(*session, 0), x, (size_t)n * sizeof(float));
  g_assert_true(qf_session_run(*session, &error));
  return qf_session_output_data(*session, 0);
}

/* The sample by hand: both filters are [1 0 -1] in each row. */
static void test_sample(void)
{
  static const float k[] = {1, 0, -1}, bias[] = {0.5f, -0.5f}, w[] = {0.25f, -0.5f, 1}, b[] = {1, 2, 3};
  float x[16], v[8];
  for (int i = 0; i < 16; i++)
    x[i] = (float)((i * 7) % 5) - 1.5f;
  for (int o = 0; o < 8; o++) {
    v[o] = bias[o / 4];
    for (int i = 0; i < 9; i++)
      v[o] += k[i % 3] * x[(o % 4 / 2 + i / 3) * 4 + o % 2 + i % 3];
    v[o] = fmaxf(v[o], 0);
  }
  g_autoptr(GError) error = NULL;
  g_autoptr(QfModel) model = load(pt2_sample, &error);
  g_autoptr(QfSession) session = NULL;
  g_assert_no_error(error);
  g_assert_cmpstr(qf_model_format(model), ==, "pt2");
  g_assert_cmpstr(qf_model_input(model, 0)->name, ==, "x");
  g_assert_cmpstr(qf_model_output(model, 0)->name, ==, "y");
  const float *y = run(model, &session, x, 16);
  for (int o = 0; o < 3; o++) {
    float want = b[o];
    for (int i = 0; i < 8; i++)
      want += w[(o * 8 + i) % 3] * v[i];
    g_assert_cmpfloat_with_epsilon(y[o], want, 1e-4f);
  }
}

/* An open first dimension is 1, or what the caller says; sizes that follow from it are worked out. */
static void test_open_dimension(void)
{
  g_autoptr(GBytes) bytes = pt2_build("in x ?,2,3\nnode aten.flatten.using_ints y ?,6 : self=x start_dim=1\n"
                                      "node aten.add.Tensor z ?,6 : self=y other=y alpha=2\nout z\n");
  for (int64_t n = 1; n < 4; n += 2) {
    const QfInputDims dims = {"x", 3, {n, 2, 3}};
    const QfModelOptions options = {.input_dims = &dims, .n_input_dims = n > 1};
    g_autoptr(GError) error = NULL;
    g_autoptr(QfModel) model = qf_model_load_bytes(bytes, "net", &options, &error);
    g_autoptr(QfSession) session = NULL;
    float x[18];
    for (int i = 0; i < 18; i++)
      x[i] = (float)i;
    g_assert_no_error(error);
    g_assert_cmpint(qf_model_output(model, 0)->dims[0], ==, n);
    const float *y = run(model, &session, x, (int)n * 6);
    for (int i = 0; i < n * 6; i++)
      g_assert_cmpfloat(y[i], ==, 3 * x[i]);
  }
}

static const struct {
  const char *text;
  QfError code;
  const char *message;
} errors[] = {
    {"in x 2\nnode aten.foo.default y 2 : self=x\nnode aten.bar.out z 2 : self=y\nout z\n",
     QF_ERROR_UNSUPPORTED,
     "operators that are not supported: aten.foo.default (node 'y'), aten.bar.out (node 'z')"},
    {"in x 1,3,8,8\nnode aten.batch_norm.default y 1,3,8,8 : input=x training=true\nout y\n",
     QF_ERROR_UNSUPPORTED, "node 'y' (aten.batch_norm.default): it is in training mode"},
    {"in x 2,3\nnode aten.linear.default y 2,4 : input=x weight=x bias=nothing\nout y\n", QF_ERROR_FORMAT,
     "'nothing'"},
    {"in x 1,4,9\nnode aten.max_pool2d.default y 1,4,4 : self=x\nout y\n", QF_ERROR_UNSUPPORTED,
     "'kernel_size' must be 1 or 2"},
    {"in x ?,?,4\nnode aten.flatten.using_ints y ?,? : self=x start_dim=1\nout y\n", QF_ERROR_UNSUPPORTED,
     "2 open dimensions"},
    {"in x 2,3\nnode aten.permute.default y 3,2 : self=x dims=[0,1,2]\nout y\n", QF_ERROR_FORMAT,
     "do not fit its input"},
    {"in x 2,3\nnode aten.relu.default y 2,3 : self=x\nout nowhere\n", QF_ERROR_FORMAT, "'nowhere'"},
    {"in x 2,3\nnode aten.mul.Tensor a 2,3 : self=x other=x\nnode aten.permute.default p 3,2 : self=a "
     "dims=[1,0]\n"
     "node aten.relu_.default r 2,3 : self=a\nnode aten.add.Tensor y 3,2 : self=p other=p\nout y\n",
     QF_ERROR_UNSUPPORTED, "node 'y' (aten.add.Tensor) uses 'p', which shares memory"},
    {"in x 2,3\nnode aten.index.Tensor y 2,3 : self=x\nout y\n", QF_ERROR_UNSUPPORTED,
     "indices must be of one dimension"},
};

static void test_errors(void)
{
  for (size_t i = 0; i < G_N_ELEMENTS(errors); i++) {
    g_autoptr(GError) error = NULL;
    g_autoptr(QfModel) model = load(errors[i].text, &error);
    g_assert_null(model);
    g_assert_nonnull(error);
    if (error->code != (int)errors[i].code || !strstr(error->message, errors[i].message))
      g_error("'%s' (%d) does not say '%s' (%d)", error->message, error->code, errors[i].message,
              errors[i].code);
    g_assert_true(g_str_has_prefix(error->message, "net: "));
  }
}

/* Archives of other sorts, and broken ones. */
static void test_archives(void)
{
  static const struct {
    const char *path, *content;
    uint16_t method;
    QfError code;
    const char *message;
  } cases[] = {
      {"net/models/model.json", "{", 0, QF_ERROR_FORMAT, "no JSON"},
      {"net/models/model.json", "{}", 0, QF_ERROR_FORMAT, "not that of an exported program"},
      {"net/models/model.json", "{}", 8, QF_ERROR_UNSUPPORTED, "compressed"},
      {"serialized_exported_program.json", "[1, 2]", 0, QF_ERROR_FORMAT, "not that of an exported program"},
      {"net/archive_format", "pt2", 0, QF_ERROR_UNSUPPORTED, "holds no exported program"},
      {"net/code/constants.pkl", "", 0, QF_ERROR_UNSUPPORTED, "TorchScript"},
      {"archive/data.pkl", "", 0, QF_ERROR_UNSUPPORTED, "torch.export.save"},
  };
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
    ZipBuild *z = zb_new();
    zb_add(z, cases[i].path, cases[i].content, strlen(cases[i].content), cases[i].method);
    g_autoptr(GBytes) bytes = zb_end(z);
    g_autoptr(GError) error = NULL;
    g_autoptr(QfModel) model = qf_model_load_bytes(bytes, "net", NULL, &error);
    g_assert_null(model);
    if (!strstr(error->message, cases[i].message))
      g_error("'%s' does not say '%s'", error->message, cases[i].message);
    g_assert_error(error, QF_ERROR, (int)cases[i].code);
  }
}

/* Two files of one name. */
static void test_duplicate(void)
{
  ZipBuild *z = zb_new();
  zb_add(z, "net/models/model.json", "{}", 2, 0);
  zb_add(z, "net/models/model.json", "{}", 2, 0);
  g_autoptr(GBytes) bytes = zb_end(z);
  g_autoptr(GError) error = NULL;
  g_autoptr(QfZip) zip = qf_zip_open(bytes, "twice", &error);
  g_assert_null(zip);
  g_assert_nonnull(strstr(error->message, "two files have one name"));
}

static QfGraph *import_cut(const uint8_t *data, size_t size, GError **error)
{
  g_autoptr(GBytes) bytes = g_bytes_new(data, size); /* a block of its own: reading past it is seen */
  return qf_import(bytes, "cut", NULL, NULL, NULL, error);
}

static void test_truncated(void)
{
  g_autoptr(GBytes) bytes = pt2_build(pt2_sample);
  gsize size;
  const uint8_t *data = g_bytes_get_data(bytes, &size);
  for (gsize n = 0; n < size; n++) {
    g_autoptr(GError) error = NULL;
    g_autoptr(QfGraph) graph = import_cut(data, n, &error);
    g_assert_null(graph);
    g_assert_nonnull(error);
  }
}

/* Every byte (under the sanitizers, which take minutes, each nineteenth) set to a few values: an error or a graph, never a crash. */
static void test_flipped(void)
{
  static const uint8_t values[] = {0x00, '9', ']', 0x80, 0xff};
  g_autoptr(GBytes) bytes = pt2_build(pt2_sample);
  const gsize size = g_bytes_get_size(bytes);
  const gsize step = g_getenv("QF_SANITIZED") ? 19 : 1;
  uint32_t refused = 0;
  g_autofree uint8_t *copy = g_memdup2(g_bytes_get_data(bytes, NULL), size);
  for (gsize at = 0; at < size; at += step)
    for (uint32_t v = 0; v < G_N_ELEMENTS(values); v++) {
      const uint8_t was = copy[at];
      copy[at] = values[v];
      g_autoptr(GError) error = NULL;
      g_autoptr(QfGraph) graph = import_cut(copy, size, &error);
      g_assert_true((graph != NULL) == (error == NULL));
      refused += graph == NULL;
      copy[at] = was;
    }
  g_assert_cmpuint(refused, >, 1000 / step);
}

/* Views of a storage: dense, turned, out of bounds. */
static void test_views(void)
{
  static const float storage[] = {0, 1, 2, 3, 4, 5};
  static const struct {
    QfPt2Tensor t;
    float want[6];
    gboolean fits;
  } cases[] = {
      {{NULL, 7, 2, {2, 3}, {3, 1}, 0}, {0, 1, 2, 3, 4, 5}, TRUE},
      {{NULL, 7, 2, {3, 2}, {1, 3}, 0}, {0, 3, 1, 4, 2, 5}, TRUE},
      {{NULL, 7, 1, {2}, {2}, 1}, {1, 3}, TRUE},
      {{NULL, 7, 0, {0}, {0}, 5}, {5}, TRUE},
      {{NULL, 7, 1, {0}, {1}, 0}, {0}, TRUE},
      {{NULL, 7, 1, {2}, {1}, 5}, {0}, FALSE},
      {{NULL, 7, 1, {2}, {-1}, 3}, {0}, FALSE},
      {{NULL, 7, 1, {1}, {1}, -1}, {0}, FALSE},
      {{NULL, 7, 1, {INT64_MAX}, {INT64_MAX}, 0}, {0}, FALSE},
      {{NULL, 7, 2, {1000, 1000}, {0, 0}, 0}, {0}, FALSE},
      {{NULL, 9, 1, {1}, {1}, 0}, {0}, FALSE},
  };
  g_autoptr(GBytes) bytes = g_bytes_new_static(storage, sizeof(storage));
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
    QfPt2Tensor t = cases[i].t;
    t.storage = bytes;
    g_autoptr(GBytes) values = qf_pt2_tensor_values(&t);
    g_assert_true((values != NULL) == cases[i].fits);
    if (values && g_bytes_get_size(values))
      g_assert_cmpmem(g_bytes_get_data(values, NULL), g_bytes_get_size(values), cases[i].want,
                      (size_t)qf_dims_count(t.dims, t.rank) * 4);
  }
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/pt2/sample", test_sample);
  g_test_add_func("/pt2/open-dimension", test_open_dimension);
  g_test_add_func("/pt2/errors", test_errors);
  g_test_add_func("/pt2/archives", test_archives);
  g_test_add_func("/pt2/duplicate", test_duplicate);
  g_test_add_func("/pt2/truncated", test_truncated);
  g_test_add_func("/pt2/flipped", test_flipped);
  g_test_add_func("/pt2/views", test_views);
  return g_test_run();
}
