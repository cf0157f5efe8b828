/* SPDX-License-Identifier: MIT */
/*
 * gguf.c - looking at an opened GGUF file: values, tensors, text. See <qnnflow/gguf.h>; reader.c has checked the bytes.
 */
#include "reader.h"

#include <string.h>

static const struct {
  const char *name;
  uint8_t size; /* 0: a string or an array */
} types[QF_GGUF_N_TYPES] = {
    [QF_GGUF_UINT8] = {"uint8", 1},     [QF_GGUF_INT8] = {"int8", 1},     [QF_GGUF_UINT16] = {"uint16", 2},
    [QF_GGUF_INT16] = {"int16", 2},     [QF_GGUF_UINT32] = {"uint32", 4}, [QF_GGUF_INT32] = {"int32", 4},
    [QF_GGUF_FLOAT32] = {"float32", 4}, [QF_GGUF_BOOL] = {"bool", 1},     [QF_GGUF_STRING] = {"string", 0},
    [QF_GGUF_ARRAY] = {"array", 0},     [QF_GGUF_UINT64] = {"uint64", 8}, [QF_GGUF_INT64] = {"int64", 8},
    [QF_GGUF_FLOAT64] = {"float64", 8},
};

const char *qf_gguf_type_name(QfGgufType type)
{
  return (unsigned)type < QF_GGUF_N_TYPES ? types[type].name : "invalid";
}

size_t qf_gguf_type_size(QfGgufType type)
{
  return types[type].size;
}

uint64_t qf_gguf_number(const QfGguf *g, const uint8_t *p, size_t size)
{
  uint64_t v = 0;
  for (size_t i = 0; i < size; i++)
    v = v << 8 | p[g->big_endian ? i : size - 1 - i];
  return v;
}

/* The bits of a number of @type as the value's number. */
static void set_number(QfGgufValue *value, uint64_t bits)
{
  const uint32_t bits32 = (uint32_t)bits;
  float f;
  switch (value->type) {
  case QF_GGUF_INT8: value->number.i = (int8_t)bits; break;
  case QF_GGUF_INT16: value->number.i = (int16_t)bits; break;
  case QF_GGUF_INT32: value->number.i = (int32_t)bits; break;
  case QF_GGUF_FLOAT32:
    memcpy(&f, &bits32, 4);
    value->number.f = (double)f;
    break;
  case QF_GGUF_FLOAT64: memcpy(&value->number.f, &bits, 8); break;
  default: value->number.u = bits; break;
  }
}

/* Where an array's items end. */
static const uint8_t *end_of_items(const QfGguf *g, const QfGgufValue *array)
{
  const size_t size = qf_gguf_type_size(array->item_type);
  const uint8_t *p = array->items + array->length * size;
  QfGgufValue item;
  for (uint64_t i = 0; !size && i < array->length; i++)
    p = qf_gguf_read_value(g, array->item_type, p, &item);
  return p;
}

const uint8_t *qf_gguf_read_value(const QfGguf *g, QfGgufType type, const uint8_t *p, QfGgufValue *value)
{
  const size_t size = qf_gguf_type_size(type);
  *value = (QfGgufValue){.type = type};
  if (size) {
    set_number(value, qf_gguf_number(g, p, size));
    return p + size;
  }
  if (type == QF_GGUF_STRING) {
    value->length = qf_gguf_number(g, p, 8);
    value->string = (const char *)p + 8;
    return p + 8 + value->length;
  }
  value->item_type = (QfGgufType)qf_gguf_number(g, p, 4);
  value->length = qf_gguf_number(g, p + 4, 8);
  value->items = p + 12;
  return end_of_items(g, value);
}

uint32_t qf_gguf_version(const QfGguf *g)
{
  return g->version;
}

gboolean qf_gguf_is_big_endian(const QfGguf *g)
{
  return g->big_endian;
}

uint32_t qf_gguf_alignment(const QfGguf *g)
{
  return g->alignment;
}

uint32_t qf_gguf_n_metadata(const QfGguf *g)
{
  return g->metadata->len;
}

const QfGgufEntry *qf_gguf_metadata(const QfGguf *g, uint32_t index)
{
  return index < g->metadata->len ? &g_array_index(g->metadata, QfGgufEntry, index) : NULL;
}

const QfGgufEntry *qf_gguf_find_metadata(const QfGguf *g, const char *key)
{
  const guint index = GPOINTER_TO_UINT(g_hash_table_lookup(g->by_key, key));
  return index ? qf_gguf_metadata(g, index - 1) : NULL;
}

void qf_gguf_items_start(QfGgufItems *items, const QfGguf *g, const QfGgufValue *array)
{
  const gboolean is_array = array->type == QF_GGUF_ARRAY;
  *items = (QfGgufItems){g, array->items, is_array ? array->length : 0, array->item_type};
}

gboolean qf_gguf_items_next(QfGgufItems *items, QfGgufValue *value)
{
  if (!items->left)
    return FALSE;
  items->left--;
  items->at = qf_gguf_read_value(items->gguf, items->type, items->at, value);
  return TRUE;
}

static void append_text(GString *s, const QfGguf *g, const QfGgufValue *v, uint32_t max_items);

static void append_items(GString *s, const QfGguf *g, const QfGgufValue *array, uint32_t max_items)
{
  QfGgufItems items;
  QfGgufValue item;
  qf_gguf_items_start(&items, g, array);
  g_string_append_c(s, '[');
  for (uint32_t i = 0; i < max_items && qf_gguf_items_next(&items, &item); i++) {
    g_string_append(s, i ? ", " : "");
    append_text(s, g, &item, max_items);
  }
  g_string_append(s, items.left ? (items.left == array->length ? "..." : ", ...") : "");
  g_string_append_c(s, ']');
  if (items.left)
    g_string_append_printf(s, " (%" G_GUINT64_FORMAT " items)", array->length);
}

static void append_string(GString *s, const QfGgufValue *v)
{
  g_autofree char *text = g_utf8_make_valid(v->string, (gssize)MIN(v->length, 4096));
  g_autofree char *escaped = g_strescape(text, NULL);
  g_string_append_printf(s, "\"%s\"%s", escaped, v->length > 4096 ? "..." : "");
}

static void append_text(GString *s, const QfGguf *g, const QfGgufValue *v, uint32_t max_items)
{
  if (v->type == QF_GGUF_ARRAY)
    append_items(s, g, v, max_items);
  else if (v->type == QF_GGUF_STRING)
    append_string(s, v);
  else if (v->type == QF_GGUF_BOOL)
    g_string_append(s, v->number.u ? "true" : "false");
  else if (v->type == QF_GGUF_FLOAT32 || v->type == QF_GGUF_FLOAT64)
    g_string_append_printf(s, v->type == QF_GGUF_FLOAT32 ? "%.9g" : "%.17g", v->number.f);
  else if (v->type == QF_GGUF_INT8 || v->type == QF_GGUF_INT16 || v->type == QF_GGUF_INT32 ||
           v->type == QF_GGUF_INT64)
    g_string_append_printf(s, "%" G_GINT64_FORMAT, v->number.i);
  else
    g_string_append_printf(s, "%" G_GUINT64_FORMAT, v->number.u);
}

char *qf_gguf_value_text(const QfGguf *g, const QfGgufValue *value, uint32_t max_items)
{
  GString *s = g_string_new(NULL);
  append_text(s, g, value, max_items);
  return g_string_free(s, FALSE);
}

uint32_t qf_gguf_n_tensors(const QfGguf *g)
{
  return g->tensors->len;
}

const QfGgufTensor *qf_gguf_tensor(const QfGguf *g, uint32_t index)
{
  return index < g->tensors->len ? &g_array_index(g->tensors, QfGgufTensor, index) : NULL;
}

const QfGgufTensor *qf_gguf_find_tensor(const QfGguf *g, const char *name)
{
  const guint index = GPOINTER_TO_UINT(g_hash_table_lookup(g->by_name, name));
  return index ? qf_gguf_tensor(g, index - 1) : NULL;
}

const QfkBlockDef *qf_gguf_format(const QfGgufTensor *tensor)
{
  return qfk_block_by_number(tensor->type_number);
}

GBytes *qf_gguf_tensor_bytes(const QfGguf *g, const QfGgufTensor *t)
{
  const QfkBlockDef *f = qf_gguf_format(t);
  if (!g->big_endian)
    return g_bytes_new_from_bytes(g->bytes, t->offset, t->size_bytes);
  uint8_t *swapped = g_malloc(MAX(t->size_bytes, 1));
  qfk_block_swap(f, g->data + t->offset, t->size_bytes / f->bytes, swapped);
  return g_bytes_new_take(swapped, t->size_bytes);
}

gboolean qf_gguf_decode(const QfGguf *g, const QfGgufTensor *t, uint64_t first, uint64_t count, float *values)
{
  const QfkBlockDef *f = qf_gguf_format(t);
  if (first % f->values || count % f->values || first > t->n_values || count > t->n_values - first)
    return FALSE;
  const uint8_t *block = g->data + t->offset + first / f->values * f->bytes;
  for (uint64_t i = 0; i < count; i += f->values, block += f->bytes) {
    uint8_t swapped[QFK_BLOCK_MAX_BYTES];
    if (g->big_endian)
      qfk_block_swap(f, block, 1, swapped);
    f->decode(g->big_endian ? swapped : block, values + i);
  }
  return TRUE;
}
