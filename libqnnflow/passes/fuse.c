/* SPDX-License-Identifier: MIT */
/*
 * fuse.c - moves what follows a convolution or matrix product into its weights, bias and epilogue, and a zero Pad before it into its
 * padding. Inputs of the fused node: data, weight, bias, residual (if attrs.residual), slope (if PRELU).
 */
#include "util.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* Operators with a QfEpilogue: where it is in their attributes. */
static const struct {
  const char *op;
  size_t epi;
  gboolean weighted; /* takes a residual, a slope and folded scales too */
} hosts[] = {
    {"Conv2d", offsetof(QfConv2dAttrs, epi), TRUE},
    {"DepthWiseConv2d", offsetof(QfConv2dAttrs, epi), TRUE},
    {"TransposeConv2d", offsetof(QfConv2dAttrs, epi), TRUE},
    {"FullyConnected", offsetof(QfFullyConnectedAttrs, epi), TRUE},
    {"BlockQuantMatMul", offsetof(QfBlockQuantMatMulAttrs, epi), TRUE},
    {"ElementWiseAdd", offsetof(QfBinaryAttrs, epi), FALSE},
    {"ElementWiseSubtract", offsetof(QfBinaryAttrs, epi), FALSE},
    {"ElementWiseMultiply", offsetof(QfBinaryAttrs, epi), FALSE},
    {"ElementWiseDivide", offsetof(QfBinaryAttrs, epi), FALSE},
};

/* Activations that can be fused; lo and hi are those of CLAMP, read from the node where a row says so. */
static const struct {
  const char *op;
  QfActivation act;
  float lo, hi;
  gboolean from_attrs;
} activations[] = {
    {"Relu", QF_ACT_CLAMP, 0, FLT_MAX, FALSE}, {"Relu6", QF_ACT_CLAMP, 0, 6, FALSE},
    {"ReluMinMax", QF_ACT_CLAMP, 0, 0, TRUE},  {"HardSwish", QF_ACT_HARD_SWISH, 0, 0, FALSE},
    {"Sigmoid", QF_ACT_SIGMOID, 0, 0, FALSE},  {"Silu", QF_ACT_SILU, 0, 0, FALSE},
    {"Tanh", QF_ACT_TANH, 0, 0, FALSE},        {"LeakyRelu", QF_ACT_LEAKY, 0, 0, TRUE},
    {"Prelu", QF_ACT_PRELU, 0, 0, FALSE},      {"Gelu", QF_ACT_GELU, 0, 0, FALSE},
};

static int find_host(const QfNode *node)
{
  for (guint i = 0; i < G_N_ELEMENTS(hosts); i++)
    if (qf_node_is(node, hosts[i].op))
      return (int)i;
  return -1;
}

static QfEpilogue *epilogue(const QfNode *node, int host)
{
  return (QfEpilogue *)((char *)node->attrs + hosts[host].epi);
}

static gboolean is_plain_float(const QfNode *node)
{
  return qf_dtype_is_float(node->outputs[0]->dtype) && node->outputs[0]->dtype != QF_DTYPE_FLOAT64;
}

/* The node now computes what its user computed: takes over the user's output and, so that other inputs exist by then, its place. */
static void take_over(QfNode *node, QfNode *user)
{
  QfGraph *graph = node->graph;
  guint from, to;
  node->outputs[0]->producer = NULL;
  node->outputs[0] = user->outputs[0];
  qf_node_remove(user);
  node->outputs[0]->producer = node;
  g_ptr_array_find(graph->nodes, node, &from);
  g_ptr_array_find(graph->nodes, user, &to);
  graph->nodes->pdata[to] = node;
  graph->nodes->pdata[from] = user;
}

static void add_input(QfNode *node, uint32_t index, QfTensor *tensor)
{
  QfTensor *inputs[5] = {0};
  for (uint32_t i = 0; i < node->n_inputs; i++)
    inputs[i] = node->inputs[i];
  inputs[index] = tensor;
  qf_node_set_inputs(node, inputs, MAX(node->n_inputs, index + 1));
}

/* Which dimension of the weight runs along output channels. */
static int channel_axis(const QfNode *node)
{
  return qf_node_is(node, "FullyConnected") || qf_node_is(node, "BlockQuantMatMul") ? 0 : 3;
}

/* @w, whose channels are dimension @axis, times @scale of each. Nobody needs the old ones for now. */
static QfTensor *scaled_copy(QfGraph *graph, const QfTensor *w, int axis, const QfTensor *scale)
{
  const int64_t m = w->dims[axis], inner = qf_dims_count(w->dims + axis + 1, w->rank - axis - 1),
                n = qf_tensor_count(w);
  g_autofree double *factor = g_new(double, m + 1);
  for (int64_t c = 0; c < m; c++)
    factor[c] = qf_per_channel(scale, c);
  const float *from = qf_tensor_data(w);
  float *to = g_new(float, n + 1);
  for (int64_t i = 0; i < n;)
    for (int64_t c = 0; c < m; c++)
      for (int64_t k = 0; k < inner; k++, i++)
        to[i] = (float)(from[i] * factor[c]);
  qf_tensor_release(graph, w);
  return qf_graph_add_constant(graph, w->name, w->dtype, w->dims, w->rank,
                               g_bytes_new_take(to, (gsize)n * sizeof(*to)));
}

/* w[..c..] *= scale[c], bias[c] = bias[c] * scale[c] + shift[c]; either may be NULL. */
static gboolean scale_weights(QfNode *node, const QfTensor *scale, const QfTensor *shift, float sign)
{
  QfTensor *w = node->inputs[1], *b = node->n_inputs > 2 ? node->inputs[2] : NULL;
  int axis = channel_axis(node);
  int64_t m = w->dims[axis];
  gboolean blocks =
      qf_node_is(node, "BlockQuantMatMul"); /* weights that stay as they are: only a shift can be taken in */
  if (!w->data || (blocks ? scale != NULL : w->dtype != QF_DTYPE_FLOAT32) ||
      (b && (!b->data || b->dtype != QF_DTYPE_FLOAT32)))
    return FALSE;
  g_autofree float *bias = g_new0(float, m + 1);
  for (int64_t c = 0; c < m; c++) {
    double s = scale ? qf_per_channel(scale, c) : 1, t = shift ? sign * qf_per_channel(shift, c) : 0;
    bias[c] = (float)((b ? qf_tensor_get_real(b, c) : 0) * s + t);
  }
  if (scale)
    qf_node_set_input(node, 1, scaled_copy(node->graph, w, axis, scale));
  add_input(node, 2, qf_new_vector(node->graph, b ? b->name : node->name, bias, m));
  return TRUE;
}

/* Batchnorm, or a Multiply, Add or Subtract with a constant per channel, after a weighted node without an epilogue yet. */
static gboolean fold_scale(QfNode *node, QfNode *user, const QfEpilogue *epi)
{
  const QfTensor *scale = NULL, *shift = NULL, *other;
  int64_t m = node->outputs[0]->dims[node->outputs[0]->rank - 1];
  float sign = 1;
  if (epi->act != QF_ACT_NONE || epi->residual)
    return FALSE;
  if (qf_node_is(user, "Batchnorm")) {
    scale = user->inputs[1];
    shift = user->inputs[2];
  } else if (user->n_inputs >= 2 && find_host(user) >= 0 && !hosts[find_host(user)].weighted) {
    if (((QfBinaryAttrs *)user->attrs)->epi.act != QF_ACT_NONE)
      return FALSE;
    gboolean first = user->inputs[0] == node->outputs[0];
    other = user->inputs[first ? 1 : 0];
    if (qf_node_is(user, "ElementWiseMultiply"))
      scale = other;
    else if (qf_node_is(user, "ElementWiseAdd") || (first && qf_node_is(user, "ElementWiseSubtract")))
      shift = other;
    sign = qf_node_is(user, "ElementWiseSubtract") ? -1 : 1;
  }
  if ((!scale && !shift) || (scale && !qf_is_per_channel(scale, m)) ||
      (shift && !qf_is_per_channel(shift, m)))
    return FALSE;
  if (user->outputs[0]->rank != node->outputs[0]->rank || !scale_weights(node, scale, shift, sign))
    return FALSE;
  take_over(node, user);
  return TRUE;
}

static gboolean fuse_activation(QfNode *node, QfNode *user, int host, QfEpilogue *epi)
{
  guint a = 0;
  while (a < G_N_ELEMENTS(activations) && !qf_node_is(user, activations[a].op))
    a++;
  if (a == G_N_ELEMENTS(activations) || epi->act != QF_ACT_NONE || user->inputs[0] != node->outputs[0])
    return FALSE;
  const QfUnaryAttrs *attrs = user->attrs;
  const QfTensor *y = node->outputs[0];
  int64_t m = y->rank ? y->dims[y->rank - 1] : 1;
  if (!hosts[host].weighted && activations[a].act != QF_ACT_CLAMP)
    return FALSE;
  if (activations[a].act == QF_ACT_GELU && attrs->approximate)
    return FALSE;
  if (activations[a].act == QF_ACT_PRELU) {
    QfTensor *slope = user->inputs[1];
    if (!qf_is_per_channel(slope, m))
      return FALSE;
    g_autofree float *values = g_new(float, m);
    for (int64_t c = 0; c < m; c++)
      values[c] = (float)qf_per_channel(slope, c);
    add_input(node, epi->residual ? 4 : 3, qf_new_vector(node->graph, slope->name, values, m));
  }
  epi->act = activations[a].act;
  epi->lo = activations[a].from_attrs ? attrs->lo : activations[a].lo;
  epi->hi = activations[a].from_attrs ? attrs->hi : activations[a].hi;
  epi->alpha = activations[a].from_attrs ? attrs->alpha : 0;
  take_over(node, user);
  return TRUE;
}

/* Add of a tensor of the same shape. */
static gboolean fuse_residual(QfNode *node, QfNode *user, QfEpilogue *epi)
{
  if (!qf_node_is(user, "ElementWiseAdd") || epi->act != QF_ACT_NONE || epi->residual)
    return FALSE;
  QfTensor *out = node->outputs[0], *other = user->inputs[user->inputs[0] == out ? 1 : 0];
  if (other == out || other->data || other->rank != out->rank || other->dtype != out->dtype ||
      memcmp(other->dims, out->dims, out->rank * sizeof(*out->dims)))
    return FALSE;
  QfEpilogue after = ((QfBinaryAttrs *)user->attrs)->epi;
  add_input(node, 3, other);
  *epi = after;
  epi->residual = 1;
  take_over(node, user);
  return TRUE;
}

/* A constant zero Pad of height and width before a convolution. */
static gboolean absorb_pad(QfNode *node)
{
  QfNode *pad = qf_produced_by(node->inputs[0], "Pad");
  if (!pad || qf_only_user(pad) != node ||
      !(qf_node_is(node, "Conv2d") || qf_node_is(node, "DepthWiseConv2d")))
    return FALSE;
  const QfPadAttrs *p = pad->attrs;
  QfConv2dAttrs *c = node->attrs;
  if (p->scheme != QF_PAD_CONSTANT || p->value != 0 || p->before.n != 4 || p->before.v[0] || p->after.v[0] ||
      p->before.v[3] || p->after.v[3])
    return FALSE;
  for (int i = 1; i < 3; i++)
    if (p->before.v[i] < 0 || p->after.v[i] < 0 || p->before.v[i] > 64 || p->after.v[i] > 64)
      return FALSE;
  c->pad[0] += (int32_t)p->before.v[1];
  c->pad[1] += (int32_t)p->after.v[1];
  c->pad[2] += (int32_t)p->before.v[2];
  c->pad[3] += (int32_t)p->after.v[2];
  qf_node_set_input(node, 0, pad->inputs[0]);
  return TRUE;
}

static gboolean fuse_node(QfNode *node)
{
  int host = find_host(node);
  if (host < 0)
    return FALSE;
  if (hosts[host].weighted && absorb_pad(node))
    return TRUE;
  QfNode *user = qf_only_user(node);
  if (!user || !is_plain_float(node) || !is_plain_float(user) || user->n_outputs != 1)
    return FALSE;
  QfEpilogue *epi = epilogue(node, host);
  if (hosts[host].weighted && (fold_scale(node, user, epi) || fuse_residual(node, user, epi)))
    return TRUE;
  return fuse_activation(node, user, host, epi);
}

static gboolean run(QfGraph *graph, GError **error)
{
  gboolean changed = TRUE;
  while (changed) {
    changed = FALSE;
    for (guint i = 0; i < graph->nodes->len; i++) {
      QfNode *node = graph->nodes->pdata[i];
      while (!node->dead && fuse_node(node))
        changed = TRUE;
    }
    qf_graph_compact(graph);
  }
  return TRUE;
}

const QfPass qf_pass_fuse = {
    "fuse", "folds scales and shifts into weights; activations, residuals and padding into the node", TRUE,
    run};
