/* SPDX-License-Identifier: MIT */
/*
 * canonicalise.c - drops nodes that do nothing, and gives one name to what exporters spell in many ways (Sigmoid times x is Silu).
 * Each rule is a row: the operator it starts from, and what it does.
 */
#include "util.h"

#include <math.h>
#include <string.h>

/* Returns TRUE when it changed the graph. */
typedef struct {
  const char *op;
  gboolean (*apply)(QfNode *node);
} Rule;

static gboolean same_shape(const QfTensor *a, const QfTensor *b)
{
  return a->dtype == b->dtype && a->rank == b->rank &&
         !memcmp(a->dims, b->dims, a->rank * sizeof(*a->dims)) && qf_encoding_equal(&a->enc, &b->enc);
}

/* Reshape, Cast, Pad, Tile, BroadcastTo, StridedSlice, Concat, Split whose output has the input's shape and type. Resize and a
 * reversing slice keep the shape too but move values. */
static gboolean drop_identity(QfNode *node)
{
  return same_shape(node->inputs[0], node->outputs[0]) && qf_bypass(node, node->outputs[0], node->inputs[0]);
}

static gboolean drop_whole_slice(QfNode *node)
{
  const QfStridedSliceAttrs *a = node->attrs;
  for (int i = 0; i < a->stride.n; i++)
    if (a->stride.v[i] != 1)
      return FALSE;
  return drop_identity(node);
}

static gboolean drop_whole_pad(QfNode *node)
{
  const QfPadAttrs *a = node->attrs;
  for (int i = 0; i < a->before.n; i++)
    if (a->before.v[i] || a->after.v[i])
      return FALSE;
  return drop_identity(node);
}

static gboolean merge_reshapes(QfNode *node)
{
  QfNode *before = qf_produced_by(node->inputs[0], "Reshape");
  if (drop_identity(node))
    return TRUE;
  if (!before)
    return FALSE;
  QfReshapeAttrs *attrs = node->attrs;
  attrs->shape.n = node->outputs[0]->rank; /* a 0 or -1 would be resolved against another input now */
  memcpy(attrs->shape.v, node->outputs[0]->dims, sizeof(attrs->shape.v));
  qf_node_set_input(node, 0, before->inputs[0]);
  return TRUE;
}

static gboolean merge_transposes(QfNode *node)
{
  QfInts *perm = &((QfTransposeAttrs *)node->attrs)->perm;
  QfNode *before = qf_produced_by(node->inputs[0], "Transpose");
  gboolean identity = TRUE;
  if (before) {
    const QfInts *first = &((QfTransposeAttrs *)before->attrs)->perm;
    for (int i = 0; i < perm->n; i++)
      perm->v[i] = first->v[perm->v[i]];
    qf_node_set_input(node, 0, before->inputs[0]);
  }
  for (int i = 0; i < perm->n; i++)
    identity = identity && perm->v[i] == i;
  return (identity && qf_bypass(node, node->outputs[0], node->inputs[0])) || before;
}

/* Every value of @from is one of @to. */
static gboolean holds_all(QfDType from, QfDType to)
{
  static const uint8_t digits[QF_N_DTYPES] = {
      [QF_DTYPE_FLOAT16] = 11, [QF_DTYPE_BFLOAT16] = 8, [QF_DTYPE_FLOAT32] = 24, [QF_DTYPE_FLOAT64] = 53};
  int64_t min, max, to_min, to_max;
  if (qf_dtype_is_float(from)) /* bfloat16 has more range than float16 */
    return digits[to] == 53 || (digits[to] == 24 && digits[from] <= 24) || from == to;
  qf_dtype_range(from, &min, &max);
  qf_dtype_range(to, &to_min, &to_max);
  if (qf_dtype_is_float(to))
    return to != QF_DTYPE_FLOAT16 && max <= (int64_t)1 << digits[to];
  return to != QF_DTYPE_BOOL && from != QF_DTYPE_UINT64 && to_min <= min && max <= to_max;
}

/* A Cast to a type that loses nothing, before another Cast. */
static gboolean merge_casts(QfNode *node)
{
  QfNode *before = qf_produced_by(node->inputs[0], "Cast");
  if (drop_identity(node))
    return TRUE;
  if (!before || before->inputs[0]->enc.count || before->outputs[0]->enc.count ||
      !holds_all(before->inputs[0]->dtype, before->outputs[0]->dtype))
    return FALSE;
  qf_node_set_input(node, 0, before->inputs[0]);
  return TRUE;
}

/* Resize to the same size. */
static gboolean drop_whole_resize(QfNode *node)
{
  const QfResizeAttrs *a = node->attrs;
  const float one = 1;
  uint32_t bits;
  memcpy(&bits, &one, sizeof bits);
  for (int i = 0; i < a->scale.n; i++)
    if (a->scale.v[i] != bits)
      return FALSE;
  return drop_identity(node);
}

/* Operators that do nothing when their second operand is this number; @commutes: or the first. x + 0 is x but for the sign of zero. */
static const struct {
  const char *op;
  double value;
  gboolean commutes;
} neutrals[] = {
    {"ElementWiseAdd", 0, TRUE},     {"ElementWiseSubtract", 0, FALSE}, {"ElementWiseMultiply", 1, TRUE},
    {"ElementWiseDivide", 1, FALSE}, {"ElementWisePower", 1, FALSE},
};

static gboolean drop_neutral(QfNode *node)
{
  const QfBinaryAttrs *attrs = node->attrs;
  double value;
  if (attrs->epi.act != QF_ACT_NONE || !qf_dtype_is_float(node->outputs[0]->dtype))
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS(neutrals); i++) {
    if (strcmp(node->op->name, neutrals[i].op))
      continue;
    for (int side = 1; side >= !neutrals[i].commutes; side--)
      if (qf_is_uniform(node->inputs[side], &value) && value == neutrals[i].value &&
          same_shape(node->inputs[1 - side], node->outputs[0]))
        return qf_bypass(node, node->outputs[0], node->inputs[1 - side]);
  }
  return FALSE;
}

/* f(f(x)) is f(x). */
static gboolean drop_repeated(QfNode *node)
{
  return qf_produced_by(node->inputs[0], node->op->name) && drop_identity(node);
}

/* f(f(x)) is x. */
static gboolean drop_pair(QfNode *node)
{
  QfNode *before = qf_produced_by(node->inputs[0], node->op->name);
  return before && same_shape(before->inputs[0], node->outputs[0]) &&
         qf_bypass(node, node->outputs[0], before->inputs[0]);
}

static gboolean has_epilogue(const QfNode *node)
{
  static const char *const hosts[] = {"Conv2d", "DepthWiseConv2d", "TransposeConv2d", "FullyConnected"};
  for (guint i = 0; i < G_N_ELEMENTS(hosts); i++)
    if (qf_node_is(node, hosts[i]))
      return TRUE;
  return FALSE;
}

/* An activation behind the Reshape of a convolution's result (of a signal, which has one dimension) moves before it, where it can be fused: the
 * two nodes change their operators. */
static gboolean rise_over_reshape(QfNode *node)
{
  QfNode *before = qf_produced_by(node->inputs[0], "Reshape");
  QfTensor *x = before ? before->inputs[0] : NULL, *y = node->outputs[0];
  if (!before || node->n_inputs != 1 || !has_epilogue(x->producer) || qf_only_user(before) != node ||
      x->enc.count || y->enc.count || x->dtype != y->dtype)
    return FALSE;
  QfReshapeAttrs *reshape = before->attrs;
  reshape->shape.n = y->rank; /* resolved, whatever it was */
  memcpy(reshape->shape.v, y->dims, sizeof(reshape->shape.v));
  const QfNode copy = *node;
  node->op = before->op;
  node->attrs = before->attrs;
  node->name = before->name;
  before->op = copy.op;
  before->attrs = copy.attrs;
  before->name = copy.name;
  qf_tensor_set_shape(before->outputs[0], x->dtype, x->dims, x->rank);
  return TRUE;
}

/* x * f(x), where f is @op: returns the node of f. */
static QfNode *times_itself(const QfNode *multiply, const char *op)
{
  for (int side = 0; side < 2; side++) {
    QfNode *f = qf_produced_by(multiply->inputs[side], op);
    if (f && f->inputs[0] == multiply->inputs[1 - side] && qf_only_user(f) == multiply)
      return f;
  }
  return NULL;
}

static gboolean become(QfNode *node, const char *op, QfTensor *input)
{
  node->op = qf_op_find(op);
  node->attrs = qf_graph_alloc(node->graph, node->op->attrs_size);
  qf_node_set_inputs(node, &input, 1);
  return TRUE;
}

static gboolean name_product(QfNode *node)
{
  const QfBinaryAttrs *attrs = node->attrs;
  if (attrs->epi.act != QF_ACT_NONE || qf_tensor_is_quantized(node->outputs[0]))
    return FALSE;
  if (times_itself(node, "Sigmoid"))
    return become(node, "Silu", times_itself(node, "Sigmoid")->inputs[0]);
  QfNode *hard = times_itself(node, "HardSigmoid");
  const QfUnaryAttrs *h = hard ? hard->attrs : NULL;
  if (h && fabsf(h->alpha - 1.f / 6) < 1e-6f && fabsf(h->beta - .5f) < 1e-6f)
    return become(node, "HardSwish", hard->inputs[0]);
  return FALSE;
}

static const Rule rules[] = {
    {"Reshape", merge_reshapes},
    {"Transpose", merge_transposes},
    {"Cast", merge_casts},
    {"Pad", drop_whole_pad},
    {"Tile", drop_identity},
    {"BroadcastTo", drop_identity},
    {"StridedSlice", drop_whole_slice},
    {"Concat", drop_identity},
    {"Split", drop_identity},
    {"Resize", drop_whole_resize},
    {"ElementWiseMultiply", name_product},
    {"ElementWiseAdd", drop_neutral},
    {"ElementWiseSubtract", drop_neutral},
    {"ElementWiseMultiply", drop_neutral},
    {"ElementWiseDivide", drop_neutral},
    {"ElementWisePower", drop_neutral},
    {"Relu", rise_over_reshape},
    {"Relu6", rise_over_reshape},
    {"ReluMinMax", rise_over_reshape},
    {"LeakyRelu", rise_over_reshape},
    {"Sigmoid", rise_over_reshape},
    {"Tanh", rise_over_reshape},
    {"HardSwish", rise_over_reshape},
    {"Silu", rise_over_reshape},
    {"Gelu", rise_over_reshape},
    {"Relu", drop_repeated},
    {"Relu6", drop_repeated},
    {"ElementWiseAbs", drop_repeated},
    {"ElementWiseFloor", drop_repeated},
    {"ElementWiseCeil", drop_repeated},
    {"ElementWiseRound", drop_repeated},
    {"ElementWiseSign", drop_repeated},
    {"ElementWiseNeg", drop_pair},
    {"ElementWiseNot", drop_pair},
};

static gboolean run(QfGraph *graph, GError **error)
{
  gboolean changed = TRUE;
  while (changed) {
    changed = FALSE;
    qf_foreach_node (node, graph)
      for (guint r = 0; r < G_N_ELEMENTS(rules) && !node->dead; r++)
        if (qf_node_is(node, rules[r].op) && node->n_inputs && node->inputs[0])
          changed |= rules[r].apply(node);
    qf_graph_compact(graph);
  }
  return TRUE;
}

const QfPass qf_pass_canonicalise = {
    "canonicalise", "drops nodes that do nothing, merges Reshapes and Casts, names Silu and HardSwish", TRUE,
    run};
