/* SPDX-License-Identifier: MIT */
/*
 * labels.c - reads label files: one label a line, or an index before each label.
 * A file is taken as indexed only when every line with text starts with a number and a blank or a colon.
 */
#include "decoder.h"

#include <string.h>

#define MAX_FILE (16 << 20)
#define MAX_INDEX 1000000

/* "12 cat", "12: cat" or "12:cat": the index and where the label starts; FALSE for other lines. */
static gboolean split_index(const char *line, guint64 *index, const char **label)
{
  char *end;
  if (!g_ascii_isdigit(*line))
    return FALSE;
  *index = g_ascii_strtoull(line, &end, 10);
  if (*end != ':' && *end != ' ' && *end != '\t')
    return FALSE;
  while (*end == ':' || *end == ' ' || *end == '\t')
    end++;
  *label = end;
  return *end != 0;
}

static char *read_text(const char *path, GError **error)
{
  g_autofree char *text = NULL;
  g_autoptr(GError) cause = NULL;
  gsize size;
  if (!g_file_get_contents(path, &text, &size, &cause)) {
    g_set_error(error, QF_ERROR, QF_ERROR_FILE, "labels: %s", cause->message);
    return NULL;
  }
  const char *start = g_str_has_prefix(text, "\xef\xbb\xbf") ? text + 3 : text, *bad;
  if (size > MAX_FILE || !g_utf8_validate(start, (gssize)(size - (gsize)(start - text)), &bad)) {
    guint line = 1;
    for (const char *p = start; size <= MAX_FILE && p < bad; p++)
      line += *p == '\n';
    g_set_error(error, QF_ERROR, QF_ERROR_FORMAT, "labels: %s:%u: not a text file in UTF-8 of at most %d MiB",
                path, line, MAX_FILE >> 20);
    return NULL;
  }
  return g_strdup(start);
}

static gboolean all_indexed(char **lines)
{
  guint64 index;
  const char *label;
  for (char **l = lines; *l; l++)
    if (**l && !split_index(*l, &index, &label))
      return FALSE;
  return TRUE;
}

static char **fail_line(GPtrArray *labels, const char *path, guint line, const char *what, GError **error)
{
  g_set_error(error, QF_ERROR, QF_ERROR_FORMAT, "labels: %s:%u: %s", path, line, what);
  for (guint i = 0; i < labels->len; i++)
    g_free(labels->pdata[i]);
  g_ptr_array_free(labels, TRUE);
  return NULL;
}

char **qf_labels_load(const char *path, uint32_t *count, GError **error)
{
  g_autofree char *text = read_text(path, error);
  if (!text)
    return NULL;
  g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
  guint n = g_strv_length(lines);
  for (guint i = 0; i < n; i++)
    g_strstrip(lines[i]);
  while (n && !*lines[n - 1])
    n--;
  gboolean indexed = all_indexed(lines);
  GPtrArray *labels = g_ptr_array_new();
  if (!n)
    return fail_line(labels, path, 1, "the file has no labels", error);
  for (guint i = 0; i < n; i++) {
    guint64 at = i;
    const char *label = lines[i];
    if (indexed && !*label)
      continue;
    if (indexed)
      split_index(lines[i], &at, &label);
    if (at > MAX_INDEX)
      return fail_line(labels, path, i + 1, "the index is larger than 1000000", error);
    if (at >= labels->len)
      g_ptr_array_set_size(labels, (gint)at + 1);
    if (labels->pdata[at])
      return fail_line(labels, path, i + 1, "the index was given before", error);
    labels->pdata[at] = *label ? g_strdup(label) : NULL;
  }
  *count = labels->len;
  return (char **)g_ptr_array_free(labels, FALSE);
}
