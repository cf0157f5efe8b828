/* SPDX-License-Identifier: MIT */
/*
 * device.h - which units can run a model here, and why others cannot.
 */
#ifndef QNNFLOW_DEVICE_H
#define QNNFLOW_DEVICE_H

#include <qnnflow/error.h>
#include <stdint.h>

G_BEGIN_DECLS

/* One backend. Static: valid for the life of the process. */
typedef struct {
  const char *name;        /* what QfModelOptions.backend takes */
  const char *description; /* one line for people */
  gboolean available;      /* can run here and now, with nothing given but its name */
  const char *detail;      /* the unit and its features when available, else what is missing; never NULL */
} QfDevice;

/* All backends of this build, in the order `auto` tries them. @count must not be NULL. Thread-safe. */
QF_API const QfDevice *qf_device_list(uint32_t *count);

/*
 * What the backend called @name needs on this machine, checked one by one: lines of "  STATE    WHAT", STATE being ok, missing, problem or
 * note, WHAT saying what to do. @library: path of a vendor's library to check, NULL: as the backend finds it. Free with g_free(). NULL with
 * QF_ERROR_ARGUMENT when there is no such backend. Thread-safe.
 */
QF_API char *qf_device_diagnose(const char *name, const char *library, GError **error);

/* Version of the library, "1.2.3". */
QF_API const char *qf_version(void);

G_END_DECLS

#endif
