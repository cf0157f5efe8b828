/* SPDX-License-Identifier: MIT */
/*
 * tflite_reader.c - the bytes of a TFLite file to records: what is right is read, what is damaged is refused, and
 * neither cutting nor flipping makes the reader touch what it should not (run under the sanitizers and valgrind).
 */
#include "tflite_build.h"

#include "libqnnflow/import/tflite/flex.h"
#include "libqnnflow/import/tflite/model.h"

#include <malloc.h>
#include <math.h>
#include <string.h>

static void test_records(void)
{
  g_autoptr(GBytes) bytes = tb_sample();
  g_autoptr(GError) error = NULL;
  g_autoptr(QfTflModel) m = qf_tfl_model_new(bytes, "sample", &error);
  g_assert_no_error(error);
  g_assert_cmpuint(m->graphs[0].n_tensors, ==, 10);
  g_assert_cmpuint(m->graphs[0].n_operators, ==, 4);
  g_assert_cmpstr(m->graphs[0].tensors[0].name, ==, "image");
  g_assert_cmpint(m->graphs[0].tensors[0].dtype, ==, QF_DTYPE_INT8);
  g_assert_cmpint(m->graphs[0].tensors[0].rank, ==, 4);
  g_assert_cmpint(m->graphs[0].tensors[0].dims[2], ==, 6);
  g_assert_cmpuint(m->graphs[0].tensors[1].data_size, ==, 18);
  g_assert_cmpuint(m->graphs[0].tensors[1].scales.count, ==, 2);
  g_assert_cmpfloat(qf_flat_at_float(&m->graphs[0].tensors[1].scales, 1), ==, 0.02f);
  g_assert_cmpint(qf_flat_at_int(&m->graphs[0].tensors[0].zero_point, 0, QF_FLAT_I64), ==, -3);
  g_assert_cmpuint(m->graphs[0].operators[0].code->builtin, ==, 3);
  g_assert_cmpint(qf_flat_get_int(&m->graphs[0].operators[0].options, QF_TFL_CONV_STRIDE_H, QF_FLAT_I32, 0),
                  ==, 2);
  g_assert_cmpint(qf_flat_at_int(&m->graphs[0].inputs, 0, QF_FLAT_I32), ==, 0);
  g_assert_cmpint(qf_flat_at_int(&m->graphs[0].outputs, 0, QF_FLAT_I32), ==, 9);
}

static GBytes *exact_copy(GBytes *bytes, gsize size)
{
  return g_bytes_new(g_bytes_get_data(bytes, NULL), size); /* a block of its own: reading past it is seen */
}

/* Whatever is cut off, the answer is an error that says so. */
static void test_truncated(void)
{
  g_autoptr(GBytes) bytes = tb_sample();
  for (gsize size = 0; size < g_bytes_get_size(bytes) - 1; size++) {
    g_autoptr(GBytes) cut = exact_copy(bytes, size);
    g_autoptr(GError) error = NULL;
    g_autoptr(QfTflModel) m = qf_tfl_model_new(cut, "cut", &error);
    if (m) /* the last bytes may be nobody's */
      g_assert_cmpuint(size, >, g_bytes_get_size(bytes) - 16);
    else
      g_assert_nonnull(strstr(error->message, "cut: not a usable TFLite file"));
  }
}

/* Every byte set to a few values: an error or records, never a crash. */
static void test_flipped(void)
{
  static const uint8_t values[] = {0x00, 0x01, 0x7f, 0x80, 0xfe, 0xff};
  g_autoptr(GBytes) bytes = tb_sample();
  gsize size = g_bytes_get_size(bytes);
  uint32_t refused = 0;
  for (gsize at = 0; at < size; at++)
    for (uint32_t v = 0; v < G_N_ELEMENTS(values); v++) {
      uint8_t *copy = g_memdup2(g_bytes_get_data(bytes, NULL), size);
      copy[at] = values[v];
      g_autoptr(GBytes) flipped = g_bytes_new_take(copy, size);
      g_autoptr(GError) error = NULL;
      g_autoptr(QfTflModel) m = qf_tfl_model_new(flipped, "flipped", &error);
      g_assert_true((m == NULL) == (error != NULL));
      refused += !m;
    }
  g_assert_cmpuint(refused, >, 100);
}

typedef struct {
  const char *name;
  uint32_t at, value; /* 32 bits at a position from the start */
  const char *text;   /* in the message */
} Damage;

static void refuse(GBytes *bytes, int code, const char *text)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(QfTflModel) m = qf_tfl_model_new(bytes, "bad", &error);
  g_assert_null(m);
  g_assert_error(error, QF_ERROR, code);
  if (!strstr(error->message, text))
    g_error("\"%s\" does not say \"%s\"", error->message, text);
}

static void test_damage(void)
{
  static const Damage cases[] = {
      {"identifier", 4, 0x30304c54, "identifier"},
      {"root outside", 0, 0x7fffffff, "table lies outside"},
      {"root at the end", 0, 0xffffffff, "table lies outside"},
  };
  g_autoptr(GBytes) bytes = tb_sample();
  gsize size = g_bytes_get_size(bytes);
  for (uint32_t i = 0; i < G_N_ELEMENTS(cases); i++) {
    uint8_t *copy = g_memdup2(g_bytes_get_data(bytes, NULL), size);
    memcpy(copy + cases[i].at, &cases[i].value, 4);
    g_autoptr(GBytes) bad = g_bytes_new_take(copy, size);
    refuse(bad, QF_ERROR_FORMAT, cases[i].text);
  }
}

#define ONE(...) (const int32_t[]){__VA_ARGS__}, sizeof((const int32_t[]){__VA_ARGS__}) / 4

static void test_indices(void)
{
  static const struct {
    int32_t input, output, graph_input, graph_output;
    const char *text;
  } cases[] = {
      {7, 1, 0, 1, "input 0 of operator 0 is tensor 7 of 2"},
      {-2, 1, 0, 1, "input 0 of operator 0"},
      {0, -1, 0, 1, "output 0 of operator 0 is tensor -1"},
      {0, 2, 0, 1, "output 0 of operator 0 is tensor 2"},
      {0, 1, -1, 1, "input 0 of graph is tensor -1 of 2"},
      {0, 1, 0, 1 << 30, "output 0 of graph is tensor"},
  };
  for (uint32_t i = 0; i < G_N_ELEMENTS(cases); i++) {
    TbModel m;
    tb_model_init(&m);
    tb_tensor(&m, "x", 0, ONE(1, 4), NULL, 0);
    tb_tensor(&m, "y", 0, ONE(1, 4), NULL, 0);
    tb_operator(&m, 19, ONE(cases[i].input), ONE(cases[i].output), NULL);
    g_autoptr(GBytes) bytes = tb_model_finish(&m, ONE(cases[i].graph_input), ONE(cases[i].graph_output));
    refuse(bytes, QF_ERROR_FORMAT, cases[i].text);
  }
}

static void test_sizes(void)
{
  static const int32_t huge[] = {0x7fffffff, 0x7fffffff, 0x7fffffff, 0x7fffffff};
  static const float four[4];
  TbModel m;
  tb_model_init(&m);
  tb_tensor(&m, "huge", 0, huge, 4, four, sizeof four);
  g_autoptr(GBytes) too_few = tb_model_finish(&m, NULL, 0, NULL, 0);
  refuse(too_few, QF_ERROR_FORMAT, "constant \"huge\" has 16 bytes");
  tb_model_init(&m);
  tb_tensor(&m, "deep", 0, ONE(1, 1, 1, 1, 1, 1, 1, 1, 1), NULL, 0);
  g_autoptr(GBytes) deep = tb_model_finish(&m, NULL, 0, NULL, 0);
  refuse(deep, QF_ERROR_UNSUPPORTED, "\"deep\" has 9 dimensions");
}

/* A FlexBuffer map {"half": 0.5f, "many": 300}, written by hand: keys, key offsets, values, types, root. */
static GBytes *sample_flex(void)
{
  static const uint8_t bytes[] = {
      'h',
      'a',
      'l',
      'f',
      0,
      'm',
      'a',
      'n',
      'y',
      0, /* 0: keys */
      2,
      11,
      7, /* 10: count, then offsets back to the keys (from 11, 12) */
      0,
      0,
      0, /* 13: pad */
      5,
      0,
      0,
      0, /* 16: keys lie 5 back, at 11 */
      1,
      0,
      0,
      0, /* 20: keys are one byte wide */
      2,
      0,
      0,
      0, /* 24: count */
      0,
      0,
      0,
      0x3f, /* 28: 0.5f */
      44,
      1,
      0,
      0, /* 32: 300 */
      (3 << 2) | 2,
      (1 << 2) | 2, /* 36: types: float, int, four bytes wide */
      10,
      (9 << 2) | 2,
      1, /* 38: root: 10 back, a map of four bytes, one byte wide */
  };
  return g_bytes_new_static(bytes, sizeof bytes);
}

static void test_flex(void)
{
  g_autoptr(GBytes) bytes = sample_flex();
  gsize size;
  const uint8_t *data = g_bytes_get_data(bytes, &size);
  QfFlexMap map;
  g_assert_true(qf_flex_open(&map, data, size));
  g_assert_cmpfloat(qf_flex_get(&map, "half", -1), ==, 0.5);
  g_assert_cmpfloat(qf_flex_get(&map, "many", -1), ==, 300);
  g_assert_cmpfloat(qf_flex_get(&map, "none", -1), ==, -1);
  for (gsize at = 0; at < size; at++)
    for (uint32_t v = 0; v < 256; v++) {
      g_autofree uint8_t *copy = g_memdup2(data, size);
      copy[at] = (uint8_t)v;
      if (qf_flex_open(&map, copy, size)) {
        qf_flex_get(&map, "half", -1);
        qf_flex_get(&map, "many", -1);
      }
    }
  for (gsize cut = 0; cut < size; cut++) {
    g_autofree uint8_t *copy = g_memdup2(data, MAX(cut, 1));
    if (qf_flex_open(&map, copy, cut))
      qf_flex_get(&map, "many", -1);
  }
}

static void put(uint8_t *data, size_t at, uint32_t value)
{
  memcpy(data + at, &value, 4); /* tests run on little-endian machines */
}

/* A file of @size bytes whose list of tensors names one and the same table @count times. */
static GBytes *one_tensor_often(size_t size, uint32_t count)
{
  uint8_t *d = g_malloc0(size);
  size_t table = 84 + 4 * (size_t)count + 4;
  put(d, 0, 32); /* the root, and what it says: its fields are version and, third, the graphs */
  memcpy(d + 4, "TFL3", 4);
  put(d, 8, 10 | 12 << 16);
  put(d, 12, 4);
  put(d, 16, 8);
  put(d, 32, 24);
  put(d, 36, 3);
  put(d, 40, 8);
  put(d, 48, 1); /* one graph, at 64, with a list of tensors at 80 */
  put(d, 52, 12);
  put(d, 56, 6 | 8 << 16);
  put(d, 60, 4);
  put(d, 64, 8);
  put(d, 68, 12);
  put(d, 80, count);
  for (uint32_t i = 0; i < count; i++)
    put(d, 84 + 4 * (size_t)i, (uint32_t)(table - 84 - 4 * (size_t)i));
  put(d, table - 4, 4 | 4 << 16); /* a table without fields */
  put(d, table, 4);
  return g_bytes_new_take(d, size);
}

static size_t allocated(void)
{
  struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

/* What the records take is bounded by the file, however often its tables are named. */
static void test_growth(void)
{
  const size_t size = 1 << 16;
  g_autoptr(GBytes) most = one_tensor_often(size, 3000), more = one_tensor_often(size, 16000);
  g_autoptr(GError) error = NULL;
  size_t before = allocated();
  g_autoptr(QfTflModel) m = qf_tfl_model_new(most, "most", &error);
  size_t after = allocated();
  g_assert_no_error(error);
  g_assert_cmpuint(m->graphs[0].n_tensors, ==, 3000);
  g_assert_cmpuint(after - before, <, 2 * QF_TFL_MAX_GROWTH * size);
  g_assert_null(qf_tfl_model_new(more, "more", &error));
  g_assert_error(error, QF_ERROR, QF_ERROR_LIMIT);
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/tflite/reader/records", test_records);
  g_test_add_func("/tflite/reader/truncated", test_truncated);
  g_test_add_func("/tflite/reader/flipped", test_flipped);
  g_test_add_func("/tflite/reader/damage", test_damage);
  g_test_add_func("/tflite/reader/indices", test_indices);
  g_test_add_func("/tflite/reader/sizes", test_sizes);
  g_test_add_func("/tflite/reader/flex", test_flex);
  g_test_add_func("/tflite/reader/growth", test_growth);
  return g_test_run();
}
