/* SPDX-License-Identifier: MIT */
/*
 * tflite_build.c - a FlatBuffer writer for tests: every node is written at an aligned place behind what refers to it.
 */
#include "tflite_build.h"

#include <string.h>

#define MAX_FIELDS 32

typedef struct {
  uint32_t width; /* 0: absent */
  uint64_t bits;
  TbNode *child;
} Field;

struct TbNode {
  enum { TABLE, LIST, NUMBERS } kind;
  Field fields[MAX_FIELDS]; /* of a table */
  GPtrArray *items;         /* of a list */
  uint8_t *bytes;           /* of numbers */
  uint32_t count, width;
};

static TbNode *new_node(int kind)
{
  TbNode *n = g_new0(TbNode, 1);
  n->kind = kind;
  n->items = g_ptr_array_new();
  return n;
}

TbNode *tb_table(void)
{
  return new_node(TABLE);
}

TbNode *tb_list(void)
{
  return new_node(LIST);
}

TbNode *tb_numbers(const void *values, uint32_t count, uint32_t width)
{
  TbNode *n = new_node(NUMBERS);
  n->bytes = g_malloc0((gsize)count * width + 1);
  if (count)
    memcpy(n->bytes, values, (size_t)count * width);
  n->count = count;
  n->width = width;
  return n;
}

TbNode *tb_string(const char *text)
{
  return tb_numbers(text, (uint32_t)strlen(text), 1);
}

void tb_int(TbNode *table, uint32_t field, uint32_t width, int64_t value)
{
  table->fields[field] = (Field){width, (uint64_t)value, NULL};
}

void tb_float(TbNode *table, uint32_t field, float value)
{
  uint32_t bits;
  memcpy(&bits, &value, 4);
  tb_int(table, field, 4, bits);
}

void tb_child(TbNode *table, uint32_t field, TbNode *child)
{
  table->fields[field] = (Field){4, 0, child};
}

void tb_append(TbNode *list, TbNode *table)
{
  g_ptr_array_add(list->items, table);
}

static void put(GByteArray *out, uint64_t value, uint32_t width)
{
  for (uint32_t i = 0; i < width; i++) {
    uint8_t byte = (uint8_t)(value >> (8 * i));
    g_byte_array_append(out, &byte, 1);
  }
}

static void align(GByteArray *out, uint32_t to)
{
  while (out->len % to)
    put(out, 0, 1);
}

static void patch(GByteArray *out, uint32_t at, uint32_t target)
{
  uint32_t offset = target - at;
  for (uint32_t i = 0; i < 4; i++)
    out->data[at + i] = (uint8_t)(offset >> (8 * i));
}

static uint32_t write_node(GByteArray *out, TbNode *n);

static uint32_t write_table(GByteArray *out, TbNode *n)
{
  uint32_t n_fields = 0, size = 4, offsets[MAX_FIELDS] = {0};
  for (uint32_t i = 0; i < MAX_FIELDS; i++) {
    uint32_t w = n->fields[i].width;
    if (!w)
      continue;
    n_fields = i + 1;
    size = (size + w - 1) / w * w;
    offsets[i] = size;
    size += w;
  }
  align(out, 2);
  uint32_t vtable = out->len;
  put(out, 4 + 2 * n_fields, 2);
  put(out, size, 2);
  for (uint32_t i = 0; i < n_fields; i++)
    put(out, offsets[i], 2);
  align(out, 8);
  uint32_t at = out->len;
  put(out, at - vtable, 4);
  for (uint32_t i = 0; i < n_fields; i++) {
    while (n->fields[i].width && out->len < at + offsets[i])
      put(out, 0, 1);
    put(out, n->fields[i].bits, n->fields[i].width);
  }
  for (uint32_t i = 0; i < n_fields; i++)
    if (n->fields[i].child)
      patch(out, at + offsets[i], write_node(out, n->fields[i].child));
  return at;
}

static uint32_t write_list(GByteArray *out, TbNode *n)
{
  align(out, 4);
  uint32_t at = out->len;
  put(out, n->items->len, 4);
  for (guint i = 0; i < n->items->len; i++)
    put(out, 0, 4);
  for (guint i = 0; i < n->items->len; i++)
    patch(out, at + 4 + 4 * i, write_node(out, n->items->pdata[i]));
  return at;
}

/* The first number is aligned to 16, as TFLite's buffers are. */
static uint32_t write_numbers(GByteArray *out, TbNode *n)
{
  while (out->len % 16 != 12)
    put(out, 0, 1);
  uint32_t at = out->len;
  put(out, n->count, 4);
  g_byte_array_append(out, n->bytes, n->count * n->width);
  put(out, 0, 1);
  return at;
}

static uint32_t write_node(GByteArray *out, TbNode *n)
{
  uint32_t at = n->kind == TABLE  ? write_table(out, n)
                : n->kind == LIST ? write_list(out, n)
                                  : write_numbers(out, n);
  g_ptr_array_free(n->items, TRUE);
  g_free(n->bytes);
  g_free(n);
  return at;
}

GBytes *tb_finish(TbNode *root, const char *identifier)
{
  GByteArray *out = g_byte_array_new();
  put(out, 0, 4);
  g_byte_array_append(out, (const uint8_t *)identifier, 4);
  patch(out, 0, write_node(out, root));
  return g_byte_array_free_to_bytes(out);
}

void tb_model_init(TbModel *m)
{
  *m = (TbModel){.codes = tb_list(),
                 .tensors = tb_list(),
                 .operators = tb_list(),
                 .buffers = tb_list(),
                 .graphs = tb_list(),
                 .signatures = tb_list()};
  tb_append(m->buffers, tb_table());
  m->n_buffers = 1;
}

int32_t tb_tensor(TbModel *m, const char *name, int type, const int32_t *dims, uint32_t rank,
                  const void *data, uint32_t size)
{
  TbNode *t = m->last_tensor = tb_table();
  tb_child(t, 0, tb_numbers(dims, rank, 4));
  tb_int(t, 1, 1, type);
  tb_child(t, 3, tb_string(name));
  if (data) {
    TbNode *b = tb_table();
    tb_child(b, 0, tb_numbers(data, size, 1));
    tb_append(m->buffers, b);
    tb_int(t, 2, 4, m->n_buffers++);
  }
  tb_append(m->tensors, t);
  return (int32_t)m->n_tensors++;
}

void tb_quantize(TbModel *m, const float *scales, const int64_t *zero_points, uint32_t count, int32_t axis)
{
  TbNode *q = tb_table();
  tb_child(q, 2, tb_numbers(scales, count, 4));
  tb_child(q, 3, tb_numbers(zero_points, count, 8));
  tb_int(q, 6, 4, axis);
  tb_child(m->last_tensor, 4, q);
}

static TbNode *add_operator(TbModel *m, TbNode *code, const int32_t *inputs, uint32_t n_in,
                            const int32_t *outputs, uint32_t n_out)
{
  TbNode *o = tb_table();
  tb_append(m->codes, code);
  tb_int(o, 0, 4, m->n_codes++);
  tb_child(o, 1, tb_numbers(inputs, n_in, 4));
  tb_child(o, 2, tb_numbers(outputs, n_out, 4));
  tb_append(m->operators, o);
  return o;
}

TbNode *tb_operator(TbModel *m, int code, const int32_t *inputs, uint32_t n_in, const int32_t *outputs,
                    uint32_t n_out, TbNode *options)
{
  TbNode *c = tb_table();
  tb_int(c, 0, 1, MIN(code, 127));
  tb_int(c, 2, 4, 1);
  tb_int(c, 3, 4, code);
  TbNode *o = add_operator(m, c, inputs, n_in, outputs, n_out);
  if (options) {
    tb_int(o, 3, 1, 1);
    tb_child(o, 4, options);
  }
  return o;
}

TbNode *tb_custom(TbModel *m, const char *name, const int32_t *inputs, uint32_t n_in, const int32_t *outputs,
                  uint32_t n_out)
{
  TbNode *c = tb_table();
  tb_int(c, 0, 1, 32);
  tb_child(c, 1, tb_string(name));
  tb_int(c, 3, 4, 32);
  return add_operator(m, c, inputs, n_in, outputs, n_out);
}

static void end_graph(TbModel *m, const int32_t *inputs, uint32_t n_in, const int32_t *outputs,
                      uint32_t n_out)
{
  TbNode *graph = tb_table();
  tb_child(graph, 0, m->tensors);
  tb_child(graph, 1, tb_numbers(inputs, n_in, 4));
  tb_child(graph, 2, tb_numbers(outputs, n_out, 4));
  tb_child(graph, 3, m->operators);
  tb_append(m->graphs, graph);
}

uint32_t tb_next_graph(TbModel *m, const int32_t *inputs, uint32_t n_in, const int32_t *outputs,
                       uint32_t n_out)
{
  end_graph(m, inputs, n_in, outputs, n_out);
  m->tensors = tb_list();
  m->operators = tb_list();
  m->n_tensors = 0;
  return m->n_graphs++;
}

static TbNode *tensor_map(const char *name, int32_t tensor)
{
  TbNode *list = tb_list(), *t = tb_table();
  tb_child(t, 0, tb_string(name));
  tb_int(t, 1, 4, tensor);
  tb_append(list, t);
  return list;
}

void tb_signature(TbModel *m, const char *key, uint32_t graph, int32_t input, const char *in, int32_t output,
                  const char *out)
{
  TbNode *s = tb_table();
  tb_child(s, 0, tensor_map(in, input));
  tb_child(s, 1, tensor_map(out, output));
  tb_child(s, 2, tb_string(key));
  tb_int(s, 4, 4, graph);
  tb_append(m->signatures, s);
}

GBytes *tb_model_finish(TbModel *m, const int32_t *inputs, uint32_t n_in, const int32_t *outputs,
                        uint32_t n_out)
{
  TbNode *root = tb_table();
  end_graph(m, inputs, n_in, outputs, n_out);
  tb_int(root, 0, 4, 3);
  tb_child(root, 1, m->codes);
  tb_child(root, 2, m->graphs);
  tb_child(root, 4, m->buffers);
  tb_child(root, 7, m->signatures);
  return tb_finish(root, "TFL3");
}

#define DIMS(...) (const int32_t[]){__VA_ARGS__}, sizeof((const int32_t[]){__VA_ARGS__}) / 4
#define LIST(...) DIMS(__VA_ARGS__)

static TbNode *sample_conv_options(void)
{
  TbNode *o = tb_table();
  tb_int(o, 0, 1, 0); /* SAME */
  tb_int(o, 1, 4, 2);
  tb_int(o, 2, 4, 2);
  tb_int(o, 3, 1, 3); /* RELU6 */
  return o;
}

GBytes *tb_sample(void)
{
  TbModel m;
  int8_t weights[2 * 3 * 3 * 1], dense[3 * 18];
  int32_t bias[] = {10, -10, 5}, shape[] = {1, 18};
  for (uint32_t i = 0; i < sizeof weights; i++)
    weights[i] = (int8_t)(i * 7 - 60);
  for (uint32_t i = 0; i < sizeof dense; i++)
    dense[i] = (int8_t)(i * 11);
  tb_model_init(&m);
  int32_t x = tb_tensor(&m, "image", 9, DIMS(1, 6, 6, 1), NULL, 0);
  tb_quantize(&m, (float[]){0.05f}, (int64_t[]){-3}, 1, 0);
  int32_t w = tb_tensor(&m, "conv/weights", 9, DIMS(2, 3, 3, 1), weights, sizeof weights);
  tb_quantize(&m, (float[]){0.01f, 0.02f}, (int64_t[]){0, 0}, 2, 0);
  int32_t b = tb_tensor(&m, "conv/bias", 2, DIMS(2), bias, 8);
  int32_t y = tb_tensor(&m, "conv", 9, DIMS(1, 3, 3, 2), NULL, 0);
  tb_quantize(&m, (float[]){6.0f / 255}, (int64_t[]){-128}, 1, 0);
  int32_t s = tb_tensor(&m, "shape", 2, DIMS(2), shape, 8);
  int32_t r = tb_tensor(&m, "flat", 9, DIMS(1, 18), NULL, 0);
  tb_quantize(&m, (float[]){6.0f / 255}, (int64_t[]){-128}, 1, 0);
  int32_t dw = tb_tensor(&m, "dense/weights", 9, DIMS(3, 18), dense, sizeof dense);
  tb_quantize(&m, (float[]){0.03f}, (int64_t[]){0}, 1, 0);
  int32_t db = tb_tensor(&m, "dense/bias", 2, DIMS(3), bias, 12);
  int32_t d = tb_tensor(&m, "dense", 9, DIMS(1, 3), NULL, 0);
  tb_quantize(&m, (float[]){0.1f}, (int64_t[]){4}, 1, 0);
  int32_t p = tb_tensor(&m, "probabilities", 9, DIMS(1, 3), NULL, 0);
  tb_quantize(&m, (float[]){1.0f / 256}, (int64_t[]){-128}, 1, 0);
  TbNode *beta = tb_table();
  tb_float(beta, 0, 1);
  tb_operator(&m, 3, LIST(x, w, b), LIST(y), sample_conv_options());
  tb_operator(&m, 22, LIST(y, s), LIST(r), NULL);
  tb_operator(&m, 9, LIST(r, dw, db), LIST(d), tb_table());
  tb_operator(&m, 25, LIST(d), LIST(p), beta);
  return tb_model_finish(&m, LIST(x), LIST(p));
}
