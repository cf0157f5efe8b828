/* SPDX-License-Identifier: MIT */
/*
 * gguf.h - what `qnnflow dump` does with a GGUF file, which is no model.
 */
#ifndef QF_TOOLS_GGUF_H
#define QF_TOOLS_GGUF_H

#include <glib.h>

/* TRUE when the file begins like a GGUF file. */
gboolean qf_tool_is_gguf(const char *path);

/* Prints the metadata, the tensors, or (both FALSE or both TRUE) all. */
gboolean qf_tool_dump_gguf(const char *path, gboolean metadata, gboolean tensors, GError **error);

#endif
