/* SPDX-License-Identifier: MIT */
/*
 * test-htp.c - models on our kernels for Hexagon, in the simulator: bit for bit what the reference gives in the `fixed` scheme, layer by layer;
 * parts around an operator that has no kernel; and graphs for the DSP that are damaged byte by byte, which must be refused or harm nothing.
 */
#include "htp_graph.h"
#include "tests/import/onnx_build.h"

#include <glib/gstdio.h>
#include <qnnflow/compare.h>
#include <qnnflow/qnnflow.h>
#include <string.h>
#include <unistd.h>

static const QfModelOptions reference = {.backend = "ref", .requant = "fixed"},
                            simulator = {.backend = "htp-sim"};

/* Every layer that has a kernel, on the reference's values; at least @least of them. */
static void compare_layers(const char *path, guint least)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(QfModel) model = qf_model_load(path, &reference, &error);
  g_autoptr(GPtrArray) inputs = g_ptr_array_new_with_free_func(g_free);
  g_autoptr(GRand) rand = g_rand_new_with_seed(7);
  guint compared = 0;
  g_assert_no_error(error);
  for (uint32_t i = 0; i < qf_model_n_inputs(model); i++) {
    const QfTensorDesc *desc = qf_model_input(model, i);
    uint8_t *values = g_malloc0(desc->size_bytes + 1);
    for (gsize k = 0; k < desc->size_bytes && desc->dtype != QF_DTYPE_FLOAT32; k++)
      values[k] = (uint8_t)g_rand_int(rand);
    for (gsize k = 0; k < desc->size_bytes / sizeof(float) && desc->dtype == QF_DTYPE_FLOAT32; k++)
      ((float *)(void *)values)[k] = (float)g_rand_double_range(rand, -1, 1);
    g_ptr_array_add(inputs, values);
  }
  g_autoptr(QfComparison) c =
      qf_compare(path, &reference, &simulator, (const void *const *)inputs->pdata, QF_COMPARE_EACH, &error);
  g_assert_no_error(error);
  for (uint32_t i = 0; i < c->n_layers; i++) {
    const QfDifference *d = &c->layers[i];
    compared += !d->note;
    if (d->differ)
      g_error("%s: %s '%s': %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT " differ", path, d->op, d->node,
              d->differ, d->elements);
  }
  g_test_message("%u of %u layers", compared, c->n_layers);
  g_assert_cmpuint(compared, >=, least);
}

static void test_own(void)
{
  compare_layers(QF_SOURCE_ROOT "/models/detector_int8.onnx", 16);
}

/* Third-party models, and how many of their layers have kernels. */
static const struct {
  const char *file;
  guint layers;
} published[] = {
    {"tflite/mobilenet_v1_0.25_128_quant.tflite", 31},
    {"tflite/kws_ref_model_int8.tflite", 13},
    {"tflite/pretrainedResnet_quant.tflite", 16},
    {"tflite/conv_fc_mnist_a8w8.tflite", 6},
    {"tflite/micro_speech_quantized.tflite", 5},
    {"tflite/ad01_int8.tflite", 10},
    {"tflite/hello_world_int8.tflite", 3},
    {"tflite/person_detect.tflite", 31},
    {"tflite/add_a16w8.tflite", 1},
    {"tflite/mul_a16w8.tflite", 1},
    {"tflite/seanet_int16/add/add0.tflite", 1},
    {"tflite/seanet_int16/conv/conv0.tflite", 1},
    {"tflite/seanet_int16/leaky_relu/leaky_relu0.tflite", 1},
    {"tflite/seanet_int16/pad/pad0.tflite", 1},
    {"tflite/seanet_int16/transpose_conv/transpose_conv0.tflite", 1},
    {"tflite/seanet_int16/strided_slice/strided_slice0.tflite", 1},
    {"onnx/gen_mobilenet_v2_0.35_128_qdq_a16w8.onnx", 66},
};

static void test_published(gconstpointer data)
{
  const guint i = GPOINTER_TO_UINT(data);
  const char *env = g_getenv("QF_TESTDATA"), *root = env ? env : QF_SOURCE_ROOT "/../shared/testdata";
  g_autofree char *path = g_strdup_printf("%s/models/%s", root, published[i].file);
  if (!g_file_test(path, G_FILE_TEST_EXISTS))
    g_test_skip("no test data (set QF_TESTDATA)");
  else
    compare_layers(path, published[i].layers);
}

/* Two convolutions and, between them, an operator without a kernel. */
static const char parted[] = "opset 13\nin x f32 1,8,16,16\n"
                             "w s f32 scalar = 0.03\nw z u8 scalar = 120\nw ks f32 scalar = 0.01\n"
                             "w kz i8 scalar = 0\nw k i8 8,8,3,3\nnode DequantizeLinear k,ks,kz -> kd\n"
                             "node QuantizeLinear x,s,z -> xq\nnode DequantizeLinear xq,s,z -> xd\n"
                             "node Conv xd,kd -> c pads=[1,1,1,1]\n"
                             "node QuantizeLinear c,s,z -> cq\nnode DequantizeLinear cq,s,z -> cd\n"
                             "node CumSum cd,axis -> e\n"
                             "node QuantizeLinear e,s,z -> eq\nnode DequantizeLinear eq,s,z -> ed\n"
                             "node Conv ed,kd -> f pads=[1,1,1,1]\n"
                             "node QuantizeLinear f,s,z -> fq\nnode DequantizeLinear fq,s,z -> y\n"
                             "w axis i64 scalar = 2\nout y\n";

/* A channel's gain from its mean, one value for all, and a value a pixel. */
static const char broadcast[] =
    "opset 13\nin x f32 1,8,16,16\n"
    "w s f32 scalar = 0.03\nw z u8 scalar = 120\nw ks f32 scalar = 0.01\n"
    "w kz i8 scalar = 0\nw k i8 8,8,3,3\nw k1 i8 1,8,1,1\n"
    "node DequantizeLinear k,ks,kz -> kd\nnode DequantizeLinear k1,ks,kz -> k1d\n"
    "w o u8 scalar = 77\nnode DequantizeLinear o,s,z -> od\n"
    "node QuantizeLinear x,s,z -> xq\nnode DequantizeLinear xq,s,z -> xd\n"
    "node Conv xd,kd -> c pads=[1,1,1,1]\n"
    "node QuantizeLinear c,s,z -> cq\nnode DequantizeLinear cq,s,z -> cd\n"
    "node GlobalAveragePool cd -> g\n"
    "node QuantizeLinear g,s,z -> gq\nnode DequantizeLinear gq,s,z -> gd\n"
    "node Mul cd,gd -> m\n"
    "node QuantizeLinear m,s,z -> mq\nnode DequantizeLinear mq,s,z -> md\n"
    "w i u8 8,1,16\nnode DequantizeLinear i,s,z -> id\nnode Add md,id -> h\n"
    "node QuantizeLinear h,s,z -> hq\nnode DequantizeLinear hq,s,z -> hd\n"
    "node Div hd,od -> v\nnode QuantizeLinear v,s,z -> vq\nnode DequantizeLinear vq,s,z -> vd\n"
    "node Div od,vd -> u\nnode QuantizeLinear u,s,z -> uq\nnode DequantizeLinear uq,s,z -> ud\n"
    "node Sub ud,hd -> b\n"
    "node QuantizeLinear b,s,z -> bq\nnode DequantizeLinear bq,s,z -> bd\n"
    "node Conv bd,k1d -> one\n"
    "node QuantizeLinear one,s,z -> oneq\nnode DequantizeLinear oneq,s,z -> oned\n"
    "node Add bd,oned -> e\n"
    "node QuantizeLinear e,s,z -> eq\nnode DequantizeLinear eq,s,z -> y\nout y\n";

/* Activations of 16 bits, whose border is of 8: each row of theirs, in numbers of channels that fill planes or not. "both a" quantizes. */
static const char wide[] =
    "opset 21\nin x f32 1,7,11,13\n"
    "w s8 f32 scalar = 0.03\nw z8 i8 scalar = 3\nw s f32 scalar = 0.0003\nw z TYPE scalar = ZERO\n"
    "w ks f32 scalar = 0.01\nw kz i8 scalar = 0\nw k i8 10,7,3,3\nw dk i8 10,1,3,3\nw gk i8 600,12\n"
    "node DequantizeLinear k,ks,kz -> kd\nnode DequantizeLinear dk,ks,kz -> dkd\n"
    "node DequantizeLinear gk,ks,kz -> gkd\n"
    "node QuantizeLinear x,s8,z8 -> x8\nnode DequantizeLinear x8,s8,z8 -> x8d\n"
    "node QuantizeLinear x8d,s,z -> xq\nnode DequantizeLinear xq,s,z -> xd\n"
    "node Conv xd,kd -> c pads=[1,1,1,1]\nboth c\n"
    "node Sigmoid cd -> t\nboth t\nnode Mul cd,td -> v\nboth v\n"
    "node Conv vd,dkd -> d group=10 pads=[1,1,1,1] strides=[2,2]\nboth d\n"
    "node MaxPool dd -> m kernel_shape=[2,2]\nboth m\n"
    "node AveragePool dd -> a kernel_shape=[2,2]\nboth a\n"
    "node Add md,ad -> e\nboth e\nnode Mul ed,ed -> h\nboth h\n"
    "w o TYPE 10,1,1\nnode DequantizeLinear o,s,z -> od\nnode Add hd,od -> i\nboth i\n"
    "w u TYPE 1,5,1\nnode DequantizeLinear u,s,z -> ud\nnode Sub ud,id -> f\nboth f\n"
    "node Concat fd,md -> n axis=1\nboth n\n"
    "w four i64 1 = 4\nw sixteen i64 1 = 16\nw many i64 1 = 99\nw one i64 1 = 1\n"
    "node Slice nd,four,sixteen,one -> q\nboth q\nnode Slice nd,sixteen,many,one -> r\nboth r\n"
    "node Concat rd,qd,rd -> j axis=1\nboth j\n"
    "w amounts i64 8 = 0 0 1 1 0 0 0 0\nw value f32 scalar = 0.5\nnode Pad jd,amounts,value -> p\nboth p\n"
    "w from i64 2 = 1 1\nw to i64 2 = 99 99\nw axes i64 2 = 2 3\nnode Slice pd,from,to,axes -> l\nboth l\n"
    "w twice f32 4 = 1 1 2 2\nnode Resize ld,,twice -> w mode=nearest\nboth w\n"
    "node MaxPool wd -> ll kernel_shape=[2,2] strides=[2,2]\nboth ll\n"
    "node Flatten lld -> lf\nnode MatMul lf,gkd -> g\nboth g\n"
    "node LeakyRelu gd -> gl alpha=0.3\nboth gl\n"
    "node QuantizeLinear gld,s8,z8 -> g8\nnode DequantizeLinear g8,s8,z8 -> y\nout y\n";

/* Where the extreme of a convolution is: its attributes. */
static const char arg[] = "opset 13\nin x f32 1,8,9,21\n"
                          "w s f32 scalar = 0.03\nw z i8 scalar = 5\nw ks f32 scalar = 0.01\n"
                          "w kz i8 scalar = 0\nw k i8 10,8,3,3\nnode DequantizeLinear k,ks,kz -> kd\n"
                          "node QuantizeLinear x,s,z -> xq\nnode DequantizeLinear xq,s,z -> xd\n"
                          "node Conv xd,kd -> c pads=[1,1,1,1]\n"
                          "node QuantizeLinear c,s,z -> cq\nnode %s cq -> y %s\nout y\n";

static const struct {
  const char *op, *attrs;
} args[] = {
    {"ArgMax", "axis=1 select_last_index=1"},
    {"ArgMin", "axis=1"},
    {"ArgMax", "axis=2"},
    {"ArgMin", "axis=3"},
};

/* Borders of a convolution: its attributes, amounts of eight. */
static const char pad[] = "opset 19\nin x f32 1,6,5,7\n"
                          "w s f32 scalar = 0.03\nw z i8 scalar = 5\nw ks f32 scalar = 0.01\n"
                          "w kz i8 scalar = 0\nw k i8 5,6,3,3\nnode DequantizeLinear k,ks,kz -> kd\n"
                          "node QuantizeLinear x,s,z -> xq\nnode DequantizeLinear xq,s,z -> xd\n"
                          "node Conv xd,kd -> c pads=[1,1,1,1]\n"
                          "node QuantizeLinear c,s,z -> cq\nnode DequantizeLinear cq,s,z -> cd\n"
                          "w amounts i64 8 = AMOUNTS\nnode Pad cd,amounts -> p mode=MODE\n"
                          "node QuantizeLinear p,s,z -> pq\nnode DequantizeLinear pq,s,z -> y\nout y\n";

static const struct {
  const char *mode, *amounts;
} pads[] = {
    {"reflect", "0 0 2 1 0 0 4 6"}, {"edge", "0 0 3 0 0 0 9 2"},      {"reflect", "0 2 1 0 0 4 0 3"},
    {"edge", "0 1 1 1 0 1 1 1"},    {"constant", "0 0 -1 2 0 0 3 1"}, {"constant", "0 1 0 2 0 3 1 -2"},
};

/* A transposed convolution: its weights and attributes. */
static const char deconv[] =
    "opset 21\nin x f32 2,8,5,7\n"
    "w s8 f32 scalar = 0.03\nw z8 i8 scalar = 3\nw s f32 scalar = SCALE\nw z TYPE scalar = 5\n"
    "w ks f32 scalar = 0.01\nw kz i8 scalar = 0\nw k i8 WEIGHTS\n"
    "node DequantizeLinear k,ks,kz -> kd\n"
    "node QuantizeLinear x,s8,z8 -> x8\nnode DequantizeLinear x8,s8,z8 -> x8d\n"
    "node QuantizeLinear x8d,s,z -> xq\nnode DequantizeLinear xq,s,z -> xd\n"
    "node ConvTranspose xd,kd -> c ATTRS\n"
    "node QuantizeLinear c,s,z -> cq\nnode DequantizeLinear cq,s,z -> cd\n"
    "node QuantizeLinear cd,s8,z8 -> c8\nnode DequantizeLinear c8,s8,z8 -> y\nout y\n";

static const struct {
  const char *weights, *attrs;
} deconvs[] = {
    {"8,5,2,2", "strides=[2,2]"},
    {"8,5,4,4", "strides=[2,2] pads=[1,1,1,1]"},
    {"8,6,3,3", "strides=[2,2] pads=[1,1,1,1] output_padding=[1,1]"},
    {"8,5,2,3", "strides=[3,2]"},
    {"8,5,3,3", "strides=[2,1] dilations=[3,2] pads=[2,0,0,1]"},
    {"8,4,3,3", "group=2 strides=[2,2]"},
    {"8,1,4,4", "group=8 strides=[2,2] pads=[1,1,1,1]"},
    {"8,5,3,3", "pads=[1,1,1,1]"},
    {"8,5,2,2", "strides=[2,2] pads=[3,2,1,0]"},
};

/* Attention's products, and rows of a fully connected layer. */
static const char products[] =
    "opset 13\nin x f32 2,3,37,20\n"
    "w s f32 scalar = 0.03\nw z i8 scalar = 5\nw s2 f32 scalar = 0.2\nw ks f32 scalar = 0.01\n"
    "w kz i8 scalar = 0\nw k i8 20,24\nnode DequantizeLinear k,ks,kz -> kd\n"
    "node QuantizeLinear x,s,z -> xq\nnode DequantizeLinear xq,s,z -> xd\n"
    "node MatMul xd,kd -> a\nnode QuantizeLinear a,s,z -> aq\nnode DequantizeLinear aq,s,z -> ad\n"
    "node Transpose ad -> t perm=[0,1,3,2]\nnode MatMul ad,t -> b\n"
    "node QuantizeLinear b,s2,z -> bq\nnode DequantizeLinear bq,s2,z -> bd\n"
    "w r i8 5,37\nnode DequantizeLinear r,ks,kz -> rd\n"
    "node Softmax bd -> f axis=3\nnode QuantizeLinear f,ks,z -> fq\nnode DequantizeLinear fq,ks,z -> fd\n"
    "node MatMul fd,ad -> c\nnode QuantizeLinear c,s,z -> cq\nnode DequantizeLinear cq,s,z -> cd\n"
    "node MatMul rd,cd -> g\nnode QuantizeLinear g,s,z -> gq\nnode DequantizeLinear gq,s,z -> y\nout y\n";

static QfModel *load_text(const char *text, const char *backend, const char *requant, const char *fallback,
                          GError **error)
{
  g_autoptr(GBytes) bytes = onnx_build(text);
  const QfModelOptions options = {.backend = backend, .requant = requant, .fallback = fallback};
  return qf_model_load_bytes(bytes, "text.onnx", &options, error);
}

static GBytes *run_model(QfModel *model)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(QfSession) session = qf_session_new(model, NULL, &error);
  g_autoptr(GRand) rand = g_rand_new_with_seed(3);
  float *x = qf_session_input_data(session, 0);
  for (gsize i = 0; i < qf_model_input(model, 0)->size_bytes / sizeof(*x); i++)
    x[i] = (float)g_rand_double_range(rand, -3, 3);
  g_assert_true(qf_session_run(session, &error));
  g_assert_no_error(error);
  return g_bytes_new(qf_session_output_data(session, 0), qf_model_output(model, 0)->size_bytes);
}

/* The whole model is the reference's, bit for bit, in @parts calls of the DSP; one: nothing is left to the CPU. */
static void check_parts(const char *text, guint parts)
{
  g_autoptr(GError) error = NULL;
  QfModelStats stats;
  g_autoptr(QfModel) model = load_text(text, "htp-sim", NULL, parts > 1 ? "cpu" : "none", &error);
  g_assert_no_error(error);
  qf_model_stats(model, &stats);
  g_assert_cmpuint(stats.n_parts, ==, parts);
  g_autoptr(QfModel) truth = load_text(text, "ref", "fixed", NULL, &error);
  g_assert_no_error(error);
  g_autoptr(GBytes) want = run_model(truth), got = run_model(model), again = run_model(model);
  g_assert_cmpmem(g_bytes_get_data(want, NULL), g_bytes_get_size(want), g_bytes_get_data(got, NULL),
                  g_bytes_get_size(got));
  g_assert_true(g_bytes_equal(got, again));
}

static void test_parts(void)
{
  g_autoptr(GError) error = NULL;
  g_assert_null(load_text(parted, "htp-sim", NULL, "none", &error));
  g_assert_error(error, QF_ERROR, QF_ERROR_UNSUPPORTED);
  check_parts(parted, 2);
}

static void test_broadcast(void)
{
  check_parts(broadcast, 1);
}

/* Layers one after the other, more than a request to the DSP can name tensors. */
static GBytes *deep_model(guint layers)
{
  g_autoptr(GString) text =
      g_string_new("opset 13\nin x f32 1,4,6,6\nw s f32 scalar = 0.03\nw z u8 scalar = 120\n"
                   "w ks f32 scalar = 0.02\nw kz i8 scalar = 0\nw k i8 4,4,3,3\n"
                   "node DequantizeLinear k,ks,kz -> kd\n"
                   "node QuantizeLinear x,s,z -> q0\nnode DequantizeLinear q0,s,z -> d0\n");
  for (guint i = 0; i < layers; i++)
    g_string_append_printf(text,
                           "node Conv d%u,kd -> c%u pads=[1,1,1,1]\nnode QuantizeLinear c%u,s,z -> q%u\n"
                           "node DequantizeLinear q%u,s,z -> d%u\n",
                           i, i, i, i + 1, i + 1, i + 1);
  g_string_append_printf(text, "out d%u\n", layers);
  return onnx_build(text->str);
}

/* A whole run with all its tensors, which are more than one graph can give: on the DSP all the same and identical; @shared: with others. */
static void check_chain(GBytes *model, const QfModelOptions *other, gboolean shared)
{
  g_autoptr(GError) error = NULL;
  g_autofree char *path = NULL;
  float x[8 * 16 * 16];
  const void *inputs[] = {x};
  g_autoptr(GRand) rand = g_rand_new_with_seed(5);
  const gint fd = g_file_open_tmp("qnnflow-chain-XXXXXX.onnx", &path, &error);
  g_assert_no_error(error);
  close(fd);
  g_assert_true(
      g_file_set_contents(path, g_bytes_get_data(model, NULL), (gssize)g_bytes_get_size(model), &error));
  for (guint i = 0; i < G_N_ELEMENTS(x); i++)
    x[i] = (float)g_rand_double_range(rand, -3, 3);
  g_autoptr(QfComparison) c = qf_compare(path, &reference, other, inputs, QF_COMPARE_CHAIN, &error);
  g_assert_no_error(error);
  g_assert_cmpint(c->parted != NULL, ==, shared);
  for (uint32_t i = 0; i < c->n_layers; i++)
    if (c->layers[i].differ || c->layers[i].note)
      g_error("%s '%s': %" G_GUINT64_FORMAT " differ, %s", c->layers[i].op, c->layers[i].node,
              c->layers[i].differ, c->layers[i].note);
  g_unlink(path);
}

static void test_chain(void)
{
  const QfModelOptions fixed = {.backend = "htp-sim", .requant = "fixed"};
  g_autoptr(GBytes) deep = deep_model(90), in_parts = onnx_build(parted);
  check_chain(deep, &simulator, FALSE);
  check_chain(deep, &fixed, FALSE);
  check_chain(in_parts, &fixed, TRUE);
}

/* A node alone that has more inputs than a request can name. */
static void test_wide(void)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GString) text = g_string_new("opset 13\nw s f32 scalar = 0.03\nw z u8 scalar = 120\n"),
                     all = g_string_new(NULL);
  for (guint i = 0; i < 62; i++) {
    g_string_append_printf(text,
                           "in x%u f32 1,2,2,2\nnode QuantizeLinear x%u,s,z -> q%u\nnode DequantizeLinear "
                           "q%u,s,z -> d%u\n",
                           i, i, i, i, i);
    g_string_append_printf(all, "%sd%u", i ? "," : "", i);
  }
  g_string_append_printf(text,
                         "node Concat %s -> c axis=1\nnode QuantizeLinear c,s,z -> cq\n"
                         "node DequantizeLinear cq,s,z -> y\nout y\n",
                         all->str);
  g_assert_null(load_text(text->str, "htp-sim", NULL, "none", &error));
  g_assert_error(error, QF_ERROR, QF_ERROR_UNSUPPORTED);
  g_assert_nonnull(strstr(error->message, "more than 60 inputs and outputs"));
  g_autoptr(GError) again = NULL;
  g_autoptr(QfModel) model = load_text(text->str, "htp-sim", NULL, "cpu", &again);
  g_assert_no_error(again);
  g_assert_nonnull(model);
}

static void test_arg(void)
{
  for (gsize i = 0; i < G_N_ELEMENTS(args); i++) {
    g_autoptr(GString) text = g_string_new(arg);
    g_string_replace(text, "%s", args[i].op, 1);
    g_string_replace(text, "%s", args[i].attrs, 1);
    check_parts(text->str, 1);
  }
}

static void test_pad(void)
{
  for (gsize i = 0; i < G_N_ELEMENTS(pads); i++) {
    g_autoptr(GString) text = g_string_new(pad);
    g_string_replace(text, "MODE", pads[i].mode, 1);
    g_string_replace(text, "AMOUNTS", pads[i].amounts, 1);
    check_parts(text->str, 1);
  }
}

static void test_deconv(gconstpointer type)
{
  for (gsize i = 0; i < G_N_ELEMENTS(deconvs); i++) {
    g_autoptr(GString) text = g_string_new(deconv);
    g_string_replace(text, "TYPE", type, 0);
    g_string_replace(text, "SCALE", g_str_equal(type, "i8") ? "0.05" : "0.0003", 1);
    g_string_replace(text, "WEIGHTS", deconvs[i].weights, 1);
    g_string_replace(text, "ATTRS", deconvs[i].attrs, 1);
    g_test_message("%s %s", deconvs[i].weights, deconvs[i].attrs);
    check_parts(text->str, 1);
  }
}

static void test_products(void)
{
  check_parts(products, 1);
}

static GString *wide_text(const char *type, const char *zero)
{
  GString *text = g_string_new(NULL);
  g_auto(GStrv) lines = g_strsplit(wide, "\n", -1);
  for (char **line = lines; *line; line++) {
    const char *name = *line + strlen("both ");
    if (g_str_has_prefix(*line, "both "))
      g_string_append_printf(text,
                             "node QuantizeLinear %s,s,z -> %sq\nnode DequantizeLinear %sq,s,z -> %sd\n",
                             name, name, name, name);
    else
      g_string_append_printf(text, "%s\n", *line);
  }
  g_string_replace(text, "TYPE", type, 0);
  g_string_replace(text, "ZERO", zero, 1);
  return text;
}

static void test_16_bits(void)
{
  g_autoptr(GString) u16 = wide_text("u16", "30000"), i16 = wide_text("i16", "-700");
  check_parts(u16->str, 1);
  check_parts(i16->str, 1);
}

/* A graph of our own detector's first layers, whole: it passes, runs, and one byte less is refused. */
static void test_sound(void)
{
  g_autoptr(HtpGraph) g = htp_graph_new(QF_SOURCE_ROOT "/models/detector_int8.onnx");
  g_assert_cmpuint(htp_graph_check(g, g->size), ==, 0);
  g_assert_cmpuint(htp_graph_check(g, g->size - 1), !=, 0);
  g_assert_cmpuint(htp_graph_check(g, 16), !=, 0);
  g_assert_true(htp_graph_run(g));
  ((uint32_t *)(void *)g->blob)[1]++;
  g_assert_cmpuint(htp_graph_check(g, g->size), ==, QF_DSP_BAD_VERSION);
}

/* Words of the head changed, one to three at a time: each @every-th that is accepted runs, in memory of exactly its size. */
static void damage(HtpGraph *g, guint every)
{
  static const uint32_t values[] = {0,      1,      2,       4,          128,        255,        256,
                                    0x7fff, 0x8000, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff, 0xfffffff0};
  g_autoptr(GRand) rand = g_rand_new_with_seed(11);
  guint refused = 0, accepted = 0;
  uint32_t *words = (uint32_t *)(void *)g->blob;
  const uint32_t n = ((const QfDspNetHead *)(const void *)g->blob)->head_bytes / 4;
  for (guint round = 0; round < 4000; round++) {
    uint32_t at[3], old[3];
    const guint changes = (guint)g_rand_int_range(rand, 1, 4);
    for (guint i = 0; i < changes; i++) {
      at[i] = (uint32_t)g_rand_int_range(rand, 2, (gint32)n);
      old[i] = words[at[i]];
      const uint32_t how = g_rand_int(rand) % 3;
      words[at[i]] = how == 0   ? values[g_rand_int(rand) % G_N_ELEMENTS(values)]
                     : how == 1 ? old[i] + (uint32_t)g_rand_int_range(rand, -8, 9)
                                : g_rand_int(rand);
    }
    if (htp_graph_check(g, g->size))
      refused++;
    else {
      accepted++;
      if (accepted % every == 0)
        htp_graph_run(g);
    }
    for (guint i = changes; i-- > 0;)
      words[at[i]] = old[i];
  }
  g_test_message("%u refused, %u accepted", refused, accepted);
  g_assert_cmpuint(refused, >, 1000);
  g_assert_cmpuint(accepted, >, 100);
  g_assert_true(htp_graph_run(g));
}

static void test_damaged(void)
{
  g_autoptr(HtpGraph) g = htp_graph_new(QF_SOURCE_ROOT "/models/detector_int8.onnx");
  damage(g, g_getenv("QF_SANITIZED") ? 64 : 8); /* a run takes most of a second there */
}

/* The same with graphs of all rows for 16 bits, and of products. */
static void damage_text(const char *text)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GBytes) bytes = onnx_build(text);
  g_autofree char *folder = g_dir_make_tmp("qf-htp-XXXXXX", &error);
  g_autofree char *path = g_build_filename(folder, "wide.onnx", NULL);
  g_file_set_contents(path, g_bytes_get_data(bytes, NULL), (gssize)g_bytes_get_size(bytes), &error);
  g_assert_no_error(error);
  g_autoptr(HtpGraph) g = htp_graph_new(path);
  g_unlink(path);
  g_rmdir(folder);
  damage(g, 8);
}

static void test_damaged_texts(void)
{
  g_autoptr(GString) text = wide_text("i16", "-700");
  damage_text(text->str);
  damage_text(products);
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_assert_cmpint(argc, >=, 3);
  g_setenv("QNNFLOW_HTPSIM", argv[1], TRUE);
  g_setenv("QNNFLOW_HTPSIM_MODE", argv[2], TRUE);
  const gboolean host = !strcmp(argv[2], "host");
  g_autofree char *qemu = g_find_program_in_path("qemu-hexagon");
  if (!host && (argc < 4 || !qemu)) {
    g_print("1..0 # SKIP %s\n", qemu ? "no compiler for Hexagon" : "no qemu-hexagon");
    return 0;
  }
  g_test_add_func("/htp/own-model", test_own);
  g_test_add_func("/htp/parts", test_parts);
  g_test_add_func("/htp/broadcast", test_broadcast);
  g_test_add_func("/htp/chain", test_chain);
  g_test_add_func("/htp/arg", test_arg);
  g_test_add_func("/htp/pad", test_pad);
  g_test_add_func("/htp/products", test_products);
  g_test_add_data_func("/htp/deconv", "i8", test_deconv);
  g_test_add_data_func("/htp/deconv-wide", "i16", test_deconv);
  g_test_add_func("/htp/wide", test_wide);
  g_test_add_func("/htp/16-bits", test_16_bits);
  for (guint i = 0; i < G_N_ELEMENTS(published); i++) {
    g_autofree char *name = g_strdup_printf("/htp/published/%s", published[i].file);
    if (host || i < 2)
      g_test_add_data_func(name, GUINT_TO_POINTER(i), test_published);
  }
  if (host) {
    g_test_add_func("/htp/graph/sound", test_sound);
    g_test_add_func("/htp/graph/damaged", test_damaged);
    g_test_add_func("/htp/graph/damaged-texts", test_damaged_texts);
  }
  return g_test_run();
}
