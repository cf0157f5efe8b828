/* SPDX-License-Identifier: MIT */
/*
 * fuzz_import.c - any bytes through one model format: import with folding, verification, then all passes. Whatever the bytes,
 * the answer is a graph or an error. QF_FUZZ_FORMAT names the format. Built with -Dfuzz=true it is a libFuzzer target,
 * else a program that takes the files on its command line.
 */
#include "libqnnflow/backends/backend.h"
#include "libqnnflow/import/import.h"
#include "libqnnflow/passes/passes.h"

#include <stdio.h>

extern const QfFormat QF_FUZZ_FORMAT;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static const QfModelOptions options;
  g_autoptr(GBytes) bytes = g_bytes_new(data, size);
  g_autoptr(GError) error = NULL;
  g_autoptr(QfGraph) graph = qf_graph_new("fuzz");
  graph->evaluate = qf_ref_evaluate;
  QF_FUZZ_FORMAT.probe(data, size);
  gboolean done = QF_FUZZ_FORMAT.import(graph, bytes, NULL, &options, &error) &&
                  qf_graph_verify(graph, &error) && qf_passes_run(graph, FALSE, &error);
  if (done == (error != NULL))
    g_error("success with an error, or failure without one");
  return 0;
}

#ifndef QF_FUZZ
int main(int argc, char **argv)
{
  for (int i = 1; i < argc; i++) {
    g_autofree char *data = NULL;
    g_autoptr(GError) error = NULL;
    gsize size;
    if (!g_file_get_contents(argv[i], &data, &size, &error)) {
      fprintf(stderr, "%s\n", error->message);
      return 1;
    }
    LLVMFuzzerTestOneInput((const uint8_t *)data, size);
    printf("%s: %zu bytes\n", argv[i], size);
  }
  return 0;
}
#endif
