/* SPDX-License-Identifier: MIT */
/*
 * detection.c - what DetectionPostProcess means: boxes from anchors, then non-maximum suppression, as TFLite's custom
 * operator TFLite_Detection_PostProcess does it. Numbers: kernels/detection.
 */
#include "list.h"
#include "infer.h"

#define DETECT(member) offsetof(QfDetectionAttrs, member)

static const QfAttrDef detection_attrs[] = {
    {"max_detections", QF_ATTR_INT, DETECT(max_detections), 1, 10, NULL},
    {"max_classes_per_detection", QF_ATTR_INT, DETECT(max_classes_per_detection), 1, 1, NULL},
    {"detections_per_class", QF_ATTR_INT, DETECT(detections_per_class), 1, 100, NULL},
    {"num_classes", QF_ATTR_INT, DETECT(num_classes), 1, 1, NULL},
    {"use_regular_nms", QF_ATTR_BOOL, DETECT(use_regular_nms), 1, 0, NULL},
    {"nms_score_threshold", QF_ATTR_FLOAT, DETECT(score_threshold), 1, 0, NULL},
    {"nms_iou_threshold", QF_ATTR_FLOAT, DETECT(iou_threshold), 1, 0.6, NULL},
    {"y_scale", QF_ATTR_FLOAT, DETECT(scale_y), 1, 10, NULL},
    {"x_scale", QF_ATTR_FLOAT, DETECT(scale_x), 1, 10, NULL},
    {"h_scale", QF_ATTR_FLOAT, DETECT(scale_h), 1, 5, NULL},
    {"w_scale", QF_ATTR_FLOAT, DETECT(scale_w), 1, 5, NULL},
    {NULL},
};

static gboolean check_attrs(const QfDetectionAttrs *a, GError **error)
{
  const int32_t limit = 100000;
  if (a->max_detections < 1 || a->max_detections > limit || a->max_classes_per_detection < 1 ||
      a->max_classes_per_detection > limit || a->num_classes < 1 || a->detections_per_class < 1)
    return qf_infer_fail(error, QF_ERROR_FORMAT,
                         "%d detections of %d classes each, %d a class, of %d classes are not possible",
                         a->max_detections, a->max_classes_per_detection, a->detections_per_class,
                         a->num_classes);
  if (!(a->iou_threshold > 0 && a->iou_threshold <= 1) || !(a->scale_y > 0) || !(a->scale_x > 0) ||
      !(a->scale_h > 0) || !(a->scale_w > 0))
    return qf_infer_fail(error, QF_ERROR_FORMAT,
                         "the overlap threshold %g must lie in (0, 1], and the scales %g, %g, %g, %g above 0",
                         a->iou_threshold, a->scale_y, a->scale_x, a->scale_h, a->scale_w);
  return TRUE;
}

static gboolean infer_detection(QfNode *node, GError **error)
{
  const QfDetectionAttrs *a = node->attrs;
  if (!qf_infer_begin(node, error) || !qf_infer_rank(node, 0, 3, 3, error) ||
      !qf_infer_rank(node, 1, 3, 3, error) || !qf_infer_rank(node, 2, 2, 2, error) || !check_attrs(a, error))
    return FALSE;
  const int64_t *boxes = node->inputs[0]->dims, *scores = node->inputs[1]->dims;
  const int64_t *anchors = node->inputs[2]->dims;
  int64_t offset = scores[2] - a->num_classes;
  if (boxes[0] != 1 || scores[0] != 1 || boxes[1] != scores[1] || boxes[1] != anchors[0] || boxes[2] < 4 ||
      anchors[1] != 4 || offset < 0 || offset > 1 || boxes[1] > INT32_MAX / 4)
    return qf_infer_fail(error, QF_ERROR_SHAPE,
                         "boxes 1xNx4, scores 1xNx%d (or one more) and anchors Nx4 are needed, but the sizes "
                         "are %" G_GINT64_FORMAT "x%" G_GINT64_FORMAT "x%" G_GINT64_FORMAT
                         ", %" G_GINT64_FORMAT "x%" G_GINT64_FORMAT "x%" G_GINT64_FORMAT
                         " and %" G_GINT64_FORMAT "x%" G_GINT64_FORMAT,
                         a->num_classes, boxes[0], boxes[1], boxes[2], scores[0], scores[1], scores[2],
                         anchors[0], anchors[1]);
  if (a->max_classes_per_detection > a->num_classes)
    return qf_infer_fail(error, QF_ERROR_FORMAT, "%d classes per detection are wanted of %d",
                         a->max_classes_per_detection, a->num_classes);
  int64_t n =
      a->use_regular_nms ? a->max_detections : (int64_t)a->max_detections * a->max_classes_per_detection;
  int64_t out[3] = {1, n, 4}, one = 1;
  return qf_infer_set(node, 0, QF_DTYPE_FLOAT32, out, 3, error) &&
         qf_infer_set(node, 1, QF_DTYPE_FLOAT32, out, 2, error) &&
         qf_infer_set(node, 2, QF_DTYPE_FLOAT32, out, 2, error) &&
         qf_infer_set(node, 3, QF_DTYPE_FLOAT32, &one, 1, error);
}

const QfOpDef qf_op_DetectionPostProcess = {
    .name = "DetectionPostProcess",
    .summary = "boxes, classes, scores and their number after non-maximum suppression",
    .min_inputs = 3,
    .max_inputs = 3,
    .min_outputs = 4,
    .max_outputs = 4,
    .attrs_size = sizeof(QfDetectionAttrs),
    .attrs = detection_attrs,
    .move = QF_MOVE_FIXED,
    .quant = QF_QUANT_NONE,
    .infer = infer_detection,
};
