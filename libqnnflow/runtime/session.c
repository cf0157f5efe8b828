/* SPDX-License-Identifier: MIT */
/*
 * session.c - the memory and the threads of one stream of runs. A run is a loop over steps and nothing else.
 */
#include "frame.h"
#include "layers.h"
#include "memory.h"
#include "pool.h"
#include "program/program.h"

#include <qnnflow/memory.h>
#include <sched.h>
#include <string.h>
#include <time.h>

/* One input or output: the session's own buffer, and what is bound now. */
typedef struct {
  void *own;
  void *bound;
  gboolean shared; /* own is of qf_shared_alloc() */
} Port;

struct _QfSession {
  QfModel *model;
  QfInterpreter *interpreter; /* of a dynamic model; NULL: its steps are run */
  QfValue **values;           /* what a dynamic model gave in its last run, by output */
  gboolean borrowed_pool;
  QfSession *reshaped; /* of the model for other dimensions, which the last evaluation asked for */
  QfFrame frame;
  QfPool *pool;
  void *arena, *scratch;
  gboolean arena_shared;  /* by qf_shared_alloc() */
  Port *inputs, *outputs; /* those of the states come last; the two of a pair are swapped after a run */
  QfRunGuard guard;       /* of this run */
  uint64_t last_run_ns;
  QfLayerProfile *layers; /* NULL without `profile`; one per step */
  GArray *inside; /* QfLayerProfile: what qf_session_layers() gave last; NULL: the layers themselves */
};

static uint64_t now_ns(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint32_t default_threads(void)
{
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set))
    return 1;
  return CLAMP(CPU_COUNT(&set), 1, 4);
}

/* Memory that a unit may take from or give to: such that it can map, if it maps any. */
static void *new_memory(const QfModel *model, size_t size_bytes, gboolean *shared)
{
  const gboolean mapped = model->unit && model->unit->backend->maps_memory && size_bytes;
  void *memory = mapped ? qf_shared_alloc(size_bytes) : NULL;
  *shared = memory != NULL;
  return memory ? memory : qf_aligned_alloc(size_bytes);
}

static void free_memory(void *memory, gboolean shared)
{
  if (shared)
    qf_shared_free(memory);
  else
    qf_aligned_free(memory);
}

/* Buffers for one side's ports, bound to them. */
static gboolean make_ports(QfSession *session, gboolean input)
{
  const QfModel *model = session->model;
  const QfTensorDesc *descs = input ? model->inputs : model->outputs;
  uint32_t n = (input ? model->n_inputs : model->n_outputs) + model->n_states;
  Port *ports = g_new0(Port, n + 1);
  *(input ? &session->inputs : &session->outputs) = ports;
  for (uint32_t i = 0; i < n; i++) {
    ports[i].own = ports[i].bound = new_memory(model, descs[i].size_bytes, &ports[i].shared);
    if (!ports[i].own)
      return FALSE;
    if (input)
      qf_frame_bind_input(&session->frame, i, ports[i].own);
    else
      qf_frame_bind_output(&session->frame, i, ports[i].own);
  }
  return TRUE;
}

void qf_session_reset(QfSession *session)
{
  const QfModel *model = session->model;
  for (uint32_t i = 0; i < model->n_states; i++) {
    GBytes *initial = model->graph->states[i].initial;
    Port *before = &session->inputs[model->n_inputs + i];
    size_t size = model->inputs[model->n_inputs + i].size_bytes;
    if (initial)
      memcpy(before->own, g_bytes_get_data(initial, NULL), size);
    else
      memset(before->own, 0, size);
  }
}

const void *qf_session_state(const QfSession *session, uint32_t index)
{
  return session->inputs[session->model->n_inputs + index].own;
}

gboolean qf_session_copy_state(QfSession *to, const QfSession *from, GError **error)
{
  const QfModel *model = to->model;
  if (from->model != model) {
    g_set_error(error, QF_ERROR, QF_ERROR_ARGUMENT,
                "the state of a session of %s cannot be that of one of %s", from->model->name, model->name);
    return FALSE;
  }
  for (uint32_t i = model->n_inputs; i < model->n_inputs + model->n_states; i++)
    memcpy(to->inputs[i].own, from->inputs[i].own, model->inputs[i].size_bytes);
  return TRUE;
}

/* What the run has written is what the next one reads. */
static void swap_states(QfSession *session)
{
  const QfModel *model = session->model;
  for (uint32_t i = 0; i < model->n_states; i++) {
    uint32_t in = model->n_inputs + i, out = model->n_outputs + i;
    Port written = session->outputs[out];
    session->outputs[out] = session->inputs[in];
    session->inputs[in] = written;
    qf_frame_bind_input(&session->frame, in, written.own);
    qf_frame_bind_output(&session->frame, out, session->outputs[out].own);
  }
}

static gboolean allocate(QfSession *session, uint32_t n_threads)
{
  const QfModel *model = session->model;
  session->arena = new_memory(model, model->stats.arena_bytes, &session->arena_shared);
  session->scratch = qf_aligned_alloc(model->scratch_bytes * n_threads);
  QfFrameShared shared = {.pool = session->borrowed_pool ? session->pool : qf_pool_new(n_threads),
                          .n_threads = n_threads,
                          .scratch = session->scratch,
                          .scratch_stride = model->scratch_bytes,
                          .guard = &session->guard};
  session->pool = shared.pool;
  if (!session->arena || !session->scratch || !session->pool ||
      !qf_frame_init(&session->frame, model, session->arena, &shared) || !make_ports(session, TRUE) ||
      !make_ports(session, FALSE))
    return FALSE;
  qf_session_reset(session);
  return TRUE;
}

static void tell_no_memory(const QfModel *model, uint32_t n_threads, GError **error)
{
  double ports = 0;
  for (uint32_t i = 0; i < model->n_inputs + model->n_states; i++)
    ports += (double)model->inputs[i].size_bytes;
  for (uint32_t i = 0; i < model->n_outputs + model->n_states; i++)
    ports += (double)model->outputs[i].size_bytes;
  g_set_error(error, QF_ERROR, QF_ERROR_LIMIT,
              "%s: a session's memory cannot be had: %.1f MB for inputs and outputs, %.1f MB for "
              "intermediate tensors, "
              "%.1f MB for %u threads; give smaller dimensions or fewer threads",
              model->name, ports / 1e6, model->stats.arena_bytes / 1e6,
              (double)model->scratch_bytes * n_threads / 1e6, n_threads);
}

QfSession *qf_session_new_part(QfModel *model, uint32_t n_threads, QfPool *pool, GError **error)
{
  QfSession *session = g_new0(QfSession, 1);
  session->model = qf_model_ref(model);
  session->pool = pool;
  session->borrowed_pool = pool != NULL;
  if (!allocate(session, n_threads)) {
    tell_no_memory(model, n_threads, error);
    qf_session_free(session);
    return NULL;
  }
  if (model->program) {
    session->interpreter = qf_interpreter_new(model, n_threads, session->pool);
    session->values = g_new0(QfValue *, model->n_outputs + 1);
  }
  return session;
}

QfSession *qf_session_new(QfModel *model, const QfSessionOptions *options, GError **error)
{
  uint32_t n_threads = options && options->n_threads ? MIN(options->n_threads, 64) : default_threads();
  QfSession *session = qf_session_new_part(model, n_threads, NULL, error);
  if (session && options && options->profile)
    session->layers = qf_layers_new(session->model);
  return session;
}

static void free_ports(Port *ports, uint32_t n)
{
  for (uint32_t i = 0; ports && i < n; i++)
    free_memory(ports[i].own, ports[i].shared);
  g_free(ports);
}

void qf_session_free(QfSession *session)
{
  if (!session)
    return;
  qf_session_free(session->reshaped);
  qf_interpreter_free(session->interpreter);
  for (uint32_t i = 0; session->values && i < session->model->n_outputs; i++)
    qf_value_unref(session->values[i]);
  g_free(session->values);
  if (session->pool && !session->borrowed_pool)
    qf_pool_free(session->pool);
  free_ports(session->inputs, session->model->n_inputs + session->model->n_states);
  free_ports(session->outputs, session->model->n_outputs + session->model->n_states);
  qf_frame_clear(&session->frame);
  free_memory(session->arena, session->arena_shared);
  qf_aligned_free(session->scratch);
  g_free(session->layers);
  g_clear_pointer(&session->inside, g_array_unref);
  qf_model_unref(session->model);
  g_free(session);
}

QfModel *qf_session_model(const QfSession *session)
{
  return session->model;
}

static gboolean bind(QfSession *session, QfPlaceKind kind, uint32_t index, void *data, size_t size_bytes,
                     GError **error)
{
  gboolean input = kind == QF_PLACE_INPUT;
  uint32_t n = input ? session->model->n_inputs : session->model->n_outputs;
  const QfTensorDesc *desc = input ? session->model->inputs : session->model->outputs;
  const char *what = input ? "input" : "output";
  if (index >= n) {
    g_set_error(error, QF_ERROR, QF_ERROR_ARGUMENT, "%s: there is no %s %u: the model has %u",
                session->model->name, what, index, n);
    return FALSE;
  }
  desc += index;
  if (data && size_bytes < desc->size_bytes) {
    g_set_error(error, QF_ERROR, QF_ERROR_ARGUMENT,
                "%s: %s '%s' needs %" G_GSIZE_FORMAT " bytes, but the buffer has %" G_GSIZE_FORMAT,
                session->model->name, what, desc->name, desc->size_bytes, size_bytes);
    return FALSE;
  }
  Port *port = &(input ? session->inputs : session->outputs)[index];
  port->bound = data ? data : port->own;
  if (input)
    qf_frame_bind_input(&session->frame, index, port->bound);
  else
    qf_frame_bind_output(&session->frame, index, port->bound);
  return TRUE;
}

gboolean qf_session_bind_input(QfSession *session, uint32_t index, const void *data, size_t size_bytes,
                               GError **error)
{
  return bind(session, QF_PLACE_INPUT, index, (void *)data, size_bytes, error);
}

gboolean qf_session_bind_output(QfSession *session, uint32_t index, void *data, size_t size_bytes,
                                GError **error)
{
  return bind(session, QF_PLACE_OUTPUT, index, data, size_bytes, error);
}

void *qf_session_input_data(QfSession *session, uint32_t index)
{
  return index < session->model->n_inputs ? session->inputs[index].bound : NULL;
}

const void *qf_session_output_data(QfSession *session, uint32_t index)
{
  if (index >= session->model->n_outputs)
    return NULL;
  const QfValue *value = session->values ? session->values[index] : NULL;
  gboolean open = value && !session->model->outputs[index].size_bytes;
  return open ? qf_value_data(value) : session->outputs[index].bound;
}

QfInterpreter *qf_session_interpreter(QfSession *session)
{
  return session->interpreter;
}

QfSession *qf_session_reshaped(QfSession *session, QfModel *model, GError **error)
{
  if (session->reshaped && session->reshaped->model == model)
    return session->reshaped;
  g_clear_pointer(&session->reshaped, qf_session_free);
  session->reshaped = qf_session_new_part(model, qf_pool_n_threads(session->pool), session->pool, error);
  return session->reshaped;
}

/* On copies of the inputs, because values of the run may outlive what is bound. */
static QfValue **copy_inputs(QfSession *session, GError **error)
{
  const QfModel *model = session->model;
  QfValue **inputs = g_new0(QfValue *, model->n_inputs + 1);
  for (uint32_t i = 0; i < model->n_inputs; i++) {
    const QfTensorDesc *desc = &model->inputs[i];
    g_autoptr(GBytes) bytes = g_bytes_new(session->inputs[i].bound, desc->size_bytes);
    if (desc->rank >= 0 && qf_dims_count(desc->dims, desc->rank) >= 0)
      inputs[i] = qf_value_new_tensor(desc->dtype, desc->dims, desc->rank, bytes, error);
    else
      g_set_error(error, QF_ERROR, QF_ERROR_SHAPE,
                  "%s: dimensions of input '%s' are open: give them when the model is loaded, or run it with "
                  "qf_session_evaluate()",
                  model->name, desc->name);
    if (inputs[i])
      continue;
    for (uint32_t k = 0; k < i; k++)
      qf_value_unref(inputs[k]);
    g_free(inputs);
    return NULL;
  }
  return inputs;
}

/* Copies output @index to where it is bound when its size was known before. */
static gboolean deliver(QfSession *session, uint32_t index, GError **error)
{
  const QfTensorDesc *desc = &session->model->outputs[index];
  const QfValue *value = session->values[index];
  if (desc->rank < 0 || qf_dims_count(desc->dims, desc->rank) < 0)
    return TRUE;
  GBytes *bytes = qf_value_bytes(value);
  if (bytes && g_bytes_get_size(bytes) == desc->size_bytes) {
    if (desc->size_bytes)
      memcpy(session->outputs[index].bound, g_bytes_get_data(bytes, NULL), desc->size_bytes);
    return TRUE;
  }
  g_autofree char *got = qf_value_describe(value), *dims = qf_dims_to_string(desc->dims, desc->rank);
  g_set_error(
      error, QF_ERROR, QF_ERROR_SHAPE,
      "%s: output '%s' is %s, but the file declares %s; run it with qf_session_evaluate(), or export the "
      "model with open dimensions",
      session->model->name, desc->name, got, dims);
  return FALSE;
}

static gboolean run_program(QfSession *session, GError **error)
{
  const QfModel *model = session->model;
  QfValue **inputs = copy_inputs(session, error);
  if (!inputs)
    return FALSE;
  for (uint32_t i = 0; i < model->n_outputs; i++)
    g_clear_pointer(&session->values[i], qf_value_unref);
  gboolean ok = qf_interpreter_run(session->interpreter, inputs, session->values, error);
  for (uint32_t i = 0; i < model->n_inputs; i++)
    qf_value_unref(inputs[i]);
  g_free(inputs);
  for (uint32_t i = 0; ok && i < model->n_outputs; i++)
    ok = deliver(session, i, error);
  return ok;
}

QfValue *qf_session_output_value(QfSession *session, uint32_t index)
{
  const QfModel *model = session->model;
  if (index >= model->n_outputs)
    return NULL;
  if (session->values)
    return session->values[index] ? qf_value_ref(session->values[index]) : NULL;
  const QfTensorDesc *desc = &model->outputs[index];
  g_autoptr(GBytes) bytes = g_bytes_new(session->outputs[index].bound, desc->size_bytes);
  return qf_value_new_tensor(desc->dtype, desc->dims, desc->rank, bytes, NULL);
}

static void run_profiled(QfSession *session, const QfStep *steps, uint32_t n)
{
  uint64_t before = now_ns();
  for (uint32_t i = 0; i < n && !session->guard.error; i++) {
    steps[i].run(&steps[i], &session->frame.exec);
    uint64_t after = now_ns(), took = after - before;
    QfLayerProfile *layer = &session->layers[i];
    layer->min_ns = layer->runs++ ? MIN(layer->min_ns, took) : took;
    layer->total_ns += took;
    before = after;
  }
}

gboolean qf_session_run(QfSession *session, GError **error)
{
  const QfModel *model = session->model;
  uint64_t start = now_ns();
  if (session->interpreter) {
    gboolean ok = run_program(session, error);
    session->last_run_ns = now_ns() - start;
    return ok;
  }
  session->guard = (QfRunGuard){0};
  qf_pool_begin(session->pool);
  if (session->layers)
    run_profiled(session, (const QfStep *)(void *)model->steps->data, model->steps->len);
  else
    qf_frame_run(&session->frame);
  qf_pool_end(session->pool);
  session->last_run_ns = now_ns() - start;
  if (session->guard.error) {
    g_propagate_error(error, session->guard.error);
    return FALSE;
  }
  if (session->guard.fault) {
    g_set_error(error, QF_ERROR, QF_ERROR_LIMIT,
                "%s: node '%s' (%s): it did not end when the run had gone through %d iterations of its "
                "loops; check its condition and its inputs",
                model->name, session->guard.fault->name, session->guard.fault->op->name, QF_MAX_ITERATIONS);
    return FALSE;
  }
  swap_states(session);
  return TRUE;
}

uint64_t qf_session_last_run_ns(const QfSession *session)
{
  return session->last_run_ns;
}

const QfLayerProfile *qf_session_layers(QfSession *session, uint32_t *count)
{
  g_clear_pointer(&session->inside, g_array_unref);
  session->inside = session->layers ? qf_layers_inside(session->model, session->layers) : NULL;
  *count = session->inside ? session->inside->len : session->layers ? session->model->steps->len : 0;
  return session->inside ? (const QfLayerProfile *)(void *)session->inside->data : session->layers;
}
