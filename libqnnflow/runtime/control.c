/* SPDX-License-Identifier: MIT */
/*
 * control.c - running If, While, Loop and Scan (ops/control.c). A body is a compiled graph with a frame of its own in every
 * session; it reads and writes the tensors of the graph around it where they lie. Only carried values need memory: they
 * go to and fro between the node's output and one spare buffer, so that a body never writes what it reads.
 */
#include "frame.h"
#include "memory.h"

#include "../ops/attrs.h"

#include <qnnflow/session.h>
#include <string.h>

#define MAX_BODIES 2

/* Parameters of a step; owned by the model. */
typedef struct {
  uint32_t slot; /* index of the frame's QfControlFrame */
  uint32_t n_bodies;
  const QfModel *bodies[MAX_BODIES];
  gboolean counted;     /* Loop: the body begins with iteration and condition */
  uint32_t n_carried;   /* the loops */
  uint32_t n_sequences; /* Scan */
  int64_t trips;        /* -1: as the inputs say */
  size_t *sizes;        /* bytes of each input of the body (loops) */
  size_t *slices;       /* bytes of each output of the body */
  size_t arena_at;      /* of the bodies, in the arena of the graph around them */
} Control;

struct QfControlFrame {
  QfFrame bodies[MAX_BODIES];
  const void **now; /* [n_carried]: where the values are */
  void **spare;     /* [n_carried]: the second buffer of each */
  void *memory;     /* the buffers */
  int64_t *iteration;
  uint8_t *cond, *next_cond;
};

static void run_if(const QfStep *s, const QfExec *x)
{
  const Control *c = s->params;
  QfFrame *body = &x->controls[c->slot].bodies[*(const uint8_t *)qf_step_in(s, x, 0) ? 0 : 1];
  for (uint32_t i = 1; i < s->n_in; i++)
    qf_frame_bind_input(body, i - 1, qf_step_in(s, x, i));
  for (uint32_t i = 0; i < s->n_out; i++)
    qf_frame_bind_output(body, i, qf_step_out(s, x, i));
  qf_frame_run(body);
}

/* Where the body of iteration @iteration writes carried value @k. */
static void *target(const QfStep *s, const QfExec *x, const QfControlFrame *f, uint32_t k, int64_t iteration)
{
  return iteration & 1 ? f->spare[k] : qf_step_out(s, x, k);
}

/* Brings the carried values to the node's outputs, where every second iteration has put them already. */
static void finish(const QfStep *s, const QfExec *x, const QfControlFrame *f, uint32_t first)
{
  const Control *c = s->params;
  for (uint32_t k = 0; k < c->n_carried; k++)
    if (f->now[k] != qf_step_out(s, x, k))
      memcpy(qf_step_out(s, x, k), f->now[k], c->sizes[first + k]);
}

/* TRUE when another iteration must not begin: the loops of this run have had too many. */
static gboolean must_stop(const QfStep *s, const QfExec *x)
{
  if (x->guard->error)
    return TRUE;
  if (!x->guard->fault && ++x->guard->iterations > QF_MAX_ITERATIONS)
    x->guard->fault = s->node;
  return x->guard->fault != NULL;
}

static void run_while(const QfStep *s, const QfExec *x)
{
  const Control *c = s->params;
  QfControlFrame *f = &x->controls[c->slot];
  QfFrame *cond = &f->bodies[0], *body = &f->bodies[1];
  for (uint32_t i = 0; i < s->n_in; i++) {
    qf_frame_bind_input(cond, i, qf_step_in(s, x, i));
    qf_frame_bind_input(body, i, qf_step_in(s, x, i));
    if (i < c->n_carried)
      f->now[i] = qf_step_in(s, x, i);
  }
  qf_frame_bind_output(cond, 0, f->cond);
  for (int64_t i = 0;; i++) {
    qf_frame_run(cond);
    if (!*f->cond || must_stop(s, x))
      break;
    for (uint32_t k = 0; k < c->n_carried; k++)
      qf_frame_bind_output(body, k, target(s, x, f, k, i));
    qf_frame_run(body);
    for (uint32_t k = 0; k < c->n_carried; k++) {
      f->now[k] = target(s, x, f, k, i);
      qf_frame_bind_input(cond, k, f->now[k]);
      qf_frame_bind_input(body, k, f->now[k]);
    }
  }
  finish(s, x, f, 0);
}

/* Binds what differs from iteration to iteration. @lead: ports before the carried values, of inputs and of outputs. */
static void bind_iteration(const QfStep *s, const QfExec *x, int64_t i, uint32_t lead_in, uint32_t lead_out)
{
  const Control *c = s->params;
  QfControlFrame *f = &x->controls[c->slot];
  QfFrame *body = &f->bodies[0];
  uint32_t n = c->n_carried;
  for (uint32_t k = 0; k < n; k++) {
    qf_frame_bind_input(body, lead_in + k, f->now[k]);
    qf_frame_bind_output(body, lead_out + k, target(s, x, f, k, i));
  }
  for (uint32_t k = n; k < n + c->n_sequences; k++) {
    const uint8_t *sequence = qf_step_in(s, x, lead_in + k);
    qf_frame_bind_input(body, lead_in + k, sequence + (size_t)i * c->sizes[lead_in + k]);
  }
  for (uint32_t k = n; k < s->n_out; k++) {
    uint8_t *stacked = qf_step_out(s, x, k);
    qf_frame_bind_output(body, lead_out + k, stacked + (size_t)i * c->slices[lead_out + k]);
  }
}

/* Loop and Scan: the iterations are counted. */
static void run_counted(const QfStep *s, const QfExec *x)
{
  const Control *c = s->params;
  QfControlFrame *f = &x->controls[c->slot];
  QfFrame *body = &f->bodies[0];
  uint32_t lead_in = c->counted ? 2 : 0, lead_out = c->counted ? 1 : 0;
  int64_t trips = c->trips >= 0 ? c->trips : *(const int64_t *)qf_step_in(s, x, 0);
  *f->cond = c->trips >= 0 || *(const uint8_t *)qf_step_in(s, x, 1);
  if (c->counted) {
    qf_frame_bind_input(body, 0, f->iteration);
    qf_frame_bind_input(body, 1, f->cond);
    qf_frame_bind_output(body, 0, f->next_cond);
  }
  for (uint32_t k = 0; k < c->n_carried; k++)
    f->now[k] = qf_step_in(s, x, lead_in + k);
  for (uint32_t k = lead_in + c->n_carried + c->n_sequences; k < s->n_in; k++)
    qf_frame_bind_input(body, k, qf_step_in(s, x, k));
  for (int64_t i = 0; i < trips && *f->cond && !must_stop(s, x); i++) {
    *f->iteration = i;
    bind_iteration(s, x, i, lead_in, lead_out);
    qf_frame_run(body);
    for (uint32_t k = 0; k < c->n_carried; k++)
      f->now[k] = target(s, x, f, k, i);
    *f->cond = c->trips >= 0 || *f->next_cond;
  }
  finish(s, x, f, lead_in);
}

static const struct {
  const char *op, *kernel;
  void (*run)(const QfStep *, const QfExec *);
  gboolean counted;
} kinds[] = {
    {"If", "if", run_if, FALSE},
    {"While", "while", run_while, FALSE},
    {"Loop", "loop", run_counted, TRUE},
    {"Scan", "scan", run_counted, FALSE},
};

static QfModel *compile_body(QfModel *model, QfGraph *graph, QfRequant requant, GError **error)
{
  QfModel *body = g_new0(QfModel, 1);
  body->refs = 1;
  body->name = g_strdup(model->name);
  body->backend = model->backend;
  body->unit = model->unit ? g_atomic_rc_box_acquire(model->unit) : NULL;
  body->no_fallback = model->no_fallback;
  body->fast_math = model->fast_math;
  body->graph = graph;
  body->is_body = TRUE;
  g_ptr_array_add(model->bodies, body);
  return qf_model_compile(body, requant, error) ? body : NULL;
}

static size_t round_up(size_t n)
{
  return (n + QF_ALIGNMENT - 1) / QF_ALIGNMENT * QF_ALIGNMENT;
}

static size_t *port_sizes(QfLower *lower, const GPtrArray *tensors)
{
  size_t *sizes = qf_lower_alloc(lower, tensors->len * sizeof(*sizes));
  for (guint i = 0; i < tensors->len; i++)
    sizes[i] = qf_tensor_size_bytes(tensors->pdata[i]);
  return sizes;
}

static void fill_loop(Control *c, QfLower *lower, const QfNode *node)
{
  const QfControlAttrs *a = node->attrs;
  const QfGraph *body = node->subgraphs[node->n_subgraphs - 1];
  c->n_carried = (uint32_t)a->n_carried;
  c->n_sequences = (uint32_t)a->n_sequences;
  c->trips = c->n_sequences ? node->inputs[c->n_carried]->dims[0] : a->trips;
  c->sizes = port_sizes(lower, body->inputs);
  c->slices = port_sizes(lower, body->outputs);
}

gboolean qf_control_lower(QfModel *model, QfLower *lower, QfNode *node, QfRequant requant, GError **error)
{
  Control *c = qf_lower_alloc(lower, sizeof(*c));
  guint kind = 0;
  while (strcmp(kinds[kind].op, node->op->name))
    kind++; /* every operator with bodies has a row */
  c->slot = model->n_controls++;
  c->n_bodies = node->n_subgraphs;
  c->counted = kinds[kind].counted;
  for (uint32_t b = 0; b < c->n_bodies; b++)
    if (!(c->bodies[b] = compile_body(model, node->subgraphs[b], requant, error)))
      return FALSE;
  if (kinds[kind].run != run_if)
    fill_loop(c, lower, node);
  qf_lower_step(lower, node, model->backend->name, kinds[kind].kernel, kinds[kind].run, c, 0);
  return TRUE;
}

size_t qf_control_arena_bytes(const QfStep *step)
{
  const Control *c = step->params;
  size_t bytes = 0;
  for (uint32_t b = 0; b < c->n_bodies; b++)
    bytes = MAX(bytes, c->bodies[b]->arena_bytes);
  return bytes;
}

void qf_control_place(QfStep *step, size_t offset_bytes)
{
  ((Control *)step->params)->arena_at = offset_bytes; /* the model is still being made */
}

static gboolean init_control(QfControlFrame *f, const Control *c, void *arena, const QfFrameShared *shared)
{
  uint32_t lead = c->counted ? 2 : 0;
  size_t total = 3 * (size_t)QF_ALIGNMENT, at = total;
  for (uint32_t b = 0; b < c->n_bodies; b++)
    if (!qf_frame_init(&f->bodies[b], c->bodies[b], arena, shared))
      return FALSE;
  for (uint32_t k = 0; k < c->n_carried; k++)
    total += round_up(c->sizes[lead + k]);
  f->now = g_new0(const void *, c->n_carried + 1);
  f->spare = g_new0(void *, c->n_carried + 1);
  uint8_t *memory = f->memory = qf_aligned_alloc(total);
  if (!memory)
    return FALSE;
  f->iteration = (void *)memory;
  f->cond = memory + QF_ALIGNMENT;
  f->next_cond = memory + 2 * QF_ALIGNMENT;
  for (uint32_t k = 0; k < c->n_carried; k++) {
    f->spare[k] = memory + at;
    at += round_up(c->sizes[lead + k]);
  }
  return TRUE;
}

gboolean qf_control_init(QfFrame *frame, const QfFrameShared *shared)
{
  const GArray *steps = frame->model->steps;
  uint32_t slot = 0;
  frame->controls = frame->exec.controls = g_new0(QfControlFrame, frame->model->n_controls + 1);
  for (guint i = 0; i < steps->len; i++) {
    const QfStep *step = &g_array_index(steps, QfStep, i);
    const Control *c = step->params;
    if (step->node->n_subgraphs &&
        !init_control(&frame->controls[slot++], c, (uint8_t *)frame->arena + c->arena_at, shared))
      return FALSE;
  }
  return TRUE;
}

void qf_control_clear(QfFrame *frame)
{
  for (uint32_t i = 0; frame->controls && i < frame->model->n_controls; i++) {
    QfControlFrame *f = &frame->controls[i];
    for (uint32_t b = 0; b < MAX_BODIES; b++)
      qf_frame_clear(&f->bodies[b]);
    qf_aligned_free(f->memory);
    g_free(f->now);
    g_free(f->spare);
  }
  g_free(frame->controls);
}
