/* SPDX-License-Identifier: MIT */
/*
 * options.c - what the subcommands share: options that describe a model, parsing, complaints.
 */
#include "tool.h"

#include <string.h>

GOptionGroup *qf_tool_model_group(QfToolModel *model)
{
  const GOptionEntry entries[] = {
      {"backend", 'b', 0, G_OPTION_ARG_STRING, &model->backend, "Unit that runs the model (default: auto)",
       "NAME"},
      {"backend-library", 0, 0, G_OPTION_ARG_FILENAME, &model->backend_library,
       "A vendor's library, for the unit that needs one (default: looked for in the usual places)", "FILE"},
      {"backend-config", 0, 0, G_OPTION_ARG_FILENAME, &model->backend_config,
       "JSON file with the unit's settings", "FILE"},
      {"fallback", 0, 0, G_OPTION_ARG_STRING, &model->fallback,
       "Nodes that the unit refuses: cpu (default) runs them, none makes them an error", "UNIT"},
      {"threads", 't', 0, G_OPTION_ARG_INT, &model->threads,
       "Threads of a run (default: one a CPU, at most 4)", "N"},
      {"dims", 0, 0, G_OPTION_ARG_STRING_ARRAY, &model->dims,
       "Dimensions of an input that the file leaves open; may be repeated", "[INPUT=]1x3x224x224"},
      {"requant", 0, 0, G_OPTION_ARG_STRING, &model->requant,
       "Integer arithmetic: float; fixed or tflite, by ref where the backend has not got it", "SCHEME"},
      {"weights", 0, 0, G_OPTION_ARG_FILENAME, &model->weights,
       "Weights of a Caffe net (default: the .caffemodel of the same name beside it), or a GGUF file for "
       "inputs that "
       "have its tensors' names",
       "FILE"},
      {"signature", 0, 0, G_OPTION_ARG_STRING, &model->signature,
       "Entry of a TFLite file that has several (default: its first graph)", "KEY"},
      {"seed-weights", 0, 0, G_OPTION_ARG_INT, &model->seed_weights,
       "Make up weights that a Caffe net is without, from this seed (above 0)", "N"},
      {"no-optimize", 0, 0, G_OPTION_ARG_NONE, &model->no_optimize, "Run each node of the file alone", NULL},
      {"fast-math", 0, 0, G_OPTION_ARG_NONE, &model->fast_math,
       "Let float32 be multiplied in bfloat16 where the CPU can: faster, outputs are off by 0.2 to 2 %",
       NULL},
      {"check", 0, 0, G_OPTION_ARG_NONE, &model->check,
       "Compare a .qnnf file's constants with their checksum", NULL},
      {NULL},
  };
  GOptionGroup *group = g_option_group_new("model", "Model Options:", "Options of the model", NULL, NULL);
  g_option_group_add_entries(group, entries);
  return group;
}

void qf_tool_model_clear(QfToolModel *model)
{
  g_free(model->backend);
  g_free(model->backend_library);
  g_free(model->backend_config);
  g_free(model->fallback);
  g_free(model->requant);
  g_free(model->weights);
  g_free(model->signature);
  g_strfreev(model->dims);
  *model = (QfToolModel){0};
}

/* Reads "NAME=1x2x3" or "1x2x3"; the name is owned by @names. */
static gboolean read_dims(const char *text, QfInputDims *dims, GPtrArray *names, GError **error)
{
  const char *equals = strrchr(text, '='), *at = equals ? equals + 1 : text;
  *dims = (QfInputDims){0};
  if (equals) {
    g_ptr_array_add(names, g_strndup(text, equals - text));
    dims->name = g_ptr_array_index(names, names->len - 1);
  }
  g_auto(GStrv) parts = g_strsplit(at, "x", -1);
  guint n = g_strv_length(parts);
  gboolean ok = n >= 1 && n <= QF_MAX_RANK;
  for (guint i = 0; ok && i < n; i++)
    ok = g_ascii_string_to_signed(parts[i], 10, 1, G_MAXINT64, &dims->dims[i], NULL);
  dims->rank = n;
  if (!ok)
    g_set_error(error, QF_ERROR, QF_ERROR_ARGUMENT,
                "--dims %s: write [INPUT=]1x3x224x224, every dimension > 0, at most %d", text, QF_MAX_RANK);
  return ok;
}

/* What QfModelOptions points into. */
typedef struct {
  QfModelOptions options;
  QfInputDims *dims;
  GPtrArray *names;
} Loading;

static void loading_clear(Loading *l)
{
  g_free(l->dims);
  g_clear_pointer(&l->names, g_ptr_array_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Loading, loading_clear)

static gboolean loading_init(Loading *l, const QfToolModel *model, GError **error)
{
  guint n = model->dims ? g_strv_length(model->dims) : 0;
  l->dims = g_new0(QfInputDims, n + 1);
  l->names = g_ptr_array_new_with_free_func(g_free);
  for (guint i = 0; i < n; i++)
    if (!read_dims(model->dims[i], &l->dims[i], l->names, error))
      return FALSE;
  l->options = (QfModelOptions){.backend = model->backend,
                                .backend_library = model->backend_library,
                                .backend_config = model->backend_config,
                                .fallback = model->fallback,
                                .requant = model->requant,
                                .input_dims = n ? l->dims : model->file_dims,
                                .n_input_dims = n ? n : model->n_file_dims,
                                .no_optimize = model->no_optimize,
                                .all_tensors = model->all_tensors,
                                .weights = model->weights,
                                .signature = model->signature,
                                .seed_weights = (uint32_t)MAX(model->seed_weights, 0),
                                .enable_fast_math = model->fast_math,
                                .check_data = model->check,
                                .no_packed = model->no_packed};
  return TRUE;
}

gboolean qf_tool_with_options(const QfToolModel *model, QfToolOptionsFunc use, gpointer data, GError **error)
{
  g_auto(Loading) l = {0};
  return loading_init(&l, model, error) && use(&l.options, data, error);
}

QfModel *qf_tool_load(const char *path, const QfToolModel *model, GError **error)
{
  g_auto(Loading) l = {0};
  return loading_init(&l, model, error) ? qf_model_load(path, &l.options, error) : NULL;
}

gboolean qf_tool_convert_file(const char *path, const char *output, const QfToolModel *model, GError **error)
{
  g_auto(Loading) l = {0};
  return loading_init(&l, model, error) && qf_model_convert(path, output, &l.options, error);
}

gboolean qf_tool_parse(const QfTool *tool, int *argc, char ***argv, const GOptionEntry *entries,
                       GOptionGroup *group, int least, int most)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GOptionContext) context = g_option_context_new(tool->arguments);
  g_autofree char *program = g_strdup_printf("qnnflow %s", tool->name);
  g_set_prgname(program);
  g_option_context_set_summary(context, tool->summary);
  g_option_context_set_description(context, tool->description);
  if (group) /* as the main one, so that --help lists all options at once */
    g_option_context_set_main_group(context, group);
  if (entries)
    g_option_context_add_main_entries(context, entries, NULL);
  if (!g_option_context_parse(context, argc, argv, &error)) {
    qf_tool_usage(tool, "%s", error->message);
    return FALSE;
  }
  if (*argc > 1 && !strcmp((*argv)[1], "--")) {
    memmove(*argv + 1, *argv + 2, (*argc - 1) * sizeof **argv);
    --*argc;
  }
  if (*argc - 1 < least || *argc - 1 > most) {
    qf_tool_usage(tool, *argc - 1 < least ? "an argument is missing: %s" : "too many arguments, wanted: %s",
                  tool->arguments);
    return FALSE;
  }
  return TRUE;
}

int qf_tool_fail(const QfTool *tool, const GError *error)
{
  g_printerr("qnnflow %s: %s\n", tool->name, error->message);
  return QF_EXIT_FAILED;
}

int qf_tool_usage(const QfTool *tool, const char *format, ...)
{
  va_list args;
  va_start(args, format);
  g_autofree char *text = g_strdup_vprintf(format, args);
  va_end(args);
  g_printerr("qnnflow %s: %s\nTry `qnnflow %s --help`.\n", tool->name, text, tool->name);
  return QF_EXIT_USAGE;
}

char *qf_tool_tensor_text(const QfTensorDesc *desc)
{
  g_autofree char *dims = desc->rank < 0 ? g_strdup("(any)") : qf_dims_to_string(desc->dims, desc->rank);
  return g_strdup_printf("%s %s", dims, qf_dtype_name(desc->dtype));
}

void qf_tool_fill_random(const QfTensorDesc *desc, void *data)
{
  g_autoptr(GRand) rand = g_rand_new_with_seed(1);
  size_t n = desc->size_bytes / MAX(qf_dtype_size(desc->dtype), 1);
  memset(data, 0, desc->size_bytes);
  if (desc->dtype == QF_DTYPE_FLOAT32)
    for (size_t i = 0; i < n; i++)
      ((float *)data)[i] = g_rand_double(rand);
  else if (desc->dtype == QF_DTYPE_FLOAT64)
    for (size_t i = 0; i < n; i++)
      ((double *)data)[i] = g_rand_double(rand);
  else if (desc->dtype == QF_DTYPE_FLOAT16 || desc->dtype == QF_DTYPE_BFLOAT16)
    for (size_t i = 0; i < n; i++) /* below the pattern of 1.0 every pattern is a number in [0, 1) */
      ((uint16_t *)data)[i] = g_rand_int_range(rand, 0, desc->dtype == QF_DTYPE_FLOAT16 ? 0x3c00 : 0x3f80);
  else if (desc->dtype != QF_DTYPE_BOOL && (desc->quant.count || qf_dtype_size(desc->dtype) == 1))
    for (size_t i = 0; i < desc->size_bytes; i++)
      ((uint8_t *)data)[i] = g_rand_int_range(rand, 0, 256);
}
