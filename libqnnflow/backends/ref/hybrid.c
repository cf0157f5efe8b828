/* SPDX-License-Identifier: MIT */
/*
 * hybrid.c - the row of HybridConv2d: one image at a time is quantized in the scratch.
 */
#include "weighted.h"
#include "kernels/litert/litert.h"

static void run(const QfStep *step, const QfExec *exec)
{
  const QfkLitertHybrid *p = step->params;
  qfk_litert_hybrid_ref(p, qf_step_in(step, exec, 0), qf_step_in(step, exec, 1), qf_step_in(step, exec, 2),
                        (int8_t *)exec->scratch, qf_step_out(step, exec, 0));
}

gboolean qf_ref_lower_hybrid(QfLower *lower, QfNode *node, GError **error)
{
  const QfHybridAttrs *a = node->attrs;
  const QfTensor *x = node->inputs[0], *w = node->inputs[1], *y = node->outputs[0];
  QfkLitertHybrid *p = qf_lower_alloc(lower, sizeof(*p));
  float *scale = qf_lower_alloc(lower, w->enc.count * sizeof(*scale));
  if (!qf_ref_fits_int32(x) || !qf_ref_fits_int32(w) || !qf_ref_fits_int32(y))
    return qf_ref_unsupported(node, error, "a dimension is beyond 2^30", "use a smaller one");
  for (uint32_t i = 0; i < w->enc.count; i++)
    scale[i] = w->enc.entries[i].scale;
  *p = (QfkLitertHybrid){.shape = {.n = (int32_t)x->dims[0],
                                   .h = (int32_t)x->dims[1],
                                   .w = (int32_t)x->dims[2],
                                   .c = (int32_t)x->dims[3],
                                   .oh = (int32_t)y->dims[1],
                                   .ow = (int32_t)y->dims[2],
                                   .kh = (int32_t)w->dims[0],
                                   .kw = (int32_t)w->dims[1],
                                   .m = (int32_t)y->dims[3],
                                   .stride = {a->conv.stride[0], a->conv.stride[1]},
                                   .dilation = {a->conv.dilation[0], a->conv.dilation[1]},
                                   .pad = {a->conv.pad[0], a->conv.pad[2]},
                                   .group = a->conv.group},
                         .depthwise = a->depthwise != 0,
                         .asymmetric = a->asymmetric != 0,
                         .bias_first = a->bias_first != 0,
                         .per_channel = w->enc.count > 1,
                         .w_scale = scale,
                         .act = {.act = a->conv.epi.act,
                                 .lo = a->conv.epi.lo,
                                 .hi = a->conv.epi.hi,
                                 .alpha = a->conv.epi.alpha}};
  size_t image = (size_t)qf_dims_count(x->dims + 1, 3);
  qf_lower_step(lower, node, QF_REF_UNIT, "litert_hybrid_ref", run, p, MAX(image, 1));
  return TRUE;
}
