/* SPDX-License-Identifier: MIT */
/*
 * pipeline.c - pipeline description files: reading the head, checking values, putting them into the launch string.
 * What a value may be is in param.c. A value never becomes an element: texts go in as one quoted word that the launch grammar reads back as it was.
 * The head has GKeyFile's syntax but is read line by line, so that every complaint can name its line.
 */
#include "libqnnflow/config/param.h"

#include <string.h>

#define MAX_FILE_BYTES (1 << 20)

struct _QfPipeline {
  char *path, *folder, *description;
  GArray *params;  /* of QfParam */
  GArray *publics; /* of QfPipelineParam: the copy handed out */
  char *launch;    /* body with whole-line comments blanked */
  int launch_line; /* line number of its first line */
};

static QfParam *find_param(const QfPipeline *p, const char *name, gsize length)
{
  for (guint i = 0; i < p->params->len; i++) {
    QfParam *param = &g_array_index(p->params, QfParam, i);
    if (strlen(param->public.name) == length && !strncmp(param->public.name, name, length))
      return param;
  }
  return NULL;
}

static gboolean bad_line(const QfPipeline *p, int line, GError **error, const char *format, ...)
    G_GNUC_PRINTF(4, 5);

static gboolean bad_line(const QfPipeline *p, int line, GError **error, const char *format, ...)
{
  va_list args;
  va_start(args, format);
  g_autofree char *text = g_strdup_vprintf(format, args);
  va_end(args);
  g_set_error(error, QF_ERROR, QF_ERROR_FORMAT, "%s:%d: %s", p->path, line, text);
  return FALSE;
}

static gboolean read_param_key(QfPipeline *p, int line, const char *key, const char *value, GError **error)
{
  g_autofree char *wrong =
      qf_param_set_key(&g_array_index(p->params, QfParam, p->params->len - 1), key, value);
  return !wrong || bad_line(p, line, error, "%s", wrong);
}

static gboolean valid_name(const char *name)
{
  for (const char *c = name; *c; c++)
    if (!g_ascii_isalnum(*c) && *c != '-' && *c != '_')
      return FALSE;
  return *name != 0;
}

static gboolean read_group(QfPipeline *p, int line, const char *group, GError **error)
{
  if (!strcmp(group, "pipeline"))
    return TRUE;
  if (!g_str_has_prefix(group, "param.") || !valid_name(group + 6))
    return bad_line(p, line, error,
                    "group [%s] is unknown; groups are [pipeline], [param.NAME] and, last, [launch]", group);
  if (find_param(p, group + 6, strlen(group + 6)))
    return bad_line(p, line, error, "parameter '%s' is declared twice; remove one", group + 6);
  QfParam param;
  qf_param_init(&param, group + 6, line);
  g_array_append_val(p->params, param);
  return TRUE;
}

/* One line of the head. @group is the one it stands in, "" before the first. */
static gboolean read_head_line(QfPipeline *p, int line, char *text, char **group, GError **error)
{
  g_strstrip(text);
  if (!*text || *text == '#')
    return TRUE;
  gsize length = strlen(text);
  if (*text == '[' && text[length - 1] == ']') {
    g_free(*group);
    *group = g_strndup(text + 1, length - 2);
    return read_group(p, line, *group, error);
  }
  char *equals = strchr(text, '=');
  if (!equals || !**group)
    return bad_line(p, line, error,
                    "'%s' is neither [group] nor key=value below a group; the head ends at [launch]", text);
  *equals = 0;
  g_autofree char *key = g_strdup(g_strchomp(text)), *value = g_strdup(g_strchug(equals + 1));
  if (strcmp(*group, "pipeline"))
    return read_param_key(p, line, key, value, error);
  if (strcmp(key, "description"))
    return bad_line(p, line, error, "[pipeline] has no key '%s'; it has description", key);
  g_free(p->description);
  p->description = g_strdup(value);
  return TRUE;
}

/* Takes the body: whole-line comments become empty lines, so that line numbers stay. */
static char *read_body(char **lines)
{
  GString *body = g_string_new(NULL);
  for (; *lines; lines++) {
    const char *text = *lines;
    while (g_ascii_isspace(*text))
      text++;
    if (*text != '#')
      g_string_append(body, *lines);
    g_string_append_c(body, '\n');
  }
  return g_string_free(body, FALSE);
}

static gboolean read_lines(QfPipeline *p, char **lines, GError **error)
{
  g_autofree char *group = g_strdup("");
  for (int i = 0; lines[i]; i++) {
    g_autofree char *text = g_strstrip(g_strdup(lines[i]));
    if (!strcmp(text, "[launch]")) {
      p->launch = read_body(lines + i + 1);
      p->launch_line = i + 2;
      g_autofree char *blank = g_strstrip(g_strdup(p->launch));
      return *blank ||
             bad_line(p, i + 1, error, "nothing stands below [launch]; write a gst-launch string there");
    }
    if (!read_head_line(p, i + 1, text, &group, error))
      return FALSE;
  }
  return bad_line(p, MAX(g_strv_length(lines), 1), error,
                  "the file has no [launch] line; the pipeline stands below it");
}

static gboolean apply_defaults(QfPipeline *p, GError **error)
{
  for (guint i = 0; i < p->params->len; i++) {
    QfParam *param = &g_array_index(p->params, QfParam, i);
    g_autofree char *wrong = NULL, *absolute = NULL;
    const char *value = param->default_value;
    param->public.type = param->type->name;
    if (!value && !param->public.required && !param->type->quoted)
      return bad_line(p, param->line, error, "parameter '%s' needs a default, or required=true",
                      param->public.name);
    if (!value)
      continue;
    if (param->type->is_path && *value)
      value = absolute = g_canonicalize_filename(value, p->folder);
    wrong = qf_param_set_value(param, value);
    if (wrong)
      return bad_line(p, param->line, error, "default of parameter '%s' is '%s': %s", param->public.name,
                      value, wrong);
  }
  return TRUE;
}

/*
 * Handles the ${NAME} at @dollar: appends its value to @out (unless NULL) and moves @next behind it. FALSE with
 * @wrong when there is no such parameter, or when a text would not be a word of its own.
 */
static gboolean put_value(const QfPipeline *p, const char *dollar, GString *out, const char **next,
                          char **wrong)
{
  const char *end = dollar[1] == '{' ? strchr(dollar, '}') : NULL;
  const QfParam *param = end ? find_param(p, dollar + 2, end - dollar - 2) : NULL;
  if (!param) {
    *wrong = end ? g_strdup_printf("parameter '%.*s' is not declared; add [param.%.*s]",
                                   (int)(end - dollar - 2), dollar + 2, (int)(end - dollar - 2), dollar + 2)
                 : g_strdup("a lone $; write ${NAME} for a parameter and $$ for a dollar sign");
    return FALSE;
  }
  gboolean starts = dollar == p->launch || dollar[-1] == '=' || g_ascii_isspace(dollar[-1]);
  if (param->type->quoted && (!starts || (end[1] && !g_ascii_isspace(end[1])))) {
    *wrong = g_strdup_printf("${%s} is a %s and must be a word of its own, as in location=${%s}",
                             param->public.name, param->type->name, param->public.name);
    return FALSE;
  }
  *next = end + 1;
  if (out)
    qf_param_append(param, out);
  return TRUE;
}

/* Walks over the body; @out NULL only checks it. */
static gboolean expand(const QfPipeline *p, GString *out, GError **error)
{
  int line = p->launch_line;
  for (const char *c = p->launch; *c;) {
    const char *next = c + 1;
    g_autofree char *wrong = NULL;
    line += *c == '\n';
    if (*c == '$' && c[1] == '$')
      next = c + 2;
    if (*c == '$' && c[1] != '$') {
      if (!put_value(p, c, out, &next, &wrong))
        return bad_line(p, line, error, "%s", wrong);
    } else if (out) {
      g_string_append_c(out, *c);
    }
    c = next;
  }
  return TRUE;
}

static gboolean read_file(const char *path, char **text, GError **error)
{
  gsize length = 0;
  g_autoptr(GError) cause = NULL;
  if (!g_file_get_contents(path, text, &length, &cause)) {
    g_set_error(error, QF_ERROR, QF_ERROR_FILE, "%s: cannot be read (%s); give the path of a .gstp file",
                path, cause->message);
    return FALSE;
  }
  if (length > MAX_FILE_BYTES || strlen(*text) != length || !g_utf8_validate(*text, length, NULL)) {
    g_set_error(error, QF_ERROR, QF_ERROR_FORMAT,
                "%s:1: not a pipeline description (UTF-8 text of at most 1 MB)", path);
    return FALSE;
  }
  return TRUE;
}

QfPipeline *qf_pipeline_load(const char *path, GError **error)
{
  g_autofree char *text = NULL;
  g_return_val_if_fail(path, NULL);
  if (!read_file(path, &text, error))
    return NULL;
  g_autoptr(QfPipeline) p = g_new0(QfPipeline, 1);
  p->path = g_strdup(path);
  g_autofree char *absolute = g_canonicalize_filename(path, NULL);
  p->folder = g_path_get_dirname(absolute);
  p->description = g_strdup("");
  p->params = g_array_new(FALSE, TRUE, sizeof(QfParam));
  p->publics = g_array_new(FALSE, TRUE, sizeof(QfPipelineParam));
  g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
  if (!read_lines(p, lines, error) || !apply_defaults(p, error) || !expand(p, NULL, error))
    return NULL;
  for (guint i = 0; i < p->params->len; i++)
    g_array_append_val(p->publics, g_array_index(p->params, QfParam, i).public);
  return g_steal_pointer(&p);
}

void qf_pipeline_free(QfPipeline *p)
{
  if (!p)
    return;
  for (guint i = 0; i < p->params->len; i++)
    qf_param_clear(&g_array_index(p->params, QfParam, i));
  g_array_unref(p->params);
  g_array_unref(p->publics);
  g_free(p->path);
  g_free(p->folder);
  g_free(p->description);
  g_free(p->launch);
  g_free(p);
}

const char *qf_pipeline_description(const QfPipeline *p)
{
  return p->description;
}

const QfPipelineParam *qf_pipeline_params(const QfPipeline *p, uint32_t *count)
{
  *count = p->publics->len;
  return (const QfPipelineParam *)p->publics->data;
}

static char *param_names(const QfPipeline *p)
{
  GString *names = g_string_new(NULL);
  for (guint i = 0; i < p->params->len; i++)
    g_string_append_printf(names, "%s%s", i ? ", " : "", g_array_index(p->params, QfParam, i).public.name);
  return g_string_free(names, FALSE);
}

gboolean qf_pipeline_set(QfPipeline *p, const char *name, const char *value, GError **error)
{
  QfParam *param = find_param(p, name, strlen(name));
  if (!param) {
    g_autofree char *names = param_names(p);
    g_set_error(error, QF_ERROR, QF_ERROR_ARGUMENT, "%s: no parameter '%s'; the parameters are: %s", p->path,
                name, names);
    return FALSE;
  }
  g_autofree char *wrong = qf_param_set_value(param, value);
  if (wrong) {
    g_set_error(error, QF_ERROR, QF_ERROR_ARGUMENT, "%s: parameter %s (%s) cannot be '%s': %s", p->path, name,
                param->type->name, value, wrong);
    return FALSE;
  }
  g_array_index(p->publics, QfPipelineParam, param - &g_array_index(p->params, QfParam, 0)) = param->public;
  return TRUE;
}

char *qf_pipeline_launch_string(const QfPipeline *p, GError **error)
{
  for (guint i = 0; i < p->params->len; i++) {
    const QfParam *param = &g_array_index(p->params, QfParam, i);
    if (param->public.required && !param->public.value) {
      g_set_error(error, QF_ERROR, QF_ERROR_ARGUMENT, "%s: parameter %s (%s: %s) is required; give %s=VALUE",
                  p->path, param->public.name, param->type->name, param->public.description,
                  param->public.name);
      return NULL;
    }
  }
  GString *out = g_string_new(NULL);
  if (!expand(p, out, error)) {
    g_string_free(out, TRUE);
    return NULL;
  }
  return g_strstrip(g_string_free(out, FALSE));
}
