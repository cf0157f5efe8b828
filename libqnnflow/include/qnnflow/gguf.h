/* SPDX-License-Identifier: MIT */
/*
 * gguf.h - GGUF files: weights with names and metadata, without a graph.
 *
 * A QfGguf is an opened file, checked from front to end: every record lies within it. It is immutable and may be
 * used by any number of threads. Metadata and tensors refer into the (mapped) file; nothing is decoded before it is asked for.
 * To compute with the weights, give a model whose inputs have the tensors' names QfModelOptions.weights.
 */
#ifndef QNNFLOW_GGUF_H
#define QNNFLOW_GGUF_H

#include <qnnflow/tensor.h>

G_BEGIN_DECLS

typedef struct _QfGguf QfGguf;

/* Types of metadata, with the numbers of the format. */
typedef enum {
  QF_GGUF_UINT8 = 0,
  QF_GGUF_INT8,
  QF_GGUF_UINT16,
  QF_GGUF_INT16,
  QF_GGUF_UINT32,
  QF_GGUF_INT32,
  QF_GGUF_FLOAT32,
  QF_GGUF_BOOL,
  QF_GGUF_STRING,
  QF_GGUF_ARRAY,
  QF_GGUF_UINT64,
  QF_GGUF_INT64,
  QF_GGUF_FLOAT64,
  QF_GGUF_N_TYPES
} QfGgufType;

/* "uint8", "string", ...; "invalid" when out of range. Static. */
QF_API const char *qf_gguf_type_name(QfGgufType type);

/* One value of the metadata. Pointers are valid as long as the QfGguf. */
typedef struct {
  QfGgufType type;
  union {
    uint64_t u; /* UINT8 to UINT64, BOOL (0 or 1) */
    int64_t i;  /* INT8 to INT64 */
    double f;   /* FLOAT32, FLOAT64 */
  } number;
  const char *string;   /* STRING: bytes in the file, not terminated, any encoding; else NULL */
  uint64_t length;      /* STRING: bytes; ARRAY: items */
  QfGgufType item_type; /* ARRAY: type of the items, which may be ARRAY again */
  const uint8_t *items; /* ARRAY: for qf_gguf_items_start() */
} QfGgufValue;

/* One key and its value. */
typedef struct {
  const char *key; /* UTF-8, unique in the file */
  QfGgufValue value;
} QfGgufEntry;

/* One tensor. */
typedef struct {
  const char *name;          /* UTF-8, unique in the file */
  const char *type;          /* how it is stored: "F32", "Q4_K", ... Static */
  uint32_t type_number;      /* the same as the format numbers it */
  int32_t rank;              /* 0 to QF_MAX_RANK */
  int64_t dims[QF_MAX_RANK]; /* outermost first (the file has them innermost first) */
  uint64_t n_values;         /* product of dims */
  uint64_t offset;           /* of the first byte in the file */
  uint64_t size_bytes;       /* as stored */
} QfGgufTensor;

/*
 * Opens and checks a file of version 2 or 3, little or big endian. NULL with QF_ERROR_FILE, QF_ERROR_FORMAT (it is damaged:
 * the message says where) or QF_ERROR_UNSUPPORTED (its version, or a tensor's type). Free with qf_gguf_free().
 * Takes at most 16 times the size of the file's head (that is, without the tensors' data) in memory.
 */
QF_API QfGguf *qf_gguf_open(const char *path, GError **error);

/* As qf_gguf_open(), from memory, which is referred to. @name stands for the file in messages. */
QF_API QfGguf *qf_gguf_open_bytes(GBytes *bytes, const char *name, GError **error);

/* Frees what open returned; NULL does nothing. */
QF_API void qf_gguf_free(QfGguf *gguf);

/* Version (2 or 3), byte order, and alignment of the tensors' data in bytes. */
QF_API uint32_t qf_gguf_version(const QfGguf *gguf);
QF_API gboolean qf_gguf_is_big_endian(const QfGguf *gguf);
QF_API uint32_t qf_gguf_alignment(const QfGguf *gguf);

/* Metadata, in the file's order: number of entries; one of them, NULL when out of range; the one with that key, or NULL. */
QF_API uint32_t qf_gguf_n_metadata(const QfGguf *gguf);
QF_API const QfGgufEntry *qf_gguf_metadata(const QfGguf *gguf, uint32_t index);
QF_API const QfGgufEntry *qf_gguf_find_metadata(const QfGguf *gguf, const char *key);

/* Goes through the items of an array. Read-only for the caller. */
typedef struct {
  const QfGguf *gguf;
  const uint8_t *at; /* next item */
  uint64_t left;     /* items to come */
  QfGgufType type;
} QfGgufItems;

/* Starts at the first item of @array (of another type: there are none). */
QF_API void qf_gguf_items_start(QfGgufItems *items, const QfGguf *gguf, const QfGgufValue *array);
/* Fills @value with the next item; FALSE after the last one. */
QF_API gboolean qf_gguf_items_next(QfGgufItems *items, QfGgufValue *value);

/* A value as text; of arrays at most @max_items items, then their number. Strings are quoted and escaped. Free with g_free(). */
QF_API char *qf_gguf_value_text(const QfGguf *gguf, const QfGgufValue *value, uint32_t max_items);

/* Tensors, in the file's order: their number; one of them, NULL when out of range; the one with that name, or NULL. */
QF_API uint32_t qf_gguf_n_tensors(const QfGguf *gguf);
QF_API const QfGgufTensor *qf_gguf_tensor(const QfGguf *gguf, uint32_t index);
QF_API const QfGgufTensor *qf_gguf_find_tensor(const QfGguf *gguf, const char *name);

/* The bytes of @tensor's blocks, each number little endian: of a little-endian file these are the file's own, else a copy. Release
 * with g_bytes_unref(). */
QF_API GBytes *qf_gguf_tensor_bytes(const QfGguf *gguf, const QfGgufTensor *tensor);

/* Decodes @count values of @tensor from value @first on (it and @count are multiples of the values in a block)
 * into @values. FALSE when @first or @count do not fit. 64-bit types round to float32. */
QF_API gboolean qf_gguf_decode(const QfGguf *gguf, const QfGgufTensor *tensor, uint64_t first, uint64_t count,
                               float *values);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(QfGguf, qf_gguf_free)

G_END_DECLS

#endif
