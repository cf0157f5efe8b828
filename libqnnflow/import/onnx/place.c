/* SPDX-License-Identifier: MIT */
/*
 * place.c - unpacking an ONNX file without its weights: protobuf-c copies all bytes that it meets, so it gets the file without the
 * raw data of large initializers, whose places are kept. See reader.c.
 */
#include "reader.h"
#include "../protobuf.h"

enum { MODEL_GRAPH = 7, GRAPH_INITIALIZER = 5, TENSOR_RAW = 9, WIRE_BYTES = 2 };

/* Smaller ones may as well be copied. */
#define LEAST_BYTES 4096

typedef struct {
  const uint8_t *data;
  size_t size;
} Span;

static gboolean is_whole(const QfProtobufField *f, uint32_t number)
{
  return f->number == number && f->wire == WIRE_BYTES && f->payload_size == f->value;
}

static void put_varint(GByteArray *out, uint64_t value)
{
  uint8_t bytes[10];
  guint n = 0;
  for (; value > 0x7f; value >>= 7)
    bytes[n++] = (uint8_t)(value | 0x80);
  bytes[n++] = (uint8_t)value;
  g_byte_array_append(out, bytes, n);
}

static void put_message(GByteArray *out, uint32_t number, const GByteArray *content)
{
  put_varint(out, number << 3 | WIRE_BYTES);
  put_varint(out, content->len);
  g_byte_array_append(out, content->data, content->len);
}

/* What the message is without the large raw data of the tensor. FALSE: it is damaged. */
static gboolean strip_tensor(const uint8_t *data, size_t size, GByteArray *out, Span *raw)
{
  QfProtobufField f;
  g_byte_array_set_size(out, 0);
  *raw = (Span){NULL, 0};
  for (const uint8_t *from = data; size; from = data) {
    if (!qf_protobuf_next(&data, &size, &f) || (f.wire == WIRE_BYTES && f.payload_size != f.value))
      return FALSE;
    if (is_whole(&f, TENSOR_RAW) && f.payload_size >= LEAST_BYTES && !raw->data)
      *raw = (Span){f.payload, f.payload_size};
    else if (f.number == TENSOR_RAW && raw->data)
      return FALSE; /* twice */
    else
      g_byte_array_append(out, from, (guint)(data - from));
  }
  return TRUE;
}

static gboolean strip_graph(const uint8_t *data, size_t size, GByteArray *out, GArray *raws)
{
  g_autoptr(GByteArray) tensor = g_byte_array_new();
  QfProtobufField f;
  for (const uint8_t *from = data; size; from = data) {
    Span raw;
    if (!qf_protobuf_next(&data, &size, &f) || (f.wire == WIRE_BYTES && f.payload_size != f.value))
      return FALSE;
    if (!is_whole(&f, GRAPH_INITIALIZER)) {
      g_byte_array_append(out, from, (guint)(data - from));
      continue;
    }
    if (!strip_tensor(f.payload, f.payload_size, tensor, &raw))
      return FALSE;
    g_array_append_val(raws, raw);
    put_message(out, GRAPH_INITIALIZER, tensor);
  }
  return TRUE;
}

/* FALSE: the file is damaged, or says its graph in parts. */
static gboolean strip_model(const uint8_t *data, size_t size, GByteArray *out, GArray *raws)
{
  g_autoptr(GByteArray) graph = g_byte_array_new();
  gboolean any = FALSE;
  QfProtobufField f;
  for (const uint8_t *from = data; size; from = data) {
    if (!qf_protobuf_next(&data, &size, &f) || (f.wire == WIRE_BYTES && f.payload_size != f.value))
      return FALSE;
    if (f.number != MODEL_GRAPH) {
      g_byte_array_append(out, from, (guint)(data - from));
      continue;
    }
    if (any || !is_whole(&f, MODEL_GRAPH) || !strip_graph(f.payload, f.payload_size, graph, raws))
      return FALSE;
    any = TRUE;
    put_message(out, MODEL_GRAPH, graph);
  }
  return any;
}

Onnx__ModelProto *qf_onnx_unpack(GBytes *bytes, GHashTable *places)
{
  gsize size;
  const uint8_t *data = g_bytes_get_data(bytes, &size);
  g_autoptr(GByteArray) rest = g_byte_array_new();
  g_autoptr(GArray) raws = g_array_new(FALSE, FALSE, sizeof(Span));
  if (size < LEAST_BYTES || size > G_MAXUINT || !strip_model(data, size, rest, raws))
    return onnx__model_proto__unpack(NULL, size, data);
  Onnx__ModelProto *model = onnx__model_proto__unpack(NULL, rest->len, rest->data);
  if (!model || !model->graph || model->graph->n_initializer != raws->len) {
    if (model)
      onnx__model_proto__free_unpacked(model, NULL);
    return onnx__model_proto__unpack(NULL, size, data);
  }
  for (guint i = 0; i < raws->len; i++) {
    const Span *raw = &g_array_index(raws, Span, i);
    if (raw->data)
      g_hash_table_insert(places, model->graph->initializer[i],
                          g_bytes_new_from_bytes(bytes, (gsize)(raw->data - data), raw->size));
  }
  return model;
}
