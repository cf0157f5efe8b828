/* SPDX-License-Identifier: MIT */
/*
 * recurrent.c - LSTM, GRU and RNN: one node each, whatever direction, with their weights as the file orders them.
 */
#include "map.h"

#include <math.h>
#include <string.h>

/* Activations by name: what they are here, whether they take alpha and beta, and the values when none are given. */
static const struct {
  const char *name;
  QfCellActivation act;
  int n_params;
  float alpha, beta;
} activations[] = {
    {"Sigmoid", QF_CELL_SIGMOID, 0, 0, 0},
    {"Tanh", QF_CELL_TANH, 0, 0, 0},
    {"Relu", QF_CELL_RELU, 0, 0, 0},
    {"Affine", QF_CELL_AFFINE, 2, 1, 0},
    {"LeakyRelu", QF_CELL_LEAKY_RELU, 1, 0.01f, 0},
    {"ThresholdedRelu", QF_CELL_THRESHOLDED_RELU, 1, 1, 0},
    {"ScaledTanh", QF_CELL_SCALED_TANH, 2, 1, 1},
    {"HardSigmoid", QF_CELL_HARD_SIGMOID, 2, 0.2f, 0.5f},
    {"Elu", QF_CELL_ELU, 1, 1, 0},
    {"Softsign", QF_CELL_SOFTSIGN, 0, 0, 0},
    {"Softplus", QF_CELL_SOFTPLUS, 0, 0, 0},
};

static int find_activation(const ProtobufCBinaryData *name)
{
  for (guint i = 0; i < G_N_ELEMENTS(activations); i++)
    if (name->len == strlen(activations[i].name) &&
        !g_ascii_strncasecmp((const char *)name->data, activations[i].name, name->len))
      return (int)i;
  return -1;
}

/* The next of the file's parameters, which only those activations use that have one. */
static float next_param(const Onnx__AttributeProto *list, size_t *at, gboolean has, float def)
{
  return has && list && *at < list->n_floats ? list->floats[(*at)++] : def;
}

/* @each activations for each direction; in the attributes three are set apart for each. */
static gboolean read_activations(const QfOnnxNode *n, QfRecurrentAttrs *a, int each, GError **error)
{
  const Onnx__AttributeProto *names = qf_onnx_attr(n, "activations"),
                             *alpha = qf_onnx_attr(n, "activation_alpha"),
                             *beta = qf_onnx_attr(n, "activation_beta");
  const size_t count = (size_t)each * (a->direction == 2 ? 2 : 1);
  size_t alpha_at = 0, beta_at = 0;
  if (!names || !names->n_strings)
    return TRUE;
  if (names->n_strings < count)
    return qf_onnx_fail(n, error, QF_ERROR_FORMAT,
                        "it names %" G_GSIZE_FORMAT " activations, but has %" G_GSIZE_FORMAT,
                        names->n_strings, count);
  for (size_t i = 0; i < count; i++) {
    const size_t to = i / (size_t)each * 3 + i % (size_t)each;
    int k = find_activation(&names->strings[i]);
    if (k < 0)
      return qf_onnx_fail(n, error, QF_ERROR_UNSUPPORTED,
                          "its activation '%.*s' is not known; the nearest are Sigmoid and Tanh",
                          (int)MIN(names->strings[i].len, 40), (const char *)names->strings[i].data);
    a->act[to] = (int32_t)activations[k].act;
    a->alpha[to] = next_param(alpha, &alpha_at, activations[k].n_params > 0, activations[k].alpha);
    a->beta[to] = next_param(beta, &beta_at, activations[k].n_params > 1, activations[k].beta);
  }
  return TRUE;
}

/* Without activations in the file, those that the attributes start with hold. arg: how many there are. */
static gboolean read_attrs(const QfOnnxNode *n, QfRecurrentAttrs *a, GError **error)
{
  static const char *const directions[] = {"forward", "reverse", "bidirectional", NULL};
  if (!qf_onnx_enum(n, "direction", directions, 0, &a->direction, error))
    return FALSE;
  a->batch_major = qf_onnx_int(n, "layout", 0) != 0;
  a->linear_before_reset = qf_onnx_int(n, "linear_before_reset", 0) != 0;
  a->coupled = qf_onnx_int(n, "input_forget", 0) != 0;
  a->clip = fabsf(qf_onnx_float(n, "clip", 0));
  return read_activations(n, a, n->row->arg, error);
}

/* States are [B,D,H] in files with the batch first; ours are [D,B,H]. */
static QfTensor *swap_state(QfOnnxNode *n, QfTensor *t, QfTensor *out, GError **error)
{
  static const QfInts perm = {3, {1, 0, 2}};
  return qf_build_transpose(n->b, t, &perm, out, error);
}

static gboolean check_hidden(const QfOnnxNode *n, GError **error)
{
  const QfTensor *r = n->in[2];
  int32_t hidden = qf_onnx_int(n, "hidden_size", 0);
  if (r->rank != 3)
    return qf_onnx_fail(n, error, QF_ERROR_SHAPE, "R '%s' has %d dimensions, 3 are needed", r->name, r->rank);
  return !hidden || r->dims[2] == hidden ||
         qf_onnx_fail(n, error, QF_ERROR_SHAPE, "hidden_size is %d, but R '%s' has %" G_GINT64_FORMAT, hidden,
                      r->name, r->dims[2]);
}

static gboolean map_recurrent(QfOnnxNode *n, GError **error)
{
  const uint32_t n_out = n->row->max_inputs > 6 ? 3 : 2;
  gboolean swap = qf_onnx_int(n, "layout", 0) != 0;
  QfTensor *in[8] = {NULL}, *out[3] = {NULL};
  if (!check_hidden(n, error))
    return FALSE;
  for (uint32_t i = 0; i < MIN(n->n_in, 8); i++) {
    in[i] = n->in[i];
    if (swap && in[i] && (i == 5 || i == 6) && !(in[i] = swap_state(n, in[i], NULL, error)))
      return FALSE;
  }
  in[4] = qf_build_cast(n->b, in[4], QF_DTYPE_INT32, NULL, error);
  for (uint32_t i = 0; i < n_out; i++)
    out[i] = swap && i ? qf_graph_add_tensor(n->onnx->graph, NULL) : qf_onnx_output(n, i);
  QfNode *node = qf_graph_new_node(n->onnx->graph, n->row->target, n->name, in, 8, out, n_out);
  if (n->n_in <= 6)
    qf_node_set_inputs(node, in, 6);
  if (!read_attrs(n, node->attrs, error) || !qf_build_end(n->b, node, error))
    return FALSE;
  for (uint32_t i = 0; i < MIN(n->n_out, n_out); i++) {
    if (!n->out_names[i])
      continue;
    if (swap && i)
      out[i] = swap_state(n, out[i], qf_onnx_output(n, i), error);
    if (!qf_onnx_bind(n, i, out[i]))
      return FALSE;
  }
  return TRUE;
}

const QfOnnxRow qf_onnx_recurrent_rows[] = {
    {"", "LSTM", map_recurrent, 3, 8, "Lstm", 3},
    {"", "GRU", map_recurrent, 3, 6, "Gru", 2},
    {"", "RNN", map_recurrent, 3, 6, "Rnn", 1},
    {NULL},
};
