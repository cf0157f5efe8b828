/* SPDX-License-Identifier: MIT */
/*
 * gguf_seeds.c - writes small GGUF files to a folder, as seeds for fuzz-gguf.
 * usage: gguf-seeds DIR
 */
#include "gguf_build.h"

#include <glib/gstdio.h>
#include <stdio.h>

int main(int argc, char **argv)
{
  gboolean ok = argc == 2 && g_mkdir_with_parents(argv[1], 0755) == 0;
  for (uint32_t i = 0; ok && i < 4; i++) {
    g_autofree char *path = g_strdup_printf("%s/sample-%u.gguf", argv[1], i);
    g_autoptr(GBytes) bytes = gb_sample(i & 1, 2 + i / 2);
    gsize size;
    const char *data = g_bytes_get_data(bytes, &size);
    ok = g_file_set_contents(path, data, (gssize)size, NULL);
  }
  if (!ok)
    fprintf(stderr, "usage: gguf-seeds DIR\n");
  return !ok;
}
