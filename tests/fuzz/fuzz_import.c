/* SPDX-License-Identifier: MIT */
/*
 * fuzz_import.c - any bytes through one model format and all that follows. Whatever the bytes, the answer is a graph or an error.
 * QF_FUZZ_FORMAT names the format. QF_FUZZ_SIGN: it has a checksum, which is made right, or no change would get past it.
 */
#include "fuzz.h"

#include "libqnnflow/backends/backend.h"
#include "libqnnflow/import/import.h"
#include "libqnnflow/import/native/native.h"

#include <stdlib.h>
#include <string.h>

extern const QfFormat QF_FUZZ_FORMAT;

#ifdef QF_FUZZ_SIGN
static void sign(uint8_t *data, size_t size)
{
  if (size < sizeof(QfNativeHeader))
    return;
  g_autofree QfNativeHeader *h = g_memdup2(data, sizeof *h);
  memcpy(h->magic, QF_NATIVE_MAGIC, sizeof h->magic);
  h->version = QF_NATIVE_VERSION;
  h->file_size = size;
  h->structure_size = MIN(h->structure_size, size - sizeof *h) / QF_NATIVE_ALIGN * QF_NATIVE_ALIGN;
  h->data_size = size - sizeof *h - h->structure_size;
  memmove(data, h, sizeof *h);
  h->sum = qf_native_structure_sum(data, h->structure_size);
  memmove(data, h, sizeof *h);
}
#else
static void sign(uint8_t *data, size_t size) {}
#endif

/* What cannot be one graph may be a program. It is made, not run: how long a run takes is up to its values. */
static void make_program(GBytes *bytes)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(QfProgram) program = QF_FUZZ_FORMAT.program(bytes, "fuzz", NULL, &error);
  if (!program == !error)
    abort();
  if (program)
    g_free(qf_program_dump(program));
}

/* In one step or, as formats that keep their records have it, in three. */
static gboolean import_bytes(QfGraph *graph, GBytes *bytes, GError **error)
{
  static const QfModelOptions options;
  if (QF_FUZZ_FORMAT.import)
    return QF_FUZZ_FORMAT.import(graph, bytes, NULL, &options, error);
  void *records = QF_FUZZ_FORMAT.open(bytes, "fuzz", NULL, error);
  gboolean done = records && QF_FUZZ_FORMAT.map(graph, records, &options, error);
  if (records)
    QF_FUZZ_FORMAT.close(records);
  return done;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  uint8_t *copy = g_malloc(size + 1);
  memcpy(copy, data, size);
  sign(copy, size);
  g_autoptr(GBytes) bytes = g_bytes_new_take(copy, size);
  g_autoptr(GError) error = NULL;
  QfGraph *graph = qf_graph_new("fuzz");
  graph->evaluate = qf_ref_evaluate;
  graph->file_bytes = size;
  QF_FUZZ_FORMAT.probe(copy, size);
  gboolean done = import_bytes(graph, bytes, &error);
  if (QF_FUZZ_FORMAT.program && g_error_matches(error, QF_ERROR, QF_ERROR_DYNAMIC))
    make_program(bytes);
  qf_fuzz_graph(graph, done, &error, size ? data[size / 2] : 0);
  return 0;
}
