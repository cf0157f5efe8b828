/* SPDX-License-Identifier: MIT */
/*
 * caffe_map.c - the Caffe importer on small nets, as text and as the same packed: good, wrong and damaged; the text format itself; and weights
 * in a file of their own. With a folder as its argument it writes the nets there: seeds for fuzz-caffe.
 */
#include "proto_cases.h"

#include "caffe.pb-c.h"

#include <qnnflow/session.h>

#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

static GBytes *text_of(const ProtoCase *c)
{
  return g_bytes_new_static(c->text, strlen(c->text));
}

static void test_case(gconstpointer data)
{
  const ProtoCase *c = data;
  g_autoptr(GBytes) text = text_of(c), packed = proto_pack(&caffe__net_parameter__descriptor, c->text);
  proto_check(text, c, "ref");
  proto_check(text, c, "cpu");
  proto_check(packed, c, "ref");
}

static void test_damaged(void)
{
  for (int i = 0; i < 3; i++) {
    const ProtoCase *c = &caffe_cases[2 + 9 * i];
    g_autoptr(GBytes) text = text_of(c), packed = proto_pack(&caffe__net_parameter__descriptor, c->text);
    proto_damage(text);
    proto_damage(packed);
  }
}

/* What is wrong in a text, with its line. */
static void test_syntax(void)
{
  static const struct {
    const char *text, *words;
  } wrongs[] = {
      {"name: 'a\n'", "line 1: a string is not closed on its line"},
      {"name: 'a", "not closed; the file may be cut off"},
      {"layer {\n name: 'a'\n", "line 3: a '}' is missing"},
      {"layer {\n ??? }", "line 2: the name of a field was expected, not '?'"},
      {"layer { name 'a' }", "a ':' or '{' was expected after \"name\""},
      {"name: 'a' input_dim: x", "input_dim must be an integer, not \"x\""},
      {"name: 'a' input_dim: 99999999999", "input_dim must be an integer"},
      {"layer { pooling_param { pool: MEDIAN } }", "pool must be a word of its list"},
      {"layer { pooling_param { pad: -1 } }", "pad must be an integer of at least 0"},
      {"layer { name: { } }", "name must be a string in quotes"},
      {"layer: 1", "layer must be a message in braces"},
      {"layer { other { { } }", "may be cut off"},
  };
  for (guint i = 0; i < G_N_ELEMENTS(wrongs); i++) {
    ProtoCase c = {.name = wrongs[i].text,
                   .text = wrongs[i].text,
                   .error = QF_ERROR_FORMAT,
                   .words = wrongs[i].words};
    g_autoptr(GBytes) text = text_of(&c);
    proto_check(text, &c, "ref");
  }
}

/* Depth and memory have limits, which are told as such. */
static void test_limits(void)
{
  g_autoptr(GString) deep = g_string_new("layer{"), many = g_string_new("name:'a' ");
  for (int i = 0; i < 100000; i++)
    g_string_append(deep, "unknown{");
  for (int i = 0; i < 200000; i++)
    g_string_append(many, "layer{}");
  ProtoCase c = {.name = "deep", .text = deep->str, .error = QF_ERROR_FORMAT, .words = "cut off"};
  g_autoptr(GBytes) a = text_of(&c);
  proto_check(a, &c, "ref");
  ProtoCase d = {.name = "many", .text = many->str, .error = QF_ERROR_LIMIT, .words = "too much memory"};
  g_autoptr(GBytes) b = text_of(&d);
  proto_check(b, &d, "ref");
}

static char *write_file(const char *folder, const char *name, const void *data, gsize size)
{
  char *path = g_build_filename(folder, name, NULL);
  g_assert_true(g_file_set_contents(path, data, (gssize)size, NULL));
  return path;
}

/* A net of text takes the weights that lie beside it, or those that are named, or made-up ones. */
static void test_files(void)
{
  static const char net[] =
      "input:'x' input_shape{dim:[1,2]} layer{name:'y' type:'InnerProduct' bottom:'x' top:'y' "
      "inner_product_param{num_output:1 bias_term:false}}";
  static const char old_weights[] =
      "layers{name:'y' type:INNER_PRODUCT bottom:'x' top:'y' blobs{num:1 channels:1 "
      "height:1 width:2 data:1 data:2}}";
  static const char weights[] = "layer{name:'y' blobs{shape{dim:[1,2]} data:[1,2]}}";
  g_autoptr(GError) error = NULL;
  g_autofree char *folder = g_dir_make_tmp("qf-caffe-XXXXXX", NULL);
  g_autoptr(GBytes) packed = proto_pack(&caffe__net_parameter__descriptor, weights),
                    packed_old = proto_pack(&caffe__net_parameter__descriptor, old_weights);
  gsize size, old_size;
  const void *data = g_bytes_get_data(packed, &size), *old_data = g_bytes_get_data(packed_old, &old_size);
  g_autofree char *a = write_file(folder, "a.prototxt", net, strlen(net)),
                  *a_weights = write_file(folder, "a.caffemodel", data, size),
                  *b = write_file(folder, "b.prototxt", net, strlen(net)),
                  *old = write_file(folder, "old.caffemodel", old_data, old_size);
  QfModelOptions named = {.weights = a_weights}, of_old = {.weights = old}, seeded = {.seed_weights = 7},
                 none = {0};
  const struct {
    const char *path;
    const QfModelOptions *options;
    gboolean ok;
  } loads[] = {{a, &none, TRUE},  {a_weights, &none, TRUE}, {b, &none, FALSE},
               {b, &named, TRUE}, {b, &of_old, TRUE},       {b, &seeded, TRUE}};
  for (guint i = 0; i < G_N_ELEMENTS(loads); i++) {
    g_autoptr(QfModel) model = qf_model_load(loads[i].path, loads[i].options, &error);
    g_assert_true((model != NULL) == loads[i].ok);
    g_clear_error(&error);
  }
  g_remove(a);
  g_remove(a_weights);
  g_remove(b);
  g_remove(old);
  g_rmdir(folder);
}

/* Caffe reshapes its nets: dimensions that are given replace those of the file. */
static void test_reshape(void)
{
  static const char net[] =
      "input:'x' input_dim:1 input_dim:3 input_dim:12 input_dim:12 layer{name:'y' type:'Pooling' "
      "bottom:'x' top:'y' pooling_param{kernel_size:2 stride:2}}";
  QfInputDims dims = {.name = "x", .rank = 4, .dims = {1, 3, 40, 60}};
  QfModelOptions options = {.input_dims = &dims, .n_input_dims = 1};
  g_autoptr(GError) error = NULL;
  g_autoptr(GBytes) bytes = g_bytes_new_static(net, strlen(net));
  g_autoptr(QfModel) model = qf_model_load_bytes(bytes, "net", &options, &error);
  g_assert_no_error(error);
  g_assert_cmpint(qf_model_output(model, 0)->dims[3], ==, 30);
}

/* Published topologies whose weights are not at hand, with made-up ones. */
static void test_topologies(void)
{
  static const struct {
    const char *name;
    int64_t rows;
  } nets[] = {{"mobilenet_ssd_deploy", 100},
              {"mobilenetv2_ssdlite_deploy", 200},
              {"squeezenet_v1.1_deploy", 1}};
  const char *data = g_getenv("QF_TESTDATA");
  g_autofree char *folder = g_build_filename(data ? data : QF_SOURCE_ROOT "/../shared/testdata",
                                             "models/caffe/prototxt_only", NULL);
  QfModelOptions options = {.seed_weights = 1};
  if (!g_file_test(folder, G_FILE_TEST_IS_DIR)) {
    g_test_skip("no published topologies (set QF_TESTDATA)");
    return;
  }
  for (guint i = 0; i < G_N_ELEMENTS(nets); i++) {
    g_autoptr(GError) error = NULL;
    g_autofree char *file = g_strconcat(nets[i].name, ".prototxt", NULL),
                    *path = g_build_filename(folder, file, NULL);
    g_autoptr(QfModel) model = qf_model_load(path, &options, &error);
    g_assert_no_error(error);
    g_assert_cmpint(qf_model_output(model, 0)->dims[2], ==, nets[i].rows);
    g_autoptr(QfSession) session = qf_session_new(model, NULL, &error);
    g_assert_no_error(error);
    memset(qf_session_input_data(session, 0), 0, qf_model_input(model, 0)->size_bytes);
    g_assert_true(qf_session_run(session, &error));
    const float *out = qf_session_output_data(session, 0);
    g_assert_true(isfinite(out[2]));
  }
}

static int write_cases(const char *folder)
{
  int ok = g_mkdir_with_parents(folder, 0755) == 0;
  for (const ProtoCase *c = caffe_cases; ok && c->name; c++) {
    g_autofree char *path = g_strdup_printf("%s/%s.caffe", folder, c->name),
                    *text = g_strdup_printf("%s/%s text.caffe", folder, c->name);
    g_autoptr(GBytes) bytes = proto_pack(&caffe__net_parameter__descriptor, c->text);
    ok = g_file_set_contents(path, g_bytes_get_data(bytes, NULL), (gssize)g_bytes_get_size(bytes), NULL) &&
         g_file_set_contents(text, c->text, -1, NULL);
  }
  return !ok;
}

int main(int argc, char **argv)
{
  if (argc == 2 && argv[1][0] != '-')
    return write_cases(argv[1]);
  g_test_init(&argc, &argv, NULL);
  for (const ProtoCase *c = caffe_cases; c->name; c++) {
    g_autofree char *path = g_strconcat("/caffe/case/", c->name, NULL);
    g_test_add_data_func(path, c, test_case);
  }
  g_test_add_func("/caffe/damaged", test_damaged);
  g_test_add_func("/caffe/syntax", test_syntax);
  g_test_add_func("/caffe/limits", test_limits);
  g_test_add_func("/caffe/files", test_files);
  g_test_add_func("/caffe/reshape", test_reshape);
  g_test_add_func("/caffe/topologies", test_topologies);
  return g_test_run();
}
