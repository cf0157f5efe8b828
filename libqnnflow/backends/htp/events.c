/* SPDX-License-Identifier: MIT */
/*
 * events.c - see events.h. Steps that bring a tensor into another form are their node's; what no step has (messages, caches) stays with
 * the call.
 */
#include "events.h"

static const char *const row_names[] = {
#define QF_DSP_STEP(name, ...) #name,
#include "dsp/steps.inc"
#undef QF_DSP_STEP
};

typedef struct {
  const QfNode *node;
  uint64_t runs, total_ns, min_ns, packets;
  GString *kernel; /* of the first run's steps, then for good: rows point to it */
} Sum;

struct QfHtpEvents {
  QfHtpEventsLevel level;
  GMutex lock;
  uint32_t n_steps, n_sums;
  uint32_t *sum_of, *row; /* by step */
  Sum *sums, whole;
};

QfHtpEvents *qf_htp_events_new(QfHtpEventsLevel level, const QfHtpBuild *b)
{
  if (level == QF_HTP_EVENTS_OFF)
    return NULL;
  QfHtpEvents *e = g_new0(QfHtpEvents, 1);
  e->level = level;
  e->n_steps = b->steps->len;
  e->sum_of = g_new0(uint32_t, e->n_steps + 1);
  e->row = g_new0(uint32_t, e->n_steps + 1);
  e->sums = g_new0(Sum, e->n_steps + 1);
  g_mutex_init(&e->lock);
  for (uint32_t i = 0; i < e->n_steps; i++) {
    const QfNode *node = g_array_index(b->nodes, const QfNode *, i);
    if (!e->n_sums || e->sums[e->n_sums - 1].node != node)
      e->sums[e->n_sums++] = (Sum){.node = node, .kernel = g_string_new(NULL)};
    e->sum_of[i] = e->n_sums - 1;
    e->row[i] = g_array_index(b->steps, QfDspStepRecord, i).row;
  }
  return e;
}

void qf_htp_events_free(QfHtpEvents *e)
{
  if (!e)
    return;
  for (uint32_t i = 0; i < e->n_sums; i++)
    g_string_free(e->sums[i].kernel, TRUE);
  g_mutex_clear(&e->lock);
  g_free(e->sum_of);
  g_free(e->row);
  g_free(e->sums);
  g_free(e);
}

QfHtpReport qf_htp_events_report(const QfHtpEvents *e)
{
  if (e->level < QF_HTP_EVENTS_DETAILED)
    return (QfHtpReport){0};
  return (QfHtpReport){.events = g_new0(QfHtpEvent, e->n_steps + 1), .max_events = e->n_steps};
}

static void add(Sum *sum, uint64_t ns, uint64_t packets)
{
  sum->min_ns = sum->runs++ ? MIN(sum->min_ns, ns) : ns;
  sum->total_ns += ns;
  sum->packets += packets;
}

/* What a step of a node is: its row, jobs x their rows, what it has of VTCM and what it moves there. */
static void describe(GString *to, const QfHtpEvents *e, const QfHtpEvent *event)
{
  g_string_append_printf(to, "%s%s", to->len ? ", " : "", row_names[e->row[event->step]]);
  if (event->rows)
    g_string_append_printf(to, " %ux%u", event->jobs, event->rows);
  if (event->vtcm_bytes)
    g_string_append_printf(to, " vtcm %uk", (event->vtcm_bytes + 1023) >> 10);
  if (event->moved_bytes)
    g_string_append_printf(to, " moved %uk", (event->moved_bytes + 1023) >> 10);
}

void qf_htp_events_add(QfHtpEvents *e, const QfHtpReport *report)
{
  g_mutex_lock(&e->lock);
  const gboolean first = !e->whole.runs;
  add(&e->whole, 1000 * report->time_us, report->packets);
  for (uint32_t i = 0; i < report->n_events;) { /* whose steps are numbered below n_steps: device.h */
    const uint32_t sum = e->sum_of[report->events[i].step];
    uint64_t us = 0, packets = 0;
    for (; i < report->n_events && e->sum_of[report->events[i].step] == sum; i++) {
      us += report->events[i].time_us;
      packets += report->events[i].packets;
      if (first)
        describe(e->sums[sum].kernel, e, &report->events[i]);
    }
    add(&e->sums[sum], 1000 * us, packets);
  }
  g_mutex_unlock(&e->lock);
}

static void append_row(GArray *rows, const Sum *sum)
{
  const QfMeasured row = {.node = sum->node,
                          .runs = sum->runs,
                          .total_ns = sum->total_ns,
                          .min_ns = sum->min_ns,
                          .packets = sum->packets,
                          .kernel = sum->kernel && sum->kernel->len ? sum->kernel->str : NULL};
  g_array_append_val(rows, row);
}

void qf_htp_events_rows(QfHtpEvents *e, GArray *rows)
{
  g_mutex_lock(&e->lock);
  if (e->level >= QF_HTP_EVENTS_DETAILED)
    for (uint32_t i = 0; i < e->n_sums && e->whole.runs; i++)
      append_row(rows, &e->sums[i]);
  else if (e->whole.runs)
    append_row(rows, &e->whole);
  g_mutex_unlock(&e->lock);
}
