/* SPDX-License-Identifier: MIT */
/*
 * nd.c - loop nests from tensors.
 */
#include "nd.h"

static void start(QfkNd *nd, const QfTensor *out, int32_t n_operands)
{
  *nd = (QfkNd){.rank = MAX(out->rank, 1), .n_operands = n_operands, .dims = {1}};
  for (int i = 0; i < out->rank; i++)
    nd->dims[i] = out->dims[i];
  for (int64_t i = nd->rank - 1, stride = 1; i >= 0; stride *= nd->dims[i], i--)
    nd->stride[0][i] = stride;
}

void qf_cpu_nd_broadcast(QfkNd *nd, const QfTensor *out, QfTensor *const *inputs, uint32_t n_inputs)
{
  start(nd, out, (int32_t)n_inputs + 1);
  for (uint32_t k = 0; k < n_inputs; k++) {
    const QfTensor *in = inputs[k];
    int64_t stride = 1;
    for (int i = 1; i <= in->rank; i++) {
      int64_t dim = in->dims[in->rank - i];
      nd->stride[k + 1][nd->rank - i] = dim == 1 ? 0 : stride;
      stride *= dim;
    }
  }
  qfk_nd_collapse(nd);
}

void qf_cpu_nd_transpose(QfkNd *nd, const QfTensor *out, const QfTensor *in, const int64_t *perm)
{
  int64_t stride[QF_MAX_RANK], s = 1;
  start(nd, out, 2);
  for (int i = in->rank - 1; i >= 0; i--) {
    stride[i] = s;
    s *= in->dims[i];
  }
  for (int i = 0; i < in->rank; i++)
    nd->stride[1][i] = stride[perm[i]];
  qfk_nd_collapse(nd);
}
