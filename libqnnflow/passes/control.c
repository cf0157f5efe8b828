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

static void remove_output(QfNode *node, uint32_t index)
{
  memmove(node->outputs + index, node->outputs + index + 1,
          (node->n_outputs - index - 1) * sizeof(*node->outputs));
  node->n_outputs--;
}

/* Input @index goes to the end. */
static void move_to_end(QfNode *node, uint32_t index)
{
  g_autofree QfTensor **inputs = g_memdup2(node->inputs, node->n_inputs * sizeof(*inputs));
  QfTensor *moved = inputs[index];
  memmove(inputs + index, inputs + index + 1, (node->n_inputs - index - 1) * sizeof(*inputs));
  inputs[node->n_inputs - 1] = moved;
  qf_node_set_inputs(node, inputs, node->n_inputs);
  for (uint32_t b = 0; b < node->n_subgraphs; b++) {
    GPtrArray *list = node->subgraphs[b]->inputs;
    g_ptr_array_add(list, g_ptr_array_remove_index(list, index));
  }
}

/* Carried value @k comes out of the body as it went in. */
static gboolean is_unchanged(const QfNode *node, const Shape *s, uint32_t k)
{
  const QfGraph *body = node->subgraphs[node->n_subgraphs - 1];
  const QfTensor *in = body->inputs->pdata[s->lead_in + k], *out = body->outputs->pdata[s->lead_out + k];
  const QfNode *copy = qf_produced_by(out, "Reshape");
  return out == in || (copy && copy->inputs[0] == in);
}

static void release_unchanged(QfNode *node)
{
  for (uint32_t k = shape_of(node).n_carried; k-- > 0 && node->n_outputs > 1;) {
    Shape s = shape_of(node);
    QfTensor *out = node->outputs[k];
    if (!is_unchanged(node, &s, k) || qf_graph_is_output(node->graph, out))
      continue;
    qf_graph_replace_uses(node->graph, out, node->inputs[s.lead_in + k]);
    out->producer = NULL;
    remove_output(node, k);
    g_ptr_array_remove_index(node->subgraphs[node->n_subgraphs - 1]->outputs, s.lead_out + k);
    move_to_end(node, s.lead_in + k);
    ((QfControlAttrs *)node->attrs)->n_carried--;
  }
}

static gboolean is_read(const QfNode *node, uint32_t input)
{
  for (uint32_t b = 0; b < node->n_subgraphs; b++)
    if (qf_graph_count_uses(node->subgraphs[b], node->subgraphs[b]->inputs->pdata[input]))
      return TRUE;
  return FALSE;
}

static void drop_captures(QfNode *node)
{
  Shape s = shape_of(node);
  g_autofree QfTensor **inputs = g_memdup2(node->inputs, node->n_inputs * sizeof(*inputs));
  uint32_t kept = s.first_capture;
  for (uint32_t i = s.first_capture; i < node->n_inputs; i++) {
    GBytes *data = node->inputs[i]->data;
    uint32_t at = kept - s.shift; /* of the body's inputs, from which those before have gone */
    if (!data && is_read(node, at)) {
      inputs[kept++] = node->inputs[i];
      continue;
    }
    for (uint32_t b = 0; b < node->n_subgraphs; b++) {
      QfTensor *inner = g_ptr_array_remove_index(node->subgraphs[b]->inputs, at);
      if (data)
        qf_tensor_set_data(node->subgraphs[b], inner, g_bytes_ref(data));
    }
  }
  if (kept < node->n_inputs)
    qf_node_set_inputs(node, inputs, kept);
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
