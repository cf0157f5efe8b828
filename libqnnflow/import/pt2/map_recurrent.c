/* SPDX-License-Identifier: MIT */
/*
 * map_recurrent.c - LSTM, GRU and plain recurrent layers, of any depth, in one or both directions.
 *
 * A row of each parameter belongs to a gate; aten and ONNX have the gates in different orders, so parts change places.
 */
#include "map.h"

#include <string.h>

/* data of a row: the ONNX operator, then the order in which aten's gates are wanted. */
typedef struct {
  const char *op;
  const char *order; /* "0312" */
  int n_gates, n_states;
  const char *x, *h, *c; /* sequence [T,N,...], initial states */
  GPtrArray *params;
  int64_t layers, directions, hidden;
  int per_direction; /* parameters */
} Layer;

/* The gates of @weight in ONNX's order, with a dimension for the direction in front. */
static const char *reorder(QfPt2Node *n, const Layer *l, const char *weight)
{
  const char *parts[4], *ordered[4], *out[1] = {NULL};
  const int64_t front = 0;
  QfPt2Emit *e = n->p->emit;
  if (l->n_gates == 1)
    return qf_pt2_emit(n, "Unsqueeze", NULL, 2, weight, qf_pt2_const_ints(e, &front, 1));
  for (int i = 0; i < l->n_gates; i++)
    parts[i] = qf_pt2_name(e, NULL);
  Onnx__NodeProto *split = qf_pt2_node(e, "Split", n->name, &weight, 1, parts, (uint32_t)l->n_gates);
  qf_pt2_attr_int(e, split, "axis", 0);
  qf_pt2_attr_int(e, split, "num_outputs", l->n_gates);
  for (int i = 0; i < l->n_gates; i++)
    ordered[i] = parts[l->order[i] - '0'];
  Onnx__NodeProto *node = qf_pt2_node(e, "Concat", n->name, ordered, (uint32_t)l->n_gates, out, 1);
  qf_pt2_attr_int(e, node, "axis", 0);
  return qf_pt2_emit(n, "Unsqueeze", NULL, 2, node->output[0], qf_pt2_const_ints(e, &front, 1));
}

static const char *concat2(QfPt2Node *n, const char *a, const char *b, int64_t axis)
{
  const char *y = qf_pt2_emit(n, "Concat", NULL, 2, a, b);
  qf_pt2_attr_int(n->p->emit, qf_pt2_last(n), "axis", axis);
  return y;
}

static const char *param(const Layer *l, int64_t layer, int64_t direction, int which)
{
  return g_ptr_array_index(l->params,
                           (guint)((layer * l->directions + direction) * l->per_direction + which));
}

/* Parameter @which of all directions: 0 input weights, 1 recurrent weights, 2 both biases. */
static const char *weights(QfPt2Node *n, const Layer *l, int64_t layer, int which)
{
  const char *all = NULL;
  for (int64_t d = 0; d < l->directions; d++) {
    const char *w = reorder(n, l, param(l, layer, d, which));
    if (which == 2)
      w = concat2(n, w, reorder(n, l, param(l, layer, d, 3)), 1);
    all = all ? concat2(n, all, w, 0) : w;
  }
  return all;
}

/* The states of one layer. */
static const char *state(QfPt2Node *n, const Layer *l, const char *all, int64_t layer)
{
  const int64_t start = layer * l->directions, end = start + l->directions, axis = 0;
  QfPt2Emit *e = n->p->emit;
  return !all ? NULL
              : qf_pt2_emit(n, "Slice", NULL, 4, all, qf_pt2_const_ints(e, &start, 1),
                            qf_pt2_const_ints(e, &end, 1), qf_pt2_const_ints(e, &axis, 1));
}

/* One layer; its last states are appended to @states. */
static const char *run_layer(QfPt2Node *n, Layer *l, int64_t layer, const char **states)
{
  static const int64_t perm[] = {0, 2, 1, 3}, joined[] = {0, 0, -1};
  QfPt2Emit *e = n->p->emit;
  const char *in[] = {l->x,
                      weights(n, l, layer, 0),
                      weights(n, l, layer, 1),
                      l->per_direction > 2 ? weights(n, l, layer, 2) : NULL,
                      NULL,
                      state(n, l, l->h, layer),
                      state(n, l, l->c, layer)};
  const char *out[] = {qf_pt2_name(e, NULL), qf_pt2_name(e, NULL), qf_pt2_name(e, NULL)};
  Onnx__NodeProto *node =
      qf_pt2_node(e, l->op, n->name, in, 5 + (uint32_t)l->n_states, out, 1 + (uint32_t)l->n_states);
  qf_pt2_attr_int(e, node, "hidden_size", l->hidden);
  qf_pt2_attr_string(e, node, "direction", l->directions == 2 ? "bidirectional" : "forward");
  if (!strcmp(l->op, "GRU"))
    qf_pt2_attr_int(e, node, "linear_before_reset", 1);
  for (int i = 0; i < l->n_states; i++)
    states[i] = states[i] ? concat2(n, states[i], out[1 + i], 0) : out[1 + i];
  const char *y = qf_pt2_permute(n, out[0], perm, 4, NULL); /* [T,D,N,H] -> [T,N,D,H] -> [T,N,D*H] */
  return qf_pt2_emit(n, "Reshape", NULL, 2, y, qf_pt2_const_ints(e, joined, 3));
}

static gboolean read_layer(QfPt2Node *n, Layer *l, GError **error)
{
  QfPt2Tensor recurrent;
  const gboolean biases = qf_pt2_arg_bool(n, "has_biases", TRUE);
  l->x = qf_pt2_tensor(n, "input");
  l->layers = qf_pt2_arg_int(n, "num_layers", 1);
  l->directions = qf_pt2_arg_bool(n, "bidirectional", FALSE) ? 2 : 1;
  l->per_direction = biases ? 4 : 2;
  if (qf_pt2_arg_bool(n, "train", FALSE) || l->layers < 1 || l->layers > 64 ||
      (int64_t)l->params->len != l->layers * l->directions * l->per_direction || qf_pt2_rank(n, l->x) != 3)
    return qf_pt2_fail(
        n, error, QF_ERROR_UNSUPPORTED,
        "it is in training mode, without a batch, or has projections; call module.eval() before the export");
  for (guint i = 0; i < l->params->len; i++)
    if (!l->params->pdata[i])
      return qf_pt2_fail(n, error, QF_ERROR_FORMAT, "a parameter is missing");
  if (!qf_pt2_meta(n, param(l, 0, 0, 1), &recurrent) || recurrent.rank != 2 || recurrent.dims[1] < 1)
    return qf_pt2_fail(n, error, QF_ERROR_FORMAT, "its recurrent weights are no matrix");
  l->hidden = recurrent.dims[1];
  return TRUE;
}

static gboolean map_recurrent(QfPt2Node *n, GError **error)
{
  static const int64_t swap[] = {1, 0, 2};
  g_auto(GStrv) words = g_strsplit(n->row->data, " ", 2);
  g_autoptr(GPtrArray) states = NULL, params = qf_pt2_arg_tensors(n, "params");
  Layer l = {.op = words[0], .order = words[1], .n_gates = (int)strlen(words[1]), .params = params};
  const char *last[2] = {NULL, NULL};
  const gboolean batch_first = qf_pt2_arg_bool(n, "batch_first", FALSE);
  l.n_states = strcmp(l.op, "LSTM") ? 1 : 2;
  if (l.n_states == 2) {
    states = qf_pt2_arg_tensors(n, "hx");
    l.h = states->len == 2 ? states->pdata[0] : NULL;
    l.c = states->len == 2 ? states->pdata[1] : NULL;
  } else {
    l.h = qf_pt2_tensor(n, "hx");
  }
  if (!read_layer(n, &l, error))
    return FALSE;
  if (batch_first)
    l.x = qf_pt2_permute(n, l.x, swap, 3, NULL);
  for (int64_t i = 0; i < l.layers; i++)
    l.x = run_layer(n, &l, i, last);
  if (batch_first)
    qf_pt2_permute(n, l.x, swap, 3, n->out[0]);
  else
    qf_pt2_emit(n, "Identity", n->out[0], 1, l.x);
  for (int i = 0; i < l.n_states && (uint32_t)i + 1 < n->n_out; i++)
    if (n->out[1 + i])
      qf_pt2_emit(n, "Identity", n->out[1 + i], 1, last[i]);
  return TRUE;
}

const QfPt2Row qf_pt2_recurrent_rows[] = {
    {"lstm", map_recurrent, "LSTM 0312"},
    {"gru", map_recurrent, "GRU 102"},
    {"rnn_tanh", map_recurrent, "RNN 0"},
    {NULL},
};
