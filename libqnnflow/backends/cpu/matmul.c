/* SPDX-License-Identifier: MIT */
/*
 * matmul.c - steps of FullyConnected: its rows are the pixels of an image of one row, its weights a 1x1 filter.
 */
#include "weighted.h"

gboolean qf_cpu_fully_connected(QfLower *lower, QfNode *node)
{
  const QfFullyConnectedAttrs *a = node->attrs;
  const QfTensor *x = node->inputs[0], *w = node->inputs[1];
  g_auto(QfCpuWeighted) wt = {0};
  if (w->dims[0] > INT32_MAX / 2 || w->dims[1] > INT32_MAX / 2 || !w->dims[1] ||
      qf_tensor_count(x) > INT32_MAX)
    return FALSE;
  if (!qf_cpu_weighted_init(&wt, node, &a->epi, (int32_t)w->dims[0]))
    return FALSE;
  const int32_t k = (int32_t)w->dims[1], rows = (int32_t)(qf_tensor_count(x) / k);
  QfkConvShape s = {.n = 1,
                    .h = 1,
                    .w = rows,
                    .c = k,
                    .oh = 1,
                    .ow = rows,
                    .oc = wt.oc,
                    .kh = 1,
                    .kw = 1,
                    .stride = {1, 1},
                    .dilation = {1, 1},
                    .group = 1};
  QfkPack pack = {.w = wt.weights,
                  .row = 1,
                  .col = k,
                  .n_seg = 1,
                  .k = (uint32_t)k,
                  .n = (uint32_t)wt.oc,
                  .w_type = wt.w_type,
                  .w_zero = wt.w_zero};
  const QfkTileKernel *kernel = qf_cpu_tile_kernel(&wt, &pack);
  if (!kernel)
    return FALSE;
  QfkIgemm *plan = qf_lower_alloc(lower, sizeof(*plan));
  qfk_igemm_conv(plan, kernel, &s, qf_lower_alloc(lower, sizeof(QfkSeg)));
  qf_cpu_igemm_fill(lower, plan, &wt, pack);
  qf_cpu_igemm_step(lower, node, plan, 1, wt.residual);
  return TRUE;
}
