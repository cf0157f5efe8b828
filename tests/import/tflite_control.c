/* SPDX-License-Identifier: MIT */
/*
 * tflite_control.c - TFLite files with several graphs: IF, WHILE, CALL, variables, CALL_ONCE, signatures; loaded and run on both
 * backends. And files whose graphs use themselves, or do not fit.
 */
#include "tflite_build.h"

#include <qnnflow/qnnflow.h>
#include <string.h>

#define LIST(...) (const int32_t[]){__VA_ARGS__}, sizeof((const int32_t[]){__VA_ARGS__}) / 4

enum {
  ADD = 0,
  FULLY_CONNECTED = 9,
  RESHAPE = 22,
  QUANTIZE = 114,
  DEQUANTIZE = 6,
  CALL = 31,
  LESS = 58,
  CONCAT = 2,
  IF = 118,
  WHILE = 119,
  CALL_ONCE = 129,
  VAR = 142,
  READ = 143,
  ASSIGN = 144
};
enum { FLOAT = 0, BOOL = 6, RESOURCE = 13 };

static int32_t number(TbModel *m, const char *name)
{
  return tb_tensor(m, name, FLOAT, LIST(1), NULL, 0);
}

static int32_t constant(TbModel *m, const char *name, float value)
{
  return tb_tensor(m, name, FLOAT, LIST(1), &value, 4);
}

static int32_t typed(TbModel *m, const char *name, int type)
{
  return tb_tensor(m, name, type, NULL, 0, NULL, 0);
}

static TbNode *graphs(int first, int second)
{
  TbNode *options = tb_table();
  tb_int(options, 0, 4, first);
  if (second >= 0)
    tb_int(options, 1, 4, second);
  return options;
}

static void handle(TbModel *m, int32_t to, const char *name)
{
  TbNode *options = tb_table();
  tb_child(options, 0, tb_string("box"));
  tb_child(options, 1, tb_string(name));
  tb_operator(m, VAR, NULL, 0, &to, 1, options);
}

/* y = f(x) for the values of @x in turn, in one session. */
static void run(GBytes *bytes, const QfModelOptions *wish, const float *x, const float *y, int n)
{
  static const char *const backends[] = {"ref", "cpu"};
  for (int b = 0; b < 4; b++) {
    g_autoptr(GError) error = NULL;
    QfModelOptions options = wish ? *wish : (QfModelOptions){0};
    options.backend = backends[b / 2];
    options.no_optimize = b & 1;
    g_autoptr(QfModel) model = qf_model_load_bytes(bytes, "model", &options, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(qf_model_n_inputs(model), ==, 1);
    g_autoptr(QfSession) session = qf_session_new(model, NULL, &error);
    for (int turn = 0; turn < 2; turn++) {
      for (int i = 0; i < n; i++) {
        *(float *)qf_session_input_data(session, 0) = x[i];
        g_assert_true(qf_session_run(session, &error));
        g_assert_cmpfloat(*(const float *)qf_session_output_data(session, 0), ==, y[i]);
      }
      qf_session_reset(session); /* the second turn gives the same */
    }
  }
}

static void refuse(GBytes *bytes, QfError code, const char *text)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(QfModel) model = qf_model_load_bytes(bytes, "model", NULL, &error);
  g_assert_null(model);
  if (error->code != (gint)code || !strstr(error->message, text))
    g_error("\"%s\" (%d) is not \"%s\" (%u)", error->message, error->code, text, code);
}

/* Graph 1: v < limit; graph 2: v + step. Both take v, step, limit. */
static void add_loop_graphs(TbModel *m)
{
  for (int b = 0; b < 2; b++) {
    int32_t v = number(m, "v"), step = number(m, "step"), limit = number(m, "limit");
    int32_t y = b ? number(m, "next") : tb_tensor(m, "go", BOOL, LIST(1), NULL, 0);
    tb_operator(m, b ? ADD : LESS, LIST(v, b ? step : limit), LIST(y), NULL);
    if (b)
      tb_next_graph(m, LIST(v, step, limit), LIST(y, step, limit));
    else
      tb_next_graph(m, LIST(v, step, limit), LIST(y));
  }
}

static void test_while(void)
{
  TbModel m;
  tb_model_init(&m);
  int32_t x = number(&m, "x"), step = constant(&m, "step", 3), limit = constant(&m, "limit", 10);
  int32_t y = number(&m, "y"), u0 = number(&m, "u0"), u1 = number(&m, "u1");
  tb_operator(&m, WHILE, LIST(x, step, limit), LIST(y, u0, u1), graphs(1, 2));
  tb_next_graph(&m, LIST(x), LIST(y));
  add_loop_graphs(&m);
  int32_t other = number(&m, "other");
  g_autoptr(GBytes) bytes = tb_model_finish(&m, LIST(other), LIST(other)); /* a graph that nobody uses */
  run(bytes, NULL, (const float[]){-1, 0, 10, 11, 9}, (const float[]){11, 12, 10, 11, 12}, 5);
}

/* WHILE that carries weights and a shape: x times two, reshaped by what is handed on, three times. */
static void test_carried_constants(void)
{
  static const float two[1] = {2}, one[1] = {1}, three[1] = {3};
  static const int32_t square[2] = {1, 1};
  TbModel m;
  tb_model_init(&m);
  int32_t x = tb_tensor(&m, "x", FLOAT, LIST(1, 1), NULL, 0), i = constant(&m, "i", 0),
          w = tb_tensor(&m, "w", FLOAT, LIST(1, 1), two, 4), s = tb_tensor(&m, "s", 2, LIST(2), square, 8);
  int32_t y = tb_tensor(&m, "y", FLOAT, LIST(1, 1), NULL, 0), i2 = number(&m, "i2"),
          w2 = tb_tensor(&m, "w2", FLOAT, LIST(1, 1), NULL, 0), s2 = tb_tensor(&m, "s2", 2, LIST(2), NULL, 0);
  tb_operator(&m, WHILE, LIST(w, i, x, s), LIST(w2, i2, y, s2), graphs(1, 2));
  tb_next_graph(&m, LIST(x), LIST(y));
  for (int b = 0; b < 2; b++) {
    w = tb_tensor(&m, "w", FLOAT, LIST(1, 1), NULL, 0);
    i = number(&m, "i");
    x = tb_tensor(&m, "x", FLOAT, LIST(1, 1), NULL, 0);
    s = tb_tensor(&m, "s", 2, LIST(2), NULL, 0);
    int32_t k = tb_tensor(&m, "k", FLOAT, LIST(1), b ? one : three, 4);
    int32_t r = b ? number(&m, "next") : tb_tensor(&m, "go", BOOL, LIST(1), NULL, 0);
    tb_operator(&m, b ? ADD : LESS, LIST(i, k), LIST(r), NULL);
    if (!b) {
      tb_next_graph(&m, LIST(w, i, x, s), LIST(r));
      continue;
    }
    int32_t p = tb_tensor(&m, "p", FLOAT, LIST(1, 1), NULL, 0),
            q = tb_tensor(&m, "q", FLOAT, LIST(1, 1), NULL, 0);
    tb_operator(&m, FULLY_CONNECTED, LIST(x, w, -1), LIST(p), NULL);
    tb_operator(&m, RESHAPE, LIST(p, s), LIST(q), NULL);
    tb_next_graph(&m, LIST(w, i, x, s), LIST(w, r, q, s));
  }
  x = number(&m, "unused");
  g_autoptr(GBytes) bytes = tb_model_finish(&m, LIST(x), LIST(x));
  run(bytes, NULL, (const float[]){1, -3}, (const float[]){8, -24}, 2);
}

/* An int8 tensor, real = (q - 3) / 2. */
static int32_t encoded(TbModel *m, const char *name, const int8_t *value)
{
  const float scale = .5f;
  const int64_t zero = 3;
  int32_t t = tb_tensor(m, name, 9, LIST(1), value, value ? 1 : 0);
  tb_quantize(m, &scale, &zero, 1, 0);
  return t;
}

/* WHILE and IF on 8 bits: v += 1.5 while v < 4, then v is doubled or not. */
static void test_encoded(void)
{
  static const int8_t step = 6, limit = 11;
  TbModel m;
  tb_model_init(&m);
  int32_t x = number(&m, "x"), q = encoded(&m, "q", NULL), v = encoded(&m, "v", NULL),
          z = encoded(&m, "z", NULL), k = encoded(&m, "k", &limit),
          c = tb_tensor(&m, "c", BOOL, LIST(1), NULL, 0), y = number(&m, "y");
  tb_operator(&m, QUANTIZE, LIST(x), LIST(q), NULL);
  tb_operator(&m, WHILE, LIST(q), LIST(v), graphs(1, 2));
  tb_operator(&m, LESS, LIST(q, k), LIST(c), NULL);
  tb_operator(&m, IF, LIST(c, v), LIST(z), graphs(3, 4));
  tb_operator(&m, DEQUANTIZE, LIST(z), LIST(y), NULL);
  tb_next_graph(&m, LIST(x), LIST(y));
  for (int g = 1; g < 5; g++) {
    v = encoded(&m, "v", NULL);
    k = g == 4 ? -1 : g == 3 ? v : encoded(&m, "k", g == 1 ? &limit : &step);
    z = g == 1 ? tb_tensor(&m, "go", BOOL, LIST(1), NULL, 0) : g == 4 ? v : encoded(&m, "z", NULL);
    if (g < 4)
      tb_operator(&m, g == 1 ? LESS : ADD, LIST(v, k), LIST(z), NULL);
    if (g < 4)
      tb_next_graph(&m, LIST(v), LIST(z));
  }
  g_autoptr(GBytes) bytes = tb_model_finish(&m, LIST(v), LIST(z));
  run(bytes, NULL, (const float[]){0, 1, 4, 7.5f}, (const float[]){9, 8, 4, 7.5f}, 4);
}

/* IF whose branches are CALLs of others, within WHILE: v = v < 4 ? v + v : v + 100 until 50. */
static GBytes *nested_model(void)
{
  TbModel m;
  tb_model_init(&m);
  int32_t x = number(&m, "x"), y = number(&m, "y");
  tb_operator(&m, WHILE, LIST(x), LIST(y), graphs(1, 2));
  tb_next_graph(&m, LIST(x), LIST(y));
  x = number(&m, "v");
  int32_t limit = constant(&m, "fifty", 50), go = tb_tensor(&m, "go", BOOL, LIST(1), NULL, 0);
  tb_operator(&m, LESS, LIST(x, limit), LIST(go), NULL);
  tb_next_graph(&m, LIST(x), LIST(go));
  x = number(&m, "v");
  limit = constant(&m, "four", 4);
  go = tb_tensor(&m, "small", BOOL, LIST(1), NULL, 0);
  y = number(&m, "next");
  tb_operator(&m, LESS, LIST(x, limit), LIST(go), NULL);
  tb_operator(&m, IF, LIST(go, x), LIST(y), graphs(3, 4));
  tb_next_graph(&m, LIST(x), LIST(y));
  for (int g = 3; g < 5; g++) {
    x = number(&m, "v");
    y = number(&m, "called");
    tb_operator(&m, CALL, LIST(x), LIST(y), graphs(g + 2, -1));
    tb_next_graph(&m, LIST(x), LIST(y));
  }
  x = number(&m, "v");
  y = number(&m, "twice");
  tb_operator(&m, ADD, LIST(x, x), LIST(y), NULL);
  tb_next_graph(&m, LIST(x), LIST(y));
  x = number(&m, "v");
  y = number(&m, "more");
  limit = constant(&m, "hundred", 100);
  tb_operator(&m, ADD, LIST(x, limit), LIST(y), NULL);
  return tb_model_finish(&m, LIST(x), LIST(y));
}

static void test_nested(void)
{
  g_autoptr(GBytes) bytes = nested_model();
  run(bytes, NULL, (const float[]){1, 3, 5, 60}, (const float[]){104, 106, 105, 60}, 4);
}

/* IF on a constant takes one branch; the other one may even be wrong. */
static void test_constant_if(void)
{
  static const uint8_t yes = 1;
  TbModel m;
  tb_model_init(&m);
  int32_t x = number(&m, "x"), y = number(&m, "y"), c = tb_tensor(&m, "yes", BOOL, LIST(1), &yes, 1);
  tb_operator(&m, IF, LIST(c, x), LIST(y), graphs(1, 7));
  tb_next_graph(&m, LIST(x), LIST(y));
  x = number(&m, "v");
  y = number(&m, "twice");
  tb_operator(&m, ADD, LIST(x, x), LIST(y), NULL);
  g_autoptr(GBytes) bytes = tb_model_finish(&m, LIST(x), LIST(y));
  run(bytes, NULL, (const float[]){1, 3}, (const float[]){2, 6}, 2);
}

/* A variable that begins at 5: y = old value + x, which is the new one; @touch does it in the main graph or in a body. */
static GBytes *variable_model(gboolean within)
{
  TbModel m;
  tb_model_init(&m);
  int32_t x = number(&m, "x"), y = number(&m, "y");
  tb_operator(&m, CALL_ONCE, NULL, 0, NULL, 0, graphs(1, -1));
  int32_t h = typed(&m, "handle", RESOURCE), old = number(&m, "old");
  handle(&m, h, "sum");
  if (within) { /* IF x < 100: the variable changes, else it is what is given */
    int32_t limit = constant(&m, "limit", 100), c = tb_tensor(&m, "small", BOOL, LIST(1), NULL, 0);
    tb_operator(&m, LESS, LIST(x, limit), LIST(c), NULL);
    tb_operator(&m, IF, LIST(c, x, h), LIST(y), graphs(2, 3));
  } else {
    tb_operator(&m, READ, LIST(h), LIST(old), NULL);
    tb_operator(&m, ADD, LIST(old, x), LIST(y), NULL);
    tb_operator(&m, ASSIGN, LIST(h, y), NULL, 0, NULL);
  }
  tb_next_graph(&m, LIST(x), LIST(y));
  h = typed(&m, "handle", RESOURCE);
  int32_t five = constant(&m, "five", 5);
  handle(&m, h, "sum");
  tb_operator(&m, ASSIGN, LIST(h, five), NULL, 0, NULL);
  tb_next_graph(&m, NULL, 0, NULL, 0);
  for (int g = 2; g < 4; g++) {
    x = number(&m, "v");
    h = typed(&m, "given", RESOURCE);
    y = number(&m, "result");
    old = number(&m, "old");
    tb_operator(&m, READ, LIST(h), LIST(old), NULL);
    int32_t zero = constant(&m, "zero", 0);
    tb_operator(&m, ADD, LIST(old, g == 2 ? x : zero), LIST(y), NULL);
    if (g == 2)
      tb_operator(&m, ASSIGN, LIST(h, y), NULL, 0, NULL);
    tb_next_graph(&m, LIST(x, h), LIST(y));
  }
  x = number(&m, "unused");
  return tb_model_finish(&m, LIST(x), LIST(x));
}

static void test_variable(gconstpointer within)
{
  g_autoptr(GBytes) bytes = variable_model(within != NULL);
  if (within)
    run(bytes, NULL, (const float[]){1, 2, 200, 3}, (const float[]){6, 8, 8, 11}, 4);
  else
    run(bytes, NULL, (const float[]){1, 2, 200, 3}, (const float[]){6, 8, 208, 211}, 4);
}

/* WHILE that counts in a variable how often it has gone round: v += 1 until 3, count += 1 each time; y = count. */
static void test_variable_in_loop(void)
{
  TbModel m;
  tb_model_init(&m);
  int32_t x = number(&m, "x"), y = number(&m, "y"), end = number(&m, "end"), h = typed(&m, "h", RESOURCE),
          out = typed(&m, "out", RESOURCE), count = number(&m, "count");
  handle(&m, h, "count");
  tb_operator(&m, WHILE, LIST(x, h), LIST(end, out), graphs(1, 2));
  tb_operator(&m, READ, LIST(out), LIST(count), NULL);
  int32_t zero = constant(&m, "zero", 0);
  tb_operator(&m, ADD, LIST(count, zero), LIST(y), NULL);
  tb_next_graph(&m, LIST(x), LIST(y));
  for (int b = 0; b < 2; b++) {
    int32_t v = number(&m, "v"), hv = typed(&m, "hv", RESOURCE), k = constant(&m, "k", b ? 1 : 3);
    int32_t r = b ? number(&m, "next") : tb_tensor(&m, "go", BOOL, LIST(1), NULL, 0);
    tb_operator(&m, b ? ADD : LESS, LIST(v, k), LIST(r), NULL);
    if (b) {
      int32_t old = number(&m, "old"), more = number(&m, "more");
      tb_operator(&m, READ, LIST(hv), LIST(old), NULL);
      tb_operator(&m, ADD, LIST(old, k), LIST(more), NULL);
      tb_operator(&m, ASSIGN, LIST(hv, more), NULL, 0, NULL);
      tb_next_graph(&m, LIST(v, hv), LIST(r, hv));
    } else {
      tb_next_graph(&m, LIST(v, hv), LIST(r));
    }
  }
  x = number(&m, "unused");
  g_autoptr(GBytes) bytes = tb_model_finish(&m, LIST(x), LIST(x));
  run(bytes, NULL, (const float[]){0, 1, 5, 2}, (const float[]){3, 5, 5, 6}, 4);
}

static void test_signatures(void)
{
  for (int second = 0; second < 2; second++) {
    g_autoptr(GError) error = NULL;
    TbModel m;
    tb_model_init(&m);
    int32_t x = number(&m, "x"), y = number(&m, "y");
    tb_operator(&m, ADD, LIST(x, x), LIST(y), NULL);
    tb_next_graph(&m, LIST(x), LIST(y));
    x = number(&m, "x1");
    y = number(&m, "y1");
    int32_t k = constant(&m, "k", 7);
    tb_operator(&m, ADD, LIST(x, k), LIST(y), NULL);
    tb_signature(&m, "double", 0, x, "number", y, "twice");
    tb_signature(&m, "seven", 1, x, "number", y, "more");
    g_autoptr(GBytes) bytes = tb_model_finish(&m, LIST(x), LIST(y));
    QfModelOptions options = {.signature = second ? "seven" : NULL};
    g_autoptr(QfModel) model = qf_model_load_bytes(bytes, "model", &options, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(qf_model_input(model, 0)->name, ==, "number");
    g_assert_cmpstr(qf_model_output(model, 0)->name, ==, second ? "more" : "twice");
    run(bytes, &options, (const float[]){3}, (const float[]){second ? 10 : 6}, 1);
    options.signature = "eight";
    g_assert_null(qf_model_load_bytes(bytes, "model", &options, &error));
    g_assert_error(error, QF_ERROR, QF_ERROR_ARGUMENT);
    g_assert_nonnull(strstr(error->message, "double, seven"));
  }
}

/* A file with an open batch, compiled for another one. */
static void test_reshape(void)
{
  g_autoptr(GError) error = NULL;
  static const int32_t open[] = {-1, 2};
  TbModel m;
  tb_model_init(&m);
  int32_t x = tb_tensor(&m, "x", FLOAT, LIST(1, 2), NULL, 0), y;
  tb_child(m.last_tensor, 7, tb_numbers(open, 2, 4));
  y = tb_tensor(&m, "y", FLOAT, LIST(1, 2), NULL, 0);
  tb_operator(&m, ADD, LIST(x, x), LIST(y), NULL);
  g_autoptr(GBytes) bytes = tb_model_finish(&m, LIST(x), LIST(y));
  g_autoptr(QfModel) one = qf_model_load_bytes(bytes, "model", NULL, &error);
  g_assert_no_error(error);
  const QfInputDims three = {"x", 2, {3, 2}};
  g_autoptr(QfModel) model = qf_model_reshape(one, &three, 1, &error),
                     again = qf_model_reshape(one, &three, 1, &error);
  g_assert_no_error(error);
  g_assert_true(model == again);
  g_assert_cmpint(qf_model_output(model, 0)->dims[0], ==, 3);
  g_autoptr(QfSession) session = qf_session_new(model, NULL, &error);
  float *in = qf_session_input_data(session, 0);
  for (int i = 0; i < 6; i++)
    in[i] = (float)i;
  g_assert_true(qf_session_run(session, &error));
  g_assert_cmpfloat(((const float *)qf_session_output_data(session, 0))[5], ==, 10);
}

/* Graph 0 uses graph 1 with @code, and that one the graph @next the same way. */
static void refuse_chain(int code, int n_graphs, int last, QfError error, const char *text)
{
  TbModel m;
  int32_t x = 0, y = 0;
  tb_model_init(&m);
  for (int g = 0; g < n_graphs; g++) {
    x = number(&m, "x");
    y = number(&m, "y");
    tb_operator(&m, code, LIST(x), LIST(y),
                graphs(g + 1 < n_graphs ? g + 1 : last, g + 1 < n_graphs ? g + 1 : last));
    if (g + 1 < n_graphs)
      tb_next_graph(&m, LIST(x), LIST(y));
  }
  g_autoptr(GBytes) bytes = tb_model_finish(&m, LIST(x), LIST(y));
  refuse(bytes, error, text);
}

static void test_recursion(void)
{
  refuse_chain(WHILE, 1, 0, QF_ERROR_FORMAT, "graph 0 uses itself");
  refuse_chain(CALL, 1, 0, QF_ERROR_FORMAT, "graph 0 uses itself");
  refuse_chain(CALL, 3, 1, QF_ERROR_FORMAT, "graph 1 uses itself");
  refuse_chain(WHILE, 2, 0, QF_ERROR_FORMAT, "graph 0 uses itself");
  refuse_chain(CALL, 40, 99, QF_ERROR_LIMIT, "more than 16 deep");
  refuse_chain(WHILE, 40, 99, QF_ERROR_LIMIT, "more than 16 deep");
  refuse_chain(CALL, 2, 99, QF_ERROR_FORMAT, "uses graph 99 of 2");
}

/* Each graph calls the next one twice: 2^16 copies of the last. */
static void test_explosion(void)
{
  TbModel m;
  int32_t x = 0, y = 0, z;
  tb_model_init(&m);
  for (int g = 0; g < 15; g++) {
    x = number(&m, "x");
    y = number(&m, "y");
    z = number(&m, "z");
    for (int k = 0; k < 40; k++)
      constant(&m, "k", 1);
    tb_operator(&m, CALL, LIST(x), LIST(y), graphs(g + 1, -1));
    tb_operator(&m, CALL, LIST(y), LIST(z), graphs(g + 1, -1));
    tb_next_graph(&m, LIST(x), LIST(z));
  }
  x = number(&m, "x");
  y = number(&m, "y");
  tb_operator(&m, ADD, LIST(x, x), LIST(y), NULL);
  g_autoptr(GBytes) bytes = tb_model_finish(&m, LIST(x), LIST(y));
  refuse(bytes, QF_ERROR_LIMIT, "use each other too often");
}

static void test_growing(void)
{
  TbModel m;
  tb_model_init(&m);
  int32_t x = number(&m, "x"), y = number(&m, "y");
  tb_operator(&m, WHILE, LIST(x), LIST(y), graphs(1, 2));
  tb_next_graph(&m, LIST(x), LIST(y));
  x = number(&m, "v");
  int32_t go = tb_tensor(&m, "go", BOOL, LIST(1), NULL, 0);
  tb_operator(&m, LESS, LIST(x, x), LIST(go), NULL);
  tb_next_graph(&m, LIST(x), LIST(go));
  x = number(&m, "v");
  y = number(&m, "longer");
  TbNode *options = tb_table();
  tb_int(options, 0, 4, 0);
  tb_operator(&m, CONCAT, LIST(x, x), LIST(y), options);
  g_autoptr(GBytes) bytes = tb_model_finish(&m, LIST(x), LIST(y));
  refuse(bytes, QF_ERROR_DYNAMIC, "is not fixed");
}

/* Every file with one byte changed is loaded or refused; sanitizers watch, at every seventh byte. */
static void test_damage(void)
{
  for (int which = 0; which < 3; which++) {
    g_autoptr(GBytes) whole = which == 0 ? nested_model() : variable_model(which == 1);
    gsize size;
    const uint8_t *from = g_bytes_get_data(whole, &size);
    for (gsize at = 0; at < size; at += g_getenv("QF_SANITIZED") ? 7 : 1) {
      uint8_t *copy = g_memdup2(from, size);
      copy[at] ^= (uint8_t)(1 + at * 37 % 255);
      g_autoptr(GBytes) bytes = g_bytes_new_take(copy, size);
      g_autoptr(GError) error = NULL;
      g_autoptr(QfModel) model = qf_model_load_bytes(bytes, "model", NULL, &error);
      g_assert_true(!model == (error != NULL));
    }
  }
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/tflite/control/while", test_while);
  g_test_add_func("/tflite/control/carried-constants", test_carried_constants);
  g_test_add_func("/tflite/control/encoded", test_encoded);
  g_test_add_func("/tflite/control/nested", test_nested);
  g_test_add_func("/tflite/control/constant-if", test_constant_if);
  g_test_add_data_func("/tflite/control/variable", NULL, test_variable);
  g_test_add_data_func("/tflite/control/variable-in-if", "if", test_variable);
  g_test_add_func("/tflite/control/variable-in-while", test_variable_in_loop);
  g_test_add_func("/tflite/control/signatures", test_signatures);
  g_test_add_func("/tflite/control/reshape", test_reshape);
  g_test_add_func("/tflite/control/recursion", test_recursion);
  g_test_add_func("/tflite/control/explosion", test_explosion);
  g_test_add_func("/tflite/control/growing", test_growing);
  g_test_add_func("/tflite/control/damage", test_damage);
  return g_test_run();
}
