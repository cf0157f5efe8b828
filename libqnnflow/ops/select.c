/* SPDX-License-Identifier: MIT */
/*
 * select.c - what ElementWiseSelect means: a choice by element; all three inputs broadcast from the right.
 */
#include "list.h"
#include "infer.h"

static gboolean infer_select(QfNode *node, GError **error)
{
  int64_t dims[QF_MAX_RANK];
  int32_t rank;
  if (!qf_infer_begin(node, error))
    return FALSE;
  const QfTensor *c = node->inputs[0];
  if (c->dtype != QF_DTYPE_BOOL)
    return qf_infer_fail(error, QF_ERROR_TYPE, "the condition (%s) must be bool, but is %s: add a Cast",
                         c->name, qf_dtype_name(c->dtype));
  return qf_infer_same_type(node, 1, 2, error) && qf_infer_broadcast(node, 0, dims, &rank, error) &&
         qf_infer_set(node, 0, node->inputs[1]->dtype, dims, rank, error);
}

const QfOpDef qf_op_ElementWiseSelect = {
    .name = "ElementWiseSelect",
    .summary = "y = condition ? a : b",
    .min_inputs = 3,
    .max_inputs = 3,
    .min_outputs = 1,
    .max_outputs = 1,
    .move = QF_MOVE_BROADCAST,
    .quant = QF_QUANT_NONE,
    .infer = infer_select,
};
