/* SPDX-License-Identifier: MIT */
/*
 * msg.c - packets to calls: a table of kinds, each with its size and its function. Every number of a packet is checked before it is
 * used; what a graph's blob holds is net.c's to check.
 *
 * Sizes are 32 bits, so a sum is compared as a difference that cannot wrap.
 */
#include "msg.h"
#include "net.h"

#include <string.h>

typedef struct {
  uint8_t *memory; /* NULL: the number is free */
  uint32_t size_bytes;
  uint32_t users; /* graphs whose blob lies in it */
} Buffer;

typedef struct {
  QfDspNet *net; /* NULL: the number is free */
  uint32_t buffer;
} Graph;

struct QfDspSession {
  QfDspPort *port;
  uint32_t arch, simulated;
  uint32_t greeted;
  uint32_t vtcm_bytes; /* what the port has */
  uint32_t n_threads;
  Buffer buffers[QF_WIRE_MAX_BUFFERS];
  Graph graphs[QF_WIRE_MAX_GRAPHS];
};

typedef union {
  QfWireHead head;
  QfWireHello hello;
  QfWireMap map;
  QfWireDrop drop;
  QfWireLoad load;
  QfWireRun run;
} Packet;

/* The span's first byte, or NULL. */
static uint8_t *span_memory(const QfDspSession *s, const QfWireSpan *span)
{
  if (span->buffer >= QF_WIRE_MAX_BUFFERS || !s->buffers[span->buffer].memory || span->output > 1)
    return NULL;
  const Buffer *b = &s->buffers[span->buffer];
  if (span->offset > b->size_bytes || span->size_bytes > b->size_bytes - span->offset)
    return NULL;
  return b->memory + span->offset;
}

static uint32_t on_hello(QfDspSession *s, const Packet *p, QfWireAnswer *a)
{
  QfDspPort *port = s->port;
  const uint32_t vtcm = p->hello.vtcm_bytes, threads = p->hello.n_threads;
  a->hello.arch = s->arch;
  a->hello.simulated = s->simulated;
  a->hello.vtcm_bytes = s->vtcm_bytes;
  a->hello.n_threads = s->n_threads;
  for (uint32_t i = 0; i < QF_WIRE_MAX_GRAPHS; i++)
    if (s->graphs[i].net) /* laid out for what there was */
      return QF_DSP_IN_USE;
  if (vtcm > s->vtcm_bytes)
    return QF_DSP_NO_VTCM;
  port->vtcm_bytes = a->hello.vtcm_bytes = vtcm ? vtcm : s->vtcm_bytes;
  port->n_threads = a->hello.n_threads = threads && threads < s->n_threads ? threads : s->n_threads;
  s->greeted = 1;
  return QF_DSP_OK;
}

static uint32_t on_ping(QfDspSession *s, const Packet *p, QfWireAnswer *a)
{
  (void)s, (void)p, (void)a;
  return QF_DSP_OK;
}

static uint32_t on_map(QfDspSession *s, const Packet *p, QfWireAnswer *a)
{
  (void)a;
  const QfWireMap *m = &p->map;
  if (m->buffer >= QF_WIRE_MAX_BUFFERS || s->buffers[m->buffer].memory)
    return QF_DSP_NO_SLOT;
  if (!m->size_bytes || m->fd < 0)
    return QF_DSP_BAD_MAP;
  Buffer *b = &s->buffers[m->buffer];
  b->memory = s->port->map(s->port, m->fd, m->size_bytes);
  b->size_bytes = m->size_bytes;
  b->users = 0;
  return b->memory ? QF_DSP_OK : QF_DSP_BAD_MAP;
}

static uint32_t on_unmap(QfDspSession *s, const Packet *p, QfWireAnswer *a)
{
  (void)a;
  if (p->drop.number >= QF_WIRE_MAX_BUFFERS || !s->buffers[p->drop.number].memory)
    return QF_DSP_NOT_THERE;
  Buffer *b = &s->buffers[p->drop.number];
  if (b->users)
    return QF_DSP_IN_USE;
  s->port->unmap(s->port, b->memory, b->size_bytes);
  b->memory = NULL;
  return QF_DSP_OK;
}

static uint32_t on_load(QfDspSession *s, const Packet *p, QfWireAnswer *a)
{
  const QfWireLoad *l = &p->load;
  if (l->graph >= QF_WIRE_MAX_GRAPHS || s->graphs[l->graph].net)
    return QF_DSP_NO_SLOT;
  uint8_t *blob = span_memory(s, &l->blob);
  if (!blob || (uintptr_t)blob % QF_DSP_ALIGNMENT || l->blob.output)
    return QF_DSP_BAD_SPAN;
  s->port->cache_invalidate(s->port, blob, l->blob.size_bytes);
  QfDspNetNeeds needs;
  uint32_t status = qf_dsp_net_check(blob, l->blob.size_bytes, &needs);
  if (status)
    return status;
  if (needs.n_borders > QF_WIRE_MAX_BORDERS)
    return QF_DSP_UNSUPPORTED;
  Graph *g = &s->graphs[l->graph];
  status = qf_dsp_net_open(blob, l->blob.size_bytes, s->port, &g->net);
  if (status) {
    g->net = NULL;
    return status;
  }
  g->buffer = l->blob.buffer;
  s->buffers[g->buffer].users++;
  a->load.n_borders = needs.n_borders;
  a->load.n_steps = needs.n_steps;
  a->load.scratch_bytes = needs.scratch_bytes;
  return QF_DSP_OK;
}

static void drop_graph(QfDspSession *s, Graph *g)
{
  qf_dsp_net_close(g->net, s->port);
  g->net = NULL;
  s->buffers[g->buffer].users--;
}

static uint32_t on_drop(QfDspSession *s, const Packet *p, QfWireAnswer *a)
{
  (void)a;
  if (p->drop.number >= QF_WIRE_MAX_GRAPHS || !s->graphs[p->drop.number].net)
    return QF_DSP_NOT_THERE;
  drop_graph(s, &s->graphs[p->drop.number]);
  return QF_DSP_OK;
}

/* Addresses of the borders, which must be as the graph wants them. */
static uint32_t find_borders(const QfDspSession *s, const QfWireRun *r, const QfDspNet *net, void **at,
                             uint32_t *bad)
{
  uint32_t n;
  const QfDspBorder *borders = qf_dsp_net_borders(net, &n);
  for (uint32_t i = 0; i < r->n_borders; i++) {
    const QfWireSpan *span = &r->borders[i];
    *bad = i;
    at[i] = span_memory(s, span);
    if (i >= n || !at[i] || span->size_bytes != borders[i].size_bytes || span->output != borders[i].is_output)
      return QF_DSP_BAD_SPAN;
  }
  *bad = r->n_borders;
  return r->n_borders == n ? QF_DSP_OK : QF_DSP_BAD_SPAN;
}

static uint32_t on_run(QfDspSession *s, const Packet *p, QfWireAnswer *a)
{
  const QfWireRun *r = &p->run;
  QfDspPort *port = s->port;
  void *at[QF_WIRE_MAX_BORDERS];
  if (r->graph >= QF_WIRE_MAX_GRAPHS || !s->graphs[r->graph].net)
    return QF_DSP_NOT_THERE;
  QfDspNet *net = s->graphs[r->graph].net;
  uint32_t status = find_borders(s, r, net, at, &a->detail);
  if (status)
    return status;
  uint32_t n_events = r->events.size_bytes / sizeof(QfDspEvent);
  QfDspEvent *events = n_events ? (QfDspEvent *)span_memory(s, &r->events) : NULL;
  if (n_events && (!events || (uintptr_t)events % 8 || !r->events.output))
    return QF_DSP_BAD_SPAN;
  const uint32_t n_steps = qf_dsp_net_n_steps(net);
  n_events = n_events < n_steps ? n_events : n_steps;
  for (uint32_t i = 0; i < r->n_borders; i++)
    if (!r->borders[i].output)
      port->cache_invalidate(port, at[i], r->borders[i].size_bytes);
  qf_dsp_net_run(net, at, port, events, n_events);
  for (uint32_t i = 0; i < r->n_borders; i++)
    if (r->borders[i].output)
      port->cache_clean(port, at[i], r->borders[i].size_bytes);
  if (events)
    port->cache_clean(port, events, n_events * sizeof(QfDspEvent));
  a->run.n_events = n_events;
  return QF_DSP_OK;
}

typedef struct {
  uint32_t size_bytes;
  uint32_t (*run)(QfDspSession *, const Packet *, QfWireAnswer *);
} Kind;

static const Kind kinds[QF_WIRE_N_KINDS] = {
    [QF_WIRE_HELLO] = {sizeof(QfWireHello), on_hello}, [QF_WIRE_PING] = {sizeof(QfWireHead), on_ping},
    [QF_WIRE_MAP] = {sizeof(QfWireMap), on_map},       [QF_WIRE_UNMAP] = {sizeof(QfWireDrop), on_unmap},
    [QF_WIRE_LOAD] = {sizeof(QfWireLoad), on_load},    [QF_WIRE_DROP] = {sizeof(QfWireDrop), on_drop},
    [QF_WIRE_RUN] = {QF_WIRE_RUN_BYTES(0), on_run},
};

/* Copies the packet, as far as its kind goes. */
static uint32_t take(const QfDspSession *s, const void *packet, uint32_t size, Packet *p)
{
  memset(&p->head, 0, sizeof p->head);
  if (size < sizeof(QfWireHead) || size > sizeof(Packet))
    return QF_DSP_BAD_PACKET;
  memcpy(p, packet, size);
  const QfWireHead *h = &p->head;
  if (h->magic != QF_WIRE_MAGIC)
    return QF_DSP_BAD_PACKET;
  if (h->version != QF_WIRE_VERSION)
    return QF_DSP_BAD_VERSION;
  if (h->size_bytes != size || h->kind >= QF_WIRE_N_KINDS || !kinds[h->kind].run ||
      size < kinds[h->kind].size_bytes)
    return QF_DSP_BAD_PACKET;
  uint32_t expected = kinds[h->kind].size_bytes;
  if (h->kind == QF_WIRE_RUN) {
    if (p->run.n_borders > QF_WIRE_MAX_BORDERS)
      return QF_DSP_BAD_PACKET;
    expected = QF_WIRE_RUN_BYTES(p->run.n_borders);
  }
  if (size != expected || (!s->greeted && h->kind != QF_WIRE_HELLO))
    return QF_DSP_BAD_PACKET;
  return QF_DSP_OK;
}

void qf_dsp_session_answer(QfDspSession *s, const void *packet, uint32_t size, QfWireAnswer *a)
{
  QfDspPort *port = s->port;
  Packet p;
  memset(a, 0, sizeof *a);
  const uint64_t time = port->now_us(port), workers = port->worker_packets;
  const uint32_t packets = port->packets(port);
  a->status = take(s, packet, size, &p);
  if (!a->status)
    a->status = kinds[p.head.kind].run(s, &p, a);
  a->head = (QfWireHead){QF_WIRE_MAGIC, QF_WIRE_VERSION, p.head.kind, sizeof *a, p.head.seq, 0};
  a->time_us = port->now_us(port) - time;
  a->packets = (uint32_t)(port->packets(port) - packets) + (port->worker_packets - workers);
}

QfDspSession *qf_dsp_session_open(QfDspPort *port, uint32_t arch, uint32_t simulated)
{
  QfDspSession *s = port->alloc(port, sizeof *s);
  if (!s)
    return NULL;
  s->port = port;
  s->arch = arch;
  s->simulated = simulated;
  s->vtcm_bytes = port->vtcm_bytes;
  s->n_threads = port->n_threads;
  return s;
}

void qf_dsp_session_close(QfDspSession *s)
{
  QfDspPort *port = s->port;
  for (uint32_t i = 0; i < QF_WIRE_MAX_GRAPHS; i++)
    if (s->graphs[i].net)
      drop_graph(s, &s->graphs[i]);
  for (uint32_t i = 0; i < QF_WIRE_MAX_BUFFERS; i++)
    if (s->buffers[i].memory)
      port->unmap(port, s->buffers[i].memory, s->buffers[i].size_bytes);
  port->free(port, s, sizeof *s);
}
