/* SPDX-License-Identifier: MIT */
/*
 * patterns.c - recognises what exporters write out in small operators: LayerNorm and Gelu. A pattern starts at its last node.
 */
#include "util.h"

#include <math.h>

/* @t is @op of something and a constant near @value (either side for commutative ones, else the constant second): the something. */
static QfTensor *with_constant(const QfTensor *t, const char *op, double value, gboolean commutes)
{
  QfNode *node = qf_produced_by(t, op);
  double found;
  for (int side = 1; node && side >= !commutes; side--)
    if (qf_is_uniform(node->inputs[side], &found) && fabs(found - value) <= 1e-4 * fabs(value) &&
        ((QfBinaryAttrs *)node->attrs)->epi.act == QF_ACT_NONE)
      return node->inputs[1 - side];
  return NULL;
}

/* erf(x / sqrt 2) + 1: returns x. */
static QfTensor *erf_plus_one(const QfTensor *t)
{
  QfTensor *sum = with_constant(t, "ElementWiseAdd", 1, TRUE);
  QfNode *erf = qf_produced_by(sum, "Erf");
  if (!erf)
    return NULL;
  QfTensor *x = with_constant(erf->inputs[0], "ElementWiseDivide", G_SQRT2, FALSE);
  return x ? x : with_constant(erf->inputs[0], "ElementWiseMultiply", 1 / G_SQRT2, TRUE);
}

/* 0.5 x (erf(x / sqrt 2) + 1) in any order of the products: returns x. */
static QfTensor *match_gelu(const QfNode *root)
{
  for (int side = 0; side < 2; side++) {
    QfTensor *a = root->inputs[side], *b = root->inputs[1 - side], *x = erf_plus_one(b);
    if (x && with_constant(a, "ElementWiseMultiply", .5, TRUE) == x)
      return x; /* (0.5 x) * (...) */
    QfTensor *half = with_constant(b, "ElementWiseMultiply", .5, TRUE);
    if (half && erf_plus_one(half) == a)
      return a; /* x * (0.5 (...)) */
    QfNode *product = qf_produced_by(a, "ElementWiseMultiply");
    double value;
    for (int k = 0; product && qf_is_uniform(b, &value) && fabs(value - .5) < 1e-6 && k < 2; k++)
      if (erf_plus_one(product->inputs[k]) == product->inputs[1 - k])
        return product->inputs[1 - k]; /* (x * (...)) * 0.5 */
  }
  return NULL;
}

static gboolean name_gelu(QfNode *root)
{
  QfTensor *x = match_gelu(root);
  if (!x)
    return FALSE;
  root->op = qf_op_find("Gelu");
  root->attrs = qf_graph_alloc(root->graph, root->op->attrs_size);
  qf_node_set_inputs(root, &x, 1);
  return TRUE;
}

/* A mean over the last dimension, kept with size 1, of @t: returns what it is the mean of. */
static QfTensor *mean_of(const QfTensor *t)
{
  QfNode *node = qf_produced_by(t, "ReduceMean");
  const QfReduceAttrs *a = node ? node->attrs : NULL;
  if (!a || !a->keep_dims || a->axes.n != 1 || a->axes.v[0] != node->inputs[0]->rank - 1)
    return NULL;
  return node->inputs[0];
}

/* x - mean(x): returns x. */
static QfTensor *centred(const QfTensor *t)
{
  QfNode *sub = qf_produced_by(t, "ElementWiseSubtract");
  return sub && mean_of(sub->inputs[1]) == sub->inputs[0] ? sub->inputs[0] : NULL;
}

static gboolean is_square_of(const QfTensor *t, const QfTensor *d)
{
  QfNode *product = qf_produced_by(t, "ElementWiseMultiply"), *power = qf_produced_by(t, "ElementWisePower");
  double e;
  return (product && product->inputs[0] == d && product->inputs[1] == d) ||
         (power && power->inputs[0] == d && qf_is_uniform(power->inputs[1], &e) && e == 2);
}

/* d / sqrt(mean(d^2) + epsilon), d = x - mean(x): returns x and *epsilon. */
static QfTensor *normalised(const QfTensor *t, double *epsilon)
{
  QfNode *divide = qf_produced_by(t, "ElementWiseDivide");
  QfNode *root = divide ? qf_produced_by(divide->inputs[1], "ElementWiseSquareRoot") : NULL;
  QfNode *sum = root ? qf_produced_by(root->inputs[0], "ElementWiseAdd") : NULL;
  for (int side = 0; sum && side < 2; side++) {
    QfTensor *variance = mean_of(sum->inputs[1 - side]);
    if (qf_is_uniform(sum->inputs[side], epsilon) && variance && is_square_of(variance, divide->inputs[0]))
      return centred(divide->inputs[0]);
  }
  return NULL;
}

static gboolean is_vector(const QfTensor *t, int64_t n)
{
  return t->data && t->dtype == QF_DTYPE_FLOAT32 && t->rank >= 1 && qf_tensor_count(t) == n &&
         t->dims[t->rank - 1] == n;
}

static QfTensor *as_vector(QfGraph *graph, QfTensor *t, int64_t n)
{
  return t->rank == 1 ? t : qf_graph_add_shared(graph, t->name, &n, 1, t);
}

/* A LayerNorm of @x from the node that ends it. */
static void become_layer_norm(QfNode *root, QfTensor *const *inputs, uint32_t n_inputs, double epsilon)
{
  root->op = qf_op_find("LayerNorm");
  QfNormAttrs *attrs = root->attrs = qf_graph_alloc(root->graph, root->op->attrs_size);
  attrs->axes = (QfInts){1, {inputs[0]->rank - 1}};
  attrs->epsilon = (float)epsilon;
  qf_node_set_inputs(root, inputs, n_inputs);
}

/* normalised(x), from its Divide. */
static gboolean name_norm(QfNode *divide)
{
  double epsilon;
  QfTensor *x = normalised(divide->outputs[0], &epsilon);
  if (x)
    become_layer_norm(divide, &x, 1, epsilon);
  return x != NULL;
}

/* What a LayerNorm over the last dimension, without weights, is of. */
static QfTensor *plain_norm_of(const QfTensor *t, double *epsilon)
{
  QfNode *norm = qf_produced_by(t, "LayerNorm");
  const QfNormAttrs *a = norm ? norm->attrs : NULL;
  if (!a || norm->n_inputs != 1 || a->axes.n != 1 || a->axes.v[0] != t->rank - 1)
    return NULL;
  *epsilon = (double)a->epsilon;
  return norm->inputs[0];
}

/* LayerNorm(x) * gamma + beta, from its Add. */
static gboolean name_layer_norm(QfNode *add)
{
  double epsilon;
  for (int side = 0; side < 2; side++) {
    QfNode *scale = qf_produced_by(add->inputs[side], "ElementWiseMultiply");
    for (int k = 0; scale && k < 2; k++) {
      QfTensor *gamma = scale->inputs[k], *beta = add->inputs[1 - side],
               *x = plain_norm_of(scale->inputs[1 - k], &epsilon);
      int64_t n = x && x->rank ? x->dims[x->rank - 1] : 0;
      if (!x || !is_vector(gamma, n) || !is_vector(beta, n) || qf_only_user(scale) != add)
        continue;
      QfTensor *inputs[] = {x, as_vector(add->graph, gamma, n), as_vector(add->graph, beta, n)};
      become_layer_norm(add, inputs, 3, epsilon);
      return TRUE;
    }
  }
  return FALSE;
}

static const struct {
  const char *op;
  gboolean (*apply)(QfNode *root);
} patterns[] = {
    {"ElementWiseMultiply", name_gelu},
    {"ElementWiseDivide", name_norm},
    {"ElementWiseAdd", name_layer_norm},
};

static gboolean run(QfGraph *graph, GError **error)
{
  qf_foreach_node (node, graph)
    for (guint i = 0; i < G_N_ELEMENTS(patterns); i++)
      if (qf_node_is(node, patterns[i].op) && ((QfBinaryAttrs *)node->attrs)->epi.act == QF_ACT_NONE)
        patterns[i].apply(node);
  return TRUE;
}

const QfPass qf_pass_patterns = {"patterns", "recognises LayerNorm and Gelu written out in small operators",
                                 TRUE, run};
