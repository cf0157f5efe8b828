/* SPDX-License-Identifier: MIT */
/*
 * events.c - see events.h. Nodes are measured in cycles and the whole in microseconds: the whole is shared out by cycles, and what no
 * node has (waiting for the unit, getting data in and out) stays with the call.
 */
#include "events.h"

#include <string.h>

enum { EXECUTE = 400, NODE = 404, ACCELERATOR_CYCLES = 3003, ACCELERATOR = 3004 }; /* types of events */
enum { MICROSECONDS = 1, CYCLES = 3 };

typedef struct {
  uint32_t type, unit;
  uint64_t value;
  const char *name;
} Event;

typedef struct {
  uint64_t runs, total_ns, min_ns;
} Sum;

struct QfQnnEvents {
  const QfQnnLibrary *library;
  QfQnnHandle handle;
  GHashTable *by_name; /* an operator's name in the library -> index + 1 of its node */
  GPtrArray *nodes;    /* QfNode*, each once */
  Sum *sums, whole;    /* [nodes->len] */
  uint64_t *last;      /* [nodes->len]: of the run that is added now, in its unit */
};

static const uint32_t slots[] = {QF_QNN_profileCreate, QF_QNN_profileGetEvents, QF_QNN_profileGetSubEvents,
                                 QF_QNN_profileGetEventData, QF_QNN_profileFree};

QfQnnEvents *qf_qnn_events_new(const QfQnnUnit *unit, const QfQnnNet *net)
{
  const QfQnnLibrary *lib = unit->library;
  gboolean able = unit->settings.profiling != 0;
  for (gsize i = 0; able && i < G_N_ELEMENTS(slots); i++)
    able = qf_qnn_library_has(lib, slots[i]);
  if (!able)
    return NULL;
  QfQnnEvents *e = g_new0(QfQnnEvents, 1);
  const QfQnnError code =
      QF_QNN(lib, profileCreate, QfQnnHandle, uint32_t,
             QfQnnHandle *)(unit->backend, (uint32_t)unit->settings.profiling, &e->handle);
  if (code) {
    g_info("%s: it does not measure: %s", lib->path, qf_qnn_library_message(lib, code));
    g_free(e);
    return NULL;
  }
  e->library = lib;
  e->by_name = g_hash_table_new(g_str_hash, g_str_equal);
  e->nodes = g_ptr_array_new();
  for (guint i = 0; i < net->ops->len; i++) {
    const QfQnnNetOp *op = net->ops->pdata[i];
    if (!e->nodes->len || e->nodes->pdata[e->nodes->len - 1] != op->source)
      g_ptr_array_add(e->nodes, (gpointer)op->source);
    g_hash_table_insert(e->by_name, (gpointer)op->name, GUINT_TO_POINTER(e->nodes->len));
  }
  e->sums = g_new0(Sum, e->nodes->len + 1);
  e->last = g_new0(uint64_t, e->nodes->len + 1);
  return e;
}

void qf_qnn_events_free(QfQnnEvents *e)
{
  if (!e)
    return;
  QF_QNN(e->library, profileFree, QfQnnHandle)(e->handle);
  g_hash_table_unref(e->by_name);
  g_ptr_array_unref(e->nodes);
  g_free(e->sums);
  g_free(e->last);
  g_free(e);
}

QfQnnHandle qf_qnn_events_handle(const QfQnnEvents *e)
{
  return e ? e->handle : NULL;
}

static Event event_of(const QfQnnEvents *e, uint64_t id)
{
  Event event = {0};
  if (QF_QNN(e->library, profileGetEventData, uint64_t, Event *)(id, &event))
    return (Event){0};
  return event;
}

/* The events of the handle, or those inside event *@parent. */
static const uint64_t *list_of(const QfQnnEvents *e, const uint64_t *parent, uint32_t *n)
{
  const uint64_t *ids = NULL;
  *n = 0;
  const QfQnnError code = parent ? QF_QNN(e->library, profileGetSubEvents, uint64_t, const uint64_t **,
                                          uint32_t *)(*parent, &ids, n)
                                 : QF_QNN(e->library, profileGetEvents, QfQnnHandle, const uint64_t **,
                                          uint32_t *)(e->handle, &ids, n);
  if (code || !ids)
    *n = 0;
  return ids;
}

/* Names come with a number behind them: "conv_3:OpId_21 (cycles)". */
static guint node_of(const QfQnnEvents *e, const char *name)
{
  const char *end = name ? g_strrstr(name, ":OpId_") : NULL;
  g_autofree char *own = end ? g_strndup(name, (gsize)(end - name)) : g_strdup(name ? name : "");
  return GPOINTER_TO_UINT(g_hash_table_lookup(e->by_name, own));
}

static void add(Sum *sum, uint64_t ns)
{
  sum->min_ns = sum->runs++ ? MIN(sum->min_ns, ns) : ns;
  sum->total_ns += ns;
}

/* Fills e->last; the unit of measurement is that of the nodes, 0 when there are none. */
static uint32_t read_nodes(QfQnnEvents *e, uint64_t parent)
{
  uint32_t n, unit = 0;
  const uint64_t *ids = list_of(e, &parent, &n);
  for (uint32_t i = 0; i < n; i++) {
    const Event event = event_of(e, ids[i]);
    const guint node = event.type == NODE ? node_of(e, event.name) : 0;
    if (!node)
      continue;
    unit = event.unit;
    e->last[node - 1] += event.value;
  }
  return unit;
}

void qf_qnn_events_add_run(QfQnnEvents *e)
{
  uint32_t n, unit = 0;
  uint64_t whole_us = 0, execute_us = 0, cycles = 0;
  if (!e)
    return;
  const uint64_t *ids = list_of(e, NULL, &n);
  memset(e->last, 0, e->nodes->len * sizeof(*e->last));
  for (uint32_t i = 0; i < n; i++) {
    const Event event = event_of(e, ids[i]);
    if (event.type == ACCELERATOR)
      whole_us = event.value;
    if (event.type == EXECUTE && event.unit == MICROSECONDS)
      execute_us = event.value;
    if (event.type == ACCELERATOR_CYCLES)
      cycles = event.value;
    const uint32_t inner = read_nodes(e, ids[i]);
    unit = inner ? inner : unit;
  }
  const double whole_ns = 1e3 * (double)(whole_us ? whole_us : execute_us);
  add(&e->whole, (uint64_t)whole_ns);
  const double ns = unit == CYCLES && cycles ? whole_ns / (double)cycles : unit == MICROSECONDS ? 1e3 : 0;
  for (guint i = 0; ns > 0 && i < e->nodes->len; i++)
    add(&e->sums[i], (uint64_t)((double)e->last[i] * ns));
}

void qf_qnn_events_log(const QfQnnEvents *e, const char *what)
{
  static const char *const units[] = {"", "us", "bytes", "cycles", "times"};
  uint32_t n = 0;
  const uint64_t *ids = e ? list_of(e, NULL, &n) : NULL;
  for (uint32_t i = 0; i < n; i++) {
    const Event event = event_of(e, ids[i]);
    g_info("%s: %s: %" G_GUINT64_FORMAT " %s", what, event.name ? event.name : "time", event.value,
           event.unit < G_N_ELEMENTS(units) ? units[event.unit] : "");
  }
}

void qf_qnn_events_rows(const QfQnnEvents *e, GArray *rows)
{
  gboolean nodes = FALSE;
  for (guint i = 0; e && i < e->nodes->len; i++) {
    const QfMeasured row = {
        .node = e->nodes->pdata[i],
        .runs = e->sums[i].runs,
        .total_ns = e->sums[i].total_ns,
        .min_ns = e->sums[i].min_ns,
    };
    nodes |= row.runs != 0;
    if (row.runs)
      g_array_append_val(rows, row);
  }
  if (!e || nodes || !e->whole.total_ns)
    return;
  const QfMeasured whole = {
      .runs = e->whole.runs,
      .total_ns = e->whole.total_ns,
      .min_ns = e->whole.min_ns,
  };
  g_array_append_val(rows, whole);
}
