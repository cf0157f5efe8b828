/* SPDX-License-Identifier: MIT */
/*
 * test-passes.c - what the passes make of small graphs: how many nodes are left, of which operators, and that the reference backend gives
 * the same numbers before and after.
 */
#include "libqnnflow/ops/attrs.h"
#include "libqnnflow/passes/passes.h"
#include "libqnnflow/runtime/model.h"

#include <math.h>
#include <qnnflow/qnnflow.h>
#include <string.h>

/* A graph in the making; weights come from @random, so that building twice gives the same graph. */
typedef struct {
  QfGraph *graph;
  GRand *random;
} Maker;

static QfTensor *add_input(Maker *m, const int64_t *dims, int32_t rank)
{
  QfTensor *t = qf_graph_add_tensor(m->graph, "x");
  qf_tensor_set_shape(t, QF_DTYPE_FLOAT32, dims, rank);
  g_ptr_array_add(m->graph->inputs, t);
  return t;
}

static QfTensor *constant(Maker *m, const int64_t *dims, int32_t rank, double lo, double hi)
{
  int64_t n = qf_dims_count(dims, rank);
  g_autofree float *values = g_new(float, n);
  for (int64_t i = 0; i < n; i++)
    values[i] = (float)g_rand_double_range(m->random, lo, hi);
  return qf_graph_add_constant_copy(m->graph, NULL, QF_DTYPE_FLOAT32, dims, rank, values);
}

static QfTensor *vector(Maker *m, int64_t n, double lo, double hi)
{
  return constant(m, &n, 1, lo, hi);
}

static QfTensor *scalar(Maker *m, float value)
{
  return qf_graph_add_constant_copy(m->graph, NULL, QF_DTYPE_FLOAT32, NULL, 0, &value);
}

static QfNode *new_node(Maker *m, const char *op, QfTensor *a, QfTensor *b, QfTensor *c)
{
  QfTensor *inputs[] = {a, b, c}, *out = qf_graph_add_tensor(m->graph, NULL);
  return qf_graph_new_node(m->graph, op, NULL, inputs, 3, &out, 1);
}

static QfTensor *finish(QfNode *node)
{
  g_autoptr(GError) error = NULL;
  qf_graph_add_node(node, &error);
  g_assert_no_error(error);
  return node->outputs[0];
}

static QfTensor *apply(Maker *m, const char *op, QfTensor *a, QfTensor *b)
{
  return finish(new_node(m, op, a, b, NULL));
}

static QfTensor *conv(Maker *m, QfTensor *x, int64_t k, int64_t out)
{
  int64_t dims[] = {k, k, x->dims[3], out};
  QfNode *node = new_node(m, "Conv2d", x, constant(m, dims, 4, -.5, .5), vector(m, out, -1, 1));
  QfConv2dAttrs *a = node->attrs;
  for (int i = 0; i < 4; i++)
    a->pad[i] = (int32_t)k / 2;
  return finish(node);
}

static QfTensor *transpose(Maker *m, QfTensor *x, QfInts perm)
{
  QfNode *node = new_node(m, "Transpose", x, NULL, NULL);
  ((QfTransposeAttrs *)node->attrs)->perm = perm;
  return finish(node);
}

static QfTensor *reshape(Maker *m, QfTensor *x, QfInts shape)
{
  QfNode *node = new_node(m, "Reshape", x, NULL, NULL);
  ((QfReshapeAttrs *)node->attrs)->shape = shape;
  return finish(node);
}

static QfTensor *mean(Maker *m, QfTensor *x, QfInts axes)
{
  QfNode *node = new_node(m, "ReduceMean", x, NULL, NULL);
  *(QfReduceAttrs *)node->attrs = (QfReduceAttrs){axes, 1};
  return finish(node);
}

static const QfInts to_nchw = {4, {0, 3, 1, 2}}, to_nhwc = {4, {0, 2, 3, 1}};

static QfTensor *conv_nchw(Maker *m, QfTensor *x, int64_t k, int64_t out)
{
  return transpose(m, conv(m, transpose(m, x, to_nhwc), k, out), to_nchw);
}

static QfTensor *build_conv_norm_relu(Maker *m)
{
  QfTensor *x = add_input(m, (int64_t[]){1, 5, 6, 3}, 4), *y = conv(m, x, 3, 8);
  y = finish(new_node(m, "Batchnorm", y, vector(m, 8, .5, 2), vector(m, 8, -1, 1)));
  y = apply(m, "ElementWiseMultiply", y, vector(m, 8, .5, 2));
  y = apply(m, "ElementWiseAdd", y, vector(m, 8, -1, 1));
  return apply(m, "Relu", y, NULL);
}

static QfTensor *build_residual(Maker *m)
{
  QfTensor *x = add_input(m, (int64_t[]){1, 5, 6, 8}, 4), *y = conv(m, x, 3, 8);
  return apply(m, "Relu6", apply(m, "ElementWiseAdd", x, y), NULL);
}

static QfTensor *build_silu(Maker *m)
{
  QfTensor *x = add_input(m, (int64_t[]){1, 4, 4, 4}, 4), *y = conv(m, x, 1, 4);
  return apply(m, "ElementWiseMultiply", y, apply(m, "Sigmoid", y, NULL));
}

static QfTensor *build_nchw(Maker *m)
{
  QfTensor *x = add_input(m, (int64_t[]){1, 3, 6, 5}, 4), *y = apply(m, "Relu", conv_nchw(m, x, 3, 4), NULL);
  y = apply(m, "ElementWiseAdd", y, constant(m, (int64_t[]){4, 1, 1}, 3, -1, 1));
  return conv_nchw(m, y, 1, 2);
}

/* Channel shuffle, as exporters write it. */
static QfTensor *build_shuffle(Maker *m)
{
  QfTensor *x = add_input(m, (int64_t[]){1, 3, 6, 5}, 4), *y = conv_nchw(m, x, 1, 8);
  y = reshape(m, y, (QfInts){5, {1, 2, 4, 6, 5}});
  y = transpose(m, y, (QfInts){5, {0, 2, 1, 3, 4}});
  y = reshape(m, y, (QfInts){4, {1, 8, 6, 5}});
  return conv_nchw(m, y, 1, 2);
}

/* Global pooling and a flatten: the Transposes only move dimensions of size 1. */
static QfTensor *build_head(Maker *m)
{
  QfTensor *x = add_input(m, (int64_t[]){1, 6, 5, 3}, 4), *y = transpose(m, conv(m, x, 1, 8), to_nchw);
  return reshape(m, mean(m, y, (QfInts){2, {2, 3}}), (QfInts){2, {1, 8}});
}

static QfTensor *build_gelu(Maker *m)
{
  QfTensor *x = add_input(m, (int64_t[]){3, 7}, 2);
  QfTensor *e = apply(m, "Erf", apply(m, "ElementWiseDivide", x, scalar(m, (float)G_SQRT2)), NULL);
  return apply(m, "ElementWiseMultiply", apply(m, "ElementWiseMultiply", x, scalar(m, .5f)),
               apply(m, "ElementWiseAdd", e, scalar(m, 1)));
}

/* Without scale and shift. */
static QfTensor *build_plain_norm(Maker *m)
{
  const QfInts last = {1, {1}};
  QfTensor *x = add_input(m, (int64_t[]){3, 7}, 2);
  QfTensor *d = apply(m, "ElementWiseSubtract", x, mean(m, x, last));
  QfTensor *v =
      apply(m, "ElementWiseAdd", mean(m, apply(m, "ElementWiseMultiply", d, d), last), scalar(m, 1e-5f));
  return apply(m, "ElementWiseDivide", d, apply(m, "ElementWiseSquareRoot", v, NULL));
}

static QfTensor *build_layer_norm(Maker *m)
{
  QfTensor *y = build_plain_norm(m);
  return apply(m, "ElementWiseAdd", apply(m, "ElementWiseMultiply", y, vector(m, 7, .5, 2)),
               vector(m, 7, -1, 1));
}

/* The mean of an image beside it, in the middle of three parts. */
static QfTensor *build_one_pixel(Maker *m)
{
  QfTensor *x = add_input(m, (int64_t[]){1, 4, 5, 3}, 4);
  QfNode *resize = new_node(m, "Resize", conv(m, mean(m, x, (QfInts){2, {1, 2}}), 1, 2), NULL, NULL);
  QfResizeAttrs *a = resize->attrs;
  a->size = (QfInts){4, {1, 4, 5, 2}};
  a->interpolation = QF_RESIZE_LINEAR;
  QfNode *concat = new_node(m, "Concat", conv(m, x, 3, 4), finish(resize), x);
  ((QfConcatAttrs *)concat->attrs)->axis = 3;
  return apply(m, "Relu", conv(m, finish(concat), 1, 6), NULL);
}

static QfTensor *build_pad(Maker *m)
{
  QfTensor *x = add_input(m, (int64_t[]){1, 6, 5, 3}, 4);
  QfNode *pad = new_node(m, "Pad", x, NULL, NULL);
  QfPadAttrs *a = pad->attrs;
  a->before = (QfInts){4, {0, 1, 2, 0}};
  a->after = (QfInts){4, {0, 2, 1, 0}};
  return conv(m, finish(pad), 3, 4);
}

static QfTensor *quantized(Maker *m, QfTensor *x, float scale, int32_t offset)
{
  QfNode *q = new_node(m, "Quantize", x, NULL, NULL), *d;
  QfScaleOffset e = {scale, offset};
  q->outputs[0]->dtype = QF_DTYPE_UINT8;
  qf_tensor_set_encoding(m->graph, q->outputs[0], 1, 0, &e);
  ((QfCastAttrs *)q->attrs)->dtype = QF_DTYPE_UINT8;
  d = new_node(m, "Dequantize", finish(q), NULL, NULL);
  ((QfCastAttrs *)d->attrs)->dtype = QF_DTYPE_FLOAT32;
  return finish(d);
}

static QfTensor *quantized_weights(Maker *m, const int64_t *dims)
{
  int64_t n = qf_dims_count(dims, 4);
  g_autofree int8_t *values = g_new(int8_t, n);
  QfScaleOffset e = {.01f, 0};
  for (int64_t i = 0; i < n; i++)
    values[i] = (int8_t)g_rand_int_range(m->random, -127, 128);
  QfTensor *w = qf_graph_add_constant_copy(m->graph, NULL, QF_DTYPE_INT8, dims, 4, values);
  qf_tensor_set_encoding(m->graph, w, 1, 0, &e);
  QfNode *d = new_node(m, "Dequantize", w, NULL, NULL);
  ((QfCastAttrs *)d->attrs)->dtype = QF_DTYPE_FLOAT32;
  return finish(d);
}

static QfTensor *build_qdq(Maker *m)
{
  QfTensor *x = quantized(m, add_input(m, (int64_t[]){1, 4, 5, 3}, 4), .02f, -128);
  QfTensor *y =
      finish(new_node(m, "Conv2d", x, quantized_weights(m, (int64_t[]){1, 1, 3, 4}), vector(m, 4, -1, 1)));
  y = quantized(m, apply(m, "Relu", y, NULL), .03f, 0);
  return transpose(m, y, to_nchw);
}

/* An operator that moves values and has two outputs, between integers. */
static QfTensor *build_qdq_split(Maker *m)
{
  QfTensor *x = quantized(m, add_input(m, (int64_t[]){1, 4, 5, 6}, 4), .02f, -128), *halves[2];
  for (int i = 0; i < 2; i++)
    halves[i] = qf_graph_add_tensor(m->graph, NULL);
  QfNode *split = qf_graph_new_node(m->graph, "Split", NULL, &x, 1, halves, 2);
  ((QfConcatAttrs *)split->attrs)->axis = 3;
  finish(split);
  return quantized(m, finish(new_node(m, "ElementWiseAdd", halves[0], halves[1], NULL)), .03f, -128);
}

/* Everything that does nothing, in one chain. */
static QfTensor *build_nothing(Maker *m)
{
  QfTensor *x = add_input(m, (int64_t[]){1, 4, 5, 3}, 4), *y = apply(m, "ElementWiseExp", x, NULL);
  QfNode *pad = new_node(m, "Pad", y, NULL, NULL), *slice, *resize;
  ((QfPadAttrs *)pad->attrs)->before = ((QfPadAttrs *)pad->attrs)->after = (QfInts){4, {0}};
  slice = new_node(m, "StridedSlice", finish(pad), NULL, NULL);
  *(QfStridedSliceAttrs *)slice->attrs =
      (QfStridedSliceAttrs){{4, {0}}, {4, {1, 4, 5, 3}}, {4, {1, 1, 1, 1}}};
  resize = new_node(m, "Resize", apply(m, "Concat", finish(slice), NULL), NULL, NULL);
  ((QfResizeAttrs *)resize->attrs)->size = (QfInts){4, {1, 4, 5, 3}};
  y = reshape(m, finish(resize), (QfInts){4, {1, 4, 5, 3}});
  y = transpose(m, y, (QfInts){4, {0, 1, 2, 3}});
  y = apply(m, "ElementWiseMultiply", apply(m, "ElementWiseAdd", y, scalar(m, 0)), scalar(m, 1));
  y = apply(m, "ElementWiseDivide", apply(m, "ElementWiseSubtract", y, scalar(m, 0)), scalar(m, 1));
  return apply(m, "ElementWiseNeg", apply(m, "ElementWisePower", y, scalar(m, 1)), NULL);
}

static QfTensor *cast(Maker *m, QfTensor *x, QfDType dtype)
{
  QfNode *node = new_node(m, "Cast", x, NULL, NULL);
  ((QfCastAttrs *)node->attrs)->dtype = dtype;
  return finish(node);
}

/* float -> int8 is kept, int8 -> int64 -> float is one Cast; float -> float64 -> float is none. */
static QfTensor *build_casts(Maker *m)
{
  QfTensor *x = add_input(m, (int64_t[]){2, 6}, 2), *y = cast(m, x, QF_DTYPE_INT8);
  y = cast(m, cast(m, y, QF_DTYPE_INT64), QF_DTYPE_FLOAT32);
  return cast(m, cast(m, y, QF_DTYPE_FLOAT64), QF_DTYPE_FLOAT32);
}

static QfTensor *build_repeated(Maker *m)
{
  QfTensor *x = add_input(m, (int64_t[]){2, 6}, 2), *y = apply(m, "Relu", apply(m, "Relu", x, NULL), NULL);
  y = apply(m, "ElementWiseFloor", apply(m, "ElementWiseFloor", y, NULL), NULL);
  return apply(m, "ElementWiseNeg", apply(m, "ElementWiseNeg", y, NULL), NULL);
}

static QfTensor *build_reshapes(Maker *m)
{
  QfTensor *x = add_input(m, (int64_t[]){2, 6}, 2), *y = reshape(m, x, (QfInts){3, {2, 3, 2}});
  y = apply(m, "Relu", reshape(m, reshape(m, y, (QfInts){1, {12}}), (QfInts){2, {4, 3}}), NULL);
  return reshape(m, reshape(m, y, (QfInts){1, {12}}), (QfInts){2, {4, 3}});
}

static QfTensor *build_transposes(Maker *m)
{
  QfTensor *x = add_input(m, (int64_t[]){2, 3, 4}, 3), *y = transpose(m, x, (QfInts){3, {1, 2, 0}});
  y = apply(m, "Tanh", transpose(m, y, (QfInts){3, {1, 2, 0}}), NULL);
  return transpose(m, y, (QfInts){3, {1, 2, 0}});
}

/* Convolutions of signals, as exporters of two dimensions write them: the activations are fused through the Reshapes. */
static QfTensor *build_signal(Maker *m)
{
  QfTensor *x = add_input(m, (int64_t[]){1, 9, 3}, 3);
  QfTensor *y = conv(m, reshape(m, x, (QfInts){4, {1, 1, 9, 3}}), 1, 4);
  y = apply(m, "Relu", reshape(m, y, (QfInts){3, {1, 9, 4}}), NULL);
  y = conv(m, reshape(m, y, (QfInts){4, {1, 1, 9, 4}}), 1, 2);
  return apply(m, "Tanh", reshape(m, y, (QfInts){3, {1, 9, 2}}), NULL);
}

/* Two equal chains with constants of their own are one; the other axis is another node. */
static QfTensor *softmax(Maker *m, QfTensor *x, int32_t axis)
{
  QfNode *node = new_node(m, "Softmax", x, NULL, NULL);
  ((QfAxisAttrs *)node->attrs)->axis = axis;
  return finish(node);
}

static QfTensor *build_shared(Maker *m)
{
  QfTensor *x = add_input(m, (int64_t[]){4, 4}, 2);
  QfTensor *a = softmax(m, apply(m, "ElementWiseMultiply", x, scalar(m, .3f)), 1);
  QfTensor *b = softmax(m, apply(m, "ElementWiseMultiply", x, scalar(m, .3f)), 1);
  QfTensor *c = softmax(m, apply(m, "ElementWiseMultiply", x, scalar(m, .3f)), 0);
  return apply(m, "ElementWiseSubtract", apply(m, "ElementWiseMultiply", a, b), c);
}

/* Random numbers are drawn anew: the difference would be zero if the two were one. */
static QfTensor *build_random(Maker *m)
{
  QfTensor *x = add_input(m, (int64_t[]){2, 2}, 2);
  QfTensor *a = apply(m, "RandomUniform", x, NULL), *b = apply(m, "RandomUniform", x, NULL);
  QfTensor *zero = apply(m, "ElementWiseEqual", a, b);
  return cast(m, zero, QF_DTYPE_FLOAT32);
}

/* A node that nothing reads, and what only it reads. */
static QfTensor *build_dead(Maker *m)
{
  QfTensor *x = add_input(m, (int64_t[]){2, 6}, 2);
  apply(m, "Relu", apply(m, "ElementWiseExp", x, NULL), NULL);
  return apply(m, "Tanh", x, NULL);
}

/* What importers leave to the passes: a constant that only becomes one by a rewrite. */
static QfTensor *build_folded(Maker *m)
{
  QfEvaluateFunc evaluate = m->graph->evaluate;
  QfTensor *x = add_input(m, (int64_t[]){1, 6}, 2);
  m->graph->evaluate = NULL;
  QfTensor *k = apply(m, "ElementWiseExp", apply(m, "ElementWiseNeg", vector(m, 6, 0, 1), NULL), NULL);
  m->graph->evaluate = evaluate;
  return apply(m, "ElementWiseMultiply", x, k);
}

/* Dequantize and Quantize with one encoding are nothing, with another a Convert. */
static QfTensor *build_pairs(Maker *m)
{
  QfTensor *x = quantized(m, add_input(m, (int64_t[]){1, 4, 5, 3}, 4), .02f, -128);
  return quantized(m, quantized(m, x, .02f, -128), .03f, -100);
}

/* A case: the graph, the operators that are left in order, and how far the result may be off. */
static const struct {
  const char *name;
  QfTensor *(*build)(Maker *m);
  const char *left;
  double tolerance;
} cases[] = {
    {"conv-norm-relu", build_conv_norm_relu, "Conv2d", 1e-5},
    {"residual", build_residual, "Conv2d", 1e-5},
    {"silu", build_silu, "Conv2d", 1e-5},
    {"nchw", build_nchw, "Transpose Conv2d ElementWiseAdd Conv2d Transpose", 1e-5},
    {"shuffle", build_shuffle, "Transpose Conv2d Reshape Transpose Reshape Conv2d Transpose", 1e-5},
    {"head", build_head, "Conv2d ReduceMean Reshape", 1e-5},
    {"gelu", build_gelu, "Gelu", 1e-5},
    {"layer-norm", build_layer_norm, "LayerNorm", 1e-5},
    {"plain-norm", build_plain_norm, "LayerNorm", 1e-5},
    {"one-pixel", build_one_pixel, "ReduceMean Conv2d Conv2d Conv2d Concat Conv2d ElementWiseAdd", 1e-5},
    {"pad", build_pad, "Conv2d", 1e-5},
    {"qdq", build_qdq, "Quantize Conv2d Transpose Dequantize",
     .03 + 1e-5}, /* one step of the output's scale */
    {"qdq-split", build_qdq_split, "Quantize Split ElementWiseAdd Dequantize", .03 + 1e-5}, /* one step */
    {"nothing", build_nothing, "ElementWiseExp ElementWiseNeg", 1e-6},
    {"casts", build_casts, "Cast Cast", 1e-6},
    {"repeated", build_repeated, "Relu ElementWiseFloor", 1e-6},
    {"reshapes", build_reshapes, "Reshape Relu", 1e-6},
    {"transposes", build_transposes, "Tanh", 1e-6},
    {"signal", build_signal, "Reshape Conv2d Conv2d Reshape", 1e-5},
    {"shared", build_shared, "ElementWiseMultiply Softmax Softmax ElementWiseMultiply ElementWiseSubtract",
     1e-6},
    {"random", build_random, "RandomUniform RandomUniform ElementWiseEqual Cast", 1e-6},
    {"dead", build_dead, "Tanh", 1e-6},
    {"folded", build_folded, "ElementWiseMultiply", 1e-6},
    {"pairs", build_pairs, "Quantize Convert Dequantize", .03 + 1e-5}, /* one step */
};

static QfModel *make(guint index, gboolean optimize)
{
  g_autoptr(GRand) random = g_rand_new_with_seed(index);
  g_autoptr(GError) error = NULL;
  Maker m = {qf_graph_new(cases[index].name), random};
  m.graph->evaluate = qf_ref_evaluate;
  g_ptr_array_add(m.graph->outputs, cases[index].build(&m));
  qf_passes_run(m.graph, !optimize, &error);
  g_assert_no_error(error);
  QfModel *model = g_new0(QfModel, 1);
  model->refs = 1;
  model->name = g_strdup(cases[index].name);
  model->graph = m.graph;
  model->backend = &qf_backend_ref;
  qf_model_compile(model, QF_REQUANT_FLOAT, &error);
  g_assert_no_error(error);
  return model;
}

static float *run(QfModel *model, guint seed)
{
  g_autoptr(GRand) random = g_rand_new_with_seed(seed);
  g_autoptr(QfSession) session = qf_session_new(model, NULL, NULL);
  float *x = qf_session_input_data(session, 0);
  for (size_t i = 0; i < qf_model_input(model, 0)->size_bytes / sizeof(*x); i++)
    x[i] = (float)g_rand_double_range(random, -2, 2);
  g_assert_true(qf_session_run(session, NULL));
  return g_memdup2(qf_session_output_data(session, 0), qf_model_output(model, 0)->size_bytes);
}

static char *operators(const QfGraph *graph)
{
  GString *s = g_string_new(NULL);
  qf_foreach_node (node, graph)
    g_string_append_printf(s, "%s%s", s->len ? " " : "", node->op->name);
  return g_string_free(s, FALSE);
}

static void test_case(gconstpointer data)
{
  guint index = GPOINTER_TO_UINT(data);
  g_autoptr(QfModel) plain = make(index, FALSE), optimized = make(index, TRUE);
  g_autofree float *expected = run(plain, 7), *got = run(optimized, 7);
  g_autofree char *left = operators(optimized->graph);
  size_t n = qf_model_output(plain, 0)->size_bytes / sizeof(float);
  g_assert_cmpstr(left, ==, cases[index].left);
  g_assert_cmpuint(qf_model_output(optimized, 0)->size_bytes, ==, n * sizeof(float));
  for (size_t i = 0; i < n; i++)
    g_assert_cmpfloat_with_epsilon(got[i], expected[i],
                                   cases[index].tolerance * fmax(1, fabs((double)expected[i])));
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autofree char *path = g_strconcat("/passes/", cases[i].name, NULL);
    g_test_add_data_func(path, GUINT_TO_POINTER(i), test_case);
  }
  return g_test_run();
}
