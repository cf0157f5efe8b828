/* SPDX-License-Identifier: MIT */
/*
 * qnn.c - the backend over a vendor's QNN library: one row of functions. graph.c asks and runs, unit.c opens.
 */
#include "unit.h"

static gboolean probe(GString *detail)
{
  g_autoptr(GString) looked = g_string_new(NULL);
  g_autofree char *path = qf_qnn_library_find(looked);
  if (path)
    g_string_append(detail, path);
  else
    g_string_append_printf(detail,
                           "no libQnnHtp.so in %s; a QNN library elsewhere runs with backend-library=PATH",
                           looked->str);
  return path != NULL;
}

const QfBackend qf_backend_qnn = {.name = "qnn",
                                  .description = "a vendor's QNN library (HTP, GPU, ...), by path",
                                  .probe = probe,
                                  .by_name = TRUE,
                                  .diagnose = qf_qnn_diagnose,
                                  .open = qf_qnn_unit_open,
                                  .close = qf_qnn_unit_close,
                                  .maps_memory = TRUE,
                                  .supports = qf_qnn_supports,
                                  .min_part_macs = 100000,
                                  .lower = qf_qnn_lower};
