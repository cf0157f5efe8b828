/* SPDX-License-Identifier: MIT */
/*
 * remedy.c - what to do instead of an operator that is not supported: by pattern, or because another domain has it. For messages.
 */
#include "map.h"

#include <string.h>

static const struct {
  const char *pattern; /* of "domain.operator"; the standard domain is empty */
  const char *remedy;
} rows[] = {
    {".String*", "there are no tensors of text: do it before the model"},
    {".RegexFullMatch", "there are no tensors of text: do it before the model"},
    {"*.Tokenizer", "there are no tensors of text: do it before the model"},
    {".ImageDecoder", "decode images before the model: the tools read pictures, qnnconvert takes video"},
    {"com.microsoft.extensions.*",
     "it is not of the model but of its surroundings: export without pre- and post-processing"},
    {"ai.onnx.contrib.*",
     "it is not of the model but of its surroundings: export without pre- and post-processing"},
    {"ai.onnx.preview.training.*", "it is for training: export for inference"},
    {"*.Gradient", "it is for training: export for inference"},
    {"*Grad", "it is for training: export for inference"},
    {"ai.onnx.ml.*",
     "convert classic machine learning to tensor operators (MatMul, Gather, Where) before the export"},
    {"com.microsoft.*", "export with graph optimizations off, which keeps standard operators"},
    {"com.ms.internal.nhwc.*", "save the model before the optimizations of an execution provider"},
};

/* The domain that has @op, NULL when none has. */
static const char *other_domain(const char *op)
{
  static const char *const domains[] = {"", "com.microsoft", "ai.onnx.ml"};
  for (guint i = 0; i < G_N_ELEMENTS(domains); i++)
    if (qf_onnx_find_row(domains[i], op))
      return domains[i];
  return NULL;
}

void qf_onnx_add_remedy(GString *text, const char *domain, const char *op)
{
  const char *other = other_domain(op);
  g_autofree char *name = g_strdup_printf("%s.%s", domain, op);
  if (other) {
    g_string_append_printf(text, ": the domain '%s' has it", other);
    return;
  }
  for (guint i = 0; i < G_N_ELEMENTS(rows); i++)
    if (g_pattern_match_simple(rows[i].pattern, name)) {
      g_string_append_printf(text, ": %s", rows[i].remedy);
      return;
    }
}
