/* SPDX-License-Identifier: MIT */
/*
 * tool.h - the qnnflow program: its subcommands are rows of the table in main.c, one file each.
 * Shared here: options that describe a model, the text of errors, exit codes.
 */
#ifndef QF_TOOLS_TOOL_H
#define QF_TOOLS_TOOL_H

#include <qnnflow/qnnflow.h>

G_BEGIN_DECLS

/* What the program exits with. */
enum {
  QF_EXIT_OK = 0,
  QF_EXIT_FAILED = 1,        /* the work could not be done; one line on stderr says why */
  QF_EXIT_USAGE = 2,         /* the command line is wrong; nothing was done */
  QF_EXIT_INTERRUPTED = 130, /* a second SIGINT or SIGTERM */
};

/* One subcommand. */
typedef struct {
  const char *name;
  const char *arguments;   /* of the usage line, after the options */
  const char *summary;     /* one line for the list of subcommands */
  const char *description; /* what --help says below the options */
  int (*run)(int argc, char **argv);
} QfTool;

extern const QfTool qf_tool_bench, qf_tool_compare, qf_tool_convert, qf_tool_devices, qf_tool_doctor,
    qf_tool_dump, qf_tool_launch, qf_tool_run;

/* How to load and run a model: the options that several subcommands share. Zero-initialise. */
typedef struct {
  char *backend, *backend_library, *backend_config, *fallback, *requant, *weights, *signature;
  char **dims; /* "NAME=1x3x224x224" */
  int threads, seed_weights;
  gboolean no_optimize, check, all_tensors, no_packed, fast_math;
  const QfInputDims *file_dims; /* without `dims`: those of the input files; borrowed */
  guint n_file_dims;
} QfToolModel;

/* The option group that fills in @model, which must live until the options have been parsed. */
GOptionGroup *qf_tool_model_group(QfToolModel *model);

/* Frees the strings. */
void qf_tool_model_clear(QfToolModel *model);

/* Calls @use with the options as the engine takes them, which live as long as the call. */
typedef gboolean (*QfToolOptionsFunc)(const QfModelOptions *options, gpointer data, GError **error);
gboolean qf_tool_with_options(const QfToolModel *model, QfToolOptionsFunc use, gpointer data, GError **error);

/* Loads @path as the options say. */
QfModel *qf_tool_load(const char *path, const QfToolModel *model, GError **error);

/* Writes @path as a native file @output as the options say. */
gboolean qf_tool_convert_file(const char *path, const char *output, const QfToolModel *model, GError **error);

/*
 * Parses the options of @tool; what is left stays in argv[1] to argv[argc-1]. @group may be NULL. FALSE when they are
 * wrong, or when there are fewer than @least or more than @most arguments: that has been said on stderr then.
 */
gboolean qf_tool_parse(const QfTool *tool, int *argc, char ***argv, const GOptionEntry *entries,
                       GOptionGroup *group, int least, int most);

/* Prints "qnnflow NAME: MESSAGE" on stderr and returns QF_EXIT_FAILED. */
int qf_tool_fail(const QfTool *tool, const GError *error);

/* As above for a wrong command line: points at --help and returns QF_EXIT_USAGE. */
int qf_tool_usage(const QfTool *tool, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* "1x224x224x3 uint8". Free with g_free(). */
char *qf_tool_tensor_text(const QfTensorDesc *desc);

/* Fills an input with numbers from a fixed seed: [0, 1) for floats, the whole range for quantized and byte types, zeros
 * for other integers, which may be indices. */
void qf_tool_fill_random(const QfTensorDesc *desc, void *data);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(QfToolModel, qf_tool_model_clear)

G_END_DECLS

#endif
