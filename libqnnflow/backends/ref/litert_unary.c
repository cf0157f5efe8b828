/* SPDX-License-Identifier: MIT */
/*
 * litert_unary.c - operators of one input in the `tflite` scheme: a row an operator in the table at the end. What has no
 * row computes as always. The numbers are made in kernels/litert.
 */
#include "litert.h"
#include "../../ops/list.h"

#include <math.h>

/* One node: its encodings, and how many elements it has. */
typedef struct {
  QfkEncoding x, y;
  size_t n;
} Shape;

typedef struct {
  QfkLitertLeaky q;
  size_t n;
} Leaky;

static void run_leaky(const void *params, const void *const *in, void *const *out)
{
  const Leaky *p = params;
  qfk_litert_leaky_ref(&p->q, in[0], out[0], p->n);
}

/* Two slopes, and bounds in real numbers: the forms of LeakyRelu, the clamps, and the absolute value. */
static gboolean lower_slopes(QfLower *lower, const QfNode *node, const Shape *s, float negative, float lo,
                             float hi)
{
  Leaky *p = qf_lower_alloc(lower, sizeof(*p));
  p->n = s->n;
  p->q = (QfkLitertLeaky){.x_type = s->x.type,
                          .y_type = s->y.type,
                          .x_zero = s->x.zero,
                          .y_zero = s->y.zero,
                          .positive = qfk_fixed_from_real((double)(s->x.scale / s->y.scale)),
                          .negative = qfk_fixed_from_real((double)(s->x.scale * negative / s->y.scale))};
  qf_ref_bounds(&s->y, QF_ACT_CLAMP, lo, hi, &p->q.lo, &p->q.hi);
  qf_ref_lower_plain(lower, node, "litert_leaky_ref", run_leaky, p);
  return TRUE;
}

static gboolean lower_leaky(QfLower *lower, const QfNode *node, const Shape *s)
{
  return lower_slopes(lower, node, s, ((const QfUnaryAttrs *)node->attrs)->alpha, -INFINITY, INFINITY);
}

static gboolean lower_abs(QfLower *lower, const QfNode *node, const Shape *s)
{
  return lower_slopes(lower, node, s, -1, -INFINITY, INFINITY);
}

static gboolean lower_relu(QfLower *lower, const QfNode *node, const Shape *s)
{
  return lower_slopes(lower, node, s, 1, 0, INFINITY);
}

static gboolean lower_relu6(QfLower *lower, const QfNode *node, const Shape *s)
{
  return lower_slopes(lower, node, s, 1, 0, 6);
}

static gboolean lower_clamp(QfLower *lower, const QfNode *node, const Shape *s)
{
  const QfUnaryAttrs *a = node->attrs;
  return lower_slopes(lower, node, s, 1, a->lo, a->hi);
}

static const struct {
  const QfOpDef *op;
  gboolean (*lower)(QfLower *lower, const QfNode *node, const Shape *s);
} rows[] = {
    {&qf_op_LeakyRelu, lower_leaky}, {&qf_op_ElementWiseAbs, lower_abs}, {&qf_op_Relu, lower_relu},
    {&qf_op_Relu6, lower_relu6},     {&qf_op_ReluMinMax, lower_clamp},
};

gboolean qf_ref_litert_unary(QfLower *lower, const QfNode *node)
{
  Shape s = {.n = (size_t)qf_tensor_count(node->outputs[0])};
  if (lower->requant != QF_REQUANT_TFLITE || !qf_ref_is_encoded(node->inputs[0], &s.x) ||
      !qf_ref_is_encoded(node->outputs[0], &s.y) || s.x.type != s.y.type)
    return FALSE;
  for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
    if (rows[i].op == node->op)
      return rows[i].lower(lower, node, &s);
  return FALSE;
}
