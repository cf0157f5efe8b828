/* SPDX-License-Identifier: MIT */
/*
 * unary.c - rows of the elementwise operators of one input. 8-bit encoded tensors go through a table.
 */
#include "litert.h"
#include "../../graph/numbers.h"
#include "../../ops/list.h"
#include "kernels/unary/unary.h"

#include <math.h>

static const struct {
  const QfOpDef *op;
  QfkUnaryOp kernel;
  float lo, hi; /* of CLAMP, when the operator fixes them */
} kinds[] = {
    {&qf_op_ElementWiseAbs, QFK_UNARY_ABS, 0, 0},
    {&qf_op_ElementWiseNeg, QFK_UNARY_NEG, 0, 0},
    {&qf_op_ElementWiseExp, QFK_UNARY_EXP, 0, 0},
    {&qf_op_ElementWiseLog, QFK_UNARY_LOG, 0, 0},
    {&qf_op_ElementWiseSquareRoot, QFK_UNARY_SQRT, 0, 0},
    {&qf_op_ElementWiseRsqrt, QFK_UNARY_RSQRT, 0, 0},
    {&qf_op_ElementWiseReciprocal, QFK_UNARY_RECIPROCAL, 0, 0},
    {&qf_op_ElementWiseFloor, QFK_UNARY_FLOOR, 0, 0},
    {&qf_op_ElementWiseCeil, QFK_UNARY_CEIL, 0, 0},
    {&qf_op_ElementWiseRound, QFK_UNARY_ROUND, 0, 0},
    {&qf_op_ElementWiseSign, QFK_UNARY_SIGN, 0, 0},
    {&qf_op_ElementWiseSin, QFK_UNARY_SIN, 0, 0},
    {&qf_op_ElementWiseCos, QFK_UNARY_COS, 0, 0},
    {&qf_op_ElementWiseNot, QFK_UNARY_NOT, 0, 0},
    {&qf_op_Tan, QFK_UNARY_TAN, 0, 0},
    {&qf_op_ElementWiseAsin, QFK_UNARY_ASIN, 0, 0},
    {&qf_op_Acos, QFK_UNARY_ACOS, 0, 0},
    {&qf_op_ElementWiseAtan, QFK_UNARY_ATAN, 0, 0},
    {&qf_op_Sinh, QFK_UNARY_SINH, 0, 0},
    {&qf_op_Cosh, QFK_UNARY_COSH, 0, 0},
    {&qf_op_Asinh, QFK_UNARY_ASINH, 0, 0},
    {&qf_op_Acosh, QFK_UNARY_ACOSH, 0, 0},
    {&qf_op_Atanh, QFK_UNARY_ATANH, 0, 0},
    {&qf_op_Erf, QFK_UNARY_ERF, 0, 0},
    {&qf_op_Relu, QFK_UNARY_CLAMP, 0, INFINITY},
    {&qf_op_Relu6, QFK_UNARY_CLAMP, 0, 6},
    {&qf_op_ReluMinMax, QFK_UNARY_CLAMP, 0, 0},
    {&qf_op_LeakyRelu, QFK_UNARY_LEAKY, 0, 0},
    {&qf_op_Elu, QFK_UNARY_ELU, 0, 0},
    {&qf_op_Sigmoid, QFK_UNARY_SIGMOID, 0, 0},
    {&qf_op_HardSigmoid, QFK_UNARY_HARD_SIGMOID, 0, 0},
    {&qf_op_HardSwish, QFK_UNARY_HARD_SWISH, 0, 0},
    {&qf_op_Silu, QFK_UNARY_SILU, 0, 0},
    {&qf_op_Tanh, QFK_UNARY_TANH, 0, 0},
    {&qf_op_Gelu, QFK_UNARY_GELU, 0, 0},
    {&qf_op_Softplus, QFK_UNARY_SOFTPLUS, 0, 0},
};

typedef struct {
  QfkUnary unary;
  size_t n;
  uint8_t table[256];
} Params;

#define RUN(name)                                                                                            \
  static void run_##name(const void *params, const void *const *in, void *const *out)                        \
  {                                                                                                          \
    const Params *p = params;                                                                                \
    qfk_unary_##name##_ref(&p->unary, in[0], out[0], p->n);                                                  \
  }
RUN(f32)
RUN(f64)
RUN(i64)
RUN(u64)

static void run_table(const void *params, const void *const *in, void *const *out)
{
  const Params *p = params;
  qfk_lookup_u8_ref(p->table, in[0], out[0], p->n);
}

static void describe(const QfNode *node, QfkUnary *u)
{
  const QfUnaryAttrs *a = node->attrs;
  *u = (QfkUnary){.op = QFK_N_UNARY, .alpha = a->alpha, .beta = a->beta, .lo = a->lo, .hi = a->hi};
  for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
    if (kinds[i].op != node->op)
      continue;
    u->op = kinds[i].kernel;
    if (kinds[i].hi > 0) {
      u->lo = kinds[i].lo;
      u->hi = kinds[i].hi;
    }
  }
  if (u->op == QFK_UNARY_GELU && a->approximate)
    u->op = QFK_UNARY_GELU_TANH;
}

gboolean qf_ref_unary_table(const QfNode *node, uint8_t *table)
{
  QfkEncoding x, y;
  QfkUnary unary;
  if (!qf_ref_is_encoded(node->inputs[0], &x) || !qf_ref_is_encoded(node->outputs[0], &y) ||
      x.type > QFK_S8 || y.type > QFK_S8)
    return FALSE;
  describe(node, &unary);
  qfk_unary_table(&unary, x.type, x.scale, x.zero, y.type, y.scale, y.zero, table);
  return TRUE;
}

gboolean qf_ref_unary_table16(const QfNode *node, uint16_t *table)
{
  const QfTensor *in = node->inputs[0], *out = node->outputs[0];
  QfkEncoding x, y;
  QfkUnary unary;
  if (!qf_ref_is_encoded(in, &x) || !qf_ref_is_encoded(out, &y) || x.type <= QFK_S8 || y.type <= QFK_S8)
    return FALSE;
  describe(node, &unary);
  for (uint32_t i = 0; table && i <= UINT16_MAX; i++) { /* as ports are converted: real.c */
    const uint16_t stored = (uint16_t)i;
    const float real = (float)(qf_number_real(in->dtype, &stored, 0) - x.zero) * x.scale;
    float v;
    qfk_unary_f32_ref(&unary, &real, &v, 1);
    qf_number_store(out->dtype, table, i, (double)rintf(v / y.scale) + y.zero);
  }
  return TRUE;
}

/* NOT of bool is a table as well: any byte but 0 is true. */
static gboolean fill_table(Params *p, const QfNode *node)
{
  if (p->unary.op == QFK_UNARY_NOT && node->inputs[0]->dtype == QF_DTYPE_BOOL) {
    p->table[0] = 1;
    return TRUE;
  }
  return qf_ref_unary_table(node, p->table);
}

gboolean qf_ref_lower_unary(QfLower *lower, QfNode *node, GError **error)
{
  const QfTensor *x = node->inputs[0], *y = node->outputs[0];
  if (qf_ref_litert_unary(lower, node))
    return TRUE;
  Params *p = qf_lower_alloc(lower, sizeof(*p));
  describe(node, &p->unary);
  p->n = (size_t)qf_tensor_count(y);
  if (fill_table(p, node)) {
    qf_ref_lower_plain(lower, node, "lookup_u8_ref", run_table, p);
    return TRUE;
  }
  QfDType domain = qf_ref_domain(x);
  QfRefFunc run = qf_ref_by_domain(x, run_f32, run_f64, run_i64, run_u64);
  qf_ref_lower_as(lower, node, "unary_ref", run, p, (QfRefPorts){.as = domain, .in = 1, .out = 1});
  return TRUE;
}
