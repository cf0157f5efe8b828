/* SPDX-License-Identifier: MIT */
/*
 * foreign.h - files of other tools that users try, and how to get from them to a format that is known here.
 */
#ifndef QF_IMPORT_FOREIGN_H
#define QF_IMPORT_FOREIGN_H

#include <glib.h>
#include <stdint.h>

/* What the bytes of a file that no format takes look like, and what to do about it, as the end of a sentence. NULL: unknown. */
const char *qf_foreign_file(const uint8_t *data, size_t size);

/* The same for a folder. Never NULL. */
const char *qf_foreign_folder(const char *path);

#endif
