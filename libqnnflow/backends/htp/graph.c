/* SPDX-License-Identifier: MIT */
/*
 * graph.c - graphs and runs of a session. A graph's blob lies in shared memory of its own, where the DSP uses it in place.
 */
#include "device_priv.h"
#include "dsp/net.h"

#include <string.h>

struct QfHtpGraph {
  QfHtpDevice *device;
  QfHtpMemory *blob;
  QfHtpMemory *events;
  GMutex events_lock;
  uint32_t number, n_borders, n_steps;
};

static QfRpcBuffer name_part(const QfHtpMemory *m, size_t offset, size_t size)
{
  return (QfRpcBuffer){(uint32_t)m->fd,
                       (uint32_t)size,
                       (uint32_t)offset,
                       QF_RPC_FLUSH_SENDER,
                       {.memory = m->pub.data + offset}};
}

static gboolean send_graph(QfHtpGraph *g, size_t size, GError **error)
{
  QfWireLoad load = {.graph = g->number, .blob = {g->blob->number, 0, (uint32_t)size, 0}};
  QfRpcBuffer part = name_part(g->blob, 0, size);
  QfWireAnswer answer;
  if (!qf_htp_exchange(g->device, "loading a graph on the DSP", QF_WIRE_LOAD, &load, sizeof load, &part, 1,
                       &answer, error))
    return FALSE;
  g->n_borders = answer.load.n_borders;
  g->n_steps = answer.load.n_steps;
  return TRUE;
}

QfHtpGraph *qf_htp_graph_load(QfHtpDevice *d, const void *blob, size_t size_bytes, GError **error)
{
  const int number = qf_htp_number_take(d, d->graphs, QF_WIRE_MAX_GRAPHS);
  if (number < 0) {
    g_set_error(error, QF_ERROR, QF_ERROR_LIMIT, "more than %u graphs on the DSP at a time",
                QF_WIRE_MAX_GRAPHS);
    return NULL;
  }
  QfHtpGraph *g = g_new0(QfHtpGraph, 1);
  g->device = d;
  g->number = (uint32_t)number;
  g_mutex_init(&g->events_lock);
  if ((g->blob = (QfHtpMemory *)qf_htp_buffer_new(d, size_bytes, error))) {
    memcpy(g->blob->pub.data, blob, size_bytes);
    if (send_graph(g, size_bytes, error)) {
      if ((g->events =
               (QfHtpMemory *)qf_htp_buffer_new(d, (g->n_steps + (size_t)1) * sizeof(QfDspEvent), error)))
        return g;
      qf_htp_graph_free(g);
      return NULL;
    }
    qf_htp_buffer_free(&g->blob->pub);
  }
  qf_htp_number_give(d, d->graphs, g->number);
  g_mutex_clear(&g->events_lock);
  g_free(g);
  return NULL;
}

void qf_htp_graph_free(QfHtpGraph *g)
{
  if (!g)
    return;
  QfWireDrop drop = {.number = g->number};
  QfWireAnswer answer;
  g_autoptr(GError) error = NULL;
  if (!qf_htp_exchange(g->device, "dropping a graph", QF_WIRE_DROP, &drop, sizeof drop, NULL, 0, &answer,
                       &error))
    g_debug("%s", error->message);
  if (g->events)
    qf_htp_buffer_free(&g->events->pub);
  qf_htp_buffer_free(&g->blob->pub);
  qf_htp_number_give(g->device, g->device->graphs, g->number);
  g_mutex_clear(&g->events_lock);
  g_free(g);
}

static gboolean check_borders(const QfHtpGraph *g, const QfHtpSpan *borders, guint n, GError **error)
{
  if (n != g->n_borders) {
    g_set_error(error, QF_ERROR, QF_ERROR_ARGUMENT, "%u tensors for a graph with %u at its border", n,
                g->n_borders);
    return FALSE;
  }
  for (guint i = 0; i < n; i++) {
    const QfHtpMemory *m = (const QfHtpMemory *)borders[i].buffer;
    if (m && m->device == g->device && borders[i].offset <= m->mapped_bytes &&
        borders[i].size <= m->mapped_bytes - borders[i].offset)
      continue;
    g_set_error(error, QF_ERROR, QF_ERROR_ARGUMENT,
                "tensor %u at a graph's border is not in memory shared with its DSP", i);
    return FALSE;
  }
  return TRUE;
}

static void report_run(const QfHtpGraph *g, const QfWireAnswer *answer, QfHtpReport *report)
{
  const QfDspEvent *events = (const QfDspEvent *)g->events->pub.data;
  report->time_us = answer->time_us;
  report->packets = answer->packets;
  report->n_events = MIN(answer->run.n_events, MIN(report->max_events, g->n_steps));
  for (uint32_t i = 0; i < report->n_events; i++)
    report->events[i] = (QfHtpEvent){.step = i,
                                     .time_us = events[i].microseconds,
                                     .packets = events[i].packets,
                                     .jobs = events[i].jobs,
                                     .rows = events[i].rows,
                                     .vtcm_bytes = events[i].vtcm_bytes,
                                     .moved_bytes = events[i].moved_bytes};
}

gboolean qf_htp_graph_run(QfHtpGraph *g, const QfHtpSpan *borders, guint n, QfHtpReport *report,
                          GError **error)
{
  QfWireRun run;
  QfWireAnswer answer;
  QfRpcBuffer parts[QF_WIRE_MAX_BORDERS + 1];
  if (!check_borders(g, borders, n, error))
    return FALSE;
  const gboolean measured = report && report->max_events;
  run.graph = g->number;
  run.n_borders = n;
  run.events =
      (QfWireSpan){g->events->number, 0, measured ? (uint32_t)(g->n_steps * sizeof(QfDspEvent)) : 0, 1};
  for (guint i = 0; i < n; i++) {
    const QfHtpMemory *m = (const QfHtpMemory *)borders[i].buffer;
    run.borders[i] = (QfWireSpan){m->number, (uint32_t)borders[i].offset, (uint32_t)borders[i].size,
                                  borders[i].output != 0};
    parts[i] = name_part(m, borders[i].offset, borders[i].size);
    parts[i].flags |=
        borders[i].output ? 0 : QF_RPC_INVALIDATE_RECIPIENT; /* those without come back with the answer */
  }
  if (measured) { /* one place for events: measured runs of a graph go one by one */
    parts[n] = name_part(g->events, 0, g->n_steps * sizeof(QfDspEvent));
    g_mutex_lock(&g->events_lock);
  }
  const gboolean ok = qf_htp_exchange(g->device, "running a graph on the DSP", QF_WIRE_RUN, &run,
                                      QF_WIRE_RUN_BYTES(n), parts, n + (measured ? 1 : 0), &answer, error);
  if (ok && report)
    report_run(g, &answer, report);
  if (measured)
    g_mutex_unlock(&g->events_lock);
  return ok;
}
