/* SPDX-License-Identifier: MIT */
/*
 * gstqnnmodels.c - the table behind gstqnnmodels.h. The lock is held while a model loads, so that two elements that
 * start together load it once.
 */
#include "gstqnnmodels.h"
#include <glib/gstdio.h>

typedef struct {
  gchar *key;
  QfModel *model;
  guint users;
} Entry;

static GMutex lock;
static GSList *entries;

static gchar *make_key(const gchar *path, const QfModelOptions *o)
{
  const gchar *const strings[] = {o->backend, o->backend_library, o->backend_config, o->fallback,
                                  o->requant, o->weights,         o->signature};
  GString *key = g_string_new(path);
  GStatBuf st = {0};

  g_stat(path, &st);
  g_string_append_printf(key, "|%" G_GINT64_FORMAT "|%" G_GINT64_FORMAT, (gint64)st.st_size,
                         (gint64)st.st_mtime);
  for (guint i = 0; i < G_N_ELEMENTS(strings); i++)
    g_string_append_printf(key, "|%s", strings[i] ? strings[i] : "");
  g_string_append(key, o->enable_fast_math ? "|fast" : "|");
  for (guint i = 0; i < o->n_input_dims; i++) {
    g_autofree gchar *dims = qf_dims_to_string(o->input_dims[i].dims, o->input_dims[i].rank);
    g_string_append_printf(key, "|%s:%s", o->input_dims[i].name, dims);
  }
  return g_string_free(key, FALSE);
}

/* Caps and buffers need every size before the first frame. */
static gboolean check_fixed(const QfModel *model, GError **error)
{
  guint n_in = qf_model_n_inputs(model), n = n_in + qf_model_n_outputs(model);

  for (guint i = 0; i < n; i++) {
    const QfTensorDesc *desc = i < n_in ? qf_model_input(model, i) : qf_model_output(model, i - n_in);
    g_autofree gchar *dims = NULL;
    if (desc->rank >= 0 && qf_dims_count(desc->dims, desc->rank) >= 0)
      continue;
    dims = desc->rank < 0 ? g_strdup("not told by the file") : qf_dims_to_string(desc->dims, desc->rank);
    g_set_error(
        error, QF_ERROR, QF_ERROR_DYNAMIC,
        "%s: dimensions of %s '%s' (%s) are known only when it runs, and a stream needs them before: give "
        "those "
        "of inputs with input-dims, export the model with outputs of fixed size, or run it from code with "
        "qf_session_evaluate()",
        qf_model_name(model), i < n_in ? "input" : "output", desc->name, dims);
    return FALSE;
  }
  return TRUE;
}

QfModel *gst_qnn_models_acquire(const gchar *path, const QfModelOptions *options, GError **error)
{
  g_autofree gchar *key = make_key(path, options);
  g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&lock);
  QfModel *model;
  Entry *entry;

  for (GSList *l = entries; l; l = l->next) {
    entry = l->data;
    if (g_str_equal(entry->key, key)) {
      entry->users++;
      return entry->model;
    }
  }
  model = qf_model_load(path, options, error);
  if (!model)
    return NULL;
  if (!check_fixed(model, error)) {
    qf_model_unref(model);
    return NULL;
  }
  entry = g_new(Entry, 1);
  *entry = (Entry){g_steal_pointer(&key), model, 1};
  entries = g_slist_prepend(entries, entry);
  return model;
}

void gst_qnn_models_release(QfModel *model)
{
  g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&lock);

  for (GSList *l = entries; l; l = l->next) {
    Entry *entry = l->data;
    if (entry->model != model || --entry->users)
      continue;
    entries = g_slist_delete_link(entries, l);
    qf_model_unref(model);
    g_free(entry->key);
    g_free(entry);
    return;
  }
}
