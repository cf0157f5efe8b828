/* SPDX-License-Identifier: MIT */
/*
 * format.c - GGUF among the model formats: recognised, checked, and refused, because it holds no graph. The message says what to do
 * with the weights.
 */
#include "reader.h"
#include "../import.h"

#include <string.h>

static gboolean probe(const uint8_t *data, size_t size)
{
  return size >= 4 && !memcmp(data, QF_GGUF_MAGIC, 4);
}

static gboolean import(QfGraph *graph, GBytes *bytes, const char *directory, const QfModelOptions *options,
                       GError **error)
{
  g_autoptr(QfGguf) g = qf_gguf_open_bytes(bytes, graph->name, error);
  if (!g)
    return FALSE;
  const QfGgufEntry *e = qf_gguf_find_metadata(g, "general.architecture");
  g_autofree char *architecture = e ? qf_gguf_value_text(g, &e->value, 0) : g_strdup("unnamed");
  g_set_error(error, QF_ERROR, QF_ERROR_UNSUPPORTED,
              "%s: a GGUF file holds weights (%u tensors, architecture %s) but no graph: load a model, for "
              "instance ONNX, whose inputs "
              "are named as the tensors, with this file as its weights (--weights, QfModelOptions.weights), "
              "or read the tensors "
              "with <qnnflow/gguf.h>; `qnnflow dump` lists them",
              graph->name, qf_gguf_n_tensors(g), architecture);
  return FALSE;
}

const QfFormat qf_format_gguf = {
    .name = "gguf",
    .extensions = ".gguf (weights only)",
    .probe = probe,
    .import = import,
};
