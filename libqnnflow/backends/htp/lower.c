/* SPDX-License-Identifier: MIT */
/*
 * lower.c - see lower.h. A part is one graph of the device, or several where it has more borders than a request can name. The DSP uses
 * borders in place where it can map their memory, which is so for what sessions allocate; for others the graph has a shared buffer, and
 * such runs go one by one.
 */
#include "lower.h"
#include "build.h"
#include "dsp/wire.h"
#include "../ref/encoded.h"
#include "../../ops/list.h"
#include "../../runtime/memory.h"

#include <string.h>

typedef gboolean (*EmitFunc)(QfHtpBuild *build, const QfNode *node, GString *why);

static const struct {
  const QfOpDef *op;
  EmitFunc emit;
} ops[] = {
#define QF_HTP_OP(op, function) {&qf_op_##op, function},
#include "ops.inc"
#undef QF_HTP_OP
};

static gboolean dims_fit(const QfTensor *t)
{
  int64_t count = 1;
  for (int32_t i = 0; i < t->rank; i++) {
    if (t->dims[i] < 1 || t->dims[i] > 1 << 20)
      return FALSE;
    count *= t->dims[i];
    if (count > 1 << 28)
      return FALSE;
  }
  return TRUE;
}

gboolean qf_htp_any_encoding(const QfTensor *t, QfkEncoding *e, GString *why)
{
  QfkEncoding x;
  if (qf_dtype_is_float(t->dtype))
    g_string_append_printf(why,
                           "tensor '%s' is %s: the kernels for Hexagon compute with 8 and 16-bit integers; "
                           "quantize the model",
                           t->name, qf_dtype_name(t->dtype));
  else if (!qf_ref_is_encoded(t, &x))
    g_string_append_printf(why, "tensor '%s' is %s, not 8 or 16 bits with one scale", t->name,
                           qf_dtype_name(t->dtype));
  else {
    if (e)
      *e = x.type > QFK_S8 ? x : (QfkEncoding){QFK_U8, x.scale, x.zero + (x.type == QFK_S8 ? 128 : 0)};
    return TRUE;
  }
  return FALSE;
}

gboolean qf_htp_encoding(const QfTensor *t, QfkEncoding *e, GString *why)
{
  QfkEncoding x;
  if (!qf_htp_any_encoding(t, &x, why))
    return FALSE;
  if (x.type != QFK_U8) {
    g_string_append_printf(why, "tensor '%s' is %s: there is no such kernel of 16 bits", t->name,
                           qf_dtype_name(t->dtype));
    return FALSE;
  }
  if (e)
    *e = x;
  return TRUE;
}

gboolean qf_htp_build_node(QfHtpBuild *b, const QfNode *node, GString *why)
{
  b->node = node;
  for (uint32_t i = 0; i < node->n_inputs + node->n_outputs; i++) {
    const QfTensor *t = i < node->n_inputs ? node->inputs[i] : node->outputs[i - node->n_inputs];
    if (t && !dims_fit(t)) {
      g_string_append_printf(why, "tensor '%s' is empty or too large", t->name);
      return FALSE;
    }
  }
  for (gsize i = 0; i < G_N_ELEMENTS(ops); i++)
    if (ops[i].op == node->op)
      return ops[i].emit(b, node, why);
  g_string_append(why, "there is no kernel for Hexagon");
  return FALSE;
}

gboolean qf_htp_supports(gpointer data, const QfNode *node, GString *why)
{
  const QfHtpUnit *unit = data;
  g_autoptr(QfHtpBuild) b = qf_htp_build_new(NULL, TRUE, unit->n_threads, unit->tile_bytes);
  g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);
  for (uint32_t i = 0; i < node->n_inputs; i++)
    if (node->inputs[i] && !node->inputs[i]->data && g_hash_table_add(seen, node->inputs[i]))
      qf_htp_build_input(b, node->inputs[i]);
  if (g_hash_table_size(seen) + node->n_outputs > QF_WIRE_MAX_BORDERS) {
    g_string_append_printf(why, "it has more than %u inputs and outputs", QF_WIRE_MAX_BORDERS);
    return FALSE;
  }
  return qf_htp_build_node(b, node, why);
}

typedef struct {
  QfHtpUnit *unit;
  QfHtpGraph *graph;
  QfHtpEvents *events; /* NULL: nothing is measured */
  QfHtpBuffer *buffer; /* of all borders */
  QfHtpSpan *spans;    /* [n_in + n_out] */
  uint32_t n_in, n_out;
  GMutex lock;
  char *model, kernel[64];
} Part;

static void part_free(gpointer data)
{
  Part *part = data;
  qf_htp_graph_free(part->graph);
  qf_htp_buffer_free(part->buffer);
  qf_htp_events_free(part->events);
  g_mutex_clear(&part->lock);
  g_free(part->spans);
  g_free(part->model);
  g_free(part);
}

static void *border(const QfStep *step, const QfExec *exec, const Part *part, uint32_t i)
{
  return i < part->n_in ? qf_step_in(step, exec, i) : qf_step_out(step, exec, i - part->n_in);
}

/* Copies those borders that the DSP cannot map: inputs before a run, outputs after it. */
static void copy_borders(const QfStep *step, const QfExec *exec, Part *part, const QfHtpSpan *spans,
                         gboolean outputs)
{
  for (uint32_t i = outputs ? part->n_in : 0; i < (outputs ? part->n_in + part->n_out : part->n_in); i++) {
    if (spans[i].buffer != part->buffer)
      continue;
    uint8_t *ours = part->buffer->data + spans[i].offset, *theirs = border(step, exec, part, i);
    memcpy(outputs ? theirs : ours, outputs ? ours : theirs, spans[i].size);
    g_atomic_int_inc(&part->unit->n_copies);
  }
}

/* The run itself, measured if that was asked for. */
static gboolean run_graph(const Part *part, const QfHtpSpan *spans, guint n, GError **error)
{
  if (!part->events)
    return qf_htp_graph_run(part->graph, spans, n, NULL, error);
  QfHtpReport report = qf_htp_events_report(part->events);
  const gboolean ok = qf_htp_graph_run(part->graph, spans, n, &report, error);
  if (ok)
    qf_htp_events_add(part->events, &report);
  g_free(report.events);
  return ok;
}

static void measured(const QfStep *step, GArray *rows)
{
  qf_htp_events_rows(((const Part *)step->params)->events, rows);
}

static void run_part(const QfStep *step, const QfExec *exec)
{
  Part *part = (Part *)step->params;
  const uint32_t n = part->n_in + part->n_out;
  QfHtpSpan spans[QF_WIRE_MAX_BORDERS] = {0};
  g_autoptr(GError) error = NULL;
  gboolean copied = FALSE;
  for (uint32_t i = 0; i < n; i++) {
    spans[i] = part->spans[i];
    const QfHtpBuffer *held =
        qf_htp_buffer_hold(part->unit->device, border(step, exec, part, i), spans[i].size, &spans[i].offset);
    if (held)
      spans[i].buffer = held;
    copied |= !held;
  }
  if (copied) { /* the lock guards the part's own buffer */
    g_mutex_lock(&part->lock);
    copy_borders(step, exec, part, spans, FALSE);
  }
  const gboolean ok = run_graph(part, spans, n, &error);
  if (copied) {
    if (ok)
      copy_borders(step, exec, part, spans, TRUE);
    g_mutex_unlock(&part->lock);
  }
  for (uint32_t i = 0; i < n; i++)
    if (spans[i].buffer != part->buffer)
      qf_htp_buffer_release(spans[i].buffer);
  if (!ok)
    qf_exec_fail(exec, g_error_new(QF_ERROR, error ? error->code : QF_ERROR_DEVICE, "%s: %s", part->model,
                                   error ? error->message : "the DSP did not run it"));
}

/* One shared buffer for all borders. */
static gboolean make_borders(Part *part, QfHtpDevice *device, const GPtrArray *in, const GPtrArray *out,
                             GError **error)
{
  size_t end = 0;
  part->n_in = in->len;
  part->n_out = out->len;
  part->spans = g_new0(QfHtpSpan, in->len + out->len + 1);
  for (guint i = 0; i < in->len + out->len; i++) {
    const QfTensor *t = i < in->len ? in->pdata[i] : out->pdata[i - in->len];
    part->spans[i] = (QfHtpSpan){NULL, end, qf_tensor_size_bytes(t), i >= in->len};
    end += (part->spans[i].size + QF_ALIGNMENT - 1) / QF_ALIGNMENT * QF_ALIGNMENT;
  }
  part->buffer = qf_htp_buffer_new(device, MAX(end, 1), error);
  for (guint i = 0; part->buffer && i < in->len + out->len; i++)
    part->spans[i].buffer = part->buffer;
  return part->buffer != NULL;
}

/* The blob of a part, and what measures it; NULL with @why. */
static void *build_part(const QfHtpUnit *unit, const char *model, QfNode *const *nodes, uint32_t n_nodes,
                        const GPtrArray *in, const GPtrArray *out, QfHtpEvents **events, uint32_t *size,
                        GString *why)
{
  g_autoptr(QfHtpBuild) b = qf_htp_build_new(model, FALSE, unit->n_threads, unit->tile_bytes);
  b->vtcm_bytes = unit->vtcm_bytes;
  for (guint i = 0; i < in->len; i++)
    qf_htp_build_input(b, in->pdata[i]);
  for (uint32_t i = 0; i < n_nodes; i++)
    if (!qf_htp_build_node(b, nodes[i], why))
      return NULL;
  for (guint i = 0; i < out->len; i++)
    qf_htp_build_output(b, out->pdata[i]);
  *events = qf_htp_events_new(unit->profiling, b);
  return qf_htp_build_finish(b, size, why);
}

/* What kernels have packed is not read again. */
static void release_constants(QfLower *lower, QfNode *const *nodes, uint32_t n_nodes)
{
  for (uint32_t i = 0; i < n_nodes; i++)
    for (uint32_t k = 0; k < nodes[i]->n_inputs; k++)
      if (nodes[i]->inputs[k] && nodes[i]->inputs[k]->data)
        qf_lower_release(lower, nodes[i]->inputs[k]);
}

static gboolean lower_graph(QfLower *lower, QfNode *const *nodes, uint32_t n_nodes, const GPtrArray *in,
                            const GPtrArray *out, GError **error)
{
  const QfHtpUnit *unit = lower->unit;
  g_autoptr(GString) why = g_string_new(NULL);
  QfHtpEvents *events = NULL;
  uint32_t size = 0;
  void *blob = build_part(unit, lower->model, nodes, n_nodes, in, out, &events, &size, why);
  if (!blob) {
    qf_htp_events_free(events);
    g_set_error(error, QF_ERROR, QF_ERROR_UNSUPPORTED, "%s: %s", lower->model, why->str);
    return FALSE;
  }
  Part *part = g_new0(Part, 1);
  part->unit = lower->unit;
  part->events = events;
  part->model = g_strdup(lower->model);
  g_mutex_init(&part->lock);
  g_snprintf(part->kernel, sizeof(part->kernel), "graph of %u nodes", n_nodes);
  part->graph = qf_htp_graph_load(unit->device, blob, size, error);
  qf_aligned_free(blob);
  if (!part->graph || !make_borders(part, unit->device, in, out, error)) {
    part_free(part);
    return FALSE;
  }
  qf_lower_keep(lower, part, part_free);
  lower->packed_bytes += size;
  QfStep *step = qf_lower_part(lower, nodes[n_nodes - 1], unit->name, part->kernel, run_part, part, in, out);
  step->measured = part->events ? measured : NULL;
  return TRUE;
}

/* The nodes as one graph, or halves of them where a request could not name all borders. */
static gboolean lower_graphs(QfLower *lower, QfNode *const *nodes, uint32_t n_nodes, GError **error)
{
  const uint32_t half = n_nodes / 2;
  g_autoptr(GPtrArray) in = NULL, out = NULL;
  qf_lower_part_borders(lower, nodes, n_nodes, &in, &out);
  if (in->len + out->len <= QF_WIRE_MAX_BORDERS || !half)
    return lower_graph(lower, nodes, n_nodes, in, out, error);
  return lower_graphs(lower, nodes, half, error) && lower_graphs(lower, nodes + half, n_nodes - half, error);
}

gboolean qf_htp_lower(QfLower *lower, QfNode *const *nodes, uint32_t n_nodes, GError **error)
{
  if (!lower_graphs(lower, nodes, n_nodes, error))
    return FALSE;
  release_constants(lower, nodes, n_nodes);
  return TRUE;
}
