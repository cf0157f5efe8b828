/* SPDX-License-Identifier: MIT */
/*
 * net.c - see net.h. Everything is checked in a copy of the head, in 64 bits; then the same functions make the form that runs.
 *
 * Memory of a net, one block: itself, the head's copy, steps with their forms, the arena, scratch memory of each thread. VTCM begins with
 * the graph's tensors there; then each thread has an equal share, which a step's jobs use as it suits them.
 */
#include "step.h"

#include <string.h>

#define MOST_BYTES QF_DSP_MOST_BYTES /* more than a DSP has */
#define MOST_PREFETCH (256u << 10)   /* leaves room in the cache for the step that runs */

#define QF_DSP_STEP(name, min_in, max_in, n_out, type, borders)                                              \
  {#name, min_in, max_in, n_out, sizeof(type), borders, qf_dsp_##name##_plan, qf_dsp_##name##_job},
static const QfDspRow rows[] = {
#include "steps.inc"
};
#undef QF_DSP_STEP

typedef struct {
  const QfDspRow *row;
  const uint32_t *refs; /* in the head's copy: inputs, then outputs */
  uint32_t n_in, n_out, jobs;
  const uint8_t *form;
  bool fast, staged;                      /* scratch_bytes are in VTCM; there is a stage, */
  uint32_t stage_at;                      /* here in a thread's share */
  uint32_t rows, vtcm_bytes, moved_bytes; /* for events */
} Step;

struct QfDspNet {
  const uint8_t *blob;
  const uint8_t *head; /* the copy */
  const QfDspNetHead *h;
  const QfDspTensor *tensors;
  Step *steps;
  uint8_t *arena, *scratch;
  uint32_t scratch_bytes, memory_bytes;
  uint32_t scalars_at; /* in a thread's scratch: what is never in VTCM */
  uint32_t vtcm_share; /* of a thread; 0: there is none */
  uint32_t n_threads;  /* that there is memory for */
};

const char *qf_dsp_row_name(uint32_t row)
{
  return row < QF_DSP_N_ROWS ? rows[row].name : NULL;
}

/* @n things of @each bytes at @at lie within the head. */
static bool inside(const QfDspNetHead *h, uint32_t at, uint32_t n, uint32_t each)
{
  return at % 4 == 0 && at >= sizeof(*h) && (uint64_t)at + (uint64_t)n * each <= h->head_bytes;
}

static bool head_is_sound(const QfDspNetHead *h, uint32_t size)
{
  return h->size_bytes == size && h->head_bytes <= size && h->head_bytes % QF_DSP_ALIGNMENT == 0 &&
         h->arena_bytes <= MOST_BYTES && h->vtcm_bytes <= MOST_BYTES &&
         h->vtcm_bytes % QF_DSP_ALIGNMENT == 0 &&
         inside(h, h->borders_at, h->n_borders, sizeof(QfDspBorder)) &&
         inside(h, h->tensors_at, h->n_tensors, sizeof(QfDspTensor)) &&
         inside(h, h->steps_at, h->n_steps, sizeof(QfDspStepRecord));
}

static bool tensor_is_sound(const QfDspNetHead *h, const QfDspTensor *t)
{
  const QfDspBorder *borders = (const QfDspBorder *)(const void *)((const uint8_t *)h + h->borders_at);
  const uint64_t end = (uint64_t)t->at + t->size_bytes + QF_DSP_SLACK;
  if (t->size_bytes > MOST_BYTES)
    return false;
  if (t->region == QF_DSP_BORDER)
    return t->at < h->n_borders && t->size_bytes == borders[t->at].size_bytes;
  if (t->region == QF_DSP_ARENA)
    return t->at % 4 == 0 && end <= h->arena_bytes;
  if (t->region == QF_DSP_VTCM)
    return t->at % 4 == 0 && end <= h->vtcm_bytes;
  return t->region == QF_DSP_CONSTANT && t->at % QF_DSP_ALIGNMENT == 0 && t->at >= h->head_bytes &&
         end <= h->size_bytes;
}

/* What step @s may touch: outputs are not constants, nor inputs of the caller; only some rows end where their tensors do. */
static bool ports_are_sound(const QfDspNetHead *h, const QfDspStepRecord *s, const uint32_t *refs)
{
  const QfDspTensor *tensors = (const QfDspTensor *)(const void *)((const uint8_t *)h + h->tensors_at);
  const QfDspBorder *borders = (const QfDspBorder *)(const void *)((const uint8_t *)h + h->borders_at);
  for (uint32_t i = 0; i < s->n_in + s->n_out; i++) {
    if (refs[i] >= h->n_tensors)
      return false;
    const QfDspTensor *t = &tensors[refs[i]];
    if (!tensor_is_sound(h, t) || (t->region == QF_DSP_BORDER && !rows[s->row].borders))
      return false;
    if (i >= s->n_in &&
        (t->region == QF_DSP_CONSTANT || (t->region == QF_DSP_BORDER && !borders[t->at].is_output)))
      return false;
  }
  return true;
}

/* Checks step @i, or with @form makes it there. @blob is for constants, @share what a thread has of VTCM. */
static uint32_t plan_step(const QfDspNetHead *h, const uint8_t *blob, uint32_t share, uint32_t i,
                          uint8_t *form, QfDspPlan *p)
{
  const uint8_t *head = (const uint8_t *)h;
  const QfDspStepRecord *s = (const QfDspStepRecord *)(const void *)(head + h->steps_at) + i;
  const QfDspTensor *tensors = (const QfDspTensor *)(const void *)(head + h->tensors_at);
  QfDspSpan spans[2 * QF_DSP_MAX_PORTS];
  if (s->row >= QF_DSP_N_ROWS)
    return QF_DSP_UNSUPPORTED;
  const QfDspRow *row = &rows[s->row];
  if (s->n_in < row->min_in || s->n_in > row->max_in || s->n_out != row->n_out ||
      s->n_in > QF_DSP_MAX_PORTS || s->n_out > QF_DSP_MAX_PORTS || s->params_bytes < row->params_bytes ||
      !inside(h, s->refs_at, s->n_in + s->n_out, 4) || !inside(h, s->params_at, s->params_bytes, 1))
    return QF_DSP_BAD_GRAPH;
  const uint32_t *refs = (const uint32_t *)(const void *)(head + s->refs_at);
  if (!ports_are_sound(h, s, refs))
    return QF_DSP_BAD_GRAPH;
  for (uint32_t k = 0; k < s->n_in + s->n_out; k++) {
    const QfDspTensor *t = &tensors[refs[k]];
    spans[k] = (QfDspSpan){t->region, t->size_bytes, t->region == QF_DSP_CONSTANT ? blob + t->at : NULL};
  }
  *p = (QfDspPlan){.params = head + s->params_at,
                   .params_bytes = s->params_bytes,
                   .in = spans,
                   .out = spans + s->n_in,
                   .n_in = s->n_in,
                   .n_out = s->n_out,
                   .form = form,
                   .vtcm_share = share,
                   .jobs = 1};
  if (!row->plan(p) || p->form_bytes > MOST_BYTES || p->scratch_bytes > MOST_BYTES ||
      p->scalar_bytes > MOST_BYTES)
    return QF_DSP_BAD_GRAPH;
  return QF_DSP_OK;
}

static bool is_fast(const QfDspPlan *p)
{
  return p->scratch_bytes && qf_dsp_round(p->scratch_bytes) <= p->vtcm_share;
}

/* @h is a head that nobody changes; its copy or the blob itself. */
static uint32_t measure(const QfDspNetHead *h, const uint8_t *blob, uint32_t size, uint32_t share,
                        QfDspNetNeeds *needs, uint32_t *scalars_at)
{
  uint64_t form = 0, scratch = 0, scalars = 0;
  if (!head_is_sound(h, size))
    return QF_DSP_BAD_GRAPH;
  for (uint32_t i = 0; i < h->n_steps; i++) {
    QfDspPlan p;
    const uint32_t status = plan_step(h, blob, share, i, NULL, &p);
    if (status)
      return status;
    form += qf_dsp_round(p.form_bytes);
    scratch = !is_fast(&p) && p.scratch_bytes > scratch ? p.scratch_bytes : scratch;
    scalars = p.scalar_bytes > scalars ? p.scalar_bytes : scalars;
  }
  form += qf_dsp_round(sizeof(QfDspNet)) + h->head_bytes + qf_dsp_round((uint64_t)h->n_steps * sizeof(Step));
  if (form > MOST_BYTES)
    return QF_DSP_BAD_GRAPH;
  *scalars_at = (uint32_t)qf_dsp_round(scratch);
  *needs = (QfDspNetNeeds){h->n_borders,
                           h->n_steps,
                           (uint32_t)form,
                           (uint32_t)qf_dsp_round(h->arena_bytes),
                           *scalars_at + (uint32_t)qf_dsp_round(scalars) + QF_DSP_QUEUE_BYTES,
                           h->vtcm_bytes};
  return QF_DSP_OK;
}

/* What can be said before the head is copied. */
static uint32_t first_look(const QfDspNetHead *h, uint32_t size)
{
  if (size < sizeof(*h) || (uintptr_t)h % QF_DSP_ALIGNMENT || h->magic != QF_DSP_NET_MAGIC)
    return QF_DSP_BAD_GRAPH;
  return h->version == QF_DSP_NET_VERSION ? QF_DSP_OK : QF_DSP_BAD_VERSION;
}

uint32_t qf_dsp_net_check(const void *blob, uint32_t size, QfDspNetNeeds *needs)
{
  const uint32_t status = first_look(blob, size);
  uint32_t scalars_at;
  return status ? status : measure(blob, blob, size, 0, needs, &scalars_at);
}

static uint32_t most_u32(uint64_t v)
{
  return v > UINT32_MAX ? UINT32_MAX : (uint32_t)v;
}

/* What is in VTCM of a step: see Step. */
static void lay_out(const QfDspNet *net, Step *s, const QfDspPlan *p)
{
  const uint64_t scratch = is_fast(p) ? qf_dsp_round(p->scratch_bytes) : 0;
  const bool staged =
      p->stage_bytes && scratch + p->stage_bytes <= net->vtcm_share && (scratch || !p->scratch_bytes);
  uint64_t tensors = 0;
  for (uint32_t i = 0; i < s->n_in + s->n_out; i++)
    tensors += net->tensors[s->refs[i]].region == QF_DSP_VTCM ? net->tensors[s->refs[i]].size_bytes : 0;
  s->fast = scratch != 0;
  s->stage_at = (uint32_t)scratch;
  s->staged = staged;
  s->rows = p->rows;
  s->vtcm_bytes = most_u32(tensors + net->n_threads * (scratch + (staged ? p->stage_bytes : 0)));
  s->moved_bytes = staged ? most_u32(p->moved_bytes) : 0;
}

/* Fills the memory that @needs speaks of; net->head is the copy. */
static uint32_t make(QfDspNet *net, const QfDspNetNeeds *needs, uint8_t *at)
{
  const QfDspNetHead *h = net->h;
  uint8_t *end = (uint8_t *)net + needs->form_bytes;
  net->tensors = (const QfDspTensor *)(const void *)(net->head + h->tensors_at);
  net->steps = (Step *)(void *)at;
  at += qf_dsp_round((uint64_t)h->n_steps * sizeof(Step));
  for (uint32_t i = 0; i < h->n_steps; i++) {
    const QfDspStepRecord *s = (const QfDspStepRecord *)(const void *)(net->head + h->steps_at) + i;
    QfDspPlan p;
    uint32_t status = plan_step(h, net->blob, net->vtcm_share, i, NULL, &p);
    if (status || qf_dsp_round(p.form_bytes) > (uint64_t)(end - at))
      return status ? status : QF_DSP_BAD_GRAPH;
    const uint64_t bytes = qf_dsp_round(p.form_bytes);
    if ((status = plan_step(h, net->blob, net->vtcm_share, i, at, &p)))
      return status;
    net->steps[i] = (Step){.row = &rows[s->row],
                           .refs = (const uint32_t *)(const void *)(net->head + s->refs_at),
                           .n_in = s->n_in,
                           .n_out = s->n_out,
                           .jobs = p.jobs,
                           .form = at};
    lay_out(net, &net->steps[i], &p);
    at += bytes;
  }
  net->arena = end;
  net->scratch = end + needs->arena_bytes;
  net->scratch_bytes = needs->scratch_bytes;
  return QF_DSP_OK;
}

/* What each thread has of VTCM behind @used bytes; kernels read beyond the end of the last. */
static uint32_t share_of(const QfDspPort *port, uint32_t used)
{
  if (port->vtcm_bytes < QF_DSP_SLACK || used > port->vtcm_bytes - QF_DSP_SLACK)
    return 0;
  return (port->vtcm_bytes - QF_DSP_SLACK - used) / port->n_threads / QF_DSP_ALIGNMENT * QF_DSP_ALIGNMENT;
}

/* Memory for a net of @copy, a head that is sound, and all that is made of it. */
static uint32_t open_copy(const QfDspNetHead *copy, const void *blob, uint32_t size, QfDspPort *port,
                          QfDspNet **out)
{
  const uint32_t share = share_of(port, copy->vtcm_bytes);
  QfDspNetNeeds needs = {0};
  uint32_t scalars_at = 0, status = measure(copy, blob, size, share, &needs, &scalars_at);
  const uint64_t bytes =
      (uint64_t)needs.form_bytes + needs.arena_bytes + (uint64_t)needs.scratch_bytes * port->n_threads;
  if (status)
    return status;
  if (needs.vtcm_bytes > port->vtcm_bytes)
    return QF_DSP_NO_VTCM;
  QfDspNet *net = bytes > 2 * MOST_BYTES ? NULL : port->alloc(port, (uint32_t)bytes);
  if (!net)
    return QF_DSP_NO_MEMORY;
  uint8_t *at = (uint8_t *)net + qf_dsp_round(sizeof(*net));
  memcpy(at, copy, copy->head_bytes);
  *net = (QfDspNet){.blob = blob,
                    .head = at,
                    .h = (const QfDspNetHead *)(const void *)at,
                    .memory_bytes = (uint32_t)bytes,
                    .scalars_at = scalars_at,
                    .vtcm_share = share,
                    .n_threads = port->n_threads};
  status = make(net, &needs, at + copy->head_bytes);
  if (status)
    port->free(port, net, (uint32_t)bytes);
  else
    *out = net;
  return status;
}

uint32_t qf_dsp_net_open(const void *blob, uint32_t size, QfDspPort *port, QfDspNet **out)
{
  uint32_t status = first_look(blob, size);
  const uint32_t head_bytes = status ? 0 : ((const QfDspNetHead *)blob)->head_bytes;
  *out = NULL;
  if (status || head_bytes > size || head_bytes < sizeof(QfDspNetHead))
    return status ? status : QF_DSP_BAD_GRAPH;
  QfDspNetHead *copy = port->alloc(port, head_bytes);
  if (!copy)
    return QF_DSP_NO_MEMORY;
  memcpy(copy, blob, head_bytes);
  status = copy->head_bytes == head_bytes ? open_copy(copy, blob, size, port, out) : QF_DSP_BAD_GRAPH;
  port->free(port, copy, head_bytes);
  return status;
}

void qf_dsp_net_close(QfDspNet *net, QfDspPort *port)
{
  if (net)
    port->free(port, net, net->memory_bytes);
}

const QfDspBorder *qf_dsp_net_borders(const QfDspNet *net, uint32_t *n)
{
  *n = net->h->n_borders;
  return (const QfDspBorder *)(const void *)(net->head + net->h->borders_at);
}

uint32_t qf_dsp_net_n_steps(const QfDspNet *net)
{
  return net->h->n_steps;
}

static uint8_t *address(const QfDspNet *net, const QfDspPort *port, uint32_t tensor, void *const *borders)
{
  const QfDspTensor *t = &net->tensors[tensor];
  if (t->region == QF_DSP_VTCM)
    return port->vtcm + t->at;
  if (t->region == QF_DSP_BORDER)
    return borders[t->at];
  /* Constants are inputs only, which call.in makes const again. */
  return t->region == QF_DSP_ARENA ? net->arena + t->at : (uint8_t *)(uintptr_t)net->blob + t->at;
}

/* A step's jobs on all threads. */
typedef struct {
  QfDspCall call;
  const Step *step;
  const QfDspNet *net;
  QfDspPort *port;
  bool measured;
  uint64_t packets[QF_DSP_MAX_THREADS]; /* by thread */
} Work;

static void do_job(void *arg, uint32_t index, uint32_t thread)
{
  Work *w = arg;
  const uint32_t before = w->measured ? w->port->packets(w->port) : 0;
  const QfDspNet *net = w->net;
  uint8_t *slow = net->scratch + (size_t)thread * net->scratch_bytes;
  const size_t share = net->h->vtcm_bytes + (size_t)thread * net->vtcm_share;
  uint8_t *fast = w->port->vtcm ? w->port->vtcm + share : slow; /* without any, no step is planned for it */
  const QfDspScratch scratch = {w->port, w->step->fast ? fast : slow,
                                w->step->staged ? fast + w->step->stage_at : NULL, slow + net->scalars_at,
                                slow + net->scratch_bytes - QF_DSP_QUEUE_BYTES};
  w->step->row->job(&w->call, index, &scratch);
  if (w->measured)
    w->packets[thread] += (uint32_t)(w->port->packets(w->port) - before);
}

static void run_step(Work *w, void *const *borders)
{
  const Step *s = w->step;
  w->call.form = s->form;
  for (uint32_t k = 0; k < s->n_in; k++)
    w->call.in[k] = address(w->net, w->port, s->refs[k], borders);
  for (uint32_t k = 0; k < s->n_out; k++)
    w->call.out[k] = address(w->net, w->port, s->refs[s->n_in + k], borders);
  if (s->jobs > 1 && w->port->n_threads > 1 && w->port->n_threads <= w->net->n_threads)
    w->port->parallel(w->port, do_job, w, s->jobs);
  else
    for (uint32_t i = 0; i < s->jobs; i++)
      do_job(w, i, 0);
}

/* Weights that are read as scalars come into the second cache while the step before computes. */
static void prefetch_step(const QfDspNet *net, QfDspPort *port, const Step *s)
{
  const QfDspTensor *t = s->n_in > 1 ? &net->tensors[s->refs[1]] : NULL;
  if (port->prefetch && t && t->region == QF_DSP_CONSTANT && !s->staged)
    port->prefetch(port, net->blob + t->at, t->size_bytes < MOST_PREFETCH ? t->size_bytes : MOST_PREFETCH);
}

void qf_dsp_net_run(QfDspNet *net, void *const *borders, QfDspPort *port, QfDspEvent *events,
                    uint32_t n_events)
{
  Work w = {.net = net, .port = port};
  for (uint32_t i = 0; i < net->h->n_steps; i++) {
    w.step = &net->steps[i];
    w.measured = events && i < n_events;
    memset(w.packets, 0, sizeof(w.packets));
    const uint64_t before = w.measured ? port->now_us(port) : 0;
    if (i + 1 < net->h->n_steps)
      prefetch_step(net, port, w.step + 1);
    run_step(&w, borders);
    if (!w.measured)
      continue;
    events[i] = (QfDspEvent){.step = i,
                             .microseconds = (uint32_t)(port->now_us(port) - before),
                             .jobs = w.step->jobs,
                             .rows = w.step->rows,
                             .vtcm_bytes = w.step->vtcm_bytes,
                             .moved_bytes = w.step->moved_bytes};
    for (uint32_t k = 0; k < QF_DSP_MAX_THREADS; k++)
      events[i].packets += w.packets[k];
  }
}
