/* SPDX-License-Identifier: MIT */
/*
 * gguf_build.h - GGUF files for tests, in either byte order: numbers one by one, tensors from little-endian blocks.
 */
#ifndef QF_TESTS_GGUF_BUILD_H
#define QF_TESTS_GGUF_BUILD_H

#include <qnnflow/gguf.h>

typedef struct {
  gboolean big_endian;
  uint32_t alignment;
  GByteArray *metadata, *tensors, *data;
  uint64_t n_metadata, n_tensors;
} GgufBuild;

GgufBuild *gb_new(gboolean big_endian);

/* A number of @size bytes at the end of @bytes. */
void gb_number(const GgufBuild *b, GByteArray *bytes, size_t size, uint64_t value);
void gb_text(const GgufBuild *b, GByteArray *bytes, const char *text);

/* A key; its value is to follow in b->metadata. */
void gb_key(GgufBuild *b, const char *key, QfGgufType type);
/* Behind a key of type ARRAY, or as an item of such an array. */
void gb_array(GgufBuild *b, QfGgufType item_type, uint64_t n_items);

/* A tensor of blocks of GGUF type @number; dimensions outermost first. */
void gb_tensor(GgufBuild *b, const char *name, uint32_t number, int32_t rank, const int64_t *dims,
               const uint8_t *blocks, size_t size);

/* The file; frees @b. */
GBytes *gb_end(GgufBuild *b, uint32_t version);

/* A file with every type of metadata and a few tensors, about 2 kB. */
GBytes *gb_sample(gboolean big_endian, uint32_t version);

#endif
