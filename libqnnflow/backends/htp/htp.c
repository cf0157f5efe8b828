/* SPDX-License-Identifier: MIT */
/*
 * htp.c - the backends over our own kernels for Hexagon: `htp`, a DSP over FastRPC, and `htp-sim`, the simulator. Both by name: how fast a
 * DSP is has not been measured.
 */
#include "doctor.h"
#include "lower.h"
#include "../settings.h"
#include "rpc.h"

typedef struct {
  int32_t vtcm_mb, threads, timeout_ms, queue_depth, profiling;
  char *skel;
} Settings;

static const char *const profiling_names[] = {"off", "basic", "detailed", NULL};

#define MEMBER(m) offsetof(Settings, m)
static const QfSetting settings[] = {
    {"vtcm_mb", QF_SETTING_INT, MEMBER(vtcm_mb), 0, 0, 64, NULL},
    {"hvx_threads", QF_SETTING_INT, MEMBER(threads), 0, 0, 8, NULL},
    {"timeout_ms", QF_SETTING_INT, MEMBER(timeout_ms), 0, 0, 3600000, NULL},
    {"queue_depth", QF_SETTING_INT, MEMBER(queue_depth), 0, 0, 64, NULL},
    {"profiling_level", QF_SETTING_ENUM, MEMBER(profiling), 0, 0, 0, profiling_names},
    {"skel", QF_SETTING_STRING, MEMBER(skel), 0, 0, 0, NULL},
    {NULL, QF_SETTING_INT, 0, 0, 0, 0, NULL},
};

/* Jobs' memory: so much does no harm to the second cache, where there is no VTCM. Of VTCM, threads' memory and its stages have a half at most,
 * or so much twice; tensors have the rest. */
#define TILE_BYTES (256u << 10)

static void share_vtcm(QfHtpUnit *unit, const QfHtpInfo *info)
{
  const uint32_t share = MIN(info->vtcm_bytes / 2 / unit->n_threads, 2 * TILE_BYTES);
  unit->tile_bytes = share ? MIN(share, TILE_BYTES) : TILE_BYTES;
  unit->vtcm_bytes = share ? info->vtcm_bytes - share * unit->n_threads : 0;
}

static gpointer open_unit(const QfUnitOptions *options, const char *name, const char *library, GError **error)
{
  Settings s = {0};
  QfHtpUnit *unit = NULL;
  if (qf_settings_read(settings, options->config, &s, error)) {
    const QfHtpOptions wish = {.library = options->library ? options->library : library,
                               .skel = s.skel,
                               .vtcm_bytes = (uint32_t)s.vtcm_mb << 20,
                               .n_threads = (uint32_t)s.threads,
                               .timeout_ms = (uint32_t)s.timeout_ms,
                               .queue_depth = (uint32_t)s.queue_depth};
    QfHtpDevice *device = qf_htp_device_open(&wish, error);
    if (device) {
      const QfHtpInfo *info = qf_htp_device_info(device);
      unit = g_new(QfHtpUnit, 1);
      *unit = (QfHtpUnit){.device = device,
                          .name = name,
                          .n_threads = MAX(info->n_threads, 1),
                          .profiling = (QfHtpEventsLevel)s.profiling};
      share_vtcm(unit, info);
    }
  }
  qf_settings_clear(settings, &s);
  return unit;
}

static gpointer open_simulator(const QfUnitOptions *options, GError **error)
{
  g_autofree char *path = qf_rpc_simulator();
  return open_unit(options, "htp-sim", path, error);
}

static gpointer open_dsp(const QfUnitOptions *options, GError **error)
{
  return open_unit(options, "htp", NULL, error);
}

static void close_unit(gpointer data)
{
  QfHtpUnit *unit = data;
  qf_htp_device_close(unit->device);
  g_free(unit);
}

static gboolean probe_dsp(GString *detail)
{
  g_autoptr(GError) error = NULL;
  const QfRpc *rpc = qf_rpc_open(NULL, &error);
  g_string_append(detail, rpc ? rpc->path : error->message);
  return rpc != NULL;
}

/* The library alone does not do: it wants its program and qemu-hexagon. */
static gboolean probe_simulator(GString *detail)
{
  g_autofree char *path = qf_rpc_simulator();
  g_autoptr(GError) error = NULL;
  gpointer unit = open_simulator(&(QfUnitOptions){NULL, NULL}, &error);
  g_string_append(detail, unit ? path : error->message);
  if (unit)
    close_unit(unit);
  return unit != NULL;
}

static const QfRequant fixed = QF_REQUANT_FIXED;

const QfBackend qf_backend_htp = {.name = "htp",
                                  .description = "our kernels for Hexagon over FastRPC",
                                  .probe = probe_dsp,
                                  .diagnose = qf_htp_diagnose,
                                  .by_name = TRUE,
                                  .open = open_dsp,
                                  .close = close_unit,
                                  .requant = &fixed,
                                  .maps_memory = TRUE,
                                  .supports = qf_htp_supports,
                                  .min_part_macs = 20000,
                                  .lower = qf_htp_lower};

const QfBackend qf_backend_htp_sim = {.name = "htp-sim",
                                      .description = "our kernels for Hexagon in the simulator",
                                      .probe = probe_simulator,
                                      .diagnose = qf_htp_diagnose_simulator,
                                      .by_name = TRUE,
                                      .open = open_simulator,
                                      .close = close_unit,
                                      .requant = &fixed,
                                      .maps_memory = TRUE,
                                      .supports = qf_htp_supports,
                                      .min_part_macs = 20000,
                                      .lower = qf_htp_lower};
