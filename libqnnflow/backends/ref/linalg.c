/* SPDX-License-Identifier: MIT */
/*
 * linalg.c - rows of Det and Inverse.
 */
#include "ref.h"
#include "../../ops/list.h"
#include "kernels/linalg/linalg.h"

static void run_det(const void *params, const void *const *in, void *const *out)
{
  qfk_det_f32_ref(params, in[0], out[0], out[1]);
}

static void run_inverse(const void *params, const void *const *in, void *const *out)
{
  qfk_inverse_f32_ref(params, in[0], out[0], out[1]);
}

gboolean qf_ref_lower_matrices(QfLower *lower, QfNode *node, GError **error)
{
  const QfTensor *x = node->inputs[0];
  const gboolean inverse = node->op == &qf_op_Inverse;
  QfkMatrices *p = qf_lower_alloc(lower, sizeof(*p));
  *p = (QfkMatrices){.count = qf_dims_count(x->dims, x->rank - 2),
                     .n = x->dims[x->rank - 1],
                     .inverse = inverse};
  qf_ref_lower_as(lower, node, inverse ? "inverse_f32_ref" : "det_f32_ref", inverse ? run_inverse : run_det,
                  p,
                  (QfRefPorts){.as = QF_DTYPE_FLOAT32,
                               .in = 1,
                               .out = 1,
                               .scratch = (size_t)(2 * p->n * p->n + 1) * sizeof(double)});
  return TRUE;
}
