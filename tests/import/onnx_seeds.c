/* SPDX-License-Identifier: MIT */
/*
 * onnx_seeds.c - writes the models of tests/import/onnx_cases.c to a folder, as seeds for fuzz-onnx.
 * usage: onnx-seeds DIR
 */
#include "onnx_build.h"
#include "onnx_cases.h"

#include <glib/gstdio.h>
#include <stdio.h>

static gboolean write_seed(const char *dir, const char *kind, const char *name, const char *model)
{
  g_autofree char *path = g_strdup_printf("%s/%s-%s.onnx", dir, kind, name);
  g_autoptr(GBytes) bytes = onnx_build(model);
  gsize size;
  const char *data = g_bytes_get_data(bytes, &size);
  return g_file_set_contents(path, data, (gssize)size, NULL);
}

int main(int argc, char **argv)
{
  gboolean ok = argc == 2 && g_mkdir_with_parents(argv[1], 0755) == 0;
  for (const OnnxGraphCase *c = onnx_graph_cases; ok && c->name; c++)
    ok = write_seed(argv[1], "graph", c->name, c->model);
  for (const OnnxValueCase *c = onnx_value_cases; ok && c->name; c++)
    ok = write_seed(argv[1], "value", c->name, c->model);
  for (const OnnxErrorCase *c = onnx_error_cases; ok && c->name; c++)
    ok = write_seed(argv[1], "error", c->name, c->model);
  if (!ok)
    fprintf(stderr, "usage: onnx-seeds DIR\n");
  return !ok;
}
