/* SPDX-License-Identifier: MIT */
/*
 * compare.c - see qnnflow/compare.h. The reference runs once with all its tensors as outputs; what the other unit gives is held
 * against them.
 */
#include "../graph/numbers.h"
#include "model.h"

#include <math.h>
#include <qnnflow/compare.h>
#include <qnnflow/session.h>
#include <string.h>

/* A model with all its tensors, run once. */
typedef struct {
  QfModel *model;
  QfSession *session;
  GHashTable *values; /* QfTensor -> its bytes */
  void **before;      /* by state: its value before the run; NULL-ended */
} Run;

static void run_clear(Run *run)
{
  for (uint32_t i = 0; run->before && run->before[i]; i++)
    g_free(run->before[i]);
  g_free(run->before);
  qf_session_free(run->session);
  if (run->model)
    qf_model_unref(run->model);
  g_clear_pointer(&run->values, g_hash_table_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Run, run_clear)

/* States, whose values before and after the run are tensors as others are. */
static void add_states(Run *run)
{
  const QfGraph *graph = run->model->graph;
  for (uint32_t i = 0; i < run->model->n_states; i++) {
    g_hash_table_insert(run->values, graph->inputs->pdata[run->model->n_inputs + i], run->before[i]);
    g_hash_table_insert(run->values, graph->outputs->pdata[run->model->n_outputs + i],
                        (gpointer)qf_session_state(run->session, i));
  }
}

static gboolean run_all(Run *run, const char *path, const QfModelOptions *options, const void *const *inputs,
                        GError **error)
{
  QfModelOptions all = *options;
  all.all_tensors = TRUE;
  run->model = qf_model_load(path, &all, error);
  if (run->model && run->model->program) {
    g_set_error(error, QF_ERROR, QF_ERROR_DYNAMIC,
                "%s: its shapes follow from values: there are no layers before it runs", run->model->name);
    return FALSE;
  }
  if (!run->model || !(run->session = qf_session_new(run->model, NULL, error)))
    return FALSE;
  const QfGraph *graph = run->model->graph;
  for (uint32_t i = 0; i < run->model->n_inputs; i++)
    memcpy(qf_session_input_data(run->session, i), inputs[i], run->model->inputs[i].size_bytes);
  const uint32_t n_states = run->model->n_states;
  run->before = g_new0(void *, n_states + 1);
  for (uint32_t i = 0; i < n_states; i++)
    run->before[i] = g_memdup2(qf_session_state(run->session, i),
                               MAX(run->model->inputs[run->model->n_inputs + i].size_bytes, 1));
  if (!qf_session_run(run->session, error))
    return FALSE;
  run->values = g_hash_table_new(NULL, NULL);
  add_states(run);
  for (uint32_t i = 0; i < run->model->n_inputs; i++)
    g_hash_table_insert(run->values, graph->inputs->pdata[i], qf_session_input_data(run->session, i));
  for (uint32_t i = 0; i < run->model->n_outputs; i++)
    g_hash_table_insert(run->values, graph->outputs->pdata[i],
                        (gpointer)qf_session_output_data(run->session, i));
  return TRUE;
}

static void hold_against(QfDifference *d, const QfTensor *t, const void *expected, const void *got)
{
  double magnitude = 0;
  d->integer = !qf_dtype_is_float(t->dtype);
  d->elements = (uint64_t)qf_tensor_count(t);
  for (uint64_t i = 0; !d->integer && i < d->elements; i++) {
    const double v = fabs(qf_number_real(t->dtype, expected, (int64_t)i));
    magnitude = isfinite(v) ? fmax(magnitude, v) : magnitude;
  }
  const double unit = d->integer || magnitude <= 0 ? 1 : magnitude;
  for (uint64_t i = 0; i < d->elements; i++) {
    const double a = qf_number_real(t->dtype, expected, (int64_t)i),
                 b = qf_number_real(t->dtype, got, (int64_t)i);
    if (a == b || (isnan(a) && isnan(b)))
      continue;
    const double by = isnan(a - b) ? INFINITY : fabs(a - b) / unit;
    d->differ++;
    d->beyond += by > (d->integer ? 1 : 1e-3);
    d->largest = fmax(d->largest, by);
  }
}

static const char *keep(QfComparison *c, const char *text)
{
  char *copy = g_strdup(text);
  g_ptr_array_add(c->strings, copy);
  return copy;
}

static QfDifference *add_layer(QfComparison *c, const QfNode *node, uint32_t output)
{
  QfDifference *d = &c->layers[c->n_layers++];
  *d = (QfDifference){.node = keep(c, node->name), .op = keep(c, node->op->name), .output = output};
  return d;
}

/* The node alone on the other unit. NULL with the reason in @error. */
static QfModel *compile_alone(const QfModel *like, const QfModel *other, const QfNode *node, GError **error)
{
  QfGraph *graph = qf_graph_extract(node, error);
  if (!graph)
    return NULL;
  QfModel *model = g_new0(QfModel, 1);
  model->refs = 1;
  model->name = g_strdup(like->name);
  model->graph = graph;
  model->backend = other->backend;
  model->unit = other->unit ? g_atomic_rc_box_acquire(other->unit) : NULL;
  model->requant = other->requant;
  model->fast_math = other->fast_math;
  model->no_fallback = TRUE;
  if (qf_model_compile(model, model->requant, error))
    return model;
  qf_model_unref(model);
  return NULL;
}

static QfSession *run_alone(const Run *run, const QfModel *other, const QfNode *node, GError **error)
{
  g_autoptr(QfModel) model = compile_alone(run->model, other, node, error);
  QfSession *session = model ? qf_session_new(model, NULL, error) : NULL;
  uint32_t at = 0;
  if (!session)
    return NULL;
  for (uint32_t i = 0; i < node->n_inputs; i++) {
    gboolean seen = !node->inputs[i] || node->inputs[i]->data;
    for (uint32_t k = 0; k < i; k++)
      seen |= node->inputs[k] == node->inputs[i];
    const void *value = seen ? NULL : g_hash_table_lookup(run->values, node->inputs[i]);
    if (value)
      memcpy(qf_session_input_data(session, at), value, model->inputs[at].size_bytes);
    at += !seen;
  }
  if (qf_session_run(session, error))
    return session;
  qf_session_free(session);
  return NULL;
}

static void compare_each(QfComparison *c, const Run *run, const QfModel *other)
{
  qf_foreach_node (node, run->model->graph) {
    g_autoptr(GError) error = NULL;
    QfSession *session = node->n_subgraphs ? NULL : run_alone(run, other, node, &error);
    for (uint32_t i = 0; i < node->n_outputs; i++) {
      QfDifference *d = add_layer(c, node, i);
      const void *expected = g_hash_table_lookup(run->values, node->outputs[i]);
      if (session && expected)
        hold_against(d, node->outputs[i], expected, qf_session_output_data(session, i));
      else
        d->note = error ? keep(c, error->message) : "it has bodies: they are not taken apart";
    }
    qf_session_free(session);
  }
}

/* Both ran the whole model: the same passes gave the same nodes. */
static gboolean compare_chain(QfComparison *c, const Run *run, const Run *other, GError **error)
{
  const GPtrArray *a = run->model->graph->nodes, *b = other->model->graph->nodes;
  g_autofree char *parted = other->model->stats.n_fallback ? qf_model_explain(other->model) : NULL;
  c->parted = parted ? keep(c, parted) : NULL;
  for (guint i = 0; i < a->len; i++) {
    const QfNode *node = a->pdata[i], *same = i < b->len ? b->pdata[i] : NULL;
    if (!same || a->len != b->len || node->op != same->op || node->n_outputs != same->n_outputs) {
      g_set_error(
          error, QF_ERROR, QF_ERROR_ARGUMENT,
          "%s: the two units were given different graphs: compare with the same options, or each layer alone",
          run->model->name);
      return FALSE;
    }
    for (uint32_t k = 0; k < node->n_outputs; k++) {
      const void *expected = g_hash_table_lookup(run->values, node->outputs[k]),
                 *got = g_hash_table_lookup(other->values, same->outputs[k]);
      QfDifference *d = add_layer(c, node, k);
      if (expected && got)
        hold_against(d, node->outputs[k], expected, got);
      else
        d->note = "no memory of its own";
    }
  }
  return TRUE;
}

static QfComparison *new_comparison(const QfGraph *graph)
{
  QfComparison *c = g_new0(QfComparison, 1);
  uint32_t n = 1;
  qf_foreach_node (node, graph)
    n += node->n_outputs;
  c->layers = g_new0(QfDifference, n);
  c->strings = g_ptr_array_new_with_free_func(g_free);
  return c;
}

/* A unit with arithmetic of its own is held against the reference in the same, where the caller names none. */
static const char *scheme_for(const QfModelOptions *reference, const QfModel *other)
{
  const QfRequant *requant = other->backend->requant;
  const gboolean own = requant && *requant == QF_REQUANT_FIXED;
  return own && !reference->requant && !g_strcmp0(reference->backend, "ref") ? "fixed" : reference->requant;
}

QfComparison *qf_compare(const char *path, const QfModelOptions *reference, const QfModelOptions *other,
                         const void *const *inputs, QfCompareMode mode, GError **error)
{
  g_auto(Run) run = {0}, second = {0};
  g_autoptr(QfModel) unit = NULL;
  QfModelOptions first = *reference;
  if (mode == QF_COMPARE_CHAIN ? !run_all(&second, path, other, inputs, error)
                               : !(unit = qf_model_load(path, other, error)))
    return NULL;
  first.requant = scheme_for(reference, unit ? unit : second.model);
  if (!run_all(&run, path, &first, inputs, error))
    return NULL;
  g_autoptr(QfComparison) c = new_comparison(run.model->graph);
  if (mode == QF_COMPARE_EACH)
    compare_each(c, &run, unit);
  else if (!compare_chain(c, &run, &second, error))
    return NULL;
  return g_steal_pointer(&c);
}

void qf_comparison_free(QfComparison *comparison)
{
  if (!comparison)
    return;
  g_ptr_array_unref(comparison->strings);
  g_free(comparison->layers);
  g_free(comparison);
}

const QfDifference *qf_comparison_worst(const QfComparison *comparison)
{
  const QfDifference *worst = NULL;
  for (uint32_t i = 0; i < comparison->n_layers; i++) {
    const QfDifference *d = &comparison->layers[i];
    if (d->differ && (!worst || d->integer > worst->integer ||
                      (d->integer == worst->integer && d->largest > worst->largest)))
      worst = d;
  }
  return worst;
}
