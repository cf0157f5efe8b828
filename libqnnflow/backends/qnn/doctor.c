/* SPDX-License-Identifier: MIT */
/*
 * doctor.c - what a vendor library needs here, checked one by one: library, interface, device, and on a device the DSP's side: stub and skel of
 * one build, where the skel is looked for, the transport, access to the device nodes.
 */
#include "../doctor.h"
#include "unit.h"

#include <dlfcn.h>

/* What platform information says of the first device; structures as the library fills them. */
typedef struct {
  uint32_t type, pad;
  size_t vtcm_mb;
  uint32_t soc_model;
  uint8_t signed_pd, dlbc;
  uint32_t arch;
} HtpExtension;

typedef struct {
  uint32_t version, pad0, id, type, n_cores, pad1;
  void *cores;
  const HtpExtension *extension;
} HardwareDevice;

typedef struct {
  uint32_t version, pad0, n_devices, pad1;
  const HardwareDevice *devices;
} PlatformInfo;

static void describe_platform(GString *s, const QfQnnUnit *unit)
{
  const QfQnnLibrary *lib = unit->library;
  const PlatformInfo *info = NULL;
  if (lib->interface->backend_id != QF_QNN_HTP || !qf_qnn_library_has(lib, QF_QNN_deviceGetPlatformInfo) ||
      QF_QNN(lib, deviceGetPlatformInfo, QfQnnHandle, const PlatformInfo **)(unit->log, &info) || !info)
    return;
  if (info->n_devices && info->devices && info->devices->extension) {
    const HtpExtension *x = info->devices->extension;
    qf_doctor_line(s, "ok", "HTP v%u, SoC model %u, %" G_GSIZE_FORMAT " MB of VTCM%s", x->arch, x->soc_model,
                   x->vtcm_mb, x->type ? " (the emulator's default unless soc_model says otherwise)" : "");
  }
  if (qf_qnn_library_has(lib, QF_QNN_deviceFreePlatformInfo))
    QF_QNN(lib, deviceFreePlatformInfo, QfQnnHandle, const PlatformInfo *)(unit->log, info);
}

/* Files beside the library whose names begin and end so. */
static guint count_beside(const char *library, const char *prefix, const char *suffix)
{
  g_autofree char *folder = g_path_get_dirname(library);
  g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
  guint n = 0;
  for (const char *name; dir && (name = g_dir_read_name(dir));)
    n += g_str_has_prefix(name, prefix) && g_str_has_suffix(name, suffix);
  return n;
}

static void check_transport(GString *s)
{
  void *handle = dlopen("libcdsprpc.so", RTLD_LAZY | RTLD_LOCAL);
  if (handle)
    qf_doctor_line(s, "ok", "libcdsprpc.so loads");
  else
    qf_doctor_line(
        s, "missing",
        "libcdsprpc.so, which takes calls to the DSP: install the vendor's or the open fastrpc library");
  if (handle)
    dlclose(handle);
}

/* What only a device needs. */
static void check_device_side(GString *s, const char *library)
{
  const guint stubs = count_beside(library, "libQnnHtpV", "Stub.so"),
              skels = count_beside(library, "libQnnHtpV", "Skel.so");
  qf_doctor_line(s, stubs ? "ok" : "missing", "%u libQnnHtpV*Stub.so beside the library%s", stubs,
                 stubs ? "" : ": put the stub of the device's HTP version there, of the same build");
  qf_doctor_line(s, skels ? "ok" : "note", "%u libQnnHtpV*Skel.so beside the library%s", skels,
                 skels ? "" : ": it must lie where ADSP_LIBRARY_PATH says, of the same build as the stub");
  qf_doctor_module_path(s, "libQnnHtpV*Skel.so");
  check_transport(s);
  qf_doctor_dsp_nodes(s);
}

void qf_qnn_diagnose(const QfUnitOptions *options, GString *s)
{
  g_autoptr(GString) looked = g_string_new(NULL);
  g_autoptr(GError) error = NULL;
  g_autofree char *path = options->library ? g_strdup(options->library) : qf_qnn_library_find(looked);
  if (!path) {
    qf_doctor_line(
        s, "missing",
        "libQnnHtp.so: not in %s; install the vendor's SDK and set QNN_SDK_ROOT, or name the library",
        looked->str);
    return;
  }
  const QfQnnLibrary *library = qf_qnn_library_open(path, &error);
  if (!library) {
    qf_doctor_line(s, "problem", "%s", error->message);
    return;
  }
  qf_doctor_line(s, "ok", "%s: %s, QNN interface %u.%u, build %s", path, library->interface->name,
                 library->interface->core.major, library->interface->core.minor, library->build);
  QfQnnUnit *unit = qf_qnn_unit_open(options, &error);
  if (unit) {
    qf_doctor_line(s, "ok", "backend and device open");
    describe_platform(s, unit);
    qf_qnn_unit_close(unit);
  } else {
    qf_doctor_line(s, "problem", "%s", error->message);
  }
#if defined(__aarch64__)
  check_device_side(s, path);
#else
  if (unit)
    qf_doctor_line(s, "note",
                   "on this kind of machine the library emulates the device: numbers count, times do not");
  else
    check_device_side(s, path);
#endif
}
