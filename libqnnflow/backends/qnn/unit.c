/* SPDX-License-Identifier: MIT */
/*
 * unit.c - see unit.h.
 */
#include "unit.h"
#include "../settings.h"

#include <stdio.h>

static const char *const profiling_names[] = {"off", "basic", "detailed", NULL};

#define MEMBER(m) offsetof(QfQnnSettings, m)
static const QfSetting settings[] = {
    {"soc_model", QF_SETTING_INT, MEMBER(soc_model), 0, 0, 9999, NULL},
    {"dsp_arch", QF_SETTING_INT, MEMBER(dsp_arch), 0, 0, 999, NULL},
    {"vtcm_mb", QF_SETTING_INT, MEMBER(vtcm_mb), 0, 0, 64, NULL},
    {"O", QF_SETTING_INT, MEMBER(level), 3, 1, 3, NULL},
    {"hvx_threads", QF_SETTING_INT, MEMBER(threads), 0, 0, 16, NULL},
    {"fp16_relaxed_precision", QF_SETTING_BOOL, MEMBER(fp16), 1, 0, 0, NULL},
    {"perf_profile", QF_SETTING_ENUM, MEMBER(perf), 0, 0, 0, qf_qnn_power_names},
    {"rpc_control_latency", QF_SETTING_INT, MEMBER(latency_us), 100, 0, 100000, NULL},
    {"profiling_level", QF_SETTING_ENUM, MEMBER(profiling), 0, 0, 0, profiling_names},
    {"context_cache", QF_SETTING_STRING, MEMBER(cache), 0, 0, 0, NULL},
    {NULL, QF_SETTING_INT, 0, 0, 0, 0, NULL},
};

/* The library's messages end with a newline of their own, and its level "error" is no failure by itself. */
static void to_log(const char *format, uint32_t level, uint64_t timestamp, va_list args)
{
  char text[512];
  vsnprintf(text, sizeof(text), format, args);
  g_debug("qnn %u: %s", level, g_strstrip(text));
  if (level == 1)
    qf_qnn_library_note(text);
}

static gboolean open_device(QfQnnUnit *unit, GError **error)
{
  QfQnnCustom custom[2] = {{0}};
  QfQnnConfig config[2] = {{0}};
  const QfQnnConfig *list[3] = {NULL};
  uint32_t n = 0;
  if (!qf_qnn_library_has(unit->library, QF_QNN_deviceCreate))
    return TRUE;
  if (unit->settings.soc_model)
    custom[n++] = (QfQnnCustom){.option = 0, .u.u32 = {(uint32_t)unit->settings.soc_model}};
  if (unit->settings.dsp_arch)
    custom[n++] = (QfQnnCustom){.option = 1, .u.u32 = {0, (uint32_t)unit->settings.dsp_arch}};
  for (uint32_t i = 0; i < n; i++) {
    config[i].u.custom = &custom[i];
    list[i] = &config[i];
  }
  const QfQnnError e = QF_QNN(unit->library, deviceCreate, QfQnnHandle, const QfQnnConfig **,
                              QfQnnHandle *)(unit->log, n ? list : NULL, &unit->device);
  if (!e)
    return TRUE;
  return qf_qnn_library_fail(
      unit->library, error, e,
      "the device cannot be opened (soc_model and dsp_arch must fit; on a device: skel and stub of the same "
      "build "
      "as the library, ADSP_LIBRARY_PATH separated by ';', access to the DSP's device node)");
}

static gboolean open_backend(QfQnnUnit *unit, GError **error)
{
  if (qf_qnn_library_has(unit->library, QF_QNN_logCreate))
    QF_QNN(unit->library, logCreate, QfQnnLog, uint32_t, QfQnnHandle *)(to_log, 2, &unit->log);
  const QfQnnError e = QF_QNN(unit->library, backendCreate, QfQnnHandle, const QfQnnConfig **,
                              QfQnnHandle *)(unit->log, NULL, &unit->backend);
  return !e || qf_qnn_library_fail(unit->library, error, e, "the backend cannot be started");
}

gpointer qf_qnn_unit_open(const QfUnitOptions *options, GError **error)
{
  QfQnnUnit *unit = g_new0(QfQnnUnit, 1);
  if (qf_settings_read(settings, options->config, &unit->settings, error) &&
      (unit->library = qf_qnn_library_open(options->library, error)) && open_backend(unit, error) &&
      open_device(unit, error)) {
    qf_qnn_power_vote(unit);
    return unit;
  }
  qf_qnn_unit_close(unit);
  return NULL;
}

void qf_qnn_unit_close(gpointer data)
{
  QfQnnUnit *unit = data;
  qf_qnn_power_drop(unit);
  if (unit->device)
    QF_QNN(unit->library, deviceFree, QfQnnHandle)(unit->device);
  if (unit->backend)
    QF_QNN(unit->library, backendFree, QfQnnHandle)(unit->backend);
  if (unit->log && qf_qnn_library_has(unit->library, QF_QNN_logFree))
    QF_QNN(unit->library, logFree, QfQnnHandle)(unit->log);
  qf_settings_clear(settings, &unit->settings);
  g_free(unit);
}
