/* SPDX-License-Identifier: MIT */
/*
 * detection.c - the row of DetectionPostProcess. Quantized boxes, scores and anchors are made real in the scratch before the kernel's own
 * work space.
 */
#include "ref.h"
#include "kernels/detection/detection.h"

typedef struct {
  QfkDetection detection;
  size_t count[3]; /* elements of boxes, scores, anchors */
  QfScaleOffset enc[3];
  QfDType dtype[3];
  size_t offset[3]; /* of the float copies in the scratch */
  size_t work;      /* of the kernel's work space */
} Params;

static const float *real_input(const Params *p, const QfStep *step, const QfExec *exec, uint32_t i)
{
  const void *data = qf_step_in(step, exec, i);
  float *real = (float *)(void *)(exec->scratch + p->offset[i]);
  if (p->dtype[i] == QF_DTYPE_FLOAT32)
    return data;
  gboolean is_signed = p->dtype[i] == QF_DTYPE_INT8;
  for (size_t k = 0; k < p->count[i]; k++) {
    int32_t q = is_signed ? ((const int8_t *)data)[k] : ((const uint8_t *)data)[k];
    real[k] = (float)(q + p->enc[i].offset) * p->enc[i].scale;
  }
  return real;
}

static void run(const QfStep *step, const QfExec *exec)
{
  const Params *p = step->params;
  qfk_detection_ref(&p->detection, real_input(p, step, exec, 0), real_input(p, step, exec, 1),
                    real_input(p, step, exec, 2), exec->scratch + p->work, qf_step_out(step, exec, 0),
                    qf_step_out(step, exec, 1), qf_step_out(step, exec, 2), qf_step_out(step, exec, 3));
}

static void describe(QfkDetection *d, const QfNode *node)
{
  const QfDetectionAttrs *a = node->attrs;
  *d = (QfkDetection){.boxes = (int32_t)node->inputs[0]->dims[1],
                      .box_width = (int32_t)node->inputs[0]->dims[2],
                      .classes = a->num_classes,
                      .score_width = (int32_t)node->inputs[1]->dims[2],
                      .max_detections = a->max_detections,
                      .max_classes = a->max_classes_per_detection,
                      .per_class = a->detections_per_class,
                      .regular = a->use_regular_nms != 0,
                      .score_threshold = a->score_threshold,
                      .iou_threshold = a->iou_threshold,
                      .scale_y = a->scale_y,
                      .scale_x = a->scale_x,
                      .scale_h = a->scale_h,
                      .scale_w = a->scale_w};
}

gboolean qf_ref_lower_detection(QfLower *lower, QfNode *node, GError **error)
{
  Params *p = qf_lower_alloc(lower, sizeof(*p));
  size_t scratch = 0;
  describe(&p->detection, node);
  for (uint32_t i = 0; i < 3; i++) {
    const QfTensor *t = node->inputs[i];
    if (t->dtype != QF_DTYPE_FLOAT32 &&
        ((t->dtype != QF_DTYPE_INT8 && t->dtype != QF_DTYPE_UINT8) || t->enc.count != 1))
      return qf_ref_unsupported(node, error,
                                "boxes, scores and anchors must be float32 or 8 bits with one scale",
                                "add a Dequantize");
    p->dtype[i] = t->dtype;
    p->count[i] = (size_t)qf_tensor_count(t);
    p->offset[i] = scratch;
    if (t->enc.count)
      p->enc[i] = t->enc.entries[0];
    scratch += (p->count[i] * sizeof(float) + QF_ALIGNMENT - 1) / QF_ALIGNMENT * QF_ALIGNMENT;
  }
  p->work = scratch;
  scratch += qfk_detection_scratch(&p->detection);
  qf_lower_step(lower, node, QF_REF_UNIT, "detection_ref", run, p, scratch);
  return TRUE;
}
