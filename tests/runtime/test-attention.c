/* SPDX-License-Identifier: MIT */
/*
 * test-attention.c - attention written in small operators becomes one step of the CPU backend, with the reference's numbers: heads in
 * and out of rows, k given either way round, scales, masks, and integers bit for bit. What others read stays apart.
 */
#include "libqnnflow/ops/attrs.h"
#include "libqnnflow/passes/passes.h"
#include "libqnnflow/runtime/model.h"

#include <math.h>
#include <qnnflow/qnnflow.h>
#include <string.h>

enum { BATCH = 2, ROWS = 9, HEADS = 3, DEPTH = 5, ROW = HEADS * DEPTH };

typedef struct {
  const char *name;
  gboolean fused;
  gboolean flat;        /* rank 3, without heads */
  gboolean k_transpose; /* by the attribute of MatMul; else by a Transpose */
  gboolean integer;
  const char *scale; /* operator; NULL: none */
  int mask;          /* 0 none, 1 one row for all, 2 the whole of the scores */
  gboolean read;     /* the scores have another reader */
} Case;

static const Case cases[] = {
    {"plain", TRUE, FALSE, FALSE, FALSE, NULL, 0, FALSE},
    {"scaled", TRUE, FALSE, FALSE, FALSE, "ElementWiseMultiply", 0, FALSE},
    {"divided", TRUE, FALSE, TRUE, FALSE, "ElementWiseDivide", 0, FALSE},
    {"masked", TRUE, FALSE, FALSE, FALSE, "ElementWiseMultiply", 1, FALSE},
    {"masked-whole", TRUE, FALSE, TRUE, FALSE, "ElementWiseDivide", 2, FALSE},
    {"flat", TRUE, TRUE, TRUE, FALSE, "ElementWiseMultiply", 1, FALSE},
    {"read", FALSE, FALSE, FALSE, FALSE, "ElementWiseMultiply", 0, TRUE},
    {"integer", TRUE, FALSE, FALSE, TRUE, "ElementWiseMultiply", 0, FALSE},
    {"integer-divided", TRUE, FALSE, TRUE, TRUE, "ElementWiseDivide", 0, FALSE},
    {"integer-plain", TRUE, TRUE, TRUE, TRUE, NULL, 0, FALSE},
};

static QfNode *new_node(QfGraph *graph, const char *op, QfTensor *a, QfTensor *b)
{
  QfTensor *inputs[] = {a, b}, *out = qf_graph_add_tensor(graph, NULL);
  return qf_graph_new_node(graph, op, NULL, inputs, 2, &out, 1);
}

static QfTensor *finish(QfNode *node)
{
  g_autoptr(GError) error = NULL;
  qf_graph_add_node(node, &error);
  g_assert_no_error(error);
  return node->outputs[0];
}

/* Of integer cases: rounded to bytes. */
static QfTensor *rounded(const Case *c, QfTensor *x, float scale, int32_t offset)
{
  QfGraph *graph = x->producer ? x->producer->graph : NULL;
  if (!c->integer)
    return x;
  QfNode *q = new_node(graph, "Quantize", x, NULL);
  const QfScaleOffset e = {scale, offset};
  q->outputs[0]->dtype = QF_DTYPE_UINT8;
  qf_tensor_set_encoding(graph, q->outputs[0], 1, 0, &e);
  ((QfCastAttrs *)q->attrs)->dtype = QF_DTYPE_UINT8;
  QfNode *d = new_node(graph, "Dequantize", finish(q), NULL);
  ((QfCastAttrs *)d->attrs)->dtype = QF_DTYPE_FLOAT32;
  return finish(d);
}

static QfTensor *scalar(const Case *c, QfGraph *graph, float value)
{
  const uint8_t most = 255;
  const QfScaleOffset e = {value / 255, 0};
  if (!c->integer)
    return qf_graph_add_constant_copy(graph, NULL, QF_DTYPE_FLOAT32, NULL, 0, &value);
  QfTensor *t = qf_graph_add_constant_copy(graph, NULL, QF_DTYPE_UINT8, NULL, 0, &most);
  qf_tensor_set_encoding(graph, t, 1, 0, &e);
  QfNode *d = new_node(graph, "Dequantize", t, NULL);
  ((QfCastAttrs *)d->attrs)->dtype = QF_DTYPE_FLOAT32;
  return finish(d);
}

static QfTensor *transpose(QfTensor *x, QfInts perm)
{
  QfNode *node = new_node(x->producer->graph, "Transpose", x, NULL);
  ((QfTransposeAttrs *)node->attrs)->perm = perm;
  return finish(node);
}

static QfTensor *reshape(QfTensor *x, QfInts shape)
{
  QfNode *node = new_node(x->producer->graph, "Reshape", x, NULL);
  ((QfReshapeAttrs *)node->attrs)->shape = shape;
  return finish(node);
}

static QfTensor *product(QfTensor *a, QfTensor *b, gboolean transposed)
{
  QfNode *node = new_node(a->producer->graph, "MatMul", a, b);
  ((QfMatMulAttrs *)node->attrs)->transpose_in1 = transposed;
  return finish(node);
}

/* @op of x, as [batch, heads, rows, depth], or with the last two swapped. */
static QfTensor *part(const Case *c, QfTensor *x, const char *op, gboolean swapped)
{
  QfTensor *t = rounded(c, finish(new_node(x->producer->graph, op, x, NULL)), .011f, -100);
  if (c->flat)
    return swapped ? transpose(t, (QfInts){3, {0, 2, 1}}) : t;
  t = reshape(t, (QfInts){4, {BATCH, ROWS, HEADS, DEPTH}});
  return transpose(t, swapped ? (QfInts){4, {0, 2, 3, 1}} : (QfInts){4, {0, 2, 1, 3}});
}

static QfTensor *mask(const Case *c, QfGraph *graph)
{
  const int64_t dims[] = {BATCH, HEADS, ROWS, ROWS}, *from = c->mask == 2 ? dims : dims + 3;
  const int32_t rank = c->mask == 2 ? 4 : 1;
  float values[BATCH * HEADS * ROWS * ROWS];
  for (size_t i = 0; i < G_N_ELEMENTS(values); i++)
    values[i] = i % 4 == 3 ? -1e9f : .1f * (float)(i % 7);
  return qf_graph_add_constant_copy(graph, NULL, QF_DTYPE_FLOAT32, from, rank, values);
}

static QfGraph *build(const Case *c)
{
  QfGraph *graph = qf_graph_new(c->name);
  QfTensor *in = qf_graph_add_tensor(graph, "x");
  graph->evaluate = qf_ref_evaluate;
  qf_tensor_set_shape(in, QF_DTYPE_FLOAT32, (int64_t[]){BATCH, ROWS, ROW}, 3);
  g_ptr_array_add(graph->inputs, in);
  QfTensor *x = rounded(c, finish(new_node(graph, "ElementWiseNeg", in, NULL)), .02f, -128);
  QfTensor *q = part(c, x, "Tanh", FALSE), *k = part(c, x, "ElementWiseAbs", !c->k_transpose),
           *v = part(c, x, "Sigmoid", FALSE);
  QfTensor *s = rounded(c, product(q, k, c->k_transpose), .03f, -130), *scores = s;
  if (c->scale)
    s = rounded(c, finish(new_node(graph, c->scale, s, scalar(c, graph, .7f))), .025f, -120);
  if (c->mask)
    s = finish(new_node(graph, "ElementWiseAdd", s, mask(c, graph)));
  QfNode *softmax = new_node(graph, "Softmax", s, NULL);
  ((QfAxisAttrs *)softmax->attrs)->axis = s->rank - 1;
  QfTensor *y = rounded(c, product(rounded(c, finish(softmax), 1.0f / 256, 0), v, FALSE), .004f, 0);
  if (!c->flat)
    y = reshape(transpose(y, (QfInts){4, {0, 2, 1, 3}}), (QfInts){3, {BATCH, ROWS, ROW}});
  g_ptr_array_add(graph->outputs, finish(new_node(graph, "ElementWiseNeg", y, NULL)));
  if (c->read)
    g_ptr_array_add(graph->outputs, finish(new_node(graph, "ElementWiseNeg", scores, NULL)));
  return graph;
}

static QfModel *make(const Case *c, const QfBackend *backend)
{
  g_autoptr(GError) error = NULL;
  QfModel *model = g_new0(QfModel, 1);
  model->refs = 1;
  model->name = g_strdup(c->name);
  model->graph = build(c);
  model->backend = backend;
  qf_passes_run(model->graph, FALSE, &error);
  g_assert_no_error(error);
  qf_model_compile(model, QF_REQUANT_FLOAT, &error);
  g_assert_no_error(error);
  return model;
}

static float *run(QfModel *model, uint32_t threads)
{
  const QfSessionOptions options = {.n_threads = threads};
  g_autoptr(QfSession) session = qf_session_new(model, &options, NULL);
  float *x = qf_session_input_data(session, 0);
  for (int i = 0; i < BATCH * ROWS * ROW; i++)
    x[i] = 2 * sinf((float)(i * i));
  g_assert_true(qf_session_run(session, NULL));
  return g_memdup2(qf_session_output_data(session, 0), qf_model_output(model, 0)->size_bytes);
}

static guint count_steps(const QfModel *model)
{
  guint n = 0;
  for (guint i = 0; i < model->steps->len; i++)
    n += g_str_has_prefix(g_array_index(model->steps, QfStep, i).kernel, "qfk_attention_");
  return n;
}

static void test_case(gconstpointer data)
{
  const Case *c = data;
  g_autoptr(QfModel) truth = make(c, &qf_backend_ref), model = make(c, &qf_backend_cpu);
  g_assert_cmpuint(count_steps(model), ==, c->fused);
  for (uint32_t threads = 1; threads <= 3; threads += 2) {
    g_autofree float *want = run(truth, 1), *got = run(model, threads);
    for (int i = 0; i < BATCH * ROWS * ROW; i++) /* integers: far below a step, so the same one */
      g_assert_cmpfloat_with_epsilon(got[i], want[i], c->integer ? 1e-4f : 2e-6f);
  }
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autofree char *path = g_strconcat("/attention/", cases[i].name, NULL);
    g_test_add_data_func(path, &cases[i], test_case);
  }
  return g_test_run();
}
