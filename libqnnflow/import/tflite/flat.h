/* SPDX-License-Identifier: MIT */
/*
 * flat.h - reading FlatBuffers from untrusted bytes.
 *
 * Nothing is trusted: each offset, table, vtable, vector and string is checked against the buffer when it is touched, and
 * numbers are loaded byte by byte, so alignment does not matter. Nothing recurses. The first violation is kept in the
 * reader and what could not be read looks absent: callers look at `fault` once, when they are done.
 */
#ifndef QF_IMPORT_TFLITE_FLAT_H
#define QF_IMPORT_TFLITE_FLAT_H

#include <glib.h>
#include <stdint.h>

typedef struct {
  const uint8_t *data;
  size_t size;
  const char *fault; /* static text of the first violation, NULL: none so far */
  size_t fault_at;   /* byte position of it */
} QfFlat;

/* A table whose vtable lies in the buffer. flat NULL: absent; every read gives the default then. */
typedef struct {
  QfFlat *flat;
  size_t at;     /* position of the table */
  size_t vtable; /* position of its vtable */
  uint16_t vtable_size, table_size;
} QfFlatTable;

/* A vector that lies in the buffer with all its elements. count 0 when absent. */
typedef struct {
  QfFlat *flat;
  size_t at; /* position of the first element */
  uint32_t count;
  uint32_t stride; /* bytes an element */
} QfFlatVector;

/* Kinds of scalars. */
typedef enum {
  QF_FLAT_I8,
  QF_FLAT_U8,
  QF_FLAT_I16,
  QF_FLAT_U16,
  QF_FLAT_I32,
  QF_FLAT_U32,
  QF_FLAT_I64
} QfFlatInt;

/* The root table. @identifier: four characters at byte 4. */
QfFlatTable qf_flat_root(QfFlat *flat, const char *identifier);

/* Fields of a table by id (declaration order in the schema), with the schema's default. */
int64_t qf_flat_get_int(const QfFlatTable *table, uint32_t field, QfFlatInt kind, int64_t def);
float qf_flat_get_float(const QfFlatTable *table, uint32_t field, float def);
QfFlatTable qf_flat_get_table(const QfFlatTable *table, uint32_t field);
QfFlatVector qf_flat_get_vector(const QfFlatTable *table, uint32_t field, uint32_t stride);
/* A string: NULL when absent, else *@length bytes that need not end with a zero. */
const char *qf_flat_get_string(const QfFlatTable *table, uint32_t field, uint32_t *length);

/* Elements of a vector; 0 or an absent table beyond its end. */
int64_t qf_flat_at_int(const QfFlatVector *vector, uint32_t index, QfFlatInt kind);
float qf_flat_at_float(const QfFlatVector *vector, uint32_t index);
QfFlatTable qf_flat_at_table(const QfFlatVector *vector, uint32_t index);

#endif
