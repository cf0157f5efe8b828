/* SPDX-License-Identifier: MIT */
/*
 * flex.h - reading one FlexBuffer map of numbers, the form custom operators keep their options in.
 * Bounds are checked at each step; what is damaged looks absent. Nothing is allocated.
 */
#ifndef QF_IMPORT_TFLITE_FLEX_H
#define QF_IMPORT_TFLITE_FLEX_H

#include <glib.h>
#include <stdint.h>

typedef struct {
  const uint8_t *data;
  size_t size;
  size_t keys, values, types; /* positions of the three lists */
  uint32_t count;
  uint8_t key_width, value_width;
} QfFlexMap;

/* FALSE when @data is not a FlexBuffer whose root is a map. */
gboolean qf_flex_open(QfFlexMap *map, const uint8_t *data, size_t size);

/* A number (integer, float or bool) by its key; @def when there is none. */
double qf_flex_get(const QfFlexMap *map, const char *key, double def);

#endif
