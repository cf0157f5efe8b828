/* SPDX-License-Identifier: MIT */
/*
 * flat.c - FlatBuffers: positions are checked before every load, in 64-bit arithmetic that cannot wrap.
 * schema.h has the field ids; model.c makes records of a TFLite file with these functions.
 */
#include "flat.h"

#include <string.h>

static const uint8_t widths[] = {[QF_FLAT_I8] = 1,  [QF_FLAT_U8] = 1,  [QF_FLAT_I16] = 2, [QF_FLAT_U16] = 2,
                                 [QF_FLAT_I32] = 4, [QF_FLAT_U32] = 4, [QF_FLAT_I64] = 8};

static void set_fault(QfFlat *flat, const char *text, size_t at)
{
  if (flat->fault)
    return;
  flat->fault = text;
  flat->fault_at = at;
}

static gboolean inside(const QfFlat *flat, uint64_t at, uint64_t size)
{
  return at <= flat->size && size <= flat->size - at;
}

static uint64_t load(const QfFlat *flat, size_t at, uint32_t width)
{
  uint64_t v = 0;
  for (uint32_t i = 0; i < width; i++)
    v |= (uint64_t)flat->data[at + i] << (8 * i);
  return v;
}

static int64_t load_int(const QfFlat *flat, size_t at, QfFlatInt kind)
{
  uint64_t v = load(flat, at, widths[kind]);
  if (kind == QF_FLAT_I8)
    return (int8_t)v;
  if (kind == QF_FLAT_I16)
    return (int16_t)v;
  return kind == QF_FLAT_I32 ? (int32_t)v : (int64_t)v;
}

static float load_float(const QfFlat *flat, size_t at)
{
  uint32_t bits = (uint32_t)load(flat, at, 4);
  float f;
  memcpy(&f, &bits, 4);
  return f;
}

static QfFlatTable open_table(QfFlat *flat, uint64_t at)
{
  QfFlatTable none = {0};
  if (!inside(flat, at, 4)) {
    set_fault(flat, "a table lies outside the file", at);
    return none;
  }
  int64_t vtable = (int64_t)at - load_int(flat, at, QF_FLAT_I32);
  if (vtable < 0 || !inside(flat, vtable, 4)) {
    set_fault(flat, "a table's field list lies outside the file", at);
    return none;
  }
  QfFlatTable t = {flat, at, vtable, (uint16_t)load(flat, vtable, 2), (uint16_t)load(flat, vtable + 2, 2)};
  if (t.vtable_size < 4 || !inside(flat, vtable, t.vtable_size)) {
    set_fault(flat, "a table's field list is cut off", vtable);
    return none;
  }
  if (t.table_size < 4 || !inside(flat, at, t.table_size)) {
    set_fault(flat, "a table is cut off", at);
    return none;
  }
  return t;
}

/* Position of a field of @size bytes; 0 when absent or bad. */
static size_t find_field(const QfFlatTable *t, uint32_t field, uint32_t size)
{
  size_t slot = 4 + 2 * (size_t)field;
  if (!t->flat || slot + 2 > t->vtable_size)
    return 0;
  size_t offset = load(t->flat, t->vtable + slot, 2);
  if (!offset)
    return 0;
  if (offset < 4 || offset + size > t->table_size) {
    set_fault(t->flat, "a field lies outside its table", t->at);
    return 0;
  }
  return t->at + offset;
}

/* Position that the unsigned offset at @at points to; 0 when bad. */
static size_t follow(QfFlat *flat, size_t at)
{
  uint64_t to = (uint64_t)at + load(flat, at, 4);
  if (to == at || !inside(flat, to, 4)) {
    set_fault(flat, "an offset points outside the file", at);
    return 0;
  }
  return to;
}

QfFlatTable qf_flat_root(QfFlat *flat, const char *identifier)
{
  QfFlatTable none = {0};
  if (!inside(flat, 0, 8) || memcmp(flat->data + 4, identifier, 4)) {
    set_fault(flat, "the file's identifier is missing", 4);
    return none;
  }
  return open_table(flat, load(flat, 0, 4));
}

int64_t qf_flat_get_int(const QfFlatTable *table, uint32_t field, QfFlatInt kind, int64_t def)
{
  size_t at = find_field(table, field, widths[kind]);
  return at ? load_int(table->flat, at, kind) : def;
}

float qf_flat_get_float(const QfFlatTable *table, uint32_t field, float def)
{
  size_t at = find_field(table, field, 4);
  return at ? load_float(table->flat, at) : def;
}

QfFlatTable qf_flat_get_table(const QfFlatTable *table, uint32_t field)
{
  QfFlatTable none = {0};
  size_t at = find_field(table, field, 4), to = at ? follow(table->flat, at) : 0;
  return to ? open_table(table->flat, to) : none;
}

QfFlatVector qf_flat_get_vector(const QfFlatTable *table, uint32_t field, uint32_t stride)
{
  QfFlatVector none = {0};
  size_t at = find_field(table, field, 4), to = at ? follow(table->flat, at) : 0;
  if (!to)
    return none;
  uint32_t count = (uint32_t)load(table->flat, to, 4);
  if (!inside(table->flat, (uint64_t)to + 4, (uint64_t)count * stride)) {
    set_fault(table->flat, "a list is longer than the file", to);
    return none;
  }
  return (QfFlatVector){table->flat, to + 4, count, stride};
}

const char *qf_flat_get_string(const QfFlatTable *table, uint32_t field, uint32_t *length)
{
  QfFlatVector v = qf_flat_get_vector(table, field, 1);
  *length = v.count;
  return v.flat ? (const char *)v.flat->data + v.at : NULL;
}

int64_t qf_flat_at_int(const QfFlatVector *vector, uint32_t index, QfFlatInt kind)
{
  if (index >= vector->count || widths[kind] > vector->stride)
    return 0;
  return load_int(vector->flat, vector->at + (size_t)index * vector->stride, kind);
}

float qf_flat_at_float(const QfFlatVector *vector, uint32_t index)
{
  if (index >= vector->count || vector->stride < 4)
    return 0;
  return load_float(vector->flat, vector->at + (size_t)index * vector->stride);
}

QfFlatTable qf_flat_at_table(const QfFlatVector *vector, uint32_t index)
{
  QfFlatTable none = {0};
  if (index >= vector->count || vector->stride < 4)
    return none;
  size_t to = follow(vector->flat, vector->at + (size_t)index * vector->stride);
  return to ? open_table(vector->flat, to) : none;
}
