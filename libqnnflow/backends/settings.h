/* SPDX-License-Identifier: MIT */
/*
 * settings.h - a backend's JSON settings, by a table. What is not in the table is an error that lists what is: a key that is ignored
 * costs its author a day.
 */
#ifndef QF_BACKENDS_SETTINGS_H
#define QF_BACKENDS_SETTINGS_H

#include <qnnflow/error.h>
#include <stddef.h>

typedef enum {
  QF_SETTING_INT,    /* int32_t within [lo, hi] */
  QF_SETTING_BOOL,   /* gboolean: true, false, 0, 1 */
  QF_SETTING_ENUM,   /* int32_t: the place in names; JSON has the string */
  QF_SETTING_STRING, /* char *, to be freed by the owner */
} QfSettingKind;

typedef struct {
  const char *name;
  QfSettingKind kind;
  size_t offset; /* in the struct */
  double def;    /* STRING: NULL */
  double lo, hi;
  const char *const *names; /* ENUM: NULL-terminated */
} QfSetting;

/* Fills @out with the defaults, then with the file at @path (NULL: none). FALSE with QF_ERROR_FILE or QF_ERROR_ARGUMENT. */
gboolean qf_settings_read(const QfSetting *table, const char *path, void *out, GError **error);
/* Frees the strings. */
void qf_settings_clear(const QfSetting *table, void *out);

#endif
