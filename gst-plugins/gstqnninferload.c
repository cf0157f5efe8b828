/* SPDX-License-Identifier: MIT */
/*
 * gstqnninferload.c - how qnninfer comes by its model and session: as its properties say, on the CPU where the unit's device is not there or
 * fails and they allow that; what runs where is told. Running is in gstqnninfer.c.
 */
#include "gstqnninfer.h"
#include "gstqnnmodels.h"
#include <string.h>

#define GST_CAT_DEFAULT gst_qnn_infer_debug

gboolean gst_qnn_infer_open_session(GstQnnInfer *self, GError **error)
{
  QfSessionOptions options = {.profile = self->want_profile != 0};
  QfSession *session;

  GST_OBJECT_LOCK(self);
  options.n_threads = self->threads;
  GST_OBJECT_UNLOCK(self);
  session = qf_session_new(self->loaded, &options, error);
  if (!session || !qf_session_run(session, error) || !qf_session_run(session, error)) {
    qf_session_free(session);
    return FALSE;
  }
  qf_session_reset(session);
  if (self->session)
    qf_session_copy_state(session, self->session, NULL); /* of the same model */
  qf_session_free(self->session);
  self->session = session;
  self->profiling = options.profile;
  GST_OBJECT_LOCK(self);
  self->latency_ns = MAX(self->latency_ns, GST_QNN_INFER_LATENCY(qf_session_last_run_ns(self->session)));
  GST_OBJECT_UNLOCK(self);
  return TRUE;
}

/* "name:1x3x224x224" to @dims, which keeps @text: the name ends where the colon was. */
static gboolean parse_dims(gchar *text, QfInputDims *dims)
{
  gchar *colon = strrchr(text, ':');
  g_auto(GStrv) words = colon ? g_strsplit(colon + 1, "x", -1) : NULL;

  if (!words || !*words)
    return FALSE;
  *colon = 0;
  *dims = (QfInputDims){.name = text, .rank = (gint32)g_strv_length(words)};
  if (dims->rank > QF_MAX_RANK)
    return FALSE;
  for (gint32 k = 0; k < dims->rank; k++)
    if (!g_ascii_string_to_signed(words[k], 10, 1, G_MAXINT32, &dims->dims[k], NULL))
      return FALSE;
  return TRUE;
}

/* Reads the property input-dims; the arrays live as long as @texts and @dims. */
static gboolean take_input_dims(GstQnnInfer *self, QfModelOptions *options, GStrv *texts, QfInputDims **dims,
                                GError **error)
{
  g_autofree gchar *all = gst_qnn_prop_dup(self, &self->input_dims);
  guint n;

  *texts = g_strsplit(all ? all : "", ",", -1);
  n = g_strv_length(*texts);
  *dims = g_new0(QfInputDims, n + 1);
  for (guint i = 0; i < n; i++) {
    if (parse_dims((*texts)[i], &(*dims)[i]))
      continue;
    g_set_error(error, QF_ERROR, QF_ERROR_ARGUMENT, "input-dims=%s: write it as name:1x3x224x224", all);
    return FALSE;
  }
  options->input_dims = *dims;
  options->n_input_dims = n;
  return TRUE;
}

static const gchar *given(const gchar *text)
{
  return text && *text ? text : NULL;
}

static gboolean take_fast_math(GstQnnInfer *self)
{
  gboolean value;

  GST_OBJECT_LOCK(self);
  value = self->enable_fast_math;
  GST_OBJECT_UNLOCK(self);
  return value;
}

/* The model that the properties describe; @unit instead of the property backend unless NULL. */
static QfModel *acquire(GstQnnInfer *self, const gchar *unit, GError **error)
{
  g_autofree gchar *path = gst_qnn_prop_dup(self, &self->path);
  g_autofree gchar *backend = gst_qnn_prop_dup(self, &self->backend);
  g_autofree gchar *library = gst_qnn_prop_dup(self, &self->backend_library);
  g_autofree gchar *config = gst_qnn_prop_dup(self, &self->backend_config);
  g_autofree gchar *fallback = gst_qnn_prop_dup(self, &self->fallback);
  g_autofree gchar *requant = gst_qnn_prop_dup(self, &self->requant);
  g_autofree gchar *weights = gst_qnn_prop_dup(self, &self->weights);
  g_autofree gchar *signature = gst_qnn_prop_dup(self, &self->signature);
  const gboolean fast_math = take_fast_math(self);
  QfModelOptions options = {.backend = unit ? unit : backend,
                            .backend_library = given(library),
                            .backend_config = given(config),
                            .fallback = given(fallback),
                            .requant = requant,
                            .weights = given(weights),
                            .signature = given(signature),
                            .enable_fast_math = fast_math,
                            .direct_inputs = TRUE};
  g_auto(GStrv) texts = NULL;
  g_autofree QfInputDims *dims = NULL;

  if (!take_input_dims(self, &options, &texts, &dims, error))
    return NULL;
  return gst_qnn_models_acquire(path, &options, error);
}

/* Tells what runs where: in the log, in properties, and on the bus when the CPU helps out. */
static void announce(GstQnnInfer *self)
{
  g_autofree gchar *placement = qf_model_explain(self->loaded);
  QfModelStats stats;

  qf_model_stats(self->loaded, &stats);
  GST_INFO_OBJECT(self, "%s", placement);
  if (stats.n_fallback)
    GST_ELEMENT_INFO(self, RESOURCE, SETTINGS,
                     ("%u of %u nodes of %s do not run on \"%s\" but on the CPU.", stats.n_fallback,
                      stats.n_nodes, qf_model_name(self->loaded), qf_model_backend(self->loaded)),
                     ("%s", placement));
  GST_OBJECT_LOCK(self);
  g_free(self->active_backend);
  self->active_backend = g_strdup(qf_model_backend(self->loaded));
  g_free(self->placement);
  self->placement = g_steal_pointer(&placement);
  GST_OBJECT_UNLOCK(self);
}

/* @unit as in acquire(). After FALSE, gst_qnn_infer_unload(). */
static gboolean load(GstQnnInfer *self, const gchar *unit, GError **error)
{
  QfModel *model = acquire(self, unit, error);
  GstQnnTensors *in;
  gint width, height, channels;
  gboolean opened;
  QfLayout layout;

  if (!model)
    return FALSE;
  in = gst_qnn_tensors_from_model(model, TRUE);
  if (!in->n || !gst_qnn_tensor_is_image(&in->desc[0], &width, &height, &channels, &layout))
    width = height = 0;
  GST_OBJECT_LOCK(self);
  self->loaded = model;
  self->in = in;
  self->out = gst_qnn_tensors_from_model(model, FALSE);
  self->image_width = width;
  self->image_height = height;
  GST_OBJECT_UNLOCK(self);
  g_mutex_lock(&self->lock);
  opened = gst_qnn_infer_open_session(self, error);
  g_mutex_unlock(&self->lock);
  if (!opened)
    return FALSE;
  announce(self);
  return TRUE;
}

/* Caps and custom queries may still come from other threads: they take references under the object lock. */
void gst_qnn_infer_unload(GstQnnInfer *self)
{
  QfModel *model;
  GstQnnTensors *in, *out;

  g_mutex_lock(&self->lock);
  g_clear_pointer(&self->session, qf_session_free);
  g_mutex_unlock(&self->lock);
  GST_OBJECT_LOCK(self);
  model = g_steal_pointer(&self->loaded);
  in = g_steal_pointer(&self->in);
  out = g_steal_pointer(&self->out);
  GST_OBJECT_UNLOCK(self);
  gst_qnn_tensors_unref(in);
  gst_qnn_tensors_unref(out);
  if (model)
    gst_qnn_models_release(model);
}

/* Whether the CPU shall run the model after a unit has failed with @why. */
static gboolean may_fall_back(GstQnnInfer *self, const GError *why)
{
  g_autofree gchar *fallback = gst_qnn_prop_dup(self, &self->fallback);

  return g_error_matches(why, QF_ERROR, QF_ERROR_DEVICE) && g_strcmp0(fallback, "none") != 0;
}

static void tell_fall_back(GstQnnInfer *self, const GError *why)
{
  GST_ELEMENT_WARNING(self, RESOURCE, FAILED, ("%s. The model runs on the CPU from now on.", why->message),
                      (NULL));
}

gboolean gst_qnn_infer_load(GstQnnInfer *self, GError **error)
{
  g_autoptr(GError) why = NULL;

  if (load(self, NULL, &why))
    return TRUE;
  gst_qnn_infer_unload(self);
  if (!may_fall_back(self, why)) {
    g_propagate_error(error, g_steal_pointer(&why));
    return FALSE;
  }
  if (!load(self, "cpu", error)) {
    gst_qnn_infer_unload(self);
    return FALSE;
  }
  tell_fall_back(self, why);
  return TRUE;
}

gboolean gst_qnn_infer_fall_back(GstQnnInfer *self, const GError *why)
{
  g_autoptr(GError) error = NULL;
  QfModel *failed = self->loaded, *model;

  if (!may_fall_back(self, why))
    return FALSE;
  model = acquire(self, "cpu", &error);
  if (!model)
    return FALSE;
  g_clear_pointer(&self->session, qf_session_free);
  GST_OBJECT_LOCK(self);
  self->loaded = model;
  GST_OBJECT_UNLOCK(self);
  gst_qnn_models_release(failed);
  if (!gst_qnn_infer_open_session(self, &error))
    return FALSE;
  tell_fall_back(self, why);
  announce(self);
  return TRUE;
}
