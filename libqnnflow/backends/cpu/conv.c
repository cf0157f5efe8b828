/* SPDX-License-Identifier: MIT */
/*
 * conv.c - steps of Conv2d and TransposeConv2d: an implicit GEMM plan, or one for each phase of a transposed convolution.
 */
#include "weighted.h"

static gboolean fits_int32(const QfTensor *t)
{
  for (int32_t i = 0; i < t->rank; i++)
    if (t->dims[i] > INT32_MAX / 2)
      return FALSE;
  return qf_tensor_count(t) <= INT32_MAX;
}

gboolean qf_cpu_conv_shape(const QfNode *node, QfkConvShape *s)
{
  const QfConv2dAttrs *a = node->attrs;
  const QfTensor *x = node->inputs[0], *w = node->inputs[1], *y = node->outputs[0];
  if (!fits_int32(x) || !fits_int32(w) || !fits_int32(y))
    return FALSE;
  *s = (QfkConvShape){.n = (int32_t)x->dims[0],
                      .h = (int32_t)x->dims[1],
                      .w = (int32_t)x->dims[2],
                      .c = (int32_t)x->dims[3],
                      .oh = (int32_t)y->dims[1],
                      .ow = (int32_t)y->dims[2],
                      .oc = (int32_t)y->dims[3],
                      .kh = (int32_t)w->dims[0],
                      .kw = (int32_t)w->dims[1],
                      .stride = {a->stride[0], a->stride[1]},
                      .dilation = {a->dilation[0], a->dilation[1]},
                      .pad = {a->pad[0], a->pad[2]},
                      .group = a->group};
  return TRUE;
}

/* The weights as a matrix with one row for each tap and input channel. */
static QfkPack whole_matrix(const QfCpuWeighted *wt, const QfkConvShape *s)
{
  return (QfkPack){.w = wt->weights,
                   .row = s->oc,
                   .col = 1,
                   .n_seg = 1,
                   .k = (uint32_t)(s->kh * s->kw * (s->c / s->group)),
                   .n = (uint32_t)s->oc,
                   .w_type = wt->w_type,
                   .w_zero = wt->w_zero};
}

static void fill(QfLower *lower, QfkIgemm *plan, const QfCpuWeighted *wt, const QfkConvShape *s,
                 const int32_t *seg_row)
{
  QfkPack pack = whole_matrix(wt, s);
  pack.n = (uint32_t)(s->oc / s->group);
  pack.n_seg = plan->n_seg;
  pack.k /= (uint32_t)(s->kh * s->kw);
  pack.k *= (uint32_t)plan->segs[0].nx;
  pack.seg_row = seg_row;
  qf_cpu_igemm_fill(lower, plan, wt, pack);
}

static uint32_t lower_phases(QfLower *lower, const QfCpuWeighted *wt, const QfkConvShape *s,
                             const QfkTileKernel *kernel, QfkIgemm *plans)
{
  const size_t taps = (size_t)(s->kh * s->kw) + 1;
  uint32_t n = 0;
  for (int32_t py = 0; py < s->stride[0]; py++)
    for (int32_t px = 0; px < s->stride[1]; px++) {
      QfkSeg *segs = qf_lower_alloc(lower, taps * sizeof(*segs));
      g_autofree int32_t *seg_row = g_new0(int32_t, taps);
      if (qfk_igemm_deconv(&plans[n], kernel, s, py, px, segs, seg_row))
        fill(lower, &plans[n++], wt, s, seg_row);
    }
  return n;
}

gboolean qf_cpu_conv_shaped(QfLower *lower, const QfNode *node, const QfCpuWeighted *wt,
                            const QfkConvShape *s, gboolean transposed)
{
  QfkPack all = whole_matrix(wt, s);
  const QfkTileKernel *kernel = qf_cpu_tile_kernel(lower, wt, &all);
  if (!kernel)
    return FALSE;
  if (!transposed && qf_cpu_wino(lower, node, wt, kernel->kind, &all, s))
    return TRUE;
  uint32_t n = transposed ? (uint32_t)(s->stride[0] * s->stride[1]) : 1;
  QfkIgemm *plans = qf_lower_alloc(lower, n * sizeof(*plans));
  if (transposed) {
    n = lower_phases(lower, wt, s, kernel, plans);
  } else {
    kernel = qf_cpu_pairs_kernel(lower, wt, kernel, &all, s);
    qfk_igemm_conv(plans, kernel, s, qf_lower_alloc(lower, (size_t)(s->kh * s->kw) * sizeof(QfkSeg)));
    fill(lower, plans, wt, s, NULL);
  }
  qf_cpu_igemm_step(lower, node, wt, plans, n);
  return TRUE;
}

gboolean qf_cpu_conv(QfLower *lower, QfNode *node)
{
  const QfConv2dAttrs *a = node->attrs;
  g_auto(QfCpuWeighted) wt = {0};
  QfkConvShape s;
  if (!qf_cpu_conv_shape(node, &s) || !qf_cpu_weighted_init(&wt, lower, node, &a->epi, s.oc))
    return FALSE;
  return qf_cpu_conv_shaped(lower, node, &wt, &s, g_str_equal(node->op->name, "TransposeConv2d"));
}
