/* SPDX-License-Identifier: MIT */
/*
 * pipeline.h - pipeline description files (*.gstp).
 *
 * A GKeyFile head, `[pipeline]` with a description and one `[param.NAME]` each parameter (type, default, required,
 * min, max, description), then `[launch]`: a gst-launch string with ${NAME} and whole-line # comments. Values are
 * checked by type and quoted, so that a value never becomes an element. `$$` is a dollar sign. Paths in defaults are
 * relative to the file. The library itself does not use GStreamer: hand the string to gst_parse_launch().
 */
#ifndef QNNFLOW_PIPELINE_H
#define QNNFLOW_PIPELINE_H

#include <qnnflow/error.h>
#include <stdint.h>

G_BEGIN_DECLS

typedef struct _QfPipeline QfPipeline;

/* One declared parameter. Owned by the pipeline. */
typedef struct {
  const char *name;
  const char *type; /* "string", "path", "int", "float", "bool", "launch" (a fragment, inserted unquoted) */
  const char *description;
  const char *value; /* as set, or the default; NULL: none yet */
  gboolean required;
} QfPipelineParam;

/* Reads a file. NULL with QF_ERROR_FILE or _FORMAT, naming file and line. */
QF_API QfPipeline *qf_pipeline_load(const char *path, GError **error);
QF_API void qf_pipeline_free(QfPipeline *pipeline);

/* Description and parameters, in file order. */
QF_API const char *qf_pipeline_description(const QfPipeline *pipeline);
QF_API const QfPipelineParam *qf_pipeline_params(const QfPipeline *pipeline, uint32_t *count);

/* Sets a parameter from text. FALSE with QF_ERROR_ARGUMENT: unknown name, or a value its type does not allow. */
QF_API gboolean qf_pipeline_set(QfPipeline *pipeline, const char *name, const char *value, GError **error);

/* The launch string with all parameters put in; free with g_free(). NULL with QF_ERROR_ARGUMENT when a required one
 * was not set. */
QF_API char *qf_pipeline_launch_string(const QfPipeline *pipeline, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(QfPipeline, qf_pipeline_free)

G_END_DECLS

#endif
