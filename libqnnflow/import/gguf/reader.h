/* SPDX-License-Identifier: MIT */
/*
 * reader.h - an opened GGUF file; see <qnnflow/gguf.h> for what it is good for.
 *
 * reader.c fills it and checks every bound; afterwards values are read from the bytes again without checks.
 */
#ifndef QF_IMPORT_GGUF_READER_H
#define QF_IMPORT_GGUF_READER_H

#include "kernels/blockquant/format.h"

#include <qnnflow/gguf.h>

#define QF_GGUF_MAGIC "GGUF"

/* Arrays in arrays, at most so deep: a reader that follows them must not run out of stack. */
#define QF_GGUF_MAX_DEPTH 8

struct _QfGguf {
  char *name; /* for messages */
  GBytes *bytes;
  const uint8_t *data;
  size_t size;
  uint32_t version, alignment;
  gboolean big_endian;
  GArray *metadata;             /* QfGgufEntry */
  GArray *tensors;              /* QfGgufTensor */
  GHashTable *by_key, *by_name; /* index + 1 */
  GStringChunk *strings;
};

/* Bytes of a value of a fixed size; 0: a string or an array. */
size_t qf_gguf_type_size(QfGgufType type);

/* An unsigned number of @size bytes in the file's byte order. */
uint64_t qf_gguf_number(const QfGguf *g, const uint8_t *p, size_t size);

/* Reads the value of @type at @p, which is known to be whole, and returns where it ends. */
const uint8_t *qf_gguf_read_value(const QfGguf *g, QfGgufType type, const uint8_t *p, QfGgufValue *value);

/* How @tensor is stored. */
const QfkBlockDef *qf_gguf_format(const QfGgufTensor *tensor);

#endif
