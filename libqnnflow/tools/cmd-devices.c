/* SPDX-License-Identifier: MIT */
/*
 * cmd-devices.c - `qnnflow devices`: which units can run a model here, and what the others lack; which decoders there are.
 */
#include "tool.h"

static int run(int argc, char **argv)
{
  uint32_t count;
  if (!qf_tool_parse(&qf_tool_devices, &argc, &argv, NULL, NULL, 0, 0))
    return QF_EXIT_USAGE;
  const QfDevice *devices = qf_device_list(&count);
  for (uint32_t i = 0; i < count; i++)
    g_print("%-6s %-9s %s\n%-16s %s\n", devices[i].name, devices[i].available ? "available" : "missing",
            devices[i].description, "", devices[i].detail);
  const QfDecoderInfo *decoders = qf_decoder_list(&count);
  g_print("\nDecoders, for qnndecode:\n");
  for (uint32_t i = 0; i < count; i++)
    g_print("%-16s %s\n%-16s params: %s\n", decoders[i].name, decoders[i].description, "",
            *decoders[i].params ? decoders[i].params : "none");
  return QF_EXIT_OK;
}

const QfTool qf_tool_devices = {
    .name = "devices",
    .arguments = "",
    .summary = "List the units that can run a model here, and the decoders",
    .description = "A name in the first column is what --backend and the properties `backend` and `decoder` "
                   "of elements take. A unit that is missing may still run with a library given by path; "
                   "`qnnflow doctor` says what each one needs.",
    .run = run,
};
