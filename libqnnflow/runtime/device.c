/* SPDX-License-Identifier: MIT */
/*
 * device.c - the registry of backends. A backend is a line in backends[].
 */
#include "model.h"

#include <qnnflow/device.h>
#include <string.h>

#include "qf-config.h"

static const QfBackend *const backends[] = {&qf_backend_cpu, &qf_backend_qnn, &qf_backend_htp_any,
                                            &qf_backend_htp_sim, &qf_backend_ref};

const QfBackend *const *qf_backend_list(uint32_t *count)
{
  *count = G_N_ELEMENTS(backends);
  return backends;
}

static gpointer probe_all(gpointer data)
{
  static QfDevice devices[G_N_ELEMENTS(backends)];
  for (guint i = 0; i < G_N_ELEMENTS(backends); i++) {
    GString *detail = g_string_new(NULL);
    devices[i] = (QfDevice){.name = backends[i]->name, .description = backends[i]->description};
    devices[i].available = backends[i]->probe(detail);
    devices[i].detail = g_intern_string(detail->str);
    g_string_free(detail, TRUE);
  }
  return devices;
}

const QfDevice *qf_device_list(uint32_t *count)
{
  static GOnce once = G_ONCE_INIT;
  *count = G_N_ELEMENTS(backends);
  return g_once(&once, probe_all, NULL);
}

const QfBackend *qf_backend_find(const char *name, GError **error)
{
  uint32_t n;
  const QfDevice *devices = qf_device_list(&n);
  gboolean automatic = !name || !*name || !strcmp(name, "auto");
  for (uint32_t i = 0; i < n; i++) {
    if (automatic ? !devices[i].available || backends[i]->by_name : strcmp(name, devices[i].name) != 0)
      continue;
    if (devices[i].available)
      return backends[i];
    g_set_error(error, QF_ERROR, QF_ERROR_DEVICE, "backend \"%s\" cannot run here: %s", name,
                devices[i].detail);
    return NULL;
  }
  g_set_error(error, QF_ERROR, QF_ERROR_ARGUMENT,
              "there is no backend \"%s\" in this build: `qnnflow devices` lists what there is", name);
  return NULL;
}

char *qf_device_diagnose(const char *name, const char *library, GError **error)
{
  uint32_t n;
  const QfDevice *devices = qf_device_list(&n);
  for (uint32_t i = 0; i < n; i++) {
    if (strcmp(name, devices[i].name))
      continue;
    GString *s = g_string_new(NULL);
    if (backends[i]->diagnose)
      backends[i]->diagnose(&(QfUnitOptions){.library = library}, s);
    else
      g_string_append_printf(s, "  %-8s %s\n", devices[i].available ? "ok" : "missing", devices[i].detail);
    return g_string_free(s, FALSE);
  }
  g_set_error(error, QF_ERROR, QF_ERROR_ARGUMENT, "there is no backend \"%s\" in this build", name);
  return NULL;
}

QfUnit *qf_unit_open(const QfBackend *backend, const QfUnitOptions *options, GError **error)
{
  gpointer handle = backend->open(options, error);
  if (!handle)
    return NULL;
  QfUnit *unit = g_atomic_rc_box_new(QfUnit);
  *unit = (QfUnit){backend, handle};
  return unit;
}

static void close_unit(gpointer data)
{
  QfUnit *unit = data;
  unit->backend->close(unit->handle);
}

void qf_unit_close(QfUnit *unit)
{
  if (unit)
    g_atomic_rc_box_release_full(unit, close_unit);
}

const char *qf_version(void)
{
  return QF_VERSION;
}
