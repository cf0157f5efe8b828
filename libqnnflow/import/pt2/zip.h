/* SPDX-License-Identifier: MIT */
/*
 * zip.h - the entries of a zip archive whose files are stored as they are. Entries refer into the archive's bytes.
 */
#ifndef QF_IMPORT_PT2_ZIP_H
#define QF_IMPORT_PT2_ZIP_H

#include <qnnflow/error.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
  char *name; /* of the archive, for messages */
  GBytes *bytes;
  GHashTable *entries; /* path -> GBytes */
  GPtrArray *paths;    /* char*, in the archive's order, owned by entries */
} QfZip;

/* TRUE when the bytes begin like a zip archive. */
gboolean qf_zip_probe(const uint8_t *data, size_t size);

/* Lists the entries. QF_ERROR_FORMAT: damaged; QF_ERROR_UNSUPPORTED: a file is compressed or encrypted. */
QfZip *qf_zip_open(GBytes *bytes, const char *name, GError **error);
void qf_zip_free(QfZip *zip);

/* The file at @path, borrowed; NULL: there is none. */
GBytes *qf_zip_find(const QfZip *zip, const char *path);

/* The first path that ends with @suffix, NULL: none. */
const char *qf_zip_ends_with(const QfZip *zip, const char *suffix);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(QfZip, qf_zip_free)

#endif
