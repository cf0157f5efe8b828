/* SPDX-License-Identifier: MIT */
/*
 * onnx_tensors.c - the ways in which an ONNX file keeps the values of a tensor: typed fields, packed types, and files of their own beside the
 * model, also beyond 2 GiB. Each model is one initializer and an Identity, or a Gather of some of it.
 */
#include "libqnnflow/graph/numbers.h"
#include "libqnnflow/import/onnx/onnx.pb-c.h"
#include "libqnnflow/import/onnx/reader.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <qnnflow/session.h>
#include <string.h>
#include <unistd.h>

#define MAX_VALUES 4

/* A tensor's record with the values in one typed field. */
typedef struct {
  const char *name;
  int32_t type;      /* TensorProto.DataType */
  char field;        /* f float_data, i int32_data, l int64_data, d double_data, u uint64_data */
  int count, stored; /* elements; numbers in the field */
  double field_values[MAX_VALUES], values[MAX_VALUES];
} Typed;

static const Typed typed[] = {
    {"float", 1, 'f', 2, 2, {1.5, -2}, {1.5, -2}},
    {"uint8", 2, 'i', 2, 2, {0, 255}, {0, 255}},
    {"int8", 3, 'i', 2, 2, {-128, 127}, {-128, 127}},
    {"uint16", 4, 'i', 2, 2, {1, 65535}, {1, 65535}},
    {"int16", 5, 'i', 2, 2, {-32768, 3}, {-32768, 3}},
    {"int32", 6, 'i', 2, 2, {-2147483648.0, 5}, {-2147483648.0, 5}},
    {"int64", 7, 'l', 2, 2, {-9007199254740993.0, 7}, {-9007199254740993.0, 7}},
    {"bool", 9, 'i', 3, 3, {1, 0, 1}, {1, 0, 1}},
    {"float16", 10, 'i', 2, 2, {0x3e00, 0xc000}, {1.5, -2}}, /* the bits */
    {"double", 11, 'd', 2, 2, {0.1, -1e300}, {0.1, -1e300}},
    {"uint32", 12, 'u', 2, 2, {4294967295.0, 1}, {4294967295.0, 1}},
    {"uint64", 13, 'u', 2, 2, {9223372036854775808.0, 1}, {9223372036854775808.0, 1}},
    {"bfloat16", 16, 'i', 2, 2, {0x3fc0, 0xc000}, {1.5, -2}},
    {"uint4", 21, 'i', 3, 2, {0xf1, 0x07}, {1, 15, 7}}, /* two a byte, the lower half first */
    {"int4", 22, 'i', 3, 2, {0xf1, 0x08}, {1, -1, -8}},
    {"uint2", 25, 'i', 4, 1, {0xe4}, {0, 1, 2, 3}},
    {"int2", 26, 'i', 4, 1, {0xe4}, {0, 1, -2, -1}},
    {"float8e4m3fn", 17, 'i', 2, 2, {0x38, 0xc0}, {1, -2}},
    {"float8e5m2", 19, 'i', 2, 2, {0x3c, 0xc0}, {1, -2}},
};

/* The arrays that a record's fields point to. */
typedef struct {
  float f[MAX_VALUES];
  int32_t i[MAX_VALUES];
  int64_t l[MAX_VALUES];
  double d[MAX_VALUES];
  uint64_t u[MAX_VALUES];
  int64_t dims[1];
} Arrays;

static void fill(const Typed *c, Onnx__TensorProto *t, Arrays *a)
{
  for (int k = 0; k < c->stored; k++) {
    a->f[k] = (float)c->field_values[k];
    a->d[k] = c->field_values[k];
    a->i[k] = (int32_t)CLAMP(c->field_values[k], G_MININT32, G_MAXINT32);
    a->l[k] = (int64_t)CLAMP(c->field_values[k], -9.2e18, 9.2e18);
    a->u[k] = (uint64_t)MAX(c->field_values[k], 0);
  }
  a->dims[0] = c->count;
  t->dims = a->dims;
  t->n_dims = 1;
  t->data_type = c->type;
  t->float_data = a->f;
  t->int32_data = a->i;
  t->int64_data = a->l;
  t->double_data = a->d;
  t->uint64_data = a->u;
  t->n_float_data = c->field == 'f' ? (size_t)c->stored : 0;
  t->n_int32_data = c->field == 'i' ? (size_t)c->stored : 0;
  t->n_int64_data = c->field == 'l' ? (size_t)c->stored : 0;
  t->n_double_data = c->field == 'd' ? (size_t)c->stored : 0;
  t->n_uint64_data = c->field == 'u' ? (size_t)c->stored : 0;
}

static QfTensor *read_record(QfGraph *graph, Onnx__TensorProto *record, GError **error)
{
  g_autoptr(GHashTable) read = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)g_bytes_unref);
  QfOnnxFile file = {.name = "test", .tensors = read};
  return qf_onnx_read_tensor(&file, graph, record, "t", error);
}

static void check_typed(gconstpointer data)
{
  const Typed *c = data;
  Onnx__TensorProto record = ONNX__TENSOR_PROTO__INIT;
  Arrays arrays = {0};
  g_autoptr(QfGraph) graph = qf_graph_new("test");
  g_autoptr(GError) error = NULL;
  fill(c, &record, &arrays);
  QfTensor *t = read_record(graph, &record, &error);
  g_assert_no_error(error);
  g_assert_nonnull(t);
  for (int k = 0; t && k < c->count; k++)
    g_assert_cmpfloat(qf_tensor_get_real(t, k), ==, c->values[k]);
  arrays.dims[0] = c->count + 8; /* values that do not fill the shape */
  QfTensor *bad = read_record(graph, &record, &error);
  g_assert_null(bad);
  g_assert_error(error, QF_ERROR, QF_ERROR_FORMAT);
}

/* A model of one float initializer whose values lie elsewhere; @count and the index that is looked at. */
typedef struct {
  const char *name, *location, *offset, *length;
  int64_t file_size, count, index; /* index -1: all of it */
  int error;                       /* 0: it loads */
  const char *message;
} External;

static const External external[] = {
    {"whole", "data.bin", NULL, NULL, 16, 4, -1, 0, NULL},
    {"part", "data.bin", "4", "8", 16, 2, -1, 0, NULL},
    {"unaligned", "data.bin", "6", "8", 16, 2, -1, 0, NULL},
    {"folder", "sub/data.bin", "0", NULL, 16, 4, -1, 0, NULL},
    {"beyond-2-gib", "big.bin", "2147483648", "16", 2147483664, 4, -1, 0, NULL},
    {"more-than-2-gib", "big.bin", NULL, "2147483664", 2147483664, 536870916, 536870915, 0, NULL},
    {"truncated", "data.bin", "4", NULL, 16, 4, -1, QF_ERROR_FORMAT, "truncated"},
    {"offset-beyond", "data.bin", "9223372036854775807", NULL, 16, 4, -1, QF_ERROR_FORMAT, "truncated"},
    {"length", "data.bin", "0", "12", 16, 4, -1, QF_ERROR_FORMAT, "size of its shape"},
    {"negative-offset", "data.bin", "-4", NULL, 16, 4, -1, QF_ERROR_FORMAT, "no number"},
    {"upward", "../data.bin", NULL, NULL, 16, 4, -1, QF_ERROR_FORMAT, "outside the model's directory"},
    {"inward-upward", "sub/../../data.bin", NULL, NULL, 16, 4, -1, QF_ERROR_FORMAT,
     "outside the model's directory"},
    {"absolute", "/etc/passwd", NULL, NULL, 16, 4, -1, QF_ERROR_FORMAT, "outside the model's directory"},
    {"backslash", "..\\data.bin", NULL, NULL, 16, 4, -1, QF_ERROR_FORMAT, "outside the model's directory"},
    {"no-location", NULL, NULL, NULL, 16, 4, -1, QF_ERROR_FORMAT, "another file"},
    {"missing-file", "gone.bin", NULL, NULL, 0, 4, -1, QF_ERROR_FILE, "gone.bin"},
};

static void add_entry(Onnx__TensorProto *t, Onnx__StringStringEntryProto *entry, const char *key,
                      const char *value)
{
  if (!value)
    return;
  onnx__string_string_entry_proto__init(entry);
  entry->key = (char *)key;
  entry->value = (char *)value;
  t->external_data[t->n_external_data++] = entry;
}

static void write_model(const External *c, const char *path)
{
  Onnx__ModelProto model = ONNX__MODEL_PROTO__INIT;
  Onnx__GraphProto graph = ONNX__GRAPH_PROTO__INIT;
  Onnx__OperatorSetIdProto opset = ONNX__OPERATOR_SET_ID_PROTO__INIT, *opsets[] = {&opset};
  Onnx__TensorProto w = ONNX__TENSOR_PROTO__INIT, index = ONNX__TENSOR_PROTO__INIT, *weights[] = {&w, &index};
  Onnx__NodeProto node = ONNX__NODE_PROTO__INIT, *nodes[] = {&node};
  Onnx__ValueInfoProto y = ONNX__VALUE_INFO_PROTO__INIT, *outputs[] = {&y};
  Onnx__StringStringEntryProto entries[3], *list[3];
  int64_t dims[] = {c->count}, one[] = {1}, at[] = {MAX(c->index, 0)};
  char *inputs[] = {"w", "i"}, *names[] = {"y"};
  opset.version = 13;
  w.name = "w";
  w.data_type = 1;
  w.data_location = 1;
  w.dims = dims;
  w.n_dims = 1;
  w.external_data = list;
  add_entry(&w, &entries[0], "location", c->location);
  add_entry(&w, &entries[1], "offset", c->offset);
  add_entry(&w, &entries[2], "length", c->length);
  index.name = "i";
  index.data_type = 7;
  index.dims = one;
  index.n_dims = index.n_int64_data = 1;
  index.int64_data = at;
  node.op_type = c->index < 0 ? "Identity" : "Gather";
  node.input = inputs;
  node.n_input = c->index < 0 ? 1 : 2;
  node.output = names;
  node.n_output = 1;
  y.name = "y";
  graph.node = nodes;
  graph.initializer = weights;
  graph.output = outputs;
  graph.n_node = graph.n_output = 1;
  graph.n_initializer = 2;
  model.graph = &graph;
  model.opset_import = opsets;
  model.n_opset_import = 1;
  g_autofree uint8_t *packed = g_malloc(onnx__model_proto__get_packed_size(&model));
  gsize size = onnx__model_proto__pack(&model, packed);
  g_assert_true(g_file_set_contents(path, (const char *)packed, (gssize)size, NULL));
}

/* A file whose last 16 bytes are the floats 1 to 4 and the rest a hole; FALSE when the disk does not have such. */
static gboolean write_data(const char *folder, const char *location, int64_t size)
{
  const float values[] = {1, 2, 3, 4};
  if (!location || !size || *location == '/' || strstr(location, ".."))
    return TRUE;
  g_autofree char *path = g_build_filename(folder, location, NULL), *parent = g_path_get_dirname(path);
  g_mkdir_with_parents(parent, 0700);
  int fd = g_open(path, O_CREAT | O_WRONLY, 0600);
  gboolean ok = fd >= 0 && ftruncate(fd, size) == 0 &&
                pwrite(fd, values, sizeof(values), size - (int64_t)sizeof(values)) == (ssize_t)sizeof(values);
  if (fd >= 0)
    close(fd);
  return ok;
}

static void remove_folder(const char *folder)
{
  static const char *const files[] = {"model.onnx", "data.bin", "big.bin", "sub/data.bin", "sub", ""};
  for (guint i = 0; i < G_N_ELEMENTS(files); i++) {
    g_autofree char *path = g_build_filename(folder, files[i], NULL);
    g_remove(path);
  }
}

static void check_loaded(const External *c, QfModel *model)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(QfSession) session = qf_session_new(model, NULL, &error);
  g_assert_no_error(error);
  gboolean ran = qf_session_run(session, &error);
  g_assert_no_error(error);
  g_assert_true(ran);
  const float values[] = {1, 2, 3, 4}, *got = qf_session_output_data(session, 0);
  uint64_t offset = c->offset ? g_ascii_strtoull(c->offset, NULL, 10) : 0;
  if (c->index >= 0) {
    g_assert_cmpfloat(got[0], ==, 4);
    return;
  }
  const char *from = (const char *)values + (offset - ((uint64_t)c->file_size - sizeof(values)));
  g_assert_cmpmem(got, (size_t)c->count * sizeof(float), from, (size_t)c->count * sizeof(float));
}

static void check_external(gconstpointer data)
{
  const External *c = data;
  g_autoptr(GError) error = NULL;
  g_autofree char *folder = g_dir_make_tmp("qnnflow-XXXXXX", &error);
  g_assert_no_error(error);
  g_autofree char *path = g_build_filename(folder, "model.onnx", NULL);
  write_model(c, path);
  if (!write_data(folder, c->location, c->file_size)) {
    g_test_skip("the disk does not take a file with a hole of that size");
  } else {
    g_autoptr(QfModel) model = qf_model_load(path, &(QfModelOptions){.backend = "ref"}, &error);
    g_assert_cmpint(model != NULL, ==, c->error == 0);
    if (model) {
      g_assert_no_error(error);
      check_loaded(c, model);
    } else {
      g_assert_error(error, QF_ERROR, c->error);
      g_assert_nonnull(strstr(error->message, c->message));
      g_assert_nonnull(strstr(error->message, "'w'"));
    }
  }
  remove_folder(folder);
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS(typed); i++) {
    g_autofree char *path = g_strdup_printf("/onnx-tensors/typed/%s", typed[i].name);
    g_test_add_data_func(path, &typed[i], check_typed);
  }
  for (guint i = 0; i < G_N_ELEMENTS(external); i++) {
    g_autofree char *path = g_strdup_printf("/onnx-tensors/external/%s", external[i].name);
    g_test_add_data_func(path, &external[i], check_external);
  }
  return g_test_run();
}
