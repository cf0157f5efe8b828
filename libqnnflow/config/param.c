/* SPDX-License-Identifier: MIT */
/*
 * param.c - types of parameters, and the keys of [param.NAME].
 * What a value may be is decided here only; pipeline.c reads files and puts values into the launch string.
 */
#include "libqnnflow/config/param.h"

#include <math.h>
#include <string.h>

static gboolean out_of_range(const QfParam *param, double value, char **wrong)
{
  if (param->minimum && value < g_ascii_strtod(param->minimum, NULL))
    *wrong = g_strdup_printf("at least %s is allowed", param->minimum);
  else if (param->maximum && value > g_ascii_strtod(param->maximum, NULL))
    *wrong = g_strdup_printf("at most %s is allowed", param->maximum);
  return *wrong != NULL;
}

static gboolean check_int(const QfParam *param, const char *value, char **canonical, char **wrong)
{
  gint64 number;
  g_autoptr(GError) cause = NULL;
  if (!g_ascii_string_to_signed(value, 10, G_MININT64, G_MAXINT64, &number, &cause)) {
    *wrong = g_strdup("a whole number is wanted");
    return FALSE;
  }
  *canonical = g_strdup_printf("%" G_GINT64_FORMAT, number);
  return !out_of_range(param, number, wrong);
}

static gboolean check_float(const QfParam *param, const char *value, char **canonical, char **wrong)
{
  char *end = NULL, text[G_ASCII_DTOSTR_BUF_SIZE];
  double number = g_ascii_strtod(value, &end);
  if (!*value || *end || !isfinite(number)) {
    *wrong = g_strdup("a number such as 0.5 is wanted");
    return FALSE;
  }
  *canonical = g_strdup(g_ascii_dtostr(text, sizeof text, number));
  return !out_of_range(param, number, wrong);
}

static gboolean check_bool(const QfParam *param, const char *value, char **canonical, char **wrong)
{
  static const char *const words[2][3] = {{"false", "no", "0"}, {"true", "yes", "1"}};
  for (int i = 0; i < 6; i++)
    if (!g_ascii_strcasecmp(value, words[i / 3][i % 3])) {
      *canonical = g_strdup(words[i / 3][0]);
      return TRUE;
    }
  *wrong = g_strdup("true or false is wanted");
  return FALSE;
}

static gboolean check_text(const QfParam *param, const char *value, char **canonical, char **wrong)
{
  for (const char *p = value; *p; p++)
    if (g_ascii_iscntrl(*p) && (param->type->quoted || *p != '\n')) {
      *wrong = g_strdup("control characters are not allowed");
      return FALSE;
    }
  if (!g_utf8_validate(value, -1, NULL)) {
    *wrong = g_strdup("it is not valid UTF-8");
    return FALSE;
  }
  /* The launch grammar would read a last backslash as the escape of the closing quote. */
  if (param->type->quoted && g_str_has_suffix(value, "\\")) {
    *wrong = g_strdup("a backslash at the end is not allowed");
    return FALSE;
  }
  *canonical = g_strdup(value);
  return TRUE;
}

static const QfParamType types[] = {
    {"string", check_text, TRUE, FALSE}, {"path", check_text, TRUE, TRUE},
    {"int", check_int, FALSE, FALSE},    {"float", check_float, FALSE, FALSE},
    {"bool", check_bool, FALSE, FALSE},  {"launch", check_text, FALSE, FALSE},
};

static const QfParamType *type_from_name(const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS(types); i++)
    if (!strcmp(types[i].name, name))
      return &types[i];
  return NULL;
}

static gboolean set_type(QfParam *param, const char *value)
{
  param->type = type_from_name(value);
  return param->type != NULL;
}

static gboolean set_required(QfParam *param, const char *value)
{
  param->public.required = !strcmp(value, "true");
  return param->public.required || !strcmp(value, "false");
}

static gboolean set_default(QfParam *param, const char *value)
{
  g_free(param->default_value);
  param->default_value = g_strdup(value);
  return TRUE;
}

static gboolean set_bound(char **bound, const char *value)
{
  char *end = NULL;
  double number = g_ascii_strtod(value, &end);
  g_free(*bound);
  *bound = g_strdup(value);
  return *value && !*end && isfinite(number);
}

static gboolean set_min(QfParam *param, const char *value)
{
  return set_bound(&param->minimum, value);
}

static gboolean set_max(QfParam *param, const char *value)
{
  return set_bound(&param->maximum, value);
}

static gboolean set_description(QfParam *param, const char *value)
{
  g_free((char *)param->public.description);
  param->public.description = g_strdup(value);
  return TRUE;
}

/* The keys of [param.NAME]. */
static const struct {
  const char *key;
  gboolean (*set)(QfParam *param, const char *value);
  const char *wants;
} keys[] = {
    {"type", set_type, "string, path, int, float, bool or launch"},
    {"default", set_default, "a value"},
    {"required", set_required, "true or false"},
    {"min", set_min, "a number"},
    {"max", set_max, "a number"},
    {"description", set_description, "a text"},
};

char *qf_param_set_key(QfParam *param, const char *key, const char *value)
{
  for (guint i = 0; i < G_N_ELEMENTS(keys); i++) {
    if (strcmp(keys[i].key, key))
      continue;
    if (keys[i].set(param, value))
      return NULL;
    return g_strdup_printf("%s of parameter '%s' is '%s'; write %s", key, param->public.name, value,
                           keys[i].wants);
  }
  return g_strdup_printf("a parameter has no key '%s'; it has type, default, required, min, max, description",
                         key);
}

char *qf_param_set_value(QfParam *param, const char *value)
{
  char *canonical = NULL, *wrong = NULL;
  if (param->type->check(param, value, &canonical, &wrong)) {
    g_free((char *)param->public.value);
    param->public.value = canonical;
    return NULL;
  }
  g_free(canonical);
  return wrong;
}

void qf_param_init(QfParam *param, const char *name, int line)
{
  *param = (QfParam){.type = &types[0], .line = line};
  param->public.name = g_strdup(name);
  param->public.description = g_strdup("");
}

void qf_param_clear(QfParam *param)
{
  char *owned[] = {(char *)param->public.name,
                   (char *)param->public.description,
                   (char *)param->public.value,
                   param->minimum,
                   param->maximum,
                   param->default_value};
  for (guint i = 0; i < G_N_ELEMENTS(owned); i++)
    g_free(owned[i]);
}

void qf_param_append(const QfParam *param, GString *out)
{
  const char *value = param->public.value ? param->public.value : "";
  if (!param->type->quoted) {
    g_string_append(out, value);
    return;
  }
  g_string_append_c(out, '"');
  for (; *value; value++) {
    if (*value == '"' || *value == '\\')
      g_string_append_c(out, '\\');
    g_string_append_c(out, *value);
  }
  g_string_append_c(out, '"');
}
