/* SPDX-License-Identifier: MIT */
/*
 * control.c - what bodies of control flow need not be given: a carried value that the body hands on unchanged becomes a capture, a
 * capture that is a constant becomes one inside (its bytes are shared), and what no body reads is dropped. So weights
 * that exporters carry through a loop are folded and packed like those of a straight graph.
 */
#include "util.h"

#include <string.h>

/* Inputs and outputs of a body before the carried values, and where captures begin among the node's inputs. */
typedef struct {
  uint32_t lead_in, lead_out, n_carried, first_capture;
  uint32_t shift; /* index of a node's input less that of the body's */
} Shape;

static Shape shape_of(const QfNode *node)
{
  const QfControlAttrs *a = node->attrs;
  gboolean loop = qf_node_is(node, "Loop");
  if (qf_node_is(node, "If"))
    return (Shape){.first_capture = 1, .shift = 1};
  Shape s = {.lead_in = loop ? 2 : 0, .lead_out = loop ? 1 : 0, .n_carried = (uint32_t)a->n_carried};
  s.first_capture = s.lead_in + s.n_carried + (uint32_t)a->n_sequences;
  return s;
}

/* Carried value @k comes out of the body as it went in. */
static gboolean is_unchanged(const QfNode *node, const Shape *s, uint32_t k)
{
  const QfGraph *body = node->subgraphs[node->n_subgraphs - 1];
  const QfTensor *in = body->inputs->pdata[s->lead_in + k], *out = body->outputs->pdata[s->lead_out + k];
  const QfNode *copy = qf_produced_by(out, "Reshape");
  return out == in || (copy && copy->inputs[0] == in);
}

/* @list with what @moved marks, of its entries from @first on, at the end, or dropped. */
static void reorder(void **list, uint32_t n, uint32_t first, const gboolean *moved, uint32_t n_moved,
                    void **end)
{
  uint32_t kept = first, out = 0;
  for (uint32_t i = first; i < n; i++) {
    if (i - first < n_moved && moved[i - first])
      end[out++] = list[i];
    else
      list[kept++] = list[i];
  }
  memcpy(list + kept, end, out * sizeof(*list));
}

/* The node without the carried values that @moved marks: @count of them, now its last captures. */
static void release(QfNode *node, const Shape *s, const gboolean *moved, uint32_t count)
{
  QfGraph *body = node->subgraphs[node->n_subgraphs - 1];
  g_autofree void **end = g_new0(void *, node->n_inputs + node->n_outputs + 1);
  g_autofree QfTensor **inputs = g_memdup2(node->inputs, node->n_inputs * sizeof(*inputs));
  reorder((void **)inputs, node->n_inputs, s->lead_in, moved, s->n_carried, end);
  qf_node_set_inputs(node, inputs, node->n_inputs);
  for (uint32_t b = 0; b < node->n_subgraphs; b++)
    reorder(node->subgraphs[b]->inputs->pdata, node->n_inputs, s->lead_in, moved, s->n_carried, end);
  reorder(body->outputs->pdata, body->outputs->len, s->lead_out, moved, s->n_carried, end);
  g_ptr_array_set_size(body->outputs, (gint)(body->outputs->len - count));
  reorder((void **)node->outputs, node->n_outputs, 0, moved, s->n_carried, end);
  node->n_outputs -= count;
  ((QfControlAttrs *)node->attrs)->n_carried -= (int32_t)count;
}

static void release_unchanged(QfNode *node)
{
  Shape s = shape_of(node);
  g_autofree gboolean *moved = g_new0(gboolean, s.n_carried + 1);
  uint32_t count = 0;
  for (uint32_t k = s.n_carried; k-- > 0;) {
    QfTensor *out = node->outputs[k];
    if (count + 1 == node->n_outputs || !is_unchanged(node, &s, k) || qf_graph_is_output(node->graph, out))
      continue;
    qf_graph_replace_uses(node->graph, out, node->inputs[s.lead_in + k]);
    out->producer = NULL;
    moved[k] = TRUE;
    count++;
  }
  if (count)
    release(node, &s, moved, count);
}

static gboolean is_read(const QfNode *node, uint32_t input)
{
  for (uint32_t b = 0; b < node->n_subgraphs; b++)
    if (qf_graph_count_uses(node->subgraphs[b], node->subgraphs[b]->inputs->pdata[input]))
      return TRUE;
  return FALSE;
}

/* What is a constant, or read by no body, goes from the captures; @gone marks these by input. */
static uint32_t mark_captures(const QfNode *node, const Shape *s, gboolean *gone)
{
  uint32_t count = 0;
  for (uint32_t i = s->first_capture; i < node->n_inputs; i++) {
    gone[i] = node->inputs[i]->data || !is_read(node, i - s->shift);
    count += gone[i];
    for (uint32_t b = 0; node->inputs[i]->data && b < node->n_subgraphs; b++)
      qf_tensor_share_data(node->subgraphs[b], node->subgraphs[b]->inputs->pdata[i - s->shift],
                           node->inputs[i]);
  }
  return count;
}

static void drop_captures(QfNode *node)
{
  Shape s = shape_of(node);
  uint32_t n = node->n_inputs, kept = s.first_capture;
  g_autofree gboolean *gone = g_new0(gboolean, n + 1);
  uint32_t count = mark_captures(node, &s, gone);
  if (!count)
    return;
  g_autofree QfTensor **inputs = g_memdup2(node->inputs, n * sizeof(*inputs));
  for (uint32_t i = kept; i < n; i++) {
    if (gone[i])
      continue;
    for (uint32_t b = 0; b < node->n_subgraphs; b++)
      node->subgraphs[b]->inputs->pdata[kept - s.shift] = node->subgraphs[b]->inputs->pdata[i - s.shift];
    inputs[kept++] = inputs[i];
  }
  qf_node_set_inputs(node, inputs, kept);
  for (uint32_t b = 0; b < node->n_subgraphs; b++)
    g_ptr_array_set_size(node->subgraphs[b]->inputs, (gint)(kept - s.shift));
}

/* Outer bodies first: what becomes constant in one may be a capture of the next. */
static gboolean run(QfGraph *graph, GError **error)
{
  qf_foreach_node (node, graph) {
    if (!node->n_subgraphs)
      continue;
    if (!qf_node_is(node, "If"))
      release_unchanged(node);
    drop_captures(node);
    for (uint32_t b = 0; b < node->n_subgraphs; b++)
      if (!run(node->subgraphs[b], error))
        return FALSE;
  }
  return TRUE;
}

const QfPass qf_pass_control = {"control", "gives bodies of control flow only what changes", TRUE, run};
