/* SPDX-License-Identifier: MIT */
/*
 * linalg.c - what Det and Inverse mean. Numbers: kernels/linalg.
 */
#include "list.h"
#include "infer.h"

static gboolean infer_square(QfNode *node, GError **error)
{
  if (!qf_infer_begin(node, error) || !qf_infer_rank(node, 0, 2, QF_MAX_RANK, error))
    return FALSE;
  const QfTensor *x = node->inputs[0];
  const int64_t n = x->dims[x->rank - 1];
  if (n != x->dims[x->rank - 2] || n > 4096)
    return qf_infer_fail(error, QF_ERROR_SHAPE, "its input (%s) must be square matrices of at most 4096 rows",
                         x->name);
  if (!qf_infer_numbers(node, 0, QF_NUMBERS_FLOAT, error))
    return FALSE;
  const gboolean matrix = node->op == &qf_op_Inverse;
  return qf_infer_set(node, 0, x->dtype, x->dims, matrix ? x->rank : x->rank - 2, error);
}

static uint64_t macs(const QfNode *node)
{
  const QfTensor *x = node->inputs[0];
  const uint64_t n = (uint64_t)x->dims[x->rank - 1];
  return qf_infer_product((uint64_t)qf_tensor_count(x), node->op == &qf_op_Inverse ? 2 * n : n);
}

#define LINALG(Name, text)                                                                                   \
  const QfOpDef qf_op_##Name = {                                                                             \
      .name = #Name,                                                                                         \
      .summary = text,                                                                                       \
      .min_inputs = 1,                                                                                       \
      .max_inputs = 1,                                                                                       \
      .min_outputs = 1,                                                                                      \
      .max_outputs = 1,                                                                                      \
      .move = QF_MOVE_FIXED,                                                                                 \
      .quant = QF_QUANT_NONE,                                                                                \
      .infer = infer_square,                                                                                 \
      .macs = macs,                                                                                          \
  };

LINALG(Det, "y = determinant of each matrix")
LINALG(Inverse, "y = inverse of each matrix")
