/* SPDX-License-Identifier: MIT */
/*
 * cmd-doctor.c - `qnnflow doctor`: what each unit needs on this machine, what of it is there, and what to do.
 */
#include "tool.h"

#include <qnnflow/device.h>
#include <string.h>

static int run(int argc, char **argv)
{
  g_autofree char *library = NULL;
  const GOptionEntry entries[] = {
      {"backend-library", 0, 0, G_OPTION_ARG_FILENAME, &library,
       "Check this library of a vendor (default: the one that is found)", "FILE"},
      {NULL},
  };
  if (!qf_tool_parse(&qf_tool_doctor, &argc, &argv, entries, NULL, 0, 1))
    return QF_EXIT_USAGE;
  uint32_t n;
  const QfDevice *devices = qf_device_list(&n);
  for (uint32_t i = 0; i < n; i++) {
    if (argc > 1 && strcmp(argv[1], devices[i].name))
      continue;
    g_autoptr(GError) error = NULL;
    g_autofree char *text = qf_device_diagnose(devices[i].name, library, &error);
    g_print("%s: %s\n%s", devices[i].name, devices[i].description, text ? text : "");
    if (argc > 1)
      return QF_EXIT_OK;
  }
  return argc > 1
             ? qf_tool_usage(&qf_tool_doctor, "there is no unit %s: `qnnflow devices` lists them", argv[1])
             : QF_EXIT_OK;
}

const QfTool qf_tool_doctor = {
    .name = "doctor",
    .arguments = "[UNIT]",
    .summary = "Check what each unit needs on this machine, and say what to do",
    .description = "States: ok, missing, problem, note.",
    .run = run,
};
