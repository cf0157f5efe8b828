/* SPDX-License-Identifier: MIT */
/*
 * cmd-convert.c - `qnnflow convert`: any model that can be imported as a native file, which loads at once.
 */
#include "tool.h"

#include <glib/gstdio.h>
#include <string.h>

/* "model.onnx" becomes "model.qnnf" in the current folder. */
static char *default_output(const char *path)
{
  g_autofree char *name = g_path_get_basename(path);
  char *dot = strrchr(name, '.');
  if (dot && dot != name)
    *dot = 0;
  return g_strconcat(name, ".qnnf", NULL);
}

static uint64_t file_size(const char *path)
{
  GStatBuf info;
  return g_stat(path, &info) == 0 ? (uint64_t)info.st_size : 0;
}

static int run(int argc, char **argv)
{
  g_autofree char *output = NULL;
  g_auto(QfToolModel) options = {0};
  g_autoptr(GError) error = NULL;
  const GOptionEntry entries[] = {
      {"output", 'o', 0, G_OPTION_ARG_FILENAME, &output, "File to write (default: MODEL.qnnf here)", "FILE"},
      {"no-packed", 0, 0, G_OPTION_ARG_NONE, &options.no_packed,
       "Leave out constants packed for this machine, by which it loads faster here: half the size", NULL},
      {NULL},
  };
  if (!qf_tool_parse(&qf_tool_convert, &argc, &argv, entries, qf_tool_model_group(&options), 1, 1))
    return QF_EXIT_USAGE;
  if (!output)
    output = default_output(argv[1]);
  uint64_t before = file_size(argv[1]);
  if (!qf_tool_convert_file(argv[1], output, &options, &error))
    return qf_tool_fail(&qf_tool_convert, error);
  g_print("%s: %.1f kB from %s (%.1f kB)\n", output, file_size(output) / 1e3, argv[1], before / 1e3);
  return QF_EXIT_OK;
}

const QfTool qf_tool_convert = {
    .name = "convert",
    .arguments = "MODEL",
    .summary = "Write a model as a native file (.qnnf), which loads at once",
    .description = "The file holds the graph as it runs, after optimisation; with --no-optimize as it was "
                   "imported.\nIts results are those of MODEL, bit for bit.",
    .run = run,
};
