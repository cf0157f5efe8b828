/* SPDX-License-Identifier: MIT */
/*
 * fill.c - the inputs of a run from the options of a command: which file goes to which input, and how pictures become tensors.
 */
#include "inputs.h"
#include "tool.h"

#include <math.h>
#include <string.h>

void qf_input_options_clear(QfInputOptions *o)
{
  g_free(o->fit);
  g_free(o->mean);
  g_free(o->std);
  g_strfreev(o->files);
}

static gboolean bad(GError **error, const char *option, const char *value, const char *wants)
{
  g_set_error(error, QF_ERROR, QF_ERROR_ARGUMENT, "--%s %s: write %s", option, value, wants);
  return FALSE;
}

/* "127.5" or "123.7,116.8,103.9". */
static gboolean read_triple(const char *option, const char *text, float *values, GError **error)
{
  g_auto(GStrv) parts = g_strsplit(text, ",", -1);
  guint n = g_strv_length(parts);
  for (guint i = 0; i < 3 && (n == 1 || n == 3); i++) {
    const char *part = parts[n == 1 ? 0 : i];
    char *end = NULL;
    values[i] = g_ascii_strtod(part, &end);
    if (!*part || *end || !isfinite(values[i]))
      n = 0;
  }
  return n == 1 || n == 3 ||
         bad(error, option, text, "one number or three, as in 127.5 or 123.7,116.8,103.9");
}

gboolean qf_input_picture(const QfInputOptions *o, QfPictureOptions *p, GError **error)
{
  static const char *const fits[] = {"stretch", "letterbox", "letterbox-top", "crop"};
  guint fit = 0;
  while (o->fit && fit < G_N_ELEMENTS(fits) && strcmp(o->fit, fits[fit]))
    fit++;
  if (fit == G_N_ELEMENTS(fits))
    return bad(error, "fit", o->fit, "stretch, letterbox, letterbox-top or crop");
  *p = (QfPictureOptions){.fit = (QfFit)fit,
                          .channels = o->bgr ? QF_CHANNELS_BGR : QF_CHANNELS_RGB,
                          .has_mean = o->mean != NULL,
                          .has_std = o->std != NULL};
  return (!o->mean || read_triple("mean", o->mean, p->mean, error)) &&
         (!o->std || read_triple("std", o->std, p->std, error));
}

/* The input that "NAME=FILE" or "FILE" speaks of; @file is set to the path. -1 with an error. */
int qf_input_index(const QfModel *model, const char *text, int next, const char **file, GError **error)
{
  int n = qf_model_n_inputs(model);
  for (int i = 0; i < n; i++) {
    const char *name = qf_model_input(model, i)->name;
    if (g_str_has_prefix(text, name) && text[strlen(name)] == '=') {
      *file = text + strlen(name) + 1;
      return i;
    }
  }
  *file = text;
  if (next < n)
    return next;
  g_set_error(error, QF_ERROR, QF_ERROR_ARGUMENT, "--input %s: the model has %d inputs only", text, n);
  return -1;
}

/* What an input holds that was given no file. */
gboolean qf_input_fill_rest(const QfTensorDesc *desc, const QfInputOptions *o, void *data, GError **error)
{
  g_autofree char *text = qf_tool_tensor_text(desc);
  if (o->random && data && desc->rank >= 0 && qf_dims_count(desc->dims, desc->rank) >= 0) {
    qf_tool_fill_random(desc, data);
    return TRUE;
  }
  g_set_error(error, QF_ERROR, QF_ERROR_ARGUMENT,
              "input '%s' (%s) was given nothing; add --input %s=FILE (.npy, picture or raw), or --random%s",
              desc->name, text, desc->name, o->random ? " and its dimensions (--dims)" : "");
  return FALSE;
}

gboolean qf_input_fill(QfSession *session, const QfInputOptions *o, GError **error)
{
  QfModel *model = qf_session_model(session);
  uint32_t n = qf_model_n_inputs(model);
  g_autofree gboolean *given = g_new0(gboolean, n + 1);
  QfPictureOptions picture;
  if (!qf_input_picture(o, &picture, error))
    return FALSE;
  for (int k = 0; o->files && o->files[k]; k++) {
    const char *file;
    int i = qf_input_index(model, o->files[k], k, &file, error);
    if (i < 0 ||
        !qf_input_read(file, qf_model_input(model, i), &picture, qf_session_input_data(session, i), error))
      return FALSE;
    given[i] = TRUE;
  }
  for (uint32_t i = 0; i < n; i++)
    if (!given[i] &&
        !qf_input_fill_rest(qf_model_input(model, i), o, qf_session_input_data(session, i), error))
      return FALSE;
  return TRUE;
}
