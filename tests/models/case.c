/* SPDX-License-Identifier: MIT */
/*
 * case.c - finding and reading reference cases.
 */
#include "case.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <string.h>

static void find_below(const char *directory, GPtrArray *found, int depth)
{
  g_autoptr(GDir) dir = depth < 8 ? g_dir_open(directory, 0, NULL) : NULL;
  const char *entry;
  while (dir && (entry = g_dir_read_name(dir))) {
    g_autofree char *path = g_build_filename(directory, entry, NULL);
    if (!strcmp(entry, "case.json"))
      g_ptr_array_add(found, g_strdup(directory));
    else if (g_file_test(path, G_FILE_TEST_IS_DIR))
      find_below(path, found, depth + 1);
  }
}

static int compare_names(const void *a, const void *b)
{
  return strcmp(*(char *const *)a, *(char *const *)b);
}

GPtrArray *qf_case_find(const char *directory)
{
  GPtrArray *found = g_ptr_array_new_with_free_func(g_free);
  g_autofree char *canonical = g_canonicalize_filename(directory, NULL);
  find_below(canonical, found, 0);
  g_ptr_array_sort(found, compare_names);
  return found;
}

/* What is below a folder called "refs", else the last two parts of the path. */
static char *make_name(const char *directory)
{
  const char *refs = g_strrstr(directory, "/refs/");
  if (refs)
    return g_strdup(refs + strlen("/refs/"));
  g_autofree char *last = g_path_get_basename(directory), *parent = g_path_get_dirname(directory),
                  *before = g_path_get_basename(parent);
  return g_build_filename(before, last, NULL);
}

/* The path in case.json counts from a folder above. */
static char *find_model(const char *directory, const char *wanted)
{
  g_autofree char *at = g_strdup(directory);
  if (g_path_is_absolute(wanted) && g_file_test(wanted, G_FILE_TEST_IS_REGULAR))
    return g_strdup(wanted);
  for (;;) {
    g_autofree char *path = g_build_filename(at, wanted, NULL), *up = g_path_get_dirname(at);
    if (g_file_test(path, G_FILE_TEST_IS_REGULAR))
      return g_steal_pointer(&path);
    if (!strcmp(up, at))
      return NULL;
    g_free(at);
    at = g_steal_pointer(&up);
  }
}

/* The largest of the @count fields whose names begin with @prefix ("maxdiff_opt", "maxdiff_xnn", ...); NAN: none. */
static double largest_field(const cJSON *root, const char *prefix, uint32_t *count)
{
  double largest = NAN;
  *count = 0;
  const cJSON *field;
  cJSON_ArrayForEach(field, root)
  {
    if (!g_str_has_prefix(field->string, prefix) || !cJSON_IsNumber(field))
      continue;
    largest = *count ? fmax(largest, field->valuedouble) : field->valuedouble;
    ++*count;
  }
  return largest;
}

static void read_top(QfCase *c, const cJSON *root)
{
  const cJSON *top = cJSON_GetObjectItem(root, "top5");
  for (int i = 0; i < 2; i++) {
    const cJSON *pair = cJSON_GetArrayItem(top, i), *index = cJSON_GetArrayItem(pair, 0),
                *value = cJSON_GetArrayItem(pair, 1);
    if (!cJSON_IsNumber(index) || !cJSON_IsNumber(value))
      return;
    c->top_index[i] = (int64_t)index->valuedouble;
    c->top_value[i] = value->valuedouble;
  }
  c->has_top = TRUE;
}

static char *string_field(const cJSON *root, const char *name)
{
  const char *s = cJSON_GetStringValue(cJSON_GetObjectItem(root, name));
  return g_strdup(s ? s : "");
}

QfCase *qf_case_read(const char *directory, GError **error)
{
  g_autofree char *path = g_build_filename(directory, "case.json", NULL), *text = NULL;
  g_autoptr(GError) cause = NULL;
  if (!g_file_get_contents(path, &text, NULL, &cause)) {
    g_set_error(error, QF_ERROR, QF_ERROR_FILE, "%s", cause->message);
    return NULL;
  }
  cJSON *root = cJSON_Parse(text);
  if (!cJSON_IsObject(root)) {
    g_set_error(error, QF_ERROR, QF_ERROR_FORMAT, "%s: not a JSON object", path);
    cJSON_Delete(root);
    return NULL;
  }
  QfCase *c = g_new0(QfCase, 1);
  c->directory = g_strdup(directory);
  c->name = make_name(directory);
  c->wanted = string_field(root, "model");
  c->model = find_model(directory, c->wanted);
  c->runtime = string_field(root, "runtime");
  uint32_t ignored;
  c->peer.mean = largest_field(root, "meandiff_", &ignored);
  c->peer.share = largest_field(root, "fracdiff_", &ignored);
  c->peer.max = largest_field(root, "maxdiff_", &c->peer.runs);
  read_top(c, root);
  cJSON_Delete(root);
  return c;
}

void qf_case_free(QfCase *c)
{
  if (!c)
    return;
  g_free(c->directory);
  g_free(c->name);
  g_free(c->model);
  g_free(c->wanted);
  g_free(c->runtime);
  g_free(c);
}

gboolean qf_case_array(const QfCase *c, const char *kind, uint32_t index, QfNpy *array, GError **error)
{
  g_autofree char *file = g_strdup_printf("%s_%u.npy", kind, index);
  g_autofree char *path = g_build_filename(c->directory, file, NULL);
  return qf_npy_read(path, array, error);
}
