/* SPDX-License-Identifier: MIT */
/*
 * flex.c - FlexBuffers: the root's width and type stand in the last two bytes, lists lie before what points to them, and
 * a map is a list of values, preceded by where its sorted keys lie and followed by a type byte each.
 */
#include "flex.h"

#include <string.h>

enum { FLEX_INT = 1, FLEX_UINT = 2, FLEX_FLOAT = 3, FLEX_INDIRECT_INT = 6, FLEX_MAP = 9, FLEX_BOOL = 26 };

static gboolean inside(const QfFlexMap *m, uint64_t at, uint64_t size)
{
  return at <= m->size && size <= m->size - at;
}

static uint64_t load(const QfFlexMap *m, size_t at, uint32_t width)
{
  uint64_t v = 0;
  for (uint32_t i = 0; i < width; i++)
    v |= (uint64_t)m->data[at + i] << (8 * i);
  return v;
}

#define NOWHERE SIZE_MAX

/* Where the offset at @at leads, which is always backwards. NOWHERE when it is damaged. */
static size_t follow(const QfFlexMap *m, size_t at, uint32_t width)
{
  if (!inside(m, at, width))
    return NOWHERE;
  uint64_t back = load(m, at, width);
  return back <= at ? at - back : NOWHERE;
}

static gboolean valid_width(uint64_t width)
{
  return width == 1 || width == 2 || width == 4 || width == 8;
}

gboolean qf_flex_open(QfFlexMap *map, const uint8_t *data, size_t size)
{
  *map = (QfFlexMap){.data = data, .size = size};
  if (size < 3)
    return FALSE;
  uint8_t root_width = data[size - 1], type = data[size - 2];
  uint32_t width = 1u << (type & 3);
  if (!valid_width(root_width) || type >> 2 != FLEX_MAP || size < 2 + (size_t)root_width)
    return FALSE;
  size_t values = follow(map, size - 2 - root_width, root_width);
  if (values == NOWHERE || values < 3 * (size_t)width)
    return FALSE;
  uint64_t key_width = load(map, values - 2 * width, width), count = load(map, values - width, width);
  size_t keys = follow(map, values - 3 * width, width);
  if (keys == NOWHERE || !valid_width(key_width) || count > size ||
      !inside(map, values, count * (width + 1)) || !inside(map, keys, count * key_width))
    return FALSE;
  map->keys = keys;
  map->values = values;
  map->types = values + count * width;
  map->count = (uint32_t)count;
  map->key_width = (uint8_t)key_width;
  map->value_width = (uint8_t)width;
  return TRUE;
}

static gboolean has_key(const QfFlexMap *m, uint32_t index, const char *key)
{
  size_t at = follow(m, m->keys + (size_t)index * m->key_width, m->key_width);
  size_t size = strlen(key) + 1;
  return at != NOWHERE && inside(m, at, size) && !memcmp(m->data + at, key, size);
}

static double load_float(const QfFlexMap *m, size_t at, uint32_t width, double def)
{
  uint64_t bits = load(m, at, width);
  uint32_t low = (uint32_t)bits;
  float f;
  double d;
  memcpy(&f, &low, 4);
  memcpy(&d, &bits, 8);
  return width == 4 ? (double)f : width == 8 ? d : def;
}

static double load_number(const QfFlexMap *m, size_t at, uint32_t width, uint32_t type, double def)
{
  if (type == FLEX_FLOAT)
    return load_float(m, at, width, def);
  uint64_t v = load(m, at, width);
  uint32_t shift = 64 - 8 * width;
  return type == FLEX_INT ? (double)((int64_t)(v << shift) >> shift) : (double)v;
}

double qf_flex_get(const QfFlexMap *map, const char *key, double def)
{
  for (uint32_t i = 0; i < map->count; i++) {
    if (!has_key(map, i, key))
      continue;
    size_t at = map->values + (size_t)i * map->value_width;
    uint32_t width = map->value_width, type = map->data[map->types + i] >> 2;
    if (type >= FLEX_INDIRECT_INT && type < FLEX_MAP) {
      at = follow(map, at, width);
      width = 1u << (map->data[map->types + i] & 3);
      type -= FLEX_INDIRECT_INT - FLEX_INT;
      if (at == NOWHERE || !inside(map, at, width))
        return def;
    }
    gboolean number = type == FLEX_INT || type == FLEX_UINT || type == FLEX_FLOAT || type == FLEX_BOOL;
    return number ? load_number(map, at, width, type, def) : def;
  }
  return def;
}
