/* SPDX-License-Identifier: MIT */
/*
 * import.h - model formats. A format is one folder with a reader (knows bytes, no operators) and a map (knows operators, no
 * bytes), one `const QfFormat`, and a line in formats.inc.
 */
#ifndef QF_IMPORT_IMPORT_H
#define QF_IMPORT_IMPORT_H

#include "program.h"
#include <qnnflow/model.h>

typedef struct {
  const char *name;       /* "onnx" */
  const char *extensions; /* for messages, ".onnx" */
  /* TRUE when the bytes look like this format; must not read past @size. */
  gboolean (*probe)(const uint8_t *data, size_t size);
  /*
   * Fills @graph (empty, with name and evaluate set) from @bytes. Constants may refer into @bytes
   * (g_bytes_new_from_bytes). Sets graph->inputs and ->outputs in the file's order. @directory is where external data
   * files may lie (NULL: none). Errors name file, node, op, rule and remedy.
   */
  gboolean (*import)(QfGraph *graph, GBytes *bytes, const char *directory, const QfModelOptions *options,
                     GError **error); /* NULL: there are open, map and close */
  /*
   * For formats whose records are worth keeping, in place of import: open() makes records of the bytes, map() is the rest of import(), any number
   * of times, and close() releases them. @name and @directory outlive the records. Constants of all graphs share their bytes.
   */
  void *(*open)(GBytes *bytes, const char *name, const char *directory, GError **error);
  gboolean (*map)(QfGraph *graph, void *records, const QfModelOptions *options, GError **error);
  void (*close)(void *records);
  /* Makes a program of a file that `import` refused with QF_ERROR_DYNAMIC. NULL: the format has none. */
  QfProgram *(*program)(GBytes *bytes, const char *name, const char *directory, GError **error);
  /* Appends a line for each operator that it knows, as "DOMAIN.NAME" or "NAME". NULL: it does not tell. */
  void (*operators)(GString *text);
} QfFormat;

/* The formats of formats.inc. */
const QfFormat *const *qf_format_list(uint32_t *count);

/*
 * A file of a known format, to be imported any number of times: its bytes stay referenced, and its records are made once where
 * the format can keep them. For one thread at a time.
 */
typedef struct QfSource QfSource;

/* Recognises the format of @bytes, by content. */
QfSource *qf_source_new(GBytes *bytes, const char *name, const char *directory, GError **error);
/* @bytes are a mapped file: pages that have been used may be given back to the system. */
void qf_source_set_mapped(QfSource *source);
void qf_source_free(QfSource *source);
QfGraph *qf_source_import(QfSource *source, const QfModelOptions *options, QfEvaluateFunc evaluate,
                          GError **error);

/* Both in one call. */
QfGraph *qf_import(GBytes *bytes, const char *name, const char *directory, const QfModelOptions *options,
                   QfEvaluateFunc evaluate, GError **error);

/* The same for a model that qf_import() refused with QF_ERROR_DYNAMIC: it becomes a program. NULL without an error: its format
 * has none. */
QfProgram *qf_import_program(GBytes *bytes, const char *name, const char *directory, GError **error);

/* Resolves a graph input's open dimensions (-1) from options->input_dims; an open first one becomes 1. For importers,
 * called with the index among the graph's inputs. QF_ERROR_SHAPE names the input and how to give its dimensions. */
gboolean qf_import_resolve_dims(QfGraph *graph, const QfModelOptions *options, uint32_t index,
                                const char *name, int64_t *dims, int32_t rank, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(QfSource, qf_source_free)

#endif
