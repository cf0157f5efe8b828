/* SPDX-License-Identifier: MIT */
/*
 * doctor.c - what our own kernels need to run on a DSP, and what the simulator needs, checked one by one; at the end a session is opened, which
 * is the proof.
 */
#include "doctor.h"

#include "../doctor.h"
#include "device.h"
#include "rpc.h"

#include <string.h>

static gboolean is_module(const char *name)
{
  return g_str_has_prefix(name, "libqnnflow_skel") && g_str_has_suffix(name, ".so");
}

/* Our modules where the DSP looks for them. */
static void check_modules(GString *s)
{
  const char *path = g_getenv("ADSP_LIBRARY_PATH");
  g_auto(GStrv) folders = g_strsplit(path ? path : "", ";", -1);
  guint found = 0;
  for (char **f = folders; *f; f++) {
    g_autoptr(GDir) dir = g_dir_open(*f, 0, NULL);
    for (const char *name; dir && (name = g_dir_read_name(dir));)
      if (is_module(name)) {
        qf_doctor_line(s, "ok", "%s/%s", *f, name);
        found++;
      }
  }
  if (!found)
    qf_doctor_line(
        s, "missing",
        "no libqnnflow_skel*.so in ADSP_LIBRARY_PATH: our program for the DSP, which is installed in "
        "lib/qnnflow/dsp");
}

static void check_session(GString *s, const QfHtpOptions *options)
{
  g_autoptr(GError) error = NULL;
  QfHtpDevice *d = qf_htp_device_open(options, &error);
  if (!d) {
    qf_doctor_line(s, "problem", "no session: %s", error->message);
    return;
  }
  const QfHtpInfo *i = qf_htp_device_info(d);
  if (qf_htp_device_ping(d, &error))
    qf_doctor_line(s, "ok", "a session opens: %s%u, %u threads, %.1f MB of VTCM",
                   i->arch ? "v" : "in this process, v", i->arch, i->n_threads, i->vtcm_bytes / 1048576.);
  else
    qf_doctor_line(s, "problem", "%s", error->message);
  qf_htp_device_close(d);
}

void qf_htp_diagnose(const QfUnitOptions *options, GString *s)
{
  static const char *const heaps[] = {"/dev/dma_heap/system", "/dev/ion", NULL};
  g_autoptr(GError) error = NULL;
  const QfRpc *rpc = qf_rpc_open(options->library, &error);
  if (rpc)
    qf_doctor_line(s, "ok", "%s: has all functions of FastRPC and of queues%s", rpc->path,
                   rpc->simulated ? " (it is the simulator)" : "");
  else
    qf_doctor_line(s, "missing", "%s", error->message);
  if (!rpc || !rpc->simulated) {
    qf_doctor_dsp_nodes(s);
    qf_doctor_nodes(
        s, heaps,
        "no heap for memory shared with the DSP: neither /dev/dma_heap/system nor /dev/ion is there");
    qf_doctor_module_path(s, "libqnnflow_skel.so");
    check_modules(s);
  }
  if (rpc)
    check_session(s, &(QfHtpOptions){.library = options->library});
}

static void check_qemu(GString *s)
{
  static char name[] = "qemu-hexagon", option[] = "--version";
  char *argv[] = {name, option, NULL};
  g_autofree char *text = NULL;
  if (!g_spawn_sync(NULL, argv, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL, &text,
                    NULL, NULL, NULL)) {
    qf_doctor_line(s, "missing", "qemu-hexagon: install qemu-user");
    return;
  }
  text[strcspn(text, "\n")] = 0;
  qf_doctor_line(s, "ok", "%s", text);
}

void qf_htp_diagnose_simulator(const QfUnitOptions *options, GString *s)
{
  g_autofree char *path = options->library ? g_strdup(options->library) : qf_rpc_simulator();
  g_autoptr(GError) error = NULL;
  const QfRpc *rpc = qf_rpc_open(path, &error);
  if (!rpc) {
    qf_doctor_line(s, "missing", "the simulator: %s", error->message);
    return;
  }
  qf_doctor_line(s, "ok", "%s: libcdsprpc's functions%s", rpc->path,
                 rpc->simulated ? "" : ", but it is no simulator");
  check_qemu(s);
  check_session(s, &(QfHtpOptions){.library = path});
  qf_doctor_line(s, "note",
                 "numbers count here, times do not; a DSP's float kernels and matrix unit are not simulated");
}
