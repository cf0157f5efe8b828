/* SPDX-License-Identifier: MIT */
/*
 * binary.c - rows of the elementwise operators of two inputs, and of ElementWiseSelect.
 */
#include "litert.h"
#include "../../ops/list.h"
#include "kernels/copy/copy.h"

static const struct {
  const QfOpDef *op;
  QfkBinaryOp kernel;
} kinds[] = {
    {&qf_op_ElementWiseAdd, QFK_BINARY_ADD},
    {&qf_op_ElementWiseSubtract, QFK_BINARY_SUB},
    {&qf_op_ElementWiseMultiply, QFK_BINARY_MUL},
    {&qf_op_ElementWiseDivide, QFK_BINARY_DIV},
    {&qf_op_ElementWiseMaximum, QFK_BINARY_MAX},
    {&qf_op_ElementWiseMinimum, QFK_BINARY_MIN},
    {&qf_op_ElementWisePower, QFK_BINARY_POW},
    {&qf_op_ElementWiseFloorDiv, QFK_BINARY_FLOORDIV},
    {&qf_op_ElementWiseMod, QFK_BINARY_MOD},
    {&qf_op_ElementWiseFmod, QFK_BINARY_FMOD},
    {&qf_op_ElementWiseSquaredDifference, QFK_BINARY_SQUARED_DIFFERENCE},
    {&qf_op_Prelu, QFK_BINARY_PRELU},
    {&qf_op_ElementWiseAnd, QFK_BINARY_AND},
    {&qf_op_ElementWiseOr, QFK_BINARY_OR},
    {&qf_op_ElementWiseXor, QFK_BINARY_XOR},
    {&qf_op_BitShiftLeft, QFK_BINARY_SHIFT_LEFT},
    {&qf_op_BitShiftRight, QFK_BINARY_SHIFT_RIGHT},
    {&qf_op_ElementWiseEqual, QFK_BINARY_EQUAL},
    {&qf_op_ElementWiseNotEqual, QFK_BINARY_NOT_EQUAL},
    {&qf_op_ElementWiseLess, QFK_BINARY_LESS},
    {&qf_op_ElementWiseLessEqual, QFK_BINARY_LESS_EQUAL},
    {&qf_op_ElementWiseGreater, QFK_BINARY_GREATER},
    {&qf_op_ElementWiseGreaterEqual, QFK_BINARY_GREATER_EQUAL},
};

#define RUN(name)                                                                                            \
  static void run_##name(const void *params, const void *const *in, void *const *out)                        \
  {                                                                                                          \
    qfk_binary_##name##_ref(params, in[0], in[1], out[0]);                                                   \
  }
RUN(f32)
RUN(f64)
RUN(i64)
RUN(u64)
RUN(int)

gboolean qf_ref_lower_binary(QfLower *lower, QfNode *node, GError **error)
{
  const QfEpilogue *epi = &((const QfBinaryAttrs *)node->attrs)->epi;
  const QfTensor *y = node->outputs[0], *const tensors[] = {y, node->inputs[0], node->inputs[1]};
  QfkBinary *p = qf_lower_alloc(lower, sizeof(*p));
  QfkEncoding ea, eb, ey;
  for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
    if (kinds[i].op == node->op)
      p->op = kinds[i].kernel;
  p->act = (QfkEpilogue){.act = epi->act, .lo = epi->lo, .hi = epi->hi, .alpha = epi->alpha};
  qf_ref_broadcast_nest(&p->nd, y->dims, y->rank, tensors, 3);
  if (p->op < QFK_BINARY_AND && qf_ref_is_encoded(tensors[1], &ea) && qf_ref_is_encoded(tensors[2], &eb) &&
      qf_ref_is_encoded(y, &ey)) {
    qfk_binary_int_init(p, ea, eb, ey);
    if (qf_ref_litert_binary(lower, node, p, ea, eb, ey))
      return TRUE;
    if (lower->requant == QF_REQUANT_FIXED && qfk_binary_is_linear(p->op, p->act.act))
      qfk_binary_fixed_init(p, qf_lower_alloc(lower, sizeof(*p->q.fixed)), ea, eb, ey);
    qf_ref_lower_plain(lower, node, "binary_int_ref", run_int, p);
    return TRUE;
  }
  QfDType domain = qf_ref_domain(tensors[1]);
  QfRefFunc run = qf_ref_by_domain(tensors[1], run_f32, run_f64, run_i64, run_u64);
  qf_ref_lower_as(lower, node, "binary_ref", run, p,
                  (QfRefPorts){.as = domain, .in = QF_REF_ALL_PORTS, .out = QF_REF_ALL_PORTS});
  return TRUE;
}

typedef struct {
  QfkNd nd;
  uint32_t element_bytes;
} Select;

static void run_select(const void *params, const void *const *in, void *const *out)
{
  const Select *p = params;
  qfk_select_ref(&p->nd, p->element_bytes, in[0], in[1], in[2], out[0]);
}

gboolean qf_ref_lower_select(QfLower *lower, QfNode *node, GError **error)
{
  const QfTensor *y = node->outputs[0];
  const QfTensor *const tensors[] = {y, node->inputs[0], node->inputs[1], node->inputs[2]};
  gboolean same = qf_ref_same_form(tensors[2], y) && qf_ref_same_form(tensors[3], y);
  Select *p = qf_lower_alloc(lower, sizeof(*p));
  qf_ref_broadcast_nest(&p->nd, y->dims, y->rank, tensors, 4);
  p->element_bytes = (uint32_t)(same ? qf_dtype_size(y->dtype) : sizeof(float));
  if (same)
    qf_ref_lower_plain(lower, node, "select_ref", run_select, p);
  else
    qf_ref_lower_real(lower, node, "select_ref", run_select, p, 6, 1);
  return TRUE;
}
