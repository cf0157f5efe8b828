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

static QfDevice devices[G_N_ELEMENTS(backends)];

static gpointer probe(gpointer data)
{
  const guint i = GPOINTER_TO_UINT(data);
  GString *detail = g_string_new(NULL);
  devices[i] = (QfDevice){.name = backends[i]->name, .description = backends[i]->description};
  devices[i].available = backends[i]->probe(detail);
  devices[i].detail = g_intern_string(detail->str);
  g_string_free(detail, TRUE);
  return &devices[i];
}

/* Only those that are asked for: a probe may load a vendor's library. */
static const QfDevice *probed(guint i)
{
  static GOnce once[G_N_ELEMENTS(backends)];
  return g_once(&once[i], probe, GUINT_TO_POINTER(i));
}

const QfDevice *qf_device_list(uint32_t *count)
{
  *count = G_N_ELEMENTS(backends);
  for (guint i = 0; i < *count; i++)
    probed(i);
  return devices;
}

const QfBackend *qf_backend_find(const char *name, GError **error)
{
  gboolean automatic = !name || !*name || !strcmp(name, "auto");
  for (guint i = 0; i < G_N_ELEMENTS(backends); i++) {
    if (automatic ? backends[i]->by_name : strcmp(name, backends[i]->name) != 0)
      continue;
    if (backends[i]->by_name)
      return backends[i];
    const QfDevice *device = probed(i);
    if (device->available)
      return backends[i];
    if (automatic)
      continue;
    g_set_error(error, QF_ERROR, QF_ERROR_DEVICE, "backend \"%s\" cannot run here: %s", name, device->detail);
    return NULL;
  }
  g_set_error(error, QF_ERROR, QF_ERROR_ARGUMENT,
              "there is no backend \"%s\" in this build: `qnnflow devices` lists what there is", name);
  return NULL;
}

char *qf_device_diagnose(const char *name, const char *library, GError **error)
{
  for (guint i = 0; i < G_N_ELEMENTS(backends); i++) {
    if (strcmp(name, backends[i]->name))
      continue;
    GString *s = g_string_new(NULL);
    if (backends[i]->diagnose)
      backends[i]->diagnose(&(QfUnitOptions){.library = library}, s);
    else
      g_string_append_printf(s, "  %-8s %s\n", probed(i)->available ? "ok" : "missing", probed(i)->detail);
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
