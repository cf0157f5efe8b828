/* SPDX-License-Identifier: MIT */
/*
 * settings.c - see settings.h.
 */
#include "settings.h"

#include <cjson/cJSON.h>
#include <string.h>

static gboolean bad_value(const QfSetting *s, const char *path, GError **error)
{
  g_autoptr(GString) allowed = g_string_new(NULL);
  if (s->kind == QF_SETTING_INT)
    g_string_printf(allowed, "a whole number from %g to %g", s->lo, s->hi);
  else if (s->kind == QF_SETTING_ENUM)
    for (guint i = 0; s->names[i]; i++)
      g_string_append_printf(allowed, "%s\"%s\"", i ? ", " : "", s->names[i]);
  else
    g_string_append(allowed, s->kind == QF_SETTING_BOOL ? "true or false" : "text");
  g_set_error(error, QF_ERROR, QF_ERROR_ARGUMENT, "%s: \"%s\" must be %s", path, s->name, allowed->str);
  return FALSE;
}

static gboolean take(const QfSetting *s, const cJSON *v, const char *path, void *out, GError **error)
{
  void *at = (char *)out + s->offset;
  const char *text = cJSON_GetStringValue(v);
  if (s->kind == QF_SETTING_STRING && text) {
    g_free(*(char **)at);
    *(char **)at = g_strdup(text);
    return TRUE;
  }
  if (s->kind == QF_SETTING_BOOL &&
      (cJSON_IsBool(v) || (cJSON_IsNumber(v) && (v->valuedouble == 0 || v->valuedouble == 1)))) {
    *(gboolean *)at = cJSON_IsTrue(v) || (cJSON_IsNumber(v) && v->valuedouble == 1);
    return TRUE;
  }
  if (s->kind == QF_SETTING_INT && cJSON_IsNumber(v) && v->valuedouble >= s->lo && v->valuedouble <= s->hi &&
      v->valuedouble == (double)(int32_t)v->valuedouble) {
    *(int32_t *)at = (int32_t)v->valuedouble;
    return TRUE;
  }
  for (gint i = 0; s->kind == QF_SETTING_ENUM && text && s->names[i]; i++)
    if (!strcmp(s->names[i], text)) {
      *(int32_t *)at = i;
      return TRUE;
    }
  return bad_value(s, path, error);
}

static gboolean unknown_key(const QfSetting *table, const char *key, const char *path, GError **error)
{
  g_autoptr(GString) known = g_string_new(NULL);
  for (const QfSetting *s = table; s->name; s++)
    g_string_append_printf(known, "%s%s", known->len ? ", " : "", s->name);
  g_set_error(error, QF_ERROR, QF_ERROR_ARGUMENT, "%s: there is no setting \"%s\"; there are: %s", path,
              key ? key : "", known->str);
  return FALSE;
}

static gboolean take_all(const QfSetting *table, const cJSON *json, const char *path, void *out,
                         GError **error)
{
  const cJSON *v;
  cJSON_ArrayForEach(v, json)
  {
    const QfSetting *s = table;
    while (s->name && g_strcmp0(s->name, v->string))
      s++;
    if (!s->name)
      return unknown_key(table, v->string, path, error);
    if (!take(s, v, path, out, error))
      return FALSE;
  }
  return TRUE;
}

gboolean qf_settings_read(const QfSetting *table, const char *path, void *out, GError **error)
{
  g_autofree char *text = NULL;
  g_autoptr(GError) e = NULL;
  gsize length;
  for (const QfSetting *s = table; s->name; s++) {
    if (s->kind == QF_SETTING_STRING)
      *(char **)((char *)out + s->offset) = NULL;
    else
      *(int32_t *)(void *)((char *)out + s->offset) = (int32_t)s->def;
  }
  if (!path)
    return TRUE;
  if (!g_file_get_contents(path, &text, &length, &e)) {
    g_set_error(error, QF_ERROR, QF_ERROR_FILE, "%s: the settings cannot be read: %s", path, e->message);
    return FALSE;
  }
  cJSON *json = cJSON_ParseWithLength(text, length);
  gboolean ok = cJSON_IsObject(json);
  if (!ok)
    g_set_error(error, QF_ERROR, QF_ERROR_ARGUMENT, "%s: it is no JSON object of settings", path);
  else
    ok = take_all(table, json, path, out, error);
  cJSON_Delete(json);
  if (!ok)
    qf_settings_clear(table, out);
  return ok;
}

void qf_settings_clear(const QfSetting *table, void *out)
{
  for (const QfSetting *s = table; s->name; s++)
    if (s->kind == QF_SETTING_STRING)
      g_clear_pointer((char **)((char *)out + s->offset), g_free);
}
