/* SPDX-License-Identifier: MIT */
/*
 * main.c - the qnnflow program: finds the subcommand in the table and runs it.
 */
#include "tool.h"

#include <locale.h>
#include <string.h>

static const QfTool *const tools[] = {
    &qf_tool_run,     &qf_tool_bench,   &qf_tool_dump,   &qf_tool_convert,
    &qf_tool_devices, &qf_tool_compare, &qf_tool_doctor,
#ifdef QF_WITH_GST
    &qf_tool_launch,
#endif
};

static void print_help(void)
{
  g_print("Usage: qnnflow COMMAND [OPTION...] [ARGUMENT...]\n\n"
          "Runs neural networks on live streams.\n\nCommands:\n");
  for (guint i = 0; i < G_N_ELEMENTS(tools); i++)
    g_print("  %-10s %s\n", tools[i]->name, tools[i]->summary);
  g_print("\n`qnnflow COMMAND --help` tells more.\n"
          "Exit codes: 0 done, 1 failed (stderr says why), 2 wrong usage, 130 interrupted.\n");
}

int main(int argc, char **argv)
{
  setlocale(LC_ALL, "");
  const char *name = argc > 1 ? argv[1] : "--help";
  if (!strcmp(name, "--help") || !strcmp(name, "-h") || !strcmp(name, "help")) {
    print_help();
    return argc > 1 ? QF_EXIT_OK : QF_EXIT_USAGE;
  }
  if (!strcmp(name, "--version")) {
    g_print("qnnflow %s\n", qf_version());
    return QF_EXIT_OK;
  }
  for (guint i = 0; i < G_N_ELEMENTS(tools); i++)
    if (!strcmp(name, tools[i]->name))
      return tools[i]->run(argc - 1, argv + 1);
  g_printerr("qnnflow: no command '%s'; `qnnflow --help` lists them\n", name);
  return QF_EXIT_USAGE;
}
