/* SPDX-License-Identifier: MIT */
/*
 * doctor.c - see doctor.h.
 */
#include "doctor.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

void qf_doctor_line(GString *s, const char *state, const char *format, ...)
{
  va_list args;
  va_start(args, format);
  g_string_append_printf(s, "  %-8s ", state);
  g_string_append_vprintf(s, format, args);
  g_string_append_c(s, '\n');
  va_end(args);
}

void qf_doctor_module_path(GString *s, const char *module)
{
  const char *path = g_getenv("ADSP_LIBRARY_PATH");
  if (!path)
    qf_doctor_line(
        s, "missing",
        "ADSP_LIBRARY_PATH is not set: the DSP finds %s only in the system's places; set it to the folder of "
        "the skel",
        module);
  else if (strchr(path, ':') && !strchr(path, ';'))
    qf_doctor_line(s, "problem",
                   "ADSP_LIBRARY_PATH=%s: folders are separated by ';' here: a ':' makes one folder of them",
                   path);
  else
    qf_doctor_line(s, "ok", "ADSP_LIBRARY_PATH=%s", path);
}

void qf_doctor_nodes(GString *s, const char *const *nodes, const char *none)
{
  guint found = 0;
  for (; *nodes; nodes++) {
    if (access(*nodes, F_OK))
      continue;
    found++;
    if (access(*nodes, R_OK | W_OK))
      qf_doctor_line(s, "problem", "%s: %s: give this user access to it (a udev rule, or its group)", *nodes,
                     g_strerror(errno));
    else
      qf_doctor_line(s, "ok", "%s can be opened", *nodes);
  }
  if (!found)
    qf_doctor_line(s, "missing", "%s", none);
}

void qf_doctor_dsp_nodes(GString *s)
{
  static const char *const nodes[] = {"/dev/fastrpc-cdsp", "/dev/fastrpc-cdsp-secure", "/dev/adsprpc-smd",
                                      NULL};
  qf_doctor_nodes(
      s, nodes,
      "no DSP: none of /dev/fastrpc-cdsp, /dev/fastrpc-cdsp-secure, /dev/adsprpc-smd is there; the kernel "
      "needs the fastrpc driver and the DSP its firmware");
}
