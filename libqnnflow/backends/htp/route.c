/* SPDX-License-Identifier: MIT */
/*
 * route.c - backend htp, the NPU by whichever way leads to it: the vendor's library where it finds a device, for that reaches the matrix
 * unit too, else our own kernels over FastRPC. The model then runs on the backend that was taken, and says so.
 */
#include "../backend.h"
#include "../qnn/unit.h"

/* Our kernels alone, without a choice. */
extern const QfBackend qf_backend_htp;

#define EMULATOR_VARIABLE "QNNFLOW_EMULATOR_IS_DEVICE"

/* On x86-64 the vendor's library is an emulator, which tells of itself what a device does. */
static gboolean emulates(void)
{
#if defined(__x86_64__)
  return !g_getenv(EMULATOR_VARIABLE);
#else
  return FALSE;
#endif
}

/* Whether the vendor's library opens a device here; @why gets what is missing. */
static gboolean vendor_finds_device(const char *library, GString *why)
{
  g_autoptr(GError) error = NULL;
  g_autofree char *found = library ? g_strdup(library) : qf_qnn_library_find(NULL);
  if (!found || emulates()) {
    g_string_append(why,
                    found
                        ? "on this kind of machine it only emulates a device (backend=qnn runs that)"
                        : "libQnnHtp.so is not installed; set backend-library to its path, or QNN_SDK_ROOT");
    return FALSE;
  }
  QfQnnUnit *unit = qf_qnn_unit_open(&(QfUnitOptions){.library = found}, &error);
  if (!unit) {
    g_string_append(why, error->message);
    return FALSE;
  }
  qf_qnn_unit_close(unit);
  return TRUE;
}

static const QfBackend *choose(const QfUnitOptions *options, GError **error)
{
  g_autoptr(GString) vendor = g_string_new(NULL), own = g_string_new(NULL);
  if (vendor_finds_device(options->library, vendor))
    return &qf_backend_qnn;
  if (options->library || qf_backend_htp.probe(own)) {
    g_info("htp: our kernels over FastRPC; the vendor's library: %s", vendor->str);
    return &qf_backend_htp;
  }
  g_set_error(
      error, QF_ERROR, QF_ERROR_DEVICE,
      "backend \"htp\": no way leads to an NPU here. The vendor's library: %s. Our kernels over FastRPC: "
      "%s. `qnnflow doctor htp` says what to do",
      vendor->str, own->str);
  return NULL;
}

/* What would be taken is opened: libraries alone make no NPU. */
static gboolean probe(GString *detail)
{
  g_autoptr(GString) vendor = g_string_new(NULL);
  g_autoptr(GError) error = NULL;
  const QfUnitOptions defaults = {NULL, NULL};
  if (vendor_finds_device(NULL, vendor)) {
    g_string_append(detail, "by the vendor's library");
    return TRUE;
  }
  gpointer own = qf_backend_htp.open(&defaults, &error);
  if (own) {
    qf_backend_htp.close(own);
    g_string_append_printf(detail, "by our kernels over FastRPC; the vendor's library: %s", vendor->str);
    return TRUE;
  }
  g_string_append_printf(detail, "the vendor's library: %s; FastRPC: %s", vendor->str, error->message);
  return FALSE;
}

static void diagnose(const QfUnitOptions *options, GString *text)
{
  g_autoptr(GString) why = g_string_new(NULL);
  const gboolean vendor = vendor_finds_device(options->library, why);
  g_string_append_printf(text, " the vendor's library%s%s\n",
                         vendor ? ": taken" : " is not taken: ", why->str);
  qf_qnn_diagnose(options, text);
  g_string_append_printf(text, " our kernels over FastRPC%s\n", vendor ? ": not asked" : "");
  qf_backend_htp.diagnose(options, text);
}

const QfBackend qf_backend_htp_any = {
    .name = "htp",
    .description = "the NPU: the vendor's library where it finds a device, else our kernels over FastRPC",
    .probe = probe,
    .diagnose = diagnose,
    .by_name = TRUE,
    .choose = choose};
