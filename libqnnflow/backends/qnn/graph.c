/* SPDX-License-Identifier: MIT */
/*
 * graph.c - a part of a model as a graph of the library: asked for node by node, built, finalized or taken from the cache, run.
 * One graph serves all sessions of the model, one run at a time: the library's handles are no more than that.
 */
#include "cache.h"
#include "events.h"
#include "handles.h"
#include "net.h"
#include "unit.h"

#include <string.h>

typedef struct {
  const QfQnnUnit *unit;
  QfQnnHandle context, graph;
  GMutex lock;           /* of the graph and of @in and @out */
  QfQnnTensor *in, *out; /* [n_in], [n_out]: the tensors that the caller writes and reads */
  uint32_t n_in, n_out;
  uint32_t *size;        /* [n_in + n_out] bytes */
  QfQnnHandles *handles; /* NULL: the library has none */
  QfQnnNet *net;         /* owns what these point to */
  QfQnnEvents *events;   /* NULL: nothing is measured */
  char *model, kernel[64];
} Part;

static void part_free(gpointer data)
{
  Part *part = data;
  qf_qnn_events_free(part->events);
  qf_qnn_handles_free(part->handles);
  if (part->context)
    QF_QNN(part->unit->library, contextFree, QfQnnHandle, QfQnnHandle)(part->context, NULL);
  qf_qnn_net_free(part->net);
  g_mutex_clear(&part->lock);
  g_free(part->in);
  g_free(part->out);
  g_free(part->size);
  g_free(part->model);
  g_free(part);
}

gboolean qf_qnn_supports(gpointer data, const QfNode *node, GString *why)
{
  const QfQnnUnit *unit = data;
  QfQnnNet *net = qf_qnn_net_new();
  gboolean ok = qf_qnn_emit(net, node, why);
  for (guint i = 0;
       ok && i < net->ops->len && qf_qnn_library_has(unit->library, QF_QNN_backendValidateOpConfig); i++) {
    QfQnnNetOp *op = net->ops->pdata[i];
    const QfQnnError e = QF_QNN(unit->library, backendValidateOpConfig, QfQnnHandle,
                                QfQnnOp)(unit->backend, qf_qnn_op_view(net, op));
    ok = !e;
    if (e)
      g_string_append_printf(why, "%s refuses %s: %s (error %u)", unit->library->interface->name, op->type,
                             qf_qnn_library_message(unit->library, e), (unsigned)(e & 0xFFFF));
  }
  qf_qnn_net_free(net);
  return ok;
}

/* Precision, effort, VTCM and threads, for the HTP. */
static QfQnnError create_graph(Part *part, const char *name)
{
  const QfQnnSettings *s = &part->unit->settings;
  QfQnnCustom custom[4];
  QfQnnConfig config[4] = {{0}};
  const QfQnnConfig *list[5] = {NULL};
  uint32_t n = 0;
  memset(custom, 0, sizeof(custom));
  if (s->fp16)
    custom[n++] = (QfQnnCustom){.option = 2, .u.u32 = {1}};
  custom[n++] = (QfQnnCustom){.option = 1, .u.level = {3, (float)s->level}};
  custom[n++] = (QfQnnCustom){.option = 3, .u.u32 = {(uint32_t)s->vtcm_mb}};
  if (s->threads)
    custom[n++] = (QfQnnCustom){.option = 6, .u.space = {(uint64_t)s->threads}};
  for (uint32_t i = 0; i < n; i++) {
    config[i].u.custom = &custom[i];
    list[i] = &config[i];
  }
  const gboolean htp = part->unit->library->interface->backend_id == QF_QNN_HTP;
  return QF_QNN(part->unit->library, graphCreate, QfQnnHandle, const char *, const QfQnnConfig **,
                QfQnnHandle *)(part->context, name, htp ? list : NULL, &part->graph);
}

static gboolean fail(const Part *part, GError **error, QfQnnError e, const char *what, const char *name)
{
  g_autofree char *text = g_strdup_printf("%s: %s%s", part->model, what, name);
  return qf_qnn_library_fail(part->unit->library, error, e, text);
}

static gboolean build(Part *part, const char *name, GError **error)
{
  const QfQnnLibrary *lib = part->unit->library;
  qf_qnn_library_note(NULL);
  QfQnnError e = create_graph(part, name);
  if (e)
    return fail(part, error, e, "a graph cannot be made", "");
  for (guint i = 0; i < part->net->tensors->len; i++) {
    QfQnnTensor *t = part->net->tensors->pdata[i];
    if ((e = QF_QNN(lib, tensorCreateGraphTensor, QfQnnHandle, QfQnnTensor *)(part->graph, t)))
      return fail(part, error, e, "it refuses tensor ", t->name);
  }
  for (guint i = 0; i < part->net->ops->len; i++) {
    QfQnnNetOp *op = part->net->ops->pdata[i];
    if ((e = QF_QNN(lib, graphAddNode, QfQnnHandle, QfQnnOp)(part->graph, qf_qnn_op_view(part->net, op))))
      return fail(part, error, e, "it refuses node ", op->name);
  }
  if ((e = QF_QNN(lib, graphFinalize, QfQnnHandle, QfQnnHandle,
                  QfQnnHandle)(part->graph, qf_qnn_events_handle(part->events), NULL)))
    return fail(part, error, e, "the graph cannot be finalized", "");
  qf_qnn_events_log(part->events, part->model);
  return TRUE;
}

/* From the cache, or built and put there. */
static gboolean make_graph(Part *part, const char *name, GError **error)
{
  const QfQnnUnit *unit = part->unit;
  g_autofree char *key = unit->settings.cache ? qf_qnn_cache_key(unit, part->net) : NULL;
  if (key && qf_qnn_cache_load(unit, key, name, part->net, &part->context, &part->graph))
    return TRUE;
  const QfQnnError e = QF_QNN(unit->library, contextCreate, QfQnnHandle, QfQnnHandle, const QfQnnConfig **,
                              QfQnnHandle *)(unit->backend, unit->device, NULL, &part->context);
  if (e)
    return fail(part, error, e, "a context cannot be made", "");
  if (!build(part, name, error))
    return FALSE;
  if (key)
    qf_qnn_cache_store(unit, key, part->context, part->net);
  return TRUE;
}

static void run_part(const QfStep *step, const QfExec *exec)
{
  Part *part = (Part *)step->params; /* the lock guards what changes */
  g_mutex_lock(&part->lock);
  for (uint32_t i = 0; i < part->n_in; i++)
    qf_qnn_handles_bind(part->handles, &part->in[i], qf_step_in(step, exec, i), part->size[i]);
  for (uint32_t i = 0; i < part->n_out; i++)
    qf_qnn_handles_bind(part->handles, &part->out[i], qf_step_out(step, exec, i), part->size[part->n_in + i]);
  const QfQnnError e =
      QF_QNN(part->unit->library, graphExecute, QfQnnHandle, const QfQnnTensor *, uint32_t, QfQnnTensor *,
             uint32_t, QfQnnHandle, QfQnnHandle)(part->graph, part->in, part->n_in, part->out, part->n_out,
                                                 qf_qnn_events_handle(part->events), NULL);
  if (!e)
    qf_qnn_events_add_run(part->events);
  g_mutex_unlock(&part->lock);
  if (e) {
    GError *error = NULL;
    fail(part, &error, e, "running it failed", "");
    qf_exec_fail(exec, error);
  }
}

static void measured(const QfStep *step, GArray *rows)
{
  Part *part = (Part *)step->params;
  g_mutex_lock(&part->lock);
  qf_qnn_events_rows(part->events, rows);
  g_mutex_unlock(&part->lock);
}

/* The caller's side of the border: type, then the list that a run binds memory to. The library checks no sizes, so they are ours. */
static gboolean make_border(Part *part, const GPtrArray *tensors, uint32_t type, QfQnnTensor **list,
                            GString *why)
{
  *list = g_new0(QfQnnTensor, tensors->len + 1);
  for (guint i = 0; i < tensors->len; i++) {
    QfQnnTensor *t = qf_qnn_net_tensor(part->net, tensors->pdata[i], why);
    if (!t)
      return FALSE;
    t->type = type;
  }
  return TRUE;
}

static void take_border(QfQnnNet *net, const GPtrArray *tensors, QfQnnTensor *list, uint32_t *size)
{
  for (guint i = 0; i < tensors->len; i++) {
    list[i] = *(const QfQnnTensor *)g_hash_table_lookup(net->by_tensor, tensors->pdata[i]);
    size[i] = (uint32_t)qf_tensor_size_bytes(tensors->pdata[i]);
  }
}

gboolean qf_qnn_lower(QfLower *lower, QfNode *const *nodes, uint32_t n_nodes, GError **error)
{
  g_autoptr(GPtrArray) in = NULL, out = NULL;
  g_autoptr(GString) why = g_string_new(NULL);
  g_autofree char *name = g_strdup_printf("part_%u", lower->steps->len);
  Part *part = g_new0(Part, 1);
  qf_lower_part_borders(lower, nodes, n_nodes, &in, &out);
  part->unit = lower->unit;
  part->net = qf_qnn_net_new();
  part->model = g_strdup(lower->model);
  part->n_in = in->len;
  part->n_out = out->len;
  g_mutex_init(&part->lock);
  g_snprintf(part->kernel, sizeof(part->kernel), "graph of %u nodes", n_nodes);
  qf_lower_keep(lower, part, part_free);
  gboolean ok = make_border(part, in, QF_QNN_WRITE, &part->in, why) &&
                make_border(part, out, QF_QNN_READ, &part->out, why);
  for (uint32_t i = 0; ok && i < n_nodes; i++)
    ok = qf_qnn_emit(part->net, nodes[i], why);
  if (!ok) {
    g_set_error(error, QF_ERROR, QF_ERROR_UNSUPPORTED, "%s: %s", lower->model, why->str);
    return FALSE;
  }
  part->events = qf_qnn_events_new(part->unit, part->net);
  if (!make_graph(part, name, error))
    return FALSE;
  part->handles = qf_qnn_handles_new(part->unit, part->context);
  part->size = g_new0(uint32_t, in->len + out->len + 1);
  take_border(part->net, in, part->in, part->size);
  take_border(part->net, out, part->out, part->size + in->len);
  QfStep *step = qf_lower_part(lower, nodes[n_nodes - 1], "qnn", part->kernel, run_part, part, in, out);
  step->measured = part->events ? measured : NULL;
  return TRUE;
}
