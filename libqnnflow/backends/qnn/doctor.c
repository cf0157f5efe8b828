/* SPDX-License-Identifier: MIT */
/*
 * doctor.c - what a vendor library needs here, checked one by one: library, interface, device, and on a device the DSP's side: stub and skel of
 * one build, where the skel is looked for, the transport, access to the device nodes.
 */
#include "unit.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static void line(GString *s, const char *state, const char *format, ...) G_GNUC_PRINTF(3, 4);

static void line(GString *s, const char *state, const char *format, ...)
{
  va_list args;
  va_start(args, format);
  g_string_append_printf(s, "  %-8s ", state);
  g_string_append_vprintf(s, format, args);
  g_string_append_c(s, '\n');
  va_end(args);
}

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
    line(s, "ok", "HTP v%u, SoC model %u, %" G_GSIZE_FORMAT " MB of VTCM%s", x->arch, x->soc_model,
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

static void check_skel_path(GString *s)
{
  const char *path = g_getenv("ADSP_LIBRARY_PATH");
  if (!path)
    line(s, "missing",
         "ADSP_LIBRARY_PATH is not set: the DSP finds libQnnHtpV*Skel.so only in the system's places; set it "
         "to the folder of "
         "the skel");
  else if (strchr(path, ':') && !strchr(path, ';'))
    line(s, "problem",
         "ADSP_LIBRARY_PATH=%s: folders are separated by ';' here: a ':' makes one folder of them", path);
  else
    line(s, "ok", "ADSP_LIBRARY_PATH=%s", path);
}

static void check_nodes(GString *s)
{
  static const char *const nodes[] = {"/dev/fastrpc-cdsp", "/dev/fastrpc-cdsp-secure", "/dev/adsprpc-smd"};
  guint found = 0;
  for (gsize i = 0; i < G_N_ELEMENTS(nodes); i++) {
    if (access(nodes[i], F_OK))
      continue;
    found++;
    if (access(nodes[i], R_OK | W_OK))
      line(s, "problem", "%s: %s: give this user access to it (a udev rule, or its group)", nodes[i],
           g_strerror(errno));
    else
      line(s, "ok", "%s can be opened", nodes[i]);
  }
  if (!found)
    line(s, "missing",
         "no DSP: none of /dev/fastrpc-cdsp, /dev/fastrpc-cdsp-secure, /dev/adsprpc-smd is there; the kernel "
         "needs the "
         "fastrpc driver and the DSP its firmware");
}

static void check_transport(GString *s)
{
  void *handle = dlopen("libcdsprpc.so", RTLD_LAZY | RTLD_LOCAL);
  if (handle)
    line(s, "ok", "libcdsprpc.so loads");
  else
    line(s, "missing",
         "libcdsprpc.so, which takes calls to the DSP: install the vendor's or the open fastrpc library");
  if (handle)
    dlclose(handle);
}

/* What only a device needs. */
static void check_device_side(GString *s, const char *library)
{
  const guint stubs = count_beside(library, "libQnnHtpV", "Stub.so"),
              skels = count_beside(library, "libQnnHtpV", "Skel.so");
  line(s, stubs ? "ok" : "missing", "%u libQnnHtpV*Stub.so beside the library%s", stubs,
       stubs ? "" : ": put the stub of the device's HTP version there, of the same build");
  line(s, skels ? "ok" : "note", "%u libQnnHtpV*Skel.so beside the library%s", skels,
       skels ? "" : ": it must lie where ADSP_LIBRARY_PATH says, of the same build as the stub");
  check_skel_path(s);
  check_transport(s);
  check_nodes(s);
}

void qf_qnn_diagnose(const QfUnitOptions *options, GString *s)
{
  g_autoptr(GString) looked = g_string_new(NULL);
  g_autoptr(GError) error = NULL;
  g_autofree char *path = options->library ? g_strdup(options->library) : qf_qnn_library_find(looked);
  if (!path) {
    line(s, "missing",
         "libQnnHtp.so: not in %s; install the vendor's SDK and set QNN_SDK_ROOT, or name the library",
         looked->str);
    return;
  }
  const QfQnnLibrary *library = qf_qnn_library_open(path, &error);
  if (!library) {
    line(s, "problem", "%s", error->message);
    return;
  }
  line(s, "ok", "%s: %s, QNN interface %u.%u, build %s", path, library->interface->name,
       library->interface->core.major, library->interface->core.minor, library->build);
  QfQnnUnit *unit = qf_qnn_unit_open(options, &error);
  if (unit) {
    line(s, "ok", "backend and device open");
    describe_platform(s, unit);
    qf_qnn_unit_close(unit);
  } else {
    line(s, "problem", "%s", error->message);
  }
#if defined(__aarch64__)
  check_device_side(s, path);
#else
  if (unit)
    line(s, "note", "on this kind of machine the library emulates the device: numbers count, times do not");
  else
    check_device_side(s, path);
#endif
}
