/* SPDX-License-Identifier: MIT */
/*
 * tflite_map.c - what the TFLite importer makes of operators: attributes, weights, encodings and nodes around them; the
 * values of operators on constants; and the message for each way a model can be wrong.
 */
#include "tflite_build.h"

#include "libqnnflow/backends/backend.h"
#include "libqnnflow/import/import.h"
#include "libqnnflow/ops/attrs.h"

#include <math.h>
#include <string.h>

#define LIST(...) (const int32_t[]){__VA_ARGS__}, sizeof((const int32_t[]){__VA_ARGS__}) / 4

static QfGraph *load(GBytes *bytes, GError **error)
{
  return qf_import(bytes, "model", NULL, NULL, qf_ref_evaluate, error);
}

static QfGraph *load_ok(GBytes *bytes)
{
  g_autoptr(GError) error = NULL;
  QfGraph *graph = load(bytes, &error);
  g_assert_no_error(error);
  return graph;
}

static QfNode *node_at(QfGraph *graph, guint i, const char *op)
{
  g_assert_cmpuint(i, <, graph->nodes->len);
  QfNode *node = graph->nodes->pdata[i];
  g_assert_cmpstr(node->op->name, ==, op);
  return node;
}

static void test_sample(void)
{
  g_autoptr(GBytes) bytes = tb_sample();
  g_autoptr(QfGraph) graph = load_ok(bytes);
  g_assert_cmpuint(graph->nodes->len, ==, 4);
  QfNode *conv = node_at(graph, 0, "Conv2d");
  const QfConv2dAttrs *a = conv->attrs;
  g_assert_cmpint(a->stride[0], ==, 2);
  g_assert_cmpint(a->pad[0], ==, 0);
  g_assert_cmpint(a->pad[1], ==, 1);
  g_assert_cmpint(a->group, ==, 1);
  g_assert_cmpint(a->epi.act, ==, QF_ACT_CLAMP);
  g_assert_cmpfloat(a->epi.hi, ==, 6);
  const QfTensor *x = conv->inputs[0], *w = conv->inputs[1];
  g_assert_cmpstr(x->name, ==, "image");
  g_assert_cmpint(x->enc.entries[0].offset, ==, 3);
  g_assert_cmpint(w->dims[0], ==, 3);
  g_assert_cmpint(w->dims[3], ==, 2);
  g_assert_cmpuint(w->enc.count, ==, 2);
  g_assert_cmpint(w->enc.axis, ==, 3);
  const int8_t *values = qf_tensor_data(w); /* [y][x][0][o] was [o][y][x][0] = 7 i - 60 */
  g_assert_cmpint(values[0], ==, -60);
  g_assert_cmpint(values[1], ==, 9 * 7 - 60);
  g_assert_cmpint(values[2], ==, 7 - 60);
  node_at(graph, 1, "Reshape");
  const QfTensor *dense = node_at(graph, 2, "FullyConnected")->inputs[1];
  g_assert_cmpint(dense->dims[0], ==, 3);
  QfNode *softmax = node_at(graph, 3, "Softmax");
  g_assert_cmpfloat(((QfAxisAttrs *)softmax->attrs)->beta, ==, 1);
  g_assert_cmpint(softmax->outputs[0]->enc.entries[0].offset, ==, 128);
  g_assert_true(graph->outputs->pdata[0] == softmax->outputs[0]);
}

/* An operator on int32 constants, and what it must give. */
typedef struct {
  const char *name;
  int code, n_in;
  struct {
    int32_t rank, dims[4], values[12];
  } in[4];
  int32_t options[6][2]; /* field, value; field -1 ends; a value above 1000 is one of one byte */
  int32_t rank, dims[4], values[24];
} Fold;

#define BYTE(v) (1000 + (v))
#define ROW(...)                                                                                             \
  {                                                                                                          \
    1, {sizeof((int32_t[]){__VA_ARGS__}) / 4},                                                               \
    {                                                                                                        \
      __VA_ARGS__                                                                                            \
    }                                                                                                        \
  }
#define SCALAR(v)                                                                                            \
  {                                                                                                          \
    0, {0},                                                                                                  \
    {                                                                                                        \
      v                                                                                                      \
    }                                                                                                        \
  }
#define GRID                                                                                                 \
  {                                                                                                          \
    2, {2, 3},                                                                                               \
    {                                                                                                        \
      1, 2, 3, 4, 5, 6                                                                                       \
    }                                                                                                        \
  }
#define NO_OPTIONS                                                                                           \
  {                                                                                                          \
    {                                                                                                        \
      -1                                                                                                     \
    }                                                                                                        \
  }

static const Fold folds[] = {
    {"reshape", 22, 2, {GRID, ROW(3, -1)}, NO_OPTIONS, 2, {3, 2}, {1, 2, 3, 4, 5, 6}},
    {"squeeze", 43, 1, {{3, {1, 2, 1}, {7, 8}}}, NO_OPTIONS, 1, {2}, {7, 8}},
    {"expand_dims", 70, 2, {ROW(7, 8), SCALAR(-1)}, NO_OPTIONS, 2, {2, 1}, {7, 8}},
    {"transpose", 39, 2, {GRID, ROW(1, 0)}, NO_OPTIONS, 2, {3, 2}, {1, 4, 2, 5, 3, 6}},
    {"shape", 77, 1, {GRID}, NO_OPTIONS, 1, {2}, {2, 3}},
    {"rank", 110, 1, {GRID}, NO_OPTIONS, 0, {0}, {2}},
    {"concat", 2, 2, {GRID, GRID}, {{0, -1}, {-1}}, 2, {2, 6}, {1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6}},
    {"concat relu", 2, 2, {ROW(-5, 5), ROW(-1, 1)}, {{0, 0}, {1, BYTE(1)}, {-1}}, 1, {4}, {0, 5, 0, 1}},
    {"pack", 83, 2, {ROW(1, 2), ROW(3, 4)}, {{0, 2}, {1, 1}, {-1}}, 2, {2, 2}, {1, 3, 2, 4}},
    {"tile", 69, 2, {ROW(1, 2), ROW(2)}, NO_OPTIONS, 1, {4}, {1, 2, 1, 2}},
    {"fill", 94, 2, {ROW(2, 2), SCALAR(9)}, NO_OPTIONS, 2, {2, 2}, {9, 9, 9, 9}},
    {"zeros_like", 93, 1, {ROW(4, 5)}, NO_OPTIONS, 1, {2}, {0, 0}},
    {"broadcast_to", 130, 2, {ROW(1, 2), ROW(2, 2)}, NO_OPTIONS, 2, {2, 2}, {1, 2, 1, 2}},
    {"range", 96, 3, {SCALAR(2), SCALAR(8), SCALAR(3)}, NO_OPTIONS, 1, {2}, {2, 5}},
    {"slice", 65, 3, {GRID, ROW(0, 1), ROW(2, -1)}, NO_OPTIONS, 2, {2, 2}, {2, 3, 5, 6}},
    {"strided_slice", 45, 4, {GRID, ROW(0, -1), ROW(2, 0), ROW(1, -1)}, NO_OPTIONS, 2, {2, 2}, {3, 2, 6, 5}},
    {"masks",
     45,
     4,
     {GRID, ROW(5, 1), ROW(5, 0), ROW(1, 1)},
     {{0, 1}, {1, 3}, {-1}},
     2,
     {2, 2},
     {2, 3, 5, 6}},
    {"end mask, back",
     45,
     4,
     {ROW(1, 2, 3), ROW(0), ROW(0), ROW(-1)},
     {{0, 1}, {1, 1}, {-1}},
     1,
     {3},
     {3, 2, 1}},
    {"shrink", 45, 4, {GRID, ROW(-1, 0), ROW(0, 3), ROW(1, 1)}, {{4, 1}, {-1}}, 1, {3}, {4, 5, 6}},
    {"new axis", 45, 4, {ROW(1, 2), ROW(0, 1), ROW(0, 2), ROW(1, 1)}, {{3, 1}, {-1}}, 2, {1, 1}, {2}},
    {"ellipsis", 45, 4, {GRID, ROW(0, 2), ROW(0, 3), ROW(1, 1)}, {{2, 1}, {4, 2}, {-1}}, 1, {2}, {3, 6}},
    {"reverse", 105, 2, {GRID, ROW(1)}, NO_OPTIONS, 2, {2, 3}, {3, 2, 1, 6, 5, 4}},
    {"pad", 34, 2, {ROW(1, 2), {2, {1, 2}, {1, 2}}}, NO_OPTIONS, 1, {5}, {0, 1, 2, 0, 0}},
    {"padv2", 60, 3, {ROW(1), {2, {1, 2}, {1, 1}}, SCALAR(7)}, NO_OPTIONS, 1, {3}, {7, 1, 7}},
    {"mirror_pad", 100, 2, {ROW(1, 2, 3), {2, {1, 2}, {2, 0}}}, NO_OPTIONS, 1, {5}, {3, 2, 1, 2, 3}},
    {"gather", 36, 2, {GRID, ROW(2, 0)}, {{0, 1}, {-1}}, 2, {2, 2}, {3, 1, 6, 4}},
    {"embedding_lookup", 7, 2, {ROW(1, 1), GRID}, NO_OPTIONS, 2, {2, 3}, {4, 5, 6, 4, 5, 6}},
    {"gather_nd", 107, 2, {GRID, {2, {2, 2}, {0, 2, 1, 0}}}, NO_OPTIONS, 1, {2}, {3, 4}},
    {"scatter_nd", 122, 3, {{2, {3, 1}, {1, 3, 1}}, ROW(5, 6, 7), ROW(4)}, NO_OPTIONS, 1, {4}, {0, 12, 0, 6}},
    {"one_hot",
     85,
     4,
     {ROW(2, 0), SCALAR(3), SCALAR(9), SCALAR(1)},
     {{0, -1}, {-1}},
     2,
     {2, 3},
     {1, 1, 9, 9, 1, 1}},
    {"add_n", 106, 3, {ROW(1, 2), ROW(3, 4), ROW(5, 6)}, NO_OPTIONS, 1, {2}, {9, 12}},
    {"square", 92, 1, {ROW(-3, 4)}, NO_OPTIONS, 1, {2}, {9, 16}},
    {"floor_div", 90, 2, {ROW(7, -7), ROW(2, 2)}, NO_OPTIONS, 1, {2}, {3, -4}},
    {"floor_mod", 95, 2, {ROW(7, -7), ROW(3, 3)}, NO_OPTIONS, 1, {2}, {1, 2}},
    {"maximum", 55, 2, {GRID, SCALAR(3)}, NO_OPTIONS, 2, {2, 3}, {3, 3, 3, 4, 5, 6}},
    {"sum", 74, 2, {GRID, ROW(-1)}, {{0, BYTE(1)}, {-1}}, 2, {2, 1}, {6, 15}},
    {"cumsum", 128, 2, {ROW(1, 2, 3), SCALAR(0)}, {{0, BYTE(1)}, {-1}}, 1, {3}, {0, 1, 3}},
    {"arg_max", 56, 2, {GRID, SCALAR(-1)}, NO_OPTIONS, 1, {2}, {2, 2}},
};

static TbNode *make_options(const int32_t (*options)[2])
{
  TbNode *t = tb_table();
  for (uint32_t i = 0; i < 6 && options[i][0] >= 0; i++)
    if (options[i][1] >= 1000)
      tb_int(t, options[i][0], 1, options[i][1] - 1000);
    else
      tb_int(t, options[i][0], 4, options[i][1]);
  return t;
}

static int32_t add_constant(TbModel *m, const char *name, int32_t rank, const int32_t *dims,
                            const int32_t *values)
{
  int32_t count = 1;
  for (int32_t i = 0; i < rank; i++)
    count *= dims[i];
  return tb_tensor(m, name, 2, dims, rank, values, 4 * count);
}

static void test_fold(gconstpointer data)
{
  const Fold *f = data;
  static const char *const names[] = {"a", "b", "c", "d"};
  TbModel m;
  int32_t in[4];
  tb_model_init(&m);
  for (int i = 0; i < f->n_in; i++)
    in[i] = add_constant(&m, names[i], f->in[i].rank, f->in[i].dims, f->in[i].values);
  int32_t out = tb_tensor(&m, "out", 2, f->dims, f->rank, NULL, 0);
  tb_operator(&m, f->code, in, f->n_in, &out, 1, make_options(f->options));
  g_autoptr(GBytes) bytes = tb_model_finish(&m, NULL, 0, &out, 1);
  g_autoptr(QfGraph) graph = load_ok(bytes);
  const QfTensor *t = graph->outputs->pdata[0];
  g_assert_cmpint(t->rank, ==, f->rank);
  for (int32_t i = 0; i < t->rank; i++)
    g_assert_cmpint(t->dims[i], ==, f->dims[i]);
  const int32_t *values = qf_tensor_data(t);
  g_assert_nonnull(values);
  g_assert_cmpint(t->dtype, ==, QF_DTYPE_INT32);
  for (int64_t i = 0; i < qf_tensor_count(t); i++)
    g_assert_cmpint(values[i], ==, f->values[i]);
}

/* SPLIT_V with an open size, and UNPACK: several outputs. */
static void test_parts(void)
{
  static const int32_t row[] = {1, 2, 3, 4, 5}, sizes[] = {2, -1}, axis;
  TbModel m;
  tb_model_init(&m);
  int32_t x = tb_tensor(&m, "x", 2, LIST(5), row, 20), s = tb_tensor(&m, "sizes", 2, LIST(2), sizes, 8),
          a = tb_tensor(&m, "axis", 2, NULL, 0, &axis, 4), p = tb_tensor(&m, "p", 2, LIST(2), NULL, 0),
          q = tb_tensor(&m, "q", 2, LIST(3), NULL, 0), u = tb_tensor(&m, "u", 2, NULL, 0, NULL, 0),
          v = tb_tensor(&m, "v", 2, NULL, 0, NULL, 0);
  tb_operator(&m, 102, LIST(x, s, a), LIST(p, q), NULL);
  tb_operator(&m, 88, LIST(p), LIST(u, v), NULL);
  g_autoptr(GBytes) bytes = tb_model_finish(&m, NULL, 0, LIST(q, v));
  g_autoptr(QfGraph) graph = load_ok(bytes);
  const QfTensor *rest = graph->outputs->pdata[0], *second = graph->outputs->pdata[1];
  g_assert_cmpint(rest->dims[0], ==, 3);
  g_assert_cmpint(((const int32_t *)qf_tensor_data(rest))[2], ==, 5);
  g_assert_cmpint(second->rank, ==, 0);
  g_assert_cmpint(*(const int32_t *)qf_tensor_data(second), ==, 2);
}

/* x [1,8,8,4] int8 through one operator; returns the graph. */
static QfGraph *quantized_unary(int code, TbNode *options, float out_scale)
{
  TbModel m;
  tb_model_init(&m);
  int32_t x = tb_tensor(&m, "x", 9, LIST(1, 8, 8, 4), NULL, 0);
  tb_quantize(&m, (float[]){0.1f}, (int64_t[]){5}, 1, 0);
  int32_t y = tb_tensor(&m, "y", 9, LIST(1, 8, 8, 4), NULL, 0);
  tb_quantize(&m, &out_scale, (int64_t[]){5}, 1, 0);
  tb_operator(&m, code, LIST(x), LIST(y), options);
  g_autoptr(GBytes) bytes = tb_model_finish(&m, LIST(x), LIST(y));
  return load_ok(bytes);
}

static TbNode *pool_options(void)
{
  static const int32_t options[6][2] = {{0, BYTE(1)}, {1, 2}, {2, 2}, {3, 2}, {4, 2}, {-1}};
  return make_options(options);
}

/* Operators that only move values get a Convert where the encodings differ, and none where they agree. */
static void test_encodings(void)
{
  g_autoptr(QfGraph) same = quantized_unary(17, pool_options(), 0.1f);
  node_at(same, 0, "PoolMax2d");
  g_assert_cmpuint(same->nodes->len, ==, 1);
  g_autoptr(QfGraph) other = quantized_unary(17, pool_options(), 0.2f);
  node_at(other, 0, "PoolMax2d");
  QfNode *convert = node_at(other, 1, "Convert");
  g_assert_cmpstr(convert->outputs[0]->name, ==, "y");
  g_assert_cmpfloat(convert->outputs[0]->enc.entries[0].scale, ==, 0.2f);
  g_autoptr(QfGraph) requantize = quantized_unary(114, NULL, 0.2f);
  node_at(requantize, 0, "Convert");
}

/* Integer weights with float data: a Dequantize, for the passes to compute. float16 weights are computed here. */
static void test_hybrid(void)
{
  static const int8_t weights[2 * 3] = {1, 2, 3, 4, 5, 6};
  static const uint16_t halves[2] = {0x3c00, 0xc000};
  TbModel m;
  tb_model_init(&m);
  int32_t x = tb_tensor(&m, "x", 0, LIST(1, 3), NULL, 0), w = tb_tensor(&m, "w", 9, LIST(2, 3), weights, 6);
  tb_quantize(&m, (float[]){0.5f}, (int64_t[]){0}, 1, 0);
  int32_t h = tb_tensor(&m, "h", 1, LIST(2), halves, 4), b = tb_tensor(&m, "b", 0, LIST(2), NULL, 0),
          y = tb_tensor(&m, "y", 0, LIST(1, 2), NULL, 0);
  tb_operator(&m, 6, LIST(h), LIST(b), NULL);
  tb_operator(&m, 9, LIST(x, w, b), LIST(y), NULL);
  g_autoptr(GBytes) bytes = tb_model_finish(&m, LIST(x), LIST(y));
  g_autoptr(QfGraph) graph = load_ok(bytes);
  node_at(graph, 0, "Dequantize");
  QfNode *dense = node_at(graph, 1, "FullyConnected");
  g_assert_cmpint(dense->inputs[1]->dtype, ==, QF_DTYPE_FLOAT32);
  const float *bias = qf_tensor_data(dense->inputs[2]);
  g_assert_nonnull(bias);
  g_assert_cmpfloat(bias[0], ==, 1);
  g_assert_cmpfloat(bias[1], ==, -2);
}

/* How a transposed convolution reaches the size it is told. */
static void test_transpose_conv(void)
{
  static const struct {
    int32_t size, padding, before, after, more;
  } cases[] = {{8, 0, 0, 1, 0}, {7, 0, 1, 1, 0}, {9, 1, 0, 0, 0}, {10, 1, 0, 0, 1}};
  static const float weights[2 * 3 * 3 * 4];
  for (uint32_t i = 0; i < G_N_ELEMENTS(cases); i++) {
    TbModel m;
    int32_t size[] = {1, cases[i].size, cases[i].size, 2};
    int32_t options[6][2] = {{0, BYTE(cases[i].padding)}, {1, 2}, {2, 2}, {-1}};
    tb_model_init(&m);
    int32_t s = tb_tensor(&m, "size", 2, LIST(4), size, 16),
            w = tb_tensor(&m, "w", 0, LIST(2, 3, 3, 4), weights, sizeof weights),
            x = tb_tensor(&m, "x", 0, LIST(1, 4, 4, 4), NULL, 0), y = tb_tensor(&m, "y", 0, size, 4, NULL, 0);
    tb_operator(&m, 67, LIST(s, w, x), LIST(y), make_options(options));
    g_autoptr(GBytes) bytes = tb_model_finish(&m, LIST(x), LIST(y));
    g_autoptr(QfGraph) graph = load_ok(bytes);
    const QfNode *node = node_at(graph, 0, "TransposeConv2d");
    const QfConv2dAttrs *a = node->attrs;
    g_assert_cmpint(node->outputs[0]->dims[1], ==, cases[i].size);
    g_assert_cmpint(a->pad[0], ==, cases[i].before);
    g_assert_cmpint(a->pad[1], ==, cases[i].after);
    g_assert_cmpint(a->output_padding[0], ==, cases[i].more);
  }
}

static void refuse(GBytes *bytes, int code, const char *const *texts)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(QfGraph) graph = load(bytes, &error);
  g_assert_null(graph);
  if (!g_error_matches(error, QF_ERROR, code))
    g_error("\"%s\" has code %d, not %d", error->message, error->code, code);
  for (; *texts; texts++)
    if (!strstr(error->message, *texts))
      g_error("\"%s\" does not say \"%s\"", error->message, *texts);
}

/* Two tensors x and y of [1, 4], and one operator. */
typedef struct {
  const char *name;
  int operator_code;
  int32_t inputs[4], n_in, output;
  int type; /* of both */
  float scale;
  int error;
  const char *texts[6];
} Wrong;

static const Wrong wrongs[] = {
    {"unsupported",
     15,
     {0},
     1,
     1,
     0,
     0,
     QF_ERROR_UNSUPPORTED,
     {"model", "LSH_PROJECTION version 1", "operator 0", "\"y\""}},
    {"calls itself", 31, {0}, 1, 1, 0, 0, QF_ERROR_FORMAT, {"graph 0 uses itself"}},
    {"unknown", 250, {0}, 1, 1, 0, 0, QF_ERROR_UNSUPPORTED, {"of an unknown number"}},
    {"own output", 19, {1}, 1, 1, 0, 0, QF_ERROR_FORMAT, {"RELU", "written by no operator before it"}},
    {"written twice", 19, {0}, 1, 0, 0, 0, QF_ERROR_FORMAT, {"written twice"}},
    {"too many inputs", 19, {0, 0}, 2, 1, 0, 0, QF_ERROR_FORMAT, {"2 inputs and 1 outputs"}},
    {"missing input", 19, {-1}, 1, 1, 0, 0, QF_ERROR_FORMAT, {"input 0 is missing"}},
    {"strings", 19, {0}, 1, 1, 5, 0, QF_ERROR_UNSUPPORTED, {"type STRING"}},
    {"scale of nan", 19, {0}, 1, 1, 9, NAN, QF_ERROR_FORMAT, {"\"x\"", "not an encoding of int8"}},
    {"negative scale", 19, {0}, 1, 1, 9, -1, QF_ERROR_FORMAT, {"not an encoding"}},
    {"shape not constant",
     22,
     {0, 0},
     2,
     1,
     2,
     0,
     QF_ERROR_UNSUPPORTED,
     {"RESHAPE", "must be a constant", "fixed shapes"}},
    {"not an image", 17, {0}, 1, 1, 0, 0, QF_ERROR_SHAPE, {"MAX_POOL_2D", "2 dimensions, not 4"}},
    {"no scale", 6, {0}, 1, 1, 9, 0, QF_ERROR_FORMAT, {"a scale is missing"}},
};

static void test_wrong(gconstpointer data)
{
  const Wrong *w = data;
  TbModel m;
  int64_t zero = 0;
  tb_model_init(&m);
  for (int i = 0; i < 2; i++) {
    tb_tensor(&m, i ? "y" : "x", w->type, LIST(1, 4), NULL, 0);
    if (w->scale != 0)
      tb_quantize(&m, &w->scale, &zero, 1, 0);
  }
  tb_operator(&m, w->operator_code, w->inputs, w->n_in, &w->output, 1, NULL);
  g_autoptr(GBytes) bytes = tb_model_finish(&m, LIST(0), LIST(1));
  refuse(bytes, w->error, w->texts);
}

/* Everything that is not supported is told at once. */
static void test_unsupported_list(void)
{
  TbModel m;
  tb_model_init(&m);
  tb_tensor(&m, "x", 0, LIST(1, 4), NULL, 0);
  tb_tensor(&m, "y", 0, LIST(1, 4), NULL, 0);
  tb_tensor(&m, "z", 0, LIST(1, 4), NULL, 0);
  tb_operator(&m, 15, LIST(0), LIST(1), NULL);
  tb_custom(&m, "MyOwn", LIST(1), LIST(2));
  g_autoptr(GBytes) bytes = tb_model_finish(&m, LIST(0), LIST(2));
  refuse(bytes, QF_ERROR_UNSUPPORTED,
         (const char *const[]){"2 of its operators", "LSH_PROJECTION version 1 (operator 0, output \"y\")",
                               "custom operator MyOwn", "(operator 1, output \"z\")", NULL});
}

/* A few bytes that ask for 16 GiB of constants. */
static void test_huge(void)
{
  static const int32_t dims[] = {1 << 15, 1 << 15, 4}, one = 1;
  TbModel m;
  tb_model_init(&m);
  int32_t s = tb_tensor(&m, "dims", 2, LIST(3), dims, sizeof dims),
          v = tb_tensor(&m, "v", 2, NULL, 0, &one, 4), y = tb_tensor(&m, "y", 2, dims, 3, NULL, 0);
  tb_operator(&m, 94, LIST(s, v), LIST(y), NULL);
  g_autoptr(GBytes) bytes = tb_model_finish(&m, NULL, 0, LIST(y));
  refuse(bytes, QF_ERROR_LIMIT, (const char *const[]){"model", "y", "smaller shapes", NULL});
}

/* Damaged files through the whole importer, folding included: an error or a graph, never a crash. */
static void test_damaged(void)
{
  static const uint8_t values[] = {0x00, 0x02, 0x7f, 0x80, 0xff};
  g_autoptr(GBytes) bytes = tb_sample();
  gsize size = g_bytes_get_size(bytes);
  for (gsize at = 8; at < size; at++)
    for (uint32_t v = 0; v < G_N_ELEMENTS(values); v++) {
      uint8_t *copy = g_memdup2(g_bytes_get_data(bytes, NULL), size);
      copy[at] = values[v];
      g_autoptr(GBytes) damaged = g_bytes_new_take(copy, size);
      g_autoptr(GError) error = NULL;
      g_autoptr(QfGraph) graph = load(damaged, &error);
      g_assert_true((graph == NULL) == (error != NULL));
    }
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/tflite/map/sample", test_sample);
  for (uint32_t i = 0; i < G_N_ELEMENTS(folds); i++) {
    g_autofree char *path = g_strconcat("/tflite/map/fold/", folds[i].name, NULL);
    g_test_add_data_func(path, &folds[i], test_fold);
  }
  g_test_add_func("/tflite/map/parts", test_parts);
  g_test_add_func("/tflite/map/encodings", test_encodings);
  g_test_add_func("/tflite/map/hybrid", test_hybrid);
  g_test_add_func("/tflite/map/transpose-conv", test_transpose_conv);
  for (uint32_t i = 0; i < G_N_ELEMENTS(wrongs); i++) {
    g_autofree char *path = g_strconcat("/tflite/map/wrong/", wrongs[i].name, NULL);
    g_test_add_data_func(path, &wrongs[i], test_wrong);
  }
  g_test_add_func("/tflite/map/unsupported-list", test_unsupported_list);
  g_test_add_func("/tflite/map/huge", test_huge);
  g_test_add_func("/tflite/map/damaged", test_damaged);
  return g_test_run();
}
