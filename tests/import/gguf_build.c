/* SPDX-License-Identifier: MIT */
/*
 * gguf_build.c - see gguf_build.h.
 */
#include "gguf_build.h"

#include "kernels/blockquant/format.h"

#include <string.h>

GgufBuild *gb_new(gboolean big_endian)
{
  GgufBuild *b = g_new0(GgufBuild, 1);
  b->big_endian = big_endian;
  b->alignment = 32;
  b->metadata = g_byte_array_new();
  b->tensors = g_byte_array_new();
  b->data = g_byte_array_new();
  return b;
}

void gb_number(const GgufBuild *b, GByteArray *bytes, size_t size, uint64_t value)
{
  for (size_t i = 0; i < size; i++) {
    const uint8_t byte = (uint8_t)(value >> 8 * (b->big_endian ? size - 1 - i : i));
    g_byte_array_append(bytes, &byte, 1);
  }
}

void gb_text(const GgufBuild *b, GByteArray *bytes, const char *text)
{
  gb_number(b, bytes, 8, strlen(text));
  g_byte_array_append(bytes, (const guint8 *)text, (guint)strlen(text));
}

void gb_key(GgufBuild *b, const char *key, QfGgufType type)
{
  gb_text(b, b->metadata, key);
  gb_number(b, b->metadata, 4, type);
  b->n_metadata++;
}

void gb_array(GgufBuild *b, QfGgufType item_type, uint64_t n_items)
{
  gb_number(b, b->metadata, 4, item_type);
  gb_number(b, b->metadata, 8, n_items);
}

static void align(GByteArray *bytes, uint32_t alignment)
{
  static const guint8 zero;
  while (bytes->len % alignment)
    g_byte_array_append(bytes, &zero, 1);
}

void gb_tensor(GgufBuild *b, const char *name, uint32_t number, int32_t rank, const int64_t *dims,
               const uint8_t *blocks, size_t size)
{
  const QfkBlockDef *f = qfk_block_by_number(number);
  g_autofree uint8_t *copy = g_memdup2(blocks, size);
  if (b->big_endian && f)
    qfk_block_swap(f, blocks, size / f->bytes, copy);
  align(b->data, b->alignment);
  gb_text(b, b->tensors, name);
  gb_number(b, b->tensors, 4, (uint64_t)rank);
  for (int32_t i = rank - 1; i >= 0; i--)
    gb_number(b, b->tensors, 8, (uint64_t)dims[i]);
  gb_number(b, b->tensors, 4, number);
  gb_number(b, b->tensors, 8, b->data->len);
  g_byte_array_append(b->data, copy, (guint)size);
  b->n_tensors++;
}

GBytes *gb_end(GgufBuild *b, uint32_t version)
{
  GByteArray *file = g_byte_array_new();
  g_byte_array_append(file, (const guint8 *)"GGUF", 4);
  gb_number(b, file, 4, version);
  gb_number(b, file, 8, b->n_tensors);
  gb_number(b, file, 8, b->n_metadata);
  g_byte_array_append(file, b->metadata->data, b->metadata->len);
  g_byte_array_append(file, b->tensors->data, b->tensors->len);
  align(file, b->alignment);
  g_byte_array_append(file, b->data->data, b->data->len);
  g_byte_array_unref(b->metadata);
  g_byte_array_unref(b->tensors);
  g_byte_array_unref(b->data);
  g_free(b);
  return g_byte_array_free_to_bytes(file);
}

static void add_numbers(GgufBuild *b)
{
  static const struct {
    const char *key;
    QfGgufType type;
    size_t size;
    uint64_t bits;
  } numbers[] = {
      {"n.u8", QF_GGUF_UINT8, 1, 200},
      {"n.i8", QF_GGUF_INT8, 1, (uint64_t)-100},
      {"n.u16", QF_GGUF_UINT16, 2, 60000},
      {"n.i16", QF_GGUF_INT16, 2, (uint64_t)-30000},
      {"n.u32", QF_GGUF_UINT32, 4, 4000000000u},
      {"n.i32", QF_GGUF_INT32, 4, (uint64_t)-2000000000},
      {"n.f32", QF_GGUF_FLOAT32, 4, 0x3fc00000},
      {"n.bool", QF_GGUF_BOOL, 1, 1},
      {"n.u64", QF_GGUF_UINT64, 8, UINT64_MAX - 1},
      {"n.i64", QF_GGUF_INT64, 8, (uint64_t)INT64_MIN},
      {"n.f64", QF_GGUF_FLOAT64, 8, 0xc002000000000000},
  };
  for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++) {
    gb_key(b, numbers[i].key, numbers[i].type);
    gb_number(b, b->metadata, numbers[i].size, numbers[i].bits);
  }
}

GBytes *gb_sample(gboolean big_endian, uint32_t version)
{
  static const int64_t dims[][3] = {{3}, {2, 256}, {2, 1, 64}};
  uint8_t blocks[288];
  GgufBuild *b = gb_new(big_endian);
  gb_key(b, "general.architecture", QF_GGUF_STRING);
  gb_text(b, b->metadata, "sample");
  add_numbers(b);
  gb_key(b, "a.strings", QF_GGUF_ARRAY);
  gb_array(b, QF_GGUF_STRING, 3);
  gb_text(b, b->metadata, "one");
  gb_text(b, b->metadata, "");
  gb_text(b, b->metadata, "\xff\"two\"");
  gb_key(b, "a.nested", QF_GGUF_ARRAY);
  gb_array(b, QF_GGUF_ARRAY, 2);
  gb_array(b, QF_GGUF_INT16, 2);
  gb_number(b, b->metadata, 2, 1);
  gb_number(b, b->metadata, 2, (uint64_t)-2);
  gb_array(b, QF_GGUF_BOOL, 1);
  gb_number(b, b->metadata, 1, 0);
  gb_key(b, "general.alignment", QF_GGUF_UINT32);
  gb_number(b, b->metadata, 4, b->alignment = 64);
  for (size_t i = 0; i < sizeof(blocks); i++)
    blocks[i] = (uint8_t)(i * 37 & 0x3f);
  gb_tensor(b, "plain", 0, 1, dims[0], blocks, 12);
  gb_tensor(b, "blocks", 12, 2, dims[1], blocks, 288);
  gb_tensor(b, "bytes", 8, 3, dims[2], blocks, 136);
  return gb_end(b, version);
}
