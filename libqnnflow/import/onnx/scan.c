/* SPDX-License-Identifier: MIT */
/*
 * scan.c - Scan. The graph's one cuts its sequences along the first dimension, forwards: other axes and directions are Transposes
 * and reversed slices around it. Opset 8 has a batch around everything, which is a Scan of its own.
 */
#include "body.h"

/* One Scan in the making: the graph it goes to, and what it takes. */
typedef struct {
  QfOnnxNode *n;
  QfOnnx *onnx;
  QfTensor **carried, **sequences;
  uint32_t n_carried, n_sequences, n_stacked; /* stacked outputs */
} Scan;

/* @t with dimension @from moved to @to. */
static QfTensor *move_axis(QfOnnxNode *n, QfTensor *t, int32_t from, int32_t to, GError **error)
{
  QfInts perm = {t->rank, {0}};
  for (int i = 0, k = 0; i < t->rank; i++) {
    k += k == from;
    perm.v[i] = i == to ? from : k++;
  }
  return from == to ? t : qf_build_transpose(n->b, t, &perm, NULL, error);
}

static QfTensor *reverse(QfOnnxNode *n, QfTensor *t, GError **error)
{
  QfNode *node = qf_build_begin(n->b, "StridedSlice", &t, 1, NULL);
  QfStridedSliceAttrs *a = node->attrs;
  a->begin.n = a->end.n = a->stride.n = t->rank;
  for (int i = 0; i < t->rank; i++) {
    a->begin.v[i] = i ? 0 : t->dims[0] - 1;
    a->end.v[i] = i ? t->dims[i] : -1;
    a->stride.v[i] = i ? 1 : -1;
  }
  return qf_build_end(n->b, node, error);
}

/* Entry @index of a list attribute; 0 when it is not there. */
static int64_t entry(const QfOnnxNode *n, const char *name, uint32_t index)
{
  const Onnx__AttributeProto *a = qf_onnx_attr(n, name);
  return a && index < a->n_ints ? a->ints[index] : 0;
}

/* The body over slices, with the states; @outputs gets the carried values and the stacked slices: tensors made here where there is none. */
static gboolean emit_scan(Scan *s, QfTensor **outputs, GError **error)
{
  QfOnnxBody body;
  g_autoptr(GPtrArray) operands = g_ptr_array_new();
  uint32_t n_out = s->n_carried + s->n_stacked;
  gboolean ok = qf_onnx_body_open(&body, s->n, s->onnx, "body", FALSE, error);
  for (uint32_t i = 0; ok && i < s->n_carried + s->n_sequences; i++) {
    gboolean slice = i >= s->n_carried;
    QfTensor *t = slice ? s->sequences[i - s->n_carried] : s->carried[i];
    ok = qf_onnx_body_input(&body, s->n, t, t->dims + slice, t->rank - slice, error) != NULL;
    g_ptr_array_add(operands, t);
  }
  if (ok && qf_onnx_body_import(&body, s->n, n_out, error)) {
    qf_onnx_body_finish(&body, 1, operands);
    for (uint32_t i = 0; i < n_out; i++)
      outputs[i] = outputs[i] ? outputs[i] : qf_graph_add_tensor(s->onnx->graph, NULL);
    QfNode *node = qf_graph_new_node(s->onnx->graph, "Scan", s->n->name, (QfTensor **)operands->pdata,
                                     operands->len, outputs, n_out);
    *(QfControlAttrs *)node->attrs = (QfControlAttrs){(int32_t)s->n_carried, (int32_t)s->n_sequences, -1};
    qf_node_add_subgraph(node, body.onnx.graph);
    ok = qf_graph_add_node(node, error);
  } else {
    ok = FALSE;
  }
  qf_onnx_body_close(&body);
  return ok;
}

/* Sequences to the form of the graph's Scan. */
static gboolean prepare(Scan *s, const char *axes, const char *directions, GError **error)
{
  for (uint32_t i = 0; i < s->n_sequences; i++) {
    QfTensor *t = s->sequences[i];
    int32_t axis;
    if (!qf_onnx_axis(s->n, axes ? entry(s->n, axes, i) : 0, t->rank, &axis, error))
      return FALSE;
    t = move_axis(s->n, t, axis, 0, error);
    if (t && entry(s->n, directions, i))
      t = reverse(s->n, t, error);
    if (!t)
      return FALSE;
    s->sequences[i] = t;
  }
  return TRUE;
}

static gboolean read_scan(QfOnnxNode *n, uint32_t first, Scan *s, GError **error)
{
  int32_t n_sequences = qf_onnx_int(n, "num_scan_inputs", 0);
  uint32_t n_in = n->n_in - first;
  if (n_sequences < 1 || (uint32_t)n_sequences > n_in || n_in - (uint32_t)n_sequences > n->n_out)
    return qf_onnx_fail(n, error, QF_ERROR_FORMAT,
                        "num_scan_inputs is %d, but it has %u inputs and %u outputs", n_sequences, n_in,
                        n->n_out);
  for (uint32_t i = first; i < n->n_in; i++)
    if (!n->in[i])
      return qf_onnx_fail(n, error, QF_ERROR_FORMAT, "input %u is missing", i);
  *s = (Scan){.n = n,
              .onnx = n->onnx,
              .carried = n->in + first,
              .n_carried = n_in - (uint32_t)n_sequences,
              .n_sequences = (uint32_t)n_sequences};
  s->sequences = s->carried + s->n_carried;
  s->n_stacked = n->n_out - s->n_carried;
  return TRUE;
}

static gboolean map_scan_9(QfOnnxNode *n, GError **error)
{
  Scan s;
  g_autofree QfTensor **outputs = g_new0(QfTensor *, n->n_out + 1);
  if (!read_scan(n, 0, &s, error))
    return FALSE;
  for (uint32_t i = 0; i < n->n_out; i++) {
    uint32_t k = i - s.n_carried;
    if (i < s.n_carried || (!entry(n, "scan_output_axes", k) && !entry(n, "scan_output_directions", k)))
      outputs[i] = qf_onnx_output(n, i);
  }
  if (!prepare(&s, "scan_input_axes", "scan_input_directions", error) || !emit_scan(&s, outputs, error))
    return FALSE;
  for (uint32_t i = 0; i < n->n_out; i++) {
    QfTensor *t = outputs[i];
    int32_t axis = 0;
    if (i >= s.n_carried) {
      if (entry(n, "scan_output_directions", i - s.n_carried) && !(t = reverse(n, t, error)))
        return FALSE;
      if (!qf_onnx_axis(n, entry(n, "scan_output_axes", i - s.n_carried), t->rank, &axis, error))
        return FALSE;
    }
    t = move_axis(n, t, 0, axis, error);
    if (!qf_onnx_bind(n, i, t))
      return FALSE;
  }
  return TRUE;
}

/* The Scan over the batch: its body holds the real one, over slices of everything. */
static gboolean emit_batch(const Scan *s, QfOnnxBody *batch, QfTensor **outputs, GError **error)
{
  QfOnnxNode *n = s->n;
  uint32_t n_in = s->n_carried + s->n_sequences;
  g_autofree QfTensor **in = g_new0(QfTensor *, n_in + 1), **out = g_new0(QfTensor *, n->n_out + 1);
  g_autoptr(GPtrArray) operands = g_ptr_array_new();
  if (!qf_onnx_body_open(batch, n, n->onnx, NULL, FALSE, error))
    return FALSE;
  for (uint32_t i = 0; i < n_in; i++) {
    const QfTensor *t = s->carried[i];
    if (t->rank < (i < s->n_carried ? 1 : 2))
      return qf_onnx_fail(n, error, QF_ERROR_SHAPE, "input %u has no batch or no sequence dimension", i + 1);
    if (!(in[i] = qf_onnx_body_input(batch, n, t, t->dims + 1, t->rank - 1, error)))
      return FALSE;
    g_ptr_array_add(operands, s->carried[i]);
  }
  QfBuild inner_build = *n->b;
  inner_build.graph = batch->onnx.graph;
  inner_build.channels_last = batch->onnx.channels_last;
  QfOnnxNode inner_node = *n;
  inner_node.onnx = &batch->onnx;
  inner_node.b = &inner_build;
  Scan inner = *s;
  inner.n = &inner_node;
  inner.onnx = &batch->onnx;
  inner.carried = in;
  inner.sequences = in + s->n_carried;
  if (!prepare(&inner, NULL, "directions", error) || !emit_scan(&inner, out, error))
    return FALSE;
  for (uint32_t i = 0; i < n->n_out; i++)
    g_ptr_array_add(batch->outputs, out[i]);
  qf_onnx_body_finish(batch, 1, operands);
  for (uint32_t i = 0; i < n->n_out; i++)
    outputs[i] = qf_onnx_output(n, i);
  QfNode *node = qf_graph_new_node(n->onnx->graph, "Scan", n->name, (QfTensor **)operands->pdata,
                                   operands->len, outputs, n->n_out);
  *(QfControlAttrs *)node->attrs = (QfControlAttrs){0, (int32_t)n_in, -1};
  qf_node_add_subgraph(node, batch->onnx.graph);
  return qf_graph_add_node(node, error);
}

static gboolean map_scan_8(QfOnnxNode *n, GError **error)
{
  Scan s;
  QfOnnxBody batch = {0};
  if (n->in[0])
    return qf_onnx_fail(
        n, error, QF_ERROR_UNSUPPORTED,
        "sequences of different lengths (sequence_lens) are not supported; export the model for "
        "opset 9 or later");
  gboolean ok = read_scan(n, 1, &s, error) && emit_batch(&s, &batch, n->out, error);
  qf_onnx_body_close(&batch);
  return ok;
}

static gboolean map_scan(QfOnnxNode *n, GError **error)
{
  return n->opset < 9 ? map_scan_8(n, error) : map_scan_9(n, error);
}

const QfOnnxRow qf_onnx_scan_rows[] = {
    {"", "Scan", map_scan, 0, -1, "Scan", 0},
    {NULL},
};
