/* SPDX-License-Identifier: MIT */
/*
 * import.c - recognises a model's format by its content, imports it, and settles open dimensions of inputs.
 * Whatever a format gives is verified here, so that passes and backends may trust the graph.
 */
#include "import.h"
#include "foreign.h"
#include "gguf/bind.h"

#include <stdlib.h>
#include <string.h>

#define QF_FORMAT(name) extern const QfFormat qf_format_##name;
#include "formats.inc"
#undef QF_FORMAT

static const QfFormat *const formats[] = {
#define QF_FORMAT(name) &qf_format_##name,
#include "formats.inc"
#undef QF_FORMAT
};

const QfFormat *const *qf_format_list(uint32_t *count)
{
  *count = G_N_ELEMENTS(formats);
  return formats;
}

static int compare_lines(gconstpointer a, gconstpointer b)
{
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

char *qf_format_operators(const char *format, GError **error)
{
  g_autoptr(GString) known = g_string_new(NULL);
  for (guint i = 0; i < G_N_ELEMENTS(formats); i++) {
    if (!formats[i]->operators)
      continue;
    g_string_append_printf(known, "%s%s", known->len ? ", " : "", formats[i]->name);
    if (!format || strcmp(formats[i]->name, format))
      continue;
    g_autoptr(GString) text = g_string_new(NULL);
    formats[i]->operators(text);
    g_string_truncate(text, text->len ? text->len - 1 : 0);
    g_auto(GStrv) lines = g_strsplit(text->str, "\n", -1);
    qsort(lines, g_strv_length(lines), sizeof(*lines), compare_lines);
    return g_strjoinv("\n", lines);
  }
  g_set_error(error, QF_ERROR, QF_ERROR_ARGUMENT,
              "no list of operators is known for '%s'; there is one for: %s", format ? format : "",
              known->str);
  return NULL;
}

static const QfFormat *recognise(const uint8_t *data, size_t size, const char *name, GError **error)
{
  g_autoptr(GString) known = g_string_new(NULL);
  if (!size) {
    g_set_error(error, QF_ERROR, QF_ERROR_FORMAT, "%s: the model file is empty; copy or export it again",
                name);
    return NULL;
  }
  for (guint i = 0; i < G_N_ELEMENTS(formats); i++) {
    if (formats[i]->probe(data, size))
      return formats[i];
    g_string_append_printf(known, "%s%s", i ? ", " : "", formats[i]->extensions);
  }
  const char *advice = qf_foreign_file(data, size);
  g_set_error(error, QF_ERROR, advice ? QF_ERROR_UNSUPPORTED : QF_ERROR_FORMAT,
              "%s: its content is no model format that is known here (%s); %s", name, known->str,
              advice ? advice : "check that it was copied whole");
  return NULL;
}

/* Dimensions that were given must be those of an input: a misspelt name would otherwise be ignored. */
static gboolean all_dims_used(const QfGraph *graph, const QfModelOptions *options, GError **error)
{
  for (uint32_t i = 0; i < options->n_input_dims; i++) {
    const char *name = options->input_dims[i].name;
    guint k = name ? 0 : i;
    while (name && k < graph->inputs->len &&
           strcmp(((QfTensor *)g_ptr_array_index(graph->inputs, k))->name, name))
      k++;
    if (k < graph->inputs->len)
      continue;
    g_set_error(error, QF_ERROR, QF_ERROR_ARGUMENT,
                "%s: dimensions are given for input '%s', which the model does not have", graph->name,
                name ? name : "(by position)");
    return FALSE;
  }
  return TRUE;
}

struct QfSource {
  const QfFormat *format;
  GBytes *bytes;
  char *name, *directory;
  gboolean mapped; /* bytes are a mapped file, whose pages may be given back */
  void *records;   /* of a format that keeps them; NULL: not made yet */
};

QfSource *qf_source_new(GBytes *bytes, const char *name, const char *directory, GError **error)
{
  gsize size;
  const uint8_t *data = g_bytes_get_data(bytes, &size);
  const QfFormat *format = recognise(data, size, name, error);
  if (!format)
    return NULL;
  QfSource *source = g_new0(QfSource, 1);
  source->format = format;
  source->bytes = g_bytes_ref(bytes);
  source->name = g_strdup(name);
  source->directory = g_strdup(directory);
  return source;
}

void qf_source_set_mapped(QfSource *source)
{
  source->mapped = TRUE;
}

void qf_source_free(QfSource *source)
{
  if (!source)
    return;
  if (source->records)
    source->format->close(source->records);
  g_bytes_unref(source->bytes);
  g_free(source->name);
  g_free(source->directory);
  g_free(source);
}

static gboolean fill(QfSource *s, QfGraph *graph, const QfModelOptions *options, GError **error)
{
  if (!s->format->open)
    return s->format->import(graph, s->bytes, s->directory, options, error);
  if (!s->records)
    s->records = s->format->open(s->bytes, s->name, s->directory, error);
  return s->records && s->format->map(graph, s->records, options, error);
}

QfGraph *qf_source_import(QfSource *source, const QfModelOptions *options, QfEvaluateFunc evaluate,
                          GError **error)
{
  static const QfModelOptions defaults;
  g_autoptr(QfGraph) graph = qf_graph_new(source->name);
  graph->format = source->format->name;
  graph->evaluate = evaluate;
  graph->file_bytes = g_bytes_get_size(source->bytes);
  if (source->mapped)
    graph->mapped = g_bytes_get_data(source->bytes, &graph->mapped_size);
  options = options ? options : &defaults;
  if (!fill(source, graph, options, error) || !all_dims_used(graph, options, error))
    return NULL;
  if (options->weights && qf_gguf_is_file(options->weights) && !qf_gguf_bind(graph, options->weights, error))
    return NULL;
  if (!qf_graph_verify(graph, error))
    return NULL;
  return g_steal_pointer(&graph);
}

QfGraph *qf_import(GBytes *bytes, const char *name, const char *directory, const QfModelOptions *options,
                   QfEvaluateFunc evaluate, GError **error)
{
  g_autoptr(QfSource) source = qf_source_new(bytes, name, directory, error);
  return source ? qf_source_import(source, options, evaluate, error) : NULL;
}

QfProgram *qf_import_program(GBytes *bytes, const char *name, const char *directory, GError **error)
{
  gsize size;
  const uint8_t *data = g_bytes_get_data(bytes, &size);
  const QfFormat *format = recognise(data, size, name, error);
  return format && format->program ? format->program(bytes, name, directory, error) : NULL;
}

/* The caller's dimensions of an input: by name first, else the unnamed entry at the input's own index. */
static const QfInputDims *find_dims(const QfModelOptions *options, uint32_t index, const char *name)
{
  if (!options)
    return NULL;
  for (uint32_t i = 0; i < options->n_input_dims; i++)
    if (options->input_dims[i].name && !strcmp(options->input_dims[i].name, name))
      return &options->input_dims[i];
  if (index < options->n_input_dims && !options->input_dims[index].name)
    return &options->input_dims[index];
  return NULL;
}

static gboolean apply_dims(const QfGraph *graph, const QfInputDims *given, const char *name, int64_t *dims,
                           int32_t rank, GError **error)
{
  gboolean fits = given->rank == rank;
  for (int i = 0; fits && i < rank; i++)
    fits = given->dims[i] >= 0 && (dims[i] < 0 || dims[i] == given->dims[i]);
  if (!fits) {
    g_autofree char *wanted = qf_dims_to_string(dims, rank);
    g_autofree char *got = qf_dims_to_string(given->dims, CLAMP(given->rank, 0, QF_MAX_RANK));
    g_set_error(error, QF_ERROR, QF_ERROR_SHAPE,
                "%s: the dimensions %s given for input '%s' do not fit the model's %s ('?' is open)",
                graph->name, got, name, wanted);
    return FALSE;
  }
  memcpy(dims, given->dims, (size_t)rank * sizeof(*dims));
  return TRUE;
}

gboolean qf_import_resolve_dims(QfGraph *graph, const QfModelOptions *options, uint32_t index,
                                const char *name, int64_t *dims, int32_t rank, GError **error)
{
  const QfInputDims *given = find_dims(options, index, name);
  for (int i = 0; i < rank; i++) {
    graph->open_dims |= dims[i] < 0;
    if (dims[i] < 0)
      qf_graph_name_dim(graph, index, i, "");
  }
  if (given)
    return apply_dims(graph, given, name, dims, rank, error);
  g_autofree char *open = qf_dims_to_string(dims, rank);
  if (rank > 0 && dims[0] < 0)
    dims[0] = 1;
  for (int i = 0; i < rank; i++) {
    if (dims[i] >= 0)
      continue;
    g_set_error(
        error, QF_ERROR, QF_ERROR_SHAPE,
        "%s: dimension %d of input '%s' (%s) is open: give all its dimensions, --dims=%s=1x... to tools, "
        "input-dims=%s:1x... to elements, QfModelOptions.input_dims in code",
        graph->name, i, name, open, name, name);
    return FALSE;
  }
  return TRUE;
}
