/* SPDX-License-Identifier: MIT */
/*
 * native.h - the layout of a .qnnf file, for its reader and its writer. README.md describes it for everybody else.
 *
 * Everything is little-endian. Structure is a stream of 32-bit words, so it is read with one cursor; names are indices into a
 * list of strings; constants lie behind the structure, aligned, and are used where they lie in the mapped file.
 */
#ifndef QF_IMPORT_NATIVE_NATIVE_H
#define QF_IMPORT_NATIVE_NATIVE_H

#include "../../graph/graph.h"

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
  uint64_t data_size;      /* bytes behind the structure, to the file's end, a multiple of QF_NATIVE_ALIGN */
  uint64_t data_sum;       /* qf_native_sum() of the data */
  uint64_t reserved;       /* 0 */
  uint64_t sum;            /* qf_native_sum() of the header before it and of the structure */
} QfNativeHeader;
G_STATIC_ASSERT(sizeof(QfNativeHeader) == QF_NATIVE_ALIGN);

typedef enum {
  QF_NATIVE_OPTIMIZED = 1 << 0, /* the passes have run: a reader need not run them again */
} QfNativeFlags;

/* How an attribute's values are stored; strings are indices. */
typedef enum { QF_NATIVE_INT = 1, QF_NATIVE_FLOAT, QF_NATIVE_NAME, QF_NATIVE_LIST } QfNativeKind;

/* How attributes of a kind are stored, and the names of its values (NULL: numbers). */
QfNativeKind qf_native_kind(const QfAttrDef *def);

/* A sum that finds damage (it does not keep out forgers): @size is a multiple of 8; @sum is 0, or what the bytes before gave. */
uint64_t qf_native_sum(uint64_t sum, const void *data, size_t size);

/* The same of the header, its last member aside, and of the structure behind it. @file has both. */
uint64_t qf_native_structure_sum(const void *file, size_t structure_size);

/*
 * Writes @graph, which is compact and verified, to the file @path: wholly or not at all. QF_ERROR_FILE.
 */
gboolean qf_native_write(const QfGraph *graph, const char *path, GError **error);

#endif
