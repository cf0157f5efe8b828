/* SPDX-License-Identifier: MIT */
/*
 * test-errors.c - bad input ends in one clear message on the bus: cause and remedy, no crash, no hang, nothing left.
 */
#include "line.h"
#include "tinymodel.h"
#include <gst/app/gstappsrc.h>
#include <string.h>

static GHashTable *files; /* word to path */

static void add_file(const gchar *word, gchar *path)
{
  g_hash_table_insert(files, (gpointer)word, path);
}

static gchar *write_bytes(const gchar *name, gconstpointer data, gssize size)
{
  gchar *path = g_build_filename(line_dir(), name, NULL);

  g_assert_true(g_file_set_contents(path, data, size, NULL));
  return path;
}

static gchar *unsupported_model(void)
{
  TinyModel *m = tiny_model_new();

  tiny_model_input(m, "x", TINY_FLOAT, "1,3,4,8");
  tiny_model_node(m, "Frobnicate", "x", "y");
  tiny_model_output(m, "y", TINY_FLOAT, "1,3,4,8");
  return tiny_model_save(m, line_dir(), "unsupported.onnx");
}

static gchar *open_model(void)
{
  TinyModel *m = tiny_model_new();

  tiny_model_input(m, "x", TINY_FLOAT, "1,3,-1,-1");
  tiny_model_node(m, "Relu", "x", "y");
  tiny_model_output(m, "y", TINY_FLOAT, "1,3,-1,-1");
  return tiny_model_save(m, line_dir(), "open.onnx");
}

/* Its output would be 160 GB. */
static gchar *huge_model(void)
{
  TinyModel *m = tiny_model_new();

  tiny_model_input(m, "x", TINY_FLOAT, "1,1");
  tiny_model_constant(m, "shape", TINY_INT64, "2", "200000,200000");
  tiny_model_node(m, "Expand", "x,shape", "y");
  tiny_model_output(m, "y", TINY_FLOAT, "200000,200000");
  return tiny_model_save(m, line_dir(), "huge.onnx");
}

/* The mean of everything, without a dimension. */
static gchar *scalar_model(void)
{
  TinyModel *m = tiny_model_new();

  tiny_model_input(m, "x", TINY_FLOAT, "1,3,4,8");
  tiny_model_node_int(m, "ReduceMean", "x", "y", "keepdims", 0);
  tiny_model_output(m, "y", TINY_FLOAT, "");
  return tiny_model_save(m, line_dir(), "scalar.onnx");
}

static gchar *half_model(void)
{
  TinyModel *m = tiny_model_new();

  tiny_model_input(m, "x", TINY_FLOAT, "1,3,4,8");
  tiny_model_node(m, "GlobalAveragePool", "x", "pooled");
  tiny_model_node_int(m, "Cast", "pooled", "y", "to", TINY_FLOAT16);
  tiny_model_output(m, "y", TINY_FLOAT16, "1,3,1,1");
  return tiny_model_save(m, line_dir(), "half.onnx");
}

/* Names a tensor that nobody makes. */
static gchar *dangling_model(void)
{
  TinyModel *m = tiny_model_new();

  tiny_model_input(m, "x", TINY_FLOAT, "1,3,4,8");
  tiny_model_node(m, "Add", "x,ghost", "y");
  tiny_model_output(m, "y", TINY_FLOAT, "1,3,4,8");
  return tiny_model_save(m, line_dir(), "dangling.onnx");
}

static void make_files(void)
{
  g_autofree gchar *whole = NULL;
  gsize size;

  files = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);
  add_file("RELU", tiny_relu_model(line_dir()));
  add_file("ADD", tiny_add_model(line_dir()));
  add_file("MEAN", tiny_mean_model(line_dir(), 32, 16));
  add_file("BOXES", tiny_boxes_model(line_dir(), 32, 16));
  add_file("UNSUPPORTED", unsupported_model());
  add_file("OPEN", open_model());
  add_file("HUGE", huge_model());
  add_file("DANGLING", dangling_model());
  add_file("SCALAR", scalar_model());
  add_file("HALF", half_model());
  add_file("NOISE", write_bytes("noise.txt", "\xff\xfe\0\1\x80 \n\xc3", 9));
  g_assert_true(g_file_get_contents(g_hash_table_lookup(files, "MEAN"), &whole, &size, NULL));
  add_file("TRUNCATED", write_bytes("truncated.onnx", whole, (gssize)size / 2));
  memset(whole + size / 3, 0xff, size / 4);
  add_file("CORRUPT", write_bytes("corrupt.onnx", whole, (gssize)size));
  add_file("EMPTY", write_bytes("empty.onnx", "", 0));
  add_file("TEXT", write_bytes("model.onnx", "this is not a model\n", -1));
  add_file("FAKELITE", write_bytes("fake.tflite", "\x10\0\0\0TFL3\xff\xff\xff\xff\xff\xff\xff\xff", 16));
  add_file("FOLDER", g_strdup(line_dir()));
}

static gchar *fill_in(const gchar *line)
{
  g_auto(GStrv) words = g_strsplit(line, "@", -1);
  GString *s = g_string_new(words[0]);

  for (guint i = 1; words[i]; i++) {
    const gchar *path = i % 2 ? g_hash_table_lookup(files, words[i]) : NULL;
    g_assert_true(i % 2 == 0 || path);
    g_string_append(s, i % 2 ? path : words[i]);
  }
  return g_string_free(s, FALSE);
}

static void assert_said(const LineResult *r, const gchar *word)
{
  gboolean error = r->error && strstr(r->error, word), warning = r->warning && strstr(r->warning, word);

  g_test_message("error: %s", r->error ? r->error : "-");
  if (r->warning)
    g_test_message("warning: %s", r->warning);
  if (!error && !warning)
    g_error("no message has \"%s\"", word);
  g_assert_false(r->eos);
}

#define VIDEO "videotestsrc num-buffers=5 ! video/x-raw,width=64,height=48 ! "

static const struct {
  const gchar *name, *line;
  const gchar *word; /* in the error or the warning; NULL: it works */
} lines[] = {
    {"no-model", VIDEO "qnnconvert ! qnninfer ! fakesink", "No model is set"},
    {"missing", VIDEO "qnnconvert ! qnninfer model=/nowhere/x.onnx ! fakesink", "/nowhere/x.onnx"},
    {"empty", VIDEO "qnnconvert ! qnninfer model=@EMPTY@ ! fakesink", "empty.onnx"},
    {"truncated", VIDEO "qnnconvert ! qnninfer model=@TRUNCATED@ ! fakesink", "truncated.onnx"},
    {"corrupt", VIDEO "qnnconvert ! qnninfer model=@CORRUPT@ ! fakesink", "corrupt.onnx"},
    {"text", VIDEO "qnnconvert ! qnninfer model=@TEXT@ ! fakesink", "model.onnx"},
    {"fake-tflite", VIDEO "qnnconvert ! qnninfer model=@FAKELITE@ ! fakesink", "fake.tflite"},
    {"folder", VIDEO "qnnconvert ! qnninfer model=@FOLDER@ ! fakesink", "qnnflow-"},
    {"unsupported", VIDEO "qnnconvert ! qnninfer model=@UNSUPPORTED@ ! fakesink", "Frobnicate"},
    {"dangling", VIDEO "qnnconvert ! qnninfer model=@DANGLING@ ! fakesink", "ghost"},
    {"open-dimensions", VIDEO "qnnconvert ! qnninfer model=@OPEN@ ! fakesink", "open.onnx"},
    {"input-dims", VIDEO "qnnconvert ! qnninfer input-dims=x:1x0 model=@OPEN@ ! fakesink",
     "input-dims=x:1x0"},
    {"input-dims-rank", VIDEO "qnnconvert ! qnninfer input-dims=x:1x3 model=@OPEN@ ! fakesink", "open.onnx"},
    {"huge-output", VIDEO "qnnconvert ! qnninfer model=@HUGE@ ! fakesink", "huge.onnx"},
    {"backend", VIDEO "qnnconvert ! qnninfer backend=abacus model=@MEAN@ ! fakesink", "abacus"},
    {"requant", VIDEO "qnnconvert ! qnninfer requant=round model=@MEAN@ ! fakesink", "round"},
    {"nobody-says", VIDEO "qnnconvert ! fakesink", "Nobody downstream says"},
    {"mean", VIDEO "qnnconvert mean=1,2 ! qnninfer model=@MEAN@ ! fakesink", "Property mean"},
    {"std", VIDEO "qnnconvert std=0 ! qnninfer model=@MEAN@ ! fakesink", "Property std"},
    {"two-inputs", VIDEO "qnnconvert ! qnninfer model=@ADD@ ! fakesink", "\"b\" is missing"},
    {"filter",
     "fakesrc num-buffers=1 ! neural-network/tensors,type=UINT8,dimensions=(int)<<1,3,4,8>> ! qnninfer "
     "model=@RELU@ ! "
     "fakesink",
     "nothing in common"},
    {"no-image", VIDEO "qnnconvert ! neural-network/tensors,type=FLOAT32,dimensions=(int)<<1,10>> ! fakesink",
     "is no image"},
    {"decoder", VIDEO "qnnconvert ! qnninfer model=@MEAN@ ! qnndecode decoder=tarot ! fakesink", "tarot"},
    {"decoder-fit", VIDEO "qnnconvert ! qnninfer model=@MEAN@ ! qnndecode decoder=ssd ! fakesink", "ssd"},
    {"labels", VIDEO "qnnconvert ! qnninfer model=@MEAN@ ! qnndecode labels=/nowhere/l.txt ! fakesink",
     "/nowhere/l.txt"},
    {"labels-folder", VIDEO "qnnconvert ! qnninfer model=@MEAN@ ! qnndecode labels=@FOLDER@ ! fakesink",
     "qnnflow-"},
    {"labels-noise", VIDEO "qnnconvert ! qnninfer model=@MEAN@ ! qnndecode labels=@NOISE@ ! fakesink",
     "noise.txt"},
    {"labels-empty", VIDEO "qnnconvert ! qnninfer model=@MEAN@ ! qnndecode labels=@EMPTY@ ! fakesink",
     "empty.onnx"},
    {"params", VIDEO "qnnconvert ! qnninfer model=@MEAN@ ! qnndecode params=colour=red ! fakesink", "colour"},
    {"scalar", VIDEO "qnnconvert ! qnninfer model=@SCALAR@ ! fakesink", NULL},
    {"scalar-decoded", VIDEO "qnnconvert ! qnninfer model=@SCALAR@ ! qnndecode ! fakesink",
     "no decoder fits"},
    {"half", VIDEO "qnnconvert ! qnninfer model=@HALF@ ! fakesink", NULL},
    {"half-decoded", VIDEO "qnnconvert ! qnninfer model=@HALF@ ! qnndecode ! fakesink", NULL},
    {"json", VIDEO "qnnconvert ! qnninfer model=@MEAN@ ! qnndecode json=/nowhere/r.json ! fakesink",
     "/nowhere/r.json"},
    {"json-full", VIDEO "qnnconvert ! qnninfer model=@MEAN@ ! qnndecode json=/dev/full ! fakesink",
     "Cannot write results"},
    {"report", VIDEO "qnnprofile table=false html=/nowhere/p.html ! fakesink", "/nowhere/p.html"},
};

static void test_line(gconstpointer data)
{
  gsize i = GPOINTER_TO_SIZE(data);
  g_autofree gchar *text = fill_in(lines[i].line);
  g_autoptr(LineResult) r = line_run_text(text, NULL, NULL);

  if (lines[i].word) {
    assert_said(r, lines[i].word);
    return;
  }
  g_assert_cmpstr(r->error, ==, NULL);
  g_assert_true(r->eos);
}

/* Buffers of given memories, fed to a line. */
static const struct {
  const gchar *name, *caps, *line;
  gsize sizes[4];    /* of the memories of the buffer */
  const gchar *word; /* NULL: it works */
} feeds[] = {
    {"right",
     "neural-network/tensors,type=FLOAT32,dimensions=(int)<<1,3,4,8>>",
     "qnninfer model=@RELU@ ! fakesink",
     {384},
     NULL},
    {"short",
     "neural-network/tensors,type=FLOAT32,dimensions=(int)<<1,3,4,8>>",
     "qnninfer model=@RELU@ ! fakesink",
     {383},
     "needs 384"},
    {"long",
     "neural-network/tensors,type=FLOAT32,dimensions=(int)<<1,3,4,8>>",
     "qnninfer model=@RELU@ ! fakesink",
     {385},
     "needs 384"},
    {"empty", "neural-network/tensors,type=FLOAT32", "qnninfer model=@RELU@ ! fakesink", {0}, "needs 384"},
    {"in-pieces",
     "neural-network/tensors,type=FLOAT32",
     "qnninfer model=@RELU@ ! fakesink",
     {200, 184},
     NULL},
    {"type",
     "neural-network/tensors,type=UINT8,dimensions=(int)<<1,3,4,8>>",
     "qnninfer model=@RELU@ ! fakesink",
     {96},
     "type differs"},
    {"smaller",
     "neural-network/tensors,type=FLOAT32,dimensions=(int)<<1,3,2,4>>",
     "qnninfer model=@RELU@ ! fakesink",
     {96},
     "dimensions differ"},
    {"larger",
     "neural-network/tensors,type=FLOAT32,dimensions=(int)<<1,3,40,80>>",
     "qnninfer model=@RELU@ ! fakesink",
     {38400},
     "dimensions differ"},
    {"nhwc",
     "neural-network/tensors,type=FLOAT32,dimensions=(int)<<1,4,8,3>>",
     "qnninfer model=@RELU@ ! fakesink",
     {384},
     "transpose"},
    {"nonsense",
     "neural-network/tensors,type=CHEESE,dimensions=(int)<<1,3,4,8>>",
     "qnninfer model=@RELU@ ! fakesink",
     {384},
     "make no sense"},
    {"two-separate",
     "neural-network/tensors,type=FLOAT32,dimensions=(int)<<1,4>,<1,4>>",
     "qnninfer model=@ADD@ ! fakesink",
     {16, 16},
     NULL},
    {"two-joined",
     "neural-network/tensors,type=FLOAT32,dimensions=(int)<<1,4>,<1,4>>",
     "qnninfer model=@ADD@ ! fakesink",
     {32},
     NULL},
    {"one-of-two",
     "neural-network/tensors,type=FLOAT32,dimensions=(int)<<1,4>>",
     "qnninfer model=@ADD@ ! fakesink",
     {16},
     "\"b\" is missing"},
    {"one-of-two-unsaid",
     "neural-network/tensors,type=FLOAT32",
     "qnninfer model=@ADD@ ! fakesink",
     {16},
     "\"b\""},
    {"behind-a-filter",
     "neural-network/tensors,type=UINT8,dimensions=(int)<<1,3,4,8>>",
     "capsfilter caps=neural-network/tensors,type=UINT8 ! qnninfer model=@RELU@ ! fakesink",
     {96},
     "type differs"},
    {"no-frame",
     "neural-network/tensors,type=FLOAT32,dimensions=(int)<<1,3>>",
     "qnndecode ! video/x-raw ! fakesink",
     {12},
     "does not fit what is behind"},
    {"no-frame-text",
     "neural-network/tensors,type=FLOAT32,dimensions=(int)<<1,3>>",
     "qnndecode ! fakesink",
     {12},
     NULL},
    {"decode-short",
     "neural-network/tensors,type=FLOAT32,dimensions=(int)<<1,3>>",
     "qnndecode ! fakesink",
     {8},
     "does not hold"},
    {"decode-lost-frame",
     "neural-network/tensors,type=FLOAT32,dimensions=(int)<<1,3>>,frame-media=video/x-raw,"
     "frame-format=GRAY8,frame-width=4,frame-height=4,frame-framerate=(fraction)30/1",
     "qnndecode ! fakesink",
     {12},
     "without its video frame"},
    {"short-frame",
     "video/x-raw,format=NV12,width=64,height=48,framerate=30/1",
     "qnnconvert ! qnninfer model=@MEAN@ ! fakesink",
     {1000},
     "Cannot read a video frame"},
};

static void test_feed(gconstpointer data)
{
  gsize i = GPOINTER_TO_SIZE(data);
  g_autofree gchar *rest = fill_in(feeds[i].line);
  g_autofree gchar *text = g_strdup_printf("appsrc name=feed format=time ! %s", rest);
  GstElement *pipeline = line_parse(text);
  g_autoptr(GstElement) feed = gst_bin_get_by_name(GST_BIN(pipeline), "feed");
  g_autoptr(GstCaps) caps = gst_caps_from_string(feeds[i].caps);
  g_autoptr(LineResult) r = NULL;

  g_assert_nonnull(caps);
  gst_app_src_set_caps(GST_APP_SRC(feed), caps);
  for (guint n = 0; n < 3; n++) {
    GstBuffer *buffer = gst_buffer_new();
    for (guint k = 0; k < G_N_ELEMENTS(feeds[i].sizes) && feeds[i].sizes[k]; k++) {
      GstMemory *memory = gst_allocator_alloc(NULL, feeds[i].sizes[k], NULL);
      GstMapInfo map;
      g_assert_true(gst_memory_map(memory, &map, GST_MAP_WRITE));
      memset(map.data, 0, map.size);
      gst_memory_unmap(memory, &map);
      gst_buffer_append_memory(buffer, memory);
    }
    GST_BUFFER_PTS(buffer) = n * GST_MSECOND;
    gst_app_src_push_buffer(GST_APP_SRC(feed), buffer);
  }
  gst_app_src_end_of_stream(GST_APP_SRC(feed));
  r = line_run(pipeline, NULL, NULL);
  gst_clear_object(&feed);
  gst_object_unref(pipeline);
  gst_clear_caps(&caps);
  if (feeds[i].word) {
    assert_said(r, feeds[i].word);
  } else {
    g_assert_cmpstr(r->error, ==, NULL);
    g_assert_true(r->eos);
  }
  line_assert_no_leaks();
}

/* A format that nobody converts is refused when the line is made, by the name of the element. */
static void test_link(void)
{
  g_autoptr(GError) error = NULL;
  GstElement *pipeline =
      gst_parse_launch_full("videotestsrc ! video/x-raw,format=AYUV ! qnnconvert ! fakesink", NULL,
                            GST_PARSE_FLAG_FATAL_ERRORS, &error);

  g_assert_null(pipeline);
  g_assert_nonnull(error);
  g_assert_nonnull(strstr(error->message, "qnnconvert"));
}

int main(int argc, char **argv)
{
  int status;

  line_init(&argc, &argv);
  make_files();
  for (gsize i = 0; i < G_N_ELEMENTS(lines); i++) {
    g_autofree gchar *path = g_strdup_printf("/errors/line/%s", lines[i].name);
    g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_line);
  }
  for (gsize i = 0; i < G_N_ELEMENTS(feeds); i++) {
    g_autofree gchar *path = g_strdup_printf("/errors/feed/%s", feeds[i].name);
    g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_feed);
  }
  g_test_add_func("/errors/link", test_link);
  status = g_test_run();
  g_hash_table_unref(files);
  return line_exit(status);
}
