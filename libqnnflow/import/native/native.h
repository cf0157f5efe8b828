/* SPDX-License-Identifier: MIT */
/*
 * native.h - the layout of a .qnnf file, for its reader and its writer. README.md describes it for everybody else.
 *
 * Everything is little-endian. Structure is a stream of 32-bit words, so it is read with one cursor; names are indices into a
 * list of strings; constants lie behind the structure, aligned, and are used where they lie in the mapped file.
 */
#ifndef QF_IMPORT_NATIVE_NATIVE_H
#define QF_IMPORT_NATIVE_NATIVE_H

#include "../../graph/packed.h"

#include <stdio.h>

#define QF_NATIVE_MAGIC "\x8fQNNF\r\n\x1a" /* 8 bytes: damage by text mode or 7-bit transport shows */
#define QF_NATIVE_VERSION 1
#define QF_NATIVE_ALIGN 64 /* bytes: of the structure's size and of each constant */

/* The first bytes of a file. */
typedef struct {
  char magic[8];
  uint32_t version;
  uint32_t flags; /* QfNativeFlags; an unknown one is an error */
  uint64_t file_size;
  uint64_t structure_size; /* bytes right behind the header, a multiple of QF_NATIVE_ALIGN */
  uint64_t data_size;      /* bytes behind the structure, a multiple of QF_NATIVE_ALIGN */
  uint64_t data_sum;       /* qf_native_sum() of the data */
  uint64_t
      packed_size; /* bytes behind the data, to the file's end: packed constants; a multiple of QF_ALIGNMENT */
  uint64_t sum;    /* qf_native_sum() of the header before it and of the structure */
} QfNativeHeader;
G_STATIC_ASSERT(sizeof(QfNativeHeader) == QF_NATIVE_ALIGN);

typedef enum {
  QF_NATIVE_OPTIMIZED = 1 << 0, /* the passes have run: a reader need not run them again */
  QF_NATIVE_PACKED = 1 << 1,    /* there are packed constants */
} QfNativeFlags;

/* How an attribute's values are stored; strings are indices. */
typedef enum { QF_NATIVE_INT = 1, QF_NATIVE_FLOAT, QF_NATIVE_NAME, QF_NATIVE_LIST } QfNativeKind;

/* How attributes of a kind are stored, and the names of its values (NULL: numbers). */
QfNativeKind qf_native_kind(const QfAttrDef *def);

/* A sum that finds damage (it does not keep out forgers): @size is a multiple of 8; @sum is 0, or what the bytes before gave. */
uint64_t qf_native_sum(uint64_t sum, const void *data, size_t size);

/* The same of the header, its last member aside, and of the structure behind it. @file has both. */
uint64_t qf_native_structure_sum(const void *file, size_t structure_size);

/* The beginning of the packed constants, followed by entries in the order in which lowering asks for blocks, zeros to a multiple of
 * QF_ALIGNMENT, and the blocks, each at such a multiple. */
typedef struct {
  uint64_t sum;        /* qf_native_sum() of all that follows, up to the blocks */
  uint64_t blocks_sum; /* the same of the blocks */
  uint32_t n_blocks, reserved;
  char unit[104]; /* whom they are for, with zeros behind it */
} QfNativePackedHead;

typedef struct {
  uint64_t key, at, size; /* of kernel and size; place in the section; bytes */
} QfNativePackedEntry;

/* What the last @size bytes of @file hold, for the graph's lowering. NULL, or what is wrong with them. */
const char *qf_native_read_packed(QfGraph *graph, GBytes *file, uint64_t size, gboolean check);
uint64_t qf_native_packed_size(const QfPackedStore *store);
gboolean qf_native_write_packed(const QfPackedStore *store, FILE *file);

/*
 * Writes @graph, which is compact and verified, to the file @path: wholly or not at all. Its packed constants too, when its store says
 * for whom they were made. QF_ERROR_FILE.
 */
gboolean qf_native_write(const QfGraph *graph, const char *path, GError **error);

#endif
