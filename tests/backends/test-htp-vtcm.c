/* SPDX-License-Identifier: MIT */
/*
 * test-htp-vtcm.c - graphs on DSPs with more and less VTCM and threads: always the same bits, whether tensors and jobs' memory are there, come
 * there piece by piece, or stay outside; joins and cuts without copies; and what the profile says of it. Files of more models may follow the
 * arguments.
 */
#include "htp_graph.h"
#include "tests/import/onnx_build.h"

#include <glib/gstdio.h>
#include <qnnflow/profile.h>
#include <qnnflow/qnnflow.h>
#include <string.h>

#define QDQ(from, to)                                                                                        \
  "node QuantizeLinear " from ",s,z -> " to "_q\nnode DequantizeLinear " to "_q,s,z -> " to "\n"

/* 1x1 convolutions whose tensors are too large for a small VTCM; cuts and joins of whole planes and of others; a fully connected layer. */
static const char net[] =
    "opset 13\nin x f32 1,4,96,192\n"
    "w s f32 scalar = 0.03\nw z u8 scalar = 120\nw ks f32 scalar = 0.01\n"
    "w kz i8 scalar = 0\nw k1 i8 32,4,1,1\nw k2 i8 32,32,1,1\nw k3 i8 16,16,3,3\n"
    "w k4 i8 10,64,1,1\nw k5 i8 74,300\nw shape i64 2 = 1 74\nw half i64 2 = 16 16\n"
    "node DequantizeLinear k1,ks,kz -> k1d\nnode DequantizeLinear k2,ks,kz -> k2d\n"
    "node DequantizeLinear k3,ks,kz -> k3d\nnode DequantizeLinear k4,ks,kz -> k4d\n"
    "node DequantizeLinear k5,ks,kz -> k5d\n" QDQ("x", "xd") "node Conv xd,k1d -> a\n" QDQ(
        "a", "ad") "node Conv ad,k2d -> b\n" QDQ("b", "bd") "node Split bd,half -> b1,b2 axis=1\n" QDQ("b1",
                                                                                                       "b1d")
        QDQ("b2", "b2d") "node Conv b2d,k3d -> c pads=[1,1,1,1]\n" QDQ(
            "c",
            "cd") "node Conv cd,k3d -> d pads=[1,1,1,1]\n" QDQ("d",
                                                               "dd") "node Concat b1d,b2d,cd,dd -> e "
                                                                     "axis=1\n" QDQ(
                                                                         "e",
                                                                         "ed") "node MaxPool ed "
                                                                               "-> f "
                                                                               "kernel_shape=[2,2]"
                                                                               " strides=[2,2]"
                                                                               "\n" QDQ(
                                                                                   "f",
                                                                                   "fd") "nod"
                                                                                         "e "
                                                                                         "Con"
                                                                                         "v "
                                                                                         "fd,"
                                                                                         "k4d"
                                                                                         " ->"
                                                                                         " g"
                                                                                         "\n" QDQ("g", "gd") "node Concat gd,fd -> h axis=1\n" QDQ(
                                                                                             "h",
                                                                                             "hd") "node "
                                                                                                   "GlobalAve"
                                                                                                   "ragePool "
                                                                                                   "hd -> "
                                                                                                   "p\n" QDQ(
                                                                                                       "p",
                                                                                                       "pd") "node "
                                                                                                             "Reshape "
                                                                                                             "pd,shape "
                                                                                                             "-> "
                                                                                                             "r\n" QDQ("r", "rd") "node MatMul rd,k5d -> m\n" QDQ(
                                                                                                                 "m",
                                                                                                                 "y") "out y\n";

static char *model_path, *config_path;

static void write_config(int vtcm_mb, int threads, const char *profiling)
{
  g_autoptr(GError) error = NULL;
  g_autofree char *text =
      g_strdup_printf("{\"vtcm_mb\": %d, \"hvx_threads\": %d, \"profiling_level\": \"%s\"}", vtcm_mb, threads,
                      profiling);
  g_file_set_contents(config_path, text, -1, &error);
  g_assert_no_error(error);
}

/* All outputs on random inputs; @layers gets the profile, if it is wanted. */
static GBytes *run_model(const char *path, const QfModelOptions *options, GArray *layers)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(QfModel) model = qf_model_load(path, options, &error);
  g_assert_no_error(error);
  g_autoptr(QfSession) session =
      qf_session_new(model, &(QfSessionOptions){.profile = layers != NULL}, &error);
  g_autoptr(GRand) rand = g_rand_new_with_seed(3);
  GByteArray *out = g_byte_array_new();
  g_assert_no_error(error);
  for (uint32_t i = 0; i < qf_model_n_inputs(model); i++) {
    const QfTensorDesc *desc = qf_model_input(model, i);
    uint8_t *bytes = qf_session_input_data(session, i);
    for (gsize k = 0; k < desc->size_bytes && desc->dtype != QF_DTYPE_FLOAT32; k++)
      bytes[k] = (uint8_t)g_rand_int(rand);
    for (gsize k = 0; k < desc->size_bytes / 4 && desc->dtype == QF_DTYPE_FLOAT32; k++)
      ((float *)(void *)bytes)[k] = (float)g_rand_double_range(rand, -3, 3);
  }
  for (int round = 0; round < (layers ? 2 : 1); round++)
    g_assert_true(qf_session_run(session, &error));
  for (uint32_t i = 0; i < qf_model_n_outputs(model); i++)
    g_byte_array_append(out, qf_session_output_data(session, i),
                        (guint)qf_model_output(model, i)->size_bytes);
  uint32_t n = 0;
  const QfLayerProfile *rows = layers ? qf_session_layers(session, &n) : NULL;
  for (uint32_t i = 0; i < n; i++) {
    QfLayerProfile row = rows[i];
    row.kernel = g_intern_string(row.kernel);
    row.op = g_intern_string(row.op);
    row.node = g_intern_string(row.node);
    g_array_append_val(layers, row);
  }
  return g_byte_array_free_to_bytes(out);
}

static const QfModelOptions reference = {.backend = "ref", .requant = "fixed"};

static void check_sizes(const char *path, GBytes *want)
{
  static const struct {
    const char *device_mb; /* what the simulator has */
    int vtcm_mb, threads;
  } sizes[] = {{"0", 0, 0}, {"0", 0, 1}, {"8", 1, 0}, {"8", 1, 1}, {"8", 2, 3}, {"8", 0, 0}, {"64", 64, 2}};
  const QfModelOptions options = {.backend = "htp-sim", .backend_config = config_path};
  for (guint i = 0; i < G_N_ELEMENTS(sizes); i++) {
    g_setenv("QNNFLOW_HTPSIM_VTCM_MB", sizes[i].device_mb, TRUE);
    write_config(sizes[i].vtcm_mb, sizes[i].threads, "off");
    g_autoptr(GBytes) got = run_model(path, &options, NULL);
    if (!want)
      want = g_bytes_ref(got);
    else if (!g_bytes_equal(want, got))
      g_error("%s: other bits with vtcm_mb %d of %s and %d threads", path, sizes[i].vtcm_mb,
              sizes[i].device_mb, sizes[i].threads);
  }
  g_unsetenv("QNNFLOW_HTPSIM_VTCM_MB");
  g_bytes_unref(want);
}

static void test_sizes(void)
{
  check_sizes(model_path, run_model(model_path, &reference, NULL));
}

/* Files: among themselves, for some of their nodes may run on the CPU, in another scheme. */
static void test_file(gconstpointer path)
{
  check_sizes(path, NULL);
}

static const QfLayerProfile *row_of(const GArray *layers, const char *op, const char *kernel)
{
  for (guint i = 0; i < layers->len; i++) {
    const QfLayerProfile *row = &g_array_index(layers, QfLayerProfile, i);
    if (!strcmp(row->op, op) && (!kernel || strstr(row->kernel, kernel)))
      return row;
  }
  return NULL;
}

/* A row a node, with what the DSP says of it; one for all at level basic. */
static void test_profile(void)
{
  const QfModelOptions options = {.backend = "htp-sim", .backend_config = config_path};
  g_autoptr(GArray) detailed = g_array_new(FALSE, TRUE, sizeof(QfLayerProfile));
  g_autoptr(GArray) basic = g_array_new(FALSE, TRUE, sizeof(QfLayerProfile));
  write_config(1, 2, "detailed");
  g_autoptr(GBytes) a = run_model(model_path, &options, detailed);
  const QfLayerProfile *conv = row_of(detailed, "Conv2d", " moved 576k"),
                       *call = row_of(detailed, "Call", NULL);
  for (guint i = 0; i < detailed->len; i++)
    g_test_message("%s: %s", g_array_index(detailed, QfLayerProfile, i).op,
                   g_array_index(detailed, QfLayerProfile, i).kernel);
  g_assert_nonnull(conv);
  g_assert_cmpuint(conv->runs, ==, 2);
  g_assert_nonnull(call);
  g_assert_nonnull(row_of(detailed, "FullyConnected", "fc vtcm"));
  g_assert_nonnull(row_of(detailed, "PoolMax2d", "pool"));
  if (!g_strcmp0(g_getenv("QNNFLOW_HTPSIM_MODE"), "qemu"))
    g_assert_cmpuint(conv->packets, >, 32 * 32 * 96 * 192 / 256);
  write_config(1, 2, "basic");
  g_autoptr(GBytes) b = run_model(model_path, &options, basic);
  g_assert_null(row_of(basic, "Conv2d", NULL));
  g_assert_nonnull(row_of(basic, "Graph", NULL));
  g_assert_true(g_bytes_equal(a, b));
}

static uint32_t count_steps(const HtpGraph *g, const char *name)
{
  const QfDspNetHead *h = (const QfDspNetHead *)(const void *)g->blob;
  const QfDspStepRecord *steps = (const QfDspStepRecord *)(const void *)(g->blob + h->steps_at);
  uint32_t n = 0;
  for (uint32_t i = 0; i < h->n_steps; i++)
    n += !strcmp(qf_dsp_row_name(steps[i].row), name);
  return n;
}

/* Where everything lies, by the size of VTCM. */
static void test_layouts(void)
{
  g_autoptr(HtpGraph) outside = htp_graph_new_whole(model_path, 0);
  g_autoptr(HtpGraph) some = htp_graph_new_whole(model_path, 256 << 10);
  g_autoptr(HtpGraph) inside = htp_graph_new_whole(model_path, 8 << 20);
  const uint32_t needed = ((const QfDspNetHead *)(const void *)inside->blob)->vtcm_bytes;
  QfDspEvent none, staged, more, all;
  uint32_t status = 0;
  g_autoptr(GBytes) want = htp_graph_outputs(outside, 0, 3, &status, &none);
  g_assert_cmpuint(status, ==, QF_DSP_OK);
  g_assert_cmpuint(none.vtcm_bytes + none.moved_bytes, ==, 0);
  for (uint32_t threads = 1; threads <= QF_DSP_MAX_THREADS; threads++) {
    g_autoptr(GBytes) a = htp_graph_outputs(outside, 1 << 20, threads, &status, &staged);
    g_autoptr(GBytes) b = htp_graph_outputs(some, 1 << 20, threads, &status, &more);
    g_autoptr(GBytes) c = htp_graph_outputs(inside, needed + (1 << 20), threads, &status, &all);
    g_autoptr(GBytes) d = htp_graph_outputs(inside, needed, threads, &status, &none);
    g_assert_true(g_bytes_equal(want, a) && g_bytes_equal(want, b) && g_bytes_equal(want, c) &&
                  g_bytes_equal(want, d));
    g_assert_cmpuint(staged.moved_bytes, >=, 32 * 96 * 192 + 76 * 300);
    g_assert_cmpuint(all.moved_bytes, <, staged.moved_bytes);
    g_assert_cmpuint(staged.vtcm_bytes, >, 0);
    g_assert_cmpuint(more.vtcm_bytes, <, all.vtcm_bytes);
  }
  g_autoptr(GBytes) refused = htp_graph_outputs(inside, needed - QF_DSP_ALIGNMENT, 1, &status, &none);
  g_assert_null(refused);
  g_assert_cmpuint(status, ==, QF_DSP_NO_VTCM);
}

/* A share that is a little too small for what a step would like to have, vector by vector. */
static void test_tight(void)
{
  g_autoptr(HtpGraph) g = htp_graph_new_whole(model_path, 0);
  QfDspEvent event;
  uint32_t status = 0;
  g_autoptr(GBytes) want = htp_graph_outputs(g, 0, 1, &status, &event);
  for (uint32_t size = QF_DSP_ALIGNMENT; size < 400 << 10; size += size / 5 / QF_DSP_ALIGNMENT * 128 + 128) {
    g_autoptr(GBytes) got = htp_graph_outputs(g, size, 2, &status, &event);
    g_assert_cmpuint(status, ==, QF_DSP_OK);
    g_assert_true(g_bytes_equal(want, got));
  }
}

/* The cut is views. What is joined is in place, but for what is a part of other memory. */
static void test_in_place(void)
{
  g_autoptr(HtpGraph) g = htp_graph_new_whole(model_path, 0);
  g_assert_cmpuint(count_steps(g, "channels"), ==, 1); /* ten channels are not whole planes */
  g_assert_cmpuint(count_steps(g, "move"), ==, 1);     /* of the input, from NCHW */
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_assert_cmpint(argc, >=, 3);
  g_setenv("QNNFLOW_HTPSIM", argv[1], TRUE);
  g_setenv("QNNFLOW_HTPSIM_MODE", argv[2], TRUE);
  const gboolean host = !strcmp(argv[2], "host");
  g_autofree char *qemu = g_find_program_in_path("qemu-hexagon");
  const gboolean hexagon = argc > 3 && !strcmp(argv[3], "hexagon");
  if (!host && (!hexagon || !qemu)) {
    g_print("1..0 # SKIP %s\n", qemu ? "no compiler for Hexagon" : "no qemu-hexagon");
    return 0;
  }
  g_autoptr(GError) error = NULL;
  g_autofree char *folder = g_dir_make_tmp("htp-vtcm-XXXXXX", &error);
  g_assert_no_error(error);
  g_autoptr(GBytes) bytes = onnx_build(net);
  model_path = g_build_filename(folder, "net.onnx", NULL);
  config_path = g_build_filename(folder, "htp.json", NULL);
  g_file_set_contents(model_path, g_bytes_get_data(bytes, NULL), (gssize)g_bytes_get_size(bytes), &error);
  g_assert_no_error(error);
  g_test_add_func("/htp-vtcm/sizes", test_sizes);
  g_test_add_func("/htp-vtcm/profile", test_profile);
  if (host) {
    g_test_add_func("/htp-vtcm/layouts", test_layouts);
    g_test_add_func("/htp-vtcm/tight", test_tight);
    g_test_add_func("/htp-vtcm/in-place", test_in_place);
  }
  for (int i = hexagon ? 4 : 3; i < argc; i++) {
    g_autofree char *base = g_path_get_basename(argv[i]), *name = g_strdup_printf("/htp-vtcm/file/%s", base);
    g_test_add_data_func(name, argv[i], test_file);
  }
  const int failed = g_test_run();
  g_unlink(model_path);
  g_unlink(config_path);
  g_rmdir(folder);
  g_free(model_path);
  g_free(config_path);
  return failed;
}
