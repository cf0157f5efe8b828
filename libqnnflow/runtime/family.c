/* SPDX-License-Identifier: MIT */
/*
 * family.c - one file compiled for several shapes: qf_model_reshape(). The family holds the file's source and, while the model
 * that was loaded first lives, the shapes used last; each model of the family holds the family. A model that goes is
 * never handed out again: whoever looks for it takes a reference only while there is one.
 */
#include "model.h"

#include <string.h>

#define MAX_SHAPES 8

typedef struct QfFamily {
  gint refs;
  GMutex lock; /* for all below */
  QfSource *source;
  QfModelOptions options; /* strings are our own; without input_dims */
  QfModel *first;         /* not referenced; NULL: it is gone, and nothing is kept any more */
  GPtrArray *shapes;      /* QfModel*, referenced; the one used last comes last */
} QfFamily;

void qf_family_found(QfModel *model, QfSource *source, const QfModelOptions *options)
{
  QfFamily *f = g_new0(QfFamily, 1);
  f->refs = 1;
  g_mutex_init(&f->lock);
  f->source = source;
  f->options = *options;
  f->options.backend = g_strdup(options->backend);
  f->options.requant = g_strdup(options->requant);
  f->options.weights = g_strdup(options->weights);
  f->options.signature = g_strdup(options->signature);
  f->options.backend_library = g_strdup(options->backend_library);
  f->options.backend_config = g_strdup(options->backend_config);
  f->options.fallback = g_strdup(options->fallback);
  f->options.input_dims = NULL;
  f->options.n_input_dims = 0;
  f->first = model;
  f->shapes = g_ptr_array_new_with_free_func((GDestroyNotify)qf_model_unref);
  model->family = f;
}

static void unref(QfFamily *f)
{
  if (!g_atomic_int_dec_and_test(&f->refs))
    return;
  g_ptr_array_unref(f->shapes);
  qf_source_free(f->source);
  g_mutex_clear(&f->lock);
  g_free((char *)f->options.backend);
  g_free((char *)f->options.requant);
  g_free((char *)f->options.backend_library);
  g_free((char *)f->options.backend_config);
  g_free((char *)f->options.fallback);
  g_free((char *)f->options.weights);
  g_free((char *)f->options.signature);
  g_free(f);
}

void qf_family_leave(QfModel *model)
{
  QfFamily *f = model->family;
  GPtrArray *shapes = NULL;
  g_mutex_lock(&f->lock);
  if (f->first == model) {
    shapes = f->shapes;
    f->shapes = g_ptr_array_new();
    f->first = NULL;
  }
  g_mutex_unlock(&f->lock);
  g_clear_pointer(&shapes, g_ptr_array_unref); /* these leave in turn, each with the lock */
  unref(f);
}

/* A reference to a model that may be on its way out. */
static QfModel *try_ref(QfModel *model)
{
  gint refs = g_atomic_int_get(&model->refs);
  while (refs > 0) {
    if (g_atomic_int_compare_and_exchange(&model->refs, refs, refs + 1))
      return model;
    refs = g_atomic_int_get(&model->refs);
  }
  return NULL;
}

static gboolean same_dims(const QfModel *model, const QfInputDims *wanted)
{
  for (uint32_t i = 0; i < model->n_inputs; i++) {
    const QfInputDims *a = &model->imported[i], *b = &wanted[i];
    if (a->rank != b->rank || memcmp(a->dims, b->dims, (size_t)MAX(a->rank, 0) * sizeof(*a->dims)))
      return FALSE;
  }
  return TRUE;
}

static QfModel *find(QfFamily *f, const QfInputDims *wanted)
{
  if (f->first && same_dims(f->first, wanted))
    return try_ref(f->first);
  for (guint i = 0; i < f->shapes->len; i++) {
    QfModel *model = f->shapes->pdata[i];
    if (!same_dims(model, wanted))
      continue;
    g_ptr_array_add(f->shapes, qf_model_ref(model)); /* now the one used last */
    g_ptr_array_remove_index(f->shapes, i);
    return qf_model_ref(model);
  }
  return NULL;
}

static QfModel *make(QfFamily *f, const QfModel *like, QfInputDims *wanted, GError **error)
{
  QfModelOptions options = f->options;
  options.input_dims = wanted;
  options.n_input_dims = like->n_inputs;
  QfModel *model = qf_model_new_from_source(f->source, like->name, &options, error);
  if (!model)
    return NULL;
  g_atomic_int_inc(&f->refs);
  model->family = f;
  if (!f->first)
    return model;
  g_ptr_array_add(f->shapes, qf_model_ref(model));
  return model;
}

/* Takes out the shape that was not used for longest; its model may go, which must not happen under the lock. */
static QfModel *take_oldest(QfFamily *f)
{
  if (f->shapes->len <= MAX_SHAPES)
    return NULL;
  QfModel *oldest = qf_model_ref(f->shapes->pdata[0]);
  g_ptr_array_remove_index(f->shapes, 0);
  return oldest;
}

static gboolean set_wish(const QfModel *model, const QfInputDims *given, uint32_t position,
                         QfInputDims *wanted, GError **error)
{
  uint32_t k = given->name ? 0 : position;
  while (given->name && k < model->n_inputs && strcmp(model->imported[k].name, given->name))
    k++;
  if (k >= model->n_inputs) {
    g_set_error(error, QF_ERROR, QF_ERROR_ARGUMENT,
                "%s: dimensions are given for input '%s', which the model does not have", model->name,
                given->name ? given->name : "(by position)");
    return FALSE;
  }
  wanted[k].rank = CLAMP(given->rank, 0, QF_MAX_RANK);
  memcpy(wanted[k].dims, given->dims, sizeof(given->dims));
  return TRUE;
}

static QfModel *reshape(QfModel *model, QfInputDims *wanted, GError **error)
{
  QfFamily *f = model->family;
  if (!f && same_dims(model, wanted))
    return qf_model_ref(model);
  if (!f) {
    g_set_error(error, QF_ERROR, QF_ERROR_SHAPE,
                "%s: its file leaves no dimension open; export it with open dimensions", model->name);
    return NULL;
  }
  g_mutex_lock(&f->lock);
  QfModel *found = find(f, wanted);
  if (!found)
    found = make(f, model, wanted, error);
  QfModel *oldest = take_oldest(f);
  g_mutex_unlock(&f->lock);
  qf_model_unref(oldest);
  return found;
}

QfModel *qf_model_reshape(QfModel *model, const QfInputDims *dims, uint32_t n_dims, GError **error)
{
  if (!model->imported) {
    g_set_error(error, QF_ERROR, QF_ERROR_ARGUMENT,
                "%s: its shapes follow from values, so it takes any: see qf_session_evaluate()", model->name);
    return NULL;
  }
  g_autofree QfInputDims *wanted = g_memdup2(model->imported, (model->n_inputs + 1) * sizeof(*wanted));
  for (uint32_t i = 0; i < n_dims; i++)
    if (!set_wish(model, &dims[i], i, wanted, error))
      return NULL;
  return reshape(model, wanted, error);
}
