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
    {"mobilenet_v1_0.25_128_quant", 31},
    {"kws_ref_model_int8", 13},
    {"pretrainedResnet_quant", 16},
    {"conv_fc_mnist_a8w8", 6},
    {"micro_speech_quantized", 5},
    {"ad01_int8", 10},
    {"hello_world_int8", 3},
    {"person_detect", 25},
};

static void test_published(gconstpointer data)
{
  const guint i = GPOINTER_TO_UINT(data);
  const char *env = g_getenv("QF_TESTDATA"), *root = env ? env : QF_SOURCE_ROOT "/../shared/testdata";
  g_autofree char *path = g_strdup_printf("%s/models/tflite/%s.tflite", root, published[i].file);
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
    "node Sub od,md -> b\n"
    "node QuantizeLinear b,s,z -> bq\nnode DequantizeLinear bq,s,z -> bd\n"
    "node Conv bd,k1d -> one\n"
    "node QuantizeLinear one,s,z -> oneq\nnode DequantizeLinear oneq,s,z -> oned\n"
    "node Add bd,oned -> e\n"
    "node QuantizeLinear e,s,z -> eq\nnode DequantizeLinear eq,s,z -> y\nout y\n";

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

/* The whole model is the reference's, bit for bit, in @parts calls of the DSP. */
static void check_parts(const char *text, guint parts)
{
  g_autoptr(GError) error = NULL;
  QfModelStats stats;
  g_autoptr(QfModel) model = load_text(text, "htp-sim", NULL, "cpu", &error);
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

/* Words of the head changed, one to three at a time: what is accepted runs, in memory of exactly its size. */
static void test_damaged(void)
{
  static const uint32_t values[] = {0,      1,      2,       4,          128,        255,        256,
                                    0x7fff, 0x8000, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff, 0xfffffff0};
  g_autoptr(HtpGraph) g = htp_graph_new(QF_SOURCE_ROOT "/models/detector_int8.onnx");
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
      if (accepted % 8 == 0)
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
  g_test_add_func("/htp/wide", test_wide);
  for (guint i = 0; i < G_N_ELEMENTS(published); i++) {
    g_autofree char *name = g_strdup_printf("/htp/published/%s", published[i].file);
    if (host || i < 2)
      g_test_add_data_func(name, GUINT_TO_POINTER(i), test_published);
  }
  if (host) {
    g_test_add_func("/htp/graph/sound", test_sound);
    g_test_add_func("/htp/graph/damaged", test_damaged);
  }
  return g_test_run();
}
