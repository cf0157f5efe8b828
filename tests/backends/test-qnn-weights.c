/* SPDX-License-Identifier: MIT */
/*
 * test-qnn-weights.c - what a QNN library gets: weights that fit a signed byte as they are, others rounded so that each channel keeps its sum;
 * rows and indices that take another operator; and, on the vendor's emulator, what its arithmetic makes of them.
 *
 * usage: test-qnn-weights QNN-LIBRARY FOLDER, see qnn-library
 */
#include "libqnnflow/backends/qnn/net.h"
#include "libqnnflow/ops/attrs.h"
#include "tests/import/onnx_build.h"

#include <glib/gstdio.h>
#include <math.h>
#include <qnnflow/qnnflow.h>
#include <string.h>

static char *script, *folder;

enum { SIDE = 3, IN = 5, OUT = 4, TAPS = SIDE * SIDE * IN };

/* Steps of a weight: channel 1 needs 9 bits, the others fit. Times 127 / 141, all but one of channel 1 are rounded down. */
static int32_t steps(gsize tap, gsize c)
{
  const int32_t wide = !tap ? 141 : tap % 2 ? 46 : -23, narrow = (int32_t)((tap * 13 + c * 29) % 200) - 100;
  return c == 1 ? wide : narrow;
}

enum { ZERO = 103 };

static QfNode *make_conv(QfGraph *graph)
{
  static const int64_t shape[] = {1, 6, 6, IN}, kernel[] = {SIDE, SIDE, IN, OUT}, line[] = {OUT};
  static const int32_t bias[] = {1000, -70000, 0, 12345};
  uint8_t bytes[TAPS * OUT];
  g_autoptr(GError) error = NULL;
  for (gsize i = 0; i < G_N_ELEMENTS(bytes); i++)
    bytes[i] = (uint8_t)(steps(i / OUT, i % OUT) + ZERO);
  QfTensor *x = qf_graph_add_tensor(graph, "x"), *y = qf_graph_add_tensor(graph, "y");
  QfTensor *w = qf_graph_add_constant_copy(graph, "w", QF_DTYPE_UINT8, kernel, 4, bytes);
  QfTensor *b = qf_graph_add_constant_copy(graph, "b", QF_DTYPE_INT32, line, 1, bias);
  qf_tensor_set_shape(x, QF_DTYPE_UINT8, shape, 4);
  qf_tensor_set_encoding(graph, x, 1, 0, &(QfScaleOffset){0.5f, -128});
  qf_tensor_set_encoding(graph, w, 1, 0, &(QfScaleOffset){0.25f, -ZERO});
  qf_tensor_set_encoding(graph, y, 1, 0, &(QfScaleOffset){4, -128});
  QfNode *node = qf_graph_new_node(graph, "Conv2d", "conv", (QfTensor *[]){x, w, b}, 3, &y, 1);
  y->dtype = QF_DTYPE_UINT8;
  g_assert_true(qf_graph_add_node(node, &error));
  g_assert_no_error(error);
  return node;
}

static void test_signed(void)
{
  QfGraph *graph = qf_graph_new("net");
  QfNode *node = make_conv(graph);
  QfQnnNet *net = qf_qnn_net_new();
  g_autoptr(GString) why = g_string_new(NULL);
  g_assert_true(qf_qnn_emit(net, node, why));
  const QfQnnNetOp *op = net->ops->pdata[0];
  const QfQnnTensor *w = op->inputs->pdata[1], *b = op->inputs->pdata[2];
  const int8_t *bytes = w->u.client.data;
  g_assert_cmpuint(w->dtype, ==, QF_QNN_SFIXED8);
  g_assert_cmpuint(w->quantize.kind, ==, QF_QNN_AXIS_SCALE_OFFSET);
  g_assert_cmpuint(w->quantize.u.axis.count, ==, OUT);
  g_assert_cmpint(w->quantize.u.axis.axis, ==, 3);
  for (gsize c = 0; c < OUT; c++) {
    const double scale = w->quantize.u.axis.entries[c].scale;
    double sum = 0;
    g_assert_cmpint(w->quantize.u.axis.entries[c].offset, ==, 0);
    if (c != 1)
      g_assert_cmpfloat(scale, ==, 0.25);
    for (gsize tap = 0; tap < TAPS; tap++) {
      const double error = bytes[tap * OUT + c] * scale - steps(tap, c) * 0.25;
      g_assert_cmpfloat(fabs(error), <=, c == 1 ? scale : 0);
      sum += error;
    }
    g_assert_cmpfloat(fabs(sum), <=, scale / 2);
    g_assert_cmpfloat(fabs(b->quantize.u.axis.entries[c].scale - 0.5 * scale), <, 1e-6);
    const double bias = (double)((const int32_t *)b->u.client.data)[c] * 0.5 * scale;
    g_assert_cmpfloat(fabs(bias - (double)((const int32_t *)qf_tensor_data(node->inputs[2]))[c] * 0.125), <=,
                      0.25 * scale + 1e-3);
  }
  qf_qnn_net_free(net);
  qf_graph_free(graph);
}

/* Rows of a fully connected layer get their shape behind it, and what is fused comes after that. */
static void test_rows(void)
{
  static const int64_t shape[] = {2, 3, IN}, kernel[] = {OUT, IN};
  static const float weights[OUT * IN] = {1};
  static const char *const types[] = {"FullyConnected", "Reshape", "Relu"};
  QfGraph *graph = qf_graph_new("net");
  QfTensor *x = qf_graph_add_tensor(graph, "x"), *y = qf_graph_add_tensor(graph, "y");
  QfTensor *w = qf_graph_add_constant_copy(graph, "w", QF_DTYPE_FLOAT32, kernel, 2, weights);
  g_autoptr(GError) error = NULL;
  g_autoptr(GString) why = g_string_new(NULL);
  qf_tensor_set_shape(x, QF_DTYPE_FLOAT32, shape, 3);
  QfNode *node = qf_graph_new_node(graph, "FullyConnected", "rows", (QfTensor *[]){x, w}, 2, &y, 1);
  QfFullyConnectedAttrs *a = node->attrs;
  a->keep_dims = 1;
  a->epi = (QfEpilogue){.act = QF_ACT_CLAMP, .lo = 0, .hi = INFINITY};
  g_assert_true(qf_graph_add_node(node, &error));
  QfQnnNet *net = qf_qnn_net_new();
  g_assert_true(qf_qnn_emit(net, node, why));
  g_assert_cmpuint(net->ops->len, ==, G_N_ELEMENTS(types));
  for (guint i = 0; i < net->ops->len; i++) {
    const QfQnnNetOp *op = net->ops->pdata[i], *before = i ? net->ops->pdata[i - 1] : NULL;
    const QfQnnTensor *out = op->outputs->pdata[0];
    g_assert_cmpstr(op->type, ==, types[i]);
    g_assert_true(!before || before->outputs->pdata[0] == op->inputs->pdata[0]);
    g_assert_cmpuint(op->params->len, ==, 0);
    g_assert_cmpuint(out->rank, ==, i ? 3 : 2);
    g_assert_cmpuint(out->dims[0] * (i ? out->dims[1] : 1), ==, 6);
  }
  const QfQnnNetOp *last = net->ops->pdata[net->ops->len - 1];
  g_assert_true(last->outputs->pdata[0] == g_hash_table_lookup(net->by_tensor, y));
  qf_qnn_net_free(net);
  qf_graph_free(graph);
}

/* Indices of 64 bits are counted in 32. */
static void test_index(void)
{
  static const int64_t shape[] = {1, 4, 5};
  QfGraph *graph = qf_graph_new("net");
  QfTensor *x = qf_graph_add_tensor(graph, "x"), *y = qf_graph_add_tensor(graph, "y");
  g_autoptr(GError) error = NULL;
  g_autoptr(GString) why = g_string_new(NULL);
  qf_tensor_set_shape(x, QF_DTYPE_FLOAT32, shape, 3);
  QfNode *node = qf_graph_new_node(graph, "Argmax", "most", &x, 1, &y, 1);
  *(QfAxisAttrs *)node->attrs = (QfAxisAttrs){.axis = 2, .dtype = QF_DTYPE_INT64};
  g_assert_true(qf_graph_add_node(node, &error));
  QfQnnNet *net = qf_qnn_net_new();
  g_assert_true(qf_qnn_emit(net, node, why));
  g_assert_cmpuint(net->ops->len, ==, 2);
  const QfQnnNetOp *most = net->ops->pdata[0], *cast = net->ops->pdata[1];
  const QfQnnTensor *index = most->outputs->pdata[0], *wide = cast->outputs->pdata[0];
  g_assert_cmpstr(cast->type, ==, "Cast");
  g_assert_true(cast->inputs->pdata[0] == index && wide == g_hash_table_lookup(net->by_tensor, y));
  g_assert_cmpuint(index->dtype, ==, QF_QNN_INT32);
  g_assert_cmpuint(wide->dtype, ==, QF_QNN_INT64);
  qf_qnn_net_free(net);
  qf_graph_free(graph);
}

/* The emulator's path, or NULL when the test is skipped. */
static char *emulator(void)
{
  char *argv[] = {script, folder, NULL}, *out = NULL;
  gint status = 0;
  if (g_spawn_sync(NULL, argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, &out, NULL, &status, NULL) &&
      g_spawn_check_wait_status(status, NULL))
    return g_strchomp(out);
  g_test_skip(out ? g_strchomp(out) : "the emulator cannot be found");
  g_free(out);
  return NULL;
}

/* The first output of @text's model with @x as input; free with g_bytes_unref(). @library NULL: on the reference. */
static GBytes *run(const char *text, const char *library, const void *x, size_t size)
{
  g_autofree char *path = NULL;
  g_autoptr(GError) error = NULL;
  g_autoptr(GBytes) bytes = onnx_build(text);
  g_close(g_file_open_tmp("qnnflow-XXXXXX.json", &path, NULL), NULL);
  g_assert_true(g_file_set_contents(path, "{\"soc_model\": 43}", -1, NULL));
  const QfModelOptions options = {.backend = library ? "qnn" : "ref",
                                  .backend_library = library,
                                  .backend_config = library ? path : NULL,
                                  .fallback = library ? "none" : NULL};
  g_autoptr(QfModel) model = qf_model_load_bytes(bytes, "net.onnx", &options, &error);
  g_assert_no_error(error);
  g_unlink(path);
  g_autoptr(QfSession) session = qf_session_new(model, NULL, &error);
  g_assert_no_error(error);
  g_assert_cmpuint(qf_model_input(model, 0)->size_bytes, ==, size);
  memcpy(qf_session_input_data(session, 0), x, size);
  g_assert_true(qf_session_run(session, &error));
  return g_bytes_new(qf_session_output_data(session, 0), qf_model_output(model, 0)->size_bytes);
}

/* An image of smooth shades through a kernel with a channel of 9 bits. */
static void test_uneven(void)
{
  enum { SIZE = 32 };
  g_autofree char *library = emulator();
  uint8_t x[IN * SIZE * SIZE];
  gsize beyond = 0, n;
  if (!library)
    return;
  g_autoptr(GString) text =
      g_string_new("opset 13\nin x u8 1,5,32,32\nw sx f32 scalar = 0.0078125\nw zx u8 scalar = 128\n"
                   "w sw f32 scalar = 0.01\nw zw u8 scalar = 103\nw sy f32 scalar = 0.008\n"
                   "w zy u8 scalar = 128\nw k u8 4,5,3,3 =");
  for (gsize c = 0; c < OUT; c++)
    for (gsize tap = 0; tap < TAPS; tap++)
      g_string_append_printf(text, " %d", steps(tap, c) + ZERO);
  g_string_append(text, "\nnode DequantizeLinear x,sx,zx -> a\nnode DequantizeLinear k,sw,zw -> b\n"
                        "node Conv a,b -> c pads=[1,1,1,1]\nnode QuantizeLinear c,sy,zy -> y\nout y\n");
  for (gsize i = 0; i < sizeof(x); i++)
    x[i] = (uint8_t)(160 + 90 * sin((double)(i % SIZE) / 9) * cos((double)(i / SIZE % SIZE) / 7));
  g_autoptr(GBytes) ours = run(text->str, NULL, x, sizeof(x)), theirs = run(text->str, library, x, sizeof(x));
  const uint8_t *a = g_bytes_get_data(ours, &n), *b = g_bytes_get_data(theirs, NULL);
  for (gsize i = 0; i < n; i++)
    beyond += ABS(a[i] - b[i]) > 1;
  g_test_message("%zu of %zu are more than a step away", beyond, n);
  g_assert_cmpuint(beyond * 100, <=, n * 3);
}

/* 16 bits: the emulator sums in units of 256 products of steps and drops what is below, so that where a unit is @gain steps of the output,
 * numbers are up to @gain too small. */
static void test_sixteen(void)
{
  enum { CHANNELS = 4, PIXELS = 64, GAIN = 16, MIDDLE = 32768 };
  g_autofree char *library = emulator();
  uint16_t x[CHANNELS * PIXELS];
  gsize dropped = 0, n_inside = 0;
  if (!library)
    return;
  g_autoptr(GString) text = g_string_new(
      "opset 21\nin x u16 1,4,8,8\nw sx f32 scalar = 0.0009765625\nw zx u16 scalar = 0\nw sw f32 scalar = "
      "0.0078125\n"
      "w zw i8 scalar = 0\nw sy f32 scalar = 0.0001220703125\nw zy u16 scalar = 32768\nw k i8 4,4,1,1 =");
  for (gsize i = 0; i < CHANNELS * CHANNELS; i++)
    g_string_append_printf(text, " %d", (int)(i * 7 % 11) - 5);
  g_string_append(text, "\nnode DequantizeLinear x,sx,zx -> a\nnode DequantizeLinear k,sw,zw -> b\n"
                        "node Conv a,b -> c\nnode QuantizeLinear c,sy,zy -> y\nout y\n");
  for (gsize i = 0; i < G_N_ELEMENTS(x); i++)
    x[i] = (uint16_t)(i * 4099 % 32003);
  g_autoptr(GBytes) theirs = run(text->str, library, x, sizeof(x)), ours = run(text->str, NULL, x, sizeof(x));
  const uint16_t *y = g_bytes_get_data(theirs, NULL), *reference = g_bytes_get_data(ours, NULL);
  for (gsize c = 0; c < CHANNELS; c++)
    for (gsize p = 0; p < PIXELS; p++) {
      int32_t sum = 0;
      for (gsize i = 0; i < CHANNELS; i++)
        sum += x[i * PIXELS + p] * ((int32_t)((c * CHANNELS + i) * 7 % 11) - 5);
      /* The scales make a unit of 256 products GAIN steps. */
      const double exact = CLAMP(MIDDLE + sum * (GAIN / 256.0), 0, 65535);
      const double whole = CLAMP(MIDDLE + floor(sum / 256.0) * GAIN, 0, 65535);
      const gsize at = c * PIXELS + p;
      g_assert_cmpfloat(fabs(reference[at] - exact), <=, 0.5);
      g_assert_cmpfloat(y[at], >=, whole);
      g_assert_cmpfloat(y[at], <=, exact + 0.5);
      n_inside += whole > 0 && exact < 65535;
      dropped += y[at] == whole && exact - whole > 1 && exact < 65535;
    }
  g_test_message("%zu of %zu within the range, %zu of them too small by more than a step", n_inside,
                 (gsize)(CHANNELS * PIXELS), dropped);
  g_assert_cmpuint(n_inside, >, 50);
  g_assert_cmpuint(dropped, >,
                   n_inside / 2); /* else the emulator keeps them: compare-known.md is out of date */
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_assert_cmpint(argc, ==, 3);
  script = argv[1];
  folder = argv[2];
  g_test_add_func("/qnn/weights/signed", test_signed);
  g_test_add_func("/qnn/weights/rows", test_rows);
  g_test_add_func("/qnn/weights/index", test_index);
  g_test_add_func("/qnn/weights/uneven", test_uneven);
  g_test_add_func("/qnn/weights/sixteen", test_sixteen);
  return g_test_run();
}
