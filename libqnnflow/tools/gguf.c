/* SPDX-License-Identifier: MIT */
/*
 * gguf.c - `qnnflow dump` of a GGUF file: its metadata and its tensors.
 */
#include "gguf.h"

#include <qnnflow/gguf.h>

#include <stdio.h>
#include <string.h>

/* Items of an array that are shown. */
#define MAX_ITEMS 6

gboolean qf_tool_is_gguf(const char *path)
{
  char magic[4] = {0};
  FILE *file = fopen(path, "rb");
  const gboolean is = file && fread(magic, 1, 4, file) == 4 && !memcmp(magic, "GGUF", 4);
  if (file)
    fclose(file);
  return is;
}

static void print_metadata(const QfGguf *g)
{
  for (uint32_t i = 0; i < qf_gguf_n_metadata(g); i++) {
    const QfGgufEntry *e = qf_gguf_metadata(g, i);
    g_autofree char *text = qf_gguf_value_text(g, &e->value, MAX_ITEMS);
    const gboolean array = e->value.type == QF_GGUF_ARRAY;
    g_print("  %-40s %s%s = %s\n", e->key, qf_gguf_type_name(array ? e->value.item_type : e->value.type),
            array ? "[]" : "", text);
  }
}

static void print_tensors(const QfGguf *g)
{
  for (uint32_t i = 0; i < qf_gguf_n_tensors(g); i++) {
    const QfGgufTensor *t = qf_gguf_tensor(g, i);
    g_autofree char *dims = qf_dims_to_string(t->dims, t->rank);
    g_print("  %-40s %-8s %-20s %12" G_GUINT64_FORMAT " bytes\n", t->name, t->type, dims, t->size_bytes);
  }
}

gboolean qf_tool_dump_gguf(const char *path, gboolean metadata, gboolean tensors, GError **error)
{
  g_autoptr(QfGguf) g = qf_gguf_open(path, error);
  uint64_t values = 0, bytes = 0;
  if (!g)
    return FALSE;
  for (uint32_t i = 0; i < qf_gguf_n_tensors(g); i++) {
    values += qf_gguf_tensor(g, i)->n_values;
    bytes += qf_gguf_tensor(g, i)->size_bytes;
  }
  if (metadata == tensors) {
    g_print("%s: GGUF version %u, %s endian, aligned to %u bytes: %u metadata, %u tensors, %" G_GUINT64_FORMAT
            " values in %.1f MB; weights without a graph\n",
            path, qf_gguf_version(g), qf_gguf_is_big_endian(g) ? "big" : "little", qf_gguf_alignment(g),
            qf_gguf_n_metadata(g), qf_gguf_n_tensors(g), values, (double)bytes / 1e6);
    metadata = tensors = TRUE;
  }
  if (metadata)
    print_metadata(g);
  if (tensors)
    print_tensors(g);
  return TRUE;
}
