/* SPDX-License-Identifier: MIT */
/*
 * ssd.c - the row of SsdDetectionOutput: sizes and attributes into the kernel's struct, once.
 */
#include "ref.h"
#include "kernels/detection/ssd.h"

static void run(const QfStep *step, const QfExec *exec)
{
  qfk_ssd_ref(step->params, qf_step_in(step, exec, 0), qf_step_in(step, exec, 1), qf_step_in(step, exec, 2),
              exec->scratch, qf_step_out(step, exec, 0));
}

gboolean qf_ref_lower_ssd(QfLower *lower, QfNode *node, GError **error)
{
  const QfSsdAttrs *a = node->attrs;
  for (uint32_t i = 0; i < 3; i++)
    if (node->inputs[i]->dtype != QF_DTYPE_FLOAT32)
      return qf_ref_unsupported(node, error, "boxes, scores and priors must be float32", "add a Dequantize");
  QfkSsd *d = qf_lower_alloc(lower, sizeof(*d));
  *d = (QfkSsd){.images = (int32_t)node->inputs[0]->dims[0],
                .priors = (int32_t)(node->inputs[2]->dims[2] / 4),
                .classes = a->num_classes,
                .places = a->share_location ? 1 : a->num_classes,
                .background = a->background_class,
                .top_k = a->top_k,
                .keep_top_k = a->keep_top_k,
                .rows = (int32_t)node->outputs[0]->dims[2],
                .code = a->code_type,
                .variance_in_target = a->variance_in_target != 0,
                .nms_threshold = a->nms_threshold,
                .nms_eta = a->nms_eta,
                .confidence_threshold = a->confidence_threshold};
  qf_lower_step(lower, node, QF_REF_UNIT, "ssd_ref", run, d, qfk_ssd_scratch(d));
  return TRUE;
}
