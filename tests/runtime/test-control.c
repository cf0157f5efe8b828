/* SPDX-License-Identifier: MIT */
/*
 * test-control.c - control flow and states: small graphs with bodies, run on both backends, optimised and not, against numbers worked
 * out here; and what must be refused.
 */
#include "libqnnflow/ops/attrs.h"
#include "libqnnflow/passes/passes.h"
#include "libqnnflow/runtime/model.h"

#include <qnnflow/qnnflow.h>
#include <string.h>

/* How a graph is compiled. */
typedef struct {
  const QfBackend *backend;
  gboolean optimize;
  guint n_threads;
} Way;

static const Way ways[] = {{&qf_backend_ref, FALSE, 1},
                           {&qf_backend_ref, TRUE, 1},
                           {&qf_backend_cpu, FALSE, 2},
                           {&qf_backend_cpu, TRUE, 1}};

static QfTensor *input(QfGraph *g, const char *name, QfDType dtype, int64_t n)
{
  QfTensor *t = qf_graph_add_tensor(g, name);
  qf_tensor_set_shape(t, dtype, &n, n > 0);
  g_ptr_array_add(g->inputs, t);
  return t;
}

/* A vector of @n floats, all of them @value. */
static QfTensor *filled(QfGraph *g, int64_t n, float value)
{
  g_autofree float *values = g_new(float, n);
  for (int64_t i = 0; i < n; i++)
    values[i] = value;
  return qf_graph_add_constant_copy(g, NULL, QF_DTYPE_FLOAT32, &n, 1, values);
}

static QfTensor *add(QfNode *node)
{
  g_autoptr(GError) error = NULL;
  qf_graph_add_node(node, &error);
  g_assert_no_error(error);
  return node->outputs[0];
}

static QfTensor *apply(QfGraph *g, const char *op, QfTensor *a, QfTensor *b)
{
  QfTensor *in[] = {a, b}, *out = qf_graph_add_tensor(g, NULL);
  return add(qf_graph_new_node(g, op, NULL, in, b ? 2 : 1, &out, 1));
}

static QfNode *control(QfGraph *g, const char *op, QfTensor *const *in, uint32_t n_in, uint32_t n_out,
                       QfGraph *const *bodies)
{
  QfTensor *out[4];
  for (uint32_t i = 0; i < n_out; i++)
    out[i] = qf_graph_add_tensor(g, NULL);
  QfNode *node = qf_graph_new_node(g, op, op, in, n_in, out, n_out);
  for (uint32_t b = 0; b < node->op->n_bodies; b++)
    qf_node_add_subgraph(node, bodies[b]);
  return node;
}

static QfGraph *body(QfGraph *outer)
{
  g_autoptr(GError) error = NULL;
  QfGraph *g = qf_graph_new_subgraph(outer, &error);
  g_assert_no_error(error);
  return g;
}

static void output(QfGraph *g, QfTensor *t)
{
  g_ptr_array_add(g->outputs, t);
}

static QfGraph *new_graph(void)
{
  QfGraph *g = qf_graph_new("test");
  g->evaluate = qf_ref_evaluate;
  return g;
}

static QfModel *compile(QfGraph *g, const Way *way)
{
  g_autoptr(GError) error = NULL;
  QfModel *model = g_new0(QfModel, 1);
  model->refs = 1;
  model->name = g_strdup(g->name);
  model->graph = g;
  model->backend = way->backend;
  qf_graph_verify(g, &error);
  g_assert_no_error(error);
  qf_passes_run(g, !way->optimize, &error);
  g_assert_no_error(error);
  qf_model_compile(model, QF_REQUANT_FLOAT, &error);
  g_assert_no_error(error);
  return model;
}

static QfSession *open_session(QfModel *model, const Way *way)
{
  g_autoptr(GError) error = NULL;
  QfSessionOptions options = {.n_threads = way->n_threads, .profile = way->optimize};
  QfSession *session = qf_session_new(model, &options, &error);
  g_assert_no_error(error);
  return session;
}

static void set(QfSession *s, uint32_t index, float value)
{
  float *x = qf_session_input_data(s, index);
  size_t n = qf_model_input(qf_session_model(s), index)->size_bytes / sizeof(*x);
  for (size_t i = 0; i < n; i++)
    x[i] = value;
}

static void run(QfSession *s)
{
  g_autoptr(GError) error = NULL;
  qf_session_run(s, &error);
  g_assert_no_error(error);
}

/* All values of output @index are @value. */
static void check(QfSession *s, uint32_t index, float value)
{
  const float *y = qf_session_output_data(s, index);
  size_t n = qf_model_output(qf_session_model(s), index)->size_bytes / sizeof(*y);
  for (size_t i = 0; i < n; i++)
    g_assert_cmpfloat_with_epsilon(y[i], value, 1e-4f);
}

/* y = state + x, which is the next state: a counter. A second state is 5, and never changes. */
static QfGraph *build_counter(void)
{
  static const float five[3] = {5, 5, 5};
  g_autoptr(GBytes) initial = g_bytes_new_static(five, sizeof(five));
  QfGraph *g = new_graph();
  QfTensor *x = input(g, "x", QF_DTYPE_FLOAT32, 3);
  int64_t n = 3;
  QfTensor *before = qf_graph_add_tensor(g, "sum"), *kept = qf_graph_add_tensor(g, "kept");
  qf_tensor_set_shape(before, QF_DTYPE_FLOAT32, &n, 1);
  qf_tensor_set_shape(kept, QF_DTYPE_FLOAT32, &n, 1);
  QfTensor *after = apply(g, "ElementWiseAdd", before, x);
  output(g, after);
  output(g, apply(g, "ElementWiseAdd", after, kept));
  qf_graph_add_state(g, before, after, NULL);
  qf_graph_add_state(g, kept, kept, initial);
  return g;
}

static void test_states(gconstpointer way)
{
  g_autoptr(QfModel) model = compile(build_counter(), way);
  g_assert_cmpuint(qf_model_n_inputs(model), ==, 1);
  g_assert_cmpuint(qf_model_n_outputs(model), ==, 2);
  QfSession *sessions[8];
  for (int i = 0; i < 8; i++)
    sessions[i] = open_session(model, way);
  float sums[8] = {0};
  for (int turn = 1; turn <= 3; turn++) {
    for (int i = 0; i < 8; i++) {
      set(sessions[i], 0, (float)(i + turn));
      run(sessions[i]);
      sums[i] += (float)(i + turn);
      check(sessions[i], 0, sums[i]);
      check(sessions[i], 1, sums[i] + 5);
    }
  }
  qf_session_reset(sessions[3]);
  for (int i = 3; i < 5; i++) {
    set(sessions[i], 0, 1);
    run(sessions[i]);
    check(sessions[i], 1, (i == 3 ? 0 : sums[i]) + 6);
  }
  for (int i = 0; i < 8; i++)
    qf_session_free(sessions[i]);
  QfModelStats stats;
  qf_model_stats(model, &stats);
  g_assert_cmpuint(stats.n_states, ==, 2);
  g_assert_cmpuint(stats.state_bytes, ==, 24);
}

/* x > limit ? x * 2 : x + z, where z is only used by one branch. */
static QfTensor *choose(QfGraph *g, QfTensor *cond, QfTensor *x, QfTensor *z)
{
  QfGraph *bodies[] = {body(g), body(g)};
  for (int b = 0; b < 2; b++) {
    QfTensor *a = input(bodies[b], "a", QF_DTYPE_FLOAT32, 3), *c = input(bodies[b], "c", QF_DTYPE_FLOAT32, 3);
    output(bodies[b], b ? apply(bodies[b], "ElementWiseAdd", a, c)
                        : apply(bodies[b], "ElementWiseMultiply", a, filled(bodies[b], 3, 2)));
  }
  return add(control(g, "If", (QfTensor *[]){cond, x, z}, 3, 1, bodies));
}

static void test_if(gconstpointer way)
{
  QfGraph *g = new_graph();
  QfTensor *cond = input(g, "cond", QF_DTYPE_BOOL, 0), *x = input(g, "x", QF_DTYPE_FLOAT32, 3);
  output(g, choose(g, cond, x, filled(g, 3, 10)));
  g_autoptr(QfModel) model = compile(g, way);
  g_autoptr(QfSession) s = open_session(model, way);
  for (int i = 0; i < 4; i++) {
    *(uint8_t *)qf_session_input_data(s, 0) = i & 1;
    set(s, 1, (float)i);
    run(s);
    check(s, 0, (float)(i & 1 ? 2 * i : i + 10));
  }
}

/* while x[0] < limit[0]: x = x > 4 ? 2 x : x + step; the step and the limit are carried as well, unchanged. */
static QfGraph *build_while(void)
{
  QfGraph *g = new_graph();
  QfTensor *x = input(g, "x", QF_DTYPE_FLOAT32, 3), *limit = input(g, "limit", QF_DTYPE_FLOAT32, 3);
  QfGraph *bodies[] = {body(g), body(g)};
  for (int b = 0; b < 2; b++) {
    QfTensor *v = input(bodies[b], "v", QF_DTYPE_FLOAT32, 3),
             *step = input(bodies[b], "step", QF_DTYPE_FLOAT32, 3),
             *end = input(bodies[b], "end", QF_DTYPE_FLOAT32, 3);
    QfTensor *less = apply(bodies[b], "ElementWiseLess", b ? filled(bodies[b], 3, 4) : v, b ? v : end);
    QfTensor *first = qf_graph_add_tensor(bodies[b], NULL);
    QfNode *slice = qf_graph_new_node(bodies[b], "StridedSlice", NULL, &less, 1, &first, 1);
    *(QfStridedSliceAttrs *)slice->attrs = (QfStridedSliceAttrs){{1, {0}}, {1, {1}}, {1, {1}}};
    add(slice);
    if (b) {
      output(bodies[b], choose(bodies[b], first, v, step));
      output(bodies[b], step);
      output(bodies[b], end);
    } else {
      output(bodies[b], first);
    }
  }
  QfNode *loop = control(g, "While", (QfTensor *[]){x, filled(g, 3, 1), limit}, 3, 3, bodies);
  ((QfControlAttrs *)loop->attrs)->n_carried = 3;
  add(loop);
  output(g, loop->outputs[0]);
  return g;
}

static void test_while(gconstpointer way)
{
  g_autoptr(QfModel) model = compile(build_while(), way);
  g_autoptr(QfSession) s = open_session(model, way);
  for (int limit = 0; limit < 60; limit += 3) {
    float x = 1;
    set(s, 0, x);
    set(s, 1, (float)limit);
    run(s);
    while (x < (float)limit)
      x = x > 4 ? 2 * x : x + 1;
    check(s, 0, x);
  }
  const QfNode *loop = model->graph->nodes->pdata[0];
  if (((const Way *)way)
          ->optimize) { /* what the body hands on is no longer carried; the constant is inside */
    g_assert_cmpint(((const QfControlAttrs *)loop->attrs)->n_carried, ==, 1);
    g_assert_cmpuint(loop->n_inputs, ==, 2);
  }
}

/* sum, [i * x] = loop over @trips: sum += i * x. @trips NULL: five, known. */
static QfNode *build_loop(QfGraph *g, QfTensor *trips, QfTensor *cond, QfTensor *x)
{
  static const int64_t many = 5;
  QfGraph *b = body(g);
  QfTensor *i = input(b, "i", QF_DTYPE_INT64, 0), *go = input(b, "go", QF_DTYPE_BOOL, 0),
           *sum = input(b, "sum", QF_DTYPE_FLOAT32, 3), *v = input(b, "v", QF_DTYPE_FLOAT32, 3),
           *real = qf_graph_add_tensor(b, NULL);
  QfNode *cast = qf_graph_new_node(b, "Cast", NULL, &i, 1, &real, 1);
  ((QfCastAttrs *)cast->attrs)->dtype = QF_DTYPE_FLOAT32;
  add(cast);
  QfTensor *product = apply(b, "ElementWiseMultiply", v, real);
  output(b, go);
  output(b, apply(b, "ElementWiseAdd", sum, product));
  if (!trips)
    output(b, product);
  QfTensor *m = trips ? trips : qf_graph_add_constant_copy(g, NULL, QF_DTYPE_INT64, NULL, 0, &many);
  QfNode *node = control(g, "Loop", (QfTensor *[]){m, cond, filled(g, 3, 100), x}, 4, trips ? 1 : 2, &b);
  QfControlAttrs *a = node->attrs;
  a->n_carried = 1;
  a->trips = trips ? -1 : (int32_t)many;
  return node;
}

static void test_loop(gconstpointer way)
{
  QfGraph *g = new_graph();
  QfTensor *trips = input(g, "trips", QF_DTYPE_INT64, 0), *cond = input(g, "cond", QF_DTYPE_BOOL, 0),
           *x = input(g, "x", QF_DTYPE_FLOAT32, 3);
  output(g, add(build_loop(g, trips, cond, x)));
  QfNode *known = build_loop(g, NULL, cond, x);
  add(known);
  output(g, known->outputs[0]);
  output(g, known->outputs[1]);
  g_autoptr(QfModel) model = compile(g, way);
  g_autoptr(QfSession) s = open_session(model, way);
  for (int64_t n = 0; n < 7; n++) {
    *(int64_t *)qf_session_input_data(s, 0) = n;
    *(uint8_t *)qf_session_input_data(s, 1) = n != 6;
    set(s, 2, 2);
    run(s);
    check(s, 0, 100 + (n == 6 ? 0 : (float)(n * (n - 1))));
    check(s, 1, 120);
    const float *stacked = qf_session_output_data(s, 2);
    for (int k = 0; k < 15; k++)
      g_assert_cmpfloat(stacked[k], ==, (float)(k / 3 * 2));
  }
}

/* Prefix sums of a sequence [4, 3]. */
static void test_scan(gconstpointer way)
{
  QfGraph *g = new_graph(), *b = body(g);
  QfTensor *sum = input(b, "sum", QF_DTYPE_FLOAT32, 3), *slice = input(b, "slice", QF_DTYPE_FLOAT32, 3);
  QfTensor *next = apply(b, "ElementWiseAdd", sum, slice);
  output(b, next);
  output(b, next);
  QfTensor *sequence = qf_graph_add_tensor(g, "sequence");
  qf_tensor_set_shape(sequence, QF_DTYPE_FLOAT32, (int64_t[]){4, 3}, 2);
  g_ptr_array_add(g->inputs, sequence);
  QfNode *scan = control(g, "Scan", (QfTensor *[]){filled(g, 3, 7), sequence}, 2, 2, &b);
  *(QfControlAttrs *)scan->attrs = (QfControlAttrs){1, 1, -1};
  add(scan);
  output(g, scan->outputs[0]);
  output(g, scan->outputs[1]);
  g_autoptr(QfModel) model = compile(g, way);
  g_autoptr(QfSession) s = open_session(model, way);
  set(s, 0, 2);
  run(s);
  check(s, 0, 15);
  const float *y = qf_session_output_data(s, 1);
  for (int k = 0; k < 12; k++)
    g_assert_cmpfloat(y[k], ==, (float)(9 + k / 3 * 2));
}

/* A loop that never ends is an error of the run, and leaves the state alone. */
static void test_endless(void)
{
  g_autoptr(GError) error = NULL;
  QfGraph *g = new_graph();
  QfTensor *go = input(g, "go", QF_DTYPE_BOOL, 0), *state = qf_graph_add_tensor(g, "state");
  qf_tensor_set_shape(state, QF_DTYPE_BOOL, NULL, 0);
  QfGraph *bodies[] = {body(g), body(g)};
  for (int b = 0; b < 2; b++)
    output(bodies[b], input(bodies[b], "a", QF_DTYPE_BOOL, 0));
  QfNode *loop = control(g, "While", &go, 1, 1, bodies);
  ((QfControlAttrs *)loop->attrs)->n_carried = 1;
  output(g, add(loop));
  qf_graph_add_state(g, state, loop->outputs[0], NULL);
  g_autoptr(QfModel) model = compile(g, &ways[0]);
  g_autoptr(QfSession) s = open_session(model, &ways[0]);
  *(uint8_t *)qf_session_input_data(s, 0) = 1;
  g_assert_false(qf_session_run(s, &error));
  g_assert_error(error, QF_ERROR, QF_ERROR_LIMIT);
  g_assert_nonnull(strstr(error->message, "'While' (While): it did not end when"));
  *(uint8_t *)qf_session_input_data(s, 0) = 0;
  run(s);
}

/* One difference between the branches, or between what goes in and what is there, each an error. */
typedef struct {
  const char *name;
  int64_t then_size, else_size;
  QfDType else_type, cond_type;
  uint32_t extra_inputs;
  QfError code;
  const char *text;
} Wrong;

static const Wrong wrongs[] = {
    {"shapes", 3, 4, QF_DTYPE_FLOAT32, QF_DTYPE_BOOL, 0, QF_ERROR_DYNAMIC, "two branches is not fixed"},
    {"types", 3, 3, QF_DTYPE_INT32, QF_DTYPE_BOOL, 0, QF_ERROR_TYPE,
     "types of a value of its two branches differ"},
    {"condition", 3, 3, QF_DTYPE_FLOAT32, QF_DTYPE_FLOAT32, 0, QF_ERROR_TYPE, "must be one bool"},
    {"inputs", 3, 3, QF_DTYPE_FLOAT32, QF_DTYPE_BOOL, 1, QF_ERROR_FORMAT,
     "1 inputs and 1 outputs in place of 0"},
};

static void test_wrong(gconstpointer data)
{
  const Wrong *w = data;
  g_autoptr(GError) error = NULL;
  g_autoptr(QfGraph) g = new_graph();
  QfTensor *cond = input(g, "cond", w->cond_type, 0);
  QfGraph *bodies[] = {body(g), body(g)};
  static const uint8_t zeros[64];
  output(bodies[0], qf_graph_add_constant_copy(bodies[0], NULL, QF_DTYPE_FLOAT32, &w->then_size, 1, zeros));
  output(bodies[1], qf_graph_add_constant_copy(bodies[1], NULL, w->else_type, &w->else_size, 1, zeros));
  if (w->extra_inputs)
    input(bodies[1], "extra", QF_DTYPE_FLOAT32, 3);
  g_assert_false(qf_graph_add_node(control(g, "If", &cond, 1, 1, bodies), &error));
  g_assert_error(error, QF_ERROR, (gint)w->code);
  if (!strstr(error->message, w->text))
    g_error("\"%s\" does not say \"%s\"", error->message, w->text);
}

static void test_depth(void)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(QfGraph) g = new_graph();
  QfGraph *inner = g;
  for (int i = 0; inner && i < 100; i++)
    inner = qf_graph_new_subgraph(inner, &error);
  g_assert_error(error, QF_ERROR, QF_ERROR_LIMIT);
}

/* Both forms of the dump show what is in the bodies. */
static void test_dump(void)
{
  g_autoptr(QfModel) model = compile(build_while(), &ways[1]);
  g_autofree char *text = qf_model_dump(model, QF_DUMP_TEXT), *dot = qf_model_dump(model, QF_DUMP_GRAPHVIZ);
  g_assert_nonnull(strstr(text, "body 1 of 0"));
  g_assert_nonnull(strstr(text, "ElementWiseMultiply"));
  g_assert_nonnull(strstr(dot, "subgraph cluster_n0b1"));
  g_assert_nonnull(strstr(dot, "ElementWiseMultiply"));
  QfModelStats stats;
  qf_model_stats(model, &stats);
  g_assert_cmpuint(stats.n_nodes, >=, 7);
}

int main(int argc, char **argv)
{
  static const struct {
    const char *name;
    GTestDataFunc test;
  } tests[] = {{"states", test_states},
               {"if", test_if},
               {"while", test_while},
               {"loop", test_loop},
               {"scan", test_scan}};
  g_test_init(&argc, &argv, NULL);
  for (guint t = 0; t < G_N_ELEMENTS(tests); t++) {
    for (guint w = 0; w < G_N_ELEMENTS(ways); w++) {
      g_autofree char *path = g_strdup_printf("/control/%s/%s%s", tests[t].name, ways[w].backend->name,
                                              ways[w].optimize ? "-optimized" : "");
      g_test_add_data_func(path, &ways[w], tests[t].test);
    }
  }
  g_test_add_func("/control/endless", test_endless);
  for (guint i = 0; i < G_N_ELEMENTS(wrongs); i++) {
    g_autofree char *path = g_strdup_printf("/control/wrong/%s", wrongs[i].name);
    g_test_add_data_func(path, &wrongs[i], test_wrong);
  }
  g_test_add_func("/control/depth", test_depth);
  g_test_add_func("/control/dump", test_dump);
  return g_test_run();
}
