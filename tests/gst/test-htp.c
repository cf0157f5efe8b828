/* SPDX-License-Identifier: MIT */
/*
 * test-htp.c - qnninfer on our kernels for Hexagon, in the simulator: a model that is parted between DSP and CPU, every fault of a device with and
 * without the CPU to fall back on, and that nothing is copied on the way from qnnconvert to the DSP.
 *
 * usage: test-htp LIBRARY host|qemu
 */
#include "gstqnninfer.h"
#include "libqnnflow/backends/htp/lower.h"
#include "libqnnflow/runtime/model.h"
#include "line.h"
#include "tinymodel.h"
#include <string.h>

#define FRAMES 6
#define SOURCE                                                                                               \
  "videotestsrc num-buffers=6 pattern=zone-plate kx2=20 ky2=20 kt=7 ! "                                      \
  "video/x-raw,format=RGB,width=16,height=16,framerate=30/1 ! qnnconvert ! "

/* Weights that are neither all alike nor random from run to run. */
static gchar *weights(guint n)
{
  GString *s = g_string_new(NULL);

  for (guint i = 0; i < n; i++)
    g_string_append_printf(s, "%s%d", i ? "," : "", (gint)(i * 37 % 101) - 50);
  return g_string_free(s, FALSE);
}

/* @from in 8 bits and back. */
static void quantize(TinyModel *m, const gchar *from, const gchar *to)
{
  g_autofree gchar *in = g_strdup_printf("%s,s,z", from), *q = g_strdup_printf("%s_q", from);
  g_autofree gchar *back = g_strdup_printf("%s,s,z", q);

  tiny_model_node(m, "QuantizeLinear", in, q);
  tiny_model_node(m, "DequantizeLinear", back, to);
}

/* x[1,3,16,16] -> convolution -> 8 bits -> (running sums, which have no kernel for Hexagon ->) convolution -> y[1,8,12,12] */
static gchar *make_model(gboolean parted)
{
  TinyModel *m = tiny_model_new();
  g_autofree gchar *w1 = weights(8 * 3 * 9), *w2 = weights(8 * 8 * 9);

  tiny_model_input(m, "x", TINY_FLOAT, "1,3,16,16");
  tiny_model_constant(m, "s", TINY_FLOAT, "", "0.02");
  tiny_model_constant(m, "z", TINY_UINT8, "", "120");
  tiny_model_constant(m, "ws", TINY_FLOAT, "", "0.004");
  tiny_model_constant(m, "wz", TINY_INT8, "", "0");
  tiny_model_constant(m, "w1", TINY_INT8, "8,3,3,3", w1);
  tiny_model_constant(m, "w2", TINY_INT8, "8,8,3,3", w2);
  tiny_model_constant(m, "axis", TINY_INT64, "", "2");
  tiny_model_node(m, "DequantizeLinear", "w1,ws,wz", "k1");
  tiny_model_node(m, "DequantizeLinear", "w2,ws,wz", "k2");
  quantize(m, "x", "xd");
  tiny_model_node(m, "Conv", "xd,k1", "c");
  quantize(m, "c", "cd");
  if (parted) {
    tiny_model_node(m, "CumSum", "cd,axis", "e");
    quantize(m, "e", "ed");
  }
  tiny_model_node(m, "Conv", parted ? "ed,k2" : "cd,k2", "f");
  quantize(m, "f", "y");
  tiny_model_output(m, "y", TINY_FLOAT, "1,8,12,12");
  return tiny_model_save(m, line_dir(), parted ? "parted.onnx" : "whole.onnx");
}

/* What became of a line, and what its qnninfer says of itself. */
typedef struct {
  LineResult *result;
  GByteArray *bytes; /* all that reached the sink */
  gchar *active, *placement;
  guint64 copies;
} Ran;

static void ran_clear(Ran *r)
{
  line_result_free(r->result);
  g_byte_array_unref(r->bytes);
  g_free(r->active);
  g_free(r->placement);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Ran, ran_clear)

static void collect(GstBuffer *buffer, gpointer data)
{
  GstMapInfo map;

  g_assert_true(gst_buffer_map(buffer, &map, GST_MAP_READ));
  g_byte_array_append(data, map.data, (guint)map.size);
  gst_buffer_unmap(buffer, &map);
}

static Ran run(const gchar *model, const gchar *properties)
{
  g_autofree gchar *line =
      g_strdup_printf(SOURCE "qnninfer name=i model=%s %s ! fakesink name=sink", model, properties);
  GstElement *pipeline = line_parse(line), *infer = gst_bin_get_by_name(GST_BIN(pipeline), "i");
  Ran r = {.bytes = g_byte_array_new()};

  g_test_message("%s", properties);
  r.result = line_run(pipeline, collect, r.bytes);
  g_object_get(infer, "active-backend", &r.active, "placement", &r.placement, "copies", &r.copies, NULL);
  gst_object_unref(infer);
  gst_object_unref(pipeline);
  line_assert_no_leaks();
  return r;
}

static void assert_same(const Ran *got, const Ran *wanted)
{
  g_assert_true(got->result->eos && wanted->result->eos);
  g_assert_cmpuint(got->result->n_buffers, ==, FRAMES);
  g_assert_cmpmem(got->bytes->data, got->bytes->len, wanted->bytes->data, wanted->bytes->len);
}

static void listen_to_log(GstDebugCategory *category, GstDebugLevel level, const gchar *file,
                          const gchar *function, gint line, GObject *object, GstDebugMessage *message,
                          gpointer log)
{
  if (!strcmp(gst_debug_category_get_name(category), "qnninfer"))
    g_string_append(log, gst_debug_message_get(message));
}

/* DSP, CPU, DSP: the reference's bits, and told in a message, in the log and in properties. */
static void test_parted(void)
{
  g_autofree gchar *model = make_model(TRUE);
  g_autoptr(GString) log = g_string_new(NULL);

  gst_debug_add_log_function(listen_to_log, log, NULL);
  gst_debug_set_threshold_for_name("qnninfer", GST_LEVEL_INFO);
  g_auto(Ran) got = run(model, "backend=htp-sim");
  gst_debug_set_threshold_for_name("qnninfer", GST_LEVEL_NONE);
  gst_debug_remove_log_function_by_data(log);
  g_auto(Ran) truth = run(model, "backend=ref requant=fixed"),
              fixed = run(model, "backend=htp-sim requant=fixed");
  g_auto(Ran) refused = run(model, "backend=htp-sim fallback=none");

  assert_same(&got, &truth);
  assert_same(&fixed, &truth);
  g_assert_cmpstr(got.active, ==, "htp-sim");
  g_assert_nonnull(strstr(got.placement, " nodes in 2 parts; cpu: the others\n"));
  g_assert_nonnull(strstr(got.placement, "(CumulativeSum) on cpu: there is no kernel for Hexagon\n"));
  g_assert_nonnull(strstr(log->str, got.placement));
  g_assert_nonnull(
      strstr(got.result->info, " nodes of parted.onnx do not run on \"htp-sim\" but on the CPU."));
  g_assert_nonnull(strstr(got.result->info, got.placement));
  g_assert_null(got.result->warning);
  g_assert_nonnull(strstr(fixed.placement, "; ref: the others\n"));
  g_assert_nonnull(
      strstr(refused.result->error, "(CumulativeSum) cannot run on htp-sim: there is no kernel for Hexagon"));
}

/* A fault: the variable that makes it, how long an answer is waited for, what is said, and the mode in which it exists. The first two runs of a
 * graph are those of the start. */
typedef struct {
  const gchar *name, *variable, *value;
  guint timeout_ms;
  const gchar *message;
  const gchar *only;
  gboolean at_load; /* the DSP opens, but takes no graph: told as nodes that it refuses */
} Fault;

static const Fault faults[] = {
    {"dies", "FAULT", "die:5", 60000, "has ended", NULL, FALSE},
    {"dies-at-start", "FAULT", "die", 60000, "has ended", NULL, FALSE},
    {"crashes", "FAULT", "crash:5", 60000, "has ended", "qemu", FALSE},
    {"hangs", "FAULT", "hang:4", 1500, "no answer within 1500 ms", NULL, FALSE},
    {"garbage", "FAULT", "garbage:3", 60000, "makes no sense", NULL, FALSE},
    {"queue-full", "FAULT", "full", 1500, "queue is full, and nothing was taken out of it within 1500 ms",
     NULL, FALSE},
    {"bad-map", "FAULT", "map", 60000, "cannot map the memory", NULL, TRUE},
    {"version", "FAULT", "version", 60000, "they must be of one build", NULL, FALSE},
    {"no-simulator", "", "/nowhere/libcdsprpc.so", 60000, "/nowhere/libcdsprpc.so", NULL, FALSE},
    {"no-program", "PROGRAM", "/nowhere/program", 60000, "/nowhere/program", "qemu", FALSE},
};

/* Every frame is what the DSP gives or, from some frame on, what the CPU gives. */
static void assert_handed_over(const Ran *got, const Ran *dsp, const Ran *cpu)
{
  const guint frame = cpu->bytes->len / FRAMES;
  guint i = 0;

  g_assert_true(got->result->eos);
  g_assert_cmpuint(got->bytes->len, ==, cpu->bytes->len);
  while (i < FRAMES && !memcmp(got->bytes->data + i * frame, dsp->bytes->data + i * frame, frame))
    i++;
  g_assert_cmpmem(got->bytes->data + i * frame, (FRAMES - i) * frame, cpu->bytes->data + i * frame,
                  (FRAMES - i) * frame);
}

static void test_fault(gconstpointer data)
{
  const Fault *f = data;
  g_autofree gchar *model = make_model(FALSE), *config = g_build_filename(line_dir(), "backend.json", NULL);
  g_autofree gchar *settings = g_strdup_printf("{\"timeout_ms\": %u}", f->timeout_ms);
  g_autofree gchar *on_dsp = g_strdup_printf("backend=htp-sim backend-config=%s", config);
  g_autofree gchar *alone = g_strdup_printf("%s fallback=none", on_dsp);
  g_autofree gchar *variable = g_strconcat("QNNFLOW_HTPSIM", *f->variable ? "_" : "", f->variable, NULL);
  g_autofree gchar *before = g_strdup(g_getenv(variable));

  g_assert_true(g_file_set_contents(config, settings, -1, NULL));
  g_auto(Ran) dsp = run(model, "backend=ref requant=fixed"), cpu = run(model, "backend=cpu");
  g_setenv(variable, f->value, TRUE);
  g_auto(Ran) got = run(model, on_dsp), ended = run(model, alone);
  if (before)
    g_setenv(variable, before, TRUE);
  else
    g_unsetenv(variable);

  assert_handed_over(&got, &dsp, &cpu);
  g_assert_cmpstr(got.active, ==, "cpu");
  if (f->at_load)
    g_assert_nonnull(strstr(got.placement, f->message));
  else
    g_assert_nonnull(strstr(got.result->warning, f->message));
  g_assert_true(f->at_load ||
                g_str_has_suffix(got.result->warning, ". The model runs on the CPU from now on."));
  g_assert_null(got.result->error);
  g_assert_false(ended.result->eos);
  g_assert_nonnull(strstr(ended.result->error, f->message));
}

/* Tensors that the unit of a running qnninfer has copied, as the DSP could not map their memory. */
static gint copied_for_dsp(GstElement *infer)
{
  const QfHtpUnit *unit = ((GstQnnInfer *)infer)->loaded->unit->handle;

  return g_atomic_int_get(&unit->n_copies);
}

typedef struct {
  GstElement *infer;
  gint copies;
  guint buffers;
} Copies;

static void count_copies(GstBuffer *buffer, gpointer data)
{
  Copies *c = data;

  c->copies = copied_for_dsp(c->infer);
  c->buffers++;
}

/* What qnnconvert writes is what the DSP reads, and what the DSP writes is what comes out; also in two parts and through queues. */
static void test_no_copies(void)
{
  g_autofree gchar *whole = make_model(FALSE), *parted = make_model(TRUE);
  static const gchar *const lines[] = {SOURCE "qnninfer name=i backend=htp-sim model=%s ! fakesink name=sink",
                                       SOURCE
                                       "queue ! qnninfer name=i backend=htp-sim model=%s ! queue ! fakesink "
                                       "name=sink"};

  for (guint i = 0; i < 4; i++) {
    g_autofree gchar *line = g_strdup_printf(lines[i / 2], i % 2 ? parted : whole);
    GstElement *pipeline = line_parse(line);
    Copies c = {gst_bin_get_by_name(GST_BIN(pipeline), "i"), -1, 0};
    guint64 copies = 1;
    g_autoptr(LineResult) result = line_run(pipeline, count_copies, &c);
    g_object_get(c.infer, "copies", &copies, NULL);
    g_assert_true(result->eos);
    g_assert_cmpuint(c.buffers, ==, FRAMES);
    g_assert_cmpint(c.copies, ==, 0);
    g_assert_cmpuint(copies, ==, 0);
    gst_object_unref(c.infer);
    gst_object_unref(pipeline);
  }
  line_assert_no_leaks();
}

/* The counter counts: where qnnconvert does not learn of the slots, each input has to be copied. */
static void test_copies(void)
{
  g_autofree gchar *model = make_model(FALSE);
  g_autofree gchar *line = g_strdup_printf(
      SOURCE "identity drop-allocation=true ! qnninfer name=i backend=htp-sim model=%s ! fakesink name=sink",
      model);
  GstElement *pipeline = line_parse(line);
  Copies c = {gst_bin_get_by_name(GST_BIN(pipeline), "i"), -1, 0};
  g_autoptr(LineResult) result = line_run(pipeline, count_copies, &c);

  g_assert_true(result->eos);
  g_assert_cmpint(c.copies, ==, FRAMES);
  gst_object_unref(c.infer);
  gst_object_unref(pipeline);
  line_assert_no_leaks();
}

int main(int argc, char **argv)
{
  line_init(&argc, &argv);
  g_assert_cmpint(argc, >=, 3);
  const gboolean in_process = g_str_equal(argv[2], "host");
  g_autofree gchar *qemu = g_find_program_in_path("qemu-hexagon");
  if (!in_process && (argc < 4 || !qemu)) {
    g_print("1..0 # SKIP %s\n", qemu ? "no compiler for Hexagon" : "no qemu-hexagon");
    return 0;
  }
  g_setenv("QNNFLOW_HTPSIM", argv[1], TRUE);
  g_setenv("QNNFLOW_HTPSIM_MODE", argv[2], TRUE);
  g_test_add_func("/htp/parted", test_parted);
  g_test_add_func("/htp/no-copies", test_no_copies);
  g_test_add_func("/htp/copies", test_copies);
  for (gsize i = 0; i < G_N_ELEMENTS(faults); i++) {
    g_autofree gchar *name = g_strconcat("/htp/fault/", faults[i].name, NULL);
    if (!faults[i].only || g_str_equal(faults[i].only, argv[2]))
      g_test_add_data_func(name, &faults[i], test_fault);
  }
  return line_exit(g_test_run());
}
